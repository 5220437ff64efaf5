package p2pke

import (
	"bytes"
	"fmt"
	"testing"
	"time"

	"psec"
)

// keep loses the datagrams of one kind that a host sends, and returns where they are kept.
func (w *world) keep(from *host, what string) *[][]byte {
	kept := new([][]byte)
	w.lose = func(h, _ *host, x []byte) bool {
		if h == from && kind(x) == what {
			*kept = append(*kept, append([]byte(nil), x...))
			return true
		}
		return false
	}
	return kept
}

// spec/decisions/0024-a-win-ends-one-proposal.md: the finish of an attempt that its initiator gave up, or did not survive,
// comes after the first copy of the next proposal.
func TestALateFinish(t *testing.T) {
	for _, restarts := range []bool{false, true} {
		for _, bare := range []bool{false, true} {
			name := fmt.Sprintf("restarts %v, bare %v", restarts, bare)
			w, a, b := negotiators(t, 40, Config{NoFirstPacket: bare})
			finish := w.keep(a, "InitDone")
			c := a.dial(b)
			w.run(100 * time.Millisecond)
			equal(t, name+": finishes", len(*finish), 1)
			old := a.wire[0]
			w.lose = func(_, _ *host, _ []byte) bool { return true } // the closing message, for instance
			if restarts {
				a.restart()
			} else {
				a.close(c)
			}
			w.run(time.Second)
			a.forget()
			b.forget()
			w.lose = func(from, _ *host, _ []byte) bool { return from == b }
			a.dial(b)
			w.run(15 * time.Millisecond)
			first := a.wire[0]
			equal(t, name+": b accepted both", len(b.core.places[a.addr].proposals), 2)
			equal(t, name+": the finish", b.feed(a.addr, (*finish)[0]), asHandshake)
			equal(t, name+": b's sessions", b.count(SessionUp), 1)
			p := b.core.places[a.addr]
			equal(t, name+": pending", len(p.pending), 0)
			equal(t, name+": the other one lives", len(p.proposals), 1)
			equal(t, name+": a copy of the old one", b.feed(a.addr, old), "NegotiationOver")
			equal(t, name+": a copy of the new one", b.feed(a.addr, first), asCached)
			w.lose = nil
			w.run(500 * time.Millisecond)
			equal(t, name+": dials", a.count(DialDone), 1)
			equal(t, name+": b's sessions", b.count(SessionUp), 2)
			agree(t, a, b, name)
			equal(t, name+": a copy after the second win", b.feed(a.addr, first), "NegotiationOver")
			w.run(12 * time.Second)
			clean(t, a, b)
		}
	}
}

// The same where the other side initiated: the confirmation that comes late is one of the peer's life before.
func TestALateConfirmation(t *testing.T) {
	for _, leads := range []bool{false, true} {
		w, a, b := negotiators(t, 41, Config{})
		if leads {
			a, b = b, a
		}
		kept := w.keep(a, "empty")
		b.dial(a)
		w.run(100 * time.Millisecond)
		equal(t, "confirmations", len(*kept), 1)
		a.restart()
		a.forget()
		w.lose = func(from, _ *host, _ []byte) bool { return from == b }
		a.dial(b)
		w.run(15 * time.Millisecond)
		first := a.wire[0]
		equal(t, "met", len(b.core.places[a.addr].proposals), 1)
		equal(t, "the confirmation", b.feed(a.addr, (*kept)[0]), asControl)
		equal(t, "b's dial", b.count(DialDone), 1)
		equal(t, "unknown again", len(b.core.places[a.addr].proposals), 0)
		equal(t, "a copy", b.feed(a.addr, first), asHandshake)
		w.lose = nil
		w.run(500 * time.Millisecond)
		equal(t, "a's dial", a.count(DialDone), 1)
		agree(t, a, b, fmt.Sprint("b leads: ", leads))
		w.run(12 * time.Second)
		clean(t, a, b)
	}
}

// spec/psec.md#one-wins: pending handshakes under proposals of the address end, unless another identity is dialled there.
func TestAWinEndsPendingHandshakes(t *testing.T) {
	for _, foreign := range []bool{false, true} {
		w, a, b := negotiators(t, 42, Config{})
		finish := w.keep(a, "InitDone")
		a.dial(b)
		w.run(100 * time.Millisecond)
		neighbour := seedIdentity(t, bytes.Repeat([]byte{5}, 32))
		p := propose(neighbour.Public().Multihash(), 1)
		tr := psec.Standard(p.NormalForm(), schemeName)
		p.First = taggedHello(t, w, neighbour, tr[:])
		equal(t, "the neighbour", b.feed(a.addr, p.Encode()), asHandshake)
		place := b.core.places[a.addr]
		equal(t, "pending", len(place.pending), 2)
		if foreign {
			other := seedIdentity(t, bytes.Repeat([]byte{6}, 32))
			b.core.Dial(w.now, a.addr, other.Public().ID())
			b.settle()
		}
		equal(t, "the finish", b.feed(a.addr, (*finish)[0]), asHandshake)
		equal(t, "pending", len(place.pending), map[bool]int{false: 0, true: 1}[foreign])
		equal(t, "accepted", len(place.proposals), 1)
		equal(t, "the dial of another goes on", place.own != nil, foreign)
	}
}

// spec/psec.md#copy, #live-rate
func TestCopiesOfASimultaneousProposalAreCounted(t *testing.T) {
	w, a, b := negotiators(t, 43, Config{})
	w.lose = func(_, _ *host, x []byte) bool { return kind(x) == "RespHello" }
	a.dial(b)
	b.dial(a)
	w.run(21 * time.Millisecond)
	results := map[string]int{}
	a.forget()
	for i := 0; i < 20; i++ {
		results[a.feed(b.addr, b.wire[0])]++
	}
	equal(t, "copies", results, map[string]int{asCached: 7, "PrefixRate": 13})
	equal(t, "a sent", []int{count(a.wire, "proposal"), count(a.wire, "InitHello")}, "[7 7]")
	w.lose = nil
	w.run(2 * time.Second)
	agree(t, a, b, "afterwards")
}

// spec/psec.md#admission: an address takes one place, however many proposals it has.
func TestAddressesAreCounted(t *testing.T) {
	w := newWorld(t, 44)
	b := w.negotiator("b", Config{})
	for i := 0; i < addressesInAll; i++ {
		for j := 0; j < proposalsPerAddress; j++ {
			equal(t, "new", b.feed(stranger(i), propose(noID, j).Encode()), asHandshake)
		}
	}
	equal(t, "addresses", b.core.total[byAnybody].addresses, addressesInAll)
	equal(t, "one more address", b.feed(stranger(5000), propose(noID, 1).Encode()), "ProposalsFull")
	equal(t, "one more proposal", b.feed(stranger(7), propose(noID, 9).Encode()), asHandshake)
	equal(t, "addresses", b.core.total[byAnybody].addresses, addressesInAll)
	w.run(11 * time.Second)
	clean(t, b)
}

// spec/psec.md section 10: who was accepted, and finds no place for a handshake, is asked for a cookie.
func TestAskedForACookieAgain(t *testing.T) {
	w, a, b := negotiators(t, 45, Config{NoFirstPacket: true})
	w.lose = func(_, _ *host, _ []byte) bool { return true }
	a.dial(b)
	b.feed(a.addr, a.wire[0])
	for i := 0; i < addressesInAll-1; i++ {
		b.core.Receive(w.now, stranger(i), propose(noID, i).Encode())
	}
	b.core.Out = nil
	b.forget()
	equal(t, "a copy", b.feed(a.addr, a.wire[0]), asHandshake)
	equal(t, "b sent", kinds(b.wire), "[retry]")
	equal(t, "a retry", a.feed(b.addr, b.wire[0]), asHandshake)
	equal(t, "with a cookie", b.feed(a.addr, a.wire[len(a.wire)-1]), asCached)
	equal(t, "b sent", kinds(b.wire), "[retry accept]")
	equal(t, "places", fmt.Sprint(b.core.total[byAnybody].addresses, b.core.total[byCookie].addresses), fmt.Sprint(addressesInAll-1, 1))
	place := b.core.places[a.addr]
	place.received, place.sent = 0, 0
	b.forget()
	b.core.reply(place, make([]byte, 100))
	b.settle()
	equal(t, "a cookie validates", len(b.wire), 1)
	w.lose = nil
	w.run(time.Second)
	agree(t, a, b, "by a cookie")
	w.run(12 * time.Second)
	clean(t, a, b)
}
