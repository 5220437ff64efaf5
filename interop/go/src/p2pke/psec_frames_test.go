package p2pke

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"fmt"
	"net/netip"
	"testing"
	"time"

	"psec"
)

// feed gives a host one datagram and returns what it was counted as.
func (h *host) feed(from netip.AddrPort, b []byte) string {
	before := h.core.Stats
	if c, payload := h.core.Receive(h.w.now, from, append([]byte(nil), b...)); c != nil {
		h.deliver(c, payload)
	}
	h.settle()
	return outcome(&before, &h.core.Stats)
}

// propose makes a proposal of anybody's.
func propose(id []byte, attempt int, more ...string) *psec.Proposal {
	return &psec.Proposal{ID: id, Strings: append([]string{schemeName, fmt.Sprintf("%s%022d", psec.Attempt, attempt)}, more...)}
}

func stranger(n int) netip.AddrPort {
	return netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, byte(n >> 8), byte(n), 1}), 5)
}

var noID = []byte{0, 1, 7}

// spec/psec.md section 9
func TestWhichDatagramIsAFrame(t *testing.T) {
	w, a, b := negotiators(t, 1, Config{})
	a.dial(b)
	w.run(time.Second)
	good := propose(noID, 1).Encode()
	long := make([]string, 100)
	for i := range long {
		long[i] = "a scheme with a long name"
	}
	tooLong := propose(noID, 2, long...).Encode()
	pad := func(b ...byte) []byte { return append(b, make([]byte, 40)...) }
	for _, x := range []struct {
		name                string
		b                   []byte
		without, with, dial string // with state, and while an own proposal is outstanding
	}{
		{"a proposal", good, asHandshake, asHandshake, asHandshake},
		{"a proposal, cut", good[:len(good)-1], "Malformed", "NotAuthentic", "NotAuthentic"},
		{"a short proposal, cut", good[:10], "Malformed", "TooShort", "TooShort"},
		{"a proposal that is too long", tooLong, "TooLong", "TooLong", "TooLong"},
		{"an accept", psec.Accept("other-1"), "NoProposal", "NoProposal", "NotOffered"},
		{"an accept of a string that is no scheme", psec.Accept(psec.Retry), "NoProposal", "NoProposal", "NotOffered"},
		{"an accept, cut", psec.Accept("other-1")[:5], "TooShort", "TooShort", "TooShort"},
		{"a reject", psec.Reject(), "NoProposal", "NoProposal", asHandshake},
		{"two bytes FF", []byte{0xff, 0xff}, "TooShort", "TooShort", "TooShort"},
		{"nothing", nil, "TooShort", "TooShort", "TooShort"},
		{"00", []byte{0}, "TooShort", "TooShort", "TooShort"},
		{"00 01", pad(0, 1, 7), "UnknownAddress", "NotAuthentic", "NotAuthentic"},
		{"a first packet without a tag", plainHello(t, w), "NoDirectScheme", "NoDirectScheme", "NoDirectScheme"},
		{"junk", pad(0x12, 0x34), "UnknownAddress", "NotAuthentic", "NotAuthentic"},
	} {
		if got := b.feed(stranger(1), x.b); got != x.without {
			t.Errorf("%s: %s without state, want %s", x.name, got, x.without)
		}
		if got := b.feed(a.addr, x.b); got != x.with {
			t.Errorf("%s: %s with state, want %s", x.name, got, x.with)
		}
		_, c, d := negotiators(t, 2, Config{})
		c.dial(d)
		if got := c.feed(d.addr, x.b); got != x.dial {
			t.Errorf("%s: %s at a proposal, want %s", x.name, got, x.dial)
		}
		w.run(11 * time.Second)
	}
}

func plainHello(t *testing.T, w *world) []byte {
	in, err := newInitiator(seedIdentity(t, bytes.Repeat([]byte{5}, 32)), nil, w.wall, w.rng)
	if err != nil {
		t.Fatal(err)
	}
	return in.hello
}

func taggedHello(t *testing.T, w *world, id *Identity, transcript []byte) []byte {
	in, err := newInitiator(id, transcript, w.wall, w.rng)
	if err != nil {
		t.Fatal(err)
	}
	return in.hello
}

// spec/psec.md#frame-early
func TestFramesAreNotHeld(t *testing.T) {
	w, a, b := negotiators(t, 3, Config{})
	w.lose = func(_, _ *host, x []byte) bool { return kind(x) == "InitDone" }
	a.dial(b)
	w.run(300 * time.Millisecond)
	p := b.core.places[a.addr]
	if len(p.pending) == 0 {
		t.Fatal("nothing is pending")
	}
	for _, x := range [][]byte{propose(noID, 1).Encode(), psec.Accept("a scheme of some length"), psec.Reject()} {
		b.feed(a.addr, x)
	}
	equal(t, "held", len(p.early), 0)
	equal(t, "data", b.feed(a.addr, append([]byte{0, 0, 0, 99}, make([]byte, 30)...)), asHeld)
}

// spec/psec.md#first-packet-tag, #direct-one, #embed-use
func TestTagsNameHypotheses(t *testing.T) {
	w := newWorld(t, 4)
	b := w.negotiator("b", Config{Direct: true})
	id := seedIdentity(t, bytes.Repeat([]byte{5}, 32))
	from := stranger(1)
	p := propose(id.Public().Multihash(), 1)
	right := psec.Standard(p.NormalForm(), schemeName)
	wrong := psec.Standard(p.NormalForm(), "other")
	equal(t, "before the proposal", b.feed(from, taggedHello(t, w, id, right[:])), "UnknownTranscript")
	p.First = taggedHello(t, w, id, wrong[:])
	equal(t, "with another first packet", b.feed(from, p.Encode()), asHandshake)
	equal(t, "b sent", kinds(b.wire), "[accept]")
	equal(t, "another tag", b.feed(from, taggedHello(t, w, id, wrong[:])), "UnknownTranscript")
	equal(t, "elsewhere", b.feed(stranger(2), taggedHello(t, w, id, right[:])), "UnknownTranscript")
	equal(t, "the right one", b.feed(from, taggedHello(t, w, id, right[:])), asHandshake)
	equal(t, "none", b.feed(from, plainHello(t, w)), asHandshake)
	// spec/psec.md#claimed-id
	other := seedIdentity(t, bytes.Repeat([]byte{6}, 32))
	equal(t, "another key", b.feed(from, taggedHello(t, w, other, right[:])), "KeyMismatch")
	hidden := propose(append([]byte{0x12, 32}, make([]byte, 32)...), 3)
	h := psec.Standard(hidden.NormalForm(), schemeName)
	b.feed(from, hidden.Encode())
	equal(t, "a hidden one", b.feed(from, taggedHello(t, w, other, h[:])), asHandshake)
	// spec/psec.md#first-packet-progress: other bytes in a copy
	before := len(b.core.places[from].pending)
	p.First = taggedHello(t, w, id, right[:])
	equal(t, "a copy", b.feed(from, p.Encode()), asCached)
	equal(t, "pending", len(b.core.places[from].pending), before+1)
	equal(t, "the same copy", b.feed(from, p.Encode()), asCached)
	equal(t, "pending", len(b.core.places[from].pending), before+1)
}

// spec/psec.md#first-packet-tag, spec/p2pke.md section 10: T is known where its sessions are; who moves starts over.
func TestRekeyFromAnotherAddress(t *testing.T) {
	w, a, b := negotiators(t, 14, Config{})
	c := a.dial(b)
	w.run(time.Second)
	b.forget()
	old := c.agreement.Transcript
	hello := taggedHello(t, w, a.id, old)
	equal(t, "from elsewhere", b.feed(stranger(1), hello), "UnknownTranscript")
	equal(t, "b sent", kinds(b.wire), "[]")
	equal(t, "from its address", b.feed(a.addr, hello), asHandshake)
	equal(t, "b sent", kinds(b.wire), "[RespHello]")
	a.addr = stranger(1)
	a.forget()
	a.send(c, "unheard")
	w.run(2100 * time.Millisecond)
	equal(t, "a sent", kinds(a.wire), "[data proposal InitDone]")
	equal(t, "b's idea", b.channel().Remote(), a.addr)
	agree(t, a, b, "moved")
	now := c.agreement.Transcript
	a.close(c)
	w.run(time.Second)
	equal(t, "of a channel that is over", b.feed(a.addr, taggedHello(t, w, a.id, now)), "UnknownTranscript")
}

// spec/psec.md#reflection
func TestReflection(t *testing.T) {
	w, a, b := negotiators(t, 5, Config{})
	a.dial(b)
	equal(t, "own proposal", a.feed(b.addr, a.wire[0]), "Reflected")
	equal(t, "from elsewhere", a.feed(stranger(1), propose(a.core.peerID, 1).Encode()), "Reflected")
	w.run(time.Second)
	agree(t, a, b, "afterwards")
}

// spec/psec.md#copy, #copy-after-win
func TestCopies(t *testing.T) {
	w, a, b := negotiators(t, 6, Config{})
	w.lose = func(from, _ *host, _ []byte) bool { return from == b }
	a.dial(b)
	w.run(11 * time.Millisecond)
	again := a.wire[0]
	equal(t, "b sent", kinds(b.wire), "[accept RespHello]")
	equal(t, "a copy", b.feed(a.addr, again), asCached)
	equal(t, "b sent", kinds(b.wire), "[accept RespHello accept RespHello]")
	if !bytes.Equal(b.wire[1], b.wire[3]) {
		t.Error("two RespHellos")
	}
	w.lose = nil
	w.run(3 * time.Second)
	b.forget()
	equal(t, "after the win", b.feed(a.addr, again), "NegotiationOver")
	equal(t, "b sent", kinds(b.wire), "[]")
	w.run(50 * time.Second)
	equal(t, "50 s later", b.feed(a.addr, again), "NegotiationOver")
	w.run(10 * time.Second)
	equal(t, "without a session", b.feed(a.addr, again), asHandshake)
	w.run(11 * time.Second)
	clean(t, a, b)

	// Simultaneous: the leader sends its proposal and its first packet again, the follower nothing.
	w, a, b = negotiators(t, 7, Config{})
	w.lose = func(_, _ *host, x []byte) bool { return kind(x) == "RespHello" }
	a.dial(b)
	b.dial(a)
	w.run(21 * time.Millisecond)
	fromA, fromB := a.wire[0], b.wire[0]
	a.forget()
	b.forget()
	equal(t, "to the leader", a.feed(b.addr, fromB), asCached)
	equal(t, "a sent", kinds(a.wire), "[proposal InitHello]")
	equal(t, "to the follower", b.feed(a.addr, fromA), asCached)
	equal(t, "b sent", kinds(b.wire), "[]")
	w.lose = nil
	w.run(time.Second)
	agree(t, a, b, "simultaneous")
	equal(t, "after the win, leader", a.feed(b.addr, fromB), "NegotiationOver")
	equal(t, "after the win, follower", b.feed(a.addr, fromA), "NegotiationOver")
}

// spec/psec.md#proposals-per-address
func TestFiveProposals(t *testing.T) {
	w := newWorld(t, 8)
	b := w.negotiator("b", Config{})
	id, from := seedIdentity(t, bytes.Repeat([]byte{5}, 32)), stranger(1)
	var list []*psec.Proposal
	for i := 0; i < 5; i++ {
		p := propose(id.Public().Multihash(), i)
		list = append(list, p)
		if i != 1 {
			tr := psec.Standard(p.NormalForm(), schemeName)
			p.First = taggedHello(t, w, id, tr[:])
		}
		equal(t, "new", b.feed(from, p.Encode()), asHandshake)
		w.run(time.Millisecond)
	}
	place := b.core.places[from]
	equal(t, "kept", len(place.proposals), 4)
	equal(t, "one more", b.feed(from, propose(noID, 9).Encode()), "AddressProposalsFull")
	equal(t, "a copy", b.feed(from, list[0].Encode()), asCached)
	equal(t, "the one that went", b.feed(from, list[1].Encode()), "AddressProposalsFull")
	w.run(11 * time.Second)
	clean(t, b)
	if len(b.core.places) > 0 {
		t.Error("something is left")
	}
}

// spec/psec.md#admission, #cookie-admission, #retry-names, #retry-taken
func TestRetry(t *testing.T) {
	w, a, b := negotiators(t, 9, Config{})
	flood := func() {
		for i := 0; i < addressesInAll+100; i++ {
			b.core.Receive(w.now, stranger(i), propose(noID, i).Encode())
		}
		b.core.Out = nil
	}
	flood()
	equal(t, "in all", b.core.total[byAnybody].addresses, addressesInAll)
	equal(t, "drops", b.core.Stats.Dropped(ProposalsFull), 100)
	equal(t, "a retry is no longer than what it answers", b.feed(stranger(5000), propose([]byte{0, 1, 8}, 5000, psec.Retry).Encode()), asHandshake)
	equal(t, "no state", b.core.places[stranger(5000)] == nil, true)
	b.forget()
	a.dial(b)
	w.run(time.Second)
	equal(t, "a sent", kinds(a.wire), "[proposal proposal InitDone]")
	equal(t, "b sent", kinds(b.wire), "[retry accept RespHello empty]")
	agree(t, a, b, "by a cookie")
	// The tables hold as many again for cookies, and others do not fill them.
	w.run(20 * time.Second)
	clean(t, a, b)

	// The cookie is for one address and one proposal only.
	flood()
	b.forget()
	p := propose(noID, 7777, psec.Retry)
	b.feed(stranger(7777), p.Encode())
	cookie := psec.ParseAccept(b.wire[0])
	p.Strings = psec.WithCookie(p.Strings, cookie)
	equal(t, "elsewhere", b.feed(stranger(7778), p.Encode()), asHandshake)
	q := propose(noID, 7778, psec.Retry, cookie)
	equal(t, "another proposal", b.feed(stranger(7777), q.Encode()), asHandshake)
	equal(t, "b sent", kinds(b.wire), "[retry retry retry]")
	equal(t, "the right one", b.feed(stranger(7777), p.Encode()), asHandshake)
	equal(t, "b sent", kinds(b.wire), "[retry retry retry accept]")
	equal(t, "apart", b.core.total[byCookie].addresses, 1)

	// Three retries are taken, whatever they say.
	w, a, b = negotiators(t, 10, Config{})
	w.lose = func(_, _ *host, _ []byte) bool { return true }
	a.dial(b)
	first := psec.ParseProposal(a.wire[0])
	name := psec.RetryName(psec.DigestOf(first.NormalForm()))
	for i := 0; i < 4; i++ {
		equal(t, "one of another proposal", a.feed(b.addr, psec.Accept(psec.Retry+":"+fmt.Sprint(i))), "NoProposal")
	}
	for i := 0; i < 3; i++ {
		equal(t, "a retry", a.feed(b.addr, psec.Accept(name+fmt.Sprint(i))), asHandshake)
	}
	equal(t, "a fourth", a.feed(b.addr, psec.Accept(name+"4")), "RetriesExhausted")
	equal(t, "a sent", kinds(a.wire), "[proposal proposal proposal proposal]")
	last := psec.ParseProposal(a.wire[3])
	n := len(last.Strings)
	equal(t, "cookie", last.Strings[n-2:], "[psec-retry-1 "+name+"2]")
	if !bytes.Equal(first.NormalForm(), last.NormalForm()) || !bytes.Equal(first.First, last.First) {
		t.Error("another proposal")
	}
}

// spec/psec.md#live-rate
func TestRateOfALiveAddress(t *testing.T) {
	w, a, b := negotiators(t, 11, Config{})
	a.dial(b)
	w.run(time.Second)
	results := map[string]int{}
	for i := 0; i < 50; i++ {
		results[b.feed(a.addr, propose(noID, i, psec.Retry).Encode())]++
	}
	equal(t, "in one moment", results, map[string]int{asHandshake: 8, "PrefixRate": 42})
	if b.core.total != [shares]held{} {
		t.Error("counted against the prefix")
	}
	agree(t, a, b, "afterwards")
}

// spec/psec.md#amplification: also where RespHello is longer than what it answers.
func TestNoAmplification(t *testing.T) {
	w := newWorld(t, 12)
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	large, err := NewIdentity(key)
	if err != nil {
		t.Fatal(err)
	}
	b := w.negotiator("b", Config{Identity: large})
	id := seedIdentity(t, bytes.Repeat([]byte{5}, 32))
	in, out := map[netip.AddrPort]int{}, map[netip.AddrPort]int{}
	answers := 0
	send := func(from netip.AddrPort, x []byte) {
		in[from] += len(x)
		b.core.Receive(w.now, from, x)
		for _, d := range b.core.Out {
			answers++
			if out[d.To] += len(d.Bytes); out[d.To] > in[d.To] {
				t.Fatalf("%v: %d bytes for %d", d.To, out[d.To], in[d.To])
			}
		}
		b.core.Out = nil
	}
	var known [][]byte
	for i := 0; i < 3000; i++ {
		from := stranger(w.rng.Intn(20))
		p := propose([][]byte{noID, id.Public().Multihash()}[w.rng.Intn(2)], w.rng.Intn(40), [][]string{nil, {psec.Retry}}[w.rng.Intn(2)]...)
		tr := psec.Standard(p.NormalForm(), schemeName)
		switch w.rng.Intn(5) {
		case 0:
			p.Strings = []string{"x"}
		case 1:
			p.First = taggedHello(t, w, id, tr[:])
		case 2:
			known = append(known, taggedHello(t, w, id, tr[:]))
			send(from, known[w.rng.Intn(len(known))])
			continue
		}
		send(from, p.Encode())
		w.now += time.Duration(w.rng.Intn(20)) * time.Millisecond
		b.core.Tick(w.now)
	}
	if answers < 1000 {
		t.Errorf("only %d answers", answers)
	}
}
