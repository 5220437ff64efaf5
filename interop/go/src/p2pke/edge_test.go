package p2pke

import (
	"bytes"
	"encoding/hex"
	"io"
	"net/netip"
	"testing"
	"time"
)

// repeat is a source of "random" bytes that gives the same ones for ever.
type repeat []byte

func (r repeat) Read(b []byte) (int, error) {
	for n := 0; n < len(b); n += copy(b[n:], r) {
	}
	return len(b), nil
}

var _ io.Reader = repeat{}

// What a fed datagram is counted as.
const (
	asHandshake = "handshake"
	asCached    = "cached"
	asControl   = "control"
	asDelivered = "delivered"
	asHeld      = "held"
)

// outcome tells what the last datagram was counted as.
func outcome(before, after *Stats) string {
	switch {
	case after.Handshakes > before.Handshakes:
		return asHandshake
	case after.Cached > before.Cached:
		return asCached
	case after.Control > before.Control:
		return asControl
	case after.Delivered > before.Delivered:
		return asDelivered
	}
	for d := range after.Drops {
		if after.Drops[d] > before.Drops[d] {
			return Drop(d).String()
		}
	}
	return asHeld
}

// What the specification makes of the cases of handshake-edge.json: one outcome for each datagram fed.
var edgeOutcomes = map[string][]string{
	"init-hello good":                                                  {asHandshake},
	"init-hello twice":                                                 {asHandshake, asCached},
	"init-hello bad signature, then good":                              {"BadSignature", asHandshake},
	"init-hello no auth claim":                                         {"Malformed"},
	"init-hello signed with the channel-binding purpose":               {"BadSignature"},
	"init-hello timestamp of 11 bytes":                                 {"Malformed"},
	"init-hello nanoseconds 1e9":                                       {"Malformed"},
	"init-hello timestamp does not match its signature":                {"BadSignature"},
	"init-hello no cipher suites":                                      {asHandshake},
	"init-hello only an unknown cipher suite":                          {asHandshake},
	"init-hello two cipher suites":                                     {asHandshake},
	"init-hello RSA-2048 key":                                          {asHandshake},
	"init-hello with an unknown field 15":                              {asHandshake},
	"init-hello fields in reverse order":                               {asHandshake},
	"init-hello timestamp given twice, the last one signed":            {asHandshake},
	"init-hello truncated protobuf":                                    {"Malformed"},
	"init-hello shorter than an ephemeral key":                         {"TooShort"},
	"init-hello header only":                                           {"TooShort"},
	"init-hello 3 bytes":                                               {"TooShort"},
	"init-hello empty payload":                                         {"Malformed"},
	"init-hello with an all-zero ephemeral key":                        {"LowOrderKey"},
	"init-hello with an order-8 ephemeral key":                         {"LowOrderKey"},
	"init-hello ephemeral with its top bit set":                        {asHandshake},
	"init-hello with the direction bit set":                            {"UnexpectedHandshake"},
	"resp-hello good":                                                  {asHandshake},
	"resp-hello twice":                                                 {asHandshake, asCached},
	"resp-hello bad tag, then good":                                    {"NotAuthentic", asHandshake},
	"resp-hello zero ephemeral, then good":                             {"LowOrderKey", asHandshake},
	"resp-hello signature over other data, then good":                  {"BadSignature", asHandshake},
	"resp-hello signed with the timestamp purpose":                     {"BadSignature"},
	"resp-hello no auth claim":                                         {"Malformed"},
	"resp-hello empty payload":                                         {"Malformed"},
	"resp-hello unknown cipher suite":                                  {asHandshake},
	"resp-hello without the direction bit":                             {"UnexpectedHandshake"},
	"init-done or init-hello fed to an initiator":                      {"UnexpectedHandshake", "UnexpectedHandshake"},
	"data before the handshake is complete":                            {"NotAuthentic"},
	"resp-hello, forged data, resp-hello again":                        {asHandshake, "NotAuthentic", asCached},
	"init-done good":                                                   {asHandshake, asHandshake},
	"init-done twice":                                                  {asHandshake, asHandshake, asCached},
	"init-done bad tag, then good":                                     {asHandshake, "NotAuthentic", asHandshake},
	"init-done with the direction bit set (header is associated data)": {asHandshake, "UnexpectedHandshake"},
	"init-done signed over channel binding 1":                          {asHandshake, "BadSignature"},
	"init-done no auth claim":                                          {asHandshake, "Malformed"},
	"init-done with another key than init-hello":                       {asHandshake, "KeyMismatch"},
	"init-done before init-hello":                                      {"UnknownAddress"},
	"header-only counter 1 after init-hello":                           {asHandshake, "UnexpectedHandshake"},
	"data good and replayed":                                           {asHandshake, asHandshake, asDelivered, "Replayed"},
	"data with the direction bit set":                                  {asHandshake, asHandshake, "NotAuthentic"},
	"data with another counter":                                        {asHandshake, asHandshake, "NotAuthentic"},
	"data with an empty body":                                          {asHandshake, asHandshake, "TooShort"},
	"data with a 15-byte body":                                         {asHandshake, asHandshake, "TooShort"},
	"data before init-done":                                            {asHandshake, asHeld},
	"data at the maximum counter (closing message)":                    {asHandshake, asHandshake, asControl},
}

func TestVectorsHandshakeEdge(t *testing.T) {
	var v struct {
		Cases []struct {
			Name, Role, Recommended string
			Feed                    []hexBytes
			Reply                   []hexBytes `json:"reference_reply"`
		}
	}
	readVectors(t, "handshake-edge.json", &v)
	s00 := readSession(t, "s00")
	initiator, responder := seedIdentity(t, s00.InitiatorSeed), seedIdentity(t, s00.ResponderSeed)
	var keys packets
	var a agreed
	copy(a.toInitiator[:], s00.KeyR2I)
	keys.init(&a, false)
	empty := keys.sealNext(nil, nil)

	seen := map[string]bool{}
	for _, c := range v.Cases {
		seen[c.Name] = true
		t.Run(c.Name, func(t *testing.T) {
			expected, ok := edgeOutcomes[c.Name]
			if !ok {
				t.Fatalf("no outcome is known for this case (recommended: %s)", c.Recommended)
			}
			cfg := Config{Identity: responder, Random: repeat(s00.ResponderPrivate), Wall: s00.when, Direct: true, Jitter: func() float64 { return 0 }}
			if c.Role == "initiator" {
				cfg.Identity, cfg.Random = initiator, repeat(s00.InitiatorPrivate)
			}
			e := NewCore(cfg)
			peer := netip.MustParseAddrPort("192.0.2.1:1000")
			now := time.Hour
			if c.Role == "initiator" {
				if _, err := e.DialDirect(now, peer, responder.Public().ID()); err != nil {
					t.Fatal(err)
				}
				want(t, "InitHello", e.Out[0].Bytes, s00.InitHello)
			}
			e.Out = nil
			for i, datagram := range c.Feed {
				before := e.Stats
				e.Receive(now, peer, datagram)
				got := outcome(&before, &e.Stats)
				if got != expected[i] {
					t.Errorf("datagram %d: %s, want %s (recommended: %s)", i, got, expected[i], c.Recommended)
				}
				var reply []byte
				switch {
				case got != asHandshake && got != asCached:
				case datagram[3] == wordInitDone:
					reply = empty
				case len(c.Reply[i]) > 0:
					reply = c.Reply[i]
				case c.Role == "initiator": // the reference is stuck here
					reply = s00.InitDone
				default:
					reply = s00.RespHello
				}
				var sent []byte
				for _, d := range e.Out {
					sent = append(sent, d.Bytes...)
				}
				if !bytes.Equal(sent, reply) {
					t.Errorf("datagram %d: answered %s, want %s", i, hex.EncodeToString(sent), hex.EncodeToString(reply))
				}
				e.Out = nil
			}
		})
	}
	for name := range edgeOutcomes {
		if !seen[name] {
			t.Errorf("the file has no case %q", name)
		}
	}
}
