import dgram from 'node:dgram'
import { EventEmitter, once } from 'node:events'
import { Attempt, DialError } from './attempt.mjs'
import { Drop, addressBytes, concat, drop, hex, u16 } from './bytes.mjs'
import { Channel, repeatUntilConfirmed } from './channel.mjs'
import { keyOfPeerId, pointOf } from './identity.mjs'
import { Negotiator } from './negotiator.mjs'
import { Responder } from './responder.mjs'
import { closingCounter } from './session.mjs'
import { now } from './timers.mjs'
import { NoiseXx } from '../schemes/noise-xx.mjs'
import { P2pke } from '../schemes/p2pke.mjs'
import { SecretHandshake } from '../schemes/secret-handshake.mjs'

export const schemeNames = ['p2pke-1', 'noise-xx-1', 'secret-handshake-1']
const earlyPackets = 32
const earlyBytes = 48 * 1024
const earlyBytesTotal = 4 * 1024 * 1024
const socketBuffer = 4 * 1024 * 1024
const redialMs = 10000

/** Lifetimes of sessions in milliseconds. A smaller factor, and sessions that are renewed before they need to be, are for tests. */
export const lifetimeOf = (factor = 1, rekeyMs = 45000 * factor) => ({
  send: 55000 * factor, receive: 60000 * factor, rekey: rekeyMs, rekeyJitter: rekeyMs / 15, rekeyOther: rekeyMs * 52 / 45
})

/** All that is kept for one remote address and port. */
class AddressState {
  constructor (endpoint, key, address, port) {
    Object.assign(this, { endpoint, key, address, port })
    this.bytes = concat(addressBytes(address), u16(port))
    this.prefix = hex(this.bytes.subarray(0, this.bytes.readUInt16BE(10) === 0xffff && this.bytes.subarray(0, 10).every(b => b === 0) ? 15 : 8))
    this.sessions = []
    this.handshakes = [] // ours
    this.pendings = [] // theirs
    this.own = null
    this.remotes = []
    this.over = []
    this.early = []
    this.earlyBytes = 0
  }

  get hasState () { return this.sessions.length + this.handshakes.length + this.pendings.length + this.remotes.length > 0 || this.own !== null }

  liveRemote (at) { return this.sessions.find(s => s.confirmed && s.canReceive(at))?.remote ?? null }
}

/**
 * One UDP socket and the peers behind it. Events: 'channel' for a channel that somebody else began. options: identity, schemes
 * (names served under PSEC), direct (the one scheme served directly, or null), networkKey, lifetimeFactor, rekeyMs, allow(key), and
 * allowMixture where schemes that hide identities stand beside others.
 */
export class Endpoint extends EventEmitter {
  #states = new Map()
  #channels = new Map()
  #attempts = new Set()
  #pendingSends = 0
  #earlyTotal = 0
  #onSent = () => {
    this.#pendingSends--
    if (this.#pendingSends === 0) this.#idle?.()
  }

  #idle = null

  constructor ({ identity, schemes = schemeNames, direct = null, networkKey = null, lifetimeFactor = 1, rekeyMs, allow = () => true, allowMixture = false }) {
    super()
    this.identity = identity
    this.allow = allow
    this.lifetime = lifetimeOf(lifetimeFactor, rekeyMs)
    this.schemes = [new P2pke(identity), new NoiseXx(identity), new SecretHandshake(identity, networkKey)]
    this.served = schemes
    this.direct = direct
    this.allowMixture = allowMixture
    this.#checkSchemes([...schemes, direct ?? schemes[0]])
    this.drops = new Map()
    this.negotiator = new Negotiator(this)
    this.responder = new Responder(this)
  }

  #checkSchemes (names) {
    const unknown = names.find(name => this.scheme(name) === null)
    if (unknown !== undefined) throw new Error(`unknown scheme ${unknown}`)
    const hiding = names.filter(name => this.scheme(name).hides).length
    if (hiding > 0 && hiding < names.length && !this.allowMixture) {
      throw new Error('schemes that hide identities stand beside others: allow the mixture, or leave one kind out')
    }
  }

  scheme (name) { return this.schemes.find(s => s.name === name) ?? null }

  get hides () { return [...this.served, this.direct].some(name => this.scheme(name)?.hides) }

  async bind (port = 0, address = '127.0.0.1') {
    const type = address.includes(':') ? 'udp6' : 'udp4'
    const family = type === 'udp6' ? 6 : 4
    this.socket = dgram.createSocket({ type, lookup: (host, options, callback) => callback(null, host, family) })
    this.socket.on('message', (datagram, from) => this.#onDatagram(datagram, from))
    await new Promise((resolve, reject) => {
      this.socket.once('error', reject)
      this.socket.bind(port, address, resolve)
    })
    this.socket.removeAllListeners('error')
    // What the socket reports of a peer (ICMP) ends nothing: spec/sessions.md#icmp-ignored.
    this.socket.on('error', () => {})
    this.socket.setRecvBufferSize(socketBuffer)
    this.socket.setSendBufferSize(socketBuffer)
  }

  get port () { return this.socket.address().port }

  state (address, port) {
    const canonical = address.startsWith('::ffff:') ? address.slice(7) : address
    const key = `${canonical}:${port}`
    let state = this.#states.get(key)
    if (!state) {
      state = new AddressState(this, key, address, port)
      this.#states.set(key, state)
    }
    return state
  }

  forget (state) {
    if (!state.hasState && state.over.length === 0) this.#states.delete(state.key)
  }

  send (packet, { address, port }) {
    if (this.closed) return
    this.#pendingSends++
    this.socket.send(packet, port, address, this.#onSent)
  }

  /** The closing message of each session, sealed once and sent three times. */
  async sendClosing (sessions) {
    const messages = sessions.map(s => [s.sealClosing(), s.address])
    for (let copies = 3; copies > 0; copies--) {
      for (const [packet, address] of messages) this.send(packet, address)
      if (copies > 1) await new Promise(resolve => setTimeout(resolve, 100))
    }
  }

  count (reason) { this.drops.set(reason, (this.drops.get(reason) ?? 0) + 1) }

  #onDatagram (datagram, { address, port }) {
    const state = this.state(address, port)
    try {
      this.#receive(state, datagram)
    } catch (error) {
      if (!(error instanceof Drop)) throw error
      this.count(error.reason)
    }
    this.forget(state)
  }

  #receive (state, datagram) {
    let reason = null
    const known = state.hasState
    if (datagram.length >= 4) {
      const word = datagram.readUInt32BE(0)
      const counter = word & 0x7fffffff
      if (counter < 16) {
        this.#onHandshake(state, word, datagram)
        return
      }
      if (known && datagram.length >= 20) {
        reason = this.#onTransport(state, word, counter, datagram)
        if (reason === null) return
      }
    }
    if (this.negotiator.take(state, datagram, known)) return
    if (datagram.length < 20) drop('TooShort')
    if (known && !(datagram[0] & 0x80) && state.pendings.length > 0 && this.#hold(state, datagram)) return
    drop(reason ?? 'UnknownAddress')
  }

  #onHandshake (state, word, datagram) {
    for (const scheme of this.schemes) {
      if (word === scheme.first) return this.responder.onFirst(state, scheme, datagram)
      if (word === scheme.finish) return this.responder.onFinish(state, scheme, datagram)
      if (word === scheme.answerWord) return this.#onAnswer(state, scheme, datagram)
      if ((word ^ 0x80000000) >>> 0 === scheme.first || (word ^ 0x80000000) >>> 0 === scheme.finish || (word ^ 0x80000000) >>> 0 === scheme.answerWord) {
        drop('UnexpectedHandshake')
      }
    }
    return drop('ReservedCounter')
  }

  #onAnswer (state, scheme, datagram) {
    let reason = 'NoHandshake'
    for (const handshake of state.handshakes.filter(h => h.scheme === scheme).reverse()) {
      try {
        const before = handshake.answers.length
        handshake.onAnswer(datagram)
        if (handshake.under && handshake.answers.length > before) handshake.under.answered = true
        return
      } catch (error) {
        if (!(error instanceof Drop)) throw error
        if (error.reason === 'WrongIdentity') {
          this.#wrongIdentity(handshake)
          throw error
        }
        if (reason === 'NoHandshake') reason = error.reason
      }
    }
    drop(reason)
  }

  #wrongIdentity (handshake) {
    if (handshake.attempt) handshake.attempt.fail('WrongIdentity')
    else handshake.end()
  }

  /** null when the packet was taken, else why it was not. */
  #onTransport (state, word, counter, datagram) {
    const initiator = word >= 0x80000000
    let reason = null
    const at = now()
    for (let i = state.sessions.length - 1; i >= 0; i--) {
      const session = state.sessions[i]
      if (session.initiator !== initiator || session.ended) continue
      if (!session.canReceive(at)) {
        reason ??= 'SessionEnded'
        continue
      }
      const result = session.open(counter, datagram)
      if (result.reason) {
        if (reason !== 'NotAuthentic') reason = result.reason
        continue
      }
      if (i < state.sessions.length - 1) {
        // The last successful one is tried first.
        state.sessions.splice(i, 1)
        state.sessions.push(session)
      }
      if (!session.confirmed) this.#confirm(session, counter)
      session.channel?.receive(session, counter, result.payload)
      return null
    }
    return reason ?? 'NotAuthentic'
  }

  #confirm (session, counter) {
    if (session.initiator && counter === closingCounter && !this.#channels.has(hex(session.remote))) {
      session.handshake.attempt?.fail('Refused')
      session.handshake.end()
      return
    }
    this.adopt(session)
  }

  #hold (state, datagram) {
    if (state.early.length >= earlyPackets || state.earlyBytes + datagram.length > earlyBytes ||
      this.#earlyTotal + datagram.length > earlyBytesTotal) drop('EarlyDataFull')
    state.early.push(datagram)
    state.earlyBytes += datagram.length
    this.#earlyTotal += datagram.length
    return true
  }

  /** What was held for a handshake is opened, or forgotten when none is left. */
  releaseEarly (state) {
    const early = state.early
    this.#earlyTotal -= state.earlyBytes
    state.early = []
    state.earlyBytes = 0
    for (const datagram of early) {
      const word = datagram.readUInt32BE(0)
      const reason = this.#onTransport(state, word, word & 0x7fffffff, datagram)
      if (reason !== null) this.count('NotAuthentic')
    }
  }

  /** A confirmed session goes to the channel of its identity. */
  adopt (session) {
    const name = hex(session.remote)
    let channel = this.#channels.get(name)
    if (channel?.closing) return
    const fresh = !channel
    if (fresh) {
      channel = new Channel(this, session.remote)
      channel.schemes = session.handshake?.attempt?.schemes
      this.#channels.set(name, channel)
    }
    session.mayCarryData = true
    channel.add(session)
    channel.reported = true
    const attempts = [...this.#attempts].filter(a => a.remoteKey.equals(session.remote) && this.#completes(session, a))
    const state = session.address
    if (session.handshake) {
      this.negotiator.won(state, session.T)
      if (session.handshake.attempt) this.responder.discard(state, p => p.remote !== null)
    }
    const handshakes = state.handshakes.filter(h => h.attempt && h.attempt === session.handshake?.attempt && h !== session.handshake)
    for (const handshake of handshakes) {
      if (handshake.scheme.stateless) handshake.end()
      else handshake.rest()
    }
    for (const attempt of attempts) attempt.complete(channel)
    if (fresh && attempts.length === 0) this.emit('channel', channel)
  }

  #completes (session, attempt) {
    if (session.handshake) return session.handshake.attempt === attempt
    return !attempt.direct && attempt.state === session.address && session.negotiated
  }

  /** The responder's session is made: confirmed at once, or by the initiator's first packet. */
  established (session, remote) {
    const { address: state } = session
    session.firstPacket = session.seal(Buffer.alloc(0))
    this.send(session.firstPacket, state)
    session.negotiated = remote !== null
    state.sessions.push(session)
    if (remote) {
      this.negotiator.won(state, session.T)
      if (state.own?.remoteKey.equals(session.remote)) {
        const attempt = state.own
        this.responder.discard(state, p => p.remote !== null)
        attempt.won()
      }
    }
    if (session.scheme.stateless) repeatUntilConfirmed(this, session)
    else this.adopt(session)
    this.releaseEarly(state)
  }

  endSession (session) {
    if (session.ended) return
    session.end()
    session.address.sessions = session.address.sessions.filter(s => s !== session)
    session.channel?.removed(session)
    this.forget(session.address)
  }

  channelEnded (channel) { this.#channels.delete(hex(channel.remoteKey)) }

  get channels () { return [...this.#channels.values()] }

  isClosing (remoteKey) { return this.#channels.get(hex(remoteKey))?.closing === true }

  /** The channel of the identity, if it has a live session. */
  liveChannel (remoteKey) {
    const channel = this.#channels.get(hex(remoteKey))
    return channel && !channel.closing && channel.sessions.some(s => s.canReceive(now())) ? channel : null
  }

  /** An attempt at the address: a second one for the same identity joins the first. */
  attempt (state, remoteKey, schemes, direct, timeoutMs) {
    const running = [...this.#attempts].find(a => !a.over && a.state === state && a.remoteKey.equals(remoteKey) && a.direct === direct)
    if (running) return running
    const attempt = new Attempt(this, { state, remoteKey, schemes, direct, timeoutMs })
    this.#attempts.add(attempt)
    if (!direct) state.own = attempt
    const gone = () => {
      this.#attempts.delete(attempt)
      this.forget(state)
    }
    attempt.promise.then(gone, gone)
    return attempt
  }

  /** Dials the peer with this peer ID. schemes: what to propose, or the one scheme of direct mode. */
  async dial ({ address, port, peerId, schemes = this.served, direct = false, signal }) {
    const remoteKey = keyOfPeerId(peerId)
    if (remoteKey === null) throw new DialError('the peer ID does not hold an Ed25519 key')
    if (remoteKey.equals(this.identity.key)) throw new DialError('OwnKey')
    this.#checkSchemes(schemes)
    if (pointOf(remoteKey) === null) throw new DialError('the peer ID holds a key that nobody can have')
    const open = this.liveChannel(remoteKey)
    if (open && now() - open.lastAuthentic < redialMs) return open
    const deadline = now() + 10000
    const closing = this.#channels.get(hex(remoteKey))
    if (closing?.closing) await once(closing, 'close')
    for (let own; !direct && (own = this.state(address, port).own) && !own.remoteKey.equals(remoteKey);) await own.promise.catch(() => {})
    if (now() >= deadline) throw new DialError('timed out')
    const attempt = this.attempt(this.state(address, port), remoteKey, schemes, direct, deadline - now())
    const cancel = () => attempt.fail('cancelled')
    signal?.addEventListener('abort', cancel)
    try {
      return await attempt.promise
    } finally {
      signal?.removeEventListener('abort', cancel)
    }
  }

  async close () {
    if (this.closing) return
    this.closing = true
    for (const attempt of [...this.#attempts]) attempt.fail('the endpoint is closing')
    await Promise.all(this.channels.map(channel => channel.close()))
    for (const state of this.#states.values()) {
      for (const handshake of [...state.handshakes]) handshake.end()
      for (const session of [...state.sessions]) this.endSession(session)
    }
    this.negotiator.end()
    this.responder.end()
    if (this.#pendingSends > 0) await new Promise(resolve => { this.#idle = resolve })
    this.closed = true
    await new Promise(resolve => this.socket.close(resolve))
  }
}
