import { createHash } from 'node:crypto'
import { ed25519 } from '@noble/curves/ed25519.js'
import { shake256 } from '@noble/hashes/sha3.js'
import { cshake256 } from '@noble/hashes/sha3-addons.js'
import { sha512 } from '@noble/hashes/sha2.js'
import { base58btc } from 'multiformats/bases/base58'
import { concat, equal, hex } from './bytes.mjs'

const { Point } = ed25519
const order = Point.Fn.ORDER
const field = Point.Fp.ORDER
const spki = Buffer.from('302a300506032b6570032100', 'hex')
const protobuf = Buffer.from('08011220', 'hex')

export const derOf = key => concat(spki, key)
export const protobufOf = key => concat(protobuf, key)
export const peerIdOf = key => concat(Buffer.from([0, protobuf.length + 32]), protobufOf(key))
export const textOfPeerId = id => base58btc.baseEncode(id)
export const peerIdOfText = text => Buffer.from(base58btc.baseDecode(text))

/** The Ed25519 key in bytes that must be its prefix followed by 32, or null. */
const behind = (prefix, bytes) => bytes.length === prefix.length + 32 && equal(bytes.subarray(0, prefix.length), prefix)
  ? bytes.subarray(prefix.length)
  : null
export const keyOfDer = der => behind(spki, der)
export const keyOfProtobuf = bytes => behind(protobuf, bytes)
export const keyOfPeerId = id => id.length === 38 && id[0] === 0 && id[1] === 36 ? keyOfProtobuf(id.subarray(2)) : null

export const isIdentityMultihash = id => id[0] === 0

/** The SHA-256 multihash of 32 random bytes, as a hidden proposal has it. */
export const hiddenPeerId = random => concat(Buffer.from([0x12, 32]), createHash('sha256').update(random).digest())

/** Compares peer IDs as unsigned big-endian numbers. */
export function comparePeerIds (a, b) {
  const width = Math.max(a.length, b.length)
  const wide = id => concat(Buffer.alloc(width - id.length), id)
  return Buffer.compare(wide(a), wide(b))
}

/** A peer ID of P2PKE: SHAKE256 over the DER form. */
export const p2pkePeerId = der => Buffer.from(shake256(der, { dkLen: 32 }))

export const prehash = (purpose, data) => cshake256(data, { dkLen: 64, personalization: Buffer.from(purpose) })

/** The point of an Ed25519 key, or null when it is none, not canonical, or of small order. */
export function pointOf (key) {
  const y = Buffer.from(key)
  y[31] &= 127
  if (BigInt('0x' + hex(y.reverse())) >= field) return null
  try {
    const point = Point.fromBytes(key)
    return point.isSmallOrder() ? null : point
  } catch {
    return null
  }
}

/** Montgomery form of an Ed25519 key: u = (1 + y) / (1 - y). */
export const montgomery = key => Buffer.from(ed25519.utils.toMontgomery(key))

/** The key's negative has the same y, so all but the top bit. */
export const sameUpToSign = (a, b) => equal(a.subarray(0, 31), b.subarray(0, 31)) && ((a[31] ^ b[31]) & 127) === 0

const scalar = bytes => BigInt('0x' + hex(Buffer.from(bytes).reverse()))

/** RFC 8032 without the cofactor: R is compared as bytes; keys and R of small order are refused. */
export function verify (key, message, signature) {
  if (signature.length !== 64 || key.length !== 32) return false
  const a = pointOf(key)
  const r = signature.subarray(0, 32)
  if (a === null || pointOf(r) === null) return false
  const s = scalar(signature.subarray(32))
  if (s >= order) return false
  const k = scalar(sha512(concat(r, key, message))) % order
  const expected = Point.BASE.multiplyUnsafe(s).subtract(a.multiplyUnsafe(k))
  return equal(Buffer.from(expected.toBytes()), r)
}

/** An Ed25519 identity and its X25519 form. */
export class Identity {
  constructor (seed) {
    this.seed = Buffer.from(seed)
    this.key = Buffer.from(ed25519.getPublicKey(seed))
    this.peerId = peerIdOf(this.key)
    this.staticPrivate = Buffer.from(ed25519.utils.toMontgomerySecret(seed))
    this.staticPublic = montgomery(this.key)
  }

  sign (message) { return Buffer.from(ed25519.sign(message, this.seed)) }

  toString () { return textOfPeerId(this.peerId) }
}
