import test from 'node:test'
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { multiaddr } from '@multiformats/multiaddr'
import { parseAddress, psecCode, psecSchemeCode } from '../src/libp2p/addresses.mjs'
import { createHost } from '../src/libp2p/node.mjs'
import { bulk, datagrams, echo } from '../src/libp2p/test-protocols.mjs'
import { schemeNames } from '../src/core/endpoint.mjs'
import { LossyRelay } from '../support/lossy-relay.mjs'
import { within } from '../support/ends.mjs'

async function host (t, options = {}) {
  const node = await createHost({ seed: randomBytes(32), ...options })
  t.after(() => node.stop())
  return node
}

/** Resolves when the condition holds after one of the node's events. */
async function until (node, events, condition) {
  while (!condition()) await new Promise(resolve => { for (const name of events) node.addEventListener(name, resolve, { once: true }) })
}

const oneEach = (a, b) => Promise.all([[a, b], [b, a]].map(([x, y]) =>
  until(x, ['connection:open', 'connection:close'], () => x.getConnections(y.peerId).length === 1)))

test('addresses are written and read in both forms', () => {
  const id = '12D3KooWLnUQE2EVrSgn21BAB83HvNdYP5b9SZ3zUWbC3d5ko75i'
  const text = `/ip4/127.0.0.1/udp/4001/psec/psec-scheme/p2pke-1/psec-scheme/noise-xx-1/p2p/${id}`
  const again = multiaddr(multiaddr(text).bytes)
  assert.equal(again.toString(), text)
  assert.deepEqual(again.getComponents().map(c => c.code).slice(2, 4), [psecCode, psecSchemeCode])
  assert.deepEqual(parseAddress(again), { host: '127.0.0.1', port: 4001, schemes: ['p2pke-1', 'noise-xx-1'], peerId: id })
  assert.deepEqual(parseAddress(multiaddr(`/ip6/::1/udp/1/p2p/${id}`)), { host: '::1', port: 1, schemes: null, peerId: id })
  const others = ['/ip4/127.0.0.1/udp/4001/quic-v1', '/ip4/127.0.0.1/tcp/1/psec', '/ip4/127.0.0.1/udp/1/psec/psec-scheme/a/psec-scheme/a']
  for (const other of others) assert.equal(parseAddress(multiaddr(other)), null)
  assert.equal(Buffer.from(multiaddr('/psec').bytes).toString('hex'), '8180c001')
})

for (const schemes of [...schemeNames.map(name => [name]), schemeNames, schemeNames.slice(1)]) {
  test(`a host with ${schemes.join(', ')} serves every protocol to another`, within, async t => {
    const [a, b] = [await host(t, { schemes }), await host(t, { schemes })]
    const connection = await a.dial(b.getMultiaddrs())
    await oneEach(a, b)
    assert.ok(await a.services.ping.ping(b.peerId) >= 0)
    const { peerId, protocols } = await a.services.identify.identify(connection)
    assert.ok(peerId.equals(b.peerId))
    assert.ok(protocols.includes('/dg/1'))
    await echo(connection, 200000, 1)
    await echo(b.getConnections(a.peerId)[0], 1, 2)
    await bulk(connection, 1000000)
    const { received, duplicates } = await datagrams(connection, 20, 1000, 0.2)
    assert.equal(received, 20)
    assert.equal(duplicates, 0)
  })
}

for (const schemes of [...schemeNames.map(name => [name]), schemeNames]) {
  test(`two hosts with ${schemes.join(', ')} that dial each other have one connection`, within, async t => {
    const [a, b] = [await host(t, { schemes }), await host(t, { schemes })]
    const [x, y] = await Promise.all([a.dial(b.getMultiaddrs()), b.dial(a.getMultiaddrs())])
    await oneEach(a, b)
    await Promise.all([echo(x, 10000, 1), echo(y, 10000, 2)])
    assert.equal(a.getConnections().length, 1)
    assert.equal(b.getConnections().length, 1)
    assert.ok((await a.dial(b.getMultiaddrs())) === x)
  })
}

test('a peer with another ID than the dialled one is refused', within, async t => {
  const [a, b, other] = [await host(t), await host(t), await host(t)]
  const address = multiaddr(b.getMultiaddrs()[0].toString().replace(b.peerId.toString(), other.peerId.toString()))
  await assert.rejects(a.dial(address))
  assert.equal(a.getConnections().length, 0)
  assert.equal(b.getConnections().length, 0)
})

test('content comes whole over a path that loses every tenth datagram', { timeout: 60000 }, async t => {
  const [a, b] = [await host(t), await host(t)]
  const relay = new LossyRelay(parseAddress(b.getMultiaddrs()[0]).port, { loss: 0.1 })
  const port = await relay.listen()
  t.after(() => relay.close())
  const connection = await a.dial(multiaddr(`/ip4/127.0.0.1/udp/${port}/psec/p2p/${b.peerId}`))
  await bulk(connection, 1000000)
  await echo(connection, 200000, 3)
  assert.ok(relay.lost > 0)
})

for (const schemes of schemeNames.map(name => [name])) {
  test(`sessions of ${schemes} are renewed in the middle of a transfer`, within, async t => {
    const short = { rekeyMs: 300, schemes }
    const [a, b] = [await host(t, short), await host(t, short)]
    const connection = await a.dial(b.getMultiaddrs())
    const { channel } = connection.maConn
    do await bulk(connection, 2000000)
    while (channel.rekeys < 3)
    assert.equal(connection.status, 'open')
    assert.equal(a.getConnections().length, 1)
  })
}

test('a peer that restarts without a word is reached again, by a new connection on both sides', within, async t => {
  const seed = randomBytes(32)
  const a = await host(t)
  const b = await host(t, { seed })
  const address = b.getMultiaddrs()[0]
  const { port } = parseAddress(address)
  const old = await a.dial(address)
  await echo(old, 1000, 1)
  // The process dies: its socket is gone at once, and nothing is said.
  const { endpoint } = old.maConn.channel
  const theirs = b.getConnections(a.peerId)[0].maConn.channel.endpoint
  theirs.send = () => {}
  await b.stop()
  assert.equal(old.status, 'open')
  const again = await host(t, { seed, listen: port })
  const closed = until(a, ['connection:close'], () => old.status !== 'open')
  await again.dial(a.getMultiaddrs())
  await closed
  await oneEach(a, again)
  await echo(again.getConnections(a.peerId)[0], 1000, 2)
  await echo(a.getConnections(again.peerId)[0], 1000, 3)
  assert.equal(endpoint.channels.length, 1)
})

for (const schemes of schemeNames.map(name => [name])) {
  test(`a connection with ${schemes} that was closed is made again at once, by either side`, within, async t => {
    const [a, b] = [await host(t, { schemes }), await host(t, { schemes })]
    for (const [x, y] of [[a, b], [a, b], [b, a], [b, a]]) {
      const connection = await x.dial(y.getMultiaddrs())
      await echo(connection, 1000, 1)
      await connection.close()
      assert.equal(x.getConnections(y.peerId).length, 0)
    }
  })
}

test('many streams at once keep their bytes apart', within, async t => {
  const [a, b] = [await host(t), await host(t)]
  const connection = await a.dial(b.getMultiaddrs())
  await oneEach(a, b)
  const [back] = b.getConnections(a.peerId)
  await Promise.all(Array.from({ length: 40 }, (_, i) => echo(i % 2 ? connection : back, 20000 + i, i + 1)))
  const streams = () => connection.streams.filter(s => s.protocol.startsWith('/psec-test')).length
  assert.equal(streams(), 0)
})
