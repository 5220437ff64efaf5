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
	if len(payload) == 0 {
		e.Stats.Control++
		learned := !c.known
		c.known = true
		if s.initiated && !s.emptyAnswered && s.agreement.Case == CaseDirect && s.kind() == kindP2PKE {
			s.emptyAnswered = true
			s.sendEmpty(now)
		}
		if fresh || learned {
			c.flush(now)
			c.run(now)
		}
		if s.initiated && s.kind() == kindSecret && len(c.queue) == 0 && now-s.born < handshakeLife {
			s.sendEmpty(now) // until the peer knows that this session is used
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
	s.silence()
	if !s.usable {
		s.channel.use(now, s)
	}
}

// use lets data go on a session from now on.
func (c *Channel) use(now Instant, s *Session) {
	e := c.core
	s.usable, s.place.validated = true, true
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
	if s.remote != nil {
		c.key = s.remote
	}
	c.unproven = without(c.unproven, s)
	if c.handshake != nil && c.handshake.has(s) {
		c.endHandshake()
	}
	if s.initiated {
		c.hadOwn, c.failed = true, false
	}
	c.losers = without(c.losers, s)
	c.agree(s.agreement)
	c.unanswered = never // the peer is there: its signature said so
	c.moveTo(s.place)
	info := SessionInfo{Agreement: s.agreement, Initiated: s.initiated, Binding: s.binding}
	if !c.everOpen {
		c.everOpen = true
		e.Events = append(e.Events, Event{Kind: Connected, Channel: c, Session: info})
	}
	e.Events = append(e.Events, Event{Kind: SessionUp, Channel: c, Session: info})
	if s.negotiation != nil {
		e.won(now, s.place, s, nil)
	}
	if (s.initiated || s.kind() == kindSecret) && c.dialing && c.negotiation == nil {
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
	s.place.sessions[s.role()] = without(s.place.sessions[s.role()], s)
	s.erase()
	s.silence()
	s.doneReply = nil
	s.channel.core.tidy(s.place)
}

// silence ends the repetition of InitDone.
func (s *Session) silence() { s.respHello, s.initDone, s.doneNext = nil, nil, never }

func without(list []*Session, s *Session) []*Session {
	for i := range list {
		if list[i] == s {
			return append(list[:i:i], list[i+1:]...)
		}
	}
	return list
}

func (c *Channel) endSession(now Instant, s *Session) {
	c.sessions = without(c.sessions, s)
	s.release()
	if len(c.sessions) == 0 {
		c.idleSince = now
		c.arm(now + idleAfter)
	}
}

// endHandshake forgets a handshake of ours. Its session lives on if it is usable.
func (c *Channel) endHandshake() {
	h := c.handshake
	if h == nil {
		return
	}
	c.handshake = nil
	for _, s := range h.sessions() {
		if !s.usable {
			s.release()
		}
	}
	h.end()
}

// end wipes a handshake and takes it out of its place.
func (h *handshake) end() {
	if h.in != nil {
		h.in.erase()
	}
	p := h.place
	for i := range p.handshakes {
		if p.handshakes[i] == h {
			p.handshakes = append(p.handshakes[:i:i], p.handshakes[i+1:]...)
			break
		}
	}
	h.channel.core.tidy(p)
}

// gaveUp goes on after a handshake or an attempt of ours that led to nothing and is over.
func (c *Channel) gaveUp(now Instant, reason Reason) {
	e := c.core
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

func (h *handshake) wrongIdentity(now Instant) {
	c := h.channel
	if len(c.sessions) > 0 {
		c.core.event(IdentityDiffers, c)
	}
	if h.negotiation != nil {
		h.negotiation.end()
	} else {
		c.endHandshake()
	}
	c.gaveUp(now, ReasonWrongIdentity)
}

// agree makes new handshakes follow what the newest session was agreed on by.
func (c *Channel) agree(a Agreement) {
	e := c.core
	if old := c.agreement; old.Transcript != nil && e.tags[tag(old)] == c {
		delete(e.tags, tag(old))
	}
	c.agreement = a
	if a.Transcript != nil {
		c.known = true // the reference negotiates nothing
		if a.Case != CaseDirect {
			e.tags[tag(a)] = c
		}
	}
}

func (c *Channel) end(reason Reason) {
	if c.state == channelEnded {
		return
	}
	e := c.core
	c.state = channelEnded
	c.endHandshake()
	c.negotiation.end()
	for _, list := range [][]*Session{c.sessions, c.drain, c.losers, c.unproven} {
		for _, s := range list {
			s.release()
		}
	}
	c.sessions, c.drain, c.losers, c.unproven, c.queue, c.queuedBytes = nil, nil, nil, nil, nil, 0
	c.forget()
	delete(e.all, c)
	c.leave(c.home)
	c.wake = never
	if c.everOpen || c.dialing || !c.inbound {
		e.Events = append(e.Events, Event{Kind: Closed, Channel: c, Reason: reason})
	}
}

// forget makes room for a new channel with the same peer.
func (c *Channel) forget() {
	if c.core.channels[c.peer] == c {
		delete(c.core.channels, c.peer)
		c.agree(Agreement{})
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
	running := c.handshake != nil
	unconfirmed := append(c.losers, c.unproven...)
	c.unproven = nil
	if running {
		unconfirmed = append(unconfirmed, c.handshake.sessions()...)
	}
	if n := c.negotiation; n != nil {
		unconfirmed = append(unconfirmed, n.sessions...)
		n.sessions = nil
	}
	for _, s := range unconfirmed {
		s.usable = true // outlives its handshake
	}
	c.losers = nil
	c.sessions = append(c.sessions, unconfirmed...)
	list := append([]*Session(nil), c.sessions...)
	c.endHandshake()
	c.negotiation.end()
	sealed := false
	for _, s := range list {
		s.silence()
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
	if h := c.handshake; h != nil && (h.has(by) || h.seq < by.seq) {
		c.endHandshake()
	}
	// Who is refused is refused under every hypothesis: the attempt ends with the session.
	if n := c.negotiation; n != nil && (by.negotiation == n || n.seq < by.seq) {
		n.end()
	}
	for _, s := range append([]*Session(nil), c.sessions...) {
		if s.seq > by.seq {
			continue
		}
		s.draining = true
		s.drainUntil = now + drainFor
		s.silence()
		c.sessions = without(c.sessions, s)
		c.drain = append(c.drain, s)
		c.arm(s.drainUntil)
	}
	for _, s := range append([]*Session(nil), c.unproven...) {
		if s.seq <= by.seq {
			c.unproven = without(c.unproven, s)
			s.release()
		}
	}
	if others := without(c.losers, by); len(others) < len(c.losers) {
		c.losers = others
		by.release()
	}
	if len(c.sessions)+len(c.unproven) > 0 || c.handshake != nil || c.negotiation != nil {
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
