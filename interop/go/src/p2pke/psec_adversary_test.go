package p2pke

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	"psec"
)

// spec/p2pke.md#psec-answers, spec/psec.md#one-wins: the answers of responders that restarted each get a finish, and what
// a responder may hold is not taken back.
func TestSeveralAnswers(t *testing.T) {
	w, a, b := negotiators(t, 38, Config{})
	w.lose = func(from, _ *host, x []byte) bool { return from == a && kind(x) == "InitDone" }
	c := a.dial(b)
	w.run(25 * time.Millisecond)
	for i := 0; i < 4; i++ {
		b.restart()
		b.feed(a.addr, a.wire[0])
		w.run(25 * time.Millisecond)
	}
	n := c.negotiation
	equal(t, "finishes", len(n.sessions), 4)
	equal(t, "a fifth", a.core.Stats.Dropped(NoHandshake), 1)
	eph := &n.standard.in.eph
	first := n.sessions[0]
	// The fourth answer's responder is the fifth's predecessor: only a fresh start helps, or one of the four.
	b.restart()
	re, _ := parseInitHello(n.standard.in.hello)
	r, err := re.answer(b.id, b.id.Public(), n.standard.agreement.Transcript, acceptAll, w.rng)
	if err != nil || a.feed(b.addr, r.hello) != "NoHandshake" {
		t.Error("a sixth was taken")
	}
	// One of the four proves itself.
	keys := mirror(first)
	equal(t, "a packet", a.feed(b.addr, keys.sealNext(nil, nil)), asControl)
	equal(t, "dials", a.count(DialDone), 1)
	equal(t, "losers", len(c.losers), 3)
	equal(t, "key", eph.private, [32]byte{})
	w.run(2 * time.Second)
	a.forget()
	w.run(2 * time.Second)
	equal(t, "finishes after the win", count(a.wire, "InitDone"), 0)
	other := c.losers[1]
	keys = mirror(other)
	equal(t, "data on another one", a.feed(b.addr, keys.sealNext(nil, []byte("x"))), asDelivered)
	if c.sessions[0] != other {
		t.Error("it is not used")
	}
	w.run(10 * time.Second)
	equal(t, "losers", len(c.losers), 0)
}

// mirror makes the other end of a session that has sealed nothing yet.
func mirror(s *Session) *packets {
	return &packets{sealer: s.opener, opener: s.sealer, sealBit: direction, next: counterFirst}
}

// Everything seen, changed at random, is given to both ends in the middle of attempts; nothing panics, grows or splits.
func TestForgeries(t *testing.T) {
	for seed := int64(0); seed < 40; seed++ {
		w, a, b := negotiators(t, seed, Config{NoFirstPacket: seed%2 == 0, Schemes: []string{"one", "two"}})
		a.dial(b)
		if seed%3 > 0 {
			b.dial(a)
		}
		from := map[*host]netip.AddrPort{a: b.addr, b: a.addr}
		for i := 0; i < 200; i++ {
			seen := append(append([][]byte{psec.Accept("two"), psec.Reject(), propose(noID, i).Encode()}, a.wire...), b.wire...)
			x := append([]byte(nil), seen[w.rng.Intn(len(seen))]...)
			if w.rng.Intn(3) > 0 {
				x[w.rng.Intn(len(x))] ^= 1 << w.rng.Intn(8)
			}
			h := []*host{a, b}[w.rng.Intn(2)]
			h.feed(from[h], x)
			w.run(time.Duration(w.rng.Intn(2000)) * time.Microsecond)
		}
		w.run(9 * time.Second)
		if a.channel() == nil || b.channel() == nil {
			t.Errorf("seed %d: %s %s", seed, a.reason(), b.reason())
			continue
		}
		agree(t, a, b, fmt.Sprint("seed ", seed))
		w.run(12 * time.Second)
		clean(t, a, b)
	}
}
