import { Drop, drop, equal } from './bytes.mjs'
import { isIdentityMultihash, peerIdOf } from './identity.mjs'
import { Session } from './session.mjs'
import { Timers, now } from './timers.mjs'

const pendingsPerAddress = 4
const pendingsInAll = 2048
const pendingMs = 10000
const workPerSecond = 1000

/** The responder's side of the handshakes of an endpoint. */
export class Responder {
  #timers = new Timers()
  #pendings = 0
  #tokens = workPerSecond
  #tokensAt = now()

  constructor (endpoint) {
    this.endpoint = endpoint
  }

  end () { this.#timers.end() }

  /** The transcripts that a first packet at this address may have, with the proposal that each belongs to. */
  #transcripts (state, scheme) {
    const found = state.remotes.filter(r => !r.leads && r.scheme === scheme).map(remote => ({ T: remote.T, remote, direct: false }))
    for (const session of state.sessions) {
      if (session.confirmed && session.scheme === scheme) found.push({ T: session.T, remote: null, direct: session.direct })
    }
    if (this.endpoint.direct === scheme.name) found.push({ T: scheme.directT, remote: null, direct: true })
    return found
  }

  #hypothesis (state, scheme, tag, only) {
    const found = only ? [{ T: only.T, remote: only, direct: false }] : this.#transcripts(state, scheme)
    if (tag === null) return found.find(f => f.direct) ?? drop(state.hasState ? 'UnknownTranscript' : 'NoDirectScheme')
    // Without a tag of its own, p2pke-1 in direct mode is never named by one.
    const named = found.filter(f => f.T && equal(f.T.subarray(0, 8), tag))
    return named[0] ?? drop(this.endpoint.direct || state.hasState ? 'UnknownTranscript' : 'NoDirectScheme')
  }

  onFirst (state, scheme, packet, only = null) {
    const parsed = scheme.readFirst(packet)
    const copy = state.pendings.find(p => p.scheme === scheme && equal(p.first, packet))
    if (copy) {
      this.endpoint.send(copy.answer, state)
      if (copy.remote) copy.remote.progress = now()
      return
    }
    if (state.sessions.some(s => s.firstMessage && equal(s.firstMessage, packet))) drop('NoHandshake')
    const { T, remote, direct } = this.#hypothesis(state, scheme, parsed.tag, only)
    this.#work()
    const { answer, pending } = scheme.answer(parsed, { T, direct, address: state.bytes, now: now() })
    const live = state.liveRemote(now())
    if (pending?.key && live && !equal(live, pending.key)) drop('AddressHeldByAnother')
    if (remote) {
      remote.served = true
      remote.progress = now()
    }
    if (pending) this.#keep(state, { scheme, T, direct, remote, first: Buffer.from(packet), answer, pending, born: now() })
    this.endpoint.send(answer, state)
  }

  #keep (state, pending) {
    if (this.#pendings >= pendingsInAll) drop('HandshakesFull')
    if (state.pendings.length >= pendingsPerAddress) this.discard(state, p => p === state.pendings[0])
    state.pendings.push(pending)
    this.#pendings++
    this.#timers.after(pendingMs, () => {
      this.#pendings--
      this.discard(state, p => p === pending)
      if (state.pendings.length === 0) this.endpoint.releaseEarly(state)
      this.endpoint.forget(state)
    })
  }

  /** Forgets handshakes that came to nothing, and erases their keys. */
  discard (state, which) {
    const gone = state.pendings.filter(which)
    state.pendings = state.pendings.filter(p => !gone.includes(p))
    for (const { scheme, pending } of gone) scheme.wipe(pending)
  }

  #work () {
    const at = now()
    this.#tokens = Math.min(workPerSecond, this.#tokens + (at - this.#tokensAt) * workPerSecond / 1000)
    this.#tokensAt = at
    if (this.#tokens < 1) drop('PrefixRate')
    this.#tokens--
  }

  onFinish (state, scheme, packet) {
    if (scheme.stateless) {
      this.#onStatelessFinish(state, scheme, packet)
      return
    }
    const done = state.sessions.find(s => s.finishMessage && equal(s.finishMessage, packet))
    if (done) {
      this.endpoint.send(done.firstPacket, state)
      return
    }
    const pendings = state.pendings.filter(p => p.scheme === scheme)
    if (pendings.length === 0) drop('NoHandshake')
    for (const pending of pendings) {
      try {
        this.#complete(state, scheme, scheme.takeFinish(pending.pending, packet), pending, packet)
        return
      } catch (error) {
        if (!(error instanceof Drop)) throw error
        if (error.reason === 'NotAuthentic' || error.reason === 'TooShort' || error.reason === 'TooLong') continue
        // A later copy makes a new channel.
        if (error.reason === 'ChannelClosed') throw error
        this.discard(state, p => p === pending)
        throw error
      }
    }
    drop('NotAuthentic')
  }

  #onStatelessFinish (state, scheme, packet) {
    const found = this.#transcripts(state, scheme)
    this.#work()
    const result = scheme.takeFinish(packet, { transcripts: found.map(f => f.T), address: state.bytes, now: now() })
    if (result.repeated) {
      const session = result.repeated
      if (session.ended || !equal(session.finishMessage, packet)) drop('NoHandshake')
      this.endpoint.send(session.firstPacket, state)
      return
    }
    const { remote, direct } = found.find(f => f.T === result.T)
    this.#complete(state, scheme, result, { T: result.T, direct, remote, born: result.born, first: null }, packet)
  }

  #complete (state, scheme, result, { T, direct, remote, born, first, ...pending }, packet) {
    const { endpoint } = this
    const claimed = remote?.peerId
    if (claimed && isIdentityMultihash(claimed) && !equal(claimed, peerIdOf(result.remoteKey))) drop('KeyMismatch')
    const live = state.liveRemote(now())
    if (live && !equal(live, result.remoteKey)) drop('AddressHeldByAnother')
    if (endpoint.isClosing(result.remoteKey)) drop('ChannelClosed')
    const session = new Session({
      initiator: false,
      sendKey: result.sendKey,
      receiveKey: result.receiveKey,
      remote: result.remoteKey,
      address: state,
      born,
      scheme,
      T,
      direct,
      lifetime: endpoint.lifetime
    })
    session.firstMessage = first
    session.finishMessage = Buffer.from(packet)
    state.pendings = state.pendings.filter(p => p.pending !== pending.pending)
    if (!endpoint.allow(result.remoteKey)) {
      if (!scheme.stateless) endpoint.send(session.sealClosing(), state)
      drop('Refused')
    }
    result.record?.(session)
    session.mayCarryData = !scheme.stateless
    endpoint.established(session, remote)
  }
}
