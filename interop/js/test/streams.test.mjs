import test from 'node:test'
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { randomBytes } from 'node:crypto'
import { LossyRelay } from '../support/lossy-relay.mjs'
import { channelOf, connections, pair, readAll, sha256, to, within, writeAll } from '../support/ends.mjs'
import { concat, varint } from '../src/core/bytes.mjs'
import { ownParameters } from '../src/streams/connection.mjs'
import { code, helloFrame, minima, readFrames, readNumber, type } from '../src/streams/frames.mjs'
import { StreamLayer } from '../src/streams/layer.mjs'

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

test('a connection whose peer is silent for the idle timeout ends', within, async t => {
  const [listener, dialler] = await pair(t)
  const relay = new LossyRelay(listener.port, {})
  const port = await relay.listen()
  t.after(() => relay.close())
  const [a, b] = await connections(listener, dialler, { port }, { parameters: { ...ownParameters, idleTimeout: 400 } })
  await echoOnce(a, b, Buffer.from('x'))
  const closed = once(a, 'close')
  relay.loss = 1
  assert.match((await closed)[0].message, /idle timeout/)
})

test('a connection that is kept alive outlives the idle timeout', within, async t => {
  const [listener, dialler] = await pair(t)
  const [a] = await connections(listener, dialler, {}, { keepAlive: true, parameters: { ...ownParameters, idleTimeout: 300 } })
  const began = a.startedAt
  await new Promise(resolve => {
    const look = setInterval(() => {
      if (a.lastReceived < began + 1000 && a.state === 'open') return
      clearInterval(look)
      resolve()
    }, 20)
  })
  assert.equal(a.state, 'open')
})

/** A channel whose one end speaks streams: the connection, and the channel of the other end. */
async function halfPair (t) {
  const [listener, dialler] = await pair(t)
  const accepted = channelOf(listener)
  const channel = await dialler.dial(to(listener))
  const { connection } = new StreamLayer(await accepted)
  return [connection, channel]
}

test('a peer that sends plain datagrams is told from one that speaks streams', within, async t => {
  const [connection, channel] = await halfPair(t)
  const closed = once(connection, 'close')
  channel.send(Buffer.from('hello, this is no packet of streams'))
  assert.match((await closed)[0].message, /plain datagrams/)
})

test('a peer of another version is told so', within, async t => {
  const [connection, channel] = await halfPair(t)
  const closed = once(connection, 'close')
  const told = new Promise(resolve => {
    channel.on('data', payload => {
      const frames = readFrames(readNumber(payload).reader)
      const close = frames.find(f => f.type === type.close)
      if (close) resolve(close.code)
    })
  })
  channel.send(concat(varint(0), varint(type.hello), varint(2), varint(1), Buffer.from([0])))
  assert.match((await closed)[0].message, /another version/)
  assert.equal(await told, code.otherVersion)
})

test('what a peer may not do closes the connection', within, async t => {
  const hello = helloFrame(Buffer.alloc(16, 1), Buffer.alloc(16), minima)
  const frames = {
    [code.streamLimit]: concat(varint(0x0a), varint(4 * ownParameters.maxStreamsBoth + 1), varint(1), Buffer.from('x')),
    [code.streamState]: concat(varint(type.maxStreamData), varint(0), varint(5)),
    [code.flowControl]: concat(varint(0x0e), varint(1), varint(ownParameters.maxStreamData), varint(1), Buffer.from('x')),
    [code.finalSize]: concat(varint(0x0f), varint(1), varint(5), varint(1), Buffer.from('x'), varint(0x0e), varint(1), varint(6), varint(1), Buffer.from('y')),
    [code.frameEncoding]: varint(0x1e)
  }
  for (const [expected, frame] of Object.entries(frames)) {
    const [connection, channel] = await halfPair(t)
    connection.even = true
    const closed = once(connection, 'close')
    const told = new Promise(resolve => {
      channel.on('data', payload => {
        const close = readFrames(readNumber(payload).reader).find(f => f.type === type.close)
        if (close) resolve(close.code)
      })
    })
    channel.send(concat(varint(0), hello))
    channel.send(concat(varint(1), hello, frame))
    await closed
    assert.equal(await told, Number(expected))
  }
})

test('packets of a connection that is over change nothing, and come twice without effect', within, async t => {
  const [connection, channel] = await halfPair(t)
  const packet = (number, believed, ...frames) => concat(varint(number), helloFrame(Buffer.alloc(16, 1), believed, minima), ...frames)
  const datagrams = []
  connection.onDatagrams(data => datagrams.push(data.toString()))
  const say = (number, believed, text) => channel.send(packet(number, believed, varint(type.datagram), Buffer.from(text)))
  say(0, Buffer.alloc(16, 9), 'to another incarnation')
  say(0, Buffer.alloc(16), 'first')
  say(0, Buffer.alloc(16), 'again')
  say(1, connection.incarnation, 'second')
  channel.send(concat(varint(2), helloFrame(Buffer.alloc(16, 2), Buffer.alloc(16), minima), varint(type.datagram), Buffer.from('of another incarnation')))
  say(3, connection.incarnation, 'last')
  while (datagrams.at(-1) !== 'last') await once(connection, 'datagram')
  assert.deepEqual(datagrams, ['first', 'second', 'last'])
  assert.equal(connection.state, 'open')
})
