package p2pke

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"hash"
	"io"

	"golang.org/x/crypto/blake2s"

	"psec"
)

// The bytes of the scheme secret-handshake-1: spec/secret-handshake.md.
const (
	secretName   = "Noise_XKH_25519_ChaChaPoly_BLAKE2s"
	secretCall   = 80
	secretAnswer = 80
	secretFinish = 200
	secretMAC    = 16
	cookieTime   = 4
	cookieNonce  = 16
	cookieSize   = cookieTime + cookieNonce + secretMAC
	claimedSize  = keySize + 32
	networkSize  = 32
)

func newBlake2s() hash.Hash {
	h, err := blake2s.New256(nil)
	if err != nil {
		panic(err)
	}
	return h
}

// secrets are what an endpoint has for all its handshakes.
type secrets struct {
	static  ephemeral
	key     *PublicKey
	network []byte            // or nil
	digest  [sha256.Size]byte // of the network key, or zero
}

func newSecrets(id *Identity, network []byte) (*secrets, error) {
	static, err := id.static()
	if err != nil {
		return nil, err
	}
	x := &secrets{static: static, key: id.Public(), network: network}
	if network != nil {
		x.digest = sha256.Sum256(network)
	}
	return x, nil
}

// state is the Noise state before message 1, in a handshake with the responder that has this key.
func (x *secrets) state(transcript []byte, responder *PublicKey, responderStatic []byte) symmetric32 {
	prologue := append(append([]byte(nil), transcript...), x.digest[:]...)
	s := newSymmetric32(secretName, newBlake2s, append(prologue, responder.Ed25519()...))
	s.mixHash(responderStatic)
	return s
}

func mac16(key []byte, parts ...[]byte) []byte {
	m := hmac.New(sha256.New, key)
	for _, p := range parts {
		m.Write(p)
	}
	return m.Sum(nil)[:secretMAC]
}

// mark ends a message with its MAC, if the endpoint has a network key.
func (x *secrets) mark(message, more []byte) []byte {
	if x.network == nil {
		return message
	}
	return append(message, mac16(x.network, message, more)...)
}

// trim checks the exact length of a message and returns it without its MAC.
func (x *secrets) trim(message []byte, size int) (body []byte, err error) {
	full := size
	if x.network != nil {
		full += secretMAC
	}
	switch {
	case len(message) < full:
		return nil, TooShort
	case len(message) > full:
		return nil, TooLong
	}
	return message[:size], nil
}

// marked checks the MAC of a message that trim took.
func (x *secrets) marked(message, body, more []byte) bool {
	return x.network == nil || hmac.Equal(message[len(body):], mac16(x.network, body, more))
}

// --- initiator ---

type secretCaller struct {
	*secrets
	e       ephemeral
	remote  *PublicKey
	remoteU [keySize]byte
	state   symmetric32 // after message 1
	hello   []byte
	taken   [][]byte // e_R of the answers accepted
}

func newSecretCaller(x *secrets, remote *PublicKey, transcript []byte, rng io.Reader) (*secretCaller, error) {
	e, err := newEphemeral(rng)
	if err != nil {
		return nil, err
	}
	return secretCallWith(x, remote, transcript, e)
}

func secretCallWith(x *secrets, remote *PublicKey, transcript []byte, e ephemeral) (*secretCaller, error) {
	u, err := montgomeryOf(remote)
	if err != nil {
		return nil, err
	}
	c := &secretCaller{secrets: x, e: e, remote: remote, remoteU: u, state: x.state(transcript, remote, u[:])}
	c.state.mixHash(e.public[:])
	c.state.mixHash(transcript[:psec.TagSize])
	message := make([]byte, secretCall)
	n := copy(message, header(words[kindSecret][0]))
	n += copy(message[n:], e.public[:])
	copy(message[n:], transcript[:psec.TagSize])
	c.hello = x.mark(message, nil)
	return c, nil
}

func (c *secretCaller) first() []byte { return c.hello }

func (c *secretCaller) erase() { c.e.erase() }

// read makes message 3. Nothing proves that message 2 is the responder's, so accept is not asked.
func (c *secretCaller) read(datagram []byte, _ func(*PublicKey) error) (*answered, error) {
	body, err := c.trim(datagram, secretAnswer)
	if err != nil {
		return nil, err
	}
	const tag = 8
	named, b := body[headerSize:headerSize+tag], body[headerSize+tag:]
	remote, cookie := b[:keySize], b[keySize:]
	switch {
	case !bytes.Equal(named, c.e.public[:tag]):
		return nil, NoHandshake
	case !c.marked(datagram, body, c.e.public[:]):
		return nil, NotAuthentic
	case lowOrder(remote):
		return nil, LowOrderKey
	}
	for _, known := range c.taken {
		if bytes.Equal(known, remote) {
			return nil, NoHandshake
		}
	}
	state := c.state
	defer state.erase()
	state.mixHash(remote)
	state.mixHash(nil)
	if err := state.mixDH(&c.e, remote); err != nil {
		return nil, err
	}
	if err := state.mixDH(&c.e, c.remoteU[:]); err != nil {
		return nil, err
	}
	out := append(append(header(words[kindSecret][2]), cookie...), c.e.public[:]...)
	out = state.encrypt(out, c.static.public[:])
	if err := state.mixDH(&c.static, remote); err != nil {
		return nil, err
	}
	payload := make([]byte, claimedSize)
	copy(payload, c.key.Ed25519())
	out = state.encrypt(out, payload)
	c.taken = append(c.taken, append([]byte(nil), remote...))
	return &answered{agreed: state.split(), remote: c.remote, initDone: out}, nil
}

// --- responder ---

// parseCall checks message 1 but for its tag, and returns e_I.
func (x *secrets) parseCall(datagram []byte) ([]byte, error) {
	body, err := x.trim(datagram, secretCall)
	if err != nil {
		return nil, err
	}
	if !x.marked(datagram, body, nil) {
		return nil, NotAuthentic
	}
	b := body[headerSize:]
	for _, zero := range b[keySize+psec.TagSize:] {
		if zero != 0 {
			return nil, Malformed
		}
	}
	return b[:keySize], nil
}

// answer makes message 2.
func (x *secrets) answer(remote []byte, e *ephemeral, cookie []byte) []byte {
	out := append(header(words[kindSecret][1]), remote[:8]...)
	out = append(append(out, e.public[:]...), cookie...)
	return x.mark(out, remote)
}

// finish is what a responder reads of message 3.
type finish struct{ cookie, remote, sealedStatic, sealedClaim []byte }

func parseFinish(datagram []byte) (f finish, err error) {
	switch {
	case len(datagram) < secretFinish:
		return f, TooShort
	case len(datagram) > secretFinish:
		return f, TooLong
	}
	b := datagram[headerSize:]
	f.cookie, b = b[:cookieSize], b[cookieSize:]
	f.remote, b = b[:keySize], b[keySize:]
	f.sealedStatic, f.sealedClaim = b[:keySize+tagSize], b[keySize+tagSize:]
	return f, nil
}

func (f *finish) nonce() (n [cookieNonce]byte) {
	copy(n[:], f.cookie[cookieTime:])
	return n
}

// open does the same work whatever the message fails for: what has become pointless is done all the same.
func (x *secrets) open(f *finish, e *ephemeral, transcript []byte) (*responder, error) {
	state := x.state(transcript, x.key, x.static.public[:])
	defer state.erase()
	var failed error
	note := func(err error) {
		if failed == nil {
			failed = err
		}
	}
	state.mixHash(f.remote)
	state.mixHash(transcript[:psec.TagSize])
	state.mixHash(e.public[:])
	state.mixHash(nil)
	note(state.mixDH(e, f.remote))
	note(state.mixDH(&x.static, f.remote))
	static, err := state.decrypt(f.sealedStatic)
	note(err)
	if err != nil {
		static = x.static.public[:]
	}
	note(state.mixDH(e, static))
	payload, err := state.decrypt(f.sealedClaim)
	note(err)
	if err != nil {
		payload = make([]byte, claimedSize)
	}
	if !bytes.Equal(payload[keySize:], make([]byte, claimedSize-keySize)) {
		note(Malformed)
	}
	u, err := montgomery(payload[:keySize])
	if err != nil || !bytes.Equal(u[:], static) {
		note(KeyMismatch)
	}
	if bytes.Equal(static, x.static.public[:]) {
		note(OwnKey)
	}
	if failed != nil {
		return nil, failed
	}
	key, err := Ed25519Key(payload[:keySize])
	if err != nil {
		return nil, KeyMismatch
	}
	return &responder{agreed: state.split(), remote: key}, nil
}

func putTime(at uint32) []byte {
	var b [cookieTime]byte
	binary.BigEndian.PutUint32(b[:], at)
	return b[:]
}
