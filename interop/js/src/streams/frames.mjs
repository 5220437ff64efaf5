import { Reader, concat, equal, isZero, varint, varintLength, writeVarint } from '../core/bytes.mjs'

// The frames of spec/streams.md sections 2 and 3: those of RFC 9000 section 19 and RFC 9221, and HELLO.

export const type = {
  padding: 0x00,
  ping: 0x01,
  ack: 0x02,
  resetStream: 0x04,
  stopSending: 0x05,
  stream: 0x08,
  maxData: 0x10,
  maxStreamData: 0x11,
  maxStreamsBoth: 0x12,
  maxStreamsOne: 0x13,
  dataBlocked: 0x14,
  streamDataBlocked: 0x15,
  streamsBlockedBoth: 0x16,
  streamsBlockedOne: 0x17,
  close: 0x1c,
  closeByApplication: 0x1d,
  datagram: 0x30,
  datagramWithLength: 0x31,
  hello: 0x3f
}

export const code = {
  none: 0,
  internal: 1,
  flowControl: 3,
  streamLimit: 4,
  streamState: 5,
  finalSize: 6,
  frameEncoding: 7,
  protocolViolation: 0x0a,
  otherVersion: 0x11
}

/** What closes a connection, with the code that the peer is told. */
export class ConnectionError extends Error {
  constructor (errorCode, message) {
    super(message)
    this.code = errorCode
  }
}

const badFrame = () => { throw new ConnectionError(code.frameEncoding, 'a frame is badly formed') }
const mostStreams = 2 ** 60
const version = 1

/** The parameters of HELLO: [name, id, minimum, and what is meant when it is absent]. */
const parameters = [
  ['idleTimeout', 0x01, 0],
  ['maxData', 0x04, 65536],
  ['maxStreamData', 0x05, 65536],
  ['maxStreamsBoth', 0x08, 1],
  ['maxStreamsOne', 0x09, 0],
  ['maxDatagram', 0x20, 1100]
]

export const minima = Object.fromEntries(parameters.map(([name, , minimum]) => [name, minimum]))

export function helloFrame (own, believed, values) {
  const encoded = parameters.filter(([name, , minimum]) => values[name] !== minimum)
    .map(([name, id]) => concat(varint(id), varint(varintLength(values[name])), varint(values[name])))
  const body = concat(own, believed, ...encoded)
  return concat(varint(type.hello), varint(version), varint(body.length), body)
}

function readHello (reader) {
  const found = reader.varint()
  const body = reader.take(reader.varint())
  if (found !== version) return { type: type.hello, version: found }
  const inner = new Reader(body, badFrame)
  const own = Buffer.from(inner.take(16))
  const believed = Buffer.from(inner.take(16))
  if (isZero(own)) badFrame()
  const values = { ...minima }
  const seen = new Set()
  while (inner.left > 0) {
    const id = inner.varint()
    const value = new Reader(inner.take(inner.varint()), badFrame)
    const known = parameters.find(p => p[1] === id)
    if (!known) continue
    const [name, , minimum] = known
    if (seen.has(id)) badFrame()
    seen.add(id)
    values[name] = value.varint()
    if (value.left > 0 || values[name] < minimum) badFrame()
  }
  return { type: type.hello, version, own, believed: isZero(believed) ? null : believed, values }
}

function readAck (reader) {
  const largest = reader.varint()
  const delay = reader.varint()
  const count = reader.varint()
  let high = largest
  let low = largest - reader.varint()
  if (low < 0) badFrame()
  const ranges = [[low, high]]
  for (let i = 0; i < count; i++) {
    high = low - reader.varint() - 2
    low = high - reader.varint()
    if (low < 0) badFrame()
    ranges.push([low, high])
  }
  return { type: type.ack, largest, delay: delay * 8 / 1000, ranges }
}

function readStream (reader, first) {
  const id = reader.varint()
  const offset = first & 4 ? reader.varint() : 0
  const data = reader.take(first & 2 ? reader.varint() : reader.left)
  if (offset + data.length > Number.MAX_SAFE_INTEGER) badFrame()
  return { type: type.stream, id, offset, data, fin: (first & 1) === 1 }
}

function readStreams (reader, first) {
  const count = reader.varint()
  if (count > mostStreams) badFrame()
  return { type: first, count }
}

function readClose (reader, first) {
  const errorCode = reader.varint()
  if (first === type.close) reader.varint()
  return { type: type.close, code: errorCode, reason: Buffer.from(reader.take(reader.varint())).toString() }
}

function readFrame (reader) {
  const first = reader.byte()
  if (first >= 0x08 && first <= 0x0f) return readStream(reader, first)
  switch (first) {
    case type.padding:
    case type.ping: return { type: first }
    case type.ack: return readAck(reader)
    case type.resetStream: return { type: first, id: reader.varint(), code: reader.varint(), finalSize: reader.varint() }
    case type.stopSending: return { type: first, id: reader.varint(), code: reader.varint() }
    case type.maxData: return { type: first, limit: reader.varint() }
    case type.maxStreamData: return { type: first, id: reader.varint(), limit: reader.varint() }
    case type.maxStreamsBoth:
    case type.maxStreamsOne:
    case type.streamsBlockedBoth:
    case type.streamsBlockedOne: return readStreams(reader, first)
    case type.dataBlocked: return { type: first, limit: reader.varint() }
    case type.streamDataBlocked: return { type: first, id: reader.varint(), limit: reader.varint() }
    case type.close:
    case type.closeByApplication: return readClose(reader, first)
    case type.datagram: return { type: type.datagram, data: reader.take(reader.left) }
    case type.datagramWithLength: return { type: type.datagram, data: reader.take(reader.varint()) }
    case type.hello: return readHello(reader)
    default: return badFrame()
  }
}

export const asksForAck = frame => frame.type !== type.ack && frame.type !== type.padding && frame.type !== type.close

/** A packet's number and a reader behind it. */
export function readNumber (payload) {
  const reader = new Reader(payload, badFrame)
  return { number: reader.varint(), reader }
}

/** All frames that are left: strictly, or a ConnectionError. */
export function readFrames (reader) {
  const frames = []
  if (reader.left === 0) badFrame()
  while (reader.left > 0) {
    if (reader.bytes[reader.at] === type.padding) {
      reader.at++
      if (frames.length === 0 && reader.left === 0) frames.push({ type: type.padding })
      continue
    }
    const frame = readFrame(reader)
    if (frame.type === type.hello && frames.length > 0) badFrame()
    frames.push(frame)
    // Of another version nothing but the length is read.
    if (frame.type === type.hello && frame.version !== version) break
  }
  return frames
}

/** Writes frames into one packet of limited size. */
export class PacketWriter {
  constructor (size) {
    this.buffer = Buffer.allocUnsafe(size)
    this.size = size
    this.at = 0
  }

  get room () { return this.size - this.at }

  varint (value) { this.at = writeVarint(this.buffer, this.at, value) }

  raw (bytes) {
    bytes.copy(this.buffer, this.at)
    this.at += bytes.length
  }

  /** A frame of varints; false when it does not fit. */
  frame (...values) {
    if (values.reduce((sum, v) => sum + varintLength(v), 0) > this.room) return false
    for (const v of values) this.varint(v)
    return true
  }

  /** An ACK of ranges [low, high], highest first; the lowest ones are left out when there is no room. */
  ack (ranges, delayMs) {
    const delay = Math.floor(delayMs * 1000 / 8)
    const [low, high] = ranges[0]
    const rest = []
    let used = 1 + varintLength(high) + varintLength(delay) + 2 + varintLength(high - low)
    let previous = low
    for (const [nextLow, nextHigh] of ranges.slice(1)) {
      const gap = previous - nextHigh - 2
      used += varintLength(gap) + varintLength(nextHigh - nextLow)
      if (used > this.room) break
      rest.push(gap, nextHigh - nextLow)
      previous = nextLow
    }
    return this.frame(type.ack, high, delay, rest.length / 2, high - low, ...rest)
  }

  done () { return this.buffer.subarray(0, this.at) }
}

export const sameIncarnation = (a, b) => a !== null && b !== null && equal(a, b)
