package p2pke

import (
	"net/netip"
	"time"

	"psec"
)

// The bounds of spec/psec.md.
const (
	proposalsPerAddress = 4
	addressesPerPrefix  = 256
	addressesInAll      = 1024
	proposalsPerSecond  = 8
	proposalLife        = 10 * time.Second
	overFor             = time.Minute
	overKept            = 16
)

// proposal is one of the other side. It is accepted, or it met an own proposal and lives as long as that.
type proposal struct {
	place     *place
	digest    psec.Digest
	id        []byte
	peer      PeerID // that the ID names
	names     bool
	at        Instant // first copy
	accepted  bool
	scheme    string
	agreement Agreement
	leads     bool // they are the initiator
	first     bool // the scheme is the one that a first packet inside belongs to
	drew      bool // a first packet came under it
	share     share
	gone      bool
}

// over is the digest of a proposal that a win was under.
type over struct {
	digest psec.Digest
	until  Instant
}

// mayBe tells whether a proposal may be one of this peer's.
func (r *proposal) mayBe(peer PeerID) bool { return !r.names || r.peer == peer }

// claims tells whether a key is the one that the proposal names. One that names none goes with every key.
func (r *proposal) claims(key *PublicKey) bool {
	return r == nil || !r.names || string(key.Multihash()) == string(r.id)
}

// serves tells whether a proposal of this peer is accepted here.
func (p *place) serves(peer PeerID) bool {
	for _, r := range p.proposals {
		if r.accepted && r.mayBe(peer) {
			return true
		}
	}
	return false
}

func (p *place) remember(now Instant, r *proposal) {
	if len(p.over) == overKept {
		p.over = append(p.over[:0:0], p.over[1:]...)
	}
	p.over = append(p.over, over{r.digest, now + overFor})
}

func (p *place) isOver(now Instant, d psec.Digest) bool {
	if !p.lives() {
		p.over = nil
	}
	for _, o := range p.over {
		if o.digest == d && now < o.until {
			return true
		}
	}
	return false
}

// --- frames ---

// receiveFrame takes a datagram that nothing at its address authenticated. It returns false if that is no frame.
func (e *Core) receiveFrame(now Instant, from netip.AddrPort, p *place, datagram []byte) bool {
	var err error
	if psec.LooksLikeProposal(datagram) {
		parsed := psec.ParseProposal(datagram)
		switch {
		case parsed == nil && p.state():
			return false
		case parsed == nil:
			err = Malformed
		case len(datagram) > psec.MaxProposal:
			err = TooLong
		default:
			err = e.receiveProposal(now, from, parsed, len(datagram))
		}
	} else if scheme := psec.ParseAccept(datagram); scheme != "" || psec.IsReject(datagram) {
		switch {
		case p == nil || p.own == nil:
			err = NoProposal
		case scheme != "":
			err = p.own.accept(now, scheme)
		default:
			if !e.cfg.Hidden {
				p.own.reject(now)
			}
		}
	} else {
		return false
	}
	e.count(err)
	return true
}

func (e *Core) receiveProposal(now Instant, from netip.AddrPort, parsed *psec.Proposal, size int) error {
	p := e.placeAt(from)
	if psec.Compare(parsed.ID, e.peerID) == 0 || p != nil && p.own != nil && psec.Compare(parsed.ID, p.own.own.ID) == 0 {
		return Reflected
	}
	normal := parsed.NormalForm()
	digest := psec.DigestOf(normal)
	if p != nil {
		if p.isOver(now, digest) {
			return NegotiationOver
		}
		e.expireProposals(now)
		for _, r := range p.proposals {
			if r.digest == digest {
				p.received += size
				return e.copied(now, r, parsed, size)
			}
		}
	}
	if e.closing {
		return EndpointClosing
	}
	r := &proposal{digest: digest, id: append([]byte(nil), parsed.ID...), at: now}
	r.peer, r.names = named(r.id)
	if p != nil && p.own != nil {
		return e.meet(now, p, r, parsed, normal)
	}
	return e.acceptProposal(now, from, r, parsed, normal, size)
}

// named returns the identity that an ID names. Hashes name nobody, as long as no key comes that has them.
func named(id []byte) (peer PeerID, names bool) {
	const head = "\x00\x24\x08\x01\x12\x20" // identity; protobuf: Ed25519, 32 bytes
	if id[0] != 0 {
		return peer, false
	}
	if len(id) > len(head) && string(id[:len(head)]) == head {
		if key, err := Ed25519Key(id[len(head):]); err == nil {
			return key.ID(), true
		}
	}
	return peer, true // no key that is accepted here
}

// meet makes the simultaneous hypothesis of a proposal and the own one.
func (e *Core) meet(now Instant, p *place, r *proposal, parsed *psec.Proposal, normal []byte) error {
	n := p.own
	if !p.rate.take(now, proposalsPerSecond) {
		return PrefixRate
	}
	lead, other := &n.own, parsed
	leadNormal, otherNormal := n.normal, normal
	if r.leads = psec.Compare(parsed.ID, n.own.ID) < 0; r.leads {
		lead, other, leadNormal, otherNormal = other, lead, otherNormal, leadNormal
	}
	if r.scheme = psec.Choose(lead.Strings, other.Strings); r.scheme == "" {
		n.noScheme = true
		return nil
	}
	if !e.makeRoom(p) {
		return AddressProposalsFull
	}
	t := psec.Simultaneous(leadNormal, otherNormal, r.scheme)
	r.agreement = Agreement{CaseSimultaneous, t[:], r.scheme}
	r.place = p
	p.proposals = append(p.proposals, r)
	return n.lead(now, r, false)
}

// acceptProposal answers a new proposal where none of ours is outstanding.
func (e *Core) acceptProposal(now Instant, from netip.AddrPort, r *proposal, parsed *psec.Proposal, normal []byte, size int) error {
	offered := parsed.Schemes()
	for _, s := range offered {
		if r.scheme == "" && contains(e.cfg.Schemes, s) {
			r.scheme = s
		}
	}
	if r.scheme == "" {
		if !e.hides() {
			e.Out = append(e.Out, Datagram{from, psec.Reject()})
		}
		return nil
	}
	r.first = r.scheme == offered[0]
	p := e.placeAt(from)
	if p != nil && p.liveChannel() != nil {
		if !p.rate.take(now, proposalsPerSecond) {
			return PrefixRate
		}
	} else if err := e.admitProposal(now, from, r, parsed, size); err == errRetry {
		return nil
	} else if err != nil {
		return err
	}
	p = e.makePlace(from)
	if !e.makeRoom(p) {
		return AddressProposalsFull
	}
	t := psec.Standard(normal, r.scheme)
	r.agreement = Agreement{CaseStandard, t[:], r.scheme}
	r.accepted, r.leads, r.place = true, true, p
	p.count(r.share, +1)
	p.proposals = append(p.proposals, r)
	e.accepted = append(e.accepted, r)
	e.arm(now + proposalLife)
	p.received += size
	e.answerProposal(now, r, parsed)
	return nil
}

// answerProposal sends the accept, and serves the first packet inside.
func (e *Core) answerProposal(now Instant, r *proposal, parsed *psec.Proposal) {
	e.reply(r.place, psec.Accept(r.scheme))
	if parsed.First != nil && r.first {
		// What is wrong with it is no matter of the proposal, which is what is counted.
		e.receiveFirst(now, r, parsed.First)
	}
}

// copied answers a copy: spec/psec.md#copy.
func (e *Core) copied(now Instant, r *proposal, parsed *psec.Proposal, size int) error {
	if r.accepted {
		if err := e.admitAgain(now, r, parsed, size); err == errRetry {
			return nil
		} else if err != nil {
			return err
		}
		e.answerProposal(now, r, parsed)
		return errCached
	}
	if err := r.place.own.lead(now, r, true); err != nil {
		return err
	}
	return errCached
}

// makeRoom makes a fifth proposal take the place of the oldest that drew no first packet.
func (e *Core) makeRoom(p *place) bool {
	if len(p.proposals) < proposalsPerAddress {
		return true
	}
	for _, r := range p.proposals {
		if !r.drew {
			e.forgetProposal(r)
			return true
		}
	}
	return false
}

// forgetProposal ends the hypothesis of a proposal. Pending handshakes under it live on.
func (e *Core) forgetProposal(r *proposal) {
	if r.gone {
		return
	}
	r.gone = true
	p := r.place
	for i := range p.proposals {
		if p.proposals[i] == r {
			p.proposals = append(p.proposals[:i:i], p.proposals[i+1:]...)
			break
		}
	}
	if r.accepted {
		p.count(r.share, -1)
	}
	if n := p.own; n != nil && n.simultaneous != nil && n.simultaneous.remote == r {
		n.supersede(n.simultaneous)
		n.simultaneous = nil
	}
	e.tidy(p)
}

// expireProposals forgets accepted proposals that are too old.
func (e *Core) expireProposals(now Instant) {
	for len(e.accepted) > 0 && (e.accepted[0].gone || now-e.accepted[0].at >= proposalLife) {
		r := e.accepted[0]
		e.accepted[0] = nil
		e.accepted = e.accepted[1:]
		e.forgetProposal(r)
	}
	if len(e.accepted) > 0 {
		e.arm(e.accepted[0].at + proposalLife)
	}
}

// hypothesis finds under what a tagged first packet is served: a proposal at its address, or a channel with a session there
// that is rekeyed.
func (e *Core) hypothesis(p *place, tag []byte) (*Agreement, *proposal, *Channel) {
	if p == nil {
		return nil, nil, nil
	}
	for _, r := range p.proposals {
		if r.leads && r.agreement.is(tag) {
			return &r.agreement, r, nil
		}
	}
	var key psec.Tag
	copy(key[:], tag)
	if c := e.tags[key]; c != nil {
		for _, s := range c.sessions {
			if s.place == p && s.agreement.is(tag) {
				return &c.agreement, nil, c
			}
		}
	}
	return nil, nil, nil
}
