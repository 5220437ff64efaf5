import { createHash } from 'node:crypto'
import { datagramProtocol, flowHeader, readFlowHeader } from './flows.mjs'

// The protocols that the interop runs drive: echo, bulk, and datagrams that are sent back.

export const echoProtocol = '/psec-test/echo/1.0.0'
export const bulkProtocol = '/psec-test/bulk/1.0.0'
export const flowProtocol = '/psec-test/datagrams/1.0.0'
const limits = { maxInboundStreams: 256, maxOutboundStreams: 256 }
const piece = 64 * 1024

/** The bytes of a stream, with back-pressure: the next ones are asked for when these are used up. */
export async function * chunksOf (stream) {
  const queue = []
  let wake = () => {}
  let over = false
  let failure = null
  stream.addEventListener('message', ({ data }) => {
    queue.push(data.subarray())
    if (stream.readStatus === 'readable') stream.pause()
    wake()
  })
  const end = ({ error } = {}) => {
    failure ??= error
    over = true
    wake()
  }
  stream.addEventListener('end', () => end())
  stream.addEventListener('close', event => {
    if (event.error || stream.readableEnded) end(event)
  })
  for (;;) {
    while (queue.length > 0) yield queue.shift()
    if (failure) throw failure
    if (over || stream.readableEnded) return
    const woken = new Promise(resolve => { wake = resolve })
    if (stream.readStatus === 'paused') stream.resume()
    if (queue.length === 0 && !over && !stream.readableEnded) await woken
  }
}

export async function readAll (stream) {
  const parts = []
  for await (const part of chunksOf(stream)) parts.push(part)
  return Buffer.concat(parts)
}

export async function write (stream, bytes) {
  if (!stream.send(bytes)) await stream.onDrain()
}

/** Bytes that look random and are the same for the same seed: a generator of pieces. */
export function * pseudoRandom (size, seed) {
  let state = (seed >>> 0) || 1
  for (let at = 0; at < size; at += piece) {
    const words = new Uint32Array(piece / 4)
    for (let i = 0; i < words.length; i++) {
      state ^= state << 13
      state ^= state >>> 17
      state ^= state << 5
      words[i] = state
    }
    yield Buffer.from(words.buffer, 0, Math.min(piece, size - at))
  }
}

async function serveEcho (stream) {
  for await (const part of chunksOf(stream)) await write(stream, part)
  await stream.close()
}

async function serveBulk (stream) {
  const hash = createHash('sha256')
  let head = Buffer.alloc(0)
  let received = 0n
  for await (const part of chunksOf(stream)) {
    const missing = 8 - head.length
    if (missing > 0) head = Buffer.concat([head, part.subarray(0, missing)])
    const content = part.subarray(Math.max(0, missing))
    hash.update(content)
    received += BigInt(content.length)
  }
  if (head.length < 8 || head.readBigUInt64BE() !== received) throw new Error('the content has another size than announced')
  await write(stream, hash.digest())
  await stream.close()
}

/** The control stream names the protocol; after that only its end is to be heard. */
async function serveDatagrams (stream) {
  let head = Buffer.alloc(0)
  let flow = null
  for await (const part of chunksOf(stream)) {
    if (flow !== null) continue
    head = Buffer.concat([head, part])
    const protocol = readFlowHeader(head)
    if (protocol === null) continue
    if (protocol !== flowProtocol) throw new Error(`no flows of ${protocol} are served here`)
    flow = stream.flows.open(stream)
    flow.on('datagram', payload => flow.send(payload))
  }
  await stream.close()
}

export async function serveTestProtocols (node) {
  const serve = handler => stream => { handler(stream).catch(error => stream.abort(error)) }
  await node.handle(echoProtocol, serve(serveEcho), limits)
  await node.handle(bulkProtocol, serve(serveBulk), limits)
  await node.handle(datagramProtocol, serve(serveDatagrams), limits)
}

/** Sends bytes, ends, and compares what comes back. */
export async function echo (connection, size, seed) {
  const stream = await connection.newStream(echoProtocol)
  const sent = createHash('sha256')
  const back = readAll(stream)
  for (const part of pseudoRandom(size, seed)) {
    sent.update(part)
    await write(stream, part)
  }
  await stream.close()
  const received = await back
  if (received.length !== size || !createHash('sha256').update(received).digest().equals(sent.digest())) {
    throw new Error(`${received.length} of ${size} bytes came back, or they are others`)
  }
  return received.length
}

/** Sends content, and compares its hash with the receiver's. */
export async function bulk (connection, size, seed = 1) {
  const stream = await connection.newStream(bulkProtocol)
  const hash = createHash('sha256')
  const head = Buffer.alloc(8)
  head.writeBigUInt64BE(BigInt(size))
  const answer = readAll(stream)
  const began = performance.now()
  await write(stream, head)
  for (const part of pseudoRandom(size, seed)) {
    hash.update(part)
    await write(stream, part)
  }
  await stream.close()
  const theirs = await answer
  const own = hash.digest()
  if (!theirs.equals(own)) throw new Error('the receiver has another hash')
  return { sha256: own.toString('hex'), milliseconds: Math.round(performance.now() - began) }
}

/** Sends numbered datagrams over the given time, and counts those that come back. */
export async function datagrams (connection, count, size, seconds) {
  const stream = await connection.newStream(datagramProtocol)
  await write(stream, flowHeader(flowProtocol))
  const flow = stream.flows.open(stream)
  const back = new Set()
  const duplicates = { count: 0 }
  const all = new Promise(resolve => {
    flow.on('datagram', payload => {
      if (payload.length !== size) return
      const number = payload.readUInt32BE(0)
      if (back.has(number)) duplicates.count++
      back.add(number)
      if (back.size === count) resolve()
    })
  })
  const began = performance.now()
  let refused = 0
  for (let i = 0; i < count; i++) {
    const due = began + i * seconds * 1000 / count
    if (due > performance.now() + 1) await new Promise(resolve => setTimeout(resolve, due - performance.now()))
    const payload = Buffer.alloc(size, i)
    payload.writeUInt32BE(i, 0)
    if (!flow.send(payload)) refused++
  }
  const patience = new Promise(resolve => setTimeout(resolve, 2000).unref())
  await Promise.race([all, patience])
  await stream.close()
  return { sent: count - refused, refused, received: back.size, duplicates: duplicates.count }
}
