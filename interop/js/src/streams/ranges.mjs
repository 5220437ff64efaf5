/** Whole numbers as disjoint ranges [low, high], ascending, both included. */
export class Ranges {
  constructor () {
    this.list = []
  }

  get empty () { return this.list.length === 0 }

  contains (value) {
    const { list } = this
    if (list.length === 0 || value > list[list.length - 1][1]) return false
    const i = this.#find(value)
    return i < list.length && list[i][0] <= value
  }

  /** The index of the first range that ends at the value or behind it. */
  #find (value) {
    let a = 0
    let b = this.list.length
    while (a < b) {
      const m = (a + b) >> 1
      if (this.list[m][1] < value) a = m + 1
      else b = m
    }
    return a
  }

  add (low, high) {
    if (high < low) return
    const { list } = this
    const tail = list[list.length - 1]
    if (tail && low === tail[1] + 1) {
      tail[1] = high
      return
    }
    const i = this.#find(low - 1)
    let j = i
    while (j < list.length && list[j][0] <= high + 1) {
      low = Math.min(low, list[j][0])
      high = Math.max(high, list[j][1])
      j++
    }
    list.splice(i, j - i, [low, high])
  }

  remove (low, high) {
    const { list } = this
    let i = this.#find(low)
    while (i < list.length && list[i][0] <= high) {
      const [a, b] = list[i]
      const parts = []
      if (a < low) parts.push([a, low - 1])
      if (b > high) parts.push([high + 1, b])
      list.splice(i, 1, ...parts)
      i += parts.length
    }
  }

  /** The parts of [low, high] that are not in here. */
  missing (low, high) {
    const out = []
    for (let i = this.#find(low); i < this.list.length && this.list[i][0] <= high; i++) {
      const [a, b] = this.list[i]
      if (a > low) out.push([low, a - 1])
      low = b + 1
    }
    if (low <= high) out.push([low, high])
    return out
  }
}
