/** Milliseconds on a monotonic clock. */
export const now = () => performance.now()

/** Timers that end together, so that nothing is sent for what has ended. */
export class Timers {
  #timers = new Set()
  #ended = false

  after (ms, action) {
    if (this.#ended) return () => {}
    const timer = setTimeout(() => {
      this.#timers.delete(timer)
      action()
    }, Math.max(0, ms))
    this.#timers.add(timer)
    return () => {
      clearTimeout(timer)
      this.#timers.delete(timer)
    }
  }

  end () {
    this.#ended = true
    for (const timer of this.#timers) clearTimeout(timer)
    this.#timers.clear()
  }
}
