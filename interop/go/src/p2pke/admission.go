package p2pke

import (
	"errors"
	"io"
	"net/netip"
	"time"

	"psec"
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

// held counts what is in memory for others: handshakes, and addresses with accepted proposals. Places of a proposal with a
// cookie are counted apart.
type held struct{ pending, addresses int }

const (
	byAnybody = iota
	byCookie
	shares
)

type prefixState struct {
	rates [shares]rate
	held  [shares]held
}

func (s *prefixState) idle(now Instant) bool {
	return s.held == [shares]held{} && now-s.rates[byAnybody].at >= time.Second && now-s.rates[byCookie].at >= time.Second
}

// share is what a handshake or a proposal counts against; the zero value is that of an address with a live session.
type share struct {
	kind        int
	prefix, all *held
}

func (s share) handshake(n int) {
	if s.prefix != nil {
		s.prefix.pending += n
		s.all.pending += n
	}
}

func (s share) address(n int) {
	s.prefix.addresses += n
	s.all.addresses += n
}

// full tells that a newcomer would exceed a bound.
func (s share) full() Drop {
	switch {
	case s.prefix.addresses >= addressesPerPrefix:
		return PrefixProposalsFull
	case s.all.addresses >= addressesInAll:
		return ProposalsFull
	}
	return 0
}

// counted is what an address counts against as long as it has n accepted proposals of that kind.
type counted struct {
	share share
	n     int
}

func (p *place) count(s share, n int) {
	if s.prefix == nil {
		return
	}
	c := &p.counted[s.kind]
	if c.n == 0 {
		c.share = s
		s.address(+1)
	}
	if c.n += n; c.n == 0 {
		c.share.address(-1)
		c.share = share{}
	}
}

// pending is a handshake of another peer that waits for its InitDone.
type pending struct {
	responder
	agreement Agreement
	proposal  *proposal // under which it is served, or nil
	rekeyed   *Channel  // whose session it renews, or nil
	helloHash [32]byte
	at        Instant
	seq       uint64
	place     *place
	share     share
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
	accepted   []*proposal // oldest first, with those that are gone
	total      [shares]held
	cookies    psec.Cookies
	earlyTotal int
}

func newAdmission(random io.Reader) admission {
	return admission{prefixes: map[netip.Prefix]*prefixState{}, cookies: psec.Cookies{Random: random}}
}

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
			if s.idle(now) {
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

// admit counts the work that an InitHello asks for. Where it takes the place of the oldest one, the bounds on numbers hold
// already.
func (a *admission) admit(now Instant, addr netip.Addr, kind int, oldest *pending) (share, error) {
	s := a.prefix(now, addr)
	to := share{kind, &s.held[kind], &a.total[kind]}
	switch {
	case !s.rates[kind].take(now, workPerPrefixPerSecond):
		return to, PrefixRate
	case oldest != nil && oldest.share == to:
	case to.prefix.pending >= handshakesPerPrefix:
		return to, PrefixHandshakesFull
	case to.all.pending >= handshakes:
		return to, HandshakesFull
	}
	return to, nil
}

// admitProposal counts a proposal from an address without a live session. Over a bound, and always where the endpoint
// hides, it draws a retry, or comes with the cookie of one. An address that is counted already takes no further place.
func (e *Core) admitProposal(now Instant, from netip.AddrPort, r *proposal, parsed *psec.Proposal, size int) error {
	s := e.prefix(now, from.Addr())
	p := e.placeAt(from)
	take := func(kind int) error {
		r.share = share{kind, &s.held[kind], &e.total[kind]}
		if p != nil && p.counted[kind].n > 0 {
			r.share = p.counted[kind].share
		} else if reason := r.share.full(); reason != 0 {
			return reason
		}
		if !s.rates[kind].take(now, workPerPrefixPerSecond) {
			return PrefixRate
		}
		return nil
	}
	var reason error
	if !e.hides() {
		if reason = take(byAnybody); reason == nil {
			return nil
		}
	}
	takes, cookie := parsed.Retries()
	if e.cookies.Valid(now, from, r.digest, cookie) {
		return take(byCookie)
	}
	if !takes && !e.hides() {
		return reason
	}
	retry, err := e.retry(now, from, r, size)
	if retry == nil {
		if err == nil {
			err = reason
		}
		return err
	}
	e.Out = append(e.Out, Datagram{from, retry})
	return errRetry
}

// admitAgain asks for a cookie where a bound is exceeded and an accepted proposal drew no first packet, maybe because there
// was no place left for its handshake. With a valid one it goes to the places of those.
func (e *Core) admitAgain(now Instant, r *proposal, parsed *psec.Proposal, size int) error {
	p, old := r.place, r.share
	if r.drew || old.prefix == nil || old.kind != byAnybody || p.own != nil || p.liveChannel() != nil {
		return nil
	}
	if old.full() == 0 && old.prefix.pending < handshakesPerPrefix && old.all.pending < handshakes {
		return nil
	}
	takes, cookie := parsed.Retries()
	if e.cookies.Valid(now, p.addr, r.digest, cookie) {
		to := p.counted[byCookie].share
		if to.prefix == nil {
			to = share{byCookie, &e.prefix(now, p.addr.Addr()).held[byCookie], &e.total[byCookie]}
			if to.full() != 0 {
				return nil
			}
		}
		r.share = to
		p.count(to, +1)
		p.count(old, -1)
		return nil
	}
	if !takes {
		return nil
	}
	retry, err := e.retry(now, p.addr, r, size)
	if retry == nil {
		return err
	}
	e.reply(p, retry)
	return errRetry
}

// retry makes a retry, or none where it would be longer than what it answers.
func (e *Core) retry(now Instant, to netip.AddrPort, r *proposal, size int) ([]byte, error) {
	cookie, err := e.cookies.Make(now, to, r.digest)
	if err != nil {
		return nil, err
	}
	e.arm(e.cookies.Tick(now))
	if retry := psec.Accept(cookie); len(retry) <= size {
		return retry, nil
	}
	return nil, nil
}

// errRetry tells that a proposal drew a retry, and nothing else.
var errRetry = errors.New("p2pke: a retry was sent")

func (e *Core) addPending(w *pending) {
	w.place.pending = append(w.place.pending, w)
	w.share.handshake(+1)
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
	w.share.handshake(-1)
}

// refuse ends a handshake with the closing message, and keeps it for further copies of the finish.
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
