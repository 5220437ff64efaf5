package p2pke

import (
	"crypto/hmac"
	"io"

	"github.com/flynn/noise"
)

// suite is the one cipher suite of the scheme. The library's HandshakeState is not used: it hands out neither the keys of
// Split nor a way back from a RespHello that proved bad. What it hashes, the symmetric state below hashes too; a test runs both.
var suite = noise.NewCipherSuite(noise.DH25519, noise.CipherChaChaPoly, noise.HashBLAKE2b)

const noiseName = "Noise_NN_25519_ChaChaPoly_BLAKE2b"

const (
	hashSize = 64
	keySize  = 32
	tagSize  = 16
)

// symmetric is Noise's symmetric state without its key. It is a value: to try a message and to forget about it is to
// work on a copy.
type symmetric struct {
	h, ck [hashSize]byte
}

func newSymmetric(prologue []byte) (s symmetric) {
	copy(s.h[:], noiseName)
	s.ck = s.h
	s.mixHash(prologue)
	return s
}

func (s *symmetric) mixHash(data []byte) {
	h := suite.Hash()
	h.Write(s.h[:])
	h.Write(data)
	h.Sum(s.h[:0])
}

func (s *symmetric) mixKey(ikm []byte) (k [keySize]byte) {
	o1, o2 := noiseHKDF(s.ck[:], ikm)
	s.ck = o1
	copy(k[:], o2[:])
	return k
}

func (s *symmetric) split() (k1, k2 [keySize]byte) {
	o1, o2 := noiseHKDF(s.ck[:], nil)
	copy(k1[:], o1[:])
	copy(k2[:], o2[:])
	return k1, k2
}

func noiseHKDF(ck, ikm []byte) (o1, o2 [hashSize]byte) {
	mac := func(key []byte, parts ...[]byte) (out [hashSize]byte) {
		m := hmac.New(suite.Hash, key)
		for _, p := range parts {
			m.Write(p)
		}
		m.Sum(out[:0])
		return out
	}
	t := mac(ck, ikm)
	o1 = mac(t[:], []byte{1})
	o2 = mac(t[:], o1[:], []byte{2})
	return o1, o2
}

// ephemeral is an X25519 key pair.
type ephemeral struct {
	private, public [keySize]byte
}

func newEphemeral(rng io.Reader) (e ephemeral, err error) {
	k, err := suite.GenerateKeypair(rng)
	if err != nil {
		return e, err
	}
	copy(e.private[:], k.Private)
	copy(e.public[:], k.Public)
	wipe(k.Private)
	return e, nil
}

// dh fails with LowOrderKey when the result is all zero.
func (e *ephemeral) dh(remote []byte) ([]byte, error) {
	s, err := suite.DH(e.private[:], remote)
	if err != nil {
		return nil, LowOrderKey
	}
	return s, nil
}

func (e *ephemeral) erase() { wipe(e.private[:]) }

func wipe(b []byte) {
	for i := range b {
		b[i] = 0
	}
}
