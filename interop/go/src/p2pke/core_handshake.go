package p2pke

import (
	"bytes"
	"crypto/sha256"
	"net/netip"
)

// hello is a first message that is no copy, on its way to a pending handshake.
type hello struct {
	w      *pending
	place  *place   // nil where nothing is known of its address
	held   *Channel // lives there
	oldest *pending // makes room
}

// receiveHello answers copies of first messages.
func (e *Core) receiveHello(now Instant, from netip.AddrPort, datagram []byte, inside *proposal) (*hello, error) {
	e.expirePending(now)
	hash := sha256.Sum256(datagram)
	p := e.placeAt(from)
	h := &hello{place: p, w: &pending{helloHash: hash, at: now, seq: e.nextSeq()}}
	if p != nil {
		if inside == nil {
			p.received += len(datagram)
		}
		for _, w := range p.pending {
			if w.helloHash == hash {
				e.answer(p, w)
				return nil, errCached
			}
		}
		for _, s := range p.sessions[theirs] {
			if s.helloHash == hash {
				return nil, NoHandshake
			}
		}
		for _, r := range p.refused {
			if r.helloHash == hash {
				return nil, NoHandshake
			}
		}
		h.held = p.liveChannel()
		if len(p.pending) >= handshakesPerAddress {
			h.oldest = p.pending[0]
		}
	}
	if e.closing {
		return nil, EndpointClosing
	}
	return h, nil
}

// admitHello counts the work that a first message asks for, unless its address has a live session.
func (e *Core) admitHello(now Instant, from netip.AddrPort, h *hello) (err error) {
	if h.held != nil {
		return nil
	}
	kind := byAnybody
	if h.w.proposal != nil {
		kind = h.w.proposal.share.kind
	}
	h.w.share, err = e.admit(now, from.Addr(), kind, h.oldest)
	return err
}

// hold keeps a handshake until its finish, and answers it.
func (e *Core) hold(now Instant, from netip.AddrPort, h *hello, r *responder, size int) {
	w, p := h.w, h.place
	if p == nil {
		p = e.makePlace(from)
		p.received = size
	}
	if h.oldest != nil {
		e.endPending(h.oldest)
	}
	w.responder, w.place = *r, p
	e.addPending(w)
	if w.proposal != nil {
		w.proposal.drew = true
		p.progressed(now)
	}
	e.answer(p, w)
}

func (p *place) progressed(now Instant) {
	p.progress = now
	for _, n := range p.waiting {
		n.channel.arm(now)
	}
}

// receiveInitHello takes a first message. inside is the proposal that it came in, and then the only one that it can be
// served under.
func (e *Core) receiveInitHello(now Instant, from netip.AddrPort, datagram []byte, inside *proposal) error {
	if err := checkLength(datagram, minInitHello); err != nil {
		return err
	}
	h, err := e.receiveHello(now, from, datagram, inside)
	if err != nil {
		return err
	}
	w, held := h.w, h.held
	m, bad := parseInitHello(datagram)
	var unknown error
	if bad == nil {
		unknown = e.agreementOf(h.place, m, inside, w)
	}
	accept := func(key *PublicKey) error {
		if held != nil && held.peer != key.ID() {
			return AddressHeldByAnother
		}
		w.remote = key
		return w.accepts()
	}
	if err := e.admitHello(now, from, h); err != nil {
		return err
	}
	if bad != nil {
		return bad
	}
	if unknown != nil {
		return unknown
	}
	if held != nil {
		// What does not name the identity that lives here costs the channel nothing.
		key, err := checkClaim(m.claim, e.id.Public())
		if err == nil {
			err = accept(key)
		}
		if err != nil {
			return err
		}
		if !held.work.take(now, workPerChannelPerSecond) {
			return PrefixRate
		}
	}
	r, err := m.answer(e.id, e.id.Public(), w.agreement.Transcript, accept, e.cfg.Random)
	if err != nil {
		return err
	}
	e.hold(now, from, h, r, len(datagram))
	return nil
}

// agreementOf finds what a first message is served under.
func (e *Core) agreementOf(p *place, m *initHello, inside *proposal, w *pending) error {
	if m.transcript == nil {
		if !e.cfg.Direct || kindOf(e.cfg.DirectScheme) != kindP2PKE || inside != nil {
			return NoDirectScheme
		}
		w.agreement = e.directAgreement()
		return nil
	}
	a, r, c := e.hypothesis(p, m.transcript)
	if a == nil || kindOf(a.Scheme) != kindP2PKE || inside != nil && r != inside {
		return UnknownTranscript
	}
	w.agreement, w.proposal, w.rekeyed = *a, r, c
	return nil
}

// accepts tells whether the identity of a handshake goes with what it belongs to.
func (w *pending) accepts() error {
	key := w.remote
	switch {
	case w.rekeyed != nil && w.rekeyed.peer != key.ID():
		return WrongIdentity
	case !w.proposal.claims(key):
		return KeyMismatch
	}
	return nil
}

// answer sends a RespHello. The direct scheme has its own rule for addresses that are not validated.
func (e *Core) answer(p *place, w *pending) {
	if w.agreement.Case == CaseDirect && kindOf(w.agreement.Scheme) == kindP2PKE {
		e.send(p, w.hello)
	} else {
		e.reply(p, w.hello)
	}
}

// receiveAnswer takes the answer to a first message of ours. Its length is checked before anything else.
func (e *Core) receiveAnswer(now Instant, from netip.AddrPort, datagram []byte, k schemeKind) error {
	if err := e.checkAnswer(datagram, k); err != nil {
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
	for _, h := range p.handshakes {
		if h.kind() != k || h.full() {
			continue
		}
		c := h.channel
		answer, err := h.in.read(datagram, func(key *PublicKey) error {
			switch {
			case key.ID() != c.peer:
				return WrongIdentity
			case !h.remote.claims(key):
				return KeyMismatch
			}
			return nil
		})
		if err == nil {
			if h.remote != nil {
				h.remote.drew = true
			}
			h.answered(now, answer, datagram)
			return nil
		}
		drop, ok := err.(Drop)
		if !ok {
			return err
		}
		result = drop
		if drop == WrongIdentity {
			h.wrongIdentity(now)
		}
		if drop != NotAuthentic && drop != NoHandshake {
			break
		}
	}
	return result
}

func (e *Core) checkAnswer(datagram []byte, k schemeKind) error {
	switch k {
	case kindXX:
		return checkLength(datagram, xxMinAnswer)
	case kindSecret:
		_, err := e.secret.trim(datagram, secretAnswer)
		return err
	}
	return checkLength(datagram, minRespHello)
}

// repeated answers a further copy of a finish.
func (e *Core) repeated(now Instant, p *place, hash [32]byte) (known bool, err error) {
	for _, s := range p.sessions[theirs] {
		if s.doneHash == hash && !s.draining && s.channel.state == channelOpen && now-s.born <= e.times.receive {
			e.send(p, s.doneReply)
			return true, errCached
		}
	}
	for _, r := range p.refused {
		if r.doneHash == hash {
			e.send(p, r.reply)
			return true, errCached
		}
	}
	return false, nil
}

// receiveFinish takes an InitDone, or message 3 of noise-xx-1.
func (e *Core) receiveFinish(now Instant, from netip.AddrPort, datagram []byte, k schemeKind) error {
	least := minInitDone
	if k == kindXX {
		least = xxMinFinish
	}
	if err := checkLength(datagram, least); err != nil {
		return err
	}
	e.expirePending(now)
	p := e.placeAt(from)
	if p == nil {
		return UnknownAddress
	}
	hash := sha256.Sum256(datagram)
	if known, err := e.repeated(now, p, hash); known {
		return err
	}
	if len(p.pending) == 0 {
		return NoHandshake
	}
	var w *pending
	var payload []byte
	for _, candidate := range p.pending {
		if kindOf(candidate.agreement.Scheme) != k {
			continue
		}
		if opened, err := candidate.openInitDone(datagram); err == nil {
			w, payload = candidate, opened
			break
		}
	}
	if w == nil {
		return NotAuthentic
	}
	err := w.checkInitDone(payload)
	if err == nil && k == kindXX {
		err = w.accepts() // nothing named the identity before
	}
	if err != nil {
		e.endPending(w)
		return err
	}
	return e.establish(now, p, w, hash, func() {})
}

// establish makes the session of a finish that verified. begun is called before a key of it is used.
func (e *Core) establish(now Instant, p *place, w *pending, hash [32]byte, begun func()) error {
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
			if kindOf(w.agreement.Scheme) == kindSecret {
				w.erase() // silence
			} else {
				e.refuse(w, hash)
			}
			return Refused
		}
		c = e.newChannel(now, peer, p)
		c.inbound = true
		e.inbound++
	}
	begun()
	secret := kindOf(w.agreement.Scheme) == kindSecret
	c.key = w.remote
	s := &Session{
		channel: c, place: p, born: w.at, seq: w.seq, helloHash: w.helloHash, doneHash: hash,
		firstData: never, retireAt: never, doneNext: never, confirmed: !secret, agreement: w.agreement, binding: w.h2,
	}
	s.init(&w.agreed, false)
	p.sessions[theirs] = append(p.sessions[theirs], s)
	s.doneReply = s.sealNext(nil, nil)
	s.sent = true
	e.send(p, s.doneReply)
	if secret {
		c.prove(now, s)
	} else {
		c.heard, c.lastHeard = true, now
		c.use(now, s)
		e.endPendingKeepEarly(w)
		e.openEarly(now, s)
	}
	if w.proposal != nil {
		e.won(now, p, s, w.proposal)
	}
	if !secret {
		c.flush(now)
		c.run(now)
	}
	return nil
}

// Dial returns a channel to a peer. Unless the peer was heard of lately, it negotiates a session.
func (e *Core) Dial(now Instant, to netip.AddrPort, peer PeerID) (*Channel, error) {
	return e.dial(now, to, peer, nil, false)
}

// DialDirect is Dial without negotiation.
func (e *Core) DialDirect(now Instant, to netip.AddrPort, peer PeerID) (*Channel, error) {
	return e.dial(now, to, peer, nil, true)
}

// DialKey is Dial, or DialDirect, of a peer whose key is known, as schemes need it that hide identities.
func (e *Core) DialKey(now Instant, to netip.AddrPort, key *PublicKey, directly bool) (*Channel, error) {
	return e.dial(now, to, key.ID(), key, directly)
}

// checkSchemes refuses lists that would show what they are to hide, and keys that cannot be called.
func (e *Core) checkSchemes(key *PublicKey, directly bool) error {
	list := e.cfg.Schemes
	if directly {
		list = []string{e.cfg.DirectScheme}
	}
	hiding := 0
	for _, s := range list {
		if Hides(s) {
			hiding++
		}
	}
	if hiding == 0 {
		if e.cfg.Hidden && !directly {
			return ErrShows
		}
		return nil
	}
	if hiding < len(list) && e.cfg.Hidden {
		return ErrShows
	}
	_, err := montgomeryOf(key)
	return err
}

func (e *Core) dial(now Instant, to netip.AddrPort, peer PeerID, key *PublicKey, directly bool) (*Channel, error) {
	if err := e.checkSchemes(key, directly); err != nil {
		return nil, err
	}
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
	if key != nil {
		c.called = key
	}
	switch {
	case c.handshake != nil || c.negotiation != nil || len(c.unproven) > 0:
	case directly:
		a := e.directAgreement()
		c.agree(a)
		c.start(now, e.makePlace(to), a)
	default:
		c.negotiate(now, e.makePlace(to), now+handshakeLife)
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
