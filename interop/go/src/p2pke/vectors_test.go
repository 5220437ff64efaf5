package p2pke

import (
	"bytes"
	"crypto"
	"crypto/ed25519"
	"crypto/x509"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// vectorFile finds vectors/p2pke/name in the folder that PACKETSEC_VECTORS names, or in the nearest shared/vectors above the
// working directory. The test is skipped when there is none, unless PACKETSEC_REQUIRE names vectors.
func vectorFile(t testing.TB, name string) string {
	t.Helper()
	var tried []string
	if dir := os.Getenv("PACKETSEC_VECTORS"); dir != "" {
		tried = append(tried, dir)
	} else if dir, err := os.Getwd(); err == nil {
		for {
			tried = append(tried, filepath.Join(dir, "shared", "vectors"))
			if dir == filepath.Dir(dir) {
				break
			}
			dir = filepath.Dir(dir)
		}
	}
	for _, dir := range tried {
		path := filepath.Join(dir, "p2pke", name)
		if _, err := os.Stat(path); err == nil {
			return path
		}
	}
	for _, word := range strings.FieldsFunc(os.Getenv("PACKETSEC_REQUIRE"), func(r rune) bool { return r == ',' || r == ' ' }) {
		if word == "vectors" {
			t.Fatalf("vectors are required, but p2pke/%s was not found", name)
		}
	}
	t.Skipf("SKIPPED: no vectors (p2pke/%s); set PACKETSEC_VECTORS", name)
	return ""
}

type hexBytes []byte

func (h *hexBytes) UnmarshalJSON(b []byte) error {
	var s string
	if err := json.Unmarshal(b, &s); err != nil {
		return err
	}
	v, err := hex.DecodeString(s)
	*h = v
	return err
}

func readVectors(t testing.TB, name string, into interface{}) {
	t.Helper()
	b, err := os.ReadFile(vectorFile(t, name))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, into); err != nil {
		t.Fatal(err)
	}
}

func TestVectorsTAI64N(t *testing.T) {
	var v struct {
		Encode []struct {
			UTC         string
			UnixSeconds int64 `json:"unix_seconds"`
			Nanoseconds int64
			TAI64N      hexBytes
		}
		Parse []struct {
			TAI64N  hexBytes
			Accepts bool `json:"reference_accepts"`
		}
	}
	readVectors(t, "tai64n.json", &v)
	for _, e := range v.Encode {
		if got := EncodeTimestamp(time.Unix(e.UnixSeconds, e.Nanoseconds)); !bytes.Equal(got[:], e.TAI64N) {
			t.Errorf("%s: %x, want %x", e.UTC, got, e.TAI64N)
		}
	}
	for _, p := range v.Parse {
		if got := checkTimestamp(p.TAI64N) == nil; got != p.Accepts {
			t.Errorf("parsing %x: %v", p.TAI64N, got)
		}
	}
	if len(v.Encode) == 0 || len(v.Parse) == 0 {
		t.Fatal("no vectors in the file")
	}
}

type keyVector struct {
	Name    string
	PeerID  hexBytes `json:"peer_id"`
	Text    string   `json:"peer_id_text"`
	Private hexBytes `json:"private_pkcs8"`
	Public  hexBytes `json:"public_x509"`
}

func readKeys(t testing.TB) map[string]keyVector {
	var v struct{ Keys []keyVector }
	readVectors(t, "keys.json", &v)
	keys := map[string]keyVector{}
	for _, k := range v.Keys {
		keys[k.Name] = k
	}
	if len(keys) == 0 {
		t.Fatal("no vectors in the file")
	}
	return keys
}

func (k keyVector) identity(t testing.TB) *Identity {
	private, err := x509.ParsePKCS8PrivateKey(k.Private)
	if err != nil {
		t.Fatal(err)
	}
	id, err := NewIdentity(private.(crypto.Signer))
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func TestVectorsKeys(t *testing.T) {
	for name, k := range readKeys(t) {
		key, err := ParsePublicKey(k.Public)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if id := key.ID(); !bytes.Equal(id[:], k.PeerID) || id.String() != k.Text {
			t.Errorf("%s: peer id %s", name, id)
		}
		if !k.identity(t).Public().equal(k.Public) {
			t.Errorf("%s: the private key has another public key", name)
		}
	}
}

func TestVectorsSignatures(t *testing.T) {
	keys := readKeys(t)
	var v struct {
		Prehash []struct {
			Data, Prehash hexBytes
			Purpose       string
		}
		Signatures []struct {
			Key, Purpose         string
			Data, Sig            hexBytes
			Valid, Deterministic bool
		}
	}
	readVectors(t, "signatures.json", &v)
	for i, p := range v.Prehash {
		if got := prehash(p.Purpose, p.Data); !bytes.Equal(got[:], p.Prehash) {
			t.Errorf("prehash %d: %x", i, got)
		}
	}
	for i, s := range v.Signatures {
		id := keys[s.Key].identity(t)
		want := error(nil)
		if !s.Valid {
			want = BadSignature
		}
		if err := id.Public().verify(s.Purpose, s.Data, s.Sig); err != want {
			t.Errorf("signature %d (%s): %v, want %v", i, s.Key, err, want)
		}
		if !s.Valid {
			continue
		}
		sig, err := id.sign(s.Purpose, s.Data)
		if err != nil {
			t.Fatal(err)
		}
		if s.Deterministic && !bytes.Equal(sig, s.Sig) {
			t.Errorf("signature %d (%s): made %x", i, s.Key, sig)
		}
		if err := id.Public().verify(s.Purpose, s.Data, sig); err != nil {
			t.Errorf("signature %d (%s): own one: %v", i, s.Key, err)
		}
	}
	if len(v.Prehash) == 0 || len(v.Signatures) == 0 {
		t.Fatal("no vectors in the file")
	}
}

type packetVector struct {
	Direction       string
	Counter         uint32
	Payload, Packet hexBytes
}

type sessionVector struct {
	ID               string
	InitiatorSeed    hexBytes `json:"initiator_seed"`
	ResponderSeed    hexBytes `json:"responder_seed"`
	InitiatorKey     hexBytes `json:"initiator_key_x509"`
	ResponderKey     hexBytes `json:"responder_key_x509"`
	InitiatorPrivate hexBytes `json:"initiator_ephemeral_private"`
	ResponderPrivate hexBytes `json:"responder_ephemeral_private"`
	Seconds          int64    `json:"unix_seconds"`
	Nanoseconds      int64    `json:"unix_nanoseconds"`
	InitHello        hexBytes `json:"init_hello"`
	RespHello        hexBytes `json:"resp_hello"`
	InitDone         hexBytes `json:"init_done"`
	Binding1         hexBytes `json:"channel_binding_1"`
	Binding2         hexBytes `json:"channel_binding_2"`
	RespHelloKey     hexBytes `json:"resp_hello_key"`
	KeyI2R           hexBytes `json:"key_initiator_to_responder"`
	KeyR2I           hexBytes `json:"key_responder_to_initiator"`
	DH               hexBytes `json:"dh_ee"`
	Data, Edge       []packetVector
}

func seedIdentity(t testing.TB, seed []byte) *Identity {
	id, err := NewIdentity(ed25519.NewKeyFromSeed(seed))
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func (v *sessionVector) when() time.Time { return time.Unix(v.Seconds, v.Nanoseconds) }

func readSession(t testing.TB, id string) *sessionVector {
	v := new(sessionVector)
	readVectors(t, "session-"+id+".json", v)
	return v
}

func acceptAll(*PublicKey) error { return nil }

func readInitHello(id *Identity, own *PublicKey, prologue, datagram []byte, accept func(*PublicKey) error, rng io.Reader) (*responder, error) {
	m, err := parseInitHello(datagram)
	if err != nil {
		return nil, err
	}
	return m.answer(id, own, prologue, accept, rng)
}

func want(t *testing.T, what string, got, want []byte) {
	t.Helper()
	if !bytes.Equal(got, want) {
		t.Errorf("%s:\n got %x\nwant %x", what, got, want)
	}
}

func TestVectorsSessions(t *testing.T) {
	for _, id := range []string{"s00", "s01", "s02", "s03", "s04", "s05", "s06", "s07"} {
		t.Run(id, func(t *testing.T) {
			v := readSession(t, id)
			i, r := seedIdentity(t, v.InitiatorSeed), seedIdentity(t, v.ResponderSeed)

			in, err := newInitiator(i, nil, v.when(), bytes.NewReader(v.InitiatorPrivate))
			if err != nil {
				t.Fatal(err)
			}
			in.own = nil // s06 has one key on both sides
			want(t, "InitHello", in.hello, v.InitHello)
			want(t, "h1", in.state.h[:], v.Binding1)

			re, err := readInitHello(r, nil, nil, v.InitHello, acceptAll, bytes.NewReader(v.ResponderPrivate))
			if err != nil {
				t.Fatal(err)
			}
			want(t, "RespHello", re.hello, v.RespHello)
			want(t, "h2 of R", re.h2[:], v.Binding2)
			want(t, "initiator's key", re.remote.DER(), v.InitiatorKey)

			answer, err := in.readRespHello(v.RespHello, acceptAll)
			if err != nil {
				t.Fatal(err)
			}
			want(t, "InitDone", answer.initDone, v.InitDone)
			want(t, "h2 of I", answer.h2[:], v.Binding2)
			want(t, "responder's key", answer.remote.DER(), v.ResponderKey)
			want(t, "key I to R", answer.toResponder[:], v.KeyI2R)
			want(t, "key R to I", answer.toInitiator[:], v.KeyR2I)
			want(t, "key I to R at R", re.toResponder[:], v.KeyI2R)
			want(t, "key R to I at R", re.toInitiator[:], v.KeyR2I)

			payload, err := re.openInitDone(v.InitDone)
			if err != nil {
				t.Fatal(err)
			}
			if err := re.checkInitDone(payload); err != nil {
				t.Fatal(err)
			}
			for _, p := range append(v.Data, v.Edge...) {
				// One counter occurs several times, so each packet gets its own session.
				var a, b packets
				keysA, keysB := answer.agreed, answer.agreed
				a.init(&keysA, true)
				b.init(&keysB, false)
				from, to := &a, &b
				if p.Direction == "r2i" {
					from, to = to, from
				}
				want(t, "packet", from.sealAt(nil, p.Counter, p.Payload), p.Packet)
				if got := binary.BigEndian.Uint32(p.Packet) & direction; got != to.openBit {
					t.Errorf("direction bit %x", got)
				}
				payload, drop := to.open(nil, p.Packet)
				if drop != 0 {
					t.Errorf("counter %d: %v", p.Counter, drop)
				}
				want(t, "payload", payload, p.Payload)
				if _, drop = to.open(nil, p.Packet); p.Counter != CounterClosing && drop != Replayed {
					t.Errorf("counter %d again: %v", p.Counter, drop)
				}
			}
		})
	}
}

func TestVectorsReplayWindow(t *testing.T) {
	var v struct {
		Window    uint32
		Limit     uint32 `json:"limit_exclusive"`
		Sequences []struct {
			Name  string
			Steps []struct {
				Counter uint64
				Accept  bool
			}
		}
	}
	readVectors(t, "replay-window.json", &v)
	if v.Window != windowBits || v.Limit != CounterClosing || len(v.Sequences) == 0 {
		t.Fatalf("window %d, limit %d, %d sequences", v.Window, v.Limit, len(v.Sequences))
	}
	for _, s := range v.Sequences {
		w := new(Window)
		for i, step := range s.Steps {
			if step.Counter > 1<<32-1 {
				if step.Accept {
					t.Errorf("%s: step %d cannot be expressed", s.Name, i)
				}
				continue
			}
			if got := w.Accept(uint32(step.Counter)); got != step.Accept {
				t.Errorf("%s: step %d, counter %d: %v", s.Name, i, step.Counter, got)
			}
		}
	}
}
