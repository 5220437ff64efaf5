import { createCipheriv, createDecipheriv } from 'node:crypto'
import { chacha20poly1305 } from '@noble/ciphers/chacha.js'

const algorithm = 'chacha20-poly1305'
const options = { authTagLength: 16 }

function nonceOf (counter) {
  const nonce = Buffer.alloc(12)
  nonce.writeUInt32LE(counter, 4)
  return nonce
}

/** The AEAD of handshakes, from @noble/ciphers. */
export const sealHandshake = (key, counter, ad, plain) => Buffer.from(chacha20poly1305(key, nonceOf(counter), ad).encrypt(plain))

export function openHandshake (key, counter, ad, sealed) {
  if (sealed.length < 16) return null
  try {
    return Buffer.from(chacha20poly1305(key, nonceOf(counter), ad).decrypt(sealed))
  } catch {
    return null
  }
}

/** The AEAD of transport packets: OpenSSL's by node:crypto, for it takes a seventh of the time for 1,180 bytes. */
export function sealPacket (key, word, counter, payload) {
  const out = Buffer.allocUnsafe(20 + payload.length)
  out.writeUInt32BE(word, 0)
  const cipher = createCipheriv(algorithm, key, nonceOf(counter), options)
  cipher.setAAD(out.subarray(0, 4))
  cipher.update(payload).copy(out, 4)
  cipher.final()
  cipher.getAuthTag().copy(out, 4 + payload.length)
  return out
}

/** The payload of a transport packet, or null when it does not authenticate. */
export function openPacket (key, counter, packet) {
  const decipher = createDecipheriv(algorithm, key, nonceOf(counter), options)
  decipher.setAAD(packet.subarray(0, 4))
  decipher.setAuthTag(packet.subarray(packet.length - 16))
  const plain = decipher.update(packet.subarray(4, packet.length - 16))
  try {
    decipher.final()
    return plain
  } catch {
    return null
  }
}
