package p2pke

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"testing"
	"time"
)

func pair(t *testing.T, seed int64) (*world, *host, *host) {
	w := newWorld(t, seed)
	return w, w.host("a", Config{}), w.host("b", Config{})
}

func connected(t *testing.T, seed int64) (*world, *host, *host, *Channel) {
	w, a, b := pair(t, seed)
	c := a.dial(b)
	w.run(time.Second)
	if a.count(DialDone) != 1 || b.count(Connected) != 1 {
		t.Fatal("no connection")
	}
	a.forget()
	b.forget()
	return w, a, b, c
}

func (h *host) forget() { h.wire, h.events, h.got, h.sent = nil, nil, nil, 0 }

func equal(t *testing.T, what string, got, want interface{}) {
	t.Helper()
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("%s: %v, want %v", what, got, want)
	}
}

// unique fails when a payload was delivered twice and returns how many were delivered.
func (h *host) unique() int {
	seen := map[string]bool{}
	for _, s := range h.got {
		if seen[s] {
			h.w.t.Errorf("%s got %q twice", h.name, s)
		}
		seen[s] = true
	}
	return len(seen)
}

// spec/p2pke.md#responder-empty, #initiator-empty, spec/sessions.md#confirmed-dial
func TestHandshakeInALosslessNetwork(t *testing.T) {
	w, a, b := pair(t, 1)
	c := a.dial(b)
	if err := a.send(c, "one"); err != nil {
		t.Fatal(err)
	}
	w.run(45 * time.Millisecond) // two round trips
	equal(t, "a sent", kinds(a.wire), "[InitHello InitDone empty data]")
	equal(t, "b sent", kinds(b.wire), "[RespHello empty]")
	w.run(10 * time.Millisecond)
	equal(t, "b got", b.got, "[one]")
	if c.MaybeReference() || b.channel().MaybeReference() {
		t.Error("the peer is still taken for the reference")
	}
	equal(t, "sizes", []int{len(a.wire[0]), len(b.wire[0]), len(a.wire[1])}, "[190 192 134]")
	b.send(b.channel(), "two")
	w.run(30 * time.Second)
	equal(t, "a got", a.got, "[two]")
	equal(t, "sessions", a.count(SessionUp)+b.count(SessionUp), 2)
}

// spec/p2pke.md#init-hello-resend, #init-hello-repeat, #initiator-confirmed, #init-done-repeat
func TestEachDatagramOfTheHandshakeLost(t *testing.T) {
	for lost := 0; lost < 1<<6; lost++ {
		w, a, b := pair(t, int64(lost))
		n := 0
		w.lose = func(_, _ *host, _ []byte) bool {
			n++
			return n <= 6 && lost&(1<<(n-1)) != 0
		}
		c := a.dial(b)
		w.run(9 * time.Second)
		if a.count(DialDone) != 1 || b.count(Connected) != 1 {
			t.Errorf("losing %06b: no connection", lost)
			continue
		}
		w.lose = nil
		a.send(c, "x")
		w.run(12 * time.Second)
		if len(b.got) != 1 {
			t.Errorf("losing %06b: b got %v; a sent %v, b sent %v, %v", lost, b.got, kinds(a.wire), kinds(b.wire), b.core.Stats)
		}
	}
}

func TestLossyDials(t *testing.T) {
	for seed := int64(0); seed < 60; seed++ {
		w, a, b := pair(t, seed)
		w.lose = func(_, _ *host, _ []byte) bool { return w.rng.Intn(100) < 35 }
		c := a.dial(b)
		w.run(11 * time.Second)
		if a.count(DialDone) != 1 {
			t.Errorf("seed %d: no connection", seed)
			continue
		}
		w.lose = nil
		for i := 0; i < 10; i++ {
			a.send(c, fmt.Sprint(i))
			w.run(100 * time.Millisecond)
		}
		w.run(15 * time.Second)
		if b.unique() != 10 {
			t.Errorf("seed %d: %d of 10", seed, len(b.got))
		}
	}
}

// spec/p2pke.md#dial-deadline, #init-hello-fresh
func TestDialOfNobody(t *testing.T) {
	w, a, b := pair(t, 1)
	w.lose = func(_, _ *host, _ []byte) bool { return true }
	start := w.now
	a.dial(b)
	var fresh []time.Duration
	last := ""
	for w.now < start+20*time.Second {
		w.run(time.Millisecond)
		if n := len(a.wire); n > 0 && string(a.wire[n-1]) != last {
			last = string(a.wire[n-1])
			fresh = append(fresh, (w.now - start).Round(100*time.Millisecond))
		}
	}
	equal(t, "fresh InitHellos at", fresh, "[0s 1s 3s 7s]")
	equal(t, "reason", a.reason(), ReasonTimeout)
	if n := len(a.wire); n < 15 || n > 30 {
		t.Errorf("%d copies", n)
	}
}

// spec/sessions.md#rekey-lossless, #rekey-start
func TestRekeyLosesNothing(t *testing.T) {
	w, a, b, c := connected(t, 3)
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
	for _, e := range append(a.events, b.events...) {
		if e.Kind == Closed {
			t.Errorf("closed: %s", e.Reason)
		}
	}
	if len(a.core.channels) != 1 || len(c.sessions) > 2 {
		t.Errorf("%d channels, %d sessions", len(a.core.channels), len(c.sessions))
	}
}

// spec/sessions.md#rekey-other: the responder steps in when the initiator does not rekey.
func TestResponderStepsIn(t *testing.T) {
	w, a, b, c := connected(t, 3)
	w.lose = func(from, _ *host, x []byte) bool { return from == a && binary.BigEndian.Uint32(x) == wordInitHello }
	born := c.sessions[0].born
	for w.now < born+70*time.Second {
		a.send(c, fmt.Sprint(w.now))
		b.send(b.channel(), fmt.Sprint(w.now))
		w.run(20 * time.Millisecond)
	}
	var at Instant
	for _, s := range b.channel().sessions {
		if s.initiated {
			at = s.born - born
		}
	}
	if at.Round(time.Second) != 52*time.Second {
		t.Errorf("the responder's handshake began after %v", at)
	}
	equal(t, "lost", len(a.got)-len(b.got), 0)
}

// spec/sessions.md#glare
func TestBothDialAtOnce(t *testing.T) {
	for seed := int64(0); seed < 10; seed++ {
		w, a, b := pair(t, seed)
		w.delay = time.Duration(1+seed*20) * time.Millisecond
		ca := a.dial(b)
		w.run(time.Duration(seed) * 7 * time.Millisecond)
		cb := b.dial(a)
		n := 0
		for end := w.now + 130*time.Second; w.now < end; n++ {
			a.send(ca, fmt.Sprint(n))
			b.send(cb, fmt.Sprint(n))
			w.run(50 * time.Millisecond)
		}
		w.run(5 * time.Second)
		equal(t, "a got", a.unique(), n)
		equal(t, "b got", b.unique(), n)
		equal(t, "dials", a.count(DialDone)+b.count(DialDone), 2)
		if a.count(Closed)+b.count(Closed) > 0 {
			t.Errorf("seed %d: a channel ended", seed)
		}
	}
}

// spec/sessions.md#idle-silent, #send-starts, #early-data-sent
func TestSilenceWhenIdle(t *testing.T) {
	w, a, b, c := connected(t, 4)
	w.run(3 * time.Minute)
	equal(t, "datagrams while idle", a.sent+b.sent, 0)
	a.send(c, "late")
	a.send(c, "later")
	w.run(35 * time.Millisecond)
	equal(t, "b got, one round trip and a half later", b.got, "[late later]")
	equal(t, "a sent", kinds(a.wire), "[InitHello InitDone data data]")
}

// spec/sessions.md#early-data-held
func TestEarlyDataIsHeld(t *testing.T) {
	w, a, b, c := connected(t, 4)
	w.run(3 * time.Minute)
	lost := false
	w.lose = func(_, _ *host, x []byte) bool {
		if !lost && binary.BigEndian.Uint32(x) == wordInitDone {
			lost = true
			return true
		}
		return false
	}
	for i := 0; i < 40; i++ {
		a.send(c, fmt.Sprintf("%02d", i))
	}
	w.run(100 * time.Millisecond)
	equal(t, "b got before InitDone", b.got, "[]")
	equal(t, "early packets sent", len(a.wire), 2+earlyPackets)
	w.run(time.Second)
	equal(t, "b got", b.unique(), 40)
	equal(t, "order", b.got[0]+b.got[31]+b.got[39], "003139")
	if b.core.earlyTotal != 0 {
		t.Errorf("%d bytes are still held", b.core.earlyTotal)
	}
}

// spec/sessions.md#receipt
func TestReceipt(t *testing.T) {
	w, a, b, c := connected(t, 5)
	a.send(c, "x")
	w.run(505 * time.Millisecond)
	equal(t, "b sent", kinds(b.wire), "[]")
	w.run(20 * time.Millisecond)
	equal(t, "b sent", kinds(b.wire), "[empty]")
	w.run(40 * time.Second)
	equal(t, "all", kinds(append(a.wire, b.wire...)), "[data empty]")
	a.forget()
	b.forget()
	w.run(time.Minute)
	c2 := a.channel()
	for i := 0; i < 100; i++ {
		a.send(c2, fmt.Sprint(i))
		w.run(100 * time.Millisecond)
	}
	n := 0
	for _, k := range kinds(b.wire) {
		if k == "empty" {
			n++
		}
	}
	if n < 17 || n > 22 {
		t.Errorf("%d receipts in 10 s", n)
	}
}

// spec/sessions.md#dead-session
func TestRestartedPeer(t *testing.T) {
	w, a, b, c := connected(t, 6)
	a.send(c, "before")
	w.run(time.Second)
	b.restart()
	b.forget()
	began := w.now
	n := 0
	for len(b.got) == 0 && w.now < began+20*time.Second {
		a.send(c, fmt.Sprint(n))
		n++
		w.run(10 * time.Millisecond)
	}
	if d := w.now - began; d > 2200*time.Millisecond || d < 2*time.Second {
		t.Errorf("recovered after %v", d)
	}
	w.run(time.Second)
	before := len(b.got)
	a.send(c, "after")
	w.run(time.Second)
	equal(t, "new ones", len(b.got)-before, 1)
	b.send(b.channel(), "back")
	w.run(time.Second)
	equal(t, "a got", a.got, "[back]")
}

// spec/sessions.md#dead-backoff
func TestOneWayLossCostsOneHandshakePerStep(t *testing.T) {
	w, a, b, c := connected(t, 7)
	w.lose = func(from, _ *host, _ []byte) bool { return from == b }
	began := w.now
	for w.now < began+130*time.Second {
		a.send(c, fmt.Sprint(w.now))
		w.run(100 * time.Millisecond)
	}
	distinct := map[[32]byte]bool{}
	for _, x := range a.wire {
		if binary.BigEndian.Uint32(x) == wordInitHello {
			distinct[sha256.Sum256(x)] = true
		}
	}
	// Handshakes begin after 2, 14, 28, 46, 72 and 112 s, with four InitHellos each.
	if n := len(distinct); n < 20 || n > 24 {
		t.Errorf("%d InitHellos in 130 s", n)
	}
	if a.count(Closed) > 0 {
		t.Error("the channel ended")
	}
	w.lose = nil
	w.run(31 * time.Second)
	b.forget()
	a.send(c, "again")
	w.run(time.Second)
	if len(b.got) == 0 || b.got[len(b.got)-1] != "again" {
		t.Error("no recovery")
	}
}

// spec/sessions.md#send-fallback
func TestFallback(t *testing.T) {
	w, a, b, c := connected(t, 8)
	a.send(c, "x")
	// The rekey succeeds, and then b forgets the new session.
	for c.sessions[0].born < w.now-time.Second || len(c.sessions) < 2 {
		a.send(c, "y"+fmt.Sprint(w.now))
		w.run(50 * time.Millisecond)
		if w.now > 2000*time.Hour {
			t.Fatal("no rekey")
		}
	}
	newest := c.sessions[0]
	w.run(600 * time.Millisecond)
	for _, s := range b.channel().sessions {
		if s.seq == b.channel().sessions[0].seq {
			b.channel().endSession(w.now, s)
			break
		}
	}
	c.sessions[1].retireAt = never
	newest.firstData, newest.answered = never, false
	a.send(c, "first")
	w.run(3100 * time.Millisecond)
	if newest.answered {
		t.Skip("something came after all")
	}
	if c.handshake == nil && c.sessions[0] == newest {
		t.Error("no handshake after 2 s of silence")
	}
	if s := c.pick(w.now); s == newest {
		t.Error("data still goes on the silent session")
	}
}

// spec/sessions.md#closing-sent, #closing-received, #closing-channel
func TestClosing(t *testing.T) {
	w, a, b, c := connected(t, 9)
	a.send(c, "x")
	w.run(time.Second)
	a.forget()
	a.close(c)
	if a.send(c, "y") != ErrClosed {
		t.Error("a closing channel sends")
	}
	w.run(150 * time.Millisecond)
	equal(t, "copies", kinds(a.wire), "[closing closing]")
	w.run(time.Second)
	equal(t, "copies", kinds(a.wire), "[closing closing closing]")
	if !bytes.Equal(a.wire[0], a.wire[2]) || len(a.wire[0]) != Overhead {
		t.Error("the copies differ")
	}
	equal(t, "reasons", a.reason()+b.reason(), ReasonClosed+ReasonClosedByPeer)
	if !a.core.Idle() || !b.core.Idle() || len(a.core.places) > 0 || len(b.core.places) > 0 {
		t.Error("something is left")
	}
	// The same peers again.
	a.forget()
	c = a.dial(b)
	w.run(time.Second)
	a.send(c, "new")
	w.run(time.Second)
	equal(t, "b got", b.got, "[x new]")
}

func TestLateDataAfterClosing(t *testing.T) {
	w, a, b, c := connected(t, 10)
	packet, to, err := a.core.Seal(w.now, c, nil, []byte("late"))
	if err != nil {
		t.Fatal(err)
	}
	a.close(c)
	w.run(400 * time.Millisecond)
	a.put(to, packet)
	w.run(50 * time.Millisecond)
	equal(t, "b got", b.got, "[late]")
	w.run(200 * time.Millisecond)
	a.put(to, packet)
	equal(t, "reason", b.reason(), ReasonClosedByPeer)
}

// spec/sessions.md#refusal
func TestRefusal(t *testing.T) {
	w := newWorld(t, 11)
	a, b := w.host("a", Config{}), w.host("b", Config{Allow: func(*PublicKey) bool { return false }})
	n := 0
	w.lose = func(from, _ *host, x []byte) bool {
		n++
		return n == 4 // the first closing message
	}
	a.dial(b)
	w.run(3 * time.Second)
	equal(t, "reason", a.reason(), ReasonRefused)
	equal(t, "b sent", kinds(b.wire), "[RespHello closing closing]")
	if !bytes.Equal(b.wire[1], b.wire[2]) {
		t.Error("two different closing messages")
	}
	if len(b.events) > 0 {
		t.Error("the application heard of a refused peer")
	}
	w.run(20 * time.Second)
	if len(b.core.places) > 0 || len(a.core.places) > 0 {
		t.Error("something is left")
	}
}
