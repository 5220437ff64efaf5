package p2pke

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"net/netip"
	"testing"
	"time"
)

// spec/p2pke.md#resp-hello-identity, #own-key
func TestIdentities(t *testing.T) {
	w, a, b := pair(t, 12)
	other := seedIdentity(t, bytes.Repeat([]byte{7}, 32)).Public().ID()
	if _, err := a.core.DialDirect(w.now, b.addr, other); err != nil {
		t.Fatal(err)
	}
	a.settle()
	w.run(time.Second)
	equal(t, "reason", a.reason(), ReasonWrongIdentity)
	equal(t, "a sent", kinds(a.wire), "[InitHello]")
	if _, err := a.core.DialDirect(w.now, b.addr, a.peer()); err != ErrOwnKey {
		t.Error(err)
	}
	// A reflection.
	b.forget()
	if _, err := a.core.DialDirect(w.now, a.addr, b.peer()); err != nil {
		t.Fatal(err)
	}
	a.settle()
	w.run(time.Second)
	if a.core.Stats.Dropped(OwnKey) == 0 {
		t.Error("no OwnKey")
	}
}

// spec/sessions.md#identity-address
func TestAddressHeldByAnother(t *testing.T) {
	w, a, b, _ := connected(t, 13)
	thief := seedIdentity(t, bytes.Repeat([]byte{9}, 32))
	in, err := newInitiator(thief, nil, w.wall, w.rng)
	if err != nil {
		t.Fatal(err)
	}
	a.put(b.addr, in.hello)
	w.run(time.Second)
	equal(t, "b sent", kinds(b.wire), "[]")
	equal(t, "drops", b.core.Stats.Dropped(AddressHeldByAnother), 1)
}

// spec/sessions.md#address-move, #address-bound
func TestMove(t *testing.T) {
	w, a, b, c := connected(t, 14)
	a.send(c, "x")
	w.run(time.Second)
	stale, _, _ := a.core.Seal(w.now, c, nil, []byte("stale"))
	old := a.addr
	a.addr = netip.MustParseAddrPort("198.51.100.7:77")
	a.put(b.addr, stale)
	w.run(11 * time.Millisecond)
	equal(t, "from elsewhere", b.core.Stats.Dropped(UnknownAddress), 1)
	for i := 0; i < 40; i++ {
		a.send(c, fmt.Sprint(i))
		w.run(100 * time.Millisecond)
	}
	b.forget()
	b.send(b.channel(), "to the new address")
	w.run(time.Second)
	equal(t, "a got", a.got, "[to the new address]")
	if b.channel().Remote() == old || len(b.core.channels) != 1 {
		t.Error("the channel did not move")
	}
}

// spec/sessions.md#lifetime-send, #lifetime-receive
func TestLifetime(t *testing.T) {
	w, a, b, c := connected(t, 15)
	s, born := c.sessions[0], c.sessions[0].born
	if !s.maySend(born+55*time.Second-1) || s.maySend(born+55*time.Second) {
		t.Error("a session sends until it is 55 s old")
	}
	theirs := b.channel().sessions[0]
	packet := s.sealNext(nil, []byte("in time"))
	late := s.sealNext(nil, []byte("late"))
	w.run(theirs.born + 60*time.Second - w.now)
	if got, _ := b.core.Receive(theirs.born+60*time.Second, a.addr, packet); got == nil {
		t.Error("a session receives until it is 60 s old")
	}
	if got, _ := b.core.Receive(theirs.born+60*time.Second+1, a.addr, late); got != nil {
		t.Error("a session receives after 60 s")
	}
	equal(t, "drops", b.core.Stats.Dropped(SessionEnded), 1)
}

// spec/sessions.md#counter-limit, #rekey-start
func TestCounters(t *testing.T) {
	w, a, b, c := connected(t, 16)
	a.send(c, "x")
	s := c.sessions[0]
	if s.next != counterFirst+2 {
		t.Errorf("next counter %d", s.next)
	}
	s.next = rekeyCounter - 1
	a.send(c, "y")
	w.run(time.Second)
	if c.sessions[0] == s {
		t.Error("no rekey at 2^30")
	}
	s.next = CounterClosing - 1
	s.sealNext(nil, []byte("last"))
	if !s.exhausted() || s.maySend(w.now) {
		t.Error("the counter runs over")
	}
	_ = b
}

// spec/sessions.md#retire
func TestOldSessionIsRetired(t *testing.T) {
	w, a, b, c := connected(t, 17)
	for i := 0; i < 500; i++ {
		a.send(c, fmt.Sprint(i))
		b.send(b.channel(), fmt.Sprint(i))
		w.run(100 * time.Millisecond)
	}
	equal(t, "sessions of a and b", []int{len(c.sessions), len(b.channel().sessions)}, "[1 1]")
	equal(t, "sessions at their places", len(a.core.places[b.addr].sessions[ours])+len(b.core.places[a.addr].sessions[theirs]), 2)
}

// spec/sessions.md#limit-pending-address, #admission
func TestAdmission(t *testing.T) {
	w, a, b := pair(t, 18)
	var hellos []*initiator
	for i := 0; i < 5; i++ {
		in, err := newInitiator(a.id, nil, w.wall, w.rng)
		if err != nil {
			t.Fatal(err)
		}
		hellos = append(hellos, in)
		a.put(b.addr, in.hello)
		w.run(100 * time.Millisecond)
	}
	equal(t, "answers", len(b.wire), 5)
	equal(t, "pending", len(b.core.places[a.addr].pending), 4)
	done := func(i int) Drop {
		r, err := hellos[i].readRespHello(b.wire[i], acceptAll)
		if err != nil {
			t.Fatal(err)
		}
		before := b.core.Stats
		b.core.Receive(w.now, a.addr, r.initDone)
		for d := range before.Drops {
			if b.core.Stats.Drops[d] > before.Drops[d] {
				return Drop(d)
			}
		}
		return 0
	}
	equal(t, "InitDone of the one that went", done(0), NotAuthentic)
	equal(t, "InitDone of the last", uint8(done(4)), 0)

	// A flood from everywhere, with copied claims.
	w, a, b = pair(t, 19)
	in, err := newInitiator(a.id, nil, w.wall, w.rng)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < 3000; i++ {
		binary.BigEndian.PutUint32(in.hello[headerSize:], uint32(i))
		from := netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, byte(i >> 8), byte(i), 1}), 5)
		b.core.Receive(w.now, from, in.hello)
	}
	equal(t, "pending", len(b.core.places), handshakes)
	equal(t, "drops", b.core.Stats.Dropped(HandshakesFull), 3000-handshakes)
	w.now += handshakeLife
	b.core.Tick(w.now)
	equal(t, "left", len(b.core.places), 0)
	equal(t, "left", b.core.total[byAnybody].pending, 0)
	for i := 0; i < 1100; i++ {
		binary.BigEndian.PutUint32(in.hello[headerSize:], uint32(i))
		from := netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, 0, byte(i)}), uint16(i))
		b.core.Receive(w.now, from, in.hello)
	}
	equal(t, "prefix full", b.core.Stats.Dropped(PrefixHandshakesFull), 1000-handshakesPerPrefix)
	equal(t, "prefix rate", b.core.Stats.Dropped(PrefixRate), 100)
}

// spec/sessions.md#forged-harmless: junk, replays and changed copies neither deliver anything nor disturb.
func TestAdversary(t *testing.T) {
	for seed := int64(0); seed < 5; seed++ {
		w, a, b, c := connected(t, seed)
		var seen [][]byte
		n := 0
		for end := w.now + 100*time.Second; w.now < end; n++ {
			a.send(c, fmt.Sprint(n))
			b.send(b.channel(), fmt.Sprint(n))
			seen = append(append(seen, a.wire...), b.wire...)
			a.wire, b.wire = nil, nil
			for i := 0; i < 3; i++ {
				x := append([]byte(nil), seen[w.rng.Intn(len(seen))]...)
				switch w.rng.Intn(4) {
				case 0: // as it was
				case 1:
					x[w.rng.Intn(len(x))] ^= 1 << w.rng.Intn(8)
				case 2:
					x = x[:w.rng.Intn(len(x)+1)]
				case 3:
					w.rng.Read(x[w.rng.Intn(4):])
				}
				target, from := b, a.addr
				if w.rng.Intn(2) == 0 {
					target, from = a, b.addr
				}
				if w.rng.Intn(4) == 0 {
					from = netip.MustParseAddrPort("203.0.113.9:9")
				}
				if c, payload := target.core.Receive(w.now, from, x); c != nil {
					target.deliver(c, payload)
				}
				target.settle()
			}
			w.run(30 * time.Millisecond)
		}
		w.run(5 * time.Second)
		if a.unique() != n || b.unique() != n {
			t.Errorf("seed %d: %d and %d of %d", seed, len(a.got), len(b.got), n)
		}
		if a.count(Closed)+b.count(Closed) > 0 {
			t.Errorf("seed %d: a channel ended", seed)
		}
		for _, h := range []*host{a, b} {
			if n := len(h.core.places); n > 2 {
				t.Errorf("%d places", n)
			}
		}
	}
}

func TestTrafficUnderLoss(t *testing.T) {
	for seed := int64(0); seed < 8; seed++ {
		w, a, b, c := connected(t, seed)
		w.lose = func(_, _ *host, _ []byte) bool { return w.rng.Intn(100) < 20 }
		b.onData = func(c *Channel, payload []byte) { b.send(c, string(payload)) }
		n := 0
		for end := w.now + 300*time.Second; w.now < end; n++ {
			a.send(c, fmt.Sprint(n))
			w.run(50 * time.Millisecond)
		}
		if a.count(Closed)+b.count(Closed) > 0 {
			t.Fatalf("seed %d: a channel ended", seed)
		}
		if share := float64(a.unique()) / float64(n); share < 0.55 || share > 0.75 {
			t.Errorf("seed %d: %.2f of the echoes", seed, share)
		}
		if b.unique() < n*7/10 {
			t.Errorf("seed %d: %d of %d", seed, len(b.got), n)
		}
	}
}

// spec/sessions.md#empty-send, #too-large, #queue
func TestCallersErrors(t *testing.T) {
	w, a, b := pair(t, 20)
	c := a.dial(b)
	equal(t, "empty", a.send(c, ""), ErrEmpty)
	equal(t, "too large", a.send(c, string(make([]byte, 1213))), ErrTooLarge)
	for i := 0; i < queuedDatagrams; i++ {
		if err := a.send(c, fmt.Sprint(i)); err != nil {
			t.Fatal(err)
		}
	}
	equal(t, "full", a.send(c, "one more"), ErrQueueFull)
	w.run(time.Second)
	equal(t, "b got", b.unique(), queuedDatagrams)
	if err := a.send(c, string(make([]byte, 1212))); err != nil {
		t.Error(err)
	}
}

// spec/sessions.md#idle-timeout
func TestIdleTimeout(t *testing.T) {
	w, a, b, _ := connected(t, 21)
	w.run(10*time.Minute + 50*time.Second)
	equal(t, "reason", a.reason(), "")
	w.run(30 * time.Second)
	equal(t, "reasons", a.reason()+b.reason(), ReasonIdle+ReasonIdle)
	if len(a.core.places)+len(b.core.places) > 0 {
		t.Error("something is left")
	}
}

func TestShortLifetime(t *testing.T) {
	w := newWorld(t, 22)
	a, b := w.host("a", Config{Lifetime: 2 * time.Second}), w.host("b", Config{})
	b.onData = func(c *Channel, payload []byte) { b.send(c, string(payload)) }
	c := a.dial(b)
	w.run(time.Second)
	n := 0
	for end := w.now + 20*time.Second; w.now < end; n++ {
		a.send(c, fmt.Sprint(n))
		w.run(10 * time.Millisecond)
	}
	w.run(time.Second)
	equal(t, "echoes", a.unique(), n)
	if k := a.count(SessionUp); k < 12 || k > 18 {
		t.Errorf("%d sessions in 21 s", k)
	}
}

// --- the reference ---

// spec/p2pke.md section 9: a peer that may be the reference is never killed, and hears what is sent.
func TestReferenceSurvives(t *testing.T) {
	for seed := int64(0); seed < 20; seed++ {
		w := newWorld(t, seed)
		w.delay = time.Duration(1+seed*10) * time.Millisecond
		a := w.host("a", Config{})
		r := w.reference("r", a)
		if seed%2 == 1 {
			// Losing only what is lost without harm: the reference does not survive a loss of all InitDones.
			w.lose = func(from, to *host, x []byte) bool {
				k := kinds([][]byte{x})[0]
				return (k == "InitHello" || k == "RespHello" || k == "data") && w.rng.Intn(100) < 10
			}
		}
		c := a.dial(r)
		n, m := 0, 0
		for end := w.now + 200*time.Second; w.now < end; n++ {
			a.send(c, fmt.Sprint(n))
			if r.ref.say(fmt.Sprint(n)) {
				m++
			}
			w.run(100 * time.Millisecond)
		}
		w.run(15 * time.Second)
		if !c.MaybeReference() {
			t.Error("the reference was taken for something else")
		}
		least, leastBack := n*99/100, m*9/10
		if w.lose != nil {
			least, leastBack = n*8/10, m*7/10
		}
		if r.unique() < least || a.unique() < leastBack {
			t.Errorf("seed %d: %d of %d there, %d of %d back", seed, len(r.got), n, len(a.got), m)
		}
		if a.count(Closed) > 0 {
			t.Errorf("seed %d: closed: %s", seed, a.reason())
		}
		a.close(c)
		w.run(time.Second)
	}
}

// spec/p2pke.md#direct-first-send, #direct-prefer-own
func TestReferenceDials(t *testing.T) {
	w := newWorld(t, 1)
	a := w.host("a", Config{})
	r := w.reference("r", a)
	r.ref.dial()
	w.run(time.Second)
	equal(t, "a sent", kinds(a.wire), "[RespHello empty]")
	r.ref.say("hello")
	w.run(2 * time.Second)
	equal(t, "a got", a.got, "[hello]")
	equal(t, "a sent", kinds(a.wire), "[RespHello empty]")
	c := a.channel()
	a.forget()
	a.send(c, "hi")
	w.run(time.Second)
	equal(t, "a sent", kinds(a.wire)[:4], "[InitHello InitDone InitDone InitDone]")
	equal(t, "r got", r.got, "[hi]")
	if r.ref.in.got != 1 {
		t.Error("not on our own session")
	}
	// Without an answer to our own handshake the reference's session serves.
	w2 := newWorld(t, 2)
	a = w2.host("a", Config{})
	r = w2.reference("r", a)
	r.ref.dial()
	w2.run(time.Second)
	w2.lose = func(from, _ *host, x []byte) bool { return binary.BigEndian.Uint32(x) == wordInitHello }
	a.send(a.channel(), "hi")
	w2.run(9 * time.Second)
	equal(t, "r got", r.got, "[]")
	w2.run(2 * time.Second)
	equal(t, "r got", r.got, "[hi]")
}

// A reference that only listens gives no sign of life but its RespHellos.
func TestListeningReference(t *testing.T) {
	w := newWorld(t, 3)
	a := w.host("a", Config{})
	r := w.reference("r", a)
	c := a.dial(r)
	n := 0
	for end := w.now + 60*time.Second; w.now < end; n++ {
		a.send(c, fmt.Sprint(n))
		w.run(100 * time.Millisecond)
	}
	w.run(time.Second)
	equal(t, "r got", r.unique(), n)
	if k := a.count(SessionUp); k < 4 || k > 8 {
		t.Errorf("%d handshakes in 60 s", k)
	}
}

// spec/p2pke.md#direct-close
func TestClosingTowardsTheReference(t *testing.T) {
	w := newWorld(t, 4)
	a := w.host("a", Config{})
	r := w.reference("r", a)
	c := a.dial(r)
	w.run(time.Second)
	a.forget()
	a.close(c)
	w.run(time.Second)
	equal(t, "a sent", kinds(a.wire), "[]")
	c = a.dial(r)
	w.run(time.Second)
	r.ref.say("x")
	w.run(time.Second)
	a.forget()
	a.close(c)
	w.run(time.Second)
	equal(t, "a sent", kinds(a.wire), "[closing closing closing]")
}
