import { concat, drop, leb } from './bytes.mjs'

const utf8 = new TextDecoder('utf-8', { fatal: true })

export const field = (number, bytes) => concat(leb(number * 8 + 2), leb(bytes.length), bytes)

/** Reads a proto3 message into [number, wire type, value] triples; what is none is Malformed. */
export function parseFields (bytes) {
  const fields = []
  let at = 0
  const varint = () => {
    let value = 0n
    for (let i = 0n; i < 10n; i++) {
      if (at >= bytes.length) drop('Malformed')
      const b = bytes[at++]
      value |= BigInt(b & 127) << (7n * i)
      if (b < 128) return value < 1n << 64n ? value : drop('Malformed')
    }
    return drop('Malformed')
  }
  const take = n => {
    if (n > BigInt(bytes.length - at)) drop('Malformed')
    at += Number(n)
    return bytes.subarray(at - Number(n), at)
  }
  while (at < bytes.length) {
    const tag = varint()
    const number = tag >> 3n
    const type = Number(tag & 7n)
    if (number === 0n || number > 536870911n) drop('Malformed')
    let value
    if (type === 0) value = varint()
    else if (type === 1) value = take(8n)
    else if (type === 2) value = take(varint())
    else if (type === 5) value = take(4n)
    else drop('Malformed')
    fields.push([Number(number), type, value])
  }
  return fields
}

/** The last value of a bytes field, or null. */
export const last = (fields, number) => fields.findLast(f => f[0] === number && f[1] === 2)?.[2] ?? null

/** The fields of a message field that may be repeated, merged, or null. */
export function merged (fields, number) {
  const parts = fields.filter(f => f[0] === number && f[1] === 2)
  return parts.length === 0 ? null : parts.flatMap(f => parseFields(f[2]))
}

export function requireUtf8 (fields, number) {
  for (const f of fields) {
    if (f[0] !== number || f[1] !== 2) continue
    try {
      utf8.decode(f[2])
    } catch {
      drop('Malformed')
    }
  }
}
