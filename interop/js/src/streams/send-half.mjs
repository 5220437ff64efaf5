import { Ranges } from './ranges.mjs'

const bufferLimit = 1024 * 1024

/** What one side sends on a stream: bytes that are kept until they are acknowledged, an end, or a reset. */
export class SendHalf {
  #chunks = [] // [{ offset, data }], all that is not acknowledged as one prefix
  #acked = new Ranges()
  #again = new Ranges() // what was lost and is to be sent again
  #base = 0 // below it all is acknowledged

  constructor (limit) {
    this.limit = limit // that the peer has told
    this.written = 0
    this.next = 0 // the first byte that was never sent
    this.ended = false
    this.endSent = false
    this.endAcked = false
    this.reset = null // { code }, once reset
    this.resetSent = false
    this.resetAcked = false
    this.wantsDrain = false
  }

  get buffered () { return this.written - this.#base }

  get open () { return !this.ended && this.reset === null }

  /** Takes the bytes, which must not change any more; false when the writer had better wait for 'drain'. */
  write (data) {
    if (data.length > 0) {
      this.#chunks.push({ offset: this.written, data })
      this.written += data.length
    }
    this.wantsDrain ||= this.buffered >= bufferLimit
    return !this.wantsDrain
  }

  get drained () { return this.wantsDrain && this.buffered < bufferLimit / 2 }

  get over () { return this.reset !== null ? this.resetAcked : this.endAcked && this.#base === this.written }

  get hasData () {
    if (this.reset !== null) return false
    return !this.#again.empty || (this.next < this.written && this.next < this.limit) ||
      (this.ended && !this.endSent && this.next === this.written)
  }

  get hasLost () { return !this.#again.empty }

  /** The next piece: at most room bytes, new ones within the connection's allowance. { offset, length, fin, isNew } or null. */
  take (room, allowance) {
    if (!this.#again.empty) {
      const [low, high] = this.#again.list[0]
      const length = Math.min(room, high - low + 1)
      this.#again.remove(low, low + length - 1)
      const fin = this.ended && low + length === this.written
      if (fin) this.endSent = true
      return { offset: low, length, fin, isNew: false }
    }
    const length = Math.min(room, this.written - this.next, Math.max(0, this.limit - this.next), allowance)
    const fin = this.ended && this.next + length === this.written
    if (length === 0 && !(fin && !this.endSent)) return null
    const piece = { offset: this.next, length, fin, isNew: true }
    this.next += length
    if (fin) this.endSent = true
    return piece
  }

  copy (target, at, offset, length) {
    let i = 0
    if (this.#chunks.length > 8) {
      let b = this.#chunks.length - 1
      while (i < b) {
        const m = (i + b + 1) >> 1
        if (this.#chunks[m].offset <= offset) i = m
        else b = m - 1
      }
    }
    while (length > 0) {
      const chunk = this.#chunks[i++]
      const from = offset - chunk.offset
      if (from >= chunk.data.length) continue
      const n = Math.min(length, chunk.data.length - from)
      target.set(chunk.data.subarray(from, from + n), at)
      at += n
      offset += n
      length -= n
    }
  }

  onAcked ({ offset, length, fin }) {
    if (fin) this.endAcked = true
    if (length > 0) {
      this.#acked.add(offset, offset + length - 1)
      if (!this.#again.empty) this.#again.remove(offset, offset + length - 1)
    }
    const [first] = this.#acked.list
    if (!first || first[0] > this.#base) return
    this.#base = first[1] + 1
    let gone = 0
    while (gone < this.#chunks.length && this.#chunks[gone].offset + this.#chunks[gone].data.length <= this.#base) gone++
    if (gone > 0) this.#chunks.splice(0, gone)
  }

  onLost ({ offset, length, fin }) {
    if (this.reset !== null) return
    if (fin && !this.endAcked) this.endSent = false
    if (length === 0) return
    for (const [low, high] of this.#acked.missing(offset, offset + length - 1)) this.#again.add(low, high)
  }

  abandon (errorCode) {
    if (this.reset !== null || this.over) return
    this.reset = { code: errorCode }
    this.#chunks = []
    this.#again = new Ranges()
  }
}
