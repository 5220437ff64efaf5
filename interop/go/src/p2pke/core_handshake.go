package p2pke

import (
	"bytes"
	"crypto/sha256"
	"net/netip"
)

// receiveInitHello takes a first message. inside is the proposal that it came in, and then the only one that it can be
// served under.
func (e *Core) receiveInitHello(now Instant, from netip.AddrPort, datagram []byte, inside *proposal) error {
	if err := checkLength(datagram, minInitHello); err != nil {
		return err
	}
	e.expirePending(now)
	hash := sha256.Sum256(datagram)
	p := e.placeAt(from)
	var held *Channel
	if p != nil {
		if inside == nil {
			p.received += len(datagram)
		}
		for _, w := range p.pending {
			if w.helloHash == hash {
				e.answer(p, w)
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
	m, bad := parseInitHello(datagram)
	w := &pending{agreement: direct, helloHash: hash, at: now, seq: e.nextSeq()}
	var rekeyed *Channel
	var unknown error
	if bad == nil {
		w.proposal, rekeyed, unknown = e.agreementOf(p, m, inside, &w.agreement)
	}
	accept := func(key *PublicKey) error {
		switch {
		case held != nil && held.peer != key.ID():
			return AddressHeldByAnother
		case rekeyed != nil && rekeyed.peer != key.ID():
			return WrongIdentity
		case !w.proposal.claims(key):
			return KeyMismatch
		}
		return nil
	}
	var oldest *pending
	if p != nil && len(p.pending) >= handshakesPerAddress {
		oldest = p.pending[0]
	}
	if held == nil {
		kind := byAnybody
		if w.proposal != nil {
			kind = w.proposal.share.kind
		}
		var err error
		if w.share, err = e.admit(now, from.Addr(), kind, oldest); err != nil {
			return err
		}
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
	if p == nil {
		p = e.makePlace(from)
		p.received = len(datagram)
	}
	if oldest != nil {
		e.endPending(oldest)
	}
	w.responder, w.place = *r, p
	e.addPending(w)
	if w.proposal != nil {
		w.proposal.drew = true
		p.progress = now
		for _, n := range p.waiting {
			n.channel.arm(now)
		}
	}
	e.answer(p, w)
	return nil
}

// agreementOf finds what a first message is served under.
func (e *Core) agreementOf(p *place, m *initHello, inside *proposal, to *Agreement) (*proposal, *Channel, error) {
	if m.transcript == nil {
		if !e.cfg.Direct || inside != nil {
			return nil, nil, NoDirectScheme
		}
		return nil, nil, nil
	}
	a, r, c := e.hypothesis(p, m.transcript)
	if a == nil || inside != nil && r != inside {
		return nil, nil, UnknownTranscript
	}
	*to = *a
	return r, c, nil
}

// answer sends a RespHello. The direct scheme has its own rule for addresses that are not validated.
func (e *Core) answer(p *place, w *pending) {
	if w.agreement.Case == CaseDirect {
		e.send(p, w.hello)
	} else {
		e.reply(p, w.hello)
	}
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
	for _, h := range p.handshakes {
		if n := h.negotiation; n != nil && n.full() || n == nil && h.session != nil {
			continue
		}
		c := h.channel
		answer, err := h.in.readRespHello(datagram, func(key *PublicKey) error {
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
		firstData: never, retireAt: never, doneNext: never, confirmed: true, agreement: w.agreement, binding: w.h2,
	}
	c.heard, c.lastHeard = true, now
	s.init(&w.agreed, false)
	p.sessions[theirs] = append(p.sessions[theirs], s)
	s.doneReply = s.sealNext(nil, nil)
	s.sent = true
	e.send(p, s.doneReply)
	c.use(now, s)
	e.endPendingKeepEarly(w)
	e.openEarly(now, s)
	if w.proposal != nil {
		e.won(now, p, s, w.proposal)
	}
	c.flush(now)
	c.run(now)
	return nil
}

// Dial returns a channel to a peer. Unless the peer was heard of lately, it negotiates a session.
func (e *Core) Dial(now Instant, to netip.AddrPort, peer PeerID) (*Channel, error) {
	return e.dial(now, to, peer, false)
}

// DialDirect is Dial without negotiation.
func (e *Core) DialDirect(now Instant, to netip.AddrPort, peer PeerID) (*Channel, error) {
	return e.dial(now, to, peer, true)
}

func (e *Core) dial(now Instant, to netip.AddrPort, peer PeerID, directly bool) (*Channel, error) {
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
	switch {
	case c.handshake != nil || c.negotiation != nil:
	case directly:
		c.agree(direct)
		c.start(now, e.makePlace(to), direct)
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
