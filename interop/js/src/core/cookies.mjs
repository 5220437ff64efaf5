import { createHmac, randomBytes } from 'node:crypto'
import { concat, equalSecret, u32 } from './bytes.mjs'
import { retryString } from './frames.mjs'

const keyMs = 15000
const cookieMs = 10000
const prefix = retryString + ':'
const wrap = 4294967296

/** 20 bytes that show that their bearer receives at an address: spec/psec.md section 10. address has 18 bytes, with the port. */
export function makeCookie (key, address, milliseconds, digest) {
  const time = u32(Math.floor(milliseconds) % wrap)
  return concat(time, createHmac('sha256', key).update(concat(address, time, digest)).digest().subarray(0, 16))
}

/** How the string of a retry for a proposal begins: with the first 9 bytes of the digest of its normal form. */
export const retryName = digest => prefix + digest.subarray(0, 9).toString('base64url')

export const retryText = (digest, cookie) => retryName(digest) + cookie.toString('base64url')

export class Cookies {
  #keys = [] // the newest last: { key, born }

  #current (at) {
    while (this.#keys.length > 0 && at - this.#keys[0].born >= 2 * keyMs) this.#keys.shift().key.fill(0)
    if (this.#keys.length === 0 || at - this.#keys.at(-1).born >= keyMs) this.#keys.push({ key: randomBytes(32), born: at })
    return this.#keys.at(-1).key
  }

  make (address, digest, at) { return retryText(digest, makeCookie(this.#current(at), address, at, digest)) }

  /** Whether the strings of a proposal hold a cookie for this address and normal form, of the last 10 s. */
  valid (strings, address, digest, at) {
    const text = strings.find(s => s.startsWith(prefix))
    const name = retryName(digest)
    if (!text?.startsWith(name)) return false
    const cookie = Buffer.from(text.slice(name.length), 'base64url')
    if (cookie.length !== 20) return false
    const age = (Math.floor(at) - cookie.readUInt32BE(0) + wrap) % wrap
    if (age > cookieMs) return false
    this.#current(at)
    return this.#keys.some(({ key }) => equalSecret(makeCookie(key, address, Math.floor(at) - age + wrap, digest), cookie))
  }
}
