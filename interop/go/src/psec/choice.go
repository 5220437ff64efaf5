package psec

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
)

// TranscriptSize is the length of T, TagSize that of its part that a first packet carries in clear.
const (
	TranscriptSize = sha256.Size
	TagSize        = 8
)

// Transcript is T.
type Transcript [TranscriptSize]byte

// Tag is what a first packet carries of T.
type Tag [TagSize]byte

// Tag returns the first bytes of T.
func (t *Transcript) Tag() (tag Tag) {
	copy(tag[:], t[:])
	return tag
}

func transcript(begin string, parts ...[]byte) (t Transcript) {
	h := sha256.New()
	h.Write([]byte(begin))
	for _, p := range parts {
		var size [2]byte
		binary.BigEndian.PutUint16(size[:], uint16(len(p)))
		h.Write(size[:])
		h.Write(p)
	}
	h.Sum(t[:0])
	return t
}

// Standard is T where the other side accepted a scheme of a proposal.
func Standard(normalForm []byte, scheme string) Transcript {
	return transcript("psec/1\x00", normalForm, []byte(scheme))
}

// Simultaneous is T where both proposed.
func Simultaneous(leader, other []byte, scheme string) Transcript {
	return transcript("psec/1\x01", leader, other, []byte(scheme))
}

// Direct is T of a scheme without negotiation.
func Direct(scheme string) Transcript { return transcript("psec-direct/1", []byte(scheme)) }

// Compare compares peer IDs as unsigned big-endian numbers. The smaller one leads.
func Compare(a, b []byte) int {
	a, b = bytes.TrimLeft(a, "\x00"), bytes.TrimLeft(b, "\x00")
	if len(a) != len(b) {
		return len(a) - len(b)
	}
	return bytes.Compare(a, b)
}

// Choose returns the scheme of a simultaneous open, or "" if the lists have none in common.
func Choose(leader, other []string) (best string) {
	theirs := index(other)
	least := 0
	for i, s := range schemes(leader) {
		// In the leader's order the first of several with the same sum is the one that it prefers, and the first of repeated
		// strings the one that counts.
		if j, common := theirs[s]; common && (best == "" || i+j < least) {
			best, least = s, i+j
		}
	}
	return best
}

// index says where each scheme stands first.
func index(list []string) map[string]int {
	at := map[string]int{}
	for i, s := range schemes(list) {
		if _, there := at[s]; !there {
			at[s] = i
		}
	}
	return at
}
