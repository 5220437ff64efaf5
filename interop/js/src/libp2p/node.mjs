import { generateKeyPairFromSeed } from '@libp2p/crypto/keys'
import { identify, identifyPush } from '@libp2p/identify'
import { ping } from '@libp2p/ping'
import { createLibp2p } from 'libp2p'
import { formatAddress } from './addresses.mjs'
import { psec } from './transport.mjs'
import { serveTestProtocols } from './test-protocols.mjs'
import { schemeNames } from '../core/endpoint.mjs'

const limits = { maxOutboundStreams: 8, maxInboundStreams: 8 }

/** A libp2p host over PacketSec with the protocols of the interop runs. listen: a port, or null to dial only. */
export async function createHost ({ seed, listen = 0, host = '127.0.0.1', schemes = schemeNames, lifetimeFactor, rekeyMs }) {
  const node = await createLibp2p({
    privateKey: await generateKeyPairFromSeed('Ed25519', seed),
    addresses: { listen: listen === null ? [] : [formatAddress(host, listen, schemes.length < schemeNames.length ? schemes : null).toString()] },
    transports: [psec({ schemes, lifetimeFactor, rekeyMs })],
    connectionManager: { inboundConnectionThreshold: 1e9 },
    connectionMonitor: { enabled: false },
    connectionGater: { denyDialMultiaddr: () => false },
    services: { identify: identify(limits), identifyPush: identifyPush(), ping: ping(limits) }
  })
  await serveTestProtocols(node)
  return node
}
