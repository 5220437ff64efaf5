import { randomBytes } from 'node:crypto'
import { concat, drop, equal, u32 } from '../core/bytes.mjs'
import { directTranscript } from '../core/frames.mjs'
import { keyOfProtobuf, protobufOf, verify } from '../core/identity.mjs'
import { Noise } from '../core/noise.mjs'
import { field, last, parseFields } from '../core/proto.mjs'

const first = 0x00000004
const answerWord = 0x80000005
const finish = 0x00000006
const prefix = Buffer.from('noise-libp2p-static-key:')
const longest = 2048
const sizeForEd25519 = 512

/** The scheme noise-xx-1: spec/noise-xx.md. Identities other than Ed25519 are refused. */
export class NoiseXx {
  name = 'noise-xx-1'
  hides = false
  first = first
  answerWord = answerWord
  finish = finish

  constructor (identity) {
    this.identity = identity
    this.directT = directTranscript(this.name)
  }

  #noise (initiator, T, e) {
    return new Noise('XX', 'SHA256', { initiator, prologue: T, s: this.identity.staticPrivate, e, zeroInRead: 'NotAuthentic' })
  }

  #claim () {
    const signature = this.identity.sign(concat(prefix, this.identity.staticPublic))
    return concat(field(1, protobufOf(this.identity.key)), field(2, signature))
  }

  #readClaim (payload, rs) {
    const fields = parseFields(payload)
    const encoded = last(fields, 1)
    const signature = last(fields, 2)
    if (!encoded?.length || !signature?.length) drop('Malformed')
    const key = keyOfProtobuf(encoded)
    if (key === null) drop('UnsupportedKey')
    if (equal(key, this.identity.key)) drop('OwnKey')
    if (!verify(key, concat(prefix, rs), signature)) drop('BadSignature')
    return Buffer.from(key)
  }

  begin ({ remoteKey, T, e = randomBytes(32) }) {
    const noise = this.#noise(true, T, e)
    const payload = concat(T.subarray(0, 8), Buffer.alloc(sizeForEd25519 - 4 - 32 - 8))
    return { packet: concat(u32(first), noise.write(payload)), noise, remoteKey }
  }

  takeAnswer (begun, packet) {
    checkLength(packet, 100)
    const noise = begun.noise.clone()
    const key = this.#readClaim(noise.read(packet.subarray(4)), noise.rs)
    if (begun.remoteKey && !equal(begun.remoteKey, key)) drop('WrongIdentity')
    const message = concat(u32(finish), noise.write(this.#claim()))
    const [sendKey, receiveKey] = noise.split()
    return { finish: message, sendKey, receiveKey, remoteKey: key, hash: noise.h }
  }

  readFirst (packet) {
    checkLength(packet, sizeForEd25519)
    return { packet, tag: packet.subarray(36, 44) }
  }

  answer ({ packet }, { T, e = randomBytes(32) }) {
    const noise = this.#noise(false, T, e)
    noise.read(packet.subarray(4))
    return { answer: concat(u32(answerWord), noise.write(this.#claim())), pending: { noise } }
  }

  /** Erases what a handshake that came to nothing has kept. */
  wipe ({ noise }) {
    noise.e.fill(0)
    noise.ck.fill(0)
    noise.key.fill(0)
  }

  takeFinish (pending, packet) {
    checkLength(packet, 68)
    const noise = pending.noise.clone()
    const payload = noise.read(packet.subarray(4))
    const remoteKey = this.#readClaim(payload, noise.rs)
    const [receiveKey, sendKey] = noise.split()
    return { sendKey, receiveKey, remoteKey, hash: noise.h }
  }
}

function checkLength (packet, shortest) {
  if (packet.length < shortest) drop('TooShort')
  if (packet.length > longest) drop('TooLong')
}
