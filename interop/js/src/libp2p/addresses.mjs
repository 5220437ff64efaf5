import { V, multiaddr, registry } from '@multiformats/multiaddr'
import { peerIdOfText } from '../core/identity.mjs'

// Private-use codes of the multicodec table.
export const psecCode = 0x300001
export const psecSchemeCode = 0x300002

registry.addProtocol({ code: psecCode, name: 'psec' })
registry.addProtocol({
  code: psecSchemeCode,
  name: 'psec-scheme',
  size: V,
  valueToBytes: value => new TextEncoder().encode(value),
  bytesToValue: bytes => new TextDecoder('utf-8', { fatal: true }).decode(bytes)
})

/**
 * The parts of `/ip4|ip6/HOST/udp/PORT[/psec[/psec-scheme/NAME]...][/p2p/ID]`, or null when it is no such address:
 * { host, port, schemes (null where none is named), peerId (text) or null }.
 */
export function parseAddress (address) {
  const [ip, udp, ...rest] = multiaddr(address).getComponents()
  if (!['ip4', 'ip6'].includes(ip?.name) || udp?.name !== 'udp') return null
  const peerId = rest.at(-1)?.name === 'p2p' ? rest.pop().value : null
  const [psec, ...named] = rest
  if ((psec && psec.code !== psecCode) || named.some(c => c.code !== psecSchemeCode)) return null
  const schemes = named.map(c => c.value)
  if (new Set(schemes).size < schemes.length) return null
  return { host: ip.value, port: Number(udp.value), schemes: schemes.length > 0 ? schemes : null, peerId }
}

export function formatAddress (host, port, schemes) {
  const family = host.includes(':') ? 'ip6' : 'ip4'
  return multiaddr(`/${family}/${host}/udp/${port}/psec` + (schemes ?? []).map(name => `/psec-scheme/${name}`).join(''))
}

export const peerIdBytes = text => peerIdOfText(text)
