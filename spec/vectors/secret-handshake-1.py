#!/usr/bin/env python3
"""Writes secret-handshake-1.json from spec/secret-handshake.md alone. Needs Python 3 and its package cryptography; shares no code with PacketSec.

    python3 spec/vectors/secret-handshake-1.py >spec/vectors/secret-handshake-1.json
"""
import base64
import hashlib
import hmac
import json
import struct

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

P = 2**255 - 19


def sha256(data):
    return hashlib.sha256(data).digest()


def mac256(key, data):
    return hmac.new(key, data, hashlib.sha256).digest()


def blake2s(data):
    return hashlib.blake2s(data).digest()


def mac_blake2s(key, data):
    return hmac.new(key, data, hashlib.blake2s).digest()


def draw(label, size):
    """Bytes that look random and are the same in each run."""
    return hashlib.shake_256(b"secret-handshake-1 vectors " + label.encode()).digest(size)


def public(private):
    return X25519PrivateKey.from_private_bytes(private).public_key().public_bytes_raw()


def dh(private, peer):
    return X25519PrivateKey.from_private_bytes(private).exchange(X25519PublicKey.from_public_bytes(peer))


class Identity:
    def __init__(self, seed):
        self.seed = seed
        self.key = Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()
        self.private = hashlib.sha512(seed).digest()[:32]
        y = int.from_bytes(self.key, "little") & (2**255 - 1)
        self.public = ((1 + y) * pow(1 - y, P - 2, P) % P).to_bytes(32, "little")
        assert self.public == public(self.private)


class Noise:
    """The symmetric state, written out for this one protocol."""

    NAME = b"Noise_XKH_25519_ChaChaPoly_BLAKE2s"

    def __init__(self, prologue, responder):
        self.h = blake2s(self.NAME) if len(self.NAME) > 32 else self.NAME.ljust(32, b"\0")
        self.ck = self.h
        self.key = None
        self.mix_hash(prologue)
        self.mix_hash(responder)

    def mix_hash(self, data):
        self.h = blake2s(self.h + data)

    def hkdf(self, data):
        extracted = mac_blake2s(self.ck, data)
        first = mac_blake2s(extracted, b"\1")
        return first, mac_blake2s(extracted, first + b"\2")

    def mix_key(self, data):
        self.ck, self.key = self.hkdf(data)
        self.nonce = 0

    def seal(self, data):
        if self.key is None:
            sealed = data
        else:
            sealed = ChaCha20Poly1305(self.key).encrypt(struct.pack("<IQ", 0, self.nonce), data, self.h)
            self.nonce += 1
        self.mix_hash(sealed)
        return sealed


def transport(key, word, payload):
    header = struct.pack(">I", word)
    return header + ChaCha20Poly1305(key).encrypt(struct.pack("<IQ", 0, word & 0x7FFFFFFF), payload, header)


SCHEME = b"secret-handshake-1"


def sized(data):
    return struct.pack(">H", len(data)) + data


def hidden_proposal(name):
    """The normal form of a proposal that lists the one scheme, under a hidden peer ID."""
    attempt = b"psec-attempt-1:" + base64.urlsafe_b64encode(draw(name + " attempt", 16)).rstrip(b"=")
    peer = b"\x12\x20" + sha256(draw(name + " hidden", 32))
    return b"\0" + bytes([len(peer)]) + peer + b"\2" + b"".join(bytes([len(text)]) + text for text in (SCHEME, attempt))


def handshake(name, proposal, network_key, address, port, time):
    transcript = sha256(b"psec/1\0" + sized(proposal) + sized(SCHEME) if proposal else b"psec-direct/1" + sized(SCHEME))
    initiator, responder = Identity(draw(name + " initiator", 32)), Identity(draw(name + " responder", 32))
    ephemeral, key_e, key_m, nonce = (draw(f"{name} {label}", size) for label, size in (("e_I", 32), ("key_E", 32), ("key_M", 32), ("nonce", 16)))
    n = sha256(network_key) if network_key else bytes(32)
    prologue = transcript + n + responder.key
    noise = Noise(prologue, responder.public)

    e_i = public(ephemeral)
    message1 = struct.pack(">I", 8) + e_i + transcript[:8] + bytes(36)
    if network_key:
        message1 += mac256(network_key, message1)[:16]
    noise.mix_hash(e_i)
    noise.mix_hash(transcript[:8])

    bound = e_i + address + struct.pack(">H", port) + transcript + n
    extracted = mac256(bytes(32), key_e)
    derived = mac256(extracted, b"secret-handshake-1 e_R" + nonce + bound + b"\1")
    head = struct.pack(">I", time) + nonce
    cookie = head + mac256(key_m, head + bound)[:16]
    e_r = public(derived)
    message2 = struct.pack(">I", 0x80000009) + e_i[:8] + e_r + cookie
    if network_key:
        message2 += mac256(network_key, message2 + e_i)[:16]
    noise.mix_hash(e_r)
    noise.mix_hash(b"")

    noise.mix_key(dh(ephemeral, e_r))
    noise.mix_key(dh(ephemeral, responder.public))
    sealed = noise.seal(initiator.public)
    noise.mix_key(dh(initiator.private, e_r))
    sealed += noise.seal(initiator.key + bytes(32))
    message3 = struct.pack(">I", 10) + cookie + e_i + sealed
    forth, back = noise.hkdf(b"")

    # What the responder computes.
    assert dh(derived, e_i) == dh(ephemeral, e_r) and dh(responder.private, e_i) == dh(ephemeral, responder.public)
    assert dh(derived, initiator.public) == dh(initiator.private, e_r)

    entry = {
        "name": name,
        "proposal": proposal,
        "transcript": transcript,
        "network_key": network_key,
        "initiator_seed": initiator.seed,
        "initiator_key": initiator.key,
        "initiator_static": initiator.public,
        "initiator_ephemeral_private": ephemeral,
        "responder_seed": responder.seed,
        "responder_key": responder.key,
        "responder_static": responder.public,
        "address": address,
        "port": port,
        "time": struct.pack(">I", time),
        "nonce": nonce,
        "key_e": key_e,
        "key_m": key_m,
        "responder_ephemeral_private": derived,
        "prologue": prologue,
        "message_1": message1,
        "message_2": message2,
        "message_3": message3,
        "handshake_hash": noise.h,
        "key_initiator_to_responder": forth,
        "key_responder_to_initiator": back,
        "first_packet_of_responder": transport(back, 0x80000010, b""),
        "first_packet_of_initiator": transport(forth, 0x00000010, b""),
    }
    return {key: value.hex() if isinstance(value, bytes) else value for key, value in entry.items()}


def main():
    key = draw("a network key", 32)
    four = bytes(10) + b"\xff\xff" + bytes([192, 0, 2, 1])
    six = bytes.fromhex("20010db8000000000000000000000001")
    handshakes = [
        handshake("direct", b"", b"", four, 4242, 0),
        handshake("direct, with a network key", b"", key, six, 1, 0xFFFFFFFF),
        handshake("agreed on", hidden_proposal("first"), b"", six, 65535, 123456789),
        handshake("agreed on, with a network key", hidden_proposal("second"), key, four, 4243, 20001),
    ]
    print(json.dumps({"format": "secret-handshake-1", "handshakes": handshakes}, indent=1))


if __name__ == "__main__":
    main()
