package p2pke

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/flynn/noise"
	"golang.org/x/crypto/curve25519"

	"psec"
)

// readSpec reads a file of spec/vectors above the working directory.
func readSpec(t *testing.T, name string, to interface{}) {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		b, err := os.ReadFile(filepath.Join(dir, "spec", "vectors", name))
		if err == nil {
			if err := json.Unmarshal(b, to); err != nil {
				t.Fatal(err)
			}
			return
		}
		if dir == filepath.Dir(dir) {
			t.Fatalf("spec/vectors/%s is in no folder above", name)
		}
		dir = filepath.Dir(dir)
	}
}

// schemeVector is a whole handshake.
type schemeVector struct {
	Name            string
	Proposal        hexBytes
	Transcript      hexBytes
	NetworkKey      hexBytes `json:"network_key"`
	InitiatorSeed   hexBytes `json:"initiator_seed"`
	InitiatorKey    hexBytes `json:"initiator_key"`
	InitiatorStatic hexBytes `json:"initiator_static"`
	InitiatorClaim  hexBytes `json:"initiator_claim"`
	InitiatorE      hexBytes `json:"initiator_ephemeral_private"`
	ResponderSeed   hexBytes `json:"responder_seed"`
	ResponderKey    hexBytes `json:"responder_key"`
	ResponderStatic hexBytes `json:"responder_static"`
	ResponderClaim  hexBytes `json:"responder_claim"`
	ResponderE      hexBytes `json:"responder_ephemeral_private"`
	Address         hexBytes
	Port            uint16
	Time            hexBytes
	Nonce           hexBytes
	KeyE            hexBytes `json:"key_e"`
	KeyM            hexBytes `json:"key_m"`
	Message1        hexBytes `json:"message_1"`
	Message2        hexBytes `json:"message_2"`
	Message3        hexBytes `json:"message_3"`
	Hash            hexBytes `json:"handshake_hash"`
	ToResponder     hexBytes `json:"key_initiator_to_responder"`
	ToInitiator     hexBytes `json:"key_responder_to_initiator"`
	FirstOfR        hexBytes `json:"first_packet_of_responder"`
	FirstOfI        hexBytes `json:"first_packet_of_initiator"`
}

func keyPair(t *testing.T, private []byte) (e ephemeral) {
	copy(e.private[:], private)
	if err := e.derive(); err != nil {
		t.Fatal(err)
	}
	return e
}

func (v *schemeVector) checkTranscript(t *testing.T, scheme string) {
	tr := psec.Direct(scheme)
	if len(v.Proposal) > 0 {
		tr = psec.Standard(v.Proposal, scheme)
	}
	want(t, "T", tr[:], v.Transcript)
}

func (v *schemeVector) checkEnd(t *testing.T, a agreed, initiated bool) {
	want(t, "hash", a.h2[:hash32Size], v.Hash)
	want(t, "key of I", a.toResponder[:], v.ToResponder)
	want(t, "key of R", a.toInitiator[:], v.ToInitiator)
	var p packets
	p.init(&a, initiated)
	first := v.FirstOfR
	if initiated {
		first = v.FirstOfI
	}
	want(t, "first packet", p.sealNext(nil, nil), first)
}

func TestXXVectors(t *testing.T) {
	var file struct{ Handshakes []schemeVector }
	readSpec(t, "noise-xx-1.json", &file)
	for _, v := range file.Handshakes {
		v := v
		t.Run(v.Name, func(t *testing.T) {
			v.checkTranscript(t, SchemeXX)
			i, r := seedIdentity(t, v.InitiatorSeed), seedIdentity(t, v.ResponderSeed)
			sI, _ := i.static()
			sR, _ := r.static()
			want(t, "s_I", sI.public[:], v.InitiatorStatic)
			want(t, "s_R", sR.public[:], v.ResponderStatic)
			claim, _ := i.signStatic(sI.public[:])
			want(t, "claim of I", claim, v.InitiatorClaim)
			claim, _ = r.signStatic(sR.public[:])
			want(t, "claim of R", claim, v.ResponderClaim)
			x := xxCall(i, sI, keyPair(t, v.InitiatorE), v.Transcript, len(v.Message1))
			want(t, "message 1", x.first(), v.Message1)
			y, err := xxAnswer(r, sR, keyPair(t, v.ResponderE), v.Transcript, v.Message1)
			if err != nil {
				t.Fatal(err)
			}
			want(t, "message 2", y.hello, v.Message2)
			a, err := x.read(v.Message2, acceptAll)
			if err != nil {
				t.Fatal(err)
			}
			want(t, "message 3", a.initDone, v.Message3)
			v.checkEnd(t, a.agreed, true)
			payload, err := y.openInitDone(v.Message3)
			if err != nil {
				t.Fatal(err)
			}
			want(t, "claim in message 3", payload, v.InitiatorClaim)
			if err := y.checkInitDone(payload); err != nil || !y.remote.equal(i.public.der) {
				t.Fatal(err)
			}
			v.checkEnd(t, y.agreed, false)
		})
	}
}

func TestSecretVectors(t *testing.T) {
	var file struct{ Handshakes []schemeVector }
	readSpec(t, "secret-handshake-1.json", &file)
	for _, v := range file.Handshakes {
		v := v
		t.Run(v.Name, func(t *testing.T) {
			v.checkTranscript(t, SchemeSecret)
			var network []byte
			if len(v.NetworkKey) > 0 {
				network = v.NetworkKey
			}
			idI, idR := seedIdentity(t, v.InitiatorSeed), seedIdentity(t, v.ResponderSeed)
			i, err := newSecrets(idI, network)
			if err != nil {
				t.Fatal(err)
			}
			r, _ := newSecrets(idR, network)
			want(t, "A", i.key.Ed25519(), v.InitiatorKey)
			want(t, "B", r.key.Ed25519(), v.ResponderKey)
			want(t, "s_I", i.static.public[:], v.InitiatorStatic)
			want(t, "s_R", r.static.public[:], v.ResponderStatic)
			u, err := montgomery(v.ResponderKey)
			if err != nil {
				t.Fatal(err)
			}
			want(t, "u of R", u[:], v.ResponderStatic)

			x, err := secretCallWith(i, idR.Public(), v.Transcript, keyPair(t, v.InitiatorE))
			if err != nil {
				t.Fatal(err)
			}
			want(t, "message 1", x.first(), v.Message1)
			remote, err := r.parseCall(v.Message1)
			if err != nil {
				t.Fatal(err)
			}
			k := &minute{}
			copy(k.e[:], v.KeyE)
			copy(k.m[:], v.KeyM)
			ip, _ := netip.AddrFromSlice(v.Address)
			to := bound(remote, netip.AddrPortFrom(ip.Unmap(), v.Port), v.Transcript, r.digest)
			e, err := k.ephemeral(v.Nonce, to)
			if err != nil {
				t.Fatal(err)
			}
			want(t, "e_R", e.private[:], v.ResponderE)
			want(t, "message 2", r.answer(remote, &e, k.cookie(binary.BigEndian.Uint32(v.Time), v.Nonce, to)), v.Message2)
			a, err := x.read(v.Message2, nil)
			if err != nil {
				t.Fatal(err)
			}
			want(t, "message 3", a.initDone, v.Message3)
			v.checkEnd(t, a.agreed, true)
			f, err := parseFinish(v.Message3)
			if err != nil {
				t.Fatal(err)
			}
			w, err := r.open(&f, &e, v.Transcript)
			if err != nil || !w.remote.equal(idI.public.der) {
				t.Fatal(err)
			}
			v.checkEnd(t, w.agreed, false)
			if _, err := x.read(v.Message2, nil); err != NoHandshake {
				t.Errorf("the same e_R again: %v", err)
			}
		})
	}
}

// What is hashed and sealed here, the library hashes and seals too.
func TestPatternVectors(t *testing.T) {
	var file struct {
		Vectors []struct {
			Protocol string   `json:"protocol_name"`
			Prologue hexBytes `json:"init_prologue"`
			S        hexBytes `json:"init_static"`
			E        hexBytes `json:"init_ephemeral"`
			RS       hexBytes `json:"resp_static"`
			RE       hexBytes `json:"resp_ephemeral"`
			Hash     hexBytes `json:"handshake_hash"`
			Messages []struct{ Payload, Ciphertext hexBytes }
		}
	}
	readSpec(t, "xkh.json", &file)
	for _, v := range file.Vectors {
		s, e, rs, re := keyPair(t, v.S), keyPair(t, v.E), keyPair(t, v.RS), keyPair(t, v.RE)
		newHash, libraryHash := newBlake2s, noise.HashBLAKE2s
		if strings.HasSuffix(v.Protocol, "SHA256") {
			newHash, libraryHash = sha256.New, noise.HashSHA256
		}
		library, err := noise.NewHandshakeState(noise.Config{
			CipherSuite: noise.NewCipherSuite(noise.DH25519, noise.CipherChaChaPoly, libraryHash),
			Random:      bytes.NewReader(v.E), Initiator: true, Prologue: v.Prologue,
			Pattern: noise.HandshakePattern{
				Name: "XKH", ResponderPreMessages: []noise.MessagePattern{noise.MessagePatternS},
				Messages: [][]noise.MessagePattern{
					{noise.MessagePatternE}, {noise.MessagePatternE},
					{noise.MessagePatternDHEE, noise.MessagePatternDHES, noise.MessagePatternS, noise.MessagePatternDHSE},
					{}, // these vectors end with an empty message of the responder, which the scheme does not have
				},
			},
			StaticKeypair: noise.DHKey{Private: s.private[:], Public: s.public[:]}, PeerStatic: rs.public[:],
		})
		if err != nil {
			t.Fatal(err)
		}
		state := newSymmetric32(v.Protocol, newHash, v.Prologue)
		state.mixHash(rs.public[:])
		state.mixHash(e.public[:])
		want(t, "message 1", state.encrypt(append([]byte(nil), e.public[:]...), v.Messages[0].Payload), v.Messages[0].Ciphertext)
		b, _, _, err := library.WriteMessage(nil, v.Messages[0].Payload)
		if err != nil {
			t.Fatal(err)
		}
		want(t, "message 1 of the library", b, v.Messages[0].Ciphertext)
		state.mixHash(re.public[:])
		want(t, "message 2", state.encrypt(append([]byte(nil), re.public[:]...), v.Messages[1].Payload), v.Messages[1].Ciphertext)
		if _, _, _, err := library.ReadMessage(nil, v.Messages[1].Ciphertext); err != nil {
			t.Fatal(err)
		}
		for _, err := range []error{state.mixDH(&e, re.public[:]), state.mixDH(&e, rs.public[:])} {
			if err != nil {
				t.Fatal(err)
			}
		}
		out := state.encrypt(nil, s.public[:])
		if err := state.mixDH(&s, re.public[:]); err != nil {
			t.Fatal(err)
		}
		want(t, "message 3", state.encrypt(out, v.Messages[2].Payload), v.Messages[2].Ciphertext)
		b, _, _, err = library.WriteMessage(nil, v.Messages[2].Payload)
		if err != nil {
			t.Fatal(err)
		}
		want(t, "message 3 of the library", b, v.Messages[2].Ciphertext)
		want(t, "message 4", state.encrypt(nil, v.Messages[3].Payload), v.Messages[3].Ciphertext)
		if _, _, _, err := library.ReadMessage(nil, v.Messages[3].Ciphertext); err != nil {
			t.Fatal(err)
		}
		want(t, "hash", state.h[:], v.Hash)
		want(t, "hash of the library", library.ChannelBinding(), v.Hash)
	}
}

// The library's XX reads what is written here, and the other way round.
func TestXXBesideTheLibrary(t *testing.T) {
	a, b := seedIdentity(t, bytes.Repeat([]byte{1}, 32)), seedIdentity(t, bytes.Repeat([]byte{2}, 32))
	sB, _ := b.static()
	tr := psec.Direct(SchemeXX)
	x, err := newXXCaller(a, tr[:], xxFirst, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	library, err := noise.NewHandshakeState(noise.Config{
		CipherSuite: noise.NewCipherSuite(noise.DH25519, noise.CipherChaChaPoly, noise.HashSHA256),
		Pattern:     noise.HandshakeXX, Prologue: tr[:], StaticKeypair: noise.DHKey{Private: sB.private[:], Public: sB.public[:]},
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, _, _, err := library.ReadMessage(nil, x.first()[headerSize:]); err != nil {
		t.Fatal(err)
	}
	claim, _ := b.signStatic(sB.public[:])
	answer, _, _, err := library.WriteMessage(header(words[kindXX][1]), claim)
	if err != nil {
		t.Fatal(err)
	}
	got, err := x.read(answer, acceptAll)
	if err != nil || !got.remote.equal(b.public.der) {
		t.Fatal(err)
	}
	payload, _, _, err := library.ReadMessage(nil, got.initDone[headerSize:])
	if err != nil {
		t.Fatal(err)
	}
	if key, err := checkStatic(payload, library.PeerStatic(), nil); err != nil || !key.equal(a.public.der) {
		t.Fatal(err)
	}
	want(t, "hash", got.h2[:hash32Size], library.ChannelBinding())
}

// spec/secret-handshake.md#dial-key, #static-key
func TestConversions(t *testing.T) {
	for i := 0; i < 50; i++ {
		id, err := GenerateIdentity()
		if err != nil {
			t.Fatal(err)
		}
		s, _ := id.static()
		u, err := montgomeryOf(id.Public())
		if err != nil || u != s.public {
			t.Fatalf("%x is not %x: %v", u, s.public, err)
		}
	}
	points := 0
	for i := 0; i < 100; i++ {
		hash := sha256.Sum256([]byte{byte(i)})
		if _, err := montgomery(hash[:]); err == nil {
			points++
		}
	}
	if points < 30 || points > 70 {
		t.Errorf("%d of 100 random strings are points", points)
	}
	for _, y := range smallOrderY {
		if _, err := montgomery(y[:]); err == nil {
			t.Errorf("%x is of small order", y)
		}
	}
	high := append([]byte{0xee}, bytes.Repeat([]byte{0xff}, 31)...) // p + 1
	if _, err := montgomery(high); err == nil {
		t.Error("not canonical")
	}
	for _, u := range lowOrderU {
		if _, err := curve25519.X25519(bytes.Repeat([]byte{7}, 32), u); err == nil || !lowOrder(u) {
			t.Errorf("%x", u)
		}
		v := append([]byte(nil), u...)
		v[31] |= 0x80
		if !lowOrder(v) {
			t.Errorf("%x", v)
		}
	}
	if lowOrder(curve25519.Basepoint) {
		t.Error("the base point")
	}
}
