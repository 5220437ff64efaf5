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

/** Passes datagrams between one dialler and a listener, and loses a share of them both ways. */
export class LossyRelay {
  constructor (target, loss, seed = 1) {
    this.loss = loss
    this.random = random(seed)
    this.target = target
    this.passed = 0
    this.lost = 0
    this.front = dgram.createSocket('udp4')
    this.back = dgram.createSocket('udp4')
    this.dialler = null
    this.front.on('message', (datagram, from) => {
      this.dialler = from.port
      if (this.#passes()) this.back.send(datagram, this.target, '127.0.0.1')
    })
    this.back.on('message', datagram => {
      if (this.dialler !== null && this.#passes()) this.front.send(datagram, this.dialler, '127.0.0.1')
    })
  }

  #passes () {
    const passes = this.random() >= this.loss
    if (passes) this.passed++
    else this.lost++
    return passes
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
