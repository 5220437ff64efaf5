package main

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"math/big"
	"net"
	"net/netip"
	"os"
	"strings"

	"p2pke"
)

const alphabet = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"

func base58(b []byte) string {
	n, base, digit := new(big.Int).SetBytes(b), big.NewInt(58), new(big.Int)
	var out []byte
	for n.Sign() > 0 {
		n.DivMod(n, base, digit)
		out = append(out, alphabet[digit.Int64()])
	}
	for _, x := range b {
		if x != 0 {
			break
		}
		out = append(out, alphabet[0])
	}
	for i, j := 0, len(out)-1; i < j; i, j = i+1, j-1 {
		out[i], out[j] = out[j], out[i]
	}
	return string(out)
}

func unbase58(s string) ([]byte, error) {
	n, base := new(big.Int), big.NewInt(58)
	for _, c := range s {
		i := strings.IndexRune(alphabet, c)
		if i < 0 {
			return nil, errors.New("not base58")
		}
		n.Mul(n, base).Add(n, big.NewInt(int64(i)))
	}
	zeros := len(s) - len(strings.TrimLeft(s, alphabet[:1]))
	return append(make([]byte, zeros), n.Bytes()...), nil
}

// identityPrefix stands before an Ed25519 key in its libp2p peer id: identity multihash of 36 bytes; key type 1, 32 bytes.
var identityPrefix = []byte{0x00, 0x24, 0x08, 0x01, 0x12, 0x20}

// peerText is the libp2p peer id of an Ed25519 key. Other keys have only a P2PKE peer id.
func peerText(key *p2pke.PublicKey) string {
	if raw := key.Ed25519(); raw != nil {
		return base58(append(append([]byte(nil), identityPrefix...), raw...))
	}
	return key.ID().String()
}

// parsePeer takes a libp2p peer id of an Ed25519 key, or a P2PKE peer id in base64url.
func parsePeer(s string) (id p2pke.PeerID, err error) {
	id, _, err = parsePeerKey(s)
	return id, err
}

// parsePeerKey also returns the key, where the peer id holds it.
func parsePeerKey(s string) (id p2pke.PeerID, key *p2pke.PublicKey, err error) {
	if len(s) == 43 {
		if b, err := base64.RawURLEncoding.Strict().DecodeString(s); err == nil {
			copy(id[:], b)
			return id, nil, nil
		}
	}
	b, err := unbase58(s)
	if err != nil || len(b) != len(identityPrefix)+32 || !bytes.HasPrefix(b, identityPrefix) {
		return id, nil, fmt.Errorf("%q is no peer id of an Ed25519 key", s)
	}
	key, err = p2pke.Ed25519Key(b[len(identityPrefix):])
	if err != nil {
		return id, nil, err
	}
	return key.ID(), key, nil
}

// parseTarget reads PEER@host:port.
func parseTarget(s string) (id p2pke.PeerID, key *p2pke.PublicKey, addr netip.AddrPort, err error) {
	i := strings.IndexByte(s, '@')
	if i < 0 {
		return id, nil, addr, fmt.Errorf("%q is not PEER@host:port", s)
	}
	if id, key, err = parsePeerKey(s[:i]); err != nil {
		return id, nil, addr, err
	}
	addr, err = resolve(s[i+1:])
	return id, key, addr, err
}

func resolve(s string) (netip.AddrPort, error) {
	a, err := net.ResolveUDPAddr("udp", s)
	if err != nil {
		return netip.AddrPort{}, err
	}
	ap := a.AddrPort()
	return netip.AddrPortFrom(ap.Addr().Unmap(), ap.Port()), nil
}

// loadKey reads a PKCS#8 PEM file that nobody else may read.
func loadKey(path string) (*p2pke.Identity, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if info.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("%s can be read by other users (mode %o)", path, info.Mode().Perm())
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	return p2pke.ParsePEM(text)
}
