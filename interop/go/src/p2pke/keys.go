package p2pke

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"

	"golang.org/x/crypto/sha3"
)

const (
	purposeTimestamp = "p2pke/timestamp"
	purposeBinding   = "p2pke/sig-channel-binding"

	prehashSize = 64

	maxIdentityHash = 42
)

// PeerID is the first 32 bytes of SHAKE256 over the DER key.
type PeerID [32]byte

func (p PeerID) String() string { return base64.RawURLEncoding.EncodeToString(p[:]) }

func peerIDOf(der []byte) (id PeerID) {
	sha3.ShakeSum256(id[:], der)
	return id
}

func prehash(purpose string, data []byte) (out [prehashSize]byte) {
	h := sha3.NewCShake256(nil, []byte(purpose))
	h.Write(data)
	h.Read(out[:])
	return out
}

// PublicKey is a remote key of one of the accepted types.
type PublicKey struct {
	der []byte
	key crypto.PublicKey
}

// DER returns the key as SubjectPublicKeyInfo. Do not change it.
func (k *PublicKey) DER() []byte { return k.der }

// ID returns the P2PKE peer ID.
func (k *PublicKey) ID() PeerID { return peerIDOf(k.der) }

// Ed25519 returns the raw key, or nil if it is of another type.
func (k *PublicKey) Ed25519() []byte {
	if e, ok := k.key.(ed25519.PublicKey); ok {
		return e
	}
	return nil
}

// Multihash returns the libp2p peer ID, as proposals carry it: the key as protobuf, or its hash where that is too long.
func (k *PublicKey) Multihash() []byte {
	encoded := k.libp2p()
	if len(encoded) <= maxIdentityHash {
		return append([]byte{0, byte(len(encoded))}, encoded...)
	}
	hash := sha256.Sum256(encoded)
	return append([]byte{0x12, sha256.Size}, hash[:]...)
}

func (k *PublicKey) equal(der []byte) bool { return bytes.Equal(k.der, der) }

// ParsePublicKey checks type and encoding of a key. A weak Ed25519 key passes here and verifies nothing.
func ParsePublicKey(der []byte) (*PublicKey, error) {
	der = append([]byte(nil), der...) // the parsed key may point into it
	parsed, err := x509.ParsePKIXPublicKey(der)
	if err != nil {
		return nil, UnsupportedKey
	}
	switch key := parsed.(type) {
	case ed25519.PublicKey:
	case *ecdsa.PublicKey:
		if key.Curve != elliptic.P256() {
			return nil, UnsupportedKey
		}
	case *rsa.PublicKey:
		bits := key.N.BitLen()
		if bits < 2048 || bits > 4096 || key.E < 3 || key.E%2 == 0 || key.E > 1<<31-1 {
			return nil, UnsupportedKey
		}
	default:
		return nil, UnsupportedKey
	}
	exact, err := x509.MarshalPKIXPublicKey(parsed)
	if err != nil || !bytes.Equal(exact, der) {
		return nil, UnsupportedKey
	}
	return &PublicKey{exact, parsed}, nil
}

// Ed25519Key makes a public key of 32 raw bytes.
func Ed25519Key(raw []byte) (*PublicKey, error) {
	if len(raw) != ed25519.PublicKeySize {
		return nil, UnsupportedKey
	}
	der, err := x509.MarshalPKIXPublicKey(ed25519.PublicKey(raw))
	if err != nil {
		return nil, err
	}
	return ParsePublicKey(der)
}

// verify checks a signature over the prehash of purpose and data.
func (k *PublicKey) verify(purpose string, data, sig []byte) error {
	digest := prehash(purpose, data)
	good := false
	switch key := k.key.(type) {
	case ed25519.PublicKey:
		good = len(sig) == ed25519.SignatureSize && canonicalPoint(key) && !smallOrder(key) && !smallOrder(sig[:32]) &&
			ed25519.Verify(key, digest[:], sig)
	case *ecdsa.PublicKey:
		good = ecdsa.VerifyASN1(key, digest[:32], sig)
	case *rsa.PublicKey:
		good = rsa.VerifyPKCS1v15(key, 0, digest[:], sig) == nil
	}
	if !good {
		return BadSignature
	}
	return nil
}

// smallOrderY are the y coordinates of the eight points whose order divides 8, little-endian without the sign bit: 0, 1, -1,
// the two of order 8, and the second encodings that 0 and 1 have below 2^255.
var smallOrderY = func() (list [][32]byte) {
	p := new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), 255), big.NewInt(19))
	order8, _ := new(big.Int).SetString("7a03ac9277fdc74ec6cc392cfa53202a0f67100d760b3cba4fd84d3d706a17c7", 16)
	for _, y := range []*big.Int{
		big.NewInt(0), big.NewInt(1), new(big.Int).Sub(p, big.NewInt(1)),
		order8, new(big.Int).Sub(p, order8),
		p, new(big.Int).Add(p, big.NewInt(1)),
	} {
		var e [32]byte
		y.FillBytes(e[:])
		for i, j := 0, 31; i < j; i, j = i+1, j-1 {
			e[i], e[j] = e[j], e[i]
		}
		list = append(list, e)
	}
	return list
}()

// smallOrder tells whether an encoded Ed25519 point has an order that divides 8. Both values of the sign bit count: where
// x is 0, the second one is the non-canonical encoding of the same point.
func smallOrder(point []byte) bool {
	var y [32]byte
	copy(y[:], point)
	y[31] &= 0x7f
	for i := range smallOrderY {
		if y == smallOrderY[i] {
			return true
		}
	}
	return false
}

// canonicalPoint tells whether the y coordinate is below 2^255-19, as RFC 8032 demands and the library does not.
func canonicalPoint(point []byte) bool {
	if point[0] < 0xed || point[31]|0x80 != 0xff {
		return true
	}
	for _, b := range point[1:31] {
		if b != 0xff {
			return true
		}
	}
	return false
}

// Identity is a long-term private key.
type Identity struct {
	private crypto.Signer
	public  PublicKey
}

// NewIdentity wraps an Ed25519, ECDSA P-256 or RSA private key.
func NewIdentity(private crypto.Signer) (*Identity, error) {
	der, err := x509.MarshalPKIXPublicKey(private.Public())
	if err != nil {
		return nil, err
	}
	public, err := ParsePublicKey(der)
	if err != nil {
		return nil, err
	}
	return &Identity{private, *public}, nil
}

// GenerateIdentity makes an Ed25519 identity.
func GenerateIdentity() (*Identity, error) {
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	return NewIdentity(private)
}

// Public returns the public half.
func (id *Identity) Public() *PublicKey { return &id.public }

func (id *Identity) sign(purpose string, data []byte) ([]byte, error) {
	digest := prehash(purpose, data)
	switch key := id.private.(type) {
	case ed25519.PrivateKey:
		return ed25519.Sign(key, digest[:]), nil
	case *ecdsa.PrivateKey:
		return ecdsa.SignASN1(rand.Reader, key, digest[:32])
	case *rsa.PrivateKey:
		return rsa.SignPKCS1v15(rand.Reader, key, 0, digest[:])
	}
	return nil, fmt.Errorf("p2pke: cannot sign with a %T", id.private)
}

func (id *Identity) claim(purpose string, data []byte) (*claim, error) {
	sig, err := id.sign(purpose, data)
	if err != nil {
		return nil, err
	}
	return &claim{id.public.der, sig}, nil
}

// checkClaim makes the checks of a claim that need no signed data, in the order of the specification: present, type, own key. own is nil where a handshake with oneself is wanted, which only vectors do.
func checkClaim(c *claim, own *PublicKey) (*PublicKey, error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	key, err := ParsePublicKey(c.key)
	if err != nil {
		return nil, err
	}
	if own != nil && own.equal(key.der) {
		return nil, OwnKey
	}
	return key, nil
}

// ParsePEM reads an Ed25519 private key in PKCS#8 PEM.
func ParsePEM(text []byte) (*Identity, error) {
	block, _ := pem.Decode(text)
	if block == nil || block.Type != "PRIVATE KEY" {
		return nil, errors.New("not a PKCS#8 PEM private key")
	}
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, err
	}
	private, ok := key.(ed25519.PrivateKey)
	if !ok {
		return nil, errors.New("not an Ed25519 key")
	}
	return NewIdentity(private)
}

// PEM returns the private key in PKCS#8 PEM.
func (id *Identity) PEM() ([]byte, error) {
	der, err := x509.MarshalPKCS8PrivateKey(id.private)
	if err != nil {
		return nil, err
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), nil
}
