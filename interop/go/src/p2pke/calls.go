package p2pke

import (
	"bytes"
	"crypto/sha256"
	"io"
	"net/netip"

	"psec"
)

// receiveCall answers message 1 of secret-handshake-1, and keeps nothing.
func (e *Core) receiveCall(now Instant, from netip.AddrPort, datagram []byte, inside *proposal) error {
	if inside != nil && !bytes.HasPrefix(datagram, header(words[kindSecret][0])) {
		return Malformed
	}
	if len(datagram) < headerSize+keySize+psec.TagSize {
		return TooShort
	}
	p := e.placeAt(from)
	under, err := e.servedUnder(p, kindSecret, datagram[headerSize+keySize:][:psec.TagSize], inside)
	if err != nil {
		return err
	}
	remote, err := e.secret.parseCall(datagram)
	switch {
	case err != nil:
		return err
	case lowOrder(remote):
		return LowOrderKey
	case e.closing:
		return EndpointClosing
	}
	if p != nil && inside == nil {
		p.received += len(datagram)
	}
	if err := e.admitCall(now, from, p, under.proposal); err != nil {
		return err
	}
	k, err := e.minutes.key(now)
	if err != nil {
		return err
	}
	e.arm(e.minutes.tick(now))
	var nonce [cookieNonce]byte
	if _, err := io.ReadFull(e.cfg.Random, nonce[:]); err != nil {
		return err
	}
	to := bound(remote, from, under.agreement.Transcript, e.secret.digest)
	eph, err := k.ephemeral(nonce[:], to)
	if err != nil {
		return err
	}
	answer := e.secret.answer(remote, &eph, k.cookie(k.timeOf(now), nonce[:], to))
	eph.erase()
	if r := under.proposal; r != nil {
		r.drew = true
		p.progressed(now)
	}
	if p == nil || under.agreement.Case == CaseDirect {
		e.Out = append(e.Out, Datagram{from, answer}) // as long as what it answers
	} else {
		e.reply(p, answer)
	}
	return nil
}

// admitCall counts the work that a message asks for.
func (e *Core) admitCall(now Instant, from netip.AddrPort, p *place, r *proposal) error {
	if p != nil {
		if held := p.liveChannel(); held != nil {
			if !held.work.take(now, workPerChannelPerSecond) {
				return PrefixRate
			}
			return nil
		}
	}
	kind := byAnybody
	if r != nil {
		kind = r.share.kind
	}
	if !e.prefix(now, from.Addr()).rates[kind].take(now, workPerPrefixPerSecond) {
		return PrefixRate
	}
	return nil
}

// receiveCallFinish takes message 3.
func (e *Core) receiveCallFinish(now Instant, from netip.AddrPort, datagram []byte) error {
	f, err := parseFinish(datagram)
	if err != nil {
		return err
	}
	if lowOrder(f.remote) {
		return LowOrderKey
	}
	p := e.placeAt(from)
	hash := sha256.Sum256(datagram)
	if p != nil {
		if known, err := e.repeated(now, p, hash); known {
			return err
		}
	}
	var under served
	var k *minute
	var at Instant
	var to []byte
	for _, x := range e.servedAt(p, kindSecret) {
		to = bound(f.remote, from, x.agreement.Transcript, e.secret.digest)
		if k, at = e.minutes.check(now, f.cookie, to); k != nil {
			under = x
			break
		}
	}
	if k == nil {
		return NoHandshake
	}
	nonce := f.nonce()
	if k.accepted[nonce] {
		return NoHandshake
	}
	if k.asked[nonce] {
		return Refused
	}
	if err := e.admitCall(now, from, p, under.proposal); err != nil {
		return err
	}
	eph, err := k.ephemeral(nonce[:], to)
	if err != nil {
		return err
	}
	r, err := e.secret.open(&f, &eph, under.agreement.Transcript)
	eph.erase()
	if err != nil {
		return err
	}
	if len(k.accepted) >= noncesKept {
		return HandshakesFull
	}
	k.ask(nonce)
	if p == nil {
		p = e.makePlace(from)
	}
	w := &pending{
		responder: *r, agreement: under.agreement, proposal: under.proposal, rekeyed: under.channel, at: at, seq: e.nextSeq(), place: p,
	}
	if err := w.accepts(); err != nil {
		e.tidy(p)
		return err
	}
	err = e.establish(now, p, w, hash, func() { k.accepted[nonce] = true })
	e.tidy(p)
	return err
}

// --- sessions that are not confirmed to their responder ---

// prove has a session wait for the first transport packet of its initiator, and repeat empty packets until then.
func (c *Channel) prove(now Instant, s *Session) {
	c.unproven = append(c.unproven, s)
	s.doneNext, s.doneUntil = now+c.core.jitter(resendNext), s.born+handshakeLife
	c.arm(s.doneNext)
}

// runUnproven returns false if the channel ended, because nothing came of the only thing that it was for.
func (c *Channel) runUnproven(now Instant, due func(Instant) bool) bool {
	before := len(c.unproven)
	for _, s := range append([]*Session(nil), c.unproven...) {
		if due(s.doneUntil) || due(s.born+c.core.times.receive+1) {
			c.unproven = without(c.unproven, s)
			s.release()
		} else if due(s.doneNext) {
			s.sendEmpty(now)
			s.doneNext = now + c.core.jitter(resendNext)
			c.arm(s.doneNext)
		}
	}
	if before == 0 || len(c.unproven)+len(c.sessions) > 0 || c.handshake != nil || c.negotiation != nil {
		return true
	}
	switch {
	case c.dialing:
		c.gaveUp(now, ReasonTimeout)
	case !c.everOpen:
		c.end(ReasonTimeout)
	}
	return c.state == channelOpen
}
