package p2pke

import (
	"bytes"
	"io"

	"psec"
)

// The schemes that are spoken here.
const (
	SchemeP2PKE  = "p2pke-1"
	SchemeXX     = "noise-xx-1"
	SchemeSecret = "secret-handshake-1"
)

// schemeKind tells which handshake belongs to a scheme. A name that is none of the others stands for p2pke-1: what it is called has
// no influence but on what is agreed on.
type schemeKind uint8

const (
	kindP2PKE schemeKind = iota
	kindXX
	kindSecret
	kindCount
)

func kindOf(scheme string) schemeKind {
	switch scheme {
	case SchemeXX:
		return kindXX
	case SchemeSecret:
		return kindSecret
	}
	return kindP2PKE
}

// Hides tells whether a scheme hides identities.
func Hides(scheme string) bool { return kindOf(scheme) == kindSecret }

// Known tells whether a scheme is spoken here.
func Known(scheme string) bool { return scheme == SchemeP2PKE || kindOf(scheme) != kindP2PKE }

// First words of the messages of the schemes, in their order.
var words = [kindCount][3]uint32{
	kindP2PKE:  {wordInitHello, wordRespHello, wordInitDone},
	kindXX:     {4, direction | 5, 6},
	kindSecret: {8, direction | 9, 10},
}

// messageOf tells which message of which scheme a first word begins. known is false for counters that no scheme has; ok is
// false for the wrong direction.
func messageOf(word uint32) (k schemeKind, step int, known, ok bool) {
	for i := range words {
		k = schemeKind(i)
		for step, w := range words[k] {
			if word&^direction == w&^direction {
				return k, step, true, word == w
			}
		}
	}
	return 0, 0, false, false
}

// directAgreement is what direct mode follows. That of p2pke-1 has no transcript, for the reference has none.
func (e *Core) directAgreement() Agreement {
	a := Agreement{Case: CaseDirect, Scheme: e.cfg.DirectScheme}
	if kindOf(a.Scheme) != kindP2PKE {
		t := psec.Direct(a.Scheme)
		a.Transcript = t[:]
	}
	return a
}

// caller is a handshake of ours that waits for an answer.
type caller interface {
	first() []byte
	// read leaves the handshake as it was, so that further answers may be taken. accept decides about an identity that the
	// answer proves, before the finish is made.
	read(answer []byte, accept func(*PublicKey) error) (*answered, error)
	erase()
}

func (e *Core) newCaller(a Agreement, c *Channel, rng io.Reader) (caller, error) {
	switch kindOf(a.Scheme) {
	case kindXX:
		size := xxLongFirst
		if key := c.callable(); key != nil && key.Ed25519() != nil {
			size = xxFirst
		}
		return newXXCaller(e.id, a.Transcript, size, rng)
	case kindSecret:
		return newSecretCaller(e.secret, c.callable(), a.Transcript, rng)
	}
	return newInitiator(e.id, a.Transcript, e.cfg.Wall(), rng)
}

// callable returns the key of the peer as far as it is known: proven, or named by who dials.
func (c *Channel) callable() *PublicKey {
	if c.key != nil {
		return c.key
	}
	return c.called
}

// schemesFor returns what is proposed to a peer: a scheme that calls a key is no use where the key is unknown.
func (e *Core) schemesFor(c *Channel) (list []string) {
	for _, s := range e.cfg.Schemes {
		if Hides(s) {
			if _, err := montgomeryOf(c.callable()); err != nil {
				continue
			}
		}
		list = append(list, s)
	}
	return list
}

// served is what a first message or a finish can be served under: a proposal, a channel that is rekeyed, or direct mode.
type served struct {
	agreement Agreement
	proposal  *proposal
	channel   *Channel
}

// servedAt returns all that a handshake of a scheme may belong to at an address.
func (e *Core) servedAt(p *place, k schemeKind) (list []served) {
	if p != nil {
		for _, r := range p.proposals {
			if r.leads && kindOf(r.scheme) == k {
				list = append(list, served{r.agreement, r, nil})
			}
		}
		seen := map[*Channel]bool{}
		for _, sessions := range p.sessions {
			for _, s := range sessions {
				c := s.channel
				if s.usable && !seen[c] && c.agreement.Case != CaseDirect && c.agreement.Transcript != nil && kindOf(c.agreement.Scheme) == k {
					seen[c] = true
					list = append(list, served{c.agreement, nil, c})
				}
			}
		}
	}
	if e.cfg.Direct && kindOf(e.cfg.DirectScheme) == k {
		list = append(list, served{agreement: e.directAgreement()})
	}
	return list
}

// servedUnder returns what a tag names. inside is the proposal that the first message came in, and then the only one that counts.
func (e *Core) servedUnder(p *place, k schemeKind, tag []byte, inside *proposal) (served, error) {
	for _, x := range e.servedAt(p, k) {
		if bytes.HasPrefix(x.agreement.Transcript, tag) && (inside == nil || x.proposal == inside) {
			return x, nil
		}
	}
	return served{}, UnknownTranscript
}

// receiveFirst takes the first message that came inside a proposal, of the proposal's scheme.
func (e *Core) receiveFirst(now Instant, r *proposal, datagram []byte) error {
	switch kindOf(r.scheme) {
	case kindXX:
		return e.receiveXXFirst(now, r.place.addr, datagram, r)
	case kindSecret:
		return e.receiveCall(now, r.place.addr, datagram, r)
	}
	return e.receiveInitHello(now, r.place.addr, datagram, r)
}
