package p2pke

import (
	"time"
)

// authentic acts on a packet that opened. It returns the channel and the payload if that is to be delivered.
func (s *Session) authentic(now Instant, counter uint32, payload []byte, early bool) (*Channel, []byte) {
	c, e := s.channel, s.channel.core
	if s.draining {
		if counter == CounterClosing || len(payload) == 0 {
			e.Stats.Control++
			return nil, nil
		}
		e.Stats.Delivered++
		return c, payload
	}
	c.heard, c.lastHeard, c.unanswered = true, now, never
	s.answered = true
	if counter == CounterClosing {
		e.Stats.Control++
		c.closedByPeer(now, s)
		return nil, nil
	}
	fresh := !s.confirmed
	if fresh {
		s.confirm(now)
	}
	if len(c.sessions) > 1 {
		s.retireOlder(now, early)
	}
	if counter == rekeyCounter {
		c.arm(now)
	}
	if len(payload) == 0 {
		e.Stats.Control++
		learned := !c.known
		c.known = true
		if s.initiated && !s.emptyAnswered {
			s.emptyAnswered = true
			s.sendEmpty(now)
		}
		if fresh || learned {
			c.flush(now)
			c.run(now)
		}
		return nil, nil
	}
	e.Stats.Delivered++
	c.failures = 0
	s.dataReceived = true
	s.flow(now)
	if c.received == never {
		c.received = now
		c.arm(now + receiptAfter)
	}
	if fresh {
		c.flush(now)
		c.run(now)
	}
	return c, payload
}

// confirm ends the repetition of InitDone.
func (s *Session) confirm(now Instant) {
	s.confirmed = true
	s.respHello, s.initDone, s.doneNext = nil, nil, never
	if !s.usable {
		s.channel.use(now, s)
	}
}

// use lets data go on a session from now on.
func (c *Channel) use(now Instant, s *Session) {
	e := c.core
	s.usable = true
	s.early45 = time.Duration(float64(e.times.rekeyJitter) * e.cfg.Jitter())
	c.sessions = append([]*Session{s}, c.sessions...)
	n := 0
	for _, o := range append([]*Session(nil), c.sessions...) {
		if o.initiated == s.initiated {
			if n++; n > sessionsPerRole-1 {
				c.endSession(now, o)
			}
		}
	}
	if c.attempt != nil && c.attempt.session == s {
		c.endAttempt()
	}
	if s.initiated {
		c.hadOwn, c.failed = true, false
	}
	c.unanswered = never // the peer is there: its signature said so
	c.moveTo(s.place)
	if !c.everOpen {
		c.everOpen = true
		e.event(Connected, c)
	}
	e.Events = append(e.Events, Event{Kind: SessionUp, Channel: c, Initiated: s.initiated})
	if s.initiated && c.dialing {
		c.dialing = false
		e.event(DialDone, c)
	}
	c.arm(s.born + e.times.receive + 1)
}

// retireOlder lets the older sessions of the same role end soon, because the peer uses this one.
func (s *Session) retireOlder(now Instant, early bool) {
	for _, o := range s.channel.sessions {
		if o.initiated == s.initiated && o.seq < s.seq && o.retireAt == never && (o.place == s.place || s.sent && !early) {
			o.retireAt = now + retireAfter
			s.channel.arm(o.retireAt)
		}
	}
}

// --- the end of things ---

// release takes a session out of its place and wipes its keys.
func (s *Session) release() {
	list := s.place.sessions[s.role()]
	for i := range list {
		if list[i] == s {
			s.place.sessions[s.role()] = append(list[:i:i], list[i+1:]...)
			break
		}
	}
	s.erase()
	s.respHello, s.initDone, s.doneReply, s.doneNext = nil, nil, nil, never
	s.channel.core.tidy(s.place)
}

func (c *Channel) unlist(s *Session) {
	for i := range c.sessions {
		if c.sessions[i] == s {
			c.sessions = append(c.sessions[:i:i], c.sessions[i+1:]...)
			return
		}
	}
}

func (c *Channel) endSession(now Instant, s *Session) {
	c.unlist(s)
	s.release()
	if len(c.sessions) == 0 {
		c.idleSince = now
		c.arm(now + idleAfter)
	}
}

// endAttempt forgets a handshake of ours. Its session lives on if it is usable.
func (c *Channel) endAttempt() {
	a := c.attempt
	if a == nil {
		return
	}
	c.attempt = nil
	for i := range a.place.attempts {
		if a.place.attempts[i] == a {
			a.place.attempts = append(a.place.attempts[:i:i], a.place.attempts[i+1:]...)
			break
		}
	}
	if a.in != nil {
		a.in.eph.erase()
	}
	if a.session != nil && !a.session.usable {
		a.session.release()
	}
	c.core.tidy(a.place)
}

// failAttempt ends a handshake of ours that led to nothing.
func (c *Channel) failAttempt(now Instant, reason Reason) {
	e := c.core
	c.endAttempt()
	wait := backoff[len(backoff)-1]
	if c.failures < len(backoff) {
		wait = backoff[c.failures]
	}
	c.failures++
	c.notBefore = now + wait
	c.failed = true
	if c.dialing || reason == ReasonWrongIdentity {
		if len(c.sessions) == 0 {
			c.end(reason)
			return
		}
		if c.dialing {
			c.dialing = false
			e.event(DialDone, c) // by a session of the peer's
		}
	}
	c.flush(now)
	c.arm(now)
}

func (c *Channel) wrongIdentity(now Instant, a *attempt) {
	if len(c.sessions) > 0 {
		c.core.event(IdentityDiffers, c)
	}
	c.failAttempt(now, ReasonWrongIdentity)
}

func (c *Channel) end(reason Reason) {
	if c.state == channelEnded {
		return
	}
	e := c.core
	c.state = channelEnded
	c.endAttempt()
	for _, s := range append(append([]*Session(nil), c.sessions...), c.drain...) {
		s.release()
	}
	c.sessions, c.drain, c.queue, c.queuedBytes = nil, nil, nil, 0
	c.forget()
	delete(e.all, c)
	c.leave(c.home)
	c.wake = never
	e.Events = append(e.Events, Event{Kind: Closed, Channel: c, Reason: reason})
}

// forget makes room for a new channel with the same peer.
func (c *Channel) forget() {
	if c.core.channels[c.peer] == c {
		delete(c.core.channels, c.peer)
		if c.inbound {
			c.core.inbound--
		}
	}
}

func (c *Channel) close(now Instant) {
	if c.state != channelOpen {
		return
	}
	e := c.core
	running := c.attempt != nil
	list := append([]*Session(nil), c.sessions...)
	if running && c.attempt.session != nil {
		s := c.attempt.session
		s.usable = true // outlives its attempt
		c.sessions = append(c.sessions, s)
		list = append(list, s)
	}
	c.endAttempt()
	sealed := false
	for _, s := range list {
		s.respHello, s.initDone, s.doneNext = nil, nil, never
		if c.known || s.dataReceived && !running {
			s.closing = s.sealAt(nil, CounterClosing, nil)
			e.send(s.place, s.closing)
			sealed = true
		}
	}
	if !sealed {
		c.end(ReasonClosed)
		return
	}
	c.state = channelClosing
	c.closedAt, c.closeCopies = now, 1
	c.queue, c.queuedBytes = nil, 0
	c.arm(now + closingGap)
}

func (c *Channel) closedByPeer(now Instant, by *Session) {
	reason := ReasonClosedByPeer
	if !c.everOpen {
		reason = ReasonRefused
	}
	if a := c.attempt; a != nil && (a.session == by || a.seq < by.seq) {
		c.endAttempt()
	}
	for _, s := range append([]*Session(nil), c.sessions...) {
		if s.seq > by.seq {
			continue
		}
		s.draining = true
		s.drainUntil = now + drainFor
		s.respHello, s.initDone, s.doneNext = nil, nil, never
		c.unlist(s)
		c.drain = append(c.drain, s)
		c.arm(s.drainUntil)
	}
	if len(c.sessions) > 0 || c.attempt != nil {
		if len(c.sessions) == 0 {
			c.idleSince = now
			c.arm(now + idleAfter)
		}
		c.arm(now)
		return
	}
	c.reason = reason
	c.state = channelDraining
	c.queue, c.queuedBytes = nil, 0
	c.forget()
	if len(c.drain) == 0 {
		c.end(reason)
	}
}

// --- handshakes of ours ---
