package p2pke

import (
	"net/netip"
	"time"
)

type channelState uint8

const (
	channelOpen     channelState = iota // also while it is dialled
	channelClosing                      // by us: the closing message is under way
	channelDraining                     // by the peer: late data is delivered
	channelEnded
)

// Channel is what lives between two identities.
type Channel struct {
	// Data is for the application.
	Data interface{}

	core  *Core
	peer  PeerID
	key   *PublicKey // nil until proven
	home  *place     // where handshakes of ours go
	state channelState
	wake  Instant

	inbound, dialing, everOpen bool

	sessions []*Session // those that count as confirmed, the last one first
	drain    []*Session // ended by the peer
	attempt  *attempt   // handshake of ours
	known    bool       // the peer is not the reference
	hadOwn   bool       // a session of ours counted as confirmed once
	failed   bool       // the last handshake of ours failed
	rtt      time.Duration
	work     rate

	heard      bool
	lastHeard  Instant // last authentic packet
	unanswered Instant // first data sent after it, or never
	received   Instant // first data received after the last packet sent, or never
	failures   int
	notBefore  Instant // backoff
	idleSince  Instant

	queue       [][]byte
	queuedBytes int

	reason      Reason
	closedAt    Instant
	closeCopies int
}

// Session is what a handshake yields.
type Session struct {
	packets
	channel   *Channel
	place     *place
	initiated bool
	born      Instant // first sending, or receipt, of its InitHello
	seq       uint64  // order of InitHellos
	early45   time.Duration

	confirmed bool // an InitDone verified, or an authentic packet came
	usable    bool // it counts as confirmed
	draining  bool

	sent         bool // any transport packet
	flowed       bool // data in either direction
	dataReceived bool
	firstData    Instant // first data sent, or never
	answered     bool    // something authentic came after firstData
	retireAt     Instant
	drainUntil   Instant

	// Initiator.
	respHello, initDone []byte // until confirmed
	doneCopies          int
	doneGap             time.Duration
	doneNext, doneUntil Instant
	emptyAnswered       bool
	earlySent           int
	earlyBytes          int

	// Responder.
	helloHash, doneHash [32]byte
	doneReply           []byte

	closing []byte
}

// attempt is a handshake of ours, up to the confirmation of its session.
type attempt struct {
	channel    *Channel
	place      *place
	in         *initiator
	seq        uint64
	start      Instant // first InitHello
	helloAt    Instant // first copy of the latest InitHello
	nextCopy   Instant
	nextFresh  Instant
	freshAfter time.Duration
	deadline   Instant
	session    *Session // once a RespHello was accepted
}

// Peer returns the peer's P2PKE ID.
func (c *Channel) Peer() PeerID { return c.peer }

// Key returns the peer's key, or nil if it has not been proven yet.
func (c *Channel) Key() *PublicKey { return c.key }

// Remote returns the address where the peer was last known to be.
func (c *Channel) Remote() netip.AddrPort { return c.home.addr }

// MaybeReference tells whether the peer may be the reference implementation.
func (c *Channel) MaybeReference() bool { return !c.known }

// Queued returns how many datagrams wait for a session.
func (c *Channel) Queued() int { return len(c.queue) }

func (e *Core) newChannel(now Instant, peer PeerID, p *place) *Channel {
	c := &Channel{core: e, peer: peer, wake: never, unanswered: never, received: never, idleSince: now}
	e.channels[peer] = c
	e.all[c] = struct{}{}
	c.moveTo(p)
	c.arm(now + idleAfter)
	return c
}

func (c *Channel) moveTo(p *place) {
	if c.home == p {
		return
	}
	old := c.home
	c.home = p
	p.channels = append(p.channels, c)
	if old != nil {
		c.leave(old)
	}
}

func (c *Channel) leave(p *place) {
	for i := range p.channels {
		if p.channels[i] == c {
			p.channels = append(p.channels[:i:i], p.channels[i+1:]...)
			break
		}
	}
	c.core.tidy(p)
}

func (c *Channel) arm(t Instant) {
	if t < c.wake {
		c.wake = t
		c.core.arm(t)
	}
}

// --- sending ---

func (s *Session) maySend(now Instant) bool {
	return !s.draining && now-s.born < s.channel.core.times.send && !s.exhausted()
}

// silent tells that data must go elsewhere if it can, because nothing came back since the first data was sent.
func (s *Session) silent(now Instant) bool {
	return s.firstData != never && !s.answered && now-s.firstData >= fallbackAfter
}

func (c *Channel) newest(now Instant, initiated bool) *Session {
	for _, s := range c.sessions {
		if s.initiated == initiated && s.maySend(now) {
			return s
		}
	}
	return nil
}

// pick returns the session on which data goes, or nil if it has to wait.
func (c *Channel) pick(now Instant) *Session {
	if !c.known {
		return c.pickForReference(now)
	}
	var first *Session
	for _, s := range c.sessions {
		if !s.maySend(now) {
			continue
		}
		if !s.silent(now) {
			return s
		}
		if first == nil {
			first = s
		}
	}
	return first
}

// pickForReference is pick towards a peer that may be the reference, which a packet at the wrong moment would kill.
func (c *Channel) pickForReference(now Instant) *Session {
	if c.attempt != nil {
		if c.hadOwn {
			return c.newest(now, false)
		}
		return nil
	}
	if s := c.newest(now, true); s != nil {
		return s
	}
	if c.failed {
		return c.newest(now, false)
	}
	return nil
}

// sentData notes that a data packet was sealed.
func (s *Session) sentData(now Instant) {
	c := s.channel
	s.sent = true
	c.received = never
	if s.firstData == never {
		s.firstData = now
	}
	s.flow(now)
	if c.unanswered == never {
		c.unanswered = now
		c.arm(now + c.patience())
	}
	if s.next == rekeyCounter {
		c.arm(now)
	}
}

// flow notes that data went over the session, which is a condition of its rekey.
func (s *Session) flow(now Instant) {
	if !s.flowed {
		s.flowed = true
		s.channel.arm(s.rekeyAt())
	}
}

func (s *Session) sendEmpty(now Instant) {
	if !s.maySend(now) {
		return
	}
	s.sent = true
	s.channel.received = never
	s.channel.core.send(s.place, s.sealNext(nil, nil))
}

// flush sends what is queued as far as it may go.
func (c *Channel) flush(now Instant) {
	if c.state != channelOpen {
		return
	}
	for len(c.queue) > 0 {
		payload := c.queue[0]
		s := c.pick(now)
		if s == nil {
			if s = c.early(now, len(payload)); s == nil {
				return
			}
		}
		c.queue[0] = nil
		c.queue = c.queue[1:]
		c.queuedBytes -= len(payload)
		c.core.send(s.place, s.sealNext(nil, payload))
		s.sentData(now)
	}
	c.queue = nil
}

// early returns the session that is not confirmed yet, if data of this size may go on it already.
func (c *Channel) early(now Instant, size int) *Session {
	if !c.known || c.attempt == nil || c.attempt.session == nil {
		return nil
	}
	s := c.attempt.session
	if s.earlySent >= earlyPackets || s.earlyBytes+size+Overhead > earlyBytes || !s.maySend(now) {
		return nil
	}
	s.earlySent++
	s.earlyBytes += size + Overhead
	return s
}

// --- receiving ---

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
