import { EventEmitter } from 'node:events'
import { Reader, concat, varint } from '../core/bytes.mjs'

export const datagramProtocol = '/dg/1'
const earlyBytes = 256 * 1024

/** The unreliable flows of a connection: each belongs to a control stream that negotiated /dg/1. */
export class Flows {
  #flows = new Map()
  #early = new Map() // by stream: what came before its flow was there
  #earlyBytes = 0

  constructor (connection) {
    this.connection = connection
    connection.onDatagrams(datagram => this.#onDatagram(datagram))
  }

  /** The flow of a stream that has negotiated /dg/1; it ends with the stream. */
  open (stream) {
    const { id } = stream.native
    const flow = new Flow(this.connection, id)
    this.#flows.set(id, flow)
    const end = () => {
      if (!this.#flows.delete(id)) return
      flow.emit('end')
    }
    stream.addEventListener('remoteCloseWrite', end)
    stream.addEventListener('close', end)
    const early = this.#early.get(id) ?? []
    this.#early.delete(id)
    setImmediate(() => {
      for (const payload of early) {
        this.#earlyBytes -= payload.length
        flow.emit('datagram', payload)
      }
    })
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
    else if (!this.connection.streams.isOver(id) && this.#earlyBytes + payload.length <= earlyBytes) {
      this.#earlyBytes += payload.length
      this.#early.set(id, [...this.#early.get(id) ?? [], payload])
    }
  }
}

/** Events: 'datagram' (payload), 'end'. */
class Flow extends EventEmitter {
  constructor (connection, id) {
    super()
    this.connection = connection
    this.prefix = varint(id)
  }

  get maxPayload () { return this.connection.maxDatagram - this.prefix.length }

  /** False when too much waits to be sent already. */
  send (payload) { return this.connection.sendDatagram(concat(this.prefix, payload)) }
}
