import { EventEmitter } from 'node:events'
import { jitter } from './bytes.mjs'
import { Handshake } from './handshake.mjs'
import { closingCounter } from './session.mjs'
import { Timers, now } from './timers.mjs'

const empty = Buffer.alloc(0)
const tickMs = 50
const receiptMs = 500
const deadMs = 2000
const fallbackMs = 3000
const retireMs = 3000
const lingerMs = 500
const idleMs = 600000
const sessionsPerRole = 3
const rekeyCounter = 2 ** 30
const queuedDatagrams = 1024
const queuedBytes = 1024 * 1024
const backoffs = [2000, 4000, 8000, 16000, 30000]
export const largestDatagram = 1232 - 20

/**
 * What two identities have while they want to talk: sessions that come and go. Events: 'data' (payload, session), 'session'
 * (a newly confirmed one), 'sendable' (a session can seal again), and 'close' (reason).
 */
export class Channel extends EventEmitter {
  #timers = new Timers()
  #queue = []
  #queued = 0
  #lastSent = 0
  #owesReceiptSince = null
  #unansweredSince = null
  #failures = 0
  #nextHandshakeAt = 0
  #renewing = null
  #rekeyJitter = Math.random()
  #noSessionSince = null
  #blocked = false
  #order = 0
  #closed = null
  #sentEmpty = false // the peer
  #held = []
  #heldBytes = 0

  constructor (endpoint, remoteKey) {
    super()
    this.endpoint = endpoint
    this.remoteKey = remoteKey
    this.sessions = [] // in the order of their confirmation
    this.closed = false
    this.closing = false
    this.lastAuthentic = now()
    this.rekeys = 0
    this.on('newListener', name => { if (name === 'data' && this.#held.length > 0) queueMicrotask(() => this.#deliverHeld()) })
    const tick = () => {
      this.#tick(now())
      if (!this.closed) this.#timers.after(tickMs, tick)
    }
    this.#timers.after(tickMs, tick)
  }

  /** A confirmed session of this identity. */
  add (session) {
    const first = this.sessions.length === 0 && this.rekeys === 0
    if (!first) this.rekeys++
    session.channel = this
    session.confirmed = true
    session.confirmedAt = now()
    session.order = ++this.#order
    session.handshake?.confirmed(session)
    this.sessions.push(session)
    const same = this.sessions.filter(s => s.initiator === session.initiator && !s.ended)
    if (same.length > sessionsPerRole) this.endpoint.endSession(same[0])
    this.#rekeyJitter = Math.random()
    this.#unansweredSince = null
    this.#failures = 0
    this.#noSessionSince = null
    if (this.#renewing && (this.#renewing.handshake === session.handshake || !session.initiator)) this.#renewed()
    if (!first) this.emit('session', session)
    this.#flushQueue()
  }

  get newest () { return this.sessions.at(-1) ?? null }

  /** The session that data would go on now, or null. */
  sendSession (at = now()) {
    let fallback = null
    for (let i = this.sessions.length - 1; i >= 0; i--) {
      const session = this.sessions[i]
      if (!session.mayCarryData || !session.canSend(at)) continue
      const silent = session.firstDataSent !== null && at - session.firstDataSent > fallbackMs &&
        (session.lastAuthentic ?? -Infinity) < session.firstDataSent
      if (!silent) return session
      fallback ??= session
    }
    return fallback
  }

  get canSend () { return !this.closing && this.sendSession() !== null }

  /** Seals a payload at once: gives the session, or null when none can. What is queued goes first. */
  trySend (payload) {
    const at = now()
    const session = this.closing ? null : this.sendSession(at)
    if (session === null) {
      this.wantSession(at)
      return null
    }
    this.sendOn(session, payload, at)
    return session
  }

  /** Sends a datagram, or queues it while no session may send. */
  send (payload) {
    if (payload.length === 0) throw new Error('an empty datagram cannot be sent')
    if (payload.length > largestDatagram) throw new Error(`a datagram has at most ${largestDatagram} bytes`)
    if (this.closing) throw new Error('the channel is closed')
    if (this.#queue.length === 0 && this.trySend(payload) !== null) return
    if (this.#queue.length >= queuedDatagrams || this.#queued + payload.length > queuedBytes) throw new Error('the queue of the channel is full')
    this.#queue.push(payload)
    this.#queued += payload.length
  }

  #flushQueue () {
    while (this.#queue.length > 0 && this.trySend(this.#queue[0]) !== null) this.#queued -= this.#queue.shift().length
    if (this.#blocked && this.canSend) {
      this.#blocked = false
      this.emit('sendable')
    }
  }

  /** Seals and sends on a session that sendSession gave. */
  sendOn (session, payload, at) {
    session.firstDataSent ??= at
    session.dataFlowed = true
    this.#unansweredSince ??= at
    this.#sent(session, session.seal(payload), at)
  }

  #sent (session, packet, at) {
    this.#lastSent = at
    this.#owesReceiptSince = null
    this.endpoint.send(packet, session.address)
  }

  sendEmpty (session) {
    if (session.canSend(now())) this.#sent(session, session.seal(empty), now())
  }

  /** An authentic transport packet. */
  receive (session, counter, payload) {
    const at = now()
    this.lastAuthentic = at
    session.lastAuthentic = at
    this.#unansweredSince = null
    if (!session.authenticated) {
      session.authenticated = true
      this.#timers.after(retireMs, () => this.#retireBefore(session))
    }
    if (counter === closingCounter) this.#onClosing(session)
    else if (payload.length === 0) this.#onEmpty(session, at)
    else {
      session.dataFlowed = true
      this.#failures = 0
      this.#owesReceiptSince ??= at
      if (this.listenerCount('data') > 0) this.emit('data', payload, session)
      else this.#hold(payload, session)
    }
  }

  /** What comes before anybody listens is kept within bounds. */
  #hold (payload, session) {
    if (this.#held.length >= queuedDatagrams || this.#heldBytes + payload.length > queuedBytes) this.endpoint.count('ReceiveQueueFull')
    else {
      this.#held.push([payload, session])
      this.#heldBytes += payload.length
    }
  }

  #deliverHeld () {
    const held = this.#held
    this.#held = []
    this.#heldBytes = 0
    for (const [payload, session] of held) this.emit('data', payload, session)
  }

  #onEmpty (session, at) {
    this.#sentEmpty = true
    if (!session.initiator || this.#queue.length > 0) return
    const direct = session.direct && session.scheme.name === 'p2pke-1' && !session.answeredEmpty
    const hidden = session.scheme.stateless && at - session.born < 10000
    if (!direct && !hidden) return
    session.answeredEmpty = true
    this.sendEmpty(session)
  }

  /** Older sessions of the role end 3 s after the first packet on a newer one. */
  #retireBefore (session) {
    for (const old of [...this.sessions]) {
      if (old.order < session.order && old.initiator === session.initiator) this.endpoint.endSession(old)
    }
  }

  removed (session) {
    this.sessions = this.sessions.filter(s => s !== session)
    this.lastSession = session
    if (this.sessions.length === 0) this.#noSessionSince = now()
  }

  #onClosing (session) {
    const refused = !this.reported
    for (const old of [...this.sessions]) {
      if (old.born > session.born && old !== session) continue
      old.closed = true
      this.#timers.after(lingerMs, () => this.endpoint.endSession(old))
    }
    const left = this.sessions.some(s => !s.closed)
    const running = this.#renewing?.startedAt > session.born
    if (!left && !running) this.#end(refused ? 'refused' : 'closed by the peer', lingerMs)
  }

  #tick (at) {
    if (this.closing) return
    for (const session of [...this.sessions]) if (!session.canReceive(at)) this.endpoint.endSession(session)
    if (this.#owesReceiptSince !== null && at - this.#owesReceiptSince >= receiptMs && at - this.#lastSent >= receiptMs) this.#receipt(at)
    this.#maybeRekey(at)
    if (this.#unansweredSince !== null && at - this.#unansweredSince >= deadMs) this.#renew(at, 'dead')
    else if (this.#queue.length > 0 || this.#blocked) this.wantSession(at)
    if (this.#noSessionSince !== null && at - this.#noSessionSince >= idleMs) this.#end('idle')
    else this.#flushQueue()
  }

  #receipt (at) {
    const session = this.sendSession(at)
    this.#owesReceiptSince = null
    // In direct mode p2pke-1 may meet the reference, which is sent no receipts.
    const mayBeReference = session?.direct && session.scheme.name === 'p2pke-1' && !this.#sentEmpty
    if (session && !mayBeReference) this.sendEmpty(session)
  }

  #maybeRekey (at) {
    const newest = this.newest
    if (!newest || this.#renewing) return
    const { rekey, rekeyJitter, rekeyOther } = newest.lifetime
    const due = newest.initiator ? rekey - rekeyJitter * this.#rekeyJitter : rekeyOther
    if ((newest.dataFlowed && newest.age(at) >= due) || newest.counter >= rekeyCounter) this.#renew(at, 'rekey')
  }

  /** Starts a handshake now, as a rekey that is due would. */
  rekey () { this.#renew(now(), 'rekey') }

  /** There is something to send: where no session can, one is made, and 'sendable' tells of it. */
  wantSession (at = now()) {
    if (this.sendSession(at) !== null) return
    this.#blocked = true
    this.#renew(at, 'dead')
  }

  #renew (at, why) {
    if (this.#renewing || this.closing || at < this.#nextHandshakeAt) return
    const { endpoint, remoteKey } = this
    const basis = this.newest ?? this.lastSession
    if (!basis) return
    const state = endpoint.state(basis.address.address, basis.address.port)
    const alive = this.newest?.canSend(at) && why !== 'dead'
    this.#renewing = { startedAt: at }
    if (basis.direct || alive) {
      const handshake = new Handshake(endpoint, {
        state,
        scheme: basis.scheme,
        T: basis.T,
        direct: basis.direct,
        remoteKey,
        deadline: at + 10000,
        answerDeadline: basis.direct ? null : at + deadMs,
        onFail: () => this.#renewalFailed(!basis.direct)
      })
      this.#renewing.handshake = handshake
      state.handshakes.push(handshake)
    } else this.#startOver(basis)
  }

  #startOver (basis) {
    const state = this.endpoint.state(basis.address.address, basis.address.port)
    const attempt = this.endpoint.attempt(state, this.remoteKey, basis.schemes ?? this.schemes ?? [basis.scheme.name], false)
    attempt.promise.then(() => this.#renewed(), error => this.#renewalFailed(false, error.reason))
  }

  #renewed () {
    this.#renewing = null
    this.#failures = 0
  }

  #renewalFailed (startOver, reason) {
    if (this.closed || this.#renewing === null) return
    if (startOver && !this.closing) {
      this.#startOver(this.newest ?? this.lastSession)
      return
    }
    this.#renewing = null
    if (reason === 'WrongIdentity' && !this.sessions.some(s => s.canReceive(now()))) {
      this.#end('WrongIdentity')
      return
    }
    this.#nextHandshakeAt = now() + backoffs[Math.min(this.#failures++, backoffs.length - 1)]
  }

  /** Closes: the closing message goes three times on each session with keys. */
  close () {
    this.#closed ??= this.#close()
    return this.#closed
  }

  async #close () {
    if (this.closing) return
    this.closing = true
    await this.endpoint.sendClosing(this.sessions.filter(s => !s.ended && !s.closed))
    this.#end('closed')
  }

  #end (reason, linger = 0) {
    if (this.closed) return
    this.closed = this.closing = true
    this.#renewing?.handshake?.end()
    this.#timers.end()
    this.endpoint.channelEnded(this)
    const rest = () => { for (const session of [...this.sessions]) this.endpoint.endSession(session) }
    if (linger > 0) setTimeout(rest, linger).unref()
    else rest()
    this.emit('close', reason)
  }
}

export const repeatUntilConfirmed = (endpoint, session) => {
  const again = () => setTimeout(() => {
    if (session.ended || session.confirmed) return
    if (now() - session.born > 10000) {
      endpoint.endSession(session)
      return
    }
    endpoint.send(session.seal(empty), session.address)
    again()
  }, jitter(500)).unref()
  again()
}
