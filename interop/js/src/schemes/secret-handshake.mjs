import { createHash, createHmac, hkdfSync, randomBytes } from 'node:crypto'
import { concat, drop, equal, equalSecret, hex, isZero, u32 } from '../core/bytes.mjs'
import { directTranscript } from '../core/frames.mjs'
import { montgomery, pointOf, sameUpToSign } from '../core/identity.mjs'
import { Noise, isLowOrder, publicKey } from '../core/noise.mjs'

const first = 0x00000008
const answerWord = 0x80000009
const finish = 0x0000000a
const minute = 60000
const cookieLife = 20000
const acceptedPerMinute = 65536
const mac = (key, ...parts) => createHmac('sha256', key).update(concat(...parts)).digest().subarray(0, 16)

/** The scheme secret-handshake-1: spec/secret-handshake.md. Its responder keeps nothing until message 3 has verified. */
export class SecretHandshake {
  name = 'secret-handshake-1'
  hides = true
  stateless = true
  first = first
  answerWord = answerWord
  finish = finish
  #minutes = []

  constructor (identity, networkKey = null) {
    this.identity = identity
    this.networkKey = networkKey
    this.network = networkKey ? createHash('sha256').update(networkKey).digest() : Buffer.alloc(32)
    this.directT = directTranscript(this.name)
  }

  #noise (initiator, T, responderKey, e) {
    const prologue = concat(T, this.network, responderKey)
    const rs = initiator ? montgomery(responderKey) : undefined
    return new Noise('XKH', 'BLAKE2s', { initiator, prologue, s: this.identity.staticPrivate, e, rs })
  }

  /** The length of messages 1 and 2, and the check of the network's MAC at their end. */
  #checkShape (packet, macBehind) {
    const length = this.networkKey ? 96 : 80
    checkLength(packet, length)
    if (this.networkKey && !equalSecret(packet.subarray(80), mac(this.networkKey, packet.subarray(0, 80), macBehind))) drop('NotAuthentic')
  }

  #sealed (message, macBehind) {
    return this.networkKey ? concat(message, mac(this.networkKey, message, macBehind)) : message
  }

  begin ({ remoteKey, T, e = randomBytes(32) }) {
    if (pointOf(remoteKey) === null) throw new Error('the peer ID holds no Ed25519 key that can be dialled')
    if (sameUpToSign(remoteKey, this.identity.key)) drop('OwnKey')
    const noise = this.#noise(true, T, remoteKey, e)
    const message = concat(u32(first), noise.write(T.subarray(0, 8)), Buffer.alloc(36))
    return { packet: this.#sealed(message, Buffer.alloc(0)), noise, remoteKey, own: publicKey(e) }
  }

  takeAnswer (begun, packet) {
    checkLength(packet, this.networkKey ? 96 : 80)
    if (!equal(packet.subarray(4, 12), begun.own.subarray(0, 8))) drop('NoHandshake')
    this.#checkShape(packet, begun.own)
    const ephemeral = packet.subarray(12, 44)
    if (isLowOrder(ephemeral)) drop('LowOrderKey')
    const noise = begun.noise.clone()
    noise.read(ephemeral)
    const sealed = noise.write(concat(this.identity.key, Buffer.alloc(32)))
    const [sendKey, receiveKey] = noise.split()
    const message = concat(u32(finish), packet.subarray(44, 80), begun.own, sealed)
    return { finish: message, sendKey, receiveKey, remoteKey: begun.remoteKey, hash: noise.h, answerKey: hex(ephemeral) }
  }

  readFirst (packet) {
    checkLength(packet, this.networkKey ? 96 : 80)
    return { packet, tag: packet.subarray(36, 44) }
  }

  answer ({ packet }, { T, address, now, nonce = randomBytes(16) }) {
    this.#checkShape(packet, Buffer.alloc(0))
    if (!isZero(packet.subarray(44, 80))) drop('Malformed')
    const remote = packet.subarray(4, 36)
    if (isLowOrder(remote)) drop('LowOrderKey')
    const keys = this.#keysOf(now)
    const time = u32((keys.base + Math.floor(now - keys.born)) % 4294967296)
    const e = this.ephemeral(keys.e, nonce, remote, address, T)
    const cookie = concat(time, nonce, this.cookieMac(keys.m, time, nonce, remote, address, T))
    const message = concat(u32(answerWord), remote.subarray(0, 8), publicKey(e), cookie)
    e.fill(0)
    return { answer: this.#sealed(message, remote), pending: null }
  }

  ephemeral (key, nonce, remote, address, T) {
    const info = concat(Buffer.from('secret-handshake-1 e_R'), nonce, remote, address, T, this.network)
    return Buffer.from(hkdfSync('sha256', key, Buffer.alloc(0), info, 32))
  }

  cookieMac (key, time, nonce, remote, address, T) {
    return mac(key, time, nonce, remote, address, T, this.network)
  }

  #keysOf (now) {
    while (this.#minutes.length > 0 && now - this.#minutes[0].born >= 2 * minute) {
      const old = this.#minutes.shift()
      old.e.fill(0)
      old.m.fill(0)
    }
    let keys = this.#minutes.at(-1)
    if (!keys || now - keys.born >= minute) {
      keys = { e: randomBytes(32), m: randomBytes(32), born: now, base: randomBytes(4).readUInt32BE(), accepted: new Map() }
      this.#minutes.push(keys)
    }
    return keys
  }

  /** Fixes the keys of the minute, for vectors. */
  setKeys (e, m, base, now) {
    this.#minutes = [{ e, m, base, born: now, accepted: new Map() }]
  }

  /** Checks a message 3 under each T: what it proves, or the session that a copy of it led to. */
  takeFinish (packet, { transcripts, address, now }) {
    checkLength(packet, 200)
    const cookie = packet.subarray(4, 40)
    const remote = packet.subarray(40, 72)
    if (isLowOrder(remote)) drop('LowOrderKey')
    const { keys, T, age } = this.#checkCookie(cookie, remote, transcripts, address, now)
    const nonce = cookie.subarray(4, 20)
    const accepted = keys.accepted.get(hex(nonce))
    if (accepted) return { repeated: accepted, packet }
    if (keys.accepted.size >= acceptedPerMinute) drop('HandshakesFull')
    const e = this.ephemeral(keys.e, nonce, remote, address, T)
    const noise = this.#noise(false, T, this.identity.key, e)
    noise.read(concat(remote, T.subarray(0, 8)))
    noise.write(Buffer.alloc(0))
    const identity = noise.read(packet.subarray(72))
    e.fill(0)
    if (!isZero(identity.subarray(32))) drop('Malformed')
    const remoteKey = Buffer.from(identity.subarray(0, 32))
    if (pointOf(remoteKey) === null || !equal(montgomery(remoteKey), noise.rs)) drop('KeyMismatch')
    if (sameUpToSign(remoteKey, this.identity.key)) drop('OwnKey')
    const [receiveKey, sendKey] = noise.split()
    const record = value => keys.accepted.set(hex(nonce), value)
    return { sendKey, receiveKey, remoteKey, hash: noise.h, T, born: now - age, record }
  }

  #checkCookie (cookie, remote, transcripts, address, now) {
    const time = cookie.subarray(0, 4)
    for (const keys of this.#minutes) {
      const age = ((Math.floor(now - keys.born) + keys.base - time.readUInt32BE()) % 4294967296 + 4294967296) % 4294967296
      if (age > cookieLife || now - keys.born >= 2 * minute) continue
      for (const T of transcripts) {
        if (equalSecret(cookie.subarray(20), this.cookieMac(keys.m, time, cookie.subarray(4, 20), remote, address, T))) return { keys, T, age }
      }
    }
    return drop('NoHandshake')
  }
}

function checkLength (packet, length) {
  if (packet.length < length) drop('TooShort')
  if (packet.length > length) drop('TooLong')
}
