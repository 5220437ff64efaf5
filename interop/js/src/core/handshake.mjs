import { drop, equal, jitter } from './bytes.mjs'
import { Session } from './session.mjs'
import { Timers, now } from './timers.mjs'

const answersPerFirstMessage = 4
export const deadlineMs = 10000

/**
 * A handshake that we began: one first message, the answers to it, and a session for each, of which the first that a packet
 * authenticates on is kept. Under PSEC the same first message serves to the end; p2pke-1 in direct mode makes fresh ones.
 */
export class Handshake {
  #timers = new Timers()
  #cancelResend = () => {}

  /** options: state (of the address), scheme, T, direct, remoteKey, deadline, answerDeadline where an answer must come earlier, and
      onFail(). inside: the first packet is in a proposal. */
  constructor (endpoint, options) {
    Object.assign(this, { endpoint, inside: false }, options)
    this.firstAt = null
    this.answers = []
    this.waiting = true // for an answer
    this.done = false
    this.startedAt = now()
    this.begun = this.scheme.begin(this)
    this.#timers.after(this.deadline - now(), () => this.end())
    if (this.answerDeadline) this.#timers.after(this.answerDeadline - now(), () => { if (this.answers.length === 0) this.end() })
    if (!this.inside) this.#start()
    else this.firstAt = now()
  }

  get packet () { return this.begun.packet }

  get freshOnes () { return this.direct && this.scheme.name === 'p2pke-1' }

  #start () {
    this.firstAt ??= now()
    this.sendFirst()
    this.#resend(jitter(250))
    if (this.freshOnes) this.#scheduleFresh(1000)
  }

  /** The accept of a proposal with this first packet inside came. */
  accepted () {
    if (this.inside && this.answers.length === 0) {
      this.inside = false
      this.#resend(jitter(250))
    } else if (this.answers.length > 0 && !this.done) this.sendFirst()
  }

  sendFirst () { this.endpoint.send(this.begun.packet, this.state) }

  #resend (ms) {
    this.#cancelResend = this.#timers.after(ms, () => {
      if (this.done) return
      if (this.answers.length > 0 && !(this.scheme.stateless && this.answers.length < answersPerFirstMessage)) return
      this.sendFirst()
      this.#resend(jitter(this.answers.length > 0 ? 2000 : 500))
    })
  }

  #scheduleFresh (ms) {
    this.#timers.after(ms, () => {
      if (this.answers.length > 0 || this.done) return
      this.#cancelResend()
      this.begun.noise.e.fill(0)
      this.begun = this.scheme.begin(this)
      this.firstAt = now()
      this.sendFirst()
      this.#resend(jitter(250))
      if (ms < 4000) this.#scheduleFresh(ms * 2)
    })
  }

  /** An answer from the address: throws a Drop when it is not one to our first message. */
  onAnswer (packet) {
    const known = this.answers.find(a => equal(a.packet, packet))
    if (known) {
      if (this.done) drop('NoHandshake')
      this.endpoint.send(known.finish, this.state)
      return
    }
    const most = this.freshOnes ? 1 : answersPerFirstMessage
    if (this.done || !this.waiting || this.answers.length >= most) drop('NoHandshake')
    const result = this.scheme.takeAnswer(this.begun, packet)
    if (result.answerKey && this.answers.some(a => a.answerKey === result.answerKey)) drop('NoHandshake')
    const { scheme, T, direct, state, endpoint } = this
    const session = new Session({
      initiator: true,
      sendKey: result.sendKey,
      receiveKey: result.receiveKey,
      remote: result.remoteKey,
      address: state,
      born: this.firstAt,
      scheme,
      T,
      direct,
      lifetime: endpoint.lifetime
    })
    session.handshake = this
    this.answers.push({ packet: Buffer.from(packet), finish: result.finish, session, answerKey: result.answerKey })
    state.sessions.push(session)
    endpoint.send(result.finish, state)
    this.#repeatFinish(result.finish, now() - this.firstAt)
  }

  #repeatFinish (finish, rtt) {
    const again = ms => this.#timers.after(ms, () => {
      if (this.done) return
      this.endpoint.send(finish, this.state)
      again(jitter(500))
    })
    if (!this.freshOnes) {
      again(jitter(250))
      return
    }
    const d = Math.max(100, 2 * rtt)
    const once = ms => this.#timers.after(ms, () => { if (!this.done) this.endpoint.send(finish, this.state) })
    once(d / 2)
    once(d)
    again(d + jitter(250))
  }

  /**
   * A transport packet authenticated on one of the sessions: it is kept. The others only receive until the deadline; they end where
   * the responder sends no data before we do.
   */
  confirmed (kept) {
    this.done = true
    this.waiting = false
    if (!this.scheme.stateless) return
    for (const { session } of this.answers) if (session !== kept && !session.confirmed) this.endpoint.endSession(session)
  }

  /** A newer hypothesis took its place, or the attempt is over: what waits for an answer ends, a sent finish is not taken back. */
  supersede () {
    if (this.answers.length === 0) this.end()
    else this.waiting = false
  }

  /** The attempt was won by another session: finishes are not repeated, the sessions receive until the deadline. */
  rest () {
    this.done = true
    if (this.answers.length === 0) this.end()
  }

  /** The dial is given up: who may hold a session of it is told. */
  cancel () {
    for (const { session } of this.answers) if (!session.confirmed) this.endpoint.sendClosing([session])
    this.end()
  }

  end () {
    if (this.ended) return
    this.ended = true
    this.#timers.end()
    const succeeded = this.answers.some(a => a.session.confirmed)
    this.done = true
    for (const { session } of this.answers) if (!session.confirmed) this.endpoint.endSession(session)
    this.begun.noise.e.fill(0)
    this.state.handshakes = this.state.handshakes.filter(h => h !== this)
    if (!succeeded) this.onFail?.()
  }
}
