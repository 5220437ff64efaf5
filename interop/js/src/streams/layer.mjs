import { EventEmitter } from 'node:events'
import { Connection } from './connection.mjs'
import { comparePeerIds, peerIdOf } from '../core/identity.mjs'

/** The stream layer of a channel: one connection after another. Events: 'connection' when a peer that restarted began a new one. */
export class StreamLayer extends EventEmitter {
  constructor (channel, options = {}) {
    super()
    this.channel = channel
    this.even = comparePeerIds(channel.endpoint.identity.peerId, peerIdOf(channel.remoteKey)) < 0
    this.options = options
    this.#begin()
    channel.on('data', (payload, session) => this.#onData(payload, session))
    channel.on('session', session => this.connection.onSession(session))
    channel.on('sendable', () => this.connection.onSession(null))
    channel.on('close', reason => this.connection.onChannelClosed(reason))
  }

  #begin () {
    const connection = new Connection(this.channel, { even: this.even, ...this.options })
    this.connection = connection
    connection.on('restarted', (session, payload) => {
      this.#begin()
      this.connection.onPacket(payload, session)
      this.emit('connection', this.connection)
    })
  }

  #onData (payload, session) {
    this.connection.onPacket(payload, session)
  }
}
