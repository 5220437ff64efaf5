import dgram from 'node:dgram'
import { once } from 'node:events'

/** A generator of numbers from 0 to 1 that is the same for the same seed (mulberry32). */
export function random (seed) {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
}

/** Passes datagrams between one dialler and a listener, loses a share of them both ways, and forges others from what it sees. */
export class LossyRelay {
  constructor (target, { loss = 0, forge = 0, seed = 1 }) {
    this.loss = loss
    this.forge = forge
    this.forged = 0
    this.random = random(seed)
    this.target = target
    this.passed = 0
    this.lost = 0
    this.front = dgram.createSocket('udp4')
    this.back = dgram.createSocket('udp4')
    this.dialler = null
    this.front.on('message', (datagram, from) => {
      this.dialler = from.port
      this.#pass(datagram, copy => this.back.send(copy, this.target, '127.0.0.1'))
    })
    this.back.on('message', datagram => {
      if (this.dialler !== null) this.#pass(datagram, copy => this.front.send(copy, this.dialler, '127.0.0.1'))
    })
  }

  #pass (datagram, send) {
    if (this.random() < this.forge) {
      this.forged++
      send(this.#forged(datagram))
    }
    if (this.random() < this.loss) this.lost++
    else {
      this.passed++
      send(datagram)
    }
  }

  /** A copy with a bit flipped, cut off, with more at its end, or twice the same. */
  #forged (datagram) {
    const copy = Buffer.from(datagram)
    const at = Math.floor(this.random() * copy.length)
    switch (Math.floor(this.random() * 4)) {
      case 0: return copy
      case 1: return copy.subarray(0, at)
      case 2: return Buffer.concat([copy, copy.subarray(at)])
      default:
        copy[at] ^= 1 << Math.floor(this.random() * 8)
        return copy
    }
  }

  async listen () {
    this.front.bind(0, '127.0.0.1')
    this.back.bind(0, '127.0.0.1')
    await Promise.all([once(this.front, 'listening'), once(this.back, 'listening')])
    this.front.setRecvBufferSize(4 * 1024 * 1024)
    this.back.setRecvBufferSize(4 * 1024 * 1024)
    return this.front.address().port
  }

  close () {
    this.front.close()
    this.back.close()
  }
}
