package p2pke

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"math"
	mathrand "math/rand"
	"net/netip"
	"time"

	"psec"
)

// Instant is a moment on a clock that never goes back and runs also while the machine sleeps.
type Instant = time.Duration

const never = Instant(math.MaxInt64)

// The figures of spec/p2pke.md#7-timing and spec/sessions.md.
const (
	defaultLifetime = 60 * time.Second

	handshakeLife  = 10 * time.Second
	resendFirst    = 250 * time.Millisecond
	resendNext     = 500 * time.Millisecond
	resendAnswered = 2 * time.Second
	freshAfter     = time.Second
	holdFor        = 100 * time.Millisecond

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
	trialsConfirmed  = 2
	earlyPackets     = 32
	earlyBytes       = 48 << 10
	earlyBytesTotal  = 4 << 20
	queuedDatagrams  = 1024
	queuedBytes      = 1 << 20
	maxDatagramBytes = 65535
)

// schemeName is what negotiations call the scheme.
const schemeName = SchemeP2PKE

var backoff = []time.Duration{2 * time.Second, 4 * time.Second, 8 * time.Second, 16 * time.Second, 30 * time.Second}

// times are the figures that a shorter lifetime shortens.
type times struct {
	send, receive, rekey, rekeyJitter, rekeyOther time.Duration
}

func timesFor(lifetime time.Duration) times {
	part := func(seconds int64) time.Duration { return lifetime * time.Duration(seconds) / 60 }
	return times{send: part(55), receive: lifetime, rekey: part(45), rekeyJitter: part(3), rekeyOther: part(52)}
}

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

	peerID    []byte // multihash
	places    map[netip.AddrPort]*place
	lastPlace *place // the place of the last datagram
	channels  map[PeerID]*Channel
	all       map[*Channel]struct{}
	tags      map[psec.Tag]*Channel // by the transcript that its rekeys have
	inbound   int
	admission
	speaks  [kindCount]bool
	secret  *secrets // nil unless the scheme is spoken
	minutes minutes

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
	if len(cfg.Schemes) == 0 {
		cfg.Schemes = []string{schemeName}
	}
	if cfg.DirectScheme == "" {
		cfg.DirectScheme = schemeName
	}
	e := &Core{
		cfg: cfg, id: cfg.Identity, peerID: cfg.Identity.Public().Multihash(), times: timesFor(cfg.Lifetime),
		maxBytes: cfg.MaxDatagram, wake: never, places: map[netip.AddrPort]*place{}, channels: map[PeerID]*Channel{},
		all: map[*Channel]struct{}{}, tags: map[psec.Tag]*Channel{},
		admission: newAdmission(cfg.Random), minutes: minutes{random: cfg.Random}, scratch: make([]byte, maxDatagramBytes),
	}
	for _, s := range cfg.Schemes {
		e.speaks[kindOf(s)] = true
	}
	if cfg.Direct {
		e.speaks[kindOf(cfg.DirectScheme)] = true
	}
	if e.speaks[kindSecret] {
		var err error
		if e.secret, err = newSecrets(cfg.Identity, cfg.NetworkKey); err != nil {
			panic(err) // the caller checks it
		}
	}
	return e
}

// hides tells whether the endpoint serves a scheme that hides identities.
func (e *Core) hides() bool { return e.speaks[kindSecret] }

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
	e.expireProposals(now)
	e.arm(e.cookies.Tick(now))
	e.arm(e.minutes.tick(now))
	for c := range e.all {
		if c.wake <= now {
			c.run(now)
		}
		e.arm(c.wake)
	}
}

// Receive takes a datagram. It returns the channel and the payload if it was data; the payload is valid until the next call.
func (e *Core) Receive(now Instant, from netip.AddrPort, datagram []byte) (*Channel, []byte) {
	p := e.placeAt(from)
	if len(datagram) < headerSize {
		if !e.receiveFrame(now, from, p, datagram) {
			e.drop(TooShort)
		}
		return nil, nil
	}
	word := binary.BigEndian.Uint32(datagram)
	if word&^direction >= counterFirst {
		return e.receiveTransport(now, from, p, word, datagram)
	}
	e.count(e.receiveHandshake(now, from, word, datagram))
	return nil, nil
}

func (e *Core) receiveHandshake(now Instant, from netip.AddrPort, word uint32, datagram []byte) error {
	// spec/sessions.md#counters-by-word
	k, step, known, ok := messageOf(word)
	switch {
	case !known:
		return ReservedCounter
	case !ok:
		return UnexpectedHandshake
	case !e.speaks[k] && step == 0:
		return NoDirectScheme
	case !e.speaks[k]:
		return NoHandshake
	case step == 1:
		return e.receiveAnswer(now, from, datagram, k)
	case k == kindSecret && step == 0:
		return e.receiveCall(now, from, datagram, nil)
	case k == kindSecret:
		return e.receiveCallFinish(now, from, datagram)
	case step == 2:
		return e.receiveFinish(now, from, datagram, k)
	case k == kindXX:
		return e.receiveXXFirst(now, from, datagram, nil)
	}
	return e.receiveInitHello(now, from, datagram, nil)
}

var errCached = errors.New("p2pke: answered from the cache")

// count counts a handshake message or a frame.
func (e *Core) count(err error) {
	if err == errCached {
		e.Stats.Cached++
	} else if d, ok := err.(Drop); ok {
		e.drop(d)
	} else if err != nil {
		panic(err) // the system's random numbers failed
	} else {
		e.Stats.Handshakes++
	}
}

func (e *Core) receiveTransport(now Instant, from netip.AddrPort, p *place, word uint32, datagram []byte) (*Channel, []byte) {
	var reason Drop
	role := theirs
	if word&direction != 0 {
		role = ours
	}
	switch {
	case len(datagram) < Overhead:
		reason = TooShort
	case p == nil:
		reason = UnknownAddress
	default:
		var s *Session
		var payload []byte
		if s, payload, reason = e.try(now, p, role, datagram); s != nil {
			return s.authentic(now, word&^direction, payload, false)
		}
	}
	if e.receiveFrame(now, from, p, datagram) {
		return nil, nil
	}
	if reason != TooShort && role == theirs && p != nil && e.holdEarly(now, p, datagram) {
		return nil, nil
	}
	e.drop(reason)
	return nil, nil
}

// try opens a transport packet on the session that it belongs to, or tells why there is none.
func (e *Core) try(now Instant, p *place, role int, datagram []byte) (opened *Session, payload []byte, reason Drop) {
	var closed, ended, refused Drop
	confirmed, unconfirmed := 0, 0
	list := p.sessions[role]
	for i, s := range list {
		if s.channel.state == channelClosing {
			closed = ChannelClosed
			continue
		}
		if now-s.born > e.times.receive || s.draining && now > s.drainUntil {
			ended = SessionEnded
			continue
		}
		trials, most := &confirmed, trialsConfirmed
		if !s.usable {
			trials, most = &unconfirmed, answersTaken
		}
		if *trials == most {
			continue
		}
		payload, drop := s.open(e.scratch[:0], datagram)
		if drop == NotAuthentic {
			*trials++
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
		return s, payload, 0
	}
	switch {
	case confirmed+unconfirmed > 0:
		return nil, nil, NotAuthentic
	case refused != 0:
		return nil, nil, refused
	case closed != 0:
		return nil, nil, closed
	case ended != 0:
		return nil, nil, ended
	}
	return nil, nil, NotAuthentic
}
