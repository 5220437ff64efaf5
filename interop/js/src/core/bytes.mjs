import { timingSafeEqual } from 'node:crypto'

/** A datagram that is not taken. The reason is one of those listed in spec/sessions.md. */
export class Drop extends Error {
  constructor (reason) {
    super(reason)
    this.reason = reason
  }
}

export const drop = reason => { throw new Drop(reason) }

export const hex = bytes => Buffer.from(bytes).toString('hex')
export const unhex = text => Buffer.from(text, 'hex')
export const concat = (...parts) => Buffer.concat(parts)
export const equal = (a, b) => a.length === b.length && Buffer.compare(a, b) === 0
export const equalSecret = (a, b) => a.length === b.length && timingSafeEqual(a, b)
export const isZero = bytes => bytes.every(b => b === 0)

export function u16 (value) {
  const b = Buffer.alloc(2)
  b.writeUInt16BE(value)
  return b
}

export function u32 (value) {
  const b = Buffer.alloc(4)
  b.writeUInt32BE(value >>> 0)
  return b
}

/** Unsigned LEB128. */
export function leb (value) {
  const out = []
  while (value >= 128) {
    out.push((value % 128) | 128)
    value = Math.floor(value / 128)
  }
  out.push(value)
  return Buffer.from(out)
}

/** The address and port as 16 + 2 bytes, IPv4 mapped. */
export function addressBytes (address) {
  const out = Buffer.alloc(16)
  if (address.includes('.')) {
    out[10] = out[11] = 255
    address.slice(address.lastIndexOf(':') + 1).split('.').forEach((part, i) => { out[12 + i] = Number(part) })
    return out
  }
  const [head, tail] = address.split('%')[0].split('::')
  const words = text => (text ? text.split(':') : []).map(w => parseInt(w, 16))
  const front = words(head)
  const back = tail === undefined ? [] : words(tail)
  front.forEach((w, i) => out.writeUInt16BE(w, 2 * i))
  back.forEach((w, i) => out.writeUInt16BE(w, 2 * (8 - back.length + i)))
  return out
}

/** Reads a buffer from front to back; what is missing is told by fail(). */
export class Reader {
  constructor (bytes, fail) {
    this.bytes = bytes
    this.at = 0
    this.fail = fail
  }

  get left () { return this.bytes.length - this.at }

  byte () {
    if (this.at >= this.bytes.length) this.fail()
    return this.bytes[this.at++]
  }

  take (n) {
    if (n > this.left) this.fail()
    this.at += n
    return this.bytes.subarray(this.at - n, this.at)
  }

  /** Unsigned LEB128, minimal, at most 9 bytes. */
  leb () {
    let value = 0
    for (let i = 0; i < 9; i++) {
      const b = this.byte()
      value += (b & 127) * 2 ** (7 * i)
      if (b < 128) {
        if (b === 0 && i > 0) this.fail()
        return value
      }
    }
    return this.fail()
  }

  /** The varint of RFC 9000 section 16, as a number. */
  varint () {
    const first = this.byte()
    const length = 1 << (first >> 6)
    let value = first & 63
    if (length > 1 + this.left) this.fail()
    for (let i = 1; i < length; i++) value = value * 256 + this.bytes[this.at++]
    if (value > Number.MAX_SAFE_INTEGER) this.fail()
    return value
  }
}

export const varintLength = value => value < 64 ? 1 : value < 16384 ? 2 : value < 1073741824 ? 4 : 8

/** Writes an RFC 9000 varint at the offset and gives the offset behind it. */
export function writeVarint (buffer, at, value) {
  if (value < 64) {
    buffer[at] = value
    return at + 1
  }
  if (value < 16384) {
    buffer[at] = 64 | (value >> 8)
    buffer[at + 1] = value
    return at + 2
  }
  if (value < 1073741824) {
    buffer.writeUInt32BE((value | 0x80000000) >>> 0, at)
    return at + 4
  }
  buffer.writeUInt32BE((Math.floor(value / 4294967296) | 0xc0000000) >>> 0, at)
  buffer.writeUInt32BE(value % 4294967296, at + 4)
  return at + 8
}

export function varint (value) {
  const b = Buffer.alloc(varintLength(value))
  writeVarint(b, 0, value)
  return b
}

/** j of spec/p2pke.md section 7: a random lengthening of 0 to 20 %. */
export const jitter = ms => ms * (1 + 0.2 * Math.random())
