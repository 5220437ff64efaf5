package p2pke

import (
	"bytes"
	"errors"
	"io"
	"net/netip"
	"time"
)

// Config says how a Core behaves. Identity is required.
type Config struct {
	Identity *Identity
	// Allow is asked once for each channel that another peer brings about. nil allows everybody.
	Allow func(*PublicKey) bool
	// Schemes are offered and served by negotiation, in order of preference: p2pke-1 if empty. Any name that no other scheme
	// has stands for p2pke-1.
	Schemes []string
	// Direct lets the endpoint serve handshakes without negotiation, of DirectScheme: p2pke-1 if empty.
	Direct       bool
	DirectScheme string
	// Hidden keeps the identity out of proposals. All Schemes must hide it then.
	Hidden bool
	// NetworkKey is what all members of a network have, for secret-handshake-1. nil is none.
	NetworkKey []byte
	// NoFirstPacket keeps the first packet out of proposals.
	NoFirstPacket bool
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
	Kind    EventKind
	Channel *Channel
	Session SessionInfo // Connected, SessionUp
	Reason  Reason      // Closed
}

// SessionInfo is what both ends of a session can compare.
type SessionInfo struct {
	Agreement
	Initiated bool           // by us
	Binding   [hashSize]byte // the handshake's hash
}

// Agreement tells how the two sides came to a scheme.
type Agreement struct {
	Case       Case
	Transcript []byte // nil in direct mode of p2pke-1
	Scheme     string
}

// Case is how an agreement came about.
type Case string

const (
	CaseDirect       Case = "direct"
	CaseStandard     Case = "standard"
	CaseSimultaneous Case = "simultaneous"
)

func (a *Agreement) is(tag []byte) bool {
	return a.Transcript != nil && bytes.HasPrefix(a.Transcript, tag)
}

// Hash returns the handshake's hash in the length that it has.
func (s *SessionInfo) Hash() []byte {
	if kindOf(s.Scheme) == kindP2PKE {
		return s.Binding[:]
	}
	return s.Binding[:hash32Size]
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
	ReasonRejected      Reason = "Rejected"
	ReasonNoScheme      Reason = "NoCommonScheme"
)

// Errors of calls.
var (
	ErrEmpty     = errors.New("p2pke: an empty datagram cannot be sent")
	ErrTooLarge  = errors.New("p2pke: TooLarge")
	ErrQueueFull = errors.New("p2pke: QueueFull")
	ErrClosed    = errors.New("p2pke: the channel is closed")
	ErrOwnKey    = errors.New("p2pke: OwnKey")
	ErrShows     = errors.New("p2pke: a hidden proposal lists only schemes that hide identities")
	ErrRefused   = errors.New("p2pke: too many identities at this address")
)

// Stats counts each datagram received once.
type Stats struct {
	Delivered, Control, Handshakes, Cached uint64
	Drops                                  [dropCount]uint64
}

// Dropped returns how often a datagram was dropped for this reason.
func (s *Stats) Dropped(d Drop) uint64 { return s.Drops[d] }
