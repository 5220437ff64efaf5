package p2pke

import (
	"bytes"
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
	eph := &n.standard.in.(*initiator).eph
	first := n.sessions[0]
	// The fourth answer's responder is the fifth's predecessor: only a fresh start helps, or one of the four.
	b.restart()
	re, _ := parseInitHello(n.standard.in.first())
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

// spec/psec.md#newest: a handshake that has sent its finish does not end when another hypothesis is the newest.
func TestAFinishIsNotTakenBack(t *testing.T) {
	w, a, b := negotiators(t, 39, Config{Schemes: []string{"one", "two"}})
	w.lose = func(from, _ *host, x []byte) bool { return from == a && kind(x) == "InitDone" }
	c := a.dial(b)
	w.run(25 * time.Millisecond)
	first := c.negotiation.standard
	equal(t, "another scheme", a.feed(b.addr, psec.Accept("two")), asHandshake)
	if c.negotiation.standard == first {
		t.Error("not the newest")
	}
	b.restart()
	b.feed(a.addr, a.wire[0])
	w.run(25 * time.Millisecond)
	equal(t, "finishes", len(c.negotiation.sessions), 2)
	// spec/p2pke.md#psec-one-hello: the first scheme is the newest again, with another InitHello.
	again := c.negotiation.standard
	if again == first || !bytes.Equal(again.agreement.Transcript, first.agreement.Transcript) {
		t.Error("not a new first packet under the first transcript")
	}
	w.lose = nil
	w.run(time.Second)
	agree(t, a, b, "afterwards")
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

// Dials, cancellations, restarts, idle times, traffic and forgeries in any order: when it is over, a dial or a datagram
// brings both ends to one session.
func TestChaos(t *testing.T) {
	for seed := int64(0); seed < 60; seed++ {
		w, a, b := negotiators(t, seed, Config{Direct: seed%5 == 0, NoFirstPacket: seed%2 == 0})
		a.cfg.Direct, b.cfg.Direct = false, false // they negotiate, whatever they serve
		w.delay = time.Duration(1+w.rng.Intn(80)) * time.Millisecond
		w.jitter = time.Duration(w.rng.Intn(50)) * time.Millisecond
		loss := w.rng.Intn(40)
		w.lose = func(_, _ *host, _ []byte) bool { return w.rng.Intn(100) < loss }
		for i := 0; i < 150; i++ {
			x, y := a, b
			if w.rng.Intn(2) == 0 {
				x, y = b, a
			}
			c := x.channel()
			switch w.rng.Intn(12) {
			case 0, 1:
				x.core.Dial(w.now, y.addr, y.peer())
				x.settle()
			case 2:
				if c != nil {
					x.close(c)
				}
			case 3:
				if w.rng.Intn(4) == 0 {
					x.restart()
				}
			case 4:
				w.run(time.Duration(w.rng.Intn(70)) * time.Second)
			case 5:
				if len(y.wire) > 0 {
					x.feed(y.addr, y.wire[w.rng.Intn(len(y.wire))])
				}
			default:
				if c != nil {
					x.send(c, fmt.Sprint(i))
				}
			}
			w.run(time.Duration(w.rng.Intn(400)) * time.Millisecond)
		}
		w.lose, w.jitter = nil, 0
		w.run(12 * time.Second)
		for _, x := range []*host{a, b} {
			y := map[*host]*host{a: b, b: a}[x]
			if x.channel() == nil {
				x.dial(y)
			} else {
				x.send(x.channel(), "wake up")
			}
			w.run(4 * time.Second)
		}
		w.run(31 * time.Second) // the longest backoff
		for i := 0; i < 50; i++ {
			a.send(a.channel(), fmt.Sprint("a", i))
			b.send(b.channel(), fmt.Sprint("b", i))
			w.run(100 * time.Millisecond)
		}
		for i := 0; i < 100 && (a.busy() || b.busy()); i++ { // a rekey may be under way
			w.run(w.delay)
		}
		agree(t, a, b, fmt.Sprint("seed ", seed))
		w.run(70 * time.Second)
		for _, h := range []*host{a, b} {
			if len(h.core.places) > 1 || h.core.total != [shares]held{} {
				t.Errorf("seed %d: %d places, %v", seed, len(h.core.places), h.core.total)
			}
		}
	}
}

// busy tells whether a handshake is under way.
func (h *host) busy() bool {
	c := h.channel()
	return c.handshake != nil || c.negotiation != nil || len(h.core.places[c.home.addr].pending) > 0
}
