package p2pke

import (
	"net/netip"
	"time"
)

// The bounds of spec/sessions.md#admission. EndpointWork and PeerWork have no meaning here: handshakes are worked on one
// after the other.
const (
	handshakesPerAddress    = 4
	handshakesPerPrefix     = 256
	handshakes              = 2048
	workPerPrefixPerSecond  = 1000
	workPerChannelPerSecond = 8
	trackedPrefixes         = 8192
	peersPerAddress         = 4
	inboundChannels         = 16384
)

// rate is a bucket that holds one second's worth.
type rate struct {
	tokens float64
	at     Instant
	used   bool
}

func (r *rate) take(now Instant, perSecond float64) bool {
	if !r.used {
		r.used, r.tokens = true, perSecond
	} else {
		r.tokens += perSecond * (now - r.at).Seconds()
		if r.tokens > perSecond {
			r.tokens = perSecond
		}
	}
	r.at = now
	if r.tokens < 1 {
		return false
	}
	r.tokens--
	return true
}

type prefixState struct {
	rate
	pending int
}

// pending is a handshake of another peer that waits for its InitDone.
type pending struct {
	responder
	helloHash [32]byte
	at        Instant
	seq       uint64
	place     *place
	prefix    *prefixState // nil if it counts against a channel
	over      bool
}

// refusal remembers an InitDone that the application refused.
type refusal struct {
	helloHash, doneHash [32]byte
	reply               []byte
	until               Instant
	place               *place
}

type admission struct {
	prefixes   map[netip.Prefix]*prefixState
	newcomers  prefixState
	purged     Instant
	waiting    []*pending // oldest first, with those that are over
	refusals   []*refusal
	strangers  int // pending handshakes that count against the endpoint's bound
	earlyTotal int
}

func newAdmission() admission { return admission{prefixes: map[netip.Prefix]*prefixState{}} }

func (a *admission) prefix(now Instant, addr netip.Addr) *prefixState {
	bits := 64
	if addr.Is4() {
		bits = 24
	}
	key, err := addr.WithZone("").Prefix(bits)
	if err != nil {
		return &a.newcomers
	}
	if s := a.prefixes[key]; s != nil {
		return s
	}
	if len(a.prefixes) >= trackedPrefixes {
		if now-a.purged < time.Second {
			return &a.newcomers
		}
		a.purged = now
		for k, s := range a.prefixes {
			if s.pending == 0 && now-s.at >= time.Second {
				delete(a.prefixes, k)
			}
		}
		if len(a.prefixes) >= trackedPrefixes {
			return &a.newcomers
		}
	}
	s := new(prefixState)
	a.prefixes[key] = s
	return s
}

// admit counts the work that an InitHello asks for. held is the channel that lives at its address.
func (a *admission) admit(now Instant, addr netip.Addr, held *Channel, replaces bool) (*prefixState, error) {
	if held != nil {
		if !held.work.take(now, workPerChannelPerSecond) {
			return nil, PrefixRate
		}
		return nil, nil
	}
	s := a.prefix(now, addr)
	if !s.take(now, workPerPrefixPerSecond) {
		return nil, PrefixRate
	}
	if !replaces {
		if s.pending >= handshakesPerPrefix {
			return nil, PrefixHandshakesFull
		}
		if a.strangers >= handshakes {
			return nil, HandshakesFull
		}
	}
	return s, nil
}

func (e *Core) addPending(w *pending) {
	w.place.pending = append(w.place.pending, w)
	if w.prefix != nil {
		w.prefix.pending++
		e.strangers++
	}
	e.waiting = append(e.waiting, w)
	e.arm(w.at + handshakeLife)
}

// endPending forgets a handshake and its keys.
func (e *Core) endPending(w *pending) {
	e.endPendingKeepEarly(w)
	e.dropEarly(w.place)
	e.tidy(w.place)
}

func (e *Core) endPendingKeepEarly(w *pending) {
	if w.over {
		return
	}
	w.over = true
	w.erase()
	list := w.place.pending
	for i := range list {
		if list[i] == w {
			w.place.pending = append(list[:i:i], list[i+1:]...)
			break
		}
	}
	if w.prefix != nil {
		w.prefix.pending--
		e.strangers--
	}
}

// refuse ends a handshake with the closing message, and keeps it for further copies of the InitDone.
func (e *Core) refuse(w *pending, doneHash [32]byte) {
	var s packets
	s.init(&w.agreed, false)
	r := &refusal{helloHash: w.helloHash, doneHash: doneHash, reply: s.sealAt(nil, CounterClosing, nil), until: w.at + handshakeLife, place: w.place}
	s.erase()
	w.place.refused = append(w.place.refused, r)
	if len(w.place.refused) > handshakesPerAddress {
		w.place.refused = w.place.refused[1:]
	}
	e.refusals = append(e.refusals, r)
	e.send(w.place, r.reply)
	e.endPending(w)
	e.arm(r.until)
}

// expirePending forgets handshakes and refusals that are too old.
func (e *Core) expirePending(now Instant) {
	for len(e.waiting) > 0 && (e.waiting[0].over || now-e.waiting[0].at >= handshakeLife) {
		w := e.waiting[0]
		e.waiting[0] = nil
		e.waiting = e.waiting[1:]
		if !w.over {
			e.endPending(w)
		}
	}
	if len(e.waiting) > 0 {
		e.arm(e.waiting[0].at + handshakeLife)
	}
	for len(e.refusals) > 0 && now >= e.refusals[0].until {
		r := e.refusals[0]
		e.refusals = e.refusals[1:]
		for i, other := range r.place.refused {
			if other == r {
				r.place.refused = append(r.place.refused[:i:i], r.place.refused[i+1:]...)
				break
			}
		}
		e.tidy(r.place)
	}
	if len(e.refusals) > 0 {
		e.arm(e.refusals[0].until)
	}
}
