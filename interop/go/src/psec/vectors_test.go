package psec

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"testing"
)

type hexBytes []byte

func (h *hexBytes) UnmarshalJSON(b []byte) error {
	var s *string
	if err := json.Unmarshal(b, &s); err != nil || s == nil {
		return err
	}
	v, err := hex.DecodeString(*s)
	*h = v
	return err
}

type side struct {
	ID      hexBytes `json:"peer_id"`
	Strings []string
}

func (s *side) proposal() *Proposal { return &Proposal{ID: s.ID, Strings: s.Strings} }

type vectors struct {
	Proposals []struct {
		Name    string
		Frame   hexBytes
		ID      hexBytes `json:"peer_id"`
		Strings []string
		Schemes []string
		First   hexBytes `json:"first_packet"`
		Normal  hexBytes `json:"normal_form"`
		Digest  hexBytes
	}
	Malformed []struct {
		Name  string
		Frame hexBytes
	} `json:"malformed_proposals"`
	Accepts []struct {
		Name   string
		Frame  hexBytes
		Scheme string
		Valid  bool
	}
	Rejects []struct {
		Name  string
		Frame hexBytes
		Valid bool
	}
	Simultaneous []struct {
		A, B       side
		Leader     *string
		Scheme     string
		Transcript hexBytes
	}
	Standard []struct {
		Normal          hexBytes `json:"normal_form"`
		Scheme          string
		Transcript, Tag hexBytes
	} `json:"standard_transcripts"`
	Direct []struct {
		Scheme     string
		Transcript hexBytes
	} `json:"direct_transcripts"`
	Cookies []struct {
		Key, Address hexBytes
		Port         uint16
		Milliseconds uint32
		Digest       hexBytes
		Cookie       hexBytes
		String       string
	}
}

// read finds spec/vectors/psec.json above the working directory.
func read(t *testing.T) *vectors {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		b, err := os.ReadFile(filepath.Join(dir, "spec", "vectors", "psec.json"))
		if err == nil {
			v := new(vectors)
			if err := json.Unmarshal(b, v); err != nil {
				t.Fatal(err)
			}
			return v
		}
		if dir == filepath.Dir(dir) {
			t.Fatal("spec/vectors/psec.json is in no folder above")
		}
		dir = filepath.Dir(dir)
	}
}

func want(t *testing.T, what string, got, want []byte) {
	t.Helper()
	if !bytes.Equal(got, want) {
		t.Errorf("%s:\n got %x\nwant %x", what, got, want)
	}
}

func counted(t *testing.T, what string, got, want int) {
	t.Helper()
	if got != want {
		t.Errorf("%d %s in the file, %d are known", got, what, want)
	}
}

// spec/psec.md#frame-strict
func TestVectorsFrames(t *testing.T) {
	v := read(t)
	counted(t, "proposals", len(v.Proposals), 12)
	for _, x := range v.Proposals {
		p := ParseProposal(x.Frame)
		if p == nil {
			t.Errorf("%s: refused", x.Name)
			continue
		}
		want(t, x.Name+": ID", p.ID, x.ID)
		want(t, x.Name+": first packet", p.First, x.First)
		want(t, x.Name+": frame", p.Encode(), x.Frame)
		want(t, x.Name+": normal form", p.NormalForm(), x.Normal)
		d := DigestOf(p.NormalForm())
		want(t, x.Name+": digest", d[:], x.Digest)
		if !reflect.DeepEqual(p.Strings, x.Strings) || len(x.Schemes)+len(p.Schemes()) > 0 && !reflect.DeepEqual(p.Schemes(), x.Schemes) {
			t.Errorf("%s: strings %q, schemes %q", x.Name, p.Strings, p.Schemes())
		}
	}
	counted(t, "malformed proposals", len(v.Malformed), 30)
	for _, x := range v.Malformed {
		if ParseProposal(x.Frame) != nil {
			t.Errorf("%s: taken", x.Name)
		}
	}
	counted(t, "accepts", len(v.Accepts), 10)
	for _, x := range v.Accepts {
		scheme := ParseAccept(x.Frame)
		if scheme != x.Scheme || (scheme != "") != x.Valid {
			t.Errorf("%s: %q", x.Name, scheme)
		}
		if x.Valid {
			want(t, x.Name, Accept(scheme), x.Frame)
		}
	}
	counted(t, "rejects", len(v.Rejects), 2)
	for _, x := range v.Rejects {
		if IsReject(x.Frame) != x.Valid {
			t.Errorf("%s: %v", x.Name, !x.Valid)
		}
	}
}

// spec/psec.md#choice, #leader, #transcript
func TestVectorsChoices(t *testing.T) {
	v := read(t)
	counted(t, "simultaneous opens", len(v.Simultaneous), 21)
	for i, x := range v.Simultaneous {
		leader, other, name := x.A.proposal(), x.B.proposal(), "a"
		switch c := Compare(x.A.ID, x.B.ID); {
		case c == 0:
			if x.Leader != nil {
				t.Errorf("%d: equal IDs, but %s leads", i, *x.Leader)
			}
			continue
		case c > 0:
			leader, other, name = other, leader, "b"
		}
		if x.Leader == nil || *x.Leader != name {
			t.Errorf("%d: %s leads", i, name)
		}
		if back := Compare(other.ID, leader.ID); back <= 0 {
			t.Errorf("%d: both lead", i)
		}
		scheme := Choose(leader.Strings, other.Strings)
		if scheme != x.Scheme {
			t.Errorf("%d: scheme %q, want %q", i, scheme, x.Scheme)
		}
		if scheme != "" {
			got := Simultaneous(leader.NormalForm(), other.NormalForm(), scheme)
			want(t, "transcript", got[:], x.Transcript)
		}
	}
	counted(t, "standard transcripts", len(v.Standard), 15)
	for _, x := range v.Standard {
		got := Standard(x.Normal, x.Scheme)
		tag := got.Tag()
		want(t, "transcript", got[:], x.Transcript)
		want(t, "tag", tag[:], x.Tag)
	}
	counted(t, "direct transcripts", len(v.Direct), 4)
	for _, x := range v.Direct {
		got := Direct(x.Scheme)
		want(t, x.Scheme, got[:], x.Transcript)
	}
}

// spec/psec.md#cookie-life
func TestVectorsCookies(t *testing.T) {
	v := read(t)
	counted(t, "cookies", len(v.Cookies), 3)
	for _, x := range v.Cookies {
		var key [32]byte
		var digest Digest
		var ip [16]byte
		copy(key[:], x.Key)
		copy(digest[:], x.Digest)
		copy(ip[:], x.Address)
		got := makeCookie(&key, netip.AddrPortFrom(netip.AddrFrom16(ip).Unmap(), x.Port), x.Milliseconds, digest)
		want(t, "cookie", got[:], x.Cookie)
		c := Cookies{Random: bytes.NewReader(key[:])}
		s, err := c.Make(0, netip.AddrPortFrom(netip.AddrFrom16(ip), x.Port), digest)
		if err != nil || x.Milliseconds == 0 && s != x.String {
			t.Errorf("string %s, want %s (%v)", s, x.String, err)
		}
	}
}
