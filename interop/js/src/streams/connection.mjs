import { EventEmitter } from 'node:events'
import { randomBytes } from 'node:crypto'
import {
  ConnectionError, PacketWriter, asksForAck, code, helloFrame, minima, readFrames, readNumber, sameIncarnation, type
} from './frames.mjs'
import { Ranges } from './ranges.mjs'
import { TooManyGaps } from './receive-half.mjs'
import { Recovery, maxAckDelay } from './recovery.mjs'
import { buildPacket, packetSize } from './packets.mjs'
import { StreamTable } from './stream-table.mjs'
import { now } from '../core/timers.mjs'

const ackRanges = 64
const heldWithoutHello = 16
const helloPatience = 3000
const receivedDatagrams = 1024 * 1024
const sentDatagrams = 1024 * 1024
const packetsPerTurn = 64

export const ownParameters = {
  idleTimeout: 60000,
  maxData: 1024 * 1024,
  maxStreamData: 256 * 1024,
  maxStreamsBoth: 256,
  maxStreamsOne: 0,
  maxDatagram: 60000
}

/**
 * Streams and datagrams over the sessions of a channel, from one agreement of incarnations to its end. Events: 'stream',
 * 'datagram', 'hello', 'restarted' (session, payload), 'close' (error or null).
 */
export class Connection extends EventEmitter {
  #timer = null
  #timerAt = Infinity
  #woken = false
  #datagramBytes = 0
  #receivedBytes = 0
  #receivedDatagrams = []
  #withoutHello = 0
  #closingReplies = 0
  #nextReply = 1

  constructor (channel, { even, keepAlive = false, parameters = ownParameters }) {
    super()
    this.channel = channel
    this.even = even
    this.keepAlive = keepAlive
    this.parameters = parameters
    this.incarnation = randomBytes(16)
    this.peerIncarnation = null
    this.peer = minima
    this.sessions = new Map() // by id: { hello, acked, order }
    this.newestOrder = 0
    this.nextNumber = 0
    this.received = new Ranges()
    this.receivedFloor = -1
    this.toAck = 0
    this.ackNow = false
    this.ackAt = null
    this.largestAt = 0
    this.recovery = new Recovery(packet => this.#onLost(packet))
    this.streams = new StreamTable(this)
    this.datagrams = []
    this.ping = true // the first packet tells the peer our limits
    this.probes = 0
    this.state = 'open'
    this.restarted = false
    this.startedAt = this.lastReceived = now()
    this.silentSince = null
    this.blocked = false
    this.limited = true // by something else than the congestion window
    this.stats = { sent: 0, received: 0 }
    this.wake()
  }

  sessionState (session) {
    let found = this.sessions.get(session.id)
    if (!found) {
      found = { hello: false, acked: false, order: session.order, address: session.address.address }
      this.sessions.set(session.id, found)
    }
    return found
  }

  // Receiving

  /** A non-empty payload that came on a session of the channel. */
  onPacket (payload, session) {
    if (this.state === 'draining' || this.state === 'closed') return
    if (this.state === 'closing') {
      this.#repeatClose()
      return
    }
    try {
      this.#process(payload, session)
    } catch (error) {
      if (error instanceof TooManyGaps) return
      if (!(error instanceof ConnectionError)) throw error
      this.#failed(error)
    }
    this.wake()
  }

  #failed (error) {
    if (this.peerIncarnation === null && error.code !== code.otherVersion) {
      this.#finish(new Error('the peer sends plain datagrams, not streams'))
    } else this.#closeWith(type.close, error.code, error.message)
  }

  #process (payload, session) {
    const state = this.sessionState(session)
    const { number, reader } = readNumber(payload)
    const startsWithHello = payload[reader.at] === type.hello
    if (!startsWithHello && !state.hello) {
      if (this.peerIncarnation !== null) return
      readFrames(reader)
      if (++this.#withoutHello > heldWithoutHello && now() - this.startedAt > helloPatience) {
        this.#finish(new Error('the peer sends plain datagrams, not streams'))
      }
      return
    }
    const frames = readFrames(reader)
    if (startsWithHello && !this.#onHello(frames[0], state, session, payload)) return
    const at = now()
    if (number <= this.receivedFloor || this.received.contains(number)) return
    const asks = frames.some(asksForAck)
    for (const frame of frames) {
      this.#onFrame(frame, at)
      if (this.state !== 'open') return
    }
    this.#record(number, asks, at)
    this.stats.received++
    this.lastReceived = at
    if (asks ? this.streams.anyUnfinished : this.silentSince !== null) this.silentSince = at
  }

  #record (number, asks, at) {
    const { list } = this.received
    const before = list.length === 0 ? -1 : list[list.length - 1][1]
    this.received.add(number, number)
    while (list.length > ackRanges) this.receivedFloor = list.shift()[1]
    if (number > before) this.largestAt = at
    if (!asks) return
    this.toAck++
    this.ackNow ||= number !== before + 1 || this.toAck >= 2
    this.ackAt ??= at + maxAckDelay
  }

  /** False when the packet is not for this connection. */
  #onHello (hello, state, session, payload) {
    if (hello.version !== 1) throw new ConnectionError(code.otherVersion, 'the peer speaks another version of streams')
    if (hello.believed !== null && !sameIncarnation(hello.believed, this.incarnation)) return false
    if (this.peerIncarnation === null) {
      this.peerIncarnation = hello.own
      this.#accept(hello.values)
    } else if (!sameIncarnation(hello.own, this.peerIncarnation)) {
      if (state.order > this.newestOrder) {
        this.restarted = true
        this.#finish(new Error('the peer restarted'))
        this.emit('restarted', session, payload)
      }
      return false
    }
    state.hello = true
    this.newestOrder = Math.max(this.newestOrder, state.order)
    return true
  }

  #accept (values) {
    this.peer = values
    this.streams.onPeerLimits(values)
    this.emit('hello')
  }

  get idleTimeout () {
    const both = [this.parameters.idleTimeout, this.peer.idleTimeout].filter(t => t > 0)
    return both.length === 0 ? null : Math.max(Math.min(...both), 3 * this.recovery.pto)
  }

  #onFrame (frame, at) {
    switch (frame.type) {
      case type.padding:
      case type.ping:
      case type.hello:
      case type.dataBlocked:
      case type.streamsBlockedBoth:
      case type.streamsBlockedOne: return
      case type.ack: return this.#onAck(frame, at)
      case type.datagram: return this.#onDatagram(frame.data)
      case type.close: return this.#onClose(frame)
      default: return this.streams.onFrame(frame, at)
    }
  }

  #onAck ({ largest, delay, ranges }, at) {
    if (largest >= this.nextNumber) throw new ConnectionError(code.frameEncoding, 'a packet is acknowledged that was not sent')
    for (const packet of this.recovery.onAck(ranges, delay, at, this.limited)) {
      packet.session.acked = true
      for (const frame of packet.frames) frame.onAcked?.()
    }
  }

  #onLost (packet) {
    for (const frame of packet.frames) frame.onLost?.()
  }

  #onClose ({ code: errorCode, reason }) {
    this.state = 'draining'
    this.#finish(errorCode === code.none ? null : new Error(`the peer closed with code ${errorCode}: ${reason}`), true)
  }

  // Datagrams

  /** The largest payload that a datagram may have now. */
  get maxDatagram () { return Math.min(this.peer.maxDatagram, packetSize - 80) }

  sendDatagram (payload) {
    if (payload.length > this.maxDatagram) throw new Error(`a datagram has at most ${this.maxDatagram} bytes now`)
    if (this.#datagramBytes + payload.length > sentDatagrams) return false
    this.datagrams.push(payload)
    this.#datagramBytes += payload.length
    this.wake()
    return true
  }

  takeDatagram () {
    const payload = this.datagrams.shift()
    this.#datagramBytes -= payload.length
    return payload
  }

  #onDatagram (data) {
    if (this.listenerCount('datagram') > 0) this.emit('datagram', data)
    else if (this.#receivedBytes + data.length <= receivedDatagrams) {
      this.#receivedDatagrams.push(data)
      this.#receivedBytes += data.length
    }
  }

  /** What came before anybody listened. */
  onDatagrams (listener) {
    this.on('datagram', listener)
    const early = this.#receivedDatagrams
    this.#receivedDatagrams = []
    this.#receivedBytes = 0
    for (const data of early) listener(data)
  }

  // Sending

  /** Packets that are processed before it can send are acknowledged together. */
  wake () {
    if (this.#woken || this.state !== 'open') return
    this.#woken = true
    setImmediate(() => {
      this.#woken = false
      if (this.state === 'open') this.#flush()
    })
  }

  activate (stream) {
    this.streams.activate(stream)
    this.wake()
  }

  control (stream) {
    this.streams.control(stream)
    this.wake()
  }

  onRead (stream) {
    if (this.streams.onRead(stream, now(), this.recovery.rtt)) this.wake()
  }

  get wantsToSend () {
    return this.ping || this.datagrams.length > 0 || this.streams.hasControl || this.streams.hasData
  }

  #flush () {
    let at = now()
    for (let n = 0; n < packetsPerTurn; n++) {
      const session = this.channel.closing ? null : this.channel.sendSession(at)
      this.blocked = session === null
      const ackDue = this.toAck > 0 && (this.ackNow || at >= this.ackAt)
      const wants = this.wantsToSend
      if (session === null) {
        if (wants || ackDue) this.channel.wantSession()
        break
      }
      const probe = this.probes > 0
      const free = probe || (!this.recovery.full && this.recovery.pacingDelay(at) === 0)
      if (!(wants && free) && !ackDue && !probe) break
      const packet = buildPacket(this, this.sessionState(session), at, wants && free, probe)
      if (packet === null) break
      this.#seal(packet, session, at, probe)
      at = now()
    }
    const wants = this.wantsToSend
    const held = this.recovery.full || this.recovery.pacingDelay(at) > 0
    this.limited = !(wants && held)
    if (wants && !this.blocked && !held) this.wake()
    this.#arm()
  }

  #seal (packet, session, at, probe) {
    this.channel.sendOn(session, packet.bytes, at)
    this.stats.sent++
    if (packet.asks) {
      if (probe) this.probes--
      this.recovery.onSent({ number: packet.number, size: packet.bytes.length + 20, frames: packet.frames, session: packet.session }, at)
    }
  }

  /** The HELLO that a packet on this session begins with, or null. */
  helloFor (state) {
    return state.acked ? null : helloFrame(this.incarnation, this.peerIncarnation ?? Buffer.alloc(16), this.parameters)
  }

  onAckWritten () {
    this.toAck = 0
    this.ackNow = false
    this.ackAt = null
  }

  // Time

  #nextDeadline () {
    const times = [this.recovery.deadline(!this.blocked), this.ackAt]
    const idle = this.idleTimeout
    if (idle !== null) {
      times.push(this.lastReceived + idle)
      if (this.keepAlive) times.push(this.#keepAliveAt(idle))
    }
    if (this.silentSince !== null) times.push(this.silentSince + Math.max(1000, 3 * this.recovery.pto))
    if (this.wantsToSend && !this.recovery.full && !this.blocked) times.push(now() + Math.max(1, this.recovery.pacingDelay(now())))
    return Math.min(...times.filter(t => t !== null))
  }

  #keepAliveAt (idle) { return Math.max(this.lastReceived, this.recovery.lastSent ?? 0) + idle / 3 }

  #arm () {
    const next = this.#nextDeadline()
    if (next >= this.#timerAt || next === Infinity) return
    clearTimeout(this.#timer)
    this.#timerAt = next
    this.#timer = setTimeout(() => {
      this.#timerAt = Infinity
      this.#onTimer(now())
    }, Math.max(0, Math.ceil(next - now())))
  }

  #onTimer (at) {
    if (this.state !== 'open') return
    const idle = this.idleTimeout
    if (idle !== null && at >= this.lastReceived + idle) {
      this.#finish(new Error('nothing was received for the idle timeout'))
      return
    }
    const due = this.recovery.deadline(!this.blocked)
    if (due !== null && at >= due) this.#recover(at)
    if (this.silentSince !== null && at >= this.silentSince + Math.max(1000, 3 * this.recovery.pto)) {
      this.silentSince = null
      if (this.streams.anyUnfinished) this.ping = true
    }
    if (idle !== null && this.keepAlive && at >= this.#keepAliveAt(idle)) this.ping = true
    this.#flush()
  }

  #recover (at) {
    if (this.recovery.lossTime !== null) {
      this.recovery.detect(at)
      return
    }
    this.recovery.ptoCount++
    for (const packet of this.recovery.oldest(2)) this.#onLost(packet)
    this.probes = 2
    if (!this.wantsToSend) this.ping = true
  }

  /** A session of the channel is there, or can seal again. */
  onSession (session) {
    if (session) {
      const known = [...this.sessions.values()]
      if (known.length > 0 && known.every(s => s.address !== session.address.address)) this.recovery.resetPath()
      this.sessionState(session)
      const live = new Set(this.channel.sessions.map(s => s.id))
      for (const id of this.sessions.keys()) if (!live.has(id)) this.sessions.delete(id)
    }
    if (this.blocked) this.recovery.lastSent = now()
    this.blocked = false
    this.wake()
  }

  // The end

  /** Closes at once with a code. What was received before can still be read. */
  close (errorCode = code.none, reason = '') { this.#closeWith(type.closeByApplication, errorCode, reason) }

  #closeWith (frame, errorCode, reason) {
    if (this.state !== 'open') return
    this.closeFrame = [frame, errorCode, reason]
    this.state = 'closing'
    this.#sendClose()
    setTimeout(() => { if (this.state === 'closing') this.state = 'closed' }, 3 * this.recovery.pto).unref()
    this.#finish(errorCode === code.none ? null : new Error(reason), true)
  }

  /** Closes when each stream that this side sends on is over and acknowledged. */
  async closeWhenDone () {
    while (this.state === 'open' && this.streams.anySending) {
      await new Promise(resolve => {
        this.once('progress', resolve)
        this.once('close', resolve)
      })
    }
    this.close()
  }

  #sendClose () {
    const session = this.channel.sendSession()
    if (session === null) return
    const [frame, errorCode, reason] = this.closeFrame
    const writer = new PacketWriter(packetSize)
    writer.varint(this.nextNumber++)
    const hello = this.helloFor(this.sessionState(session))
    if (hello) writer.raw(hello)
    const text = Buffer.from(reason).subarray(0, 200)
    if (frame === type.close) writer.frame(frame, errorCode, type.padding, text.length)
    else writer.frame(frame, errorCode, text.length)
    writer.raw(text)
    this.channel.sendOn(session, writer.done(), now())
  }

  #repeatClose () {
    if (++this.#closingReplies < this.#nextReply) return
    this.#nextReply *= 2
    this.#sendClose()
  }

  #finish (error, closed = false) {
    if (!closed) this.state = 'closed'
    clearTimeout(this.#timer)
    this.streams.end(error)
    this.emit('close', error)
  }

  /** The channel is gone. */
  onChannelClosed (reason) {
    if (this.state !== 'open') return
    this.#finish(reason === 'closed' || reason === 'closed by the peer' ? null : new Error(`the channel ended: ${reason}`))
  }
}
