import { ConnectionError, code } from './frames.mjs'

const gapBytes = 1024
const fewestGaps = 64

/** The packet would leave too many gaps: it is neither processed further nor acknowledged. */
export class TooManyGaps extends Error {}

/** What one side receives on a stream: bytes in order, within a window that grows with the reader. */
export class ReceiveHalf {
  #pieces = [] // [{ offset, data }], ascending and disjoint, all behind what was read

  constructor (window, bound) {
    this.window = window
    this.bound = bound
    this.limit = window // that the peer was told
    this.highest = 0
    this.read = 0
    this.finalSize = null
    this.reset = null // { code } of the peer
    this.stopped = false // the application reads no more
    this.endRead = false
    this.windowSince = null
  }

  get readable () { return this.#pieces.length > 0 && this.#pieces[0].offset === this.read }

  get atEnd () { return this.finalSize !== null && this.read === this.finalSize }

  get over () { return this.reset !== null || this.atEnd }

  #checkFinal (end, isFinal) {
    if (this.finalSize !== null && (end > this.finalSize || (isFinal && end !== this.finalSize))) {
      throw new ConnectionError(code.finalSize, 'data beyond the end of a stream, or an end that moves')
    }
    if (isFinal && end < this.highest) throw new ConnectionError(code.finalSize, 'an end before data received')
    if (end > this.limit) throw new ConnectionError(code.flowControl, 'data beyond the window of a stream')
  }

  /** Gives how many bytes the highest offset rose by, for the connection's window. */
  onData (offset, data, fin) {
    const end = offset + data.length
    this.#checkFinal(end, fin)
    if (this.reset === null && !this.stopped && data.length > 0) this.#insert(offset, data)
    if (fin) this.finalSize = end
    const rise = Math.max(0, end - this.highest)
    this.highest = Math.max(this.highest, end)
    if (this.stopped) this.read = this.highest
    return rise
  }

  #insert (offset, data) {
    if (offset < this.read) {
      data = data.subarray(this.read - offset)
      offset = this.read
    }
    if (data.length === 0) return
    const pieces = this.#pieces
    const tail = pieces[pieces.length - 1]
    if (!tail || offset >= tail.offset + tail.data.length) {
      if (!tail ? offset > this.read : offset > tail.offset + tail.data.length) this.#checkGaps()
      pieces.push({ offset, data })
      return
    }
    this.#checkGaps()
    let i = pieces.length
    while (i > 0 && pieces[i - 1].offset > offset) i--
    if (i > 0) {
      const end = pieces[i - 1].offset + pieces[i - 1].data.length
      if (end > offset) {
        if (end >= offset + data.length) return
        data = data.subarray(end - offset)
        offset = end
      }
    }
    const added = []
    for (; data.length > 0; i++) {
      const next = pieces[i]
      const space = next ? next.offset - offset : data.length
      if (space >= data.length) {
        added.push([i, { offset, data }])
        break
      }
      if (space > 0) added.push([i, { offset, data: data.subarray(0, space) }])
      const skip = space + next.data.length
      data = data.subarray(Math.min(skip, data.length))
      offset += skip
    }
    for (const [at, piece] of added.reverse()) pieces.splice(at, 0, piece)
  }

  #checkGaps () {
    if (this.#pieces.length < Math.max(fewestGaps, this.window / gapBytes)) return
    let gaps = 0
    let end = this.read
    for (const piece of this.#pieces) {
      if (piece.offset > end) gaps++
      end = piece.offset + piece.data.length
    }
    if (gaps >= Math.max(fewestGaps, this.window / gapBytes)) throw new TooManyGaps()
  }

  onReset (errorCode, finalSize) {
    this.#checkFinal(finalSize, true)
    const rise = finalSize - this.highest
    this.highest = this.finalSize = finalSize
    if (this.reset === null && !this.atEnd) this.reset = { code: errorCode }
    this.#pieces = []
    this.read = finalSize
    return rise
  }

  /** All that can be read now, as buffers. */
  take () {
    const out = []
    while (this.readable) {
      const { data } = this.#pieces.shift()
      this.read += data.length
      out.push(data)
    }
    return out
  }

  stop () {
    this.stopped = true
    this.#pieces = []
    this.read = this.highest
  }

  /** Raises the limit when half a window is used up, and the window when that took less than two round trips. */
  raise (at, rtt) {
    if (this.finalSize !== null || this.limit - this.read > this.window / 2) return false
    if (this.windowSince !== null && at - this.windowSince < 2 * rtt) this.window = Math.min(this.bound, this.window * 2)
    this.windowSince = at
    this.limit = this.read + this.window
    return true
  }
}
