package p2pke

import (
	"encoding/binary"
	"io"
	"time"
)

// First words of the handshake messages, and the counters.
const (
	headerSize = 4
	direction  = 1 << 31 // set on what the responder sends

	wordInitHello = 0
	wordRespHello = direction | 1
	wordInitDone  = 2

	counterInitDone = 2
	counterFirst    = 16
	// CounterClosing is the counter of the closing message.
	CounterClosing = 1<<31 - 1

	maxHandshakeSize = 2048
	minInitHello     = headerSize + keySize
	minRespHello     = headerSize + keySize + tagSize
	minInitDone      = headerSize + tagSize

	// Overhead is by how much a data packet is longer than its payload.
	Overhead = headerSize + tagSize
)

func checkLength(datagram []byte, min int) error {
	switch {
	case len(datagram) < min:
		return TooShort
	case len(datagram) > maxHandshakeSize:
		return TooLong
	}
	return nil
}

func header(word uint32) []byte {
	var b [headerSize]byte
	binary.BigEndian.PutUint32(b[:], word)
	return b[:]
}

// agreed is what both peers hold after the handshake.
type agreed struct {
	toResponder, toInitiator [keySize]byte
	h2                       [hashSize]byte
}

// initiator is a handshake of ours that waits for a RespHello.
type initiator struct {
	id    *Identity
	own   *PublicKey // nil: the remote key may be ours
	eph   ephemeral
	state symmetric // after message 1
	hello []byte
}

// tagOf is what InitHello carries of the transcript that is its prologue; nil in direct mode, which has none.
func tagOf(prologue []byte) []byte {
	if prologue == nil {
		return nil
	}
	return prologue[:transcriptSize]
}

func newInitiator(id *Identity, prologue []byte, now time.Time, rng io.Reader) (*initiator, error) {
	eph, err := newEphemeral(rng)
	if err != nil {
		return nil, err
	}
	stamp := EncodeTimestamp(now)
	c, err := id.claim(purposeTimestamp, stamp[:])
	if err != nil {
		return nil, err
	}
	payload := encodeInitHello(stamp[:], c, tagOf(prologue))
	in := &initiator{id: id, own: id.Public(), eph: eph, state: newSymmetric(prologue)}
	in.state.mixHash(eph.public[:])
	in.state.mixHash(payload)
	in.hello = append(append(header(wordInitHello), eph.public[:]...), payload...)
	return in, nil
}

// answered is an initiator's result of a good RespHello.
type answered struct {
	agreed
	remote   *PublicKey
	initDone []byte
}

func (in *initiator) first() []byte { return in.hello }

func (in *initiator) erase() { in.eph.erase() }

func (in *initiator) read(datagram []byte, accept func(*PublicKey) error) (*answered, error) {
	return in.readRespHello(datagram, accept)
}

// readRespHello leaves the handshake as it was; to erase its key is up to the caller, who may take further answers. accept
// decides about the identity of the peer.
func (in *initiator) readRespHello(datagram []byte, accept func(*PublicKey) error) (*answered, error) {
	if err := checkLength(datagram, minRespHello); err != nil {
		return nil, err
	}
	remote, sealed := datagram[headerSize:headerSize+keySize], datagram[headerSize+keySize:]
	state := in.state
	h1 := state.h
	state.mixHash(remote)
	secret, err := in.eph.dh(remote)
	if err != nil {
		return nil, err
	}
	payload, err := suite.Cipher(state.mixKey(secret)).Decrypt(nil, 0, state.h[:], sealed)
	wipe(secret)
	if err != nil {
		return nil, NotAuthentic
	}
	c, err := decodeRespHello(payload)
	if err != nil {
		return nil, err
	}
	key, err := checkClaim(c, in.own)
	if err != nil {
		return nil, err
	}
	if err := key.verify(purposeBinding, h1[:], c.sig); err != nil {
		return nil, err
	}
	if err := accept(key); err != nil {
		return nil, err
	}
	state.mixHash(sealed)
	a := &answered{remote: key}
	a.h2 = state.h
	a.toResponder, a.toInitiator = state.split()
	done, err := in.id.claim(purposeBinding, a.h2[:])
	if err != nil {
		return nil, err
	}
	word := header(wordInitDone)
	a.initDone = suite.Cipher(a.toResponder).Encrypt(header(wordInitDone), counterInitDone, word, encodeInitDone(done))
	return a, nil
}

// responder is a handshake of the other peer that waits for InitDone.
type responder struct {
	agreed
	remote *PublicKey
	hello  []byte       // RespHello
	xx     *xxResponder // of noise-xx-1
}

func (r *responder) erase() {
	r.agreed.erase()
	if r.xx != nil {
		r.xx.erase()
	}
}

// initHello is a first message of the other peer of which nothing is verified yet.
type initHello struct {
	initHelloPayload
	remote, payload []byte
}

func parseInitHello(datagram []byte) (*initHello, error) {
	if err := checkLength(datagram, minInitHello); err != nil {
		return nil, err
	}
	m := &initHello{remote: datagram[headerSize : headerSize+keySize], payload: datagram[headerSize+keySize:]}
	var err error
	if m.initHelloPayload, err = decodeInitHello(m.payload); err != nil {
		return nil, err
	}
	return m, checkTimestamp(m.timestamp)
}

// answer checks the claim and builds the RespHello. accept decides about the identity of the peer before the signature is
// looked at.
func (m *initHello) answer(id *Identity, own *PublicKey, prologue []byte, accept func(*PublicKey) error, rng io.Reader) (*responder, error) {
	remote, payload := m.remote, m.payload
	key, err := checkClaim(m.claim, own)
	if err != nil {
		return nil, err
	}
	if err := accept(key); err != nil {
		return nil, err
	}
	if err := key.verify(purposeTimestamp, m.timestamp, m.claim.sig); err != nil {
		return nil, err
	}
	eph, err := newEphemeral(rng)
	if err != nil {
		return nil, err
	}
	defer eph.erase()
	secret, err := eph.dh(remote)
	if err != nil {
		return nil, err
	}
	state := newSymmetric(prologue)
	state.mixHash(remote)
	state.mixHash(payload)
	c, err := id.claim(purposeBinding, state.h[:])
	if err != nil {
		return nil, err
	}
	state.mixHash(eph.public[:])
	k := state.mixKey(secret)
	wipe(secret)
	r := &responder{remote: key}
	out := append(header(wordRespHello), eph.public[:]...)
	r.hello = suite.Cipher(k).Encrypt(out, 0, state.h[:], encodeRespHello(c))
	state.mixHash(r.hello[len(out):])
	r.h2 = state.h
	r.toResponder, r.toInitiator = state.split()
	return r, nil
}

// openInitDone checks the tag only.
func (r *responder) openInitDone(datagram []byte) ([]byte, error) {
	if r.xx != nil {
		return r.xx.open(datagram, &r.agreed)
	}
	if err := checkLength(datagram, minInitDone); err != nil {
		return nil, err
	}
	payload, err := suite.Cipher(r.toResponder).Decrypt(nil, counterInitDone, datagram[:headerSize], datagram[headerSize:])
	if err != nil {
		return nil, NotAuthentic
	}
	return payload, nil
}

// checkInitDone looks at the payload of an InitDone whose tag was good.
func (r *responder) checkInitDone(payload []byte) (err error) {
	if r.xx != nil {
		r.remote, err = checkStatic(payload, r.xx.static, r.xx.own)
		return err
	}
	c, err := decodeInitDone(payload)
	if err != nil {
		return err
	}
	if err := c.check(); err != nil {
		return err
	}
	if !r.remote.equal(c.key) {
		return KeyMismatch
	}
	return r.remote.verify(purposeBinding, r.h2[:], c.sig)
}
