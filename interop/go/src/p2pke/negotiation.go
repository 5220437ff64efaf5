package p2pke

import (
	"crypto/sha256"
	"encoding/base64"
	"io"
	"strings"
	"time"

	"psec"
)

// The figures of spec/psec.md.
const (
	proposalFirst = 333 * time.Millisecond
	proposalNext  = 500 * time.Millisecond
	joinAfter     = 500 * time.Millisecond
	joinAtMost    = 2 * time.Second
	rejectAfter   = 3 * time.Second
	rejectCopies  = 2
	retriesTaken  = 3
	answersTaken  = 4
	rekeyPatience = 2 * time.Second
	nonceSize     = 16
)

// negotiation is an attempt of ours at one address: spec/psec.md#3-own-proposals. Until its proposal is the one that is
// outstanding there, it waits for another one's end, or for a handshake of the peer.
type negotiation struct {
	channel         *Channel
	place           *place
	seq             uint64
	begun, deadline Instant

	own     psec.Proposal
	normal  []byte
	cookie  string
	copies  int
	without bool // the last copy had no first packet inside
	next    Instant

	accepted   bool // by an accept, or an answer to the first packet inside
	noScheme   bool
	retries    int
	rejected   Instant // never, until a reject came
	rejectedAt int     // copies sent until then

	handshakes   []*handshake // all that run
	standard     *handshake   // of the newest hypothesis of its kind
	simultaneous *handshake
	sessions     []*Session // whose finish was sent
}

func (c *Channel) negotiate(now Instant, p *place, deadline Instant) {
	n := &negotiation{channel: c, place: p, seq: c.core.nextSeq(), begun: now, deadline: deadline, rejected: never}
	c.negotiation = n
	p.waiting = append(p.waiting, n)
	c.arm(n.deadline)
	n.advance(now)
}

// advance sends the proposal unless there is something to wait for.
func (n *negotiation) advance(now Instant) {
	p := n.place
	if p.own != nil {
		return
	}
	if p.serves(n.channel.peer) {
		at := n.begun
		if p.progress > at {
			at = p.progress
		}
		// Progress can be forged: it does not put the proposal off for ever.
		if at += joinAfter; at > n.begun+joinAtMost {
			at = n.begun + joinAtMost
		}
		if now < at {
			n.channel.arm(at)
			return
		}
	}
	n.propose(now)
}

func (n *negotiation) propose(now Instant) {
	e, p := n.channel.core, n.place
	p.unqueue(n)
	p.own = n
	var nonce [nonceSize]byte
	if _, err := io.ReadFull(e.cfg.Random, nonce[:]); err != nil {
		panic(err)
	}
	n.own.ID = e.peerID
	if e.cfg.Hidden {
		var random [32]byte
		if _, err := io.ReadFull(e.cfg.Random, random[:]); err != nil {
			panic(err)
		}
		hash := sha256.Sum256(random[:])
		n.own.ID = append([]byte{0x12, sha256.Size}, hash[:]...)
	}
	list := e.schemesFor(n.channel)
	if len(list) == 0 {
		n.channel.arm(n.deadline) // nothing to propose: the attempt runs out
		n.next = never
		return
	}
	n.own.Strings = append(append(n.own.Strings, list...),
		psec.Attempt+base64.RawURLEncoding.EncodeToString(nonce[:]), psec.Retry)
	n.normal = n.own.NormalForm()
	if !e.cfg.NoFirstPacket {
		n.standard = n.open(now, CaseStandard, list[0], nil)
		n.standard.inside = true
		n.own.First = n.standard.in.first()
	}
	n.send(now)
	n.next = now + e.jitter(proposalFirst)
	n.channel.arm(n.next)
}

// send sends a copy of the proposal. The first packet is left out where there is no room for it.
func (n *negotiation) send(now Instant) {
	e := n.channel.core
	own := n.own
	if n.cookie != "" {
		own.Strings = psec.WithCookie(own.Strings, n.cookie)
	}
	b := own.Encode()
	if len(b) > e.maxBytes {
		own.First = nil
		b = own.Encode()
	}
	n.without = own.First == nil
	n.copies++
	e.send(n.place, b)
}

// open begins the handshake of a hypothesis in which we are the initiator.
func (n *negotiation) open(now Instant, kind Case, scheme string, r *proposal) *handshake {
	var t psec.Transcript
	if r == nil {
		t = psec.Standard(n.normal, scheme)
	} else {
		copy(t[:], r.agreement.Transcript)
	}
	h := &handshake{
		agreement: Agreement{kind, t[:], scheme}, channel: n.channel, place: n.place, deadline: n.deadline,
		negotiation: n, remote: r,
	}
	n.handshakes = append(n.handshakes, h)
	n.place.handshakes = append(n.place.handshakes, h)
	h.fresh(now)
	return h
}

// supersede ends a handshake that waits for its answer, because a newer hypothesis of its kind takes its place. One that has
// sent its finish goes on.
func (n *negotiation) supersede(h *handshake) {
	if h == nil || h.answers > 0 {
		return
	}
	for i := range n.handshakes {
		if n.handshakes[i] == h {
			n.handshakes = append(n.handshakes[:i:i], n.handshakes[i+1:]...)
			break
		}
	}
	h.end()
}

// --- what comes from the other side ---

// accept takes an accept: spec/psec.md#accept-unknown.
func (n *negotiation) accept(now Instant, scheme string) error {
	e := n.channel.core
	if psec.IsRetry(scheme) {
		return n.retry(now, scheme)
	}
	if !psec.IsScheme(scheme) || !contains(n.own.Strings, scheme) {
		return NotOffered
	}
	n.accepted = true
	h := n.standard
	if h == nil || h.agreement.Scheme != scheme {
		n.supersede(h)
		n.standard = n.open(now, CaseStandard, scheme, nil)
		e.send(n.place, n.standard.in.first())
		return nil
	}
	if h.answers > 0 {
		e.send(n.place, h.in.first()) // the responder may have restarted
		return errCached
	}
	if h.inside {
		h.inside = false
		if n.without {
			e.send(n.place, h.in.first())
		}
		h.nextCopy = now + e.jitter(resendFirst)
		n.channel.arm(h.nextCopy)
	}
	return nil
}

func contains(list []string, s string) bool {
	for _, x := range list {
		if x == s {
			return true
		}
	}
	return false
}

func (n *negotiation) retry(now Instant, cookie string) error {
	if !strings.HasPrefix(cookie, psec.RetryName(psec.DigestOf(n.own.NormalForm()))) {
		return NoProposal
	}
	if n.retries == retriesTaken {
		return RetriesExhausted
	}
	bare := psec.Proposal{ID: n.own.ID, Strings: psec.WithCookie(n.own.Strings, cookie)}
	if len(bare.Encode()) > n.channel.core.maxBytes {
		return TooLong
	}
	n.retries++
	n.cookie = cookie
	n.send(now)
	return nil
}

func (n *negotiation) reject(now Instant) {
	if n.rejected == never {
		n.rejected, n.rejectedAt = now, n.copies
		n.channel.arm(now + rejectAfter)
	}
}

// refuted tells that a reject cannot be the whole truth.
func (n *negotiation) refuted() bool {
	if n.accepted || len(n.sessions) > 0 {
		return true
	}
	for _, r := range n.place.proposals {
		if !r.accepted {
			return true
		}
	}
	return false
}

// lead makes a simultaneous hypothesis the newest. If we are its leader, its handshake runs from now on. What copies draw is
// bounded by the rate of the address.
func (n *negotiation) lead(now Instant, r *proposal, again bool) error {
	if r.leads {
		return nil
	}
	if again && !n.place.rate.take(now, proposalsPerSecond) {
		return PrefixRate
	}
	if h := n.simultaneous; h == nil || h.remote != r {
		n.supersede(h)
		n.simultaneous = n.open(now, CaseSimultaneous, r.scheme, r)
	}
	if again {
		n.send(now)
	}
	n.channel.core.send(n.place, n.simultaneous.in.first())
	return nil
}

// full tells that no further answer is taken: none of these sessions is confirmed, or the attempt would be over.
func (n *negotiation) full() bool { return len(n.sessions) == answersTaken }

// add takes the session of an answer. Those of earlier attempts go where four sessions would be too many.
func (n *negotiation) add(s *Session) {
	c := n.channel
	s.negotiation = n
	n.sessions = append(n.sessions, s)
	for len(c.losers) > 0 && len(n.sessions)+len(c.losers) > answersTaken {
		c.losers[0].release()
		c.losers = c.losers[1:]
	}
}

// --- time and end ---

func (n *negotiation) run(now Instant, due func(Instant) bool) {
	if due(n.deadline) {
		reason := ReasonTimeout
		if n.noScheme && !n.refuted() {
			reason = ReasonNoScheme
		}
		n.fail(now, reason)
		return
	}
	if n.place.own != n {
		n.advance(now)
		return
	}
	if due(n.next) {
		n.send(now)
		n.next = now + n.channel.core.jitter(proposalNext)
		n.channel.arm(n.next)
	}
	if n.rejected != never && due(n.rejected+rejectAfter) && n.copies >= n.rejectedAt+rejectCopies && !n.refuted() {
		n.fail(now, ReasonRejected)
		return
	}
	for _, h := range n.handshakes {
		h.copies(now, due)
	}
	for _, s := range n.sessions {
		if due(s.doneNext) {
			s.repeatDone(now)
		}
	}
}

func (n *negotiation) fail(now Instant, reason Reason) {
	n.end()
	n.channel.gaveUp(now, reason)
}

// end takes everything back that the attempt began, and lets the next one at its address go on.
func (n *negotiation) end() {
	if n == nil {
		return
	}
	c, p := n.channel, n.place
	c.negotiation = nil
	for _, s := range n.sessions {
		s.negotiation = nil
		if !s.usable {
			s.release()
		}
	}
	for _, h := range n.handshakes {
		h.end()
	}
	n.sessions, n.handshakes, n.standard, n.simultaneous = nil, nil, nil, nil
	p.unqueue(n)
	if p.own == n {
		p.own = nil
		for _, r := range append([]*proposal(nil), p.proposals...) {
			if !r.accepted {
				c.core.forgetProposal(r)
			}
		}
		for _, w := range p.waiting {
			w.channel.arm(0)
		}
	}
	c.core.tidy(p)
}

func (p *place) unqueue(n *negotiation) {
	for i := range p.waiting {
		if p.waiting[i] == n {
			p.waiting = append(p.waiting[:i:i], p.waiting[i+1:]...)
			return
		}
	}
}

// won ends what led to a session that has proven itself: an attempt of ours, and the one proposal it was under. r is that
// proposal if we are its responder. Others that were accepted live on: spec/decisions/0024-a-win-ends-one-proposal.md.
func (e *Core) won(now Instant, p *place, s *Session, r *proposal) {
	c := s.channel
	n := c.negotiation
	if n != nil && n.place != p {
		n = nil
	}
	foreign := p.own != nil && p.own != n || p.own == nil && n == nil && len(p.waiting) > 0 // another one is dialled here
	for _, x := range p.proposals {
		if r == nil && string(x.agreement.Transcript) == string(s.agreement.Transcript) {
			r = x
		}
	}
	if n != nil {
		// The responder may hold one of these already: a finish that was sent is not taken back.
		for _, x := range n.sessions {
			if x != s && s.initiated && x.kind() == kindSecret {
				// Its responder sends nothing but empty packets there before we do.
				x.negotiation = nil
				x.release()
			} else if x != s {
				x.silence()
				x.doneUntil = n.deadline
				x.negotiation = nil
				c.losers = append(c.losers, x)
				c.arm(x.doneUntil)
			}
		}
		s.negotiation = nil
		n.sessions = nil
		n.end()
		if c.dialing && s.usable {
			c.dialing = false
			e.event(DialDone, c)
		}
	}
	if r != nil {
		p.remember(now, r)
		for _, x := range append([]*proposal(nil), p.proposals...) {
			if x.digest == r.digest {
				e.forgetProposal(x)
			}
		}
	}
	for _, w := range append([]*pending(nil), p.pending...) {
		if w.proposal != nil && (!foreign || w.proposal.digest == r.digest) {
			e.endPending(w)
		}
	}
}

// tag is what a first packet under an agreement carries.
func tag(a Agreement) (t psec.Tag) {
	copy(t[:], a.Transcript)
	return t
}
