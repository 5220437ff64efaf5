package p2pke

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"net/netip"
	"testing"
	"time"

	"psec"
)

// schemeCases are the ways in which the schemes are spoken.
var schemeCases = []struct {
	name string
	cfg  Config
}{
	{"xx", Config{Schemes: []string{SchemeXX}}},
	{"xx direct", Config{Schemes: []string{SchemeXX}, Direct: true, DirectScheme: SchemeXX}},
	{"secret", Config{Schemes: []string{SchemeSecret}, Hidden: true}},
	{"secret not hidden", Config{Schemes: []string{SchemeSecret}}},
	{"secret with a network key", Config{Schemes: []string{SchemeSecret}, Hidden: true, NetworkKey: bytes.Repeat([]byte{9}, 32)}},
	{"secret direct", Config{Schemes: []string{SchemeSecret}, Direct: true, DirectScheme: SchemeSecret}},
	{"mixed", Config{Schemes: []string{SchemeXX, SchemeP2PKE, SchemeSecret}}},
}

func (h *host) call(to *host) *Channel {
	c, err := h.core.DialKey(h.w.now, to.addr, to.id.Public(), h.cfg.Direct)
	if err != nil {
		h.w.t.Fatal(err)
	}
	h.settle()
	return c
}

// loseSome loses a part of the handshake packets and frames.
func (w *world) loseSome(percent int) {
	w.lose = func(_, _ *host, b []byte) bool {
		small := kind(b) != "data" && kind(b) != "empty" && kind(b) != "closing" || b[0]&0x7f == 0 && b[1] == 0 && b[2] == 0 && b[3] < 16
		return small && w.rng.Intn(100) < percent
	}
}

// spec/noise-xx.md, spec/secret-handshake.md: dials succeed whatever is lost, and rekeys lose nothing.
func TestSchemes(t *testing.T) {
	for _, x := range schemeCases {
		for seed := int64(0); seed < 8; seed++ {
			loss := int(seed%4) * 10
			name := fmt.Sprintf("%s, loss %d, seed %d", x.name, loss, seed)
			w := newWorld(t, seed)
			cfg := x.cfg
			cfg.Lifetime = 6 * time.Second
			a, b := w.negotiator("a", cfg), w.negotiator("b", cfg)
			w.loseSome(loss)
			a.call(b)
			w.run(9 * time.Second)
			if a.count(Connected) != 1 || b.count(Connected) != 1 {
				t.Errorf("%s: a has %v, b has %v; a sent %v, b sent %v", name, a.events, b.events, kinds(a.wire), kinds(b.wire))
				continue
			}
			w.lose = nil
			a.got, b.got = nil, nil
			for i := 0; i < 200; i++ {
				if err := a.send(a.channel(), fmt.Sprint(i)); err != nil {
					t.Fatal(name, err)
				}
				w.run(100 * time.Millisecond)
			}
			w.run(time.Second)
			if len(b.got) != 200 || a.count(SessionUp) < 4 || b.count(SessionUp) < 4 {
				t.Errorf("%s: %d came, %d sessions", name, len(b.got), a.count(SessionUp))
			}
			agree(t, a, b, name)
			a.close(a.channel())
			w.run(time.Second)
			if a.count(Closed) != 1 || b.reason() != ReasonClosedByPeer {
				t.Errorf("%s: not closed: %v", name, b.events)
			}
		}
	}
}

// spec/psec.md#one-wins: both dial, proposals cross.
func TestSchemesAtOnce(t *testing.T) {
	for _, x := range schemeCases {
		if x.cfg.Direct {
			continue
		}
		for seed := int64(0); seed < 40; seed++ {
			name := fmt.Sprintf("%s, seed %d", x.name, seed)
			w := newWorld(t, seed)
			w.jitter = 20 * time.Millisecond
			a, b := w.negotiator("a", x.cfg), w.negotiator("b", x.cfg)
			w.loseSome(int(seed%4) * 10)
			a.call(b)
			w.run(time.Duration(seed%3) * 8 * time.Millisecond)
			b.call(a)
			w.run(9 * time.Second)
			if a.count(DialDone) != 1 || b.count(DialDone) != 1 || a.count(Connected) != 1 || b.count(Connected) != 1 {
				t.Errorf("%s: a has %v, b has %v; a sent %v, b sent %v", name, a.events, b.events, kinds(a.wire), kinds(b.wire))
				continue
			}
			w.lose, w.jitter = nil, 0
			agree(t, a, b, name)
			w.run(3 * time.Second)
			if n := len(b.core.all); n != 1 {
				t.Errorf("%s: %d channels", name, n)
			}
			for _, h := range []*host{a, b} {
				for _, c := range []*Channel{h.channel()} {
					if len(c.unproven) > 0 || c.handshake != nil || c.negotiation != nil {
						t.Errorf("%s: something is left", name)
					}
				}
			}
		}
	}
}

func secretPair(t *testing.T, cfg Config) (*world, *host, *host) {
	cfg.Schemes, cfg.Direct, cfg.DirectScheme = []string{SchemeSecret}, true, SchemeSecret
	w := newWorld(t, 1)
	return w, w.negotiator("a", cfg), w.negotiator("b", cfg)
}

// spec/secret-handshake.md#confirm-repeat, #confirm-report
func TestSecretIsReportedWhenConfirmed(t *testing.T) {
	w, a, b := secretPair(t, Config{})
	finishes := 0
	w.lose = func(from, _ *host, b []byte) bool {
		if from == a && b[3] == 10 {
			finishes++
		}
		return from == a && b[3] != 8 && b[3] != 10 // no transport packet arrives
	}
	a.call(b)
	w.run(1200 * time.Millisecond)
	if a.count(Connected) != 1 || b.count(Connected) != 0 || finishes != 1 {
		t.Fatalf("a %v, b %v, %d finishes", a.events, b.events, finishes)
	}
	equal(t, "b sent", len(b.wire), "4") // message 2, the first packet, two more
	w.lose = nil
	w.run(time.Second)
	if b.count(Connected) != 1 {
		t.Fatal("not reported")
	}
	sent := len(b.wire)
	w.run(5 * time.Second)
	equal(t, "b sent afterwards", len(b.wire)-sent, "0")

	// What never is confirmed leaves nothing.
	w, a, b = secretPair(t, Config{})
	w.lose = func(from, _ *host, b []byte) bool { return from == a && b[3] != 8 && b[3] != 10 }
	a.call(b)
	w.run(11 * time.Second)
	if len(b.events) != 0 || len(b.core.all) != 0 || b.core.inbound != 0 {
		t.Errorf("left: %v", b.events)
	}
}

// spec/secret-handshake.md#accepted-once, #finish-repeat, #cookie, #silent-failure
func TestSecretFinishes(t *testing.T) {
	w, a, b := secretPair(t, Config{})
	c := a.call(b)
	w.run(time.Second)
	var finish []byte
	for _, m := range a.wire {
		if m[3] == 10 && m[0] == 0 {
			finish = m
		}
	}
	sent := len(b.wire)
	w.put(a.addr, b.addr, finish)
	w.run(time.Second)
	if len(b.wire) != sent+1 || !bytes.Equal(b.wire[sent], b.wire[1]) {
		t.Errorf("a copy draws %v", kinds(b.wire[sent:]))
	}
	a.close(c)
	w.run(time.Second)
	sent = len(b.wire)
	w.put(a.addr, b.addr, finish)
	w.put(netip.AddrPortFrom(a.addr.Addr(), a.addr.Port()+1), b.addr, finish)
	bad := append([]byte(nil), finish...)
	bad[150] ^= 1
	w.put(a.addr, b.addr, bad)
	w.run(time.Second)
	equal(t, "answers after the end", len(b.wire)-sent, "0")
	w.run(2 * time.Minute)
	if b.core.minutes.current != nil || b.core.minutes.previous != nil || len(b.core.places) != 0 {
		t.Error("keys of the minute are left")
	}
}

// spec/secret-handshake.md#one-error, #asked-last: refused, another peer, nobody.
func TestSecretFailsInOneWay(t *testing.T) {
	for name, change := range map[string]func(w *world, a, b *host){
		"refused":     func(w *world, a, b *host) { b.core.cfg.Allow = func(*PublicKey) bool { return false } },
		"another":     func(w *world, a, b *host) { b.cfg.Identity = seedIdentity(t, bytes.Repeat([]byte{3}, 32)); b.restart() },
		"nobody":      func(w *world, a, b *host) { w.lose = func(_, _ *host, _ []byte) bool { return true } },
		"network key": func(w *world, a, b *host) { b.core.secret.network = bytes.Repeat([]byte{4}, 32) },
	} {
		w, a, b := secretPair(t, Config{})
		change(w, a, b)
		a.call(b)
		w.run(9 * time.Second)
		if len(a.events) != 0 {
			t.Errorf("%s: %v", name, a.events)
		}
		w.run(2 * time.Second)
		if a.reason() != ReasonTimeout || len(b.events) != 0 {
			t.Errorf("%s: %v %v", name, a.events, b.events)
		}
		for _, m := range b.wire {
			if m[3] != 9 {
				t.Errorf("%s: b sent %x", name, m)
			}
		}
	}
}

// spec/psec.md#hidden-id, #reject-sent, #list-hiding, #hiding-cookie
func TestHiddenProposals(t *testing.T) {
	w := newWorld(t, 1)
	cfg := Config{Schemes: []string{SchemeSecret}, Hidden: true}
	a, b := w.negotiator("a", cfg), w.negotiator("b", Config{Schemes: []string{SchemeSecret}})
	d := w.negotiator("d", Config{})
	a.call(b)
	p := psec.ParseProposal(a.wire[0])
	if p.ID[0] != 0x12 || bytes.Contains(a.wire[0], a.id.Public().Ed25519()) || p.First == nil {
		t.Errorf("%x", a.wire[0])
	}
	w.run(time.Second)
	agree(t, a, b, "hidden")
	equal(t, "b sent", kinds(b.wire[:2]), "[retry accept]")
	d.dial(b)
	w.run(12 * time.Second)
	if d.reason() != ReasonTimeout {
		t.Errorf("who hides answered: %v", d.events)
	}
	if _, err := w.negotiator("e", Config{Hidden: true}).core.Dial(w.now, b.addr, b.peer()); err != ErrShows {
		t.Error(err)
	}
	if _, err := w.negotiator("f", cfg).core.Dial(w.now, b.addr, b.peer()); err != errNotCallable {
		t.Error(err)
	}
}

// spec/noise-xx.md#identity-compared, #first-size
func TestXXIdentity(t *testing.T) {
	w := newWorld(t, 1)
	cfg := Config{Schemes: []string{SchemeXX}, Direct: true, DirectScheme: SchemeXX}
	a, b, d := w.negotiator("a", cfg), w.negotiator("b", cfg), w.negotiator("d", cfg)
	if _, err := a.core.DialKey(w.now, b.addr, d.id.Public(), true); err != nil {
		t.Fatal(err)
	}
	a.settle()
	equal(t, "message 1", len(a.wire[0]), "512")
	w.run(time.Second)
	if a.reason() != ReasonWrongIdentity || len(a.wire) != 1 || len(b.events) != 0 {
		t.Errorf("%v, a sent %d", a.events, len(a.wire))
	}
	if _, err := a.core.DialDirect(w.now, b.addr, b.peer()); err != nil {
		t.Fatal(err)
	}
	a.settle()
	equal(t, "message 1 to an unknown key", len(a.wire[1]), "1200")
	w.run(time.Second)
	agree(t, a, b, "xx")
}

// spec/sessions.md#counters-by-word
func TestFirstWords(t *testing.T) {
	for _, x := range schemeCases {
		b := newWorld(t, 1).negotiator("b", x.cfg)
		for counter := uint32(0); counter < counterFirst; counter++ {
			for _, way := range []uint32{0, direction} {
				m := make([]byte, 60)
				binary.BigEndian.PutUint32(m, counter|way)
				reserved := counter%4 == 3 || counter >= 12
				wrong := !reserved && (counter%4 == 1) == (way == 0)
				got := b.feed(netip.MustParseAddrPort("192.0.2.9:9"), m)
				if (got == "ReservedCounter") != reserved || (got == "UnexpectedHandshake") != wrong {
					t.Errorf("%s: %d in direction %d: %s", x.name, counter, way>>31, got)
				}
			}
		}
	}
}
