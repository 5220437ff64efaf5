import test from 'node:test'
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { randomBytes } from 'node:crypto'
import { LossyRelay } from '../support/lossy-relay.mjs'
import { connections, pair, readAll, sha256, within, writeAll } from '../support/ends.mjs'

async function echoOnce (from, to, bytes) {
  const arrived = once(to, 'stream')
  const stream = await from.streams.open()
  const back = readAll(stream)
  const writing = writeAll(stream, bytes)
  const [other] = await arrived
  const there = await readAll(other)
  await writing
  assert.equal(sha256(there), sha256(bytes))
  await Promise.all([writeAll(other, there), back])
  assert.equal(sha256(await back), sha256(bytes))
}

test('a stream of either side carries bytes there and back', within, async t => {
  const [listener, dialler] = await pair(t)
  const [a, b] = await connections(listener, dialler)
  await echoOnce(a, b, Buffer.from('hello'))
  await echoOnce(b, a, randomBytes(3 * 1024 * 1024))
  // The last acknowledgement may still be under way.
  while (a.streams.byId.size > 0) await once(a, 'progress')
})

test('a transfer survives the loss of every tenth datagram', within, async t => {
  const [listener, dialler] = await pair(t)
  const relay = new LossyRelay(listener.port, { loss: 0.1 })
  const port = await relay.listen()
  t.after(() => relay.close())
  const [a, b] = await connections(listener, dialler, { port })
  await echoOnce(a, b, randomBytes(512 * 1024))
  assert.ok(relay.lost > 0)
})

test('sessions are renewed in the middle of a transfer', within, async t => {
  const [listener, dialler] = await pair(t, { rekeyMs: 300 }, { rekeyMs: 300 })
  const [a, b] = await connections(listener, dialler)
  const { channel } = a
  const arrived = once(b, 'stream')
  const stream = await a.streams.open()
  const back = readAll(stream)
  stream.write(Buffer.from('begin'))
  const [other] = await arrived
  const sent = ['begin']
  const echoing = readAll(other)
  while (channel.rekeys < 3) {
    const text = `part ${sent.length}`
    sent.push(text)
    stream.write(Buffer.from(text))
    await new Promise(resolve => setTimeout(resolve, 5))
  }
  stream.end()
  const there = await echoing
  assert.equal(there.toString(), sent.join(''))
  await writeAll(other, there)
  assert.equal((await back).toString(), sent.join(''))
})

test('datagrams go beside streams', within, async t => {
  const [listener, dialler] = await pair(t)
  const [a, b] = await connections(listener, dialler)
  if (b.peerIncarnation === null) await once(b, 'hello')
  const arrived = once(b, 'datagram')
  a.sendDatagram(Buffer.alloc(1100, 7))
  assert.equal((await arrived)[0].length, 1100)
  assert.throws(() => a.sendDatagram(Buffer.alloc(a.maxDatagram + 1)), /at most/)
})

test('a reset reaches the other side, and so does the wish to read no more', within, async t => {
  const [listener, dialler] = await pair(t)
  const [a, b] = await connections(listener, dialler)
  const arrived = once(b, 'stream')
  const stream = await a.streams.open()
  stream.write(Buffer.from('x'))
  const [other] = await arrived
  const reset = once(other, 'reset')
  stream.reset(5)
  assert.deepEqual(await reset, [5])
  const stopped = once(other, 'stopped')
  stream.stop(6)
  assert.deepEqual(await stopped, [6])
})

test('a close tells the other side', within, async t => {
  const [listener, dialler] = await pair(t)
  const [a, b] = await connections(listener, dialler)
  await echoOnce(a, b, Buffer.from('x'))
  const closed = once(b, 'close')
  await a.closeWhenDone()
  assert.deepEqual(await closed, [null])
})
