import test from 'node:test'
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { randomBytes } from 'node:crypto'
import { Endpoint, schemeNames } from '../src/core/endpoint.mjs'
import { Identity, hiddenPeerId, peerIdOf } from '../src/core/identity.mjs'
import { LossyRelay } from '../support/lossy-relay.mjs'
import { channelOf, pair, to, within } from '../support/ends.mjs'

const message = channel => once(channel, 'data').then(([payload]) => payload.toString())

async function exchange (a, b) {
  const there = message(b)
  a.send(Buffer.from('there'))
  assert.equal(await there, 'there')
  const back = message(a)
  b.send(Buffer.from('back'))
  assert.equal(await back, 'back')
}

for (const scheme of schemeNames) {
  for (const direct of [false, true]) {
    test(`${scheme}${direct ? ' in direct mode' : ''}: datagrams both ways`, within, async t => {
      const [b, a] = await pair(t, { schemes: [scheme], direct: direct ? scheme : null }, { schemes: [scheme] })
      const accepted = channelOf(b)
      const dialled = await a.dial(to(b, { schemes: [scheme], direct }))
      const theirs = await accepted
      assert.deepEqual(theirs.remoteKey, a.identity.key)
      await exchange(dialled, theirs)
      assert.equal(dialled.sessions.length, 1)
      const closed = once(theirs, 'close')
      await dialled.close()
      assert.deepEqual(await closed, ['closed by the peer'])
    })
  }

  test(`${scheme}: both sides dial at once`, within, async t => {
    const [a, b] = await pair(t, { schemes: [scheme] }, { schemes: [scheme] })
    const [x, y] = await Promise.all([a.dial(to(b)), b.dial(to(a))])
    await exchange(x, y)
    await exchange(y, x)
    assert.equal(a.channels.length, 1)
    assert.equal(b.channels.length, 1)
    assert.equal(x.sessions.length, 1)
    assert.equal(y.sessions.length, 1)
  })

  test(`${scheme}: whoever answers must be who was dialled`, within, async t => {
    const [b, a] = await pair(t, { schemes: [scheme] }, { schemes: [scheme] })
    const dial = a.dial(to(b, { peerId: new Identity(randomBytes(32)).peerId }))
    await assert.rejects(dial, { reason: scheme === 'secret-handshake-1' ? 'timed out' : 'WrongIdentity' })
    assert.equal(a.channels.length, 0)
    assert.equal(b.channels.length, 0)
  })
}

for (const schemes of [...schemeNames.map(name => [name]), schemeNames]) {
  for (const seed of [1, 2, 3]) {
    test(`${schemes.join(', ')}: what is forged, repeated or lost keeps nobody apart (${seed})`, within, async t => {
      const [b, a] = await pair(t, { schemes }, { schemes })
      const relay = new LossyRelay(b.port, { loss: 0.2, forge: 0.9, seed })
      const port = await relay.listen()
      t.after(() => relay.close())
      const accepted = channelOf(b)
      const dialled = await a.dial(to(b, { port }))
      const theirs = await accepted
      const received = new Set()
      const all = new Promise(resolve => {
        theirs.on('data', payload => {
          assert.ok(!received.has(payload.toString()) || payload.toString() === 'last', 'a datagram came twice')
          received.add(payload.toString())
          if (payload.toString() === 'last') resolve()
        })
      })
      for (let i = 0; i < 50; i++) dialled.send(Buffer.from(`datagram ${i}`))
      const again = setInterval(() => { if (!received.has('last')) dialled.send(Buffer.from('last')) }, 100)
      t.after(() => clearInterval(again))
      await all
      for (const text of received) assert.match(text, /^(datagram \d+|last)$/)
      assert.ok(relay.forged > 0)
      assert.equal(theirs.sessions.length, 1)
    })
  }
}

test('what cannot be dialled or served is refused to the caller', within, async t => {
  const [a] = await pair(t)
  const other = new Identity(randomBytes(32))
  const mixed = { identity: other, schemes: ['p2pke-1', 'secret-handshake-1'] }
  assert.throws(() => new Endpoint(mixed), /mixture/)
  assert.throws(() => new Endpoint({ ...mixed, schemes: ['p2pke-1'], direct: 'secret-handshake-1' }), /mixture/)
  assert.throws(() => new Endpoint({ ...mixed, schemes: ['other-1'] }), /unknown scheme/)
  const dial = (peerId, more) => a.dial(to(a, { peerId, ...more }))
  await assert.rejects(dial(a.identity.peerId), /OwnKey/)
  await assert.rejects(dial(other.peerId, { schemes: ['other-1'] }), /unknown scheme/)
  await assert.rejects(dial(peerIdOf(Buffer.concat([Buffer.from([1]), Buffer.alloc(31)]))), /nobody/)
  await assert.rejects(dial(hiddenPeerId(Buffer.alloc(32))), /Ed25519/)
})

test('who is not allowed is refused, and is told so where the scheme does not hide', within, async t => {
  for (const scheme of schemeNames) {
    const [b, a] = await pair(t, { schemes: [scheme], allow: () => false }, { schemes: [scheme] })
    const dial = a.attempt(a.state('127.0.0.1', b.port), b.identity.key, [scheme], false, scheme === 'secret-handshake-1' ? 1000 : 10000)
    await assert.rejects(dial.promise, { reason: scheme === 'secret-handshake-1' ? 'timed out' : 'Refused' })
    assert.equal(a.channels.length + b.channels.length, 0)
    assert.ok(b.drops.get('Refused') > 0)
  }
})

for (const scheme of schemeNames) {
  for (const direct of [false, true]) {
    test(`${scheme}${direct ? ' in direct mode' : ''}: who has lost the sessions gets another one, by what is sent`, within, async t => {
      const served = { schemes: [scheme], direct: direct ? scheme : null }
      const [b, a] = await pair(t, served, served)
      const accepted = channelOf(b)
      const dialled = await a.dial(to(b, { schemes: [scheme], direct }))
      const theirs = await accepted
      await exchange(dialled, theirs)
      for (const [loser, other] of [[dialled, theirs], [theirs, dialled]]) {
        for (const session of [...loser.sessions]) loser.endpoint.endSession(session)
        const arrived = message(other)
        loser.send(Buffer.from('again'))
        assert.equal(await arrived, 'again')
        const back = message(loser)
        other.send(Buffer.from('and back'))
        assert.equal(await back, 'and back')
      }
    })
  }
}

test('sessions that are renewed often do not end those that are newer', within, async t => {
  const [b, a] = await pair(t, { rekeyMs: 200 }, { rekeyMs: 200 })
  const accepted = channelOf(b)
  const dialled = await a.dial(to(b))
  const theirs = await accepted
  theirs.on('data', payload => theirs.send(payload))
  let next = 0
  const back = []
  const all = new Promise(resolve => dialled.on('data', payload => {
    back.push(payload.readUInt32BE(0))
    if (dialled.rekeys >= 25 && back.length === next) resolve()
  }))
  const sending = setInterval(() => {
    if (dialled.rekeys >= 25) return clearInterval(sending)
    const payload = Buffer.alloc(4)
    payload.writeUInt32BE(next++)
    dialled.send(payload)
  }, 5)
  t.after(() => clearInterval(sending))
  await all
  assert.deepEqual(back.sort((x, y) => x - y), Array.from({ length: next }, (_, i) => i))
  assert.ok(dialled.sessions.length > 0)
})
