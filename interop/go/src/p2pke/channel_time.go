package p2pke

import (
	"time"
)

// start begins a handshake without an attempt: in direct mode, or to rekey.
func (c *Channel) start(now Instant, p *place, a Agreement) {
	h := &handshake{agreement: a, channel: c, place: p, deadline: now + handshakeLife, freshAfter: freshAfter}
	if f := 3 * c.rtt; f > h.freshAfter {
		h.freshAfter = f
	}
	c.handshake = h
	p.handshakes = append(p.handshakes, h)
	h.fresh(now)
	c.core.send(p, h.in.first())
	c.arm(h.deadline)
	c.flush(now) // towards the reference, what is queued may go on a session of the peer's while this runs
}

// fresh makes an InitHello with a new ephemeral key.
func (h *handshake) fresh(now Instant) {
	e := h.channel.core
	if h.in != nil {
		h.in.erase()
		h.freshAfter *= 2
	}
	in, err := e.newCaller(h.agreement, h.channel, e.cfg.Random)
	if err != nil {
		panic(err) // the system's random numbers failed
	}
	h.in = in
	h.seq = e.nextSeq()
	h.helloAt = now
	h.nextCopy = now + e.jitter(resendFirst)
	h.nextFresh = never
	switch {
	case h.agreement.Case == CaseDirect:
		if h.kind() == kindP2PKE {
			h.nextFresh = now + h.freshAfter
		}
	case h.negotiation == nil:
		h.nextFresh = now + rekeyPatience
	}
	h.channel.arm(h.nextCopy)
	h.channel.arm(h.nextFresh)
}

// copies sends another copy of an unanswered InitHello when it is due.
func (h *handshake) copies(now Instant, due func(Instant) bool) {
	more := h.kind() == kindSecret && !h.full() // an answer proves nothing: further ones are asked for, less often
	if h.answers > 0 && !more || !due(h.nextCopy) {
		return
	}
	e := h.channel.core
	if !h.inside {
		e.send(h.place, h.in.first())
	}
	gap := resendNext
	if h.answers > 0 {
		gap = resendAnswered
	}
	h.nextCopy = now + e.jitter(gap)
	h.channel.arm(h.nextCopy)
}

// answered goes on after a good RespHello.
func (h *handshake) answered(now Instant, r *answered, respHello []byte) {
	c, e := h.channel, h.channel.core
	if h.kind() != kindSecret {
		c.key = r.remote // of a scheme that hides, the first packet proves it
	}
	s := &Session{
		channel: c, place: h.place, initiated: true, born: h.helloAt, seq: h.seq, agreement: h.agreement, binding: r.h2,
		firstData: never, retireAt: never, doneUntil: h.deadline, doneCopies: 1,
		respHello: append([]byte(nil), respHello...), initDone: r.initDone, remote: r.remote,
	}
	s.init(&r.agreed, true)
	if h.answers == 0 {
		c.rtt = now - h.helloAt
	}
	h.answers++
	if h.kind() == kindSecret {
		h.nextCopy = now + e.jitter(resendAnswered)
		c.arm(h.nextCopy)
	}
	if h.session != nil && h.negotiation == nil {
		h.earlier = append(h.earlier, h.session)
	}
	h.session = s
	if n := h.negotiation; n != nil {
		n.accepted = n.accepted || h.remote == nil
		n.add(s)
	} else if h.full() {
		h.in.erase()
	}
	if h.agreement.Transcript != nil {
		c.known = true // the reference has other keys
	}
	h.place.sessions[ours] = append(h.place.sessions[ours], s)
	e.send(h.place, s.initDone)
	if c.known {
		s.doneCopies = closingCopies
		s.doneNext = now + e.jitter(resendFirst)
	} else {
		d := holdFor
		if 2*c.rtt > d {
			d = 2 * c.rtt
		}
		s.doneGap = d / 2
		s.doneNext = now + s.doneGap
	}
	c.arm(s.doneNext)
	c.flush(now)
}

// repeatDone sends another copy of InitDone.
func (s *Session) repeatDone(now Instant) {
	c, e := s.channel, s.channel.core
	e.send(s.place, s.initDone)
	s.doneCopies++
	switch {
	case s.doneCopies < 3:
		s.doneNext = now + s.doneGap
	case s.doneCopies == 3:
		s.doneNext = now + e.jitter(resendFirst)
		if !c.known && !s.usable {
			c.use(now, s)
			c.flush(now)
		}
	default:
		s.doneNext = now + e.jitter(resendNext)
	}
	c.arm(s.doneNext)
}

// --- time ---

func (c *Channel) patience() time.Duration {
	if c.known {
		return deadAfter
	}
	return deadAfterDirect
}

// rekeyAt is when a handshake that replaces s is due, if data flowed.
func (s *Session) rekeyAt() Instant {
	t := &s.channel.core.times
	if !s.initiated {
		return s.born + t.rekeyOther
	}
	return s.born + t.rekey - s.early45
}

// wants is when a handshake of ours is due, or never.
func (c *Channel) wants(now Instant) Instant {
	t := never
	if len(c.queue) > 0 {
		return now
	}
	if len(c.sessions) == 0 {
		return t
	}
	if c.unanswered != never {
		t = c.unanswered + c.patience()
	}
	newest := c.sessions[0]
	if !c.known {
		for _, s := range c.sessions {
			if s.initiated {
				newest = s
				break
			}
		}
	}
	if newest.flowed {
		if r := newest.rekeyAt(); r < t {
			t = r
		}
		if newest.next >= rekeyCounter {
			return now
		}
	}
	return t
}

// renew begins what leads to a new session.
func (c *Channel) renew(now Instant) {
	dead := c.unanswered != never && now-c.unanswered >= c.patience()
	switch {
	case c.agreement.Case == CaseDirect:
		c.start(now, c.home, c.agreement)
	case c.agreement.Transcript == nil, dead, c.pick(now) == nil:
		c.negotiate(now, c.home, now+handshakeLife)
	default:
		c.start(now, c.home, c.agreement)
	}
}

// run does what is due and finds out when it has to be called again.
func (c *Channel) run(now Instant) {
	e := c.core
	c.wake = never
	due := func(t Instant) bool {
		if t <= now {
			return true
		}
		c.arm(t)
		return false
	}
	if c.state == channelEnded {
		return
	}
	if c.state == channelClosing {
		for due(c.closedAt + time.Duration(c.closeCopies)*closingGap) {
			for _, s := range c.sessions {
				if s.closing != nil {
					e.send(s.place, s.closing)
				}
			}
			if c.closeCopies++; c.closeCopies == closingCopies {
				c.end(ReasonClosed)
				return
			}
		}
		return
	}
	for i := 0; i < len(c.drain); {
		if s := c.drain[i]; due(s.drainUntil) {
			c.drain = append(c.drain[:i:i], c.drain[i+1:]...)
			s.release()
		} else {
			i++
		}
	}
	if c.state == channelDraining {
		if len(c.drain) == 0 {
			c.end(c.reason)
		}
		return
	}
	for i := 0; i < len(c.sessions); {
		if s := c.sessions[i]; due(s.born+e.times.receive+1) || due(s.retireAt) {
			c.endSession(now, s)
		} else {
			i++
		}
	}
	if len(c.sessions) == 0 && due(c.idleSince+idleAfter) {
		c.end(ReasonIdle)
		return
	}
	if h := c.handshake; h != nil {
		switch {
		case due(h.deadline):
			c.endHandshake()
			c.gaveUp(now, ReasonTimeout)
		case h.session != nil:
			for _, s := range h.sessions() {
				if due(s.doneNext) {
					s.repeatDone(now)
				}
			}
			h.copies(now, due)
		case due(h.nextFresh):
			if h.agreement.Case == CaseDirect {
				h.fresh(now)
				e.send(h.place, h.in.first())
			} else {
				c.endHandshake()
				c.negotiate(now, c.home, now+handshakeLife)
			}
		default:
			h.copies(now, due)
		}
	}
	if c.negotiation != nil {
		c.negotiation.run(now, due)
	}
	if c.state == channelOpen && !c.runUnproven(now, due) {
		return
	}
	if c.state == channelEnded {
		return
	}
	for len(c.losers) > 0 && due(c.losers[0].doneUntil) {
		s := c.losers[0]
		c.losers = c.losers[1:]
		s.release()
	}
	for _, s := range c.sessions {
		if s.doneNext == never || !s.initiated || s.confirmed {
			continue
		}
		if now >= s.doneUntil {
			s.doneNext = never
		} else if due(s.doneNext) {
			s.repeatDone(now)
		}
	}
	if c.received != never && c.known && due(c.received+receiptAfter) {
		c.received = never
		if s := c.pick(now); s != nil {
			s.sendEmpty(now)
		}
	}
	if c.handshake == nil && c.negotiation == nil && len(c.unproven) == 0 {
		if t := c.wants(now); t != never {
			if t < c.notBefore {
				t = c.notBefore
			}
			if due(t) {
				c.renew(now)
			}
		}
	}
	if c.handshake == nil && c.negotiation == nil && len(c.queue) > 0 {
		c.flush(now)
	}
}
