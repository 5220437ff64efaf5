#!/usr/bin/env python3
"""Writes noise-xx-1.json from spec/noise-xx.md alone. Needs Python 3 and its package cryptography; shares no code with PacketSec.

    python3 spec/vectors/noise-xx-1.py >spec/vectors/noise-xx-1.json
"""
import hashlib
import hmac
import json
import struct

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

SCHEME = b"noise-xx-1"


def sha256(data):
    return hashlib.sha256(data).digest()


def mac(key, data):
    return hmac.new(key, data, hashlib.sha256).digest()


def draw(label, size):
    """Bytes that look random and are the same in each run."""
    return hashlib.shake_256(b"noise-xx-1 vectors " + label.encode()).digest(size)


def sized(data):
    return struct.pack(">H", len(data)) + data


class Side:
    """One side of a handshake: the symmetric state of Noise, written out for this one protocol."""

    def __init__(self, name, seed, prologue):
        self.seed = seed
        self.identity = Ed25519PrivateKey.from_private_bytes(seed)
        self.static = X25519PrivateKey.from_private_bytes(hashlib.sha512(seed).digest()[:32])
        self.ephemeral_private = draw(name + " ephemeral", 32)
        self.ephemeral = X25519PrivateKey.from_private_bytes(self.ephemeral_private)
        self.h = self.ck = b"Noise_XX_25519_ChaChaPoly_SHA256"
        assert len(self.h) == 32
        self.key = None
        self.mix_hash(prologue)

    def mix_hash(self, data):
        self.h = sha256(self.h + data)

    def hkdf(self, data):
        extracted = mac(self.ck, data)
        first = mac(extracted, b"\1")
        return first, mac(extracted, first + b"\2")

    def mix_dh(self, private, public):
        self.ck, self.key = self.hkdf(private.exchange(X25519PublicKey.from_public_bytes(public)))
        self.nonce = 0

    def aead_nonce(self):
        self.nonce += 1
        return struct.pack("<IQ", 0, self.nonce - 1)

    def seal(self, data):
        sealed = data if self.key is None else ChaCha20Poly1305(self.key).encrypt(self.aead_nonce(), data, self.h)
        self.mix_hash(sealed)
        return sealed

    def open(self, sealed):
        data = sealed if self.key is None else ChaCha20Poly1305(self.key).decrypt(self.aead_nonce(), sealed, self.h)
        self.mix_hash(sealed)
        return data

    def claim(self):
        key = b"\x08\x01\x12\x20" + self.identity.public_key().public_bytes_raw()
        signature = self.identity.sign(b"noise-libp2p-static-key:" + self.static.public_key().public_bytes_raw())
        return b"\x0a" + bytes([len(key)]) + key + b"\x12" + bytes([len(signature)]) + signature


def raw(private):
    return private.public_key().public_bytes_raw()


def transport(key, word, payload):
    header = struct.pack(">I", word)
    return header + ChaCha20Poly1305(key).encrypt(struct.pack("<IQ", 0, word & 0x7FFFFFFF), payload, header)


def handshake(name, proposal):
    transcript = sha256(b"psec/1\0" + sized(proposal) + sized(SCHEME) if proposal else b"psec-direct/1" + sized(SCHEME))
    i = Side(name + " initiator", draw(name + " initiator", 32), transcript)
    r = Side(name + " responder", draw(name + " responder", 32), transcript)

    first = transcript[:8] + bytes(512 - 4 - 32 - 8)
    message1 = struct.pack(">I", 4) + raw(i.ephemeral) + first
    for side in (i, r):
        side.mix_hash(raw(i.ephemeral))
        side.mix_hash(first)

    r.mix_hash(raw(r.ephemeral))
    r.mix_dh(r.ephemeral, raw(i.ephemeral))
    sealed_static = r.seal(raw(r.static))
    r.mix_dh(r.static, raw(i.ephemeral))
    sealed_claim = r.seal(r.claim())
    message2 = struct.pack(">I", 0x80000005) + raw(r.ephemeral) + sealed_static + sealed_claim

    i.mix_hash(raw(r.ephemeral))
    i.mix_dh(i.ephemeral, raw(r.ephemeral))
    static = i.open(sealed_static)
    i.mix_dh(i.ephemeral, static)
    assert i.open(sealed_claim) == r.claim() and i.h == r.h

    sealed_static = i.seal(raw(i.static))
    i.mix_dh(i.static, raw(r.ephemeral))
    message3 = struct.pack(">I", 6) + sealed_static + i.seal(i.claim())
    forth, back = i.hkdf(b"")

    entry = {
        "name": name,
        "proposal": proposal,
        "transcript": transcript,
        "initiator_seed": i.seed,
        "initiator_ephemeral_private": i.ephemeral_private,
        "initiator_static": raw(i.static),
        "initiator_claim": i.claim(),
        "responder_seed": r.seed,
        "responder_ephemeral_private": r.ephemeral_private,
        "responder_static": raw(r.static),
        "responder_claim": r.claim(),
        "message_1": message1,
        "message_2": message2,
        "message_3": message3,
        "handshake_hash": i.h,
        "key_initiator_to_responder": forth,
        "key_responder_to_initiator": back,
        "first_packet_of_responder": transport(back, 0x80000010, b""),
        "first_packet_of_initiator": transport(forth, 0x00000010, b""),
    }
    return {key: value.hex() if isinstance(value, bytes) else value for key, value in entry.items()}


def proposal(name):
    """The normal form of a proposal that lists the one scheme."""
    key = Ed25519PrivateKey.from_private_bytes(draw(name + " initiator", 32)).public_key().public_bytes_raw()
    peer = b"\x00\x24\x08\x01\x12\x20" + key
    attempt = b"psec-attempt-1:AAECAwQFBgcICQoLDA0ODw"
    return b"\0" + bytes([len(peer)]) + peer + b"\2" + b"".join(bytes([len(text)]) + text for text in (SCHEME, attempt))


if __name__ == "__main__":
    print(json.dumps({"format": "noise-xx-1", "handshakes": [handshake("direct", b""), handshake("agreed on", proposal("agreed on"))]}, indent=1))
