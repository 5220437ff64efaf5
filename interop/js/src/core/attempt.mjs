import { createHash, randomBytes } from 'node:crypto'
import { jitter } from './bytes.mjs'
import { retryName } from './cookies.mjs'
import {
  attemptString, choose, isScheme, normalForm, proposalFrame, retryString, simultaneousTranscript, standardTranscript
} from './frames.mjs'
import { Handshake, deadlineMs } from './handshake.mjs'
import { comparePeerIds, hiddenPeerId } from './identity.mjs'
import { Timers, now } from './timers.mjs'

const largestProposal = 1200
const retriesTaken = 3

/** Why a dial came to nothing. */
export class DialError extends Error {
  constructor (reason) {
    super(`the dial failed: ${reason}`)
    this.reason = reason
  }
}

/** Our wish for a session at an address: a proposal and its hypotheses, or one handshake in direct mode. */
export class Attempt {
  #timers = new Timers()

  /** options: state, remoteKey, schemes (names), direct. */
  constructor (endpoint, options) {
    Object.assign(this, { endpoint }, options)
    this.deadline = now() + (options.timeoutMs ?? deadlineMs)
    this.standard = null
    this.simultaneous = null
    this.outstanding = false
    this.over = false
    this.rejectedAt = null
    this.copiesSinceReject = 0
    this.retries = 0
    this.failure = 'timed out'
    this.promise = new Promise((resolve, reject) => {
      this.resolve = resolve
      this.reject = reject
    })
    // Whoever waits for it sees the failure; renewals of a channel may have nobody who does.
    this.promise.catch(() => {})
    this.#timers.after(this.deadline - now(), () => this.fail(this.failure))
    if (this.direct) this.#beginDirect()
    else this.#join(now())
  }

  #beginDirect () {
    const scheme = this.endpoint.scheme(this.schemes[0])
    this.standard = this.#handshake({ scheme, T: scheme.directT, direct: true })
  }

  #handshake (options) {
    const handshake = new Handshake(this.endpoint, { state: this.state, remoteKey: this.remoteKey, deadline: this.deadline, ...options })
    handshake.attempt = this
    this.state.handshakes.push(handshake)
    return handshake
  }

  /** Where a proposal of the peer is being served, its handshake is given 500 ms without progress, 2 s in all. */
  #join (since) {
    if (this.over) return
    const serving = this.state.remotes.filter(r => r.kind === 'accepted')
    const wait = Math.min(Math.max(0, ...serving.map(r => r.progress + 500 - now())), since + 2000 - now())
    if (serving.length > 0 && wait > 0) this.#timers.after(wait, () => this.#join(since))
    else this.#propose()
  }

  #propose () {
    const hidden = this.schemes.every(name => this.endpoint.scheme(name).hides)
    this.peerId = hidden ? hiddenPeerId(randomBytes(32)) : this.endpoint.identity.peerId
    this.strings = [...this.schemes, attemptString(), retryString]
    this.normal = normalForm(this.peerId, this.strings)
    this.outstanding = true
    const T = standardTranscript(this.normal, this.schemes[0])
    this.standard = this.#handshake({ scheme: this.endpoint.scheme(this.schemes[0]), T, direct: false, inside: true })
    if (this.#frame(this.standard.packet).length > largestProposal) {
      this.standard.end()
      this.standard = null
    }
    this.firstPacket = this.standard?.packet
    this.sendProposal()
    const again = ms => this.#timers.after(ms, () => {
      this.sendProposal()
      if (!this.#rejected()) again(jitter(500))
    })
    again(jitter(333))
  }

  #frame (firstPacket) { return proposalFrame(this.peerId, this.strings, firstPacket) }

  sendProposal () {
    if (this.rejectedAt !== null) this.copiesSinceReject++
    this.endpoint.send(this.#frame(this.firstPacket), this.state)
  }

  #rejected () {
    if (this.rejectedAt === null || this.copiesSinceReject < 2 || now() - this.rejectedAt < 3000) return false
    const refuted = this.acceptCame || this.simultaneous !== null || this.state.handshakes.some(h => h.attempt === this && h.answers.length > 0)
    if (!refuted) this.fail('rejected')
    return !refuted
  }

  onReject () {
    if (this.peerId[0] !== 0) return
    this.rejectedAt ??= now()
  }

  /** An accept, or a retry. False when it accepts what was not proposed. */
  onAccept (text) {
    if (text.startsWith(retryString + ':')) return this.#onRetry(text)
    if (!isScheme(text) || !this.schemes.includes(text)) return 'NotOffered'
    this.acceptCame = true
    if (this.standard?.scheme.name === text && !this.standard.ended) {
      this.standard.accepted()
      return null
    }
    this.standard?.supersede()
    this.standard = this.#handshake({ scheme: this.endpoint.scheme(text), T: standardTranscript(this.normal, text), direct: false })
    return null
  }

  #onRetry (text) {
    if (!text.startsWith(retryName(createHash('sha256').update(this.normal).digest()))) return 'NoProposal'
    if (this.retries++ >= retriesTaken) return 'RetriesExhausted'
    this.strings = [...this.strings.filter(s => !s.startsWith(retryString + ':')), text]
    this.sendProposal()
    return null
  }

  /** A proposal of the peer while ours is outstanding: what both agree on, or null when they have nothing in common. */
  agree (proposal) {
    const scheme = choose(this, proposal)
    if (scheme === null) {
      this.failure = 'no common scheme'
      return null
    }
    const leads = comparePeerIds(this.peerId, proposal.peerId) < 0
    const T = leads ? simultaneousTranscript(this.normal, proposal.normal, scheme) : simultaneousTranscript(proposal.normal, this.normal, scheme)
    return { scheme: this.endpoint.scheme(scheme), T, leads }
  }

  /** The hypothesis of this proposal is the newest simultaneous one; we lead. */
  lead (remote) {
    const running = this.simultaneous
    if (running && running.T.equals(remote.T) && !running.ended) running.sendFirst()
    else {
      running?.supersede()
      this.simultaneous = this.#handshake({ scheme: remote.scheme, T: remote.T, direct: false })
      this.simultaneous.under = remote
    }
  }

  /** The attempt is won; its promise is resolved when the channel is there. */
  won () {
    if (this.over) return
    this.over = true
    this.#timers.end()
    this.#release()
    for (const handshake of this.#own()) handshake.rest()
    this.#timers = new Timers()
    this.#timers.after(this.deadline - now(), () => this.reject(new DialError('timed out')))
  }

  complete (channel) {
    this.won()
    this.#timers.end()
    this.resolve(channel)
  }

  fail (reason) {
    if (this.over) return
    this.over = true
    this.#timers.end()
    this.#release()
    const channel = this.endpoint.liveChannel(this.remoteKey)
    for (const handshake of this.#own()) {
      if (reason === 'cancelled' && !channel) handshake.cancel()
      else handshake.end()
    }
    if (channel) this.resolve(channel)
    else this.reject(new DialError(reason))
  }

  #own () { return this.state.handshakes.filter(h => h.attempt === this) }

  #release () {
    this.outstanding = false
    if (this.state.own === this) this.state.own = null
    this.state.remotes = this.state.remotes.filter(r => r.kind !== 'simultaneous')
  }
}
