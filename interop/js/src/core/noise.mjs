import { hmac } from '@noble/hashes/hmac.js'
import { blake2b, blake2s } from '@noble/hashes/blake2.js'
import { sha256 } from '@noble/hashes/sha2.js'
import { x25519 } from '@noble/curves/ed25519.js'
import { concat, drop, isZero } from './bytes.mjs'
import { openHandshake, sealHandshake } from './aead.mjs'

const hashes = {
  BLAKE2b: { hash: blake2b, length: 64 },
  BLAKE2s: { hash: blake2s, length: 32 },
  SHA256: { hash: sha256, length: 32 }
}

const patterns = {
  NN: { messages: [['e'], ['e', 'ee']] },
  XX: { messages: [['e'], ['e', 'ee', 's', 'es'], ['s', 'se']] },
  XKH: { responder: true, messages: [['e'], ['e'], ['ee', 'es', 's', 'se']] }
}

export const publicKey = privateKey => Buffer.from(x25519.getPublicKey(privateKey))

/** X25519; null when the result is all zero. */
export function dh (privateKey, remote) {
  // The curve has the points of small order by name; the library refuses them by an exception.
  try {
    const shared = x25519.getSharedSecret(privateKey, remote)
    return isZero(shared) ? null : shared
  } catch {
    return null
  }
}

/** Whether X25519 with the key gives zeros for every private key. */
export const isLowOrder = key => dh(lowOrderProbe, key) === null
const lowOrderProbe = new Uint8Array(32).fill(0x55)

/** One side of a Noise handshake (revision 34), for the patterns and hashes that the schemes use. */
export class Noise {
  /** s and e are the private keys of this side, rs is the remote static key where the pattern has it beforehand;
      zeroInRead is the drop reason of a zero DH result that reading meets. */
  constructor (pattern, hashName, { initiator, prologue, s, e, rs, zeroInRead = 'LowOrderKey' }) {
    this.pattern = patterns[pattern]
    this.hashName = hashName
    this.initiator = initiator
    this.zeroInRead = zeroInRead
    this.s = s
    this.e = e
    this.rs = rs
    this.re = null
    this.step = 0
    this.key = null
    this.nonce = 0
    const { hash, length } = hashes[hashName]
    const name = Buffer.from(`Noise_${pattern}_25519_ChaChaPoly_${hashName}`)
    this.h = name.length <= length ? concat(name, Buffer.alloc(length - name.length)) : Buffer.from(hash(name))
    this.ck = this.h
    this.mixHash(prologue)
    if (this.pattern.responder) this.mixHash(initiator ? rs : publicKey(s))
  }

  clone () {
    return Object.assign(Object.create(Noise.prototype), this)
  }

  hash (data) { return Buffer.from(hashes[this.hashName].hash(data)) }

  hkdf (ikm) {
    const { hash } = hashes[this.hashName]
    const t = hmac(hash, this.ck, ikm)
    const first = hmac(hash, t, Uint8Array.of(1))
    return [Buffer.from(first), Buffer.from(hmac(hash, t, concat(first, Uint8Array.of(2))))]
  }

  mixHash (data) { this.h = this.hash(concat(this.h, data)) }

  mixKey (ikm) {
    const [ck, key] = this.hkdf(ikm)
    this.ck = ck
    this.key = key.subarray(0, 32)
    this.nonce = 0
  }

  encrypt (plain) {
    const out = this.key === null ? Buffer.from(plain) : sealHandshake(this.key, this.nonce++, this.h, plain)
    this.mixHash(out)
    return out
  }

  decrypt (sealed) {
    const plain = this.key === null ? sealed : openHandshake(this.key, this.nonce, this.h, sealed)
    if (plain === null) drop('NotAuthentic')
    if (this.key !== null) this.nonce++
    this.mixHash(sealed)
    return plain
  }

  mixDh (token, zero) {
    const ours = token === 'ee' || (token === 'es') === this.initiator ? this.e : this.s
    const theirs = token === 'ee' || (token === 'es') !== this.initiator ? this.re : this.rs
    const shared = dh(ours, theirs)
    if (shared === null) drop(zero)
    this.mixKey(shared)
  }

  write (payload) {
    const parts = []
    for (const token of this.pattern.messages[this.step++]) {
      if (token === 'e') {
        const own = publicKey(this.e)
        this.mixHash(own)
        parts.push(own)
      } else if (token === 's') parts.push(this.encrypt(publicKey(this.s)))
      else this.mixDh(token, 'LowOrderKey')
    }
    parts.push(this.encrypt(payload))
    return concat(...parts)
  }

  read (message) {
    let at = 0
    const take = n => {
      if (at + n > message.length) drop('TooShort')
      at += n
      return message.subarray(at - n, at)
    }
    for (const token of this.pattern.messages[this.step++]) {
      if (token === 'e') {
        this.re = Buffer.from(take(32))
        this.mixHash(this.re)
      } else if (token === 's') this.rs = this.decrypt(take(this.key === null ? 32 : 48))
      else this.mixDh(token, this.zeroInRead)
    }
    return this.decrypt(message.subarray(at))
  }

  /** The keys of Split: [initiator to responder, responder to initiator]. */
  split () {
    return this.hkdf(new Uint8Array(0)).map(key => key.subarray(0, 32))
  }
}
