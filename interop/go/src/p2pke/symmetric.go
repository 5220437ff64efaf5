package p2pke

import (
	"crypto/hmac"
	"encoding/binary"
	"hash"

	"golang.org/x/crypto/chacha20poly1305"
)

// hash32Size is the length of SHA-256 and BLAKE2s, which the other schemes use.
const hash32Size = 32

// symmetric32 is Noise's symmetric state with its cipher state. It is a value, as symmetric is: to try a message and to forget about
// it is to work on a copy.
type symmetric32 struct {
	newHash  func() hash.Hash
	h, ck, k [hash32Size]byte
	keyed    bool
	n        uint64
}

func newSymmetric32(name string, newHash func() hash.Hash, prologue []byte) symmetric32 {
	s := symmetric32{newHash: newHash}
	if len(name) <= hash32Size {
		copy(s.h[:], name)
	} else {
		h := newHash()
		h.Write([]byte(name))
		h.Sum(s.h[:0])
	}
	s.ck = s.h
	s.mixHash(prologue)
	return s
}

func (s *symmetric32) mixHash(data []byte) {
	h := s.newHash()
	h.Write(s.h[:])
	h.Write(data)
	h.Sum(s.h[:0])
}

func (s *symmetric32) hkdf(ikm []byte) (o1, o2 [hash32Size]byte) {
	mac := func(key []byte, parts ...[]byte) (out [hash32Size]byte) {
		m := hmac.New(s.newHash, key)
		for _, p := range parts {
			m.Write(p)
		}
		m.Sum(out[:0])
		return out
	}
	t := mac(s.ck[:], ikm)
	o1 = mac(t[:], []byte{1})
	o2 = mac(t[:], o1[:], []byte{2})
	return o1, o2
}

func (s *symmetric32) mixKey(ikm []byte) {
	s.ck, s.k = s.hkdf(ikm)
	s.keyed, s.n = true, 0
}

// mixDH mixes the result of a DH, which is wiped. It fails with LowOrderKey, having mixed the zeros, so that work can go on that has
// become pointless.
func (s *symmetric32) mixDH(own *ephemeral, remote []byte) error {
	secret, err := own.dh(remote)
	if err != nil {
		secret = make([]byte, keySize)
	}
	s.mixKey(secret)
	wipe(secret)
	return err
}

func (s *symmetric32) nonce() []byte {
	var b [chacha20poly1305.NonceSize]byte
	binary.LittleEndian.PutUint64(b[4:], s.n)
	s.n++
	return b[:]
}

// encrypt appends the payload to dst, encrypted once there is a key.
func (s *symmetric32) encrypt(dst, payload []byte) []byte {
	n := len(dst)
	if s.keyed {
		aead, err := chacha20poly1305.New(s.k[:])
		if err != nil {
			panic(err)
		}
		dst = aead.Seal(dst, s.nonce(), payload, s.h[:])
		wipeAEAD(aead)
	} else {
		dst = append(dst, payload...)
	}
	s.mixHash(dst[n:])
	return dst
}

// decrypt opens what encrypt made with a key.
func (s *symmetric32) decrypt(sealed []byte) ([]byte, error) {
	aead, err := chacha20poly1305.New(s.k[:])
	if err != nil {
		panic(err)
	}
	payload, err := aead.Open(nil, s.nonce(), sealed, s.h[:])
	wipeAEAD(aead)
	s.mixHash(sealed)
	if err != nil {
		return nil, NotAuthentic
	}
	return payload, nil
}

// split returns what both ends hold after the handshake.
func (s *symmetric32) split() (a agreed) {
	a.toResponder, a.toInitiator = s.hkdf(nil)
	copy(a.h2[:], s.h[:])
	return a
}

func (s *symmetric32) erase() {
	wipe(s.ck[:])
	wipe(s.k[:])
}
