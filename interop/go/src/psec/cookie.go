package psec

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"io"
	"math"
	"net/netip"
	"strings"
	"time"
)

const (
	nameSize   = 9
	cookieTime = 4
	cookieMAC  = 16
	cookieSize = cookieTime + cookieMAC
	cookieLife = 10 * time.Second
	keyLife    = 15 * time.Second
)

type cookieKey struct {
	bytes [sha256.Size]byte
	made  time.Duration
	used  bool
}

// Cookies makes and checks the cookies of one endpoint. It holds keys only while there may be cookies.
type Cookies struct {
	Random            io.Reader
	current, previous cookieKey
}

// Tick replaces and wipes keys that are too old, and returns when it has to be called again.
func (c *Cookies) Tick(now time.Duration) time.Duration {
	if c.previous.used && now-c.previous.made >= 2*keyLife {
		c.previous = cookieKey{}
	}
	if c.current.used && now-c.current.made >= keyLife {
		c.previous, c.current = c.current, cookieKey{}
		return c.Tick(now)
	}
	next := time.Duration(math.MaxInt64)
	if c.previous.used {
		next = c.previous.made + 2*keyLife
	}
	if c.current.used && c.current.made+keyLife < next {
		next = c.current.made + keyLife
	}
	return next
}

// RetryName is how the string of a retry for a proposal begins.
func RetryName(d Digest) string {
	return retryPrefix + base64.RawURLEncoding.EncodeToString(d[:nameSize])
}

// Make returns the string of a retry.
func (c *Cookies) Make(now time.Duration, to netip.AddrPort, d Digest) (string, error) {
	c.Tick(now)
	if !c.current.used {
		if _, err := io.ReadFull(c.Random, c.current.bytes[:]); err != nil {
			return "", err
		}
		c.current.used, c.current.made = true, now
	}
	cookie := makeCookie(&c.current.bytes, to, milliseconds(now), d)
	return RetryName(d) + base64.RawURLEncoding.EncodeToString(cookie[:]), nil
}

// Valid tells whether the string of a retry is one of ours, for this address and this proposal, and not too old.
func (c *Cookies) Valid(now time.Duration, from netip.AddrPort, d Digest, s string) bool {
	c.Tick(now)
	name := RetryName(d)
	if !strings.HasPrefix(s, name) {
		return false
	}
	cookie, err := base64.RawURLEncoding.Strict().DecodeString(s[len(name):])
	if err != nil || len(cookie) != cookieSize {
		return false
	}
	at := binary.BigEndian.Uint32(cookie)
	if milliseconds(now)-at > uint32(cookieLife/time.Millisecond) {
		return false
	}
	for _, k := range []*cookieKey{&c.current, &c.previous} {
		if right := makeCookie(&k.bytes, from, at, d); k.used && hmac.Equal(right[:], cookie) {
			return true
		}
	}
	return false
}

// milliseconds is modulo 2^32.
func milliseconds(t time.Duration) uint32 { return uint32(t / time.Millisecond) }

func makeCookie(key *[sha256.Size]byte, a netip.AddrPort, at uint32, d Digest) (cookie [cookieSize]byte) {
	ip := a.Addr().As16()
	var port [2]byte
	binary.BigEndian.PutUint16(port[:], a.Port())
	binary.BigEndian.PutUint32(cookie[:], at)
	m := hmac.New(sha256.New, key[:])
	for _, part := range [][]byte{ip[:], port[:], cookie[:cookieTime], d[:]} {
		m.Write(part)
	}
	copy(cookie[cookieTime:], m.Sum(nil))
	return cookie
}
