import { randomBytes } from 'node:crypto'
import { concat, drop, equal, u32 } from '../core/bytes.mjs'
import { openHandshake, sealHandshake } from '../core/aead.mjs'
import { derOf, keyOfDer, prehash, verify } from '../core/identity.mjs'
import { Noise } from '../core/noise.mjs'
import { field, last, merged, parseFields, requireUtf8 } from '../core/proto.mjs'
import { checkTai64n, tai64n } from '../core/tai64n.mjs'

const suite = Buffer.from('25519_ChaChaPoly_BLAKE2b')
const initHello = 0x00000000
const respHello = 0x80000001
const initDone = 0x00000002
const timestampPurpose = 'p2pke/timestamp'
const bindingPurpose = 'p2pke/sig-channel-binding'
const longest = 2048

/** The scheme p2pke-1: spec/p2pke.md. Identities other than Ed25519 are refused. */
export class P2pke {
  name = 'p2pke-1'
  hides = false
  first = initHello
  answerWord = respHello
  finish = initDone

  constructor (identity) {
    this.identity = identity
  }

  /** The prologue: T under PSEC, nothing in direct mode. */
  #noise (initiator, T, direct, e) {
    return new Noise('NN', 'BLAKE2b', { initiator, prologue: direct ? Buffer.alloc(0) : T, e })
  }

  #claim (purpose, data) {
    return concat(field(1, derOf(this.identity.key)), field(2, this.identity.sign(prehash(purpose, data))))
  }

  #readClaim (fields, number) {
    const claim = merged(fields, number)
    const der = claim && last(claim, 1)
    const signature = claim && last(claim, 2)
    if (!der?.length || !signature?.length) drop('Malformed')
    const key = keyOfDer(der)
    if (key === null) drop('UnsupportedKey')
    if (equal(key, this.identity.key)) drop('OwnKey')
    return { key: Buffer.from(key), signature }
  }

  begin ({ remoteKey, T, direct, e = randomBytes(32), timestamp = tai64n(Math.floor(Date.now() / 1000), (Date.now() % 1000) * 1e6) }) {
    const noise = this.#noise(true, T, direct, e)
    const payload = concat(field(1, suite), field(2, timestamp), field(3, this.#claim(timestampPurpose, timestamp)),
      direct ? Buffer.alloc(0) : field(15, T.subarray(0, 8)))
    return { packet: concat(u32(initHello), noise.write(payload)), noise, remoteKey }
  }

  /** A verified RespHello: InitDone and the keys. */
  takeAnswer (begun, packet) {
    checkLength(packet, 52)
    const noise = begun.noise.clone()
    const h1 = noise.h
    const fields = parseFields(noise.read(packet.subarray(4)))
    requireUtf8(fields, 1)
    const { key, signature } = this.#readClaim(fields, 2)
    if (!verify(key, prehash(bindingPurpose, h1), signature)) drop('BadSignature')
    if (begun.remoteKey && !equal(begun.remoteKey, key)) drop('WrongIdentity')
    const [sendKey, receiveKey] = noise.split()
    const header = u32(initDone)
    const finish = concat(header, sealHandshake(sendKey, initDone, header, field(1, this.#claim(bindingPurpose, noise.h))))
    return { finish, sendKey, receiveKey, remoteKey: key, hash: noise.h }
  }

  /** What of an InitHello can be read without knowing its prologue. tag is null in direct mode. */
  readFirst (packet) {
    checkLength(packet, 36)
    const fields = parseFields(packet.subarray(36))
    requireUtf8(fields, 1)
    const timestamp = last(fields, 2)
    checkTai64n(timestamp)
    const tags = fields.filter(f => f[0] === 15 && f[1] === 2 && f[2].length === 8)
    return { packet, fields, timestamp, tag: tags.at(-1)?.[2] ?? null }
  }

  answer ({ packet, fields, timestamp }, { T, direct, e = randomBytes(32) }) {
    const { key, signature } = this.#readClaim(fields, 3)
    if (!verify(key, prehash(timestampPurpose, timestamp), signature)) drop('BadSignature')
    const noise = this.#noise(false, T, direct, e)
    noise.read(packet.subarray(4))
    const payload = concat(field(1, suite), field(2, this.#claim(bindingPurpose, noise.h)))
    const answer = concat(u32(respHello), noise.write(payload))
    const [receiveKey, sendKey] = noise.split()
    e.fill(0)
    return { answer, pending: { key, sendKey, receiveKey, h2: noise.h } }
  }

  /** Erases what a handshake that came to nothing has kept. */
  wipe ({ sendKey, receiveKey }) {
    sendKey.fill(0)
    receiveKey.fill(0)
  }

  takeFinish (pending, packet) {
    checkLength(packet, 20)
    const plain = openHandshake(pending.receiveKey, initDone, packet.subarray(0, 4), packet.subarray(4))
    if (plain === null) drop('NotAuthentic')
    const { key, signature } = this.#readClaim(parseFields(plain), 1)
    if (!equal(key, pending.key)) drop('KeyMismatch')
    if (!verify(key, prehash(bindingPurpose, pending.h2), signature)) drop('BadSignature')
    return { sendKey: pending.sendKey, receiveKey: pending.receiveKey, remoteKey: key, hash: pending.h2 }
  }
}

function checkLength (packet, shortest) {
  if (packet.length < shortest) drop('TooShort')
  if (packet.length > longest) drop('TooLong')
}
