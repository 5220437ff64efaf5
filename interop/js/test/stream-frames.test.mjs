import test from 'node:test'
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { concat, unhex, varint } from '../src/core/bytes.mjs'
import { code, helloFrame, minima, readFrames, readNumber, type } from '../src/streams/frames.mjs'
import { Ranges } from '../src/streams/ranges.mjs'
import { ReceiveHalf, TooManyGaps } from '../src/streams/receive-half.mjs'
import { random } from '../support/lossy-relay.mjs'

const frames = (...parts) => readFrames(readNumber(concat(varint(7), ...parts)).reader)
const badly = action => assert.throws(action, { code: code.frameEncoding })
const own = randomBytes(16)
const none = Buffer.alloc(16)
const hello = (body, version = 1) => concat(varint(type.hello), varint(version), varint(body.length), body)

test('a HELLO is read as it was written', () => {
  const values = { ...minima, idleTimeout: 30000, maxData: 1 << 20, maxStreamsBoth: 100, maxDatagram: 1200 }
  const believed = randomBytes(16)
  const [frame] = frames(helloFrame(own, believed, values))
  assert.deepEqual(frame.own, own)
  assert.deepEqual(frame.believed, believed)
  assert.deepEqual(frame.values, values)
  assert.equal(frames(helloFrame(own, none, minima))[0].believed, null)
  assert.deepEqual(frames(hello(concat(own, none)))[0].values, minima)
})

test('a HELLO that is not as it must be is badly formed', () => {
  badly(() => frames(hello(concat(none, none))))
  badly(() => frames(hello(own)))
  badly(() => frames(hello(concat(own, none, unhex('0401')))))
  badly(() => frames(hello(concat(own, none, unhex('040100')))))
  badly(() => frames(hello(concat(own, none, unhex('080100')))))
  badly(() => frames(hello(concat(own, none, unhex('01020505')))))
  badly(() => frames(hello(concat(own, none, unhex('010105010105')))))
  badly(() => frames(unhex('01'), hello(concat(own, none))))
  assert.equal(frames(hello(concat(own, none, unhex('0801013f020102'))))[0].values.maxStreamsBoth, 1)
})

test('of a HELLO of another version only the length is read', () => {
  assert.equal(frames(hello(unhex('00'), 2), unhex('ff'))[0].version, 2)
})

test('frames that are cut off, unknown, or beyond their space are refused', () => {
  for (const bad of ['', '02', '0205000100', '0205000006', '0201000101000000', '03', '1a0011223344556677', '08', '0a010501', '0e0140', '3e', '20', '1c00', '1d000541', '31054141', '40']) {
    badly(() => frames(unhex(bad)))
  }
  const [ack] = frames(unhex('02090401010101'))
  assert.deepEqual(ack.ranges, [[8, 9], [4, 5]])
  assert.equal(ack.delay, 0.032)
  const [stream] = frames(unhex('0f040203616263'))
  assert.deepEqual([stream.id, stream.offset, stream.data.toString(), stream.fin], [4, 2, 'abc', true])
})

test('bytes come out in order whatever order they came in', () => {
  const chance = random(5)
  for (let round = 0; round < 200; round++) {
    const bytes = Buffer.from(Array.from({ length: 400 }, (_, i) => i & 255))
    const half = new ReceiveHalf(1000, 1000)
    const out = []
    while (!half.atEnd) {
      const from = Math.floor(chance() * 400)
      const to = Math.min(400, from + Math.floor(chance() * 60))
      half.onData(from, bytes.subarray(from, to), to === 400)
      out.push(...half.take())
      if (half.finalSize !== null && chance() < 0.05) half.onData(0, bytes, true)
    }
    assert.ok(Buffer.concat(out).equals(bytes))
  }
})

test('limits of a receiving stream', () => {
  const refused = (half, offset, length, fin, expected) => assert.throws(() => half.onData(offset, Buffer.alloc(length), fin), { code: expected })
  const full = new ReceiveHalf(100, 100)
  full.onData(0, Buffer.alloc(100), false)
  refused(full, 100, 1, false, code.flowControl)
  const ended = new ReceiveHalf(100, 100)
  ended.onData(0, Buffer.alloc(10), true)
  ended.onData(0, Buffer.alloc(10), true)
  refused(ended, 10, 1, false, code.finalSize)
  refused(ended, 0, 9, true, code.finalSize)
  assert.throws(() => ended.onReset(0, 11), { code: code.finalSize })
  const early = new ReceiveHalf(100, 100)
  early.onData(10, Buffer.alloc(10), false)
  refused(early, 0, 5, true, code.finalSize)
  const gaps = new ReceiveHalf(65536, 65536)
  for (let i = 0; i < 64; i++) gaps.onData(2 * i + 1, Buffer.alloc(1), false)
  assert.throws(() => gaps.onData(200, Buffer.alloc(1), false), TooManyGaps)
})

test('ranges join, split, and tell what is missing', () => {
  const ranges = new Ranges()
  ranges.add(5, 9)
  ranges.add(1, 2)
  ranges.add(3, 4)
  assert.deepEqual(ranges.list, [[1, 9]])
  ranges.remove(4, 5)
  assert.deepEqual(ranges.list, [[1, 3], [6, 9]])
  assert.deepEqual(ranges.missing(0, 12), [[0, 0], [4, 5], [10, 12]])
  assert.ok(ranges.contains(3) && !ranges.contains(4) && !ranges.contains(10))
})
