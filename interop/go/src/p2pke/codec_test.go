package p2pke

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/hex"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/flynn/noise"
)

// The library's handshake state and the symmetric state here must agree.
func TestNoiseAgreesWithTheLibrary(t *testing.T) {
	eI, eR := bytes.Repeat([]byte{1}, 32), bytes.Repeat([]byte{2}, 32)
	i, err := noise.NewHandshakeState(noise.Config{CipherSuite: suite, Pattern: noise.HandshakeNN, Initiator: true, Random: bytes.NewReader(eI)})
	if err != nil {
		t.Fatal(err)
	}
	id := seedIdentity(t, bytes.Repeat([]byte{3}, 32))
	in, err := newInitiator(id, nil, time.Unix(5, 0), bytes.NewReader(eI))
	if err != nil {
		t.Fatal(err)
	}
	m1, _, _, err := i.WriteMessage(nil, in.hello[minInitHello:])
	if err != nil {
		t.Fatal(err)
	}
	want(t, "message 1", in.hello[headerSize:], m1)
	want(t, "h1", in.state.h[:], i.ChannelBinding())

	other := seedIdentity(t, bytes.Repeat([]byte{4}, 32))
	r, err := readInitHello(other, other.Public(), nil, in.hello, acceptAll, bytes.NewReader(eR))
	if err != nil {
		t.Fatal(err)
	}
	_, toR, toI, err := i.ReadMessage(nil, r.hello[headerSize:])
	if err != nil {
		t.Fatal(err)
	}
	want(t, "h2", r.h2[:], i.ChannelBinding())
	var p packets
	p.init(&r.agreed, false)
	data := p.sealAt(nil, 16, []byte("x"))
	x, err := toI.Cipher().Decrypt(nil, 16, data[:4], data[4:])
	if err != nil || string(x) != "x" {
		t.Error("key R to I")
	}
	data = append([]byte{0, 0, 0, 17}, toR.Cipher().Encrypt(nil, 17, []byte{0, 0, 0, 17}, []byte("y"))...)
	if x, drop := p.open(nil, data); drop != 0 || string(x) != "y" {
		t.Error("key I to R")
	}
}

// spec/p2pke.md#resp-hello-unauthentic
func TestRespHelloLeavesNoTrace(t *testing.T) {
	a, b := seedIdentity(t, bytes.Repeat([]byte{3}, 32)), seedIdentity(t, bytes.Repeat([]byte{4}, 32))
	in, _ := newInitiator(a, nil, time.Unix(5, 0), rand.Reader)
	r, err := readInitHello(b, nil, nil, in.hello, acceptAll, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	before := *in
	for i := range r.hello {
		bad := append([]byte(nil), r.hello...)
		bad[i] ^= 0x40
		if _, err := in.readRespHello(bad, acceptAll); err == nil && i >= headerSize {
			t.Fatalf("byte %d does not matter", i)
		}
		if i < headerSize {
			*in = before // the header is no part of the transcript: the receiver looked at it before
			in.hello = before.hello
		}
	}
	if _, err := in.readRespHello(r.hello, acceptAll); err != nil {
		t.Error(err)
	}
}

func fromHex(t *testing.T, s string) []byte {
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// spec/p2pke.md#payload-parsing, #payload-malformed
func TestProtobuf(t *testing.T) {
	good := map[string]string{
		"empty":                          "",
		"unknown varint":                 "20 01",
		"unknown varint of ten bytes":    "20 ffffffffffffffffff01",
		"varint that is not minimal":     "20 8000",
		"length that is not minimal":     "12 8100 aa",
		"unknown fixed64":                "21 0102030405060708",
		"unknown fixed32":                "25 01020304",
		"unknown bytes":                  "22 01 ff",
		"known number, other wire type":  "08 05 10 05 18 05",
		"largest field number":           "faffffff0f 00",
		"several suites":                 "0a 01 41 0a 00",
		"suite beyond ASCII":             "0a 02 c3a9",
		"unknown bytes are not UTF-8":    "22 02 fffe",
		"field 15 of another length":     "7a 03 010203",
		"field 15 of another wire type":  "78 01",
		"claim with unknown field":       "1a 02 1801",
		"claim whose field is a varint":  "1a 02 0801",
		"empty claim":                    "1a 00",
		"claim in two parts":             "1a 03 0a01aa 1a 03 1201bb",
		"timestamp twice, the last wins": "12 01 aa 12 01 bb",
	}
	bad := map[string]string{
		"field number 0":                    "02 00",
		"field number 2^29":                 "8280808010 00",
		"tag beyond 64 bits":                "8a808080808080808002 00",
		"group":                             "23 24",
		"end of group":                      "24",
		"wire type 6":                       "26",
		"wire type 7":                       "27",
		"varint of eleven bytes":            "20 ffffffffffffffffffff01",
		"varint beyond 64 bits":             "20 ffffffffffffffffff02",
		"truncated tag":                     "80",
		"truncated varint":                  "20 80",
		"truncated fixed64":                 "21 01020304050607",
		"truncated fixed32":                 "25 010203",
		"length beyond the end":             "22 02 ff",
		"length near 2^64":                  "22 ffffffffffffffffff01",
		"truncated length":                  "22 80",
		"suite that is not UTF-8":           "0a 02 c328",
		"suite with a surrogate":            "0a 03 eda080",
		"suite with an overlong form":       "0a 02 c080",
		"first of two suites is not UTF-8":  "0a 01 ff 0a 01 41",
		"malformed claim":                   "1a 01 0a",
		"malformed claim before a good one": "1a 01 0a 1a 00",
	}
	for name, s := range good {
		if _, err := decodeInitHello(fromHex(t, s)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, s := range bad {
		if _, err := decodeInitHello(fromHex(t, s)); err != Malformed {
			t.Errorf("%s: %v", name, err)
		}
	}
	p, _ := decodeInitHello(fromHex(t, "1a 03 0a01aa 12 01 11 1a 03 1201bb 12 01 22 7a 08 0102030405060708"))
	if p.claim == nil || !bytes.Equal(p.claim.key, []byte{0xaa}) || !bytes.Equal(p.claim.sig, []byte{0xbb}) {
		t.Error("a repeated claim is not merged")
	}
	if !bytes.Equal(p.timestamp, []byte{0x22}) || len(p.transcript) != 8 {
		t.Error("timestamp or transcript tag")
	}
}

// spec/p2pke.md#psec-tag, #psec-prologue
func TestTranscriptTag(t *testing.T) {
	a, b := seedIdentity(t, bytes.Repeat([]byte{3}, 32)), seedIdentity(t, bytes.Repeat([]byte{4}, 32))
	transcript := bytes.Repeat([]byte{9, 8, 7, 6, 5, 4, 3, 2}, 4)
	in, err := newInitiator(a, transcript, time.Unix(5, 0), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	m, err := parseInitHello(in.hello)
	if err != nil || len(in.hello) != 200 {
		t.Fatalf("%d bytes, %v", len(in.hello), err)
	}
	want(t, "tag", m.transcript, transcript[:8])
	r, err := m.answer(b, b.Public(), transcript, acceptAll, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := in.readRespHello(r.hello, acceptAll); err != nil || len(r.hello) != 192 {
		t.Errorf("%d bytes, %v", len(r.hello), err)
	}
	transcript[31] ^= 1
	if r, err = m.answer(b, b.Public(), transcript, acceptAll, rand.Reader); err != nil {
		t.Fatal(err)
	}
	if _, err := in.readRespHello(r.hello, acceptAll); err != NotAuthentic {
		t.Errorf("one bit of the prologue: %v", err)
	}
	in, _ = newInitiator(a, nil, time.Unix(5, 0), rand.Reader)
	for tail, tagged := range map[string]bool{"7a 08 0102030405060708": true, "7a 07 01020304050607": false, "78 01": false} {
		m, err := parseInitHello(append(append([]byte(nil), in.hello...), fromHex(t, tail)...))
		if err != nil || (m.transcript != nil) != tagged {
			t.Errorf("%s: %v", tail, err)
		}
	}
}

// spec/p2pke.md#key-types
func TestKeyTypes(t *testing.T) {
	der := func(key interface{}) []byte {
		b, err := x509.MarshalPKIXPublicKey(key)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	p256, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	p384, _ := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	rsaKey := func(bits, e int) []byte {
		n := new(big.Int).SetBit(big.NewInt(1), bits-1, 1)
		return der(&rsa.PublicKey{N: n, E: e})
	}
	ed := der(ed25519.PublicKey(bytes.Repeat([]byte{9}, 32)))
	ec := der(&p256.PublicKey)
	compressed := append(fromHex(t, "3039301306072a8648ce3d020106082a8648ce3d030107032200"), elliptic.MarshalCompressed(elliptic.P256(), p256.X, p256.Y)...)
	offCurve := append([]byte(nil), ec...)
	offCurve[len(offCurve)-1] ^= 1
	rsa2048 := rsaKey(2048, 65537)
	noNull := bytes.Replace(rsa2048, fromHex(t, "300d06092a864886f70d0101010500"), fromHex(t, "300b06092a864886f70d010101"), 1)
	noNull[3] -= 2 // the length of all, whose low byte is the fourth
	for name, c := range map[string]struct {
		der  []byte
		good bool
	}{
		"Ed25519": {ed, true}, "P-256": {ec, true}, "RSA 2048": {rsa2048, true}, "RSA 4096": {rsaKey(4096, 3), true},
		"RSA e=2^31-1": {rsaKey(2048, 1<<31-1), true},
		"RSA 2047":     {rsaKey(2047, 65537), false}, "RSA 4097": {rsaKey(4097, 65537), false},
		"RSA e=1": {rsaKey(2048, 1), false}, "RSA e even": {rsaKey(2048, 4), false}, "RSA e=2^31+1": {rsaKey(2048, 1<<31+1), false},
		"P-384": {der(&p384.PublicKey), false}, "compressed point": {compressed, false}, "point off the curve": {offCurve, false},
		"trailing byte": {append(append([]byte(nil), ed...), 0), false}, "Ed25519 of 31 bytes": {ed[:43], false},
		"RSA without NULL": {noNull, false}, "nothing": {nil, false}, "junk": {[]byte("junk"), false},
		"long form of a length": {append([]byte{0x30, 0x81, 0x2a}, ed[2:]...), false},
	} {
		if _, err := ParsePublicKey(c.der); (err == nil) != c.good || err != nil && err != UnsupportedKey {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// spec/p2pke.md#weak-identity. The list of small-order points is checked by arithmetic on the curve.
func TestSmallOrder(t *testing.T) {
	p := new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), 255), big.NewInt(19))
	mod := func(x *big.Int) *big.Int { return x.Mod(x, p) }
	mul := func(a, b *big.Int) *big.Int { return mod(new(big.Int).Mul(a, b)) }
	inv := func(a *big.Int) *big.Int { return new(big.Int).ModInverse(a, p) }
	d := mul(mod(big.NewInt(-121665)), inv(big.NewInt(121666)))
	one := big.NewInt(1)
	double := func(x, y *big.Int) (*big.Int, *big.Int) {
		k := mul(d, mul(mul(x, x), mul(y, y)))
		xy := mul(x, y)
		x3 := mul(mod(new(big.Int).Add(xy, xy)), inv(mod(new(big.Int).Add(one, k))))
		y3 := mul(mod(new(big.Int).Add(mul(y, y), mul(x, x))), inv(mod(new(big.Int).Sub(one, k))))
		return x3, y3
	}
	small := func(e []byte) bool {
		y := make([]byte, 32)
		for i := range e {
			y[31-i] = e[i]
		}
		y[0] &= 0x7f
		Y := mod(new(big.Int).SetBytes(y))
		yy := mul(Y, Y)
		x2 := mul(mod(new(big.Int).Sub(yy, one)), inv(mod(new(big.Int).Add(mul(d, yy), one))))
		X := new(big.Int).ModSqrt(x2, p)
		if X == nil {
			return false
		}
		for i := 0; i < 3; i++ {
			X, Y = double(X, Y)
		}
		return X.Sign() == 0 && Y.Cmp(one) == 0
	}
	for _, y := range smallOrderY {
		for _, sign := range []byte{0, 0x80} {
			e := y
			e[31] |= sign
			if !small(e[:]) || !smallOrder(e[:]) {
				t.Errorf("%x", e)
			}
		}
	}
	// All encodings that are not canonical: y from p to 2^255-1.
	for i := 0; i < 19; i++ {
		e := bytes.Repeat([]byte{0xff}, 32)
		e[0], e[31] = byte(0xed+i), 0x7f
		if small(e) != smallOrder(e) || canonicalPoint(e) {
			t.Errorf("%x", e)
		}
		if e[0]--; i == 0 && !canonicalPoint(e) {
			t.Errorf("%x", e)
		}
	}
	for i := 0; i < 50; i++ {
		_, k, _ := ed25519.GenerateKey(rand.Reader)
		if smallOrder(k[32:]) {
			t.Error("a good key")
		}
	}
	// With a small-order key anybody can make a signature that verifies: S = 0 and R = the identity suits A = the identity.
	identity := append([]byte{1}, make([]byte, 31)...)
	weak, err := Ed25519Key(identity)
	if err != nil {
		t.Fatal(err)
	}
	sig := append(append([]byte(nil), identity...), make([]byte, 32)...)
	digest := prehash(purposeTimestamp, nil)
	if !ed25519.Verify(ed25519.PublicKey(identity), digest[:], sig) {
		t.Error("the library refuses by itself: this test shows nothing")
	}
	if weak.verify(purposeTimestamp, nil, sig) != BadSignature {
		t.Error("a weak key was accepted")
	}
}

// spec/p2pke.md#signature-prehash with all key types, over a whole handshake
func TestHandshakeWithOtherKeys(t *testing.T) {
	p256, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	a, err := NewIdentity(p256)
	if err != nil {
		t.Fatal(err)
	}
	b, err := NewIdentity(rsaKey)
	if err != nil {
		t.Fatal(err)
	}
	for _, pair := range [][2]*Identity{{a, b}, {b, a}} {
		w := newWorld(t, 1)
		x, y := w.host("x", Config{Identity: pair[0]}), w.host("y", Config{Identity: pair[1]})
		c := x.dial(y)
		x.send(c, "hello")
		w.run(time.Second)
		equal(t, "y got", y.got, "[hello]")
	}
}

// spec/sessions.md#key-erasure
func TestKeysAreErased(t *testing.T) {
	var a, zero agreed
	rand.Read(a.toInitiator[:])
	rand.Read(a.toResponder[:])
	var p, q packets
	p.init(&a, true)
	if a != zero {
		t.Error("the copy was not wiped")
	}
	q.init(&zero, true)
	sealer := p.sealer
	p.erase()
	nonce := make([]byte, 12)
	if !bytes.Equal(sealer.Seal(nil, nonce, []byte("x"), nil), q.sealer.Seal(nil, nonce, []byte("x"), nil)) {
		t.Error("the key was not wiped")
	}
}

func TestPEM(t *testing.T) {
	id, err := GenerateIdentity()
	if err != nil {
		t.Fatal(err)
	}
	text, err := id.PEM()
	if err != nil {
		t.Fatal(err)
	}
	back, err := ParsePEM(text)
	if err != nil || back.Public().ID() != id.Public().ID() {
		t.Error(err)
	}
	if _, err := ParsePEM([]byte("junk")); err == nil {
		t.Error("junk is no key")
	}
}
