import { AbstractMultiaddrConnection, AbstractStream, AbstractStreamMuxer } from '@libp2p/utils'
import { Flows } from './flows.mjs'

const earlyStreams = 256
const failed = 0x1003 // the protocol was broken, or what serves it failed

/** The channel and its streams as libp2p sees a connection that is secure and multiplexed. */
export class PsecConnection extends AbstractMultiaddrConnection {
  constructor (channel, connection, init) {
    super(init)
    this.channel = channel
    this.connection = connection
    connection.on('close', error => {
      if (error) this.abort(error)
      else this.onTransportClosed()
      this.#closeChannel()
    })
  }

  sendData () { throw new Error('bytes go on streams only') }

  async sendClose ({ signal } = {}) {
    const hurry = () => this.connection.close()
    signal?.addEventListener('abort', hurry, { once: true })
    await this.connection.closeWhenDone()
    signal?.removeEventListener('abort', hurry)
    await this.channel.close()
  }

  sendReset (error) {
    this.connection.close(failed, error?.message ?? '')
    this.#closeChannel()
  }

  /** A channel goes on where its peer restarted: it carries the next connection. */
  #closeChannel () {
    if (this.connection.restarted) return
    this.channel.close().catch(error => this.log.error('closing the channel failed - %e', error))
  }

  sendPause () {}

  sendResume () {}
}

/** One stream: bytes wait in the native stream, within its window, until somebody listens. */
export class PsecStream extends AbstractStream {
  constructor (native, init) {
    super({ ...init, id: String(native.id) })
    this.native = native
    native.on('readable', () => this.#pull())
    native.on('drain', () => this.safeDispatchEvent('drain'))
    native.on('reset', () => {
      native.reset()
      this.onRemoteReset()
    })
    native.on('stopped', () => this.onRemoteCloseRead())
    native.on('closed', error => this.#onConnectionClosed(error))
  }

  #pull () {
    while (this.readStatus === 'readable' && this.listenerCount('message') > 0) {
      const parts = this.native.read()
      if (parts === null) break
      for (const part of parts) this.onData(part)
    }
    if (this.native.ended && this.readBufferLength === 0) this.onRemoteCloseWrite()
  }

  #onConnectionClosed (error) {
    // What was received before can still be read.
    for (const part of this.native.read() ?? []) this.onData(part)
    if (this.native.ended) this.onRemoteCloseWrite()
    const complete = this.native.ended && !this.native.send.open
    this.onTransportClosed(complete ? undefined : error ?? new Error('the connection closed'))
  }

  addEventListener (...args) {
    super.addEventListener(...args)
    if (args[0] === 'message') queueMicrotask(() => { if (this.native) this.#pull() })
  }

  sendData (data) {
    const sentBytes = data.byteLength
    if (!this.native.send.open) return { sentBytes, canSendMore: true }
    return { sentBytes, canSendMore: this.native.write(data.slice()) }
  }

  sendReset () {
    this.native.reset(failed)
    this.native.stop(failed)
  }

  async sendCloseWrite () { this.native.end() }

  async sendCloseRead () { this.native.stop() }

  sendPause () {}

  sendResume () { this.#pull() }
}

class PsecMuxer extends AbstractStreamMuxer {
  constructor (maConn) {
    super(maConn, { protocol: '/psec', name: 'psec', maxEarlyStreams: earlyStreams })
    this.connection = maConn.connection
    this.flows = new Flows(this.connection)
    this.connection.streams.onStreams(native => this.onRemoteStream(this.#wrap(native, 'inbound')))
  }

  #wrap (native, direction) {
    const stream = new PsecStream(native, { direction, log: this.log.newScope(`stream:${native.id}`) })
    stream.flows = this.flows
    return stream
  }

  async onCreateStream () { return this.#wrap(await this.connection.streams.open(), 'outbound') }

  onData () { throw new Error('bytes go on streams only') }
}

export const muxerFactory = { protocol: '/psec', createStreamMuxer: maConn => new PsecMuxer(maConn) }
