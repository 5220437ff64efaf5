package p2pke

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
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

func (e *Core) receiveInitHello(now Instant, from netip.AddrPort, datagram []byte) error {
	if err := checkLength(datagram, minInitHello); err != nil {
		return err
	}
	e.expirePending(now)
	hash := sha256.Sum256(datagram)
	p := e.placeAt(from)
	var held *Channel
	if p != nil {
		for _, w := range p.pending {
			if w.helloHash == hash {
				e.send(p, w.hello)
				return errCached
			}
		}
		for _, s := range p.sessions[theirs] {
			if s.helloHash == hash {
				return NoHandshake
			}
		}
		for _, r := range p.refused {
			if r.helloHash == hash {
				return NoHandshake
			}
		}
		held = p.liveChannel()
	}
	if e.closing {
		return EndpointClosing
	}
	replaces := p != nil && len(p.pending) >= handshakesPerAddress
	prefix, err := e.admit(now, from.Addr(), held, replaces)
	if err != nil {
		return err
	}
	r, err := readInitHello(e.id, e.id.Public(), nil, datagram, func(key *PublicKey) error {
		if held != nil && held.peer != key.ID() {
			return AddressHeldByAnother
		}
		return nil
	}, e.cfg.Random)
	if err != nil {
		return err
	}
	p = e.makePlace(from)
	if replaces {
		e.endPending(p.pending[0])
	}
	e.addPending(&pending{responder: *r, helloHash: hash, at: now, seq: e.nextSeq(), place: p, prefix: prefix})
	e.send(p, r.hello)
	return nil
}

func (e *Core) receiveRespHello(now Instant, from netip.AddrPort, datagram []byte) error {
	if err := checkLength(datagram, minRespHello); err != nil {
		return err
	}
	p := e.placeAt(from)
	if p == nil {
		return UnknownAddress
	}
	for _, s := range p.sessions[ours] {
		if s.initDone != nil && bytes.Equal(s.respHello, datagram) {
			e.send(p, s.initDone)
			return errCached
		}
	}
	result := NoHandshake
	for _, a := range p.attempts {
		if a.session != nil {
			continue
		}
		c := a.channel
		answer, err := a.in.readRespHello(datagram, func(key *PublicKey) error {
			if key.ID() != c.peer {
				return WrongIdentity
			}
			return nil
		})
		if err == nil {
			a.answered(now, answer, datagram)
			return nil
		}
		drop, ok := err.(Drop)
		if !ok {
			return err
		}
		result = drop
		if drop == WrongIdentity {
			c.wrongIdentity(now, a)
		}
		if drop != NotAuthentic {
			break
		}
	}
	return result
}

func (e *Core) receiveInitDone(now Instant, from netip.AddrPort, datagram []byte) error {
	if err := checkLength(datagram, minInitDone); err != nil {
		return err
	}
	e.expirePending(now)
	p := e.placeAt(from)
	if p == nil {
		return UnknownAddress
	}
	hash := sha256.Sum256(datagram)
	for _, s := range p.sessions[theirs] {
		if s.doneHash == hash && !s.draining && s.channel.state == channelOpen && now-s.born <= e.times.receive {
			e.send(p, s.doneReply)
			return errCached
		}
	}
	for _, r := range p.refused {
		if r.doneHash == hash {
			e.send(p, r.reply)
			return errCached
		}
	}
	if len(p.pending) == 0 {
		return NoHandshake
	}
	var w *pending
	var payload []byte
	for _, candidate := range p.pending {
		if opened, err := candidate.openInitDone(datagram); err == nil {
			w, payload = candidate, opened
			break
		}
	}
	if w == nil {
		return NotAuthentic
	}
	if err := w.checkInitDone(payload); err != nil {
		e.endPending(w)
		return err
	}
	peer := w.remote.ID()
	if held := p.liveChannel(); held != nil && held.peer != peer {
		e.endPending(w)
		return AddressHeldByAnother
	}
	if e.closing {
		return EndpointClosing
	}
	c := e.channels[peer]
	if c != nil && c.state == channelClosing {
		return ChannelClosed // the handshake stays: a later copy makes a new channel
	}
	if c == nil {
		full := e.inbound >= inboundChannels || len(p.channels) >= peersPerAddress
		if full || e.cfg.Allow != nil && !e.cfg.Allow(w.remote) {
			e.refuse(w, hash)
			return Refused
		}
		c = e.newChannel(now, peer, p)
		c.inbound = true
		e.inbound++
	}
	c.key = w.remote
	s := &Session{
		channel: c, place: p, born: w.at, seq: w.seq, helloHash: w.helloHash, doneHash: hash,
		firstData: never, retireAt: never, doneNext: never, confirmed: true,
	}
	s.init(&w.agreed, false)
	p.sessions[theirs] = append(p.sessions[theirs], s)
	s.doneReply = s.sealNext(nil, nil)
	s.sent = true
	e.send(p, s.doneReply)
	c.use(now, s)
	e.endPendingKeepEarly(w)
	e.openEarly(now, s)
	c.flush(now)
	c.run(now)
	return nil
}

// Dial returns a channel to a peer. Unless the peer was heard of lately, it starts a handshake.
func (e *Core) Dial(now Instant, to netip.AddrPort, peer PeerID) (*Channel, error) {
	if peer == e.id.Public().ID() {
		return nil, ErrOwnKey
	}
	if e.closing {
		return nil, ErrClosed
	}
	to = canonical(to)
	c := e.channels[peer]
	if c != nil && c.state == channelClosing {
		return nil, ErrClosed
	}
	if c != nil && c.heard && now-c.lastHeard <= redialWithin {
		e.event(DialDone, c)
		return c, nil
	}
	if c == nil {
		p := e.placeAt(to)
		if p != nil && len(p.channels) >= peersPerAddress {
			return nil, ErrRefused
		}
		c = e.newChannel(now, peer, e.makePlace(to))
	}
	c.dialing = true
	if c.attempt == nil {
		c.start(now, e.makePlace(to))
	}
	return c, nil
}

func canonical(a netip.AddrPort) netip.AddrPort {
	return netip.AddrPortFrom(a.Addr().Unmap(), a.Port())
}

// Seal makes the packet for a payload, appended to dst, and says where to send it. If the payload was queued instead, packet
// is nil.
func (e *Core) Seal(now Instant, c *Channel, dst, payload []byte) (packet []byte, to netip.AddrPort, err error) {
	switch {
	case len(payload) == 0:
		return nil, to, ErrEmpty
	case len(payload)+Overhead > e.maxBytes:
		return nil, to, ErrTooLarge
	case c.state != channelOpen:
		return nil, to, ErrClosed
	}
	if len(c.queue) > 0 {
		c.flush(now)
	}
	if len(c.queue) == 0 {
		if s := c.pick(now); s != nil {
			packet = s.sealNext(dst, payload)
			s.sentData(now)
			return packet, s.place.addr, nil
		}
	}
	if len(c.queue) >= queuedDatagrams || c.queuedBytes+len(payload) > queuedBytes {
		return nil, to, ErrQueueFull
	}
	c.queue = append(c.queue, append([]byte(nil), payload...))
	c.queuedBytes += len(payload)
	c.run(now)
	return nil, to, nil
}

// Close closes a channel.
func (e *Core) Close(now Instant, c *Channel) { c.close(now) }

// Shutdown closes all channels, and lets no new ones come into being.
func (e *Core) Shutdown(now Instant) {
	e.closing = true
	for c := range e.all {
		c.close(now)
	}
}

// Idle tells whether no channel is left.
func (e *Core) Idle() bool { return len(e.all) == 0 }
