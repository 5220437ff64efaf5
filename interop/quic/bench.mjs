// One stream over QUIC between two processes, by the binding of quinn that js-libp2p's QUIC transport is built on, without libp2p above it.
//
//   node bench.mjs receive        prints {"port":N}, and {"bytes":N,"cpu_us":N} after each stream
//   node bench.mjs send PORT      reads a number of bytes from each line of standard input, sends them on a new stream, and prints
//                                 {"bytes":N,"seconds":S,"cpu_us":N} when the receiver has said that it has them all
//
// Both end with their standard input.
import { generateKeyPairSync } from 'node:crypto'
import { createRequire } from 'node:module'
import { createInterface } from 'node:readline'

const quic = createRequire(import.meta.url)('@chainsafe/libp2p-quic-linux-x64-gnu')

const writeSize = 256 * 1024
const readSize = 256 * 1024
const countSize = 8

function createConfig () {
  const { privateKey } = generateKeyPairSync('ed25519')
  const { d, x } = privateKey.export({ format: 'jwk' })
  // libp2p's protobuf of an Ed25519 key: type 1, then 64 bytes.
  const privateKeyProto = Buffer.concat([Buffer.from([8, 1, 18, 64]), Buffer.from(d, 'base64url'), Buffer.from(x, 'base64url')])
  return new quic.QuinnConfig({
    privateKeyProto,
    handshakeTimeout: 5_000,
    maxIdleTimeout: 60_000,
    keepAliveInterval: 5_000,
    maxConcurrentStreamLimit: 256,
    // The windows that the other side of the comparison grows to, and its socket buffers.
    maxStreamData: 8 * 1024 * 1024,
    maxConnectionData: 16 * 1024 * 1024,
    receiveBufferSize: 4 * 1024 * 1024,
    sendBufferSize: 4 * 1024 * 1024
  })
}

function say (line) {
  process.stdout.write(JSON.stringify(line) + '\n')
}

function cpuSince (before) {
  const { user, system } = process.cpuUsage(before)
  return user + system
}

async function receive () {
  const server = new quic.Server(createConfig(), '127.0.0.1', 0)
  say({ port: server.port() })
  const connection = await server.inboundConnection()
  while (true) {
    const stream = await connection.inboundStream()
    const before = process.cpuUsage()
    let bytes = 0
    for (let chunk = await stream.read(readSize); chunk != null; chunk = await stream.read(readSize)) {
      bytes += chunk.length
    }

    const count = Buffer.alloc(countSize)
    count.writeBigUInt64BE(BigInt(bytes))
    await stream.write(count)
    await stream.finishWrite()
    say({ bytes, cpu_us: cpuSince(before) })
  }
}

async function send (port) {
  const client = new quic.Client(createConfig(), 0)
  const connection = await client.outboundConnection('127.0.0.1', port)
  const buffer = Buffer.alloc(writeSize, 0x5a)
  for await (const line of createInterface({ input: process.stdin })) {
    const bytes = Number(line)
    const stream = await connection.outboundStream()
    const before = process.cpuUsage()
    const begun = process.hrtime.bigint()
    for (let sent = 0; sent < bytes; sent += writeSize) {
      await stream.write(bytes - sent < writeSize ? buffer.subarray(0, bytes - sent) : buffer)
    }

    await stream.finishWrite()
    const parts = []
    for (let chunk = await stream.read(countSize); chunk != null; chunk = await stream.read(countSize)) {
      parts.push(chunk)
    }

    const seconds = Number(process.hrtime.bigint() - begun) / 1e9
    if (Buffer.concat(parts).readBigUInt64BE() !== BigInt(bytes)) {
      throw new Error('The receiver counted another number of bytes.')
    }

    say({ bytes, seconds, cpu_us: cpuSince(before) })
  }
}

const [role, port] = process.argv.slice(2)
if (role === 'receive') {
  process.stdin.on('end', () => process.exit(0)).resume()
  await receive()
} else if (role === 'send') {
  await send(Number(port))
  process.exit(0)
} else {
  console.error('Usage: node bench.mjs receive | send PORT')
  process.exit(2)
}
