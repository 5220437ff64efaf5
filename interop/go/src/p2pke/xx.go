package p2pke

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"fmt"
	"io"
	"net/netip"

	"psec"
)

// The scheme noise-xx-1: spec/noise-xx.md.
const (
	xxName      = "Noise_XX_25519_ChaChaPoly_SHA256"
	xxPrefix    = "noise-libp2p-static-key:"
	xxFirst     = 512
	xxLongFirst = 1200
	xxMinAnswer = headerSize + keySize + keySize + 2*tagSize
	xxMinFinish = headerSize + keySize + 2*tagSize
)

// --- claims ---

// The key types of libp2p.
const (
	libp2pRSA     = 0
	libp2pEd25519 = 1
	libp2pECDSA   = 3
)

// libp2p returns the key as libp2p encodes it.
func (k *PublicKey) libp2p() []byte {
	kind, data := byte(libp2pRSA), k.der
	switch key := k.key.(type) {
	case ed25519.PublicKey:
		kind, data = libp2pEd25519, key
	case *ecdsa.PublicKey:
		kind = libp2pECDSA
	}
	return appendBytes([]byte{1 << 3, kind}, 2, data)
}

// parseLibp2p takes the canonical encoding of a key only.
func parseLibp2p(b []byte) (*PublicKey, error) {
	var data []byte
	if err := fields(b, func(number uint64, value []byte) error {
		if number == 2 {
			data = value
		}
		return nil
	}); err != nil {
		return nil, UnsupportedKey
	}
	parse := ParsePublicKey
	if len(b) > 1 && b[1] == libp2pEd25519 {
		parse = Ed25519Key
	}
	key, err := parse(data)
	if err != nil || !bytes.Equal(key.libp2p(), b) {
		return nil, UnsupportedKey
	}
	return key, nil
}

func signedStatic(static []byte) []byte { return append([]byte(xxPrefix), static...) }

// signStatic makes the claim that binds a static key to the identity.
func (id *Identity) signStatic(static []byte) ([]byte, error) {
	message := signedStatic(static)
	hash := sha256.Sum256(message)
	var sig []byte
	var err error
	switch key := id.private.(type) {
	case ed25519.PrivateKey:
		sig = ed25519.Sign(key, message)
	case *ecdsa.PrivateKey:
		sig, err = ecdsa.SignASN1(rand.Reader, key, hash[:])
	case *rsa.PrivateKey:
		sig, err = rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, hash[:])
	default:
		err = fmt.Errorf("p2pke: cannot sign with a %T", id.private)
	}
	return (&claim{id.public.libp2p(), sig}).encode(), err
}

// checkStatic reads a claim and checks it against the static key that it came with.
func checkStatic(payload, static []byte, own *PublicKey) (*PublicKey, error) {
	var none *claim
	c, err := none.merge(payload)
	if err == nil {
		err = c.check()
	}
	if err != nil {
		return nil, err
	}
	key, err := parseLibp2p(c.key)
	if err != nil {
		return nil, err
	}
	if own != nil && own.equal(key.der) {
		return nil, OwnKey
	}
	message := signedStatic(static)
	hash := sha256.Sum256(message)
	good := false
	switch k := key.key.(type) {
	case ed25519.PublicKey:
		good = len(c.sig) == ed25519.SignatureSize && canonicalPoint(k) && !smallOrder(k) && !smallOrder(c.sig[:32]) && ed25519.Verify(k, message, c.sig)
	case *ecdsa.PublicKey:
		good = ecdsa.VerifyASN1(k, hash[:], c.sig)
	case *rsa.PublicKey:
		good = rsa.VerifyPKCS1v15(k, crypto.SHA256, hash[:], c.sig) == nil
	}
	if !good {
		return nil, BadSignature
	}
	return key, nil
}

// xxStatic is the static key of a handshake: the one of the identity where there is one, else a fresh one.
func xxStatic(id *Identity, rng io.Reader) (ephemeral, error) {
	if _, ok := id.private.(ed25519.PrivateKey); ok {
		return id.static()
	}
	return newEphemeral(rng)
}

// --- messages ---

type xxCaller struct {
	id     *Identity
	own    *PublicKey // nil: the remote key may be ours
	s, e   ephemeral
	state  symmetric32 // after message 1
	hello  []byte
	finish []byte // of the latest answer
}

func newXXCaller(id *Identity, transcript []byte, size int, rng io.Reader) (*xxCaller, error) {
	s, err := xxStatic(id, rng)
	if err != nil {
		return nil, err
	}
	e, err := newEphemeral(rng)
	if err != nil {
		return nil, err
	}
	return xxCall(id, s, e, transcript, size), nil
}

func xxCall(id *Identity, s, e ephemeral, transcript []byte, size int) *xxCaller {
	x := &xxCaller{id: id, own: id.Public(), s: s, e: e, state: newSymmetric32(xxName, sha256.New, transcript)}
	payload := make([]byte, size-headerSize-keySize)
	copy(payload, transcript[:psec.TagSize])
	x.state.mixHash(e.public[:])
	x.hello = x.state.encrypt(append(header(words[kindXX][0]), e.public[:]...), payload)
	return x
}

func (x *xxCaller) first() []byte { return x.hello }

func (x *xxCaller) erase() {
	x.e.erase()
	x.s.erase()
}

func (x *xxCaller) read(datagram []byte, accept func(*PublicKey) error) (*answered, error) {
	if err := checkLength(datagram, xxMinAnswer); err != nil {
		return nil, err
	}
	state := x.state
	defer state.erase()
	b := datagram[headerSize:]
	remote, sealedStatic, sealed := b[:keySize], b[keySize:2*keySize+tagSize], b[2*keySize+tagSize:]
	state.mixHash(remote)
	if state.mixDH(&x.e, remote) != nil {
		return nil, NotAuthentic
	}
	static, err := state.decrypt(sealedStatic)
	if err != nil || state.mixDH(&x.e, static) != nil {
		return nil, NotAuthentic
	}
	payload, err := state.decrypt(sealed)
	if err != nil {
		return nil, err
	}
	key, err := checkStatic(payload, static, x.own)
	if err != nil {
		return nil, err
	}
	if err := accept(key); err != nil {
		return nil, err
	}
	own, err := x.id.signStatic(x.s.public[:])
	if err != nil {
		return nil, err
	}
	finish := state.encrypt(header(words[kindXX][2]), x.s.public[:])
	if err := state.mixDH(&x.s, remote); err != nil {
		return nil, err
	}
	finish = state.encrypt(finish, own)
	return &answered{agreed: state.split(), remote: key, initDone: finish}, nil
}

// xxResponder is what a responder holds until message 3.
type xxResponder struct {
	own    *PublicKey
	e      ephemeral
	state  symmetric32 // after message 2
	static []byte      // of the initiator
}

func xxAnswer(id *Identity, s, e ephemeral, transcript, first []byte) (*responder, error) {
	x := &xxResponder{own: id.Public(), e: e, state: newSymmetric32(xxName, sha256.New, transcript)}
	remote := first[headerSize : headerSize+keySize]
	x.state.mixHash(remote)
	x.state.mixHash(first[headerSize+keySize:])
	x.state.mixHash(e.public[:])
	if err := x.state.mixDH(&e, remote); err != nil {
		return nil, err
	}
	out := append(header(words[kindXX][1]), e.public[:]...)
	out = x.state.encrypt(out, s.public[:])
	if err := x.state.mixDH(&s, remote); err != nil {
		return nil, err
	}
	own, err := id.signStatic(s.public[:])
	if err != nil {
		return nil, err
	}
	return &responder{hello: x.state.encrypt(out, own), xx: x}, nil
}

// open reads message 3; what it yields is the claim.
func (x *xxResponder) open(datagram []byte, to *agreed) ([]byte, error) {
	if err := checkLength(datagram, xxMinFinish); err != nil {
		return nil, err
	}
	state := x.state
	defer state.erase()
	sealedStatic, sealed := datagram[headerSize:headerSize+keySize+tagSize], datagram[headerSize+keySize+tagSize:]
	static, err := state.decrypt(sealedStatic)
	if err != nil || state.mixDH(&x.e, static) != nil {
		return nil, NotAuthentic
	}
	payload, err := state.decrypt(sealed)
	if err != nil {
		return nil, err
	}
	x.static = static
	*to = state.split()
	return payload, nil
}

func (x *xxResponder) erase() {
	x.e.erase()
	x.state.erase()
}

// receiveXXFirst takes message 1. What it shares with receiveInitHello is in receiveHello; a claim comes with message 3 only.
func (e *Core) receiveXXFirst(now Instant, from netip.AddrPort, datagram []byte, inside *proposal) error {
	if err := checkLength(datagram, xxFirst); err != nil {
		return err
	}
	if inside != nil && !bytes.HasPrefix(datagram, header(words[kindXX][0])) {
		return Malformed
	}
	h, err := e.receiveHello(now, from, datagram, inside)
	if err != nil {
		return err
	}
	tag := datagram[headerSize+keySize : headerSize+keySize+psec.TagSize]
	under, unknown := e.servedUnder(h.place, kindXX, tag, inside)
	h.w.agreement, h.w.proposal, h.w.rekeyed = under.agreement, under.proposal, under.channel
	if err := e.admitHello(now, from, h); err != nil {
		return err
	}
	if unknown != nil {
		return unknown
	}
	if h.held != nil && !h.held.work.take(now, workPerChannelPerSecond) {
		return PrefixRate
	}
	s, err := xxStatic(e.id, e.cfg.Random)
	if err != nil {
		return err
	}
	defer s.erase()
	eph, err := newEphemeral(e.cfg.Random)
	if err != nil {
		return err
	}
	r, err := xxAnswer(e.id, s, eph, h.w.agreement.Transcript, datagram)
	if err != nil {
		return err
	}
	e.hold(now, from, h, r, len(datagram))
	return nil
}
