#!/usr/bin/env node
// A js-libp2p host over PacketSec that is driven by lines of JSON: see README.md.
import { createInterface } from 'node:readline'
import { randomBytes } from 'node:crypto'
import { parseArgs } from 'node:util'
import { peerIdFromString } from '@libp2p/peer-id'
import { multiaddr } from '@multiformats/multiaddr'
import { createHost } from './src/libp2p/node.mjs'
import { bulk, datagrams, echo } from './src/libp2p/test-protocols.mjs'

const { values } = parseArgs({
  options: {
    'key-seed': { type: 'string' },
    listen: { type: 'string', default: '0' },
    schemes: { type: 'string', default: 'p2pke-1,noise-xx-1,secret-handshake-1' },
    'lifetime-factor': { type: 'string', default: '1' },
    'rekey-ms': { type: 'string' }
  }
})

const seed = values['key-seed'] ? Buffer.from(values['key-seed'], 'hex') : randomBytes(32)
if (seed.length !== 32) throw new Error('--key-seed takes 64 hexadecimal digits')

const node = await createHost({
  seed,
  listen: Number(values.listen),
  schemes: values.schemes.split(','),
  lifetimeFactor: Number(values['lifetime-factor']),
  rekeyMs: values['rekey-ms'] && Number(values['rekey-ms'])
})

const print = object => process.stdout.write(JSON.stringify(object) + '\n')

function connectionTo (peer) {
  const [open] = node.getConnections(peerIdFromString(peer)).filter(c => c.status === 'open')
  if (!open) throw new Error(`there is no connection to ${peer}`)
  return open
}

const channelOf = peer => connectionTo(peer).maConn.channel

const commands = {
  // Who dials has a connection a moment before the other side has one.
  async connected ({ peer }) {
    const id = peerIdFromString(peer)
    while (!node.getConnections(id).some(c => c.status === 'open')) {
      await new Promise(resolve => node.addEventListener('connection:open', resolve, { once: true }))
    }
    return {}
  },

  async dial ({ address }) {
    const connection = await node.dial(multiaddr(address))
    return { peer: connection.remotePeer.toString(), address: connection.remoteAddr.toString(), direction: connection.direction }
  },

  async identify ({ peer }) {
    const result = await node.services.identify.identify(connectionTo(peer))
    return {
      peer: result.peerId.toString(),
      agent: result.agentVersion,
      protocols: result.protocols,
      addresses: result.listenAddrs.map(String),
      observed: result.observedAddr?.toString()
    }
  },

  async ping ({ peer, count = 1 }) {
    const rtts = []
    for (let i = 0; i < count; i++) rtts.push(await node.services.ping.ping(connectionTo(peer).remotePeer))
    return { rtts }
  },

  async echo ({ peer, size, seed: contentSeed = 1 }) { return { bytes: await echo(connectionTo(peer), size, contentSeed) } },

  async bulk ({ peer, size, seed: contentSeed = 1 }) { return bulk(connectionTo(peer), size, contentSeed) },

  async datagrams ({ peer, count, size, seconds = 0 }) { return datagrams(connectionTo(peer), count, size, seconds) },

  async connections ({ peer }) { return { count: node.getConnections(peer && peerIdFromString(peer)).length } },

  async rekeys ({ peer }) { return { count: channelOf(peer).rekeys, scheme: channelOf(peer).newest?.scheme.name } },

  async rekey ({ peer, count = 1 }) {
    const channel = channelOf(peer)
    for (let i = 0; i < count; i++) {
      const renewed = new Promise((resolve, reject) => {
        channel.once('session', resolve)
        channel.once('close', reason => reject(new Error(`the channel ended: ${reason}`)))
      })
      channel.rekey()
      await renewed
    }
    return { count: channel.rekeys }
  },

  async close ({ peer }) {
    await connectionTo(peer).close()
    return {}
  },

  async stop () {
    await node.stop()
    return {}
  }
}

async function run (line) {
  let id = null
  try {
    const { id: given, command, ...rest } = JSON.parse(line)
    id = given ?? null
    if (!Object.hasOwn(commands, command)) throw new Error(`unknown command ${command}`)
    print({ id, ok: true, ...await commands[command](rest) })
    if (command === 'stop') process.exit(0)
  } catch (error) {
    print({ id, ok: false, error: error.message })
  }
}

print({ type: 'listening', peer: node.peerId.toString(), addresses: node.getMultiaddrs().map(String) })
const lines = createInterface({ input: process.stdin })
lines.on('line', line => { if (line.trim() !== '') run(line) })
async function stop () {
  await node.stop()
  process.exit(0)
}
lines.on('close', stop)
process.on('SIGTERM', stop)
process.on('SIGINT', stop)
