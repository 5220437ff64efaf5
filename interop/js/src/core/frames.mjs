import { createHash, randomBytes } from 'node:crypto'
import { comparePeerIds } from './identity.mjs'
import { Reader, concat, drop, leb, u16 } from './bytes.mjs'

// PSEC's three frames, the transcript, and the choice of scheme and leader: spec/psec.md sections 2 to 5.

const maximumProposal = 2048
const utf8 = new TextDecoder('utf-8', { fatal: true })
const malformed = () => drop('Malformed')
const sha256 = (...parts) => createHash('sha256').update(concat(...parts)).digest()
const prefixed = bytes => concat(leb(bytes.length), bytes)

export const reject = Buffer.from([0xff])
export const attemptString = () => 'psec-attempt-1:' + randomBytes(16).toString('base64url')
export const retryString = 'psec-retry-1'
const isRetry = text => text === retryString || text.startsWith(retryString + ':')
export const isScheme = text => !text.startsWith('psec-')

const encode = (peerId, strings) => concat(Buffer.from([0]), prefixed(peerId), Buffer.from([strings.length]),
  ...strings.map(text => prefixed(Buffer.from(text))))

export const proposalFrame = (peerId, strings, firstPacket) =>
  concat(encode(peerId, strings), firstPacket ? prefixed(firstPacket) : Buffer.alloc(0))

export const normalForm = (peerId, strings) => encode(peerId, strings.filter(text => !isRetry(text)))

export const acceptFrame = scheme => concat(Buffer.from([1]), prefixed(Buffer.from(scheme)))

function text (reader) {
  const bytes = reader.take(reader.leb())
  if (bytes.length === 0) malformed()
  try {
    return utf8.decode(bytes)
  } catch {
    return malformed()
  }
}

function isPeerId (id) {
  const reader = new Reader(id, malformed)
  const code = reader.leb()
  const length = reader.leb()
  if (length !== reader.left) return false
  return code === 0 ? length >= 1 && length <= 42 : code === 0x12 && length === 32
}

/** Parses a proposal strictly, or throws a Drop. */
export function parseProposal (frame) {
  const reader = new Reader(frame, malformed)
  if (reader.byte() !== 0) malformed()
  const peerId = Buffer.from(reader.take(reader.leb()))
  if (!isPeerId(peerId)) malformed()
  const count = reader.byte()
  if (count === 0) malformed()
  const strings = []
  for (let i = 0; i < count; i++) strings.push(text(reader))
  let firstPacket = null
  if (reader.left > 0) {
    firstPacket = Buffer.from(reader.take(reader.leb()))
    if (firstPacket.length === 0 || reader.left > 0) malformed()
  }
  if (frame.length > maximumProposal) drop('TooLong')
  const normal = normalForm(peerId, strings)
  return { peerId, strings, schemes: strings.filter(isScheme), firstPacket, normal, digest: sha256(normal) }
}

/** The scheme of an accept, or null. */
export function parseAccept (frame) {
  try {
    const reader = new Reader(frame, malformed)
    if (reader.byte() !== 1) return null
    const scheme = text(reader)
    return reader.left === 0 ? scheme : null
  } catch {
    return null
  }
}

export const isReject = frame => frame.length === 1 && frame[0] === 0xff

const sized = bytes => concat(u16(bytes.length), bytes)

export const standardTranscript = (normal, scheme) =>
  sha256(Buffer.from('psec/1'), Buffer.from([0]), sized(normal), sized(Buffer.from(scheme)))

export const simultaneousTranscript = (leaderNormal, otherNormal, scheme) =>
  sha256(Buffer.from('psec/1'), Buffer.from([1]), sized(leaderNormal), sized(otherNormal), sized(Buffer.from(scheme)))

export const directTranscript = scheme => sha256(Buffer.from('psec-direct/1'), sized(Buffer.from(scheme)))

/** The scheme of two proposals: the smallest sum of indexes, then what the smaller ID prefers; or null. */
export function choose (a, b) {
  const [leader, other] = comparePeerIds(a.peerId, b.peerId) <= 0 ? [a, b] : [b, a]
  // A string that is no scheme has no index, so schemes are counted among schemes.
  const mine = leader.strings.filter(isScheme)
  const theirs = other.strings.filter(isScheme)
  let best = null
  let sum = Infinity
  mine.forEach((scheme, i) => {
    if (mine.indexOf(scheme) !== i || !theirs.includes(scheme)) return
    const s = i + theirs.indexOf(scheme)
    if (s < sum) [best, sum] = [scheme, s]
  })
  return best
}
