package psec

import (
	"bytes"
	"math"
	"math/rand"
	"net/netip"
	"testing"
	"time"
)

// spec/psec.md#frame-strict: whatever parses is written in one way only.
func TestParsingIsStrict(t *testing.T) {
	rng := rand.New(rand.NewSource(1))
	good := (&Proposal{ID: append([]byte{0, 3}, "abc"...), Strings: []string{"a", "bc", Retry}, First: []byte("packet")}).Encode()
	parsed := 0
	for i := 0; i < 200000; i++ {
		b := append([]byte(nil), good...)
		for n := rng.Intn(3); n >= 0; n-- {
			switch rng.Intn(3) {
			case 0:
				b[rng.Intn(len(b))] = byte(rng.Intn(256))
			case 1:
				b = b[:1+rng.Intn(len(b))]
			case 2:
				b = append(b, byte(rng.Intn(256)))
			}
		}
		if p := ParseProposal(b); p != nil {
			parsed++
			if !bytes.Equal(p.Encode(), b) {
				t.Fatalf("%x is written as %x", b, p.Encode())
			}
		}
	}
	if parsed < 1000 {
		t.Errorf("only %d parsed", parsed)
	}
}

// spec/psec.md#choice: a repeated string counts where it stands first, and takes up a place where it is repeated.
func TestRepeatedSchemes(t *testing.T) {
	if got := Choose([]string{"c", "d", "b"}, []string{"b", "a", "a", "c"}); got != "b" {
		t.Error(got)
	}
	if got := Choose([]string{"psec-x", "c", "b"}, []string{"b", "c"}); got != "c" {
		t.Error(got)
	}
}

// spec/psec.md#cookie-life, #cookie-keys
func TestCookies(t *testing.T) {
	c := Cookies{Random: rand.New(rand.NewSource(1))}
	a := netip.MustParseAddrPort("192.0.2.1:5")
	d, other := DigestOf([]byte("x")), DigestOf([]byte("y"))
	begin := 100 * time.Hour
	if c.Tick(begin) != math.MaxInt64 {
		t.Error("a key without a cookie")
	}
	s, err := c.Make(begin, a, d)
	if err != nil {
		t.Fatal(err)
	}
	late, _ := c.Make(begin+keyLife-1, a, d)
	first := c.current.bytes
	for _, x := range []struct {
		s    string
		now  time.Duration
		from string
		d    Digest
		ok   bool
	}{
		{s, begin, "192.0.2.1:5", d, true},
		{s, begin, "[::ffff:192.0.2.1]:5", d, true},
		{s, begin + cookieLife, "192.0.2.1:5", d, true},
		{s, begin - time.Millisecond, "192.0.2.1:5", d, false},
		{s, begin, "192.0.2.2:5", d, false},
		{s, begin, "192.0.2.1:6", d, false},
		{s, begin, "192.0.2.1:5", other, false},
		{s + "A", begin, "192.0.2.1:5", d, false},
		{retryPrefix, begin, "192.0.2.1:5", d, false},
		{"", begin, "192.0.2.1:5", d, false},
		{s, begin + cookieLife + time.Millisecond, "192.0.2.1:5", d, false},
		{late, begin + keyLife + cookieLife - time.Millisecond, "192.0.2.1:5", d, true},
	} {
		if got := c.Valid(x.now, netip.MustParseAddrPort(x.from), x.d, x.s); got != x.ok {
			t.Errorf("%+v: %v", x, got)
		}
	}
	if c.previous.bytes != first || c.current.used {
		t.Error("the key was not replaced")
	}
	if next := c.Tick(begin + keyLife + cookieLife); next != begin+2*keyLife {
		t.Errorf("next at %v", next)
	}
	c.Tick(begin + 2*keyLife)
	if c.previous != (cookieKey{}) {
		t.Error("the key was not wiped")
	}
}
