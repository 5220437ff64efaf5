// Loss detection, probe timeout and NewReno: RFC 9002 with its recommended figures. Times are in milliseconds.

const packetThreshold = 3
const timeThreshold = 9 / 8
const granularity = 1
const initialRtt = 333
export const maxAckDelay = 25
const datagramSize = 1200
const initialWindow = 10 * datagramSize
const minimumWindow = 2 * datagramSize
const persistentFactor = 3
const burst = 10 * datagramSize

export class Recovery {
  /** onLost(packet) is told of each packet that is given up. */
  constructor (onLost) {
    this.onLost = onLost
    this.sent = new Map()
    this.largestAcked = -1
    this.lossTime = null
    this.index = 0
    this.lost = 0
    this.resetPath()
  }

  resetPath () {
    this.srtt = null
    this.rttvar = initialRtt / 2
    this.latest = 0
    this.minRtt = Infinity
    this.firstSample = null
    this.window = initialWindow
    this.threshold = Infinity
    this.recoveryStart = null
    this.inFlight = 0
    this.ptoCount = 0
    this.lastSent = null
    this.tokens = burst
    this.tokensAt = null
    // What was sent to the former address says nothing about the new one.
    for (const packet of this.sent.values()) packet.formerPath = true
  }

  get rtt () { return this.srtt ?? initialRtt }

  get pto () { return this.rtt + Math.max(4 * this.rttvar, granularity) + maxAckDelay }

  get probeTimeout () { return this.pto * 2 ** Math.min(this.ptoCount, 10) }

  get full () { return this.inFlight + datagramSize > this.window }

  /** How long the pacer wants to wait before the next packet: 1.25 windows in a round trip, 2 in slow start. */
  pacingDelay (at) {
    if (this.srtt === null) return 0
    const rate = (this.window < this.threshold ? 2 : 1.25) * this.window / Math.max(this.srtt, 0.1)
    this.tokens = Math.min(Math.max(burst, rate * 2), this.tokens + rate * (at - (this.tokensAt ?? at)))
    this.tokensAt = at
    return this.tokens >= datagramSize ? 0 : (datagramSize - this.tokens) / rate
  }

  /** A packet that asks for an acknowledgement was sent. */
  onSent (packet, at) {
    packet.time = at
    packet.index = this.index++
    this.sent.set(packet.number, packet)
    this.inFlight += packet.size
    this.tokens -= packet.size
    this.lastSent = at
  }

  /** Gives the packets that are newly acknowledged. */
  onAck (ranges, delay, at, limited) {
    const acked = []
    const [lowest] = ranges[ranges.length - 1]
    const largest = ranges[0][1]
    this.largestAcked = Math.max(this.largestAcked, largest)
    let i = ranges.length - 1
    for (const [number, packet] of this.sent) {
      if (number < lowest) continue
      while (i >= 0 && number > ranges[i][1]) i--
      if (i < 0) break
      if (number >= ranges[i][0]) acked.push(packet)
    }
    if (acked.length === 0) return acked
    const newest = acked[acked.length - 1]
    for (const packet of acked) this.sent.delete(packet.number)
    if (newest.number === largest && !newest.formerPath) this.#sample(at - newest.time, delay, at)
    for (const packet of acked) this.#onPacketAcked(packet, limited)
    this.ptoCount = 0
    this.detect(at)
    return acked
  }

  #sample (rtt, delay, at) {
    this.firstSample ??= at
    this.latest = rtt
    this.minRtt = Math.min(this.minRtt, rtt)
    if (this.srtt === null) {
      this.srtt = rtt
      this.rttvar = rtt / 2
      return
    }
    let adjusted = rtt
    const used = Math.min(delay, maxAckDelay)
    if (rtt >= this.minRtt + used) adjusted = rtt - used
    this.rttvar = 0.75 * this.rttvar + 0.25 * Math.abs(this.srtt - adjusted)
    this.srtt = 0.875 * this.srtt + 0.125 * adjusted
  }

  #onPacketAcked (packet, limited) {
    if (packet.formerPath) return
    this.inFlight -= packet.size
    if (limited || (this.recoveryStart !== null && packet.time <= this.recoveryStart)) return
    if (this.window < this.threshold) this.window += packet.size
    else this.window += datagramSize * packet.size / this.window
  }

  /** Finds lost packets by number and time. */
  detect (at) {
    this.lossTime = null
    const delay = Math.max(timeThreshold * Math.max(this.latest || this.rtt, this.rtt), granularity)
    const lost = []
    for (const [number, packet] of this.sent) {
      if (number > this.largestAcked) break
      if (packet.time <= at - delay || this.largestAcked >= number + packetThreshold) lost.push(packet)
      else this.lossTime = Math.min(this.lossTime ?? Infinity, packet.time + delay)
    }
    if (lost.length === 0) return
    for (const packet of lost) this.#giveUp(packet)
    const onPath = lost.filter(p => !p.formerPath)
    if (onPath.length === 0) return
    this.lost += onPath.length
    this.#congestion(onPath[onPath.length - 1].time, at)
    if (this.#persistent(onPath)) {
      this.window = minimumWindow
      this.recoveryStart = null
    }
  }

  #giveUp (packet) {
    this.sent.delete(packet.number)
    if (!packet.formerPath) this.inFlight -= packet.size
    this.onLost(packet)
  }

  #congestion (sentAt, at) {
    if (this.recoveryStart !== null && sentAt <= this.recoveryStart) return
    this.recoveryStart = at
    this.threshold = Math.max(this.window / 2, minimumWindow)
    this.window = this.threshold
  }

  /** Whether packets that were sent one after another are lost over more than three probe timeouts. */
  #persistent (lost) {
    if (this.firstSample === null) return false
    const duration = this.pto * persistentFactor
    let start = null
    let previous = null
    for (const packet of lost) {
      if (packet.time <= this.firstSample) continue
      if (start === null || packet.index !== previous.index + 1) start = packet
      previous = packet
      if (packet.time - start.time > duration) return true
    }
    return false
  }

  /** When to look again: a packet becomes lost, or a probe is due. */
  deadline (canSend) {
    if (this.lossTime !== null) return this.lossTime
    if (!canSend || this.sent.size === 0 || this.lastSent === null) return null
    return this.lastSent + this.probeTimeout
  }

  /** The packets whose content a probe repeats: the oldest in flight. */
  oldest (count) {
    const out = []
    for (const packet of this.sent.values()) {
      if (out.length === count) break
      out.push(packet)
    }
    return out
  }
}
