#!/usr/bin/env node
// Plain datagrams on a channel, to be used by hand beside psec and psec-go: see README.md.
import { randomBytes } from 'node:crypto'
import { parseArgs } from 'node:util'
import { Endpoint, schemeNames } from './src/core/endpoint.mjs'
import { Identity, peerIdOf, peerIdOfText, textOfPeerId } from './src/core/identity.mjs'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    'key-seed': { type: 'string' },
    port: { type: 'string', default: '0' },
    host: { type: 'string', default: '127.0.0.1' },
    scheme: { type: 'string', default: schemeNames.join(',') },
    direct: { type: 'boolean', default: false },
    count: { type: 'string', default: '10' },
    size: { type: 'string', default: '64' },
    'interval-ms': { type: 'string', default: '10' },
    'lifetime-factor': { type: 'string', default: '1' }
  }
})

const [mode, target] = positionals
if (mode !== 'listen' && mode !== 'dial') {
  console.error('usage: node channel.mjs listen [--port N] | dial PEERID@HOST:PORT [--count N] [--size B] [--interval-ms T]\n' +
    '       both: [--key-seed HEX] [--scheme NAME,…] [--direct] [--lifetime-factor F]')
  process.exit(2)
}

const schemes = values.scheme.split(',')
const identity = new Identity(values['key-seed'] ? Buffer.from(values['key-seed'], 'hex') : randomBytes(32))
const endpoint = new Endpoint({
  identity,
  schemes,
  direct: values.direct ? schemes[0] : null,
  allowMixture: true,
  lifetimeFactor: Number(values['lifetime-factor'])
})
await endpoint.bind(Number(values.port), values.host)
const print = object => console.log(JSON.stringify(object))
const about = channel => ({ peer: textOfPeerId(peerIdOf(channel.remoteKey)), scheme: channel.newest?.scheme.name, initiator: channel.newest?.initiator })

async function stop () {
  await endpoint.close()
  print({ type: 'stopped', drops: Object.fromEntries(endpoint.drops) })
  process.exit(0)
}
process.on('SIGINT', stop)
process.on('SIGTERM', stop)

function watch (channel) {
  channel.on('session', session => print({ type: 'session', initiator: session.initiator, rekeys: channel.rekeys }))
  channel.on('close', reason => print({ type: 'closed', reason }))
}

if (mode === 'listen') {
  print({ type: 'listening', address: `${identity}@${values.host}:${endpoint.port}` })
  endpoint.on('channel', channel => {
    print({ type: 'channel', ...about(channel) })
    watch(channel)
    channel.on('data', payload => channel.send(payload))
  })
} else {
  const [, peer, host, port] = /^([^@]+)@(.+):(\d+)$/.exec(target ?? '') ?? []
  if (!port) throw new Error('dial takes PEERID@HOST:PORT')
  const count = Number(values.count)
  const size = Math.max(4, Number(values.size))
  const began = performance.now()
  const dial = { address: host, port: Number(port), peerId: peerIdOfText(peer), schemes, direct: values.direct }
  const channel = await endpoint.dial(dial).catch(error => {
    print({ type: 'failed', error: error.message, drops: Object.fromEntries(endpoint.drops) })
    process.exit(1)
  })
  print({ type: 'channel', milliseconds: Math.round(performance.now() - began), ...about(channel) })
  watch(channel)
  const back = new Set()
  const all = new Promise(resolve => {
    channel.on('data', payload => {
      back.add(payload.readUInt32BE(0))
      if (back.size === count) resolve()
    })
  })
  for (let i = 0; i < count; i++) {
    const payload = Buffer.alloc(size, i)
    payload.writeUInt32BE(i, 0)
    channel.send(payload)
    await new Promise(resolve => setTimeout(resolve, Number(values['interval-ms'])))
  }
  await Promise.race([all, new Promise(resolve => setTimeout(resolve, 3000))])
  print({ type: 'echoed', sent: count, received: back.size, rekeys: channel.rekeys })
  await stop()
}
