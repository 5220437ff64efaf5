import dgram from 'node:dgram'
import { once } from 'node:events'
import { random } from './lossy-relay.mjs'

/** A path between two endpoints that both dial: each dials, and hears the other from, one address. It loses, doubles and delays. */
export class TwoWayPath {
  constructor ({ loss = 0, double = 0, late = 0, seed = 1 }) {
    Object.assign(this, { loss, double, late })
    this.random = random(seed)
    this.sides = [dgram.createSocket('udp4'), dgram.createSocket('udp4')]
    this.closed = false
  }

  /** Gives the port that each of the two endpoints dials. */
  async between (first, second) {
    for (const side of this.sides) side.bind(0, '127.0.0.1')
    await Promise.all(this.sides.map(side => once(side, 'listening')))
    const ports = [first.port, second.port]
    this.sides.forEach((side, i) => side.on('message', datagram => {
      if (this.random() < this.loss) return
      this.#pass(datagram, 1 - i, ports[1 - i])
      if (this.random() < this.double) this.#pass(datagram, 1 - i, ports[1 - i])
    }))
    return this.sides.map(side => side.address().port)
  }

  #pass (datagram, side, port) {
    const send = () => { if (!this.closed) this.sides[side].send(datagram, port, '127.0.0.1') }
    if (this.random() < this.late) setTimeout(send, this.random() * 20)
    else send()
  }

  close () {
    this.closed = true
    for (const side of this.sides) side.close()
  }
}
