import { openPacket, sealPacket } from './aead.mjs'

const windowSize = 8128
const words = 256 // of 32 bits: 8,192 counters, of which those of one 64-bit word are always being cleared
export const closingCounter = 0x7fffffff
const lastCounter = 0x7ffffffe

/** The ring of RFC 6479. */
export class ReplayWindow {
  #bits = new Uint32Array(words)
  highest = 0

  /** null when the counter is to be taken, else the drop reason. */
  check (counter) {
    if (counter > this.highest) return null
    if (this.highest - counter > windowSize) return 'TooOld'
    return this.#bits[(counter >>> 5) % words] & (1 << (counter & 31)) ? 'Replayed' : null
  }

  commit (counter) {
    if (counter > this.highest) {
      const from = Math.floor(this.highest / 32)
      const to = Math.floor(counter / 32)
      for (let i = from + 1; i <= to && i <= from + words; i++) this.#bits[i % words] = 0
      this.highest = counter
    }
    this.#bits[(counter >>> 5) % words] |= 1 << (counter & 31)
  }
}

let number = 0

/** Two keys, a send counter, a replay window and an expiry: spec/sessions.md sections 1 to 5. */
export class Session {
  constructor ({ initiator, sendKey, receiveKey, remote, address, born, scheme, T, direct, lifetime }) {
    Object.assign(this, { initiator, sendKey, receiveKey, remote, address, born, scheme, T, direct, lifetime })
    this.id = ++number
    this.counter = 16
    this.window = new ReplayWindow()
    this.confirmed = false
    this.confirmedAt = 0
    this.order = 0 // among the confirmed sessions of a channel
    this.mayCarryData = true // the responder of a scheme without early data says false until it is confirmed
    this.dataFlowed = false
    this.authenticated = false
    this.firstDataSent = null
    this.closed = false // ended: it only delivers what is late
    this.ended = false
    this.firstPacket = null
  }

  age (now) { return now - this.born }

  canSend (now) {
    return !this.closed && !this.ended && this.age(now) < this.lifetime.send && this.counter <= lastCounter
  }

  canReceive (now) { return !this.ended && this.age(now) <= this.lifetime.receive }

  seal (payload) {
    const counter = this.counter++
    return this.#sealAt(counter, payload)
  }

  sealClosing () { return this.#sealAt(closingCounter, Buffer.alloc(0)) }

  #sealAt (counter, payload) {
    return sealPacket(this.sendKey, (this.initiator ? counter : (counter | 0x80000000)) >>> 0, counter, payload)
  }

  /** { payload } or { reason }. The window is asked first and changed only when the packet authenticates. */
  open (counter, packet) {
    if (counter !== closingCounter) {
      const reason = this.window.check(counter)
      if (reason !== null) return { reason }
    }
    const payload = openPacket(this.receiveKey, counter, packet)
    if (payload === null) return { reason: 'NotAuthentic' }
    if (counter !== closingCounter) this.window.commit(counter)
    return { payload }
  }

  end () {
    this.ended = true
    this.sendKey.fill(0)
    this.receiveKey.fill(0)
  }
}
