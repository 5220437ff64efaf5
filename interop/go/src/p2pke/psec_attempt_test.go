package p2pke

import (
	"bytes"
	"fmt"
	"testing"
	"time"

	"psec"
)

// deaf makes one side hear nothing.
func (w *world) deaf(h *host) { w.lose = func(_, to *host, _ []byte) bool { return to == h } }

func count(wire [][]byte, what string) (n int) {
	for _, k := range kinds(wire) {
		if k == what {
			n++
		}
	}
	return n
}

// spec/psec.md#proposal-strings, #proposal-resend, #attempt-deadline
func TestProposalsToNobody(t *testing.T) {
	w, a, b := negotiators(t, 20, Config{})
	w.deaf(b)
	start := w.now
	var at []Instant
	a.dial(b)
	for w.now < start+20*time.Second {
		for len(at) < len(a.wire) {
			at = append(at, w.now-start)
		}
		w.run(time.Millisecond)
	}
	equal(t, "kinds", count(a.wire, "proposal"), len(a.wire))
	for i, x := range a.wire {
		if !bytes.Equal(x, a.wire[0]) {
			t.Error("two proposals")
		}
		least := map[bool]time.Duration{true: proposalFirst, false: proposalNext}[i == 1]
		if i > 0 && (at[i]-at[i-1] < least-time.Millisecond || at[i]-at[i-1] > least*6/5+2*time.Millisecond) {
			t.Errorf("copy %d after %v", i, at[i]-at[i-1])
		}
	}
	if n := len(a.wire); n < 16 || n > 20 || at[n-1] >= 10*time.Second {
		t.Errorf("%d copies", n)
	}
	p := psec.ParseProposal(a.wire[0])
	if len(p.Strings) != 3 || p.Strings[0] != schemeName || len(p.Strings[1]) != len(psec.Attempt)+22 || p.Strings[2] != psec.Retry {
		t.Errorf("strings %q", p.Strings)
	}
	equal(t, "reason", a.reason(), ReasonTimeout)
	clean(t, a, b)
	a.forget()
	a.dial(b)
	if again := psec.ParseProposal(a.wire[0]); again.Strings[1] == p.Strings[1] {
		t.Error("two attempts with one string")
	}
}

// spec/psec.md#accept-unknown, #newest, #one-wins: an accept that was made up does no harm.
func TestForgedAccept(t *testing.T) {
	for _, both := range []bool{false, true} {
		for ms := 0; ms < 45; ms++ {
			w, a, b := negotiators(t, int64(ms), Config{Schemes: []string{"one", "two"}, NoFirstPacket: ms%2 == 0})
			a.dial(b)
			if both {
				b.dial(a)
			}
			w.run(time.Duration(ms) * time.Millisecond)
			for _, scheme := range []string{"two", "three", "one", "two"} {
				a.feed(b.addr, psec.Accept(scheme))
				w.run(time.Duration(w.rng.Intn(3)) * time.Millisecond)
			}
			w.run(3 * time.Second)
			agree(t, a, b, fmt.Sprintf("after %d ms, both %v", ms, both))
			if s := a.count(SessionUp) + b.count(SessionUp); s != 2 {
				t.Errorf("after %d ms, both %v: %d sessions", ms, both, s)
			}
			w.run(10 * time.Second)
			clean(t, a, b)
		}
	}
}

// spec/psec.md#reject-sent, #reject-schedule
func TestReject(t *testing.T) {
	w := newWorld(t, 21)
	a, b := w.negotiator("a", Config{}), w.negotiator("b", Config{Schemes: []string{"other"}})
	start := w.now
	a.dial(b)
	for a.reason() == "" && w.now < start+20*time.Second {
		w.run(10 * time.Millisecond)
	}
	equal(t, "reason", a.reason(), ReasonRejected)
	if d := w.now - start; d < 3*time.Second || d > 3200*time.Millisecond {
		t.Errorf("after %v", d)
	}
	equal(t, "b sent", count(b.wire, "reject"), len(b.wire))
	if len(b.wire) < 3 || len(b.core.places) > 0 {
		t.Errorf("%d rejects, %d places", len(b.wire), len(b.core.places))
	}
	// Made up ones end nothing, however slow the rest is.
	w, a, b = negotiators(t, 22, Config{})
	w.delay = 1400 * time.Millisecond
	a.dial(b)
	for i := 0; i < 5; i++ {
		a.feed(b.addr, psec.Reject())
		w.run(time.Second)
	}
	w.run(5 * time.Second)
	equal(t, "dials", a.count(DialDone), 1)
	// Few copies were sent: 3 s are not enough.
	w, a, b = negotiators(t, 23, Config{})
	w.deaf(b)
	a.dial(b)
	w.run(2500 * time.Millisecond)
	a.feed(b.addr, psec.Reject())
	w.run(2900 * time.Millisecond)
	equal(t, "too early", a.reason(), "")
	w.run(200 * time.Millisecond)
	equal(t, "then", a.reason(), ReasonRejected)
}

func TestNothingInCommon(t *testing.T) {
	w := newWorld(t, 24)
	a, b := w.negotiator("a", Config{Schemes: []string{"one"}}), w.negotiator("b", Config{Schemes: []string{"two"}})
	a.dial(b)
	b.dial(a)
	w.run(9900 * time.Millisecond)
	equal(t, "before the deadline", a.reason()+b.reason(), "")
	w.run(200 * time.Millisecond)
	equal(t, "reasons", []Reason{a.reason(), b.reason()}, []Reason{ReasonNoScheme, ReasonNoScheme})
	clean(t, a, b)
}

// Either side loses its memory, at any moment, and dials again or does not.
func TestRestarts(t *testing.T) {
	for ms := 0; ms < 60; ms += 2 {
		for mode := 0; mode < 8; mode++ {
			w, a, b := negotiators(t, int64(ms), Config{NoFirstPacket: ms%4 == 0})
			a.dial(b)
			if mode&1 != 0 {
				b.dial(a)
			}
			w.run(time.Duration(ms) * time.Millisecond)
			again, other := b, a
			if mode&2 != 0 {
				again, other = a, b
			}
			again.restart()
			again.events = nil
			if again == a || mode&4 != 0 {
				again.dial(other)
			}
			w.run(4 * time.Second)
			name := fmt.Sprintf("mode %d after %d ms", mode, ms)
			if c := other.channel(); c != nil && len(c.sessions) > 0 && again.channel() == nil {
				other.send(c, "wake up") // it was connected: its silence has to be noticed
				w.run(3 * time.Second)
			}
			agree(t, a, b, name)
			w.run(15 * time.Second)
			clean(t, a, b)
		}
	}
}

// spec/psec.md#cancel
func TestCancel(t *testing.T) {
	w, a, b := negotiators(t, 25, Config{})
	c := a.dial(b)
	a.close(c)
	w.run(20 * time.Second)
	equal(t, "a sent", kinds(a.wire), "[proposal]")
	clean(t, a, b)

	// The finish was sent.
	w, a, b = negotiators(t, 26, Config{})
	w.lose = func(_, _ *host, x []byte) bool { return kind(x) == "empty" || kind(x) == "InitDone" }
	c = a.dial(b)
	w.run(25 * time.Millisecond)
	a.close(c)
	w.run(time.Second)
	equal(t, "a sent", kinds(a.wire), "[proposal InitDone closing closing closing]")
	equal(t, "reason", a.reason(), ReasonClosed)
	equal(t, "keys", len(a.core.places), 0)

	// The peer's proposal is unknown again: its next copy is accepted. What was accepted is served.
	w, a, b = negotiators(t, 27, Config{})
	w.lose = func(from, _ *host, x []byte) bool { return from == a && kind(x) == "InitHello" }
	c = a.dial(b)
	b.dial(a)
	w.run(50 * time.Millisecond)
	equal(t, "met", len(a.core.places[b.addr].proposals), 1)
	a.close(c)
	w.run(time.Second)
	equal(t, "dials", b.count(DialDone), 1)
	equal(t, "case", b.info().Case, CaseStandard)
	agree(t, a, b, "after a cancellation")
	w.run(11 * time.Second)
	clean(t, a, b)
}

// spec/psec.md#join
func TestJoin(t *testing.T) {
	w, a, b := negotiators(t, 28, Config{NoFirstPacket: true})
	lost := true
	w.lose = func(_, _ *host, x []byte) bool { return lost && kind(x) == "InitHello" }
	a.dial(b)
	w.run(30 * time.Millisecond)
	b.dial(a)
	w.run(490 * time.Millisecond)
	equal(t, "b sent", count(b.wire, "proposal"), 0)
	w.run(20 * time.Millisecond)
	equal(t, "b sent", count(b.wire, "proposal"), 1)
	lost = false
	w.run(time.Second)
	equal(t, "dials", a.count(DialDone)+b.count(DialDone), 2)
	equal(t, "sessions", a.count(SessionUp)+b.count(SessionUp), 2)
	agree(t, a, b, "joined late")

	w, a, b = negotiators(t, 29, Config{NoFirstPacket: true})
	a.dial(b)
	w.run(15 * time.Millisecond)
	b.dial(a)
	w.run(time.Second)
	equal(t, "b sent", count(b.wire, "proposal"), 0)
	equal(t, "dials", a.count(DialDone)+b.count(DialDone), 2)
	agree(t, a, b, "joined")

	// Progress that is made up does not hold a dial up for ever.
	w, a, b = negotiators(t, 30, Config{NoFirstPacket: true})
	w.deaf(a)
	p := propose(a.core.peerID, 1)
	tr := psec.Standard(p.NormalForm(), schemeName)
	b.feed(a.addr, p.Encode())
	b.dial(a)
	for i := 0; i < 19; i++ {
		b.feed(a.addr, taggedHello(t, w, a.id, tr[:]))
		w.run(100 * time.Millisecond)
	}
	equal(t, "before", count(b.wire, "proposal"), 0)
	w.run(200 * time.Millisecond)
	equal(t, "after 2 s", count(b.wire, "proposal"), 1)
}

func TestTwoDialsOfOneAddress(t *testing.T) {
	w, a, b := negotiators(t, 31, Config{})
	x := a.dial(b)
	if y := a.dial(b); x != y {
		t.Error("two channels")
	}
	equal(t, "proposals", len(a.wire), 1)
	other := seedIdentity(t, bytes.Repeat([]byte{7}, 32)).Public().ID()
	start := w.now
	if _, err := a.core.Dial(w.now, b.addr, other); err != nil {
		t.Fatal(err)
	}
	a.settle()
	equal(t, "proposals", len(a.wire), 1)
	w.run(time.Second)
	agree(t, a, b, "the first")
	equal(t, "proposals", count(a.wire, "proposal"), 2)
	equal(t, "reason", a.reason(), ReasonWrongIdentity)
	if len(a.channel().sessions) != 1 {
		t.Error("the first channel suffers")
	}
	// One that waits has its own ten seconds.
	w, a, b = negotiators(t, 32, Config{})
	w.deaf(b)
	start = w.now
	a.dial(b)
	w.run(4 * time.Second)
	if _, err := a.core.Dial(w.now, b.addr, other); err != nil {
		t.Fatal(err)
	}
	for a.count(Closed) < 2 && w.now < start+30*time.Second {
		w.run(10 * time.Millisecond)
	}
	if d := w.now - start; d < 13900*time.Millisecond || d > 14100*time.Millisecond {
		t.Errorf("over after %v", d)
	}
	clean(t, a, b)
}

// spec/psec.md#direct-one: both ways beside each other, at one endpoint.
func TestDirectBesideNegotiation(t *testing.T) {
	w := newWorld(t, 33)
	s := w.negotiator("server", Config{Direct: true})
	s.onData = func(c *Channel, payload []byte) { s.send(c, string(payload)) }
	a, b, r := w.host("a", Config{}), w.negotiator("b", Config{}), w.reference("r", s)
	ca, cb := a.dial(s), b.dial(s)
	r.ref.dial()
	w.run(time.Second)
	for i := 0; i < 1500; i++ {
		a.send(ca, fmt.Sprint(i))
		b.send(cb, fmt.Sprint(i))
		r.ref.say(fmt.Sprint("r", i))
		w.run(100 * time.Millisecond)
		if i%500 == 499 {
			r.ref.dial()
		}
	}
	w.run(time.Second)
	equal(t, "echoes", []int{a.unique(), b.unique()}, "[1500 1500]")
	equal(t, "cases", []Case{ca.agreement.Case, cb.agreement.Case}, "[direct standard]")
	if !s.core.channels[r.peer()].MaybeReference() || s.core.channels[b.peer()].MaybeReference() {
		t.Error("mixed up")
	}
	// An endpoint that does not serve it.
	c := w.negotiator("c", Config{})
	a.forget()
	a.dial(c)
	w.run(11 * time.Second)
	equal(t, "reason", a.reason(), ReasonTimeout)
	equal(t, "c sent", kinds(c.wire), "[]")
	if c.core.Stats.Dropped(NoDirectScheme) == 0 || len(c.core.places) > 0 {
		t.Error("not refused")
	}
}

// spec/psec.md#start-over
func TestStartOver(t *testing.T) {
	for _, who := range []string{"a", "b"} {
		w, a, b := negotiators(t, 34, Config{})
		a.dial(b)
		w.run(time.Second)
		lives, restarted := a, b
		if who == "a" {
			lives, restarted = b, a
		}
		lives.send(lives.channel(), "before")
		w.run(time.Second)
		restarted.restart()
		restarted.got = nil
		began := w.now
		for len(restarted.got) == 0 && w.now < began+20*time.Second {
			lives.send(lives.channel(), fmt.Sprint(w.now))
			w.run(10 * time.Millisecond)
		}
		if d := w.now - began; d < 2*time.Second || d > 2200*time.Millisecond {
			t.Errorf("%s: recovered after %v", who, d)
		}
		agree(t, a, b, "after a restart of "+who)
	}

	// Nothing lives any more.
	w, a, b := negotiators(t, 35, Config{})
	c := a.dial(b)
	w.run(3 * time.Minute)
	a.forget()
	old := fmt.Sprintf("%x", c.agreement.Transcript)
	a.send(c, "late")
	w.run(35 * time.Millisecond)
	equal(t, "a sent", kinds(a.wire), "[proposal InitDone data]")
	equal(t, "b got", b.got, "[late]")
	w.run(10 * time.Millisecond)
	if old == fmt.Sprintf("%x", c.agreement.Transcript) {
		t.Error("T has not changed")
	}

	// A rekey without an answer.
	w, a, b = negotiators(t, 36, Config{})
	c = a.dial(b)
	w.run(time.Second)
	a.forget()
	w.lose = func(_, _ *host, x []byte) bool { return kind(x) == "InitHello" }
	var rekey, over Instant
	born := c.sessions[0].born
	for w.now < born+52*time.Second {
		a.send(c, fmt.Sprint(w.now))
		b.send(b.channel(), fmt.Sprint(w.now))
		w.run(10 * time.Millisecond)
		if rekey == 0 && count(a.wire, "InitHello") > 0 {
			rekey = w.now
		}
		if over == 0 && count(a.wire, "proposal") > 0 {
			over = w.now
		}
	}
	if d := over - rekey; rekey == 0 || d < 1990*time.Millisecond || d > 2020*time.Millisecond {
		t.Errorf("rekey at %v, proposal at %v", rekey-born, over-born)
	}
	equal(t, "lost", len(b.got)-len(a.got), 0)
	agree(t, a, b, "after a rekey that failed")
}

// spec/psec.md#renegotiate
func TestRenegotiationBesideALiveSession(t *testing.T) {
	w, a, b := negotiators(t, 37, Config{})
	c := a.dial(b)
	w.run(time.Second)
	s := c.sessions[0]
	w.run(11 * time.Second)
	thief := seedIdentity(t, bytes.Repeat([]byte{9}, 32))
	p := propose(thief.Public().Multihash(), 1)
	tr := psec.Standard(p.NormalForm(), schemeName)
	p.First = taggedHello(t, w, thief, tr[:])
	b.feed(a.addr, p.Encode())
	equal(t, "another identity", b.feed(a.addr, p.First), "AddressHeldByAnother")
	w.lose = func(from, to *host, x []byte) bool { return kind(x) == "RespHello" }
	if again := a.dial(b); again != c {
		t.Error("another channel")
	}
	w.run(time.Second)
	a.send(c, "meanwhile")
	w.run(11 * time.Millisecond)
	equal(t, "b got", b.got, "[meanwhile]")
	if c.sessions[0] != s {
		t.Error("another session")
	}
	w.lose = nil
	w.run(time.Second)
	if c.sessions[0] == s || len(a.core.channels) != 1 || len(b.core.channels) != 1 {
		t.Error("no new session")
	}
	agree(t, a, b, "renegotiated")
}
