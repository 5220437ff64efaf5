package main

import (
	"bytes"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"p2pke"
)

func TestPeerText(t *testing.T) {
	for i := 0; i < 50; i++ {
		id, err := p2pke.GenerateIdentity()
		if err != nil {
			t.Fatal(err)
		}
		text := peerText(id.Public())
		if len(text) != 52 || !strings.HasPrefix(text, "12D3KooW") {
			t.Fatalf("peer id %s", text)
		}
		for _, form := range []string{text, id.Public().ID().String()} {
			back, err := parsePeer(form)
			if err != nil || back != id.Public().ID() {
				t.Errorf("%s: %v %v", form, back, err)
			}
		}
	}
	for _, bad := range []string{"", "12D3KooW", "0OIl", strings.Repeat("1", 52), strings.Repeat("z", 52), strings.Repeat("=", 43)} {
		if _, err := parsePeer(bad); err == nil {
			t.Errorf("%q is no peer id", bad)
		}
	}
}

func TestBase58(t *testing.T) {
	for text, b := range map[string][]byte{
		"": {}, "1": {0}, "2": {1}, "z": {57}, "21": {58}, "112": {0, 0, 1}, "StV1DL6CwTryKyV": []byte("hello world"),
	} {
		if got := base58(b); got != text {
			t.Errorf("%x: %s, want %s", b, got, text)
		}
		if got, err := unbase58(text); err != nil || !bytes.Equal(got, b) {
			t.Errorf("%s: %x %v", text, got, err)
		}
	}
}

func TestKeyFiles(t *testing.T) {
	path := filepath.Join(t.TempDir(), "key.pem")
	if code := run([]string{"keygen", path}); code != exitOK {
		t.Fatal(code)
	}
	if code := run([]string{"keygen", path}); code != exitUsage {
		t.Errorf("an existing file is overwritten: %d", code)
	}
	if code := run([]string{"id", path}); code != exitOK {
		t.Error(code)
	}
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	if code := run([]string{"id", path}); code != exitUsage {
		t.Errorf("a key file that others can read is taken: %d", code)
	}
}

// freePort returns a port that was free a moment ago.
func freePort(t *testing.T) string {
	c, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	return c.LocalAddr().String()
}

func TestBothOpenAtOnce(t *testing.T) {
	dir := t.TempDir()
	var keys, peers, addrs [2]string
	for i := range keys {
		keys[i] = filepath.Join(dir, string(rune('a'+i)))
		if code := run([]string{"keygen", keys[i]}); code != exitOK {
			t.Fatal(code)
		}
		id, err := loadKey(keys[i])
		if err != nil {
			t.Fatal(err)
		}
		peers[i], addrs[i] = peerText(id.Public()), freePort(t)
	}
	codes := make(chan int)
	for i := range keys {
		go func(i int) {
			codes <- run([]string{"both", "--key", keys[i], "--addr", addrs[i], "--echo", "--count", "20", "--require-all",
				"--linger-ms", "200", peers[1-i] + "@" + addrs[1-i]})
		}(i)
	}
	for range keys {
		if code := <-codes; code != exitOK {
			t.Error(code)
		}
	}
}

func TestUsage(t *testing.T) {
	for _, args := range [][]string{{}, {"what"}, {"dial"}, {"listen", "--key", "x"}, {"dial", "--key", "x", "nobody"}, {"id"},
		{"both", "--key", "x", "nobody@127.0.0.1:1"}} {
		if code := run(args); code != exitUsage {
			t.Errorf("%v: %d", args, code)
		}
	}
}
