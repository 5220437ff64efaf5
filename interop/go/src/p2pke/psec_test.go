package p2pke

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"testing"
	"time"

	"psec"
)

// negotiators returns two endpoints of which the first leads where both propose.
func negotiators(t testing.TB, seed int64, cfg Config) (*world, *host, *host) {
	w := newWorld(t, seed)
	a, b := w.negotiator("a", cfg), w.negotiator("b", cfg)
	if psec.Compare(a.core.peerID, b.core.peerID) > 0 {
		a, b = b, a
	}
	return w, a, b
}

func (h *host) case_() Case { return h.channel().agreement.Case }

// info returns what the last session was reported with.
func (h *host) info() (last SessionInfo) {
	for _, e := range h.events {
		if e.Kind == SessionUp {
			last = e.Session
		}
	}
	return last
}

// agree fails unless both ends hold one and the same session, with one initiator, and data goes both ways.
func agree(t *testing.T, a, b *host, name string) {
	t.Helper()
	if a.channel() == nil || b.channel() == nil || len(a.channel().sessions) == 0 || len(b.channel().sessions) == 0 {
		t.Errorf("%s: no session; a sent %v, b sent %v", name, kinds(a.wire), kinds(b.wire))
		return
	}
	x, y := a.channel().sessions[0], b.channel().sessions[0]
	if x.binding != y.binding || x.initiated == y.initiated || !bytes.Equal(x.agreement.Transcript, y.agreement.Transcript) {
		t.Errorf("%s: a split: %v %x and %v %x; a sent %v, b sent %v", name,
			x.initiated, x.binding[:4], y.initiated, y.binding[:4], kinds(a.wire), kinds(b.wire))
	}
	w := a.w
	w.run(w.delay + time.Millisecond)
	a.got, b.got = nil, nil
	lose := w.lose
	w.lose = nil
	a.send(a.channel(), "there")
	b.send(b.channel(), "back")
	w.run(2 * w.delay)
	w.lose = lose
	equal(t, name+": b got", b.got, "[there]")
	equal(t, name+": a got", a.got, "[back]")
}

// clean fails if anything of an attempt is left 10 s after it.
func clean(t *testing.T, hosts ...*host) {
	t.Helper()
	for _, h := range hosts {
		for _, p := range h.core.places {
			if p.own != nil || len(p.waiting)+len(p.proposals)+len(p.handshakes)+len(p.pending) > 0 {
				t.Errorf("%s: left at %v: %+v", h.name, p.addr, p)
			}
		}
		for c := range h.core.all {
			if c.negotiation != nil || c.handshake != nil || len(c.losers) > 0 {
				t.Errorf("%s: left on a channel", h.name)
			}
		}
		if h.core.total != [shares]held{} {
			t.Errorf("%s: counted %v", h.name, h.core.total)
		}
	}
}

// spec/psec.md#accept-standard, #transcript, #first-packet-tag
func TestStandard(t *testing.T) {
	w, a, b := negotiators(t, 1, Config{NoFirstPacket: true})
	c := a.dial(b)
	a.send(c, "x")
	w.run(time.Second)
	equal(t, "a sent", kinds(a.wire), "[proposal InitHello InitDone data]")
	equal(t, "b sent", kinds(b.wire)[:3], "[accept RespHello empty]")
	equal(t, "sizes", []int{len(a.wire[1]), len(b.wire[1])}, "[200 192]")
	equal(t, "b got", b.got, "[x]")
	if !a.info().Initiated || b.info().Initiated || a.case_() != CaseStandard || b.case_() != CaseStandard {
		t.Errorf("%+v %+v", a.info(), b.info())
	}
	agree(t, a, b, "standard")
	w.run(11 * time.Second)
	clean(t, a, b)
}

// spec/psec.md#embed-use, #embed-answer
func TestFirstPacketInside(t *testing.T) {
	w, a, b := negotiators(t, 2, Config{})
	w.lose = func(from, _ *host, x []byte) bool { return kind(x) == "accept" }
	c := a.dial(b)
	a.send(c, "x")
	w.run(41 * time.Millisecond)
	equal(t, "a sent", kinds(a.wire), "[proposal InitDone data]")
	equal(t, "b sent", kinds(b.wire), "[accept RespHello empty]")
	equal(t, "b got", b.got, "[x]")
	equal(t, "dials", a.count(DialDone), 1)
	agree(t, a, b, "inside")
	if len(a.wire[0]) > defaultDatagram {
		t.Errorf("a proposal of %d bytes", len(a.wire[0]))
	}

	// A receiver that accepts another scheme ignores it.
	w = newWorld(t, 3)
	a, b = w.negotiator("a", Config{Schemes: []string{"one", "two"}}), w.negotiator("b", Config{Schemes: []string{"two"}})
	a.dial(b)
	w.run(time.Second)
	equal(t, "a sent", kinds(a.wire), "[proposal InitHello InitDone]")
	agree(t, a, b, "ignored")

	// There is no room for it.
	w, a, b = negotiators(t, 4, Config{MaxDatagram: 300})
	a.dial(b)
	w.run(time.Second)
	equal(t, "a sent", kinds(a.wire), "[proposal InitHello InitDone]")
	equal(t, "without", len(a.wire[0]) < 300, true)
	agree(t, a, b, "no room")
}

// spec/psec.md#leader, #accept-none-outstanding
func TestSimultaneous(t *testing.T) {
	for _, first := range []bool{true, false} {
		w, a, b := negotiators(t, 5, Config{NoFirstPacket: !first})
		a.dial(b)
		b.dial(a)
		w.run(time.Second)
		equal(t, "a sent", kinds(a.wire), "[proposal InitHello InitDone]")
		equal(t, "b sent", kinds(b.wire), "[proposal RespHello empty]")
		if !a.info().Initiated || b.info().Initiated || a.case_() != CaseSimultaneous || b.case_() != CaseSimultaneous {
			t.Errorf("%+v %+v", a.info(), b.info())
		}
		equal(t, "sessions", []int{a.count(SessionUp), b.count(SessionUp), a.count(DialDone), b.count(DialDone)}, "[1 1 1 1]")
		agree(t, a, b, "simultaneous")
		w.run(11 * time.Second)
		clean(t, a, b)
	}
}

// Nothing but the order of the dials differs: one may be early by less than a flight, or by more.
func TestSimultaneousWithADelay(t *testing.T) {
	for ms := 1; ms < 60; ms += 3 {
		for _, leaderFirst := range []bool{true, false} {
			w, a, b := negotiators(t, int64(ms), Config{})
			x, y := a, b
			if !leaderFirst {
				x, y = b, a
			}
			x.dial(y)
			w.run(time.Duration(ms) * time.Millisecond)
			y.dial(x)
			w.run(3 * time.Second)
			equal(t, "dials", a.count(DialDone)+b.count(DialDone), 2)
			equal(t, "sessions", a.count(SessionUp)+b.count(SessionUp), 2)
			agree(t, a, b, fmt.Sprintf("%d ms, leader first: %v", ms, leaderFirst))
		}
	}
}

// Each of the first datagrams is lost, in all combinations.
func TestEachFrameLost(t *testing.T) {
	for _, both := range []bool{false, true} {
		for _, bare := range []bool{false, true} {
			for lost := 0; lost < 1<<7; lost++ {
				w, a, b := negotiators(t, int64(lost), Config{NoFirstPacket: bare})
				n := 0
				w.lose = func(_, _ *host, _ []byte) bool {
					n++
					return n <= 7 && lost&(1<<(n-1)) != 0
				}
				a.dial(b)
				if both {
					b.dial(a)
				}
				w.run(9 * time.Second)
				name := fmt.Sprintf("losing %07b, both %v, bare %v", lost, both, bare)
				agree(t, a, b, name)
				w.run(12 * time.Second)
				clean(t, a, b)
			}
		}
	}
}

// Random schedules of loss, delay, doubling and order: both ends end with one common session.
func TestRandomSchedules(t *testing.T) {
	for _, loss := range []int{0, 10, 30} {
		for seed := int64(0); seed < 120; seed++ {
			w, a, b := negotiators(t, seed, Config{NoFirstPacket: seed%3 == 0})
			w.delay = time.Duration(1+w.rng.Intn(150)) * time.Millisecond
			w.jitter = time.Duration(w.rng.Intn(100)) * time.Millisecond
			w.lose = func(from, to *host, x []byte) bool {
				if w.rng.Intn(100) < 10 {
					w.put(from.addr, to.addr, x)
				}
				return w.rng.Intn(100) < loss
			}
			x, y := a, b
			if w.rng.Intn(2) == 0 {
				x, y = b, a
			}
			x.dial(y)
			if w.rng.Intn(4) > 0 {
				w.run(time.Duration(w.rng.Intn(300)) * time.Millisecond)
				y.dial(x)
			}
			w.run(11 * time.Second)
			if x.count(DialDone) == 0 && loss == 30 {
				continue // ten seconds were not enough
			}
			w.jitter = 0
			agree(t, a, b, fmt.Sprintf("seed %d, loss %d", seed, loss))
			w.lose = nil
			w.run(12 * time.Second)
			clean(t, a, b)
		}
	}
}

// spec/p2pke.md#psec-prologue, spec/psec.md#start-over: a rekey keeps T, and loses nothing.
func TestRekeyUnderT(t *testing.T) {
	w, a, b := negotiators(t, 6, Config{})
	c := a.dial(b)
	w.run(time.Second)
	transcript := hex.EncodeToString(c.agreement.Transcript)
	a.forget()
	b.forget()
	n := 0
	for end := w.now + 200*time.Second; w.now < end; n++ {
		a.send(c, fmt.Sprint(n))
		b.send(b.channel(), fmt.Sprint(n))
		w.run(20 * time.Millisecond)
	}
	w.run(time.Second)
	equal(t, "a got", a.unique(), n)
	equal(t, "b got", b.unique(), n)
	equal(t, "sessions by a", a.count(SessionUp), 4)
	for _, k := range kinds(append(a.wire, b.wire...)) {
		if k == "proposal" || k == "accept" {
			t.Error("a rekey negotiates")
		}
	}
	equal(t, "transcript", hex.EncodeToString(b.channel().agreement.Transcript), transcript)
}
