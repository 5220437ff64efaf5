package p2pke

import (
	"time"
)

func (c *Channel) start(now Instant, p *place) {
	a := &attempt{channel: c, place: p, start: now, deadline: now + handshakeLife, freshAfter: freshAfter}
	if f := 3 * c.rtt; f > a.freshAfter {
		a.freshAfter = f
	}
	c.attempt = a
	p.attempts = append(p.attempts, a)
	a.fresh(now)
	c.arm(a.deadline)
	c.flush(now) // towards the reference, what is queued may go on a session of the peer's while this runs
}

// fresh sends an InitHello with a new ephemeral key.
func (a *attempt) fresh(now Instant) {
	e := a.channel.core
	if a.in != nil {
		a.in.eph.erase()
		a.freshAfter *= 2
	}
	in, err := newInitiator(e.id, nil, e.cfg.Wall(), e.cfg.Random)
	if err != nil {
		panic(err) // the system's random numbers failed
	}
	a.in = in
	a.seq = e.nextSeq()
	a.helloAt = now
	a.nextCopy = now + e.jitter(resendFirst)
	a.nextFresh = now + a.freshAfter
	e.send(a.place, in.hello)
	a.channel.arm(a.nextCopy)
	a.channel.arm(a.nextFresh)
}

// answered goes on after a good RespHello.
func (a *attempt) answered(now Instant, r *answered, respHello []byte) {
	c, e := a.channel, a.channel.core
	c.key = r.remote
	c.rtt = now - a.helloAt
	s := &Session{
		channel: c, place: a.place, initiated: true, born: a.helloAt, seq: a.seq,
		firstData: never, retireAt: never, doneUntil: a.deadline, doneCopies: 1,
		respHello: append([]byte(nil), respHello...), initDone: r.initDone,
	}
	s.init(&r.agreed, true)
	a.in = nil
	a.session = s
	a.place.sessions[ours] = append(a.place.sessions[ours], s)
	e.send(a.place, s.initDone)
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
		if newest.initiated && (newest.next >= rekeyCounter || newest.window.highest >= rekeyCounter) {
			return now
		}
	}
	return t
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
	if a := c.attempt; a != nil {
		switch {
		case due(a.deadline):
			c.failAttempt(now, ReasonTimeout)
			if c.state == channelEnded {
				return
			}
		case a.session != nil:
			if s := a.session; due(s.doneNext) {
				s.repeatDone(now)
			}
		case due(a.nextFresh):
			a.fresh(now)
		case due(a.nextCopy):
			e.send(a.place, a.in.hello)
			a.nextCopy = now + e.jitter(resendNext)
			c.arm(a.nextCopy)
		}
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
	if c.attempt == nil {
		if t := c.wants(now); t != never {
			if t < c.notBefore {
				t = c.notBefore
			}
			if due(t) {
				c.start(now, c.home)
			}
		}
	}
	if c.attempt == nil && len(c.queue) > 0 {
		c.flush(now)
	}
}
