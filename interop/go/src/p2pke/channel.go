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

	core   *Core
	peer   PeerID
	key    *PublicKey // nil until proven
	called *PublicKey // named by who dialled
	home   *place     // where handshakes of ours go
	state  channelState
	wake   Instant

	inbound, dialing, everOpen bool

	sessions    []*Session   // those that count as confirmed, the last one first
	drain       []*Session   // ended by the peer
	agreement   Agreement    // what the next handshake follows
	handshake   *handshake   // of ours, in direct mode or for a rekey
	negotiation *negotiation // an attempt of ours
	unproven    []*Session   // of the peer, that no transport packet came on: secret-handshake-1
	losers      []*Session   // whose finish was sent in an attempt that another session won
	known       bool         // the peer is not the reference
	hadOwn      bool         // a session of ours counted as confirmed once
	failed      bool         // the last handshake of ours failed
	rtt         time.Duration
	work        rate

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
	agreement   Agreement
	binding     [hashSize]byte
	channel     *Channel
	negotiation *negotiation // while it may win it
	place       *place
	initiated   bool
	born        Instant    // first sending, or receipt, of its InitHello
	seq         uint64     // order of InitHellos
	remote      *PublicKey // of ours: who it proves to be there
	early45     time.Duration

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

// handshake is one of ours, up to the confirmation of its session.
type handshake struct {
	agreement Agreement
	channel   *Channel
	place     *place
	in        caller
	seq       uint64
	helloAt   Instant // first copy of the latest InitHello
	nextCopy  Instant
	deadline  Instant
	session   *Session   // once a RespHello was accepted; the latest one
	earlier   []*Session // of other answers, outside of attempts

	// Direct mode.
	nextFresh  Instant
	freshAfter time.Duration

	// Of an attempt.
	negotiation *negotiation
	remote      *proposal // simultaneous: the other one
	inside      bool      // the copies of the proposal are its copies
	answers     int
}

func (h *handshake) kind() schemeKind { return kindOf(h.agreement.Scheme) }

// full tells that no further answer is taken. In p2pke-1 an answer outside of an attempt is the only one.
func (h *handshake) full() bool {
	switch {
	case h.negotiation != nil:
		return h.negotiation.full()
	case h.kind() == kindP2PKE:
		return h.session != nil
	}
	return h.answers >= answersTaken
}

// sessions returns those of all answers, outside of attempts.
func (h *handshake) sessions() []*Session {
	if h.session == nil {
		return nil
	}
	return append(h.earlier[:len(h.earlier):len(h.earlier)], h.session)
}

func (h *handshake) has(s *Session) bool {
	for _, x := range h.sessions() {
		if x == s {
			return true
		}
	}
	return false
}

func (s *Session) kind() schemeKind { return kindOf(s.agreement.Scheme) }

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
	if c.handshake != nil {
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
	var s *Session
	if c.handshake != nil {
		s = c.handshake.session
	} else if n := c.negotiation; n != nil && len(n.sessions) > 0 {
		s = n.sessions[len(n.sessions)-1]
	}
	if s == nil || !c.known || s.kind() == kindSecret {
		return nil
	}
	if s.earlySent >= earlyPackets || s.earlyBytes+size+Overhead > earlyBytes || !s.maySend(now) {
		return nil
	}
	s.earlySent++
	s.earlyBytes += size + Overhead
	return s
}
