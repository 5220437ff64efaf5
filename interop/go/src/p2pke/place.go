package p2pke

import (
	"encoding/binary"
	"net/netip"
)

// place is what is known at one remote address.
type place struct {
	addr       netip.AddrPort
	sessions   [2][]*Session // of the peer, ours; the last successful one first
	handshakes []*handshake
	pending    []*pending // oldest first
	refused    []*refusal
	early      [][]byte
	earlyBytes int
	channels   []*Channel // whose address this is

	own       *negotiation   // whose proposal is outstanding
	waiting   []*negotiation // the others, in the order of their calls
	proposals []*proposal    // of the other side, oldest first
	progress  Instant        // last first packet under one of them
	over      []over         // that a win was under, oldest first
	counted   [shares]counted
	rate      rate // of proposals, while a session or an own proposal is here

	received, sent int // bytes that count while the address is not validated
	validated      bool
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
	return len(p.sessions[0]) == 0 && len(p.sessions[1]) == 0 && len(p.handshakes) == 0 && len(p.pending) == 0 &&
		len(p.refused) == 0 && len(p.channels) == 0 && p.own == nil && len(p.waiting) == 0 && len(p.proposals) == 0
}

// state tells whether anything here may authenticate a datagram, or waits for a frame.
func (p *place) state() bool {
	return p != nil && (len(p.sessions[0])+len(p.sessions[1])+len(p.handshakes)+len(p.pending)+len(p.proposals) > 0 || p.own != nil)
}

// reply sends an answer to what came. An address that we did not dial, and that did not prove that it receives, gets no more
// bytes than came from it. A cookie that is served is a proof.
func (e *Core) reply(p *place, b []byte) {
	if !p.validated && p.counted[byCookie].n == 0 && p.own == nil && len(p.handshakes) == 0 {
		if p.sent+len(b) > p.received {
			return
		}
		p.sent += len(b)
	}
	e.send(p, b)
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

// lives tells whether there is a session here, confirmed or not.
func (p *place) lives() bool {
	for _, list := range p.sessions {
		for _, s := range list {
			if !s.draining && s.channel.state == channelOpen && (s.usable || !s.initiated) {
				return true
			}
		}
	}
	return false
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
