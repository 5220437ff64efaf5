import { once } from 'node:events'
import { createHash, randomBytes } from 'node:crypto'
import { Endpoint } from '../src/core/endpoint.mjs'
import { Identity } from '../src/core/identity.mjs'
import { StreamLayer } from '../src/streams/layer.mjs'

export const within = { timeout: 30000 }

export async function endpoint (t, options = {}) {
  const made = new Endpoint({ identity: new Identity(randomBytes(32)), allowMixture: true, ...options })
  await made.bind()
  t.after(() => made.close())
  return made
}

export const pair = (t, listener = {}, dialler = {}) => Promise.all([endpoint(t, listener), endpoint(t, dialler)])

export const to = (target, more = {}) => ({ address: '127.0.0.1', port: target.port, peerId: target.identity.peerId, ...more })
export const channelOf = target => once(target, 'channel').then(([channel]) => channel)

/** Two connections over a channel: the dialler's and the listener's. */
export async function connections (listener, dialler, more = {}, options = {}) {
  const accepted = channelOf(listener)
  const mine = new StreamLayer(await dialler.dial(to(listener, more)), options)
  const theirs = new StreamLayer(await accepted, options)
  return [mine.connection, theirs.connection, mine, theirs]
}

export const sha256 = bytes => createHash('sha256').update(bytes).digest('hex')

/** All that comes on a stream until its end. */
export function readAll (stream) {
  return new Promise((resolve, reject) => {
    const parts = []
    const pull = () => {
      for (;;) {
        const got = stream.read()
        if (got === null) break
        parts.push(...got)
      }
      if (stream.ended) resolve(Buffer.concat(parts))
    }
    stream.on('readable', pull)
    stream.on('reset', code => reject(new Error(`reset with code ${code}`)))
    stream.on('closed', error => reject(error ?? new Error('the connection closed')))
    pull()
  })
}

/** Writes all with back-pressure and ends the stream. */
export async function writeAll (stream, bytes, piece = 65536) {
  for (let at = 0; at < bytes.length; at += piece) {
    if (!stream.write(bytes.subarray(at, at + piece))) await once(stream, 'drain')
  }
  stream.end()
}
