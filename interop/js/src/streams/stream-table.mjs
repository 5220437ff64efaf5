import { ConnectionError, code, type } from './frames.mjs'
import { Stream } from './stream.mjs'
import { varintLength } from '../core/bytes.mjs'

const streamWindowBound = 2 * 1024 * 1024
const connectionWindowBound = 8 * 1024 * 1024
const smallestPiece = 32

/** The streams of a connection, their limits, and the connection's own. */
export class StreamTable {
  #active = [] // streams with data to send, in turn
  #control = new Set()
  #waiting = [] // openers that wait for a limit
  #early = [] // opened by the peer before anybody listened

  constructor (connection) {
    this.connection = connection
    this.byId = new Map()
    this.opened = 0 // by us
    this.seen = 0 // opened by the peer
    this.finished = 0 // opened by the peer, and over
    const { maxStreamsBoth, maxData } = connection.parameters
    this.peerMay = maxStreamsBoth
    this.tellStreams = false
    this.mayOpen = 1
    this.sendLimit = 65536
    this.sent = 0
    this.window = maxData
    this.receiveLimit = maxData
    this.received = 0
    this.read = 0
    this.tellLimit = false
    this.windowSince = null
  }

  get ownBit () { return this.connection.even ? 0 : 1 }

  get anyUnfinished () {
    for (const stream of this.byId.values()) if (!stream.receive.over && !stream.receive.stopped) return true
    return false
  }

  get anySending () {
    for (const stream of this.byId.values()) if (!stream.send.over && (stream.send.ended || stream.send.reset || stream.send.written > 0)) return true
    return false
  }

  onPeerLimits ({ maxData, maxStreamData, maxStreamsBoth }) {
    this.sendLimit = Math.max(this.sendLimit, maxData)
    this.mayOpen = Math.max(this.mayOpen, maxStreamsBoth)
    for (const stream of this.byId.values()) {
      stream.send.limit = Math.max(stream.send.limit, maxStreamData)
      this.#activateIfReady(stream)
    }
    this.#openWaiting()
  }

  // Opening

  /** A promise of a new stream, which waits for the peer's limit. */
  open () {
    if (this.connection.state !== 'open') return Promise.reject(new Error('the connection is closed'))
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject })
      this.#openWaiting()
    })
  }

  #openWaiting () {
    while (this.#waiting.length > 0 && this.opened < this.mayOpen) {
      this.#waiting.shift().resolve(this.#create(this.opened++ * 4 + this.ownBit, true))
    }
  }

  #create (id, own) {
    const { peer, parameters } = this.connection
    const stream = new Stream(this.connection, id, own, peer.maxStreamData, parameters.maxStreamData, streamWindowBound)
    this.byId.set(id, stream)
    return stream
  }

  /** The stream of a frame, or null when it is over. An opened stream opens all lower ones of its kind. */
  #find (id) {
    const known = this.byId.get(id)
    if (known) return known
    const index = Math.floor(id / 4)
    const own = (id & 1) === this.ownBit
    if (id & 2) throw new ConnectionError(own ? code.streamState : code.streamLimit, 'a stream of one direction is not allowed')
    if (own) {
      if (index >= this.opened) throw new ConnectionError(code.streamState, 'a frame for a stream that is not open')
      return null
    }
    if (index >= this.peerMay) throw new ConnectionError(code.streamLimit, 'more streams than allowed')
    if (index < this.seen) return null
    let stream = null
    while (this.seen <= index) {
      stream = this.#create(this.seen++ * 4 + (1 - this.ownBit), false)
      this.#announce(stream)
    }
    return stream
  }

  #announce (stream) {
    if (this.connection.listenerCount('stream') > 0) this.connection.emit('stream', stream)
    else this.#early.push(stream)
  }

  /** What the peer opens, and has opened before anybody listened. */
  onStreams (listener) {
    this.connection.on('stream', listener)
    for (const stream of this.#early.splice(0)) listener(stream)
  }

  /** Whether the stream was there and is no more. */
  isOver (id) { return !this.byId.has(id) && Math.floor(id / 4) < ((id & 1) === this.ownBit ? this.opened : this.seen) }

  // Frames

  onFrame (frame, at) {
    switch (frame.type) {
      case type.maxData:
        this.sendLimit = Math.max(this.sendLimit, frame.limit)
        return
      case type.maxStreamsBoth:
        this.mayOpen = Math.max(this.mayOpen, frame.count)
        this.#openWaiting()
        return
      case type.maxStreamsOne: return
    }
    const stream = this.#find(frame.id)
    if (stream === null) return
    switch (frame.type) {
      case type.stream: return this.#onData(stream, frame, at)
      case type.resetStream: return this.#onReset(stream, frame, at)
      case type.stopSending: return this.#onStop(stream, frame)
      case type.maxStreamData:
        stream.send.limit = Math.max(stream.send.limit, frame.limit)
        this.#activateIfReady(stream)
    }
  }

  #rise (bytes) {
    this.received += bytes
    if (this.received > this.receiveLimit) throw new ConnectionError(code.flowControl, 'data beyond the window of the connection')
  }

  #onData (stream, { offset, data, fin }, at) {
    const before = stream.receive.read
    this.#rise(stream.receive.onData(offset, data, fin))
    this.#credit(stream.receive.read - before, at)
    if (stream.receive.readable || stream.receive.atEnd) stream.emit('readable')
    this.#finishIfOver(stream)
  }

  #onReset (stream, { code: errorCode, finalSize }, at) {
    const { read } = stream.receive
    const wasOver = stream.receive.over
    this.#rise(stream.receive.onReset(errorCode, finalSize))
    this.#credit(stream.receive.read - read, at)
    if (!wasOver && !stream.receive.stopped) stream.emit('reset', errorCode)
    this.#finishIfOver(stream)
  }

  #onStop (stream, { code: errorCode }) {
    if (stream.send.over || stream.send.reset) return
    stream.send.abandon(errorCode)
    this.control(stream)
    stream.emit('stopped', errorCode)
  }

  /** The application has read: true when the peer is to be told. */
  onRead (stream, at, rtt) {
    const { receive } = stream
    const bytes = receive.read - (stream.credited ?? 0)
    stream.credited = receive.read
    if (receive.raise(at, rtt)) {
      stream.tellLimit = true
      this.#control.add(stream)
    }
    this.#credit(bytes, at, rtt)
    this.#finishIfOver(stream)
    return stream.tellLimit || this.tellLimit
  }

  #credit (bytes, at, rtt = this.connection.recovery.rtt) {
    this.read += bytes
    if (this.receiveLimit - this.read > this.window / 2) return
    if (this.windowSince !== null && at - this.windowSince < 2 * rtt) this.window = Math.min(connectionWindowBound, this.window * 2)
    this.windowSince = at
    this.receiveLimit = this.read + this.window
    this.tellLimit = true
  }

  #finishIfOver (stream) {
    if (!stream.send.over || !stream.receive.over || !this.byId.has(stream.id)) return
    this.byId.delete(stream.id)
    this.#control.delete(stream)
    if (!stream.own) {
      this.finished++
      this.peerMay = this.connection.parameters.maxStreamsBoth + this.finished
      this.tellStreams = true
    }
    this.connection.emit('progress')
  }

  // Sending

  activate (stream) {
    if (stream.queued) return
    stream.queued = true
    this.#active.push(stream)
  }

  #activateIfReady (stream) { if (stream.send.hasData) this.activate(stream) }

  control (stream) { this.#control.add(stream) }

  get hasControl () { return this.tellLimit || this.tellStreams || this.#control.size > 0 }

  get hasData () {
    for (const stream of this.#active) if (this.#canSend(stream)) return true
    return false
  }

  #canSend ({ send }) { return send.hasData && (this.sent < this.sendLimit || send.next >= send.written || send.hasLost) }

  writeControl (writer, frames) {
    if (this.tellLimit && writer.frame(type.maxData, this.receiveLimit)) {
      this.tellLimit = false
      frames.push({ onLost: () => { this.tellLimit = true } })
    }
    if (this.tellStreams && writer.frame(type.maxStreamsBoth, this.peerMay)) {
      this.tellStreams = false
      frames.push({ onLost: () => { this.tellStreams = true } })
    }
    for (const stream of this.#control) if (this.#writeControlOf(stream, writer, frames)) this.#control.delete(stream)
  }

  /** False when there was no room for all. */
  #writeControlOf (stream, writer, frames) {
    const { send, receive } = stream
    const again = undo => () => {
      undo()
      if (this.byId.has(stream.id)) this.#control.add(stream)
    }
    if (send.reset && !send.resetSent) {
      if (!writer.frame(type.resetStream, stream.id, send.reset.code, send.next)) return false
      send.resetSent = true
      frames.push({
        onAcked: () => {
          send.resetAcked = true
          this.#finishIfOver(stream)
        },
        onLost: again(() => { send.resetSent = send.resetAcked })
      })
    }
    if (stream.stopCode !== null && !stream.stopSent && !receive.over) {
      if (!writer.frame(type.stopSending, stream.id, stream.stopCode)) return false
      stream.stopSent = true
      frames.push({ onLost: again(() => { stream.stopSent = false }) })
    }
    if (stream.tellLimit && receive.finalSize === null && !receive.stopped) {
      if (!writer.frame(type.maxStreamData, stream.id, receive.limit)) return false
      stream.tellLimit = false
      frames.push({ onLost: again(() => { stream.tellLimit = true }) })
    }
    return true
  }

  /** Streams take turns, a packet each; what room a stream leaves is the next one's. */
  writeData (writer, frames) {
    for (let left = this.#active.length; left > 0; left--) {
      const stream = this.#active.shift()
      stream.queued = false
      if (!stream.send.hasData) continue
      const wrote = this.#writeStream(stream, writer, frames)
      if (stream.send.hasData) {
        stream.queued = true
        if (wrote === false) this.#active.unshift(stream)
        else this.#active.push(stream)
      }
      if (wrote === false || writer.room < smallestPiece) return
    }
  }

  /** false when there was no room, null when the limits let nothing go. */
  #writeStream (stream, writer, frames) {
    const { send } = stream
    const head = 1 + varintLength(stream.id) + 8
    if (writer.room < head + 2 + 1) return false
    const piece = send.take(writer.room - head - 2, Math.max(0, this.sendLimit - this.sent))
    if (piece === null) return null
    if (piece.isNew) this.sent += piece.length
    writer.frame(type.stream | (piece.offset > 0 ? 4 : 0) | 2 | (piece.fin ? 1 : 0), stream.id, ...(piece.offset > 0 ? [piece.offset] : []), piece.length)
    send.copy(writer.buffer, writer.at, piece.offset, piece.length)
    writer.at += piece.length
    frames.push({
      onAcked: () => this.#onAcked(stream, piece),
      onLost: () => {
        send.onLost(piece)
        this.#activateIfReady(stream)
      }
    })
    return true
  }

  #onAcked (stream, piece) {
    stream.send.onAcked(piece)
    if (stream.send.drained) {
      stream.send.wantsDrain = false
      stream.emit('drain')
    }
    this.#finishIfOver(stream)
    if (stream.send.over) this.connection.emit('progress')
  }

  end (error) {
    for (const { reject } of this.#waiting) reject(error ?? new Error('the connection is closed'))
    this.#waiting = []
    for (const stream of [...this.byId.values()]) stream.emit('closed', error)
    this.byId.clear()
    this.#active = []
  }
}
