package p2pke

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"io"
	"net/netip"
	"time"

	"golang.org/x/crypto/hkdf"
)

const (
	minuteLife    = time.Minute
	callLife      = 20 * time.Second
	noncesKept    = 65536
	askedKept     = 16384
	ephemeralInfo = "secret-handshake-1 e_R"
)

// minute is a pair of keys of a responder: spec/secret-handshake.md#minute-keys.
type minute struct {
	made     Instant
	start    uint32 // what its time begins at
	e, m     [keySize]byte
	accepted map[[cookieNonce]byte]bool // of messages 3 that led to a session
	asked    map[[cookieNonce]byte]bool // that the application was asked about
	order    [][cookieNonce]byte        // of the latter, oldest first
}

// ask notes that the application is asked about a message 3, so that a copy asks nobody again.
func (k *minute) ask(nonce [cookieNonce]byte) {
	if len(k.order) == askedKept {
		delete(k.asked, k.order[0])
		k.order = k.order[1:]
	}
	k.asked[nonce] = true
	k.order = append(k.order, nonce)
}

func (k *minute) wipe() {
	wipe(k.e[:])
	wipe(k.m[:])
}

// minutes are the two pairs that live at once.
type minutes struct {
	random            io.Reader
	current, previous *minute
}

// tick replaces and wipes keys that are too old, and returns when it has to be called again.
func (x *minutes) tick(now Instant) Instant {
	if p := x.previous; p != nil && now-p.made >= 2*minuteLife {
		p.wipe()
		x.previous = nil
	}
	if c := x.current; c != nil && now-c.made >= minuteLife {
		x.previous, x.current = c, nil
		return x.tick(now)
	}
	switch {
	case x.previous != nil && (x.current == nil || x.previous.made+2*minuteLife < x.current.made+minuteLife):
		return x.previous.made + 2*minuteLife
	case x.current != nil:
		return x.current.made + minuteLife
	}
	return never
}

func (x *minutes) key(now Instant) (*minute, error) {
	x.tick(now)
	if x.current == nil {
		k := &minute{made: now, accepted: map[[cookieNonce]byte]bool{}, asked: map[[cookieNonce]byte]bool{}}
		var start [cookieTime]byte
		for _, b := range [][]byte{k.e[:], k.m[:], start[:]} {
			if _, err := io.ReadFull(x.random, b); err != nil {
				return nil, err
			}
		}
		k.start = binary.BigEndian.Uint32(start[:])
		x.current = k
	}
	return x.current, nil
}

// bound is what an answer is for, beside its nonce: e_I, address, port, T and N.
func bound(remote []byte, a netip.AddrPort, transcript []byte, network [sha256.Size]byte) []byte {
	ip := a.Addr().As16()
	b := append(append([]byte(nil), remote...), ip[:]...)
	b = append(b, byte(a.Port()>>8), byte(a.Port()))
	return append(append(b, transcript...), network[:]...)
}

// ephemeral makes e_R, or makes it again.
func (k *minute) ephemeral(nonce, bound []byte) (e ephemeral, err error) {
	info := append(append([]byte(ephemeralInfo), nonce...), bound...)
	if _, err = io.ReadFull(hkdf.New(sha256.New, k.e[:], nil, info), e.private[:]); err != nil {
		return e, err
	}
	return e, e.derive()
}

func (k *minute) cookie(at uint32, nonce, bound []byte) []byte {
	b := append(putTime(at), nonce...)
	return append(b, mac16(k.m[:], b, bound)...)
}

// timeOf is what the cookie says now.
func (k *minute) timeOf(now Instant) uint32 {
	return k.start + uint32((now-k.made)/time.Millisecond)
}

// check finds the keys that made a cookie, and tells when that was. It returns nil for one that is not valid, or no longer.
func (x *minutes) check(now Instant, cookie, bound []byte) (*minute, Instant) {
	x.tick(now)
	at := binary.BigEndian.Uint32(cookie)
	for _, k := range []*minute{x.current, x.previous} {
		if k == nil || !hmac.Equal(k.cookie(at, cookie[cookieTime:cookieTime+cookieNonce], bound), cookie) {
			continue
		}
		age := time.Duration(k.timeOf(now)-at) * time.Millisecond
		if age > callLife {
			return nil, 0
		}
		return k, now - age
	}
	return nil, 0
}
