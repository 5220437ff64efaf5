package p2pke

// Drop is the reason for which a datagram was dropped: spec/sessions.md#drop-reasons.
type Drop uint8

const (
	TooShort Drop = iota + 1
	TooLong
	Malformed
	UnsupportedKey
	UnexpectedHandshake
	ReservedCounter
	Replayed
	TooOld
	NotAuthentic
	BadSignature
	LowOrderKey
	KeyMismatch
	OwnKey
	WrongIdentity
	AddressHeldByAnother
	Refused
	UnknownAddress
	NoDirectScheme
	NoHandshake
	UnknownTranscript
	Reflected
	NoProposal
	NotOffered
	NegotiationOver
	RetriesExhausted
	AddressProposalsFull
	PrefixProposalsFull
	ProposalsFull
	PrefixHandshakesFull
	HandshakesFull
	PrefixRate
	EarlyDataFull
	SessionEnded
	ChannelClosed
	EndpointClosing
	dropCount
)

var dropNames = [dropCount]string{
	"", "TooShort", "TooLong", "Malformed", "UnsupportedKey", "UnexpectedHandshake", "ReservedCounter", "Replayed", "TooOld",
	"NotAuthentic", "BadSignature", "LowOrderKey", "KeyMismatch", "OwnKey", "WrongIdentity", "AddressHeldByAnother", "Refused",
	"UnknownAddress", "NoDirectScheme", "NoHandshake", "UnknownTranscript", "Reflected", "NoProposal", "NotOffered",
	"NegotiationOver", "RetriesExhausted", "AddressProposalsFull", "PrefixProposalsFull", "ProposalsFull",
	"PrefixHandshakesFull", "HandshakesFull", "PrefixRate", "EarlyDataFull",
	"SessionEnded", "ChannelClosed", "EndpointClosing",
}

func (d Drop) String() string { return dropNames[d] }
func (d Drop) Error() string  { return dropNames[d] }
