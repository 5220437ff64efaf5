import { EventEmitter } from 'node:events'
import { Reader, concat, leb, varint } from '../core/bytes.mjs'

export const datagramProtocol = '/dg/1'
const earlyBytes = 65536
const earlyDatagrams = 64
const longestName = 1024
const utf8 = new TextDecoder('utf-8', { fatal: true })

/** What the opener of a flow says on its control stream: the application's protocol. */
export const flowHeader = protocol => concat(leb(protocol.length), Buffer.from(protocol))

/** The protocol that a control stream begins with, read as its bytes come, or null while some are missing. */
export function readFlowHeader (bytes) {
  let missing = false
  const reader = new Reader(bytes, () => { missing = true })
  const length = reader.leb()
  if (missing) return null
  if (length === 0 || length > longestName) throw new Error('the control stream names no protocol')
  return reader.left < length ? null : utf8.decode(reader.take(length))
}

/** The unreliable flows of a connection: each belongs to a control stream that negotiated /dg/1. */
export class Flows {
  #flows = new Map()
  #early = [] // [stream, payload]: what came before its flow was there
  #earlyBytes = 0

  constructor (connection) {
    this.connection = connection
    connection.onDatagrams(datagram => this.#onDatagram(datagram))
  }

  /** The flow of a stream that has negotiated /dg/1; it ends with the stream. */
  open (stream) {
    const { id } = stream.native
    const flow = new Flow(this.connection, stream)
    this.#flows.set(id, flow)
    const end = () => {
      if (!this.#flows.delete(id)) return
      flow.emit('end')
    }
    stream.addEventListener('remoteCloseWrite', end)
    stream.addEventListener('close', end)
    const early = this.#early.filter(([of]) => of === id)
    this.#early = this.#early.filter(([of]) => of !== id)
    for (const [, payload] of early) this.#earlyBytes -= payload.length
    setImmediate(() => { for (const [, payload] of early) flow.emit('datagram', payload) })
    return flow
  }

  #onDatagram (datagram) {
    let malformed = false
    const reader = new Reader(datagram, () => { malformed = true })
    const id = reader.left > 0 ? reader.varint() : 0
    if (malformed || datagram.length === 0) return
    const payload = datagram.subarray(reader.at)
    const flow = this.#flows.get(id)
    if (flow) flow.emit('datagram', payload)
    else if (!this.connection.streams.isOver(id)) this.#keep(id, payload)
  }

  /** The oldest makes place for the newest. */
  #keep (id, payload) {
    this.#early.push([id, payload])
    this.#earlyBytes += payload.length
    while (this.#early.length > earlyDatagrams || this.#earlyBytes > earlyBytes) this.#earlyBytes -= this.#early.shift()[1].length
  }
}

/** Events: 'datagram' (payload), 'end'. */
class Flow extends EventEmitter {
  constructor (connection, stream) {
    super()
    this.connection = connection
    this.stream = stream
    this.prefix = varint(stream.native.id)
  }

  get maxPayload () { return this.connection.maxDatagram - this.prefix.length }

  /** False when the flow is over, or too much waits to be sent already. */
  send (payload) {
    const over = this.stream.writeStatus !== 'writable' || this.stream.remoteWriteStatus !== 'writable'
    return !over && this.connection.sendDatagram(concat(this.prefix, payload))
  }
}
