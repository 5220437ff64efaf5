package p2pke

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha512"
	"errors"
	"math/big"

	"golang.org/x/crypto/curve25519"
)

// The field of Curve25519 and the constant of its Edwards form, -121665/121666.
var (
	fieldP   = new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), 255), big.NewInt(19))
	edwardsD = func() *big.Int {
		d := new(big.Int).ModInverse(big.NewInt(121666), fieldP)
		d.Mul(d, big.NewInt(-121665))
		return d.Mod(d, fieldP)
	}()
)

var errNotCallable = errors.New("p2pke: the peer ID does not hold an Ed25519 key that can be called")

func littleEndian(b []byte) *big.Int {
	r := make([]byte, len(b))
	for i := range b {
		r[len(b)-1-i] = b[i]
	}
	return new(big.Int).SetBytes(r)
}

// onCurve tells whether there is a point with this y coordinate: whether x^2 = (y^2-1)/(d y^2+1) has a solution.
func onCurve(y *big.Int) bool {
	yy := new(big.Int).Mul(y, y)
	below := new(big.Int).Mul(edwardsD, yy)
	below.Add(below, big.NewInt(1)).ModInverse(below.Mod(below, fieldP), fieldP)
	xx := yy.Sub(yy, big.NewInt(1))
	xx.Mul(xx, below).Mod(xx, fieldP)
	return big.Jacobi(xx, fieldP) >= 0
}

// montgomery returns the X25519 form of an Ed25519 key, u = (1+y)/(1-y). It fails for what is not canonical, no point, or of
// small order.
func montgomery(key []byte) (u [keySize]byte, err error) {
	if len(key) != keySize || !canonicalPoint(key) || smallOrder(key) {
		return u, errNotCallable
	}
	e := append([]byte(nil), key...)
	e[31] &= 0x7f
	y := littleEndian(e)
	if !onCurve(y) {
		return u, errNotCallable
	}
	one := big.NewInt(1)
	below := new(big.Int).Sub(one, y)
	below.ModInverse(below.Mod(below, fieldP), fieldP)
	n := below.Mul(below, y.Add(y, one))
	n.Mod(n, fieldP).FillBytes(u[:])
	for i, j := 0, len(u)-1; i < j; i, j = i+1, j-1 {
		u[i], u[j] = u[j], u[i]
	}
	return u, nil
}

func montgomeryOf(key *PublicKey) (u [keySize]byte, err error) {
	if key == nil || key.Ed25519() == nil {
		return u, errNotCallable
	}
	return montgomery(key.Ed25519())
}

// static returns the X25519 pair of an Ed25519 identity, as RFC 8032 derives its scalar from the seed.
func (id *Identity) static() (pair ephemeral, err error) {
	private, ok := id.private.(ed25519.PrivateKey)
	if !ok {
		return pair, errNotCallable
	}
	hash := sha512.Sum512(private.Seed())
	copy(pair.private[:], hash[:keySize])
	wipe(hash[:])
	pair.private[0] &= 248
	pair.private[31] = pair.private[31]&127 | 64
	return pair, pair.derive()
}

func (e *ephemeral) derive() error {
	public, err := curve25519.X25519(e.private[:], curve25519.Basepoint)
	copy(e.public[:], public)
	return err
}

// lowOrderU are the u coordinates of small order below 2^255, of which two have a second encoding.
var lowOrderU = func() (list [][]byte) {
	order8, _ := new(big.Int).SetString("00b8495f16056286fdb1329ceb8d09da6ac49ff1fae35616aeb8413b7c7aebe0", 16)
	other8, _ := new(big.Int).SetString("57119fd0dd4e22d8868e1c58c45c44045bef839c55b1d0b1248c50a3bc959c5f", 16)
	for _, u := range []*big.Int{
		big.NewInt(0), big.NewInt(1), order8, other8, new(big.Int).Sub(fieldP, big.NewInt(1)), fieldP, new(big.Int).Add(fieldP, big.NewInt(1)),
	} {
		b := make([]byte, keySize)
		u.FillBytes(b)
		for i, j := 0, len(b)-1; i < j; i, j = i+1, j-1 {
			b[i], b[j] = b[j], b[i]
		}
		list = append(list, b)
	}
	return list
}()

// lowOrder tells whether every DH with this X25519 key is all zero.
func lowOrder(public []byte) bool {
	u := append([]byte(nil), public...)
	u[31] &= 0x7f
	for _, low := range lowOrderU {
		if bytes.Equal(u, low) {
			return true
		}
	}
	return false
}
