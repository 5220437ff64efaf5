package p2pke

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"io"
	"math"
	mathrand "math/rand"
	"net/netip"
	"time"
)

// Instant is a moment on a clock that never goes back and runs also while the machine sleeps.
type Instant = time.Duration

const never = Instant(math.MaxInt64)

// The figures of spec/p2pke.md#7-timing and spec/sessions.md.
const (
	defaultLifetime = 60 * time.Second

	handshakeLife = 10 * time.Second
	resendFirst   = 250 * time.Millisecond
	resendNext    = 500 * time.Millisecond
	freshAfter    = time.Second
	holdFor       = 100 * time.Millisecond

	receiptAfter     = 500 * time.Millisecond
	deadAfter        = 2 * time.Second
	deadAfterDirect  = 10 * time.Second
	fallbackAfter    = 3 * time.Second
	retireAfter      = 3 * time.Second
	closingGap       = 100 * time.Millisecond
	closingCopies    = 3
	drainFor         = 500 * time.Millisecond
	redialWithin     = 10 * time.Second
	idleAfter        = 10 * time.Minute
	rekeyCounter     = 1 << 30
	defaultDatagram  = 1232
	sessionsPerRole  = 3
	maxTrials        = 3
	earlyPackets     = 32
	earlyBytes       = 48 << 10
	earlyBytesTotal  = 4 << 20
	queuedDatagrams  = 1024
	queuedBytes      = 1 << 20
	maxDatagramBytes = 65535
)

var backoff = []time.Duration{2 * time.Second, 4 * time.Second, 8 * time.Second, 16 * time.Second, 30 * time.Second}

// times are the figures that a shorter lifetime shortens.
type times struct {
	send, receive, rekey, rekeyJitter, rekeyOther time.Duration
}

func timesFor(lifetime time.Duration) times {
	part := func(seconds int64) time.Duration { return lifetime * time.Duration(seconds) / 60 }
	return times{send: part(55), receive: lifetime, rekey: part(45), rekeyJitter: part(3), rekeyOther: part(52)}
}

// Config says how a Core behaves. Identity is required.
type Config struct {
	Identity *Identity
	// Allow is asked once for each channel that another peer brings about. nil allows everybody.
	Allow func(*PublicKey) bool
	// Lifetime of a session, 60 s if zero. The rekey times shrink with it.
	Lifetime time.Duration
	// MaxDatagram is how many bytes of UDP payload a datagram has at most, 1,232 if zero.
	MaxDatagram int

	// For tests: the source of ephemeral keys, of jitter (0 <= x < 1), and the wall clock.
	Random io.Reader
	Jitter func() float64
	Wall   func() time.Time
}

// Datagram is something to send.
type Datagram struct {
	To    netip.AddrPort
	Bytes []byte
}

// Delivery is a payload that was held back until a handshake was complete.
type Delivery struct {
	Channel *Channel
	Payload []byte
}

// EventKind tells what happened.
type EventKind uint8

const (
	// Connected: the channel has its first session.
	Connected EventKind = iota
	// SessionUp: a session counts as confirmed.
	SessionUp
	// DialDone: the handshake that Dial asked for is complete.
	DialDone
	// IdentityDiffers: a handshake of ours proved another key than the channel's, which lives on.
	IdentityDiffers
	// Closed: the channel has ended.
	Closed
)

// Event is something that the application may want to know.
type Event struct {
	Kind      EventKind
	Channel   *Channel
	Initiated bool   // SessionUp: by us
	Reason    Reason // Closed
}

// Reason tells why a channel ended.
type Reason string

const (
	ReasonClosed        Reason = "Closed"
	ReasonClosedByPeer  Reason = "ClosedByPeer"
	ReasonRefused       Reason = "Refused"
	ReasonTimeout       Reason = "Timeout"
	ReasonWrongIdentity Reason = "WrongIdentity"
	ReasonIdle          Reason = "IdleTimeout"
)

// Errors of calls.
var (
	ErrEmpty     = errors.New("p2pke: an empty datagram cannot be sent")
	ErrTooLarge  = errors.New("p2pke: TooLarge")
	ErrQueueFull = errors.New("p2pke: QueueFull")
	ErrClosed    = errors.New("p2pke: the channel is closed")
	ErrOwnKey    = errors.New("p2pke: OwnKey")
	ErrRefused   = errors.New("p2pke: too many identities at this address")
)

// Stats counts each datagram received once.
type Stats struct {
	Delivered, Control, Handshakes, Cached uint64
	Drops                                  [dropCount]uint64
}

// Dropped returns how often a datagram was dropped for this reason.
func (s *Stats) Dropped(d Drop) uint64 { return s.Drops[d] }

// Core is the protocol without socket, clock or lock. The caller passes in datagrams and the time, and takes out of Out,
// Inbox and Events what comes of it, after each call.
type Core struct {
	Out    []Datagram
	Inbox  []Delivery
	Events []Event
	Stats  Stats

	cfg      Config
	id       *Identity
	times    times
	maxBytes int
	wake     Instant
	seq      uint64
	closing  bool

	places    map[netip.AddrPort]*place
	lastPlace *place // the place of the last datagram
	channels  map[PeerID]*Channel
	all       map[*Channel]struct{}
	inbound   int
	admission

	scratch []byte
}

// NewCore makes a Core.
func NewCore(cfg Config) *Core {
	if cfg.Lifetime <= 0 || cfg.Lifetime > defaultLifetime {
		cfg.Lifetime = defaultLifetime
	}
	if cfg.MaxDatagram <= 0 {
		cfg.MaxDatagram = defaultDatagram
	}
	if cfg.Random == nil {
		cfg.Random = rand.Reader
	}
	if cfg.Jitter == nil {
		cfg.Jitter = mathrand.New(mathrand.NewSource(time.Now().UnixNano())).Float64
	}
	if cfg.Wall == nil {
		cfg.Wall = time.Now
	}
	return &Core{
		cfg: cfg, id: cfg.Identity, times: timesFor(cfg.Lifetime), maxBytes: cfg.MaxDatagram, wake: never,
		places: map[netip.AddrPort]*place{}, channels: map[PeerID]*Channel{}, all: map[*Channel]struct{}{},
		admission: newAdmission(), scratch: make([]byte, maxDatagramBytes),
	}
}

// place is what is known at one remote address.
type place struct {
	addr       netip.AddrPort
	sessions   [2][]*Session // of the peer, ours; the last successful one first
	attempts   []*attempt
	pending    []*pending // oldest first
	refused    []*refusal
	early      [][]byte
	earlyBytes int
	channels   []*Channel // whose address this is
}

const (
	theirs = 0
	ours   = 1
)

func (s *Session) role() int {
	if s.initiated {
		return ours
	}
	return theirs
}

func (p *place) empty() bool {
	return len(p.sessions[0]) == 0 && len(p.sessions[1]) == 0 && len(p.attempts) == 0 && len(p.pending) == 0 &&
		len(p.refused) == 0 && len(p.channels) == 0
}

// liveChannel returns the channel of a confirmed live session at this address, or nil.
func (p *place) liveChannel() *Channel {
	for _, list := range p.sessions {
		for _, s := range list {
			if s.usable && !s.draining && s.channel.state == channelOpen {
				return s.channel
			}
		}
	}
	return nil
}

func (e *Core) placeAt(addr netip.AddrPort) *place {
	if e.lastPlace != nil && e.lastPlace.addr == addr {
		return e.lastPlace
	}
	p := e.places[addr]
	if p != nil {
		e.lastPlace = p
	}
	return p
}

func (e *Core) makePlace(addr netip.AddrPort) *place {
	p := e.placeAt(addr)
	if p == nil {
		p = &place{addr: addr}
		e.places[addr] = p
	}
	return p
}

func (e *Core) tidy(p *place) {
	if p.empty() {
		delete(e.places, p.addr)
		if e.lastPlace == p {
			e.lastPlace = nil
		}
	}
}

func (e *Core) drop(d Drop) { e.Stats.Drops[d]++ }

func (e *Core) send(p *place, b []byte) { e.Out = append(e.Out, Datagram{p.addr, b}) }

func (e *Core) jitter(d time.Duration) time.Duration {
	return d + time.Duration(float64(d)*0.2*e.cfg.Jitter())
}

func (e *Core) event(kind EventKind, c *Channel) {
	e.Events = append(e.Events, Event{Kind: kind, Channel: c})
}

func (e *Core) nextSeq() uint64 {
	e.seq++
	return e.seq
}

// Deadline is when Tick has to be called next.
func (e *Core) Deadline() Instant { return e.wake }

func (e *Core) arm(t Instant) {
	if t < e.wake {
		e.wake = t
	}
}

// Tick does what is due.
func (e *Core) Tick(now Instant) {
	if now < e.wake {
		return
	}
	e.wake = never
	e.expirePending(now)
	for c := range e.all {
		if c.wake <= now {
			c.run(now)
		}
		e.arm(c.wake)
	}
}

// Receive takes a datagram. It returns the channel and the payload if it was data; the payload is valid until the next call.
func (e *Core) Receive(now Instant, from netip.AddrPort, datagram []byte) (*Channel, []byte) {
	if len(datagram) < headerSize {
		e.drop(TooShort)
		return nil, nil
	}
	word := binary.BigEndian.Uint32(datagram)
	if counter := word &^ direction; counter >= counterFirst {
		return e.receiveTransport(now, from, word, datagram)
	} else if counter > counterInitDone {
		e.drop(ReservedCounter)
		return nil, nil
	}
	var err error
	switch word {
	case wordInitHello:
		err = e.receiveInitHello(now, from, datagram)
	case wordRespHello:
		err = e.receiveRespHello(now, from, datagram)
	case wordInitDone:
		err = e.receiveInitDone(now, from, datagram)
	default:
		err = UnexpectedHandshake
	}
	if err == errCached {
		e.Stats.Cached++
	} else if d, ok := err.(Drop); ok {
		e.drop(d)
	} else if err != nil {
		panic(err) // the system's random numbers failed
	} else {
		e.Stats.Handshakes++
	}
	return nil, nil
}

var errCached = errors.New("p2pke: answered from the cache")

func (e *Core) receiveTransport(now Instant, from netip.AddrPort, word uint32, datagram []byte) (*Channel, []byte) {
	if len(datagram) < Overhead {
		e.drop(TooShort)
		return nil, nil
	}
	p := e.placeAt(from)
	if p == nil {
		e.drop(UnknownAddress)
		return nil, nil
	}
	role := theirs
	if word&direction != 0 {
		role = ours
	}
	var closed, ended, refused Drop
	trials := 0
	list := p.sessions[role]
	for i, s := range list {
		if trials == maxTrials {
			break
		}
		if s.channel.state == channelClosing {
			closed = ChannelClosed
			continue
		}
		if now-s.born > e.times.receive || s.draining && now > s.drainUntil {
			ended = SessionEnded
			continue
		}
		payload, drop := s.open(e.scratch[:0], datagram)
		if drop == NotAuthentic {
			trials++
			continue
		}
		if drop != 0 {
			if refused == 0 {
				refused = drop
			}
			continue
		}
		if i > 0 {
			copy(list[1:i+1], list[:i])
			list[0] = s
		}
		return s.authentic(now, word&^direction, payload, false)
	}
	if role == theirs && e.holdEarly(now, p, datagram) {
		return nil, nil
	}
	switch {
	case trials > 0:
		e.drop(NotAuthentic)
	case refused != 0:
		e.drop(refused)
	case closed != 0:
		e.drop(closed)
	case ended != 0:
		e.drop(ended)
	default:
		e.drop(NotAuthentic)
	}
	return nil, nil
}

// holdEarly keeps a packet that came before the InitDone of its session. It returns false if no handshake is pending.
func (e *Core) holdEarly(now Instant, p *place, datagram []byte) bool {
	if len(p.pending) > 0 {
		e.expirePending(now)
	}
	if len(p.pending) == 0 {
		return false
	}
	n := len(datagram)
	if len(p.early) >= earlyPackets || p.earlyBytes+n > earlyBytes || e.earlyTotal+n > earlyBytesTotal {
		e.drop(EarlyDataFull)
		return true
	}
	p.early = append(p.early, append([]byte(nil), datagram...))
	p.earlyBytes += n
	e.earlyTotal += n
	return true
}

// dropEarly forgets what is held at p if no handshake can claim it any more.
func (e *Core) dropEarly(p *place) {
	if len(p.pending) > 0 {
		return
	}
	e.Stats.Drops[NotAuthentic] += uint64(len(p.early))
	e.earlyTotal -= p.earlyBytes
	p.early, p.earlyBytes = nil, 0
}

// openEarly gives what is held to a new session, in the order of arrival.
func (e *Core) openEarly(now Instant, s *Session) {
	p := s.place
	held := p.early
	p.early = nil
	for _, datagram := range held {
		payload, drop := s.open(e.scratch[:0], datagram)
		if drop != 0 {
			p.early = append(p.early, datagram)
			continue
		}
		p.earlyBytes -= len(datagram)
		e.earlyTotal -= len(datagram)
		word := binary.BigEndian.Uint32(datagram)
		if c, payload := s.authentic(now, word&^direction, payload, true); c != nil {
			e.Inbox = append(e.Inbox, Delivery{c, append([]byte(nil), payload...)})
		}
	}
	e.dropEarly(p)
}
