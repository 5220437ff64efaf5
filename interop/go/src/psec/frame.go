// Package psec holds what spec/psec.md says about bytes: frames, normal forms, transcripts, choices and cookies. It knows
// neither addresses nor time; the negotiation itself is in package p2pke, beside the channels that it is for.
package psec

import (
	"crypto/sha256"
	"strings"
	"unicode/utf8"
)

const (
	typeProposal = 0x00
	typeAccept   = 0x01
	typeReject   = 0xff

	// MaxProposal is how many bytes a proposal has at most.
	MaxProposal = 2048

	reserved = "psec-"
	// Attempt begins the string that makes the proposals of different attempts different.
	Attempt = "psec-attempt-1:"
	// Retry tells that the proposer takes retries; with a colon and a cookie it is what a retry carries.
	Retry       = "psec-retry-1"
	retryPrefix = Retry + ":"

	maxVarint       = 9
	maxIdentity     = 42
	multihashSHA256 = 0x12
)

// Digest is the SHA-256 of a normal form. Proposals with the same digest are copies of one another.
type Digest [sha256.Size]byte

// Proposal is the frame that begins an attempt.
type Proposal struct {
	ID      []byte // multihash
	Strings []string
	First   []byte // the first packet inside, or nil
}

// LooksLikeProposal tells whether a datagram begins as a proposal does. Whether it is one, ParseProposal tells.
func LooksLikeProposal(b []byte) bool { return len(b) >= 2 && b[0] == typeProposal && b[1] >= 2 }

// ParseProposal returns nil unless all of b is a proposal. What it returns shares memory with b.
func ParseProposal(b []byte) *Proposal {
	if !LooksLikeProposal(b) {
		return nil
	}
	id, rest := field(b[1:])
	if !multihash(id) || len(rest) == 0 || rest[0] == 0 {
		return nil
	}
	p := &Proposal{ID: id, Strings: make([]string, 0, rest[0])}
	n := int(rest[0])
	rest = rest[1:]
	for i := 0; i < n; i++ {
		var s []byte
		if s, rest = field(rest); s == nil || !utf8.Valid(s) {
			return nil
		}
		p.Strings = append(p.Strings, string(s))
	}
	if len(rest) > 0 {
		if p.First, rest = field(rest); p.First == nil || len(rest) > 0 {
			return nil
		}
	}
	return p
}

// field returns what a length and as many bytes hold, and what follows; nil if it is not there, or is empty.
func field(b []byte) (value, rest []byte) {
	var size uint64
	for i := 0; i < len(b) && i < maxVarint; i++ {
		size |= uint64(b[i]&0x7f) << (7 * i)
		if b[i] >= 0x80 {
			continue
		}
		if i > 0 && b[i] == 0 { // not minimal
			return nil, nil
		}
		b = b[i+1:]
		if size == 0 || size > uint64(len(b)) {
			return nil, nil
		}
		return b[:size:size], b[size:]
	}
	return nil, nil
}

// multihash tells whether a peer ID is one of the two kinds that there are.
func multihash(id []byte) bool {
	if len(id) < 2 || int(id[1]) != len(id)-2 {
		return false
	}
	switch id[0] {
	case 0:
		return id[1] >= 1 && id[1] <= maxIdentity
	case multihashSHA256:
		return id[1] == sha256.Size
	}
	return false
}

func appendField(b []byte, value string) []byte {
	n := len(value)
	for ; n >= 0x80; n >>= 7 {
		b = append(b, byte(n)|0x80)
	}
	return append(append(b, byte(n)), value...)
}

func encode(id []byte, list []string) []byte {
	b := append(appendField([]byte{typeProposal}, string(id)), byte(len(list)))
	for _, s := range list {
		b = appendField(b, s)
	}
	return b
}

// Encode returns the frame.
func (p *Proposal) Encode() []byte {
	b := encode(p.ID, p.Strings)
	if p.First != nil {
		b = appendField(b, string(p.First))
	}
	return b
}

// NormalForm is what makes a proposal: neither retry strings nor the first packet.
func (p *Proposal) NormalForm() []byte {
	var kept []string
	for _, s := range p.Strings {
		if s != Retry && !strings.HasPrefix(s, retryPrefix) {
			kept = append(kept, s)
		}
	}
	return encode(p.ID, kept)
}

// DigestOf returns the digest of a normal form.
func DigestOf(normalForm []byte) Digest { return sha256.Sum256(normalForm) }

// Schemes returns the strings that name schemes.
func (p *Proposal) Schemes() []string { return schemes(p.Strings) }

func schemes(list []string) (out []string) {
	for _, s := range list {
		if !strings.HasPrefix(s, reserved) {
			out = append(out, s)
		}
	}
	return out
}

// Retries tells whether the proposer takes retries, and which cookie it has ("" for none).
func (p *Proposal) Retries() (takes bool, cookie string) {
	for _, s := range p.Strings {
		if s == Retry {
			takes = true
		} else if cookie == "" && strings.HasPrefix(s, retryPrefix) {
			cookie = s
		}
	}
	return takes, cookie
}

// WithCookie returns the list of an own proposal with a cookie at its end, where psec-retry-1 stands.
func WithCookie(list []string, cookie string) []string {
	return append(list[:len(list):len(list)], cookie)
}

// IsRetry tells whether the string of an accept is a retry.
func IsRetry(s string) bool { return strings.HasPrefix(s, retryPrefix) }

// IsScheme tells whether a string can be chosen.
func IsScheme(s string) bool { return !strings.HasPrefix(s, reserved) }

// Accept returns the frame that chooses a scheme, or carries a retry.
func Accept(scheme string) []byte { return appendField([]byte{typeAccept}, scheme) }

// ParseAccept returns "" unless all of b is an accept.
func ParseAccept(b []byte) string {
	if len(b) < 2 || b[0] != typeAccept {
		return ""
	}
	s, rest := field(b[1:])
	if len(rest) > 0 || !utf8.Valid(s) {
		return ""
	}
	return string(s)
}

// Reject returns the frame that says that no scheme is served.
func Reject() []byte { return []byte{typeReject} }

// IsReject tells whether all of b is a reject.
func IsReject(b []byte) bool { return len(b) == 1 && b[0] == typeReject }
