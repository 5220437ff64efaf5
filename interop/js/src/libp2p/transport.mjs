import { InvalidMultiaddrError, TypedEventEmitter, transportSymbol } from '@libp2p/interface'
import { peerIdFromString } from '@libp2p/peer-id'
import { formatAddress, parseAddress, peerIdBytes } from './addresses.mjs'
import { PsecConnection, muxerFactory } from './muxer.mjs'
import { Endpoint, schemeNames } from '../core/endpoint.mjs'
import { Identity, peerIdOf, textOfPeerId } from '../core/identity.mjs'
import { hex } from '../core/bytes.mjs'
import { StreamLayer } from '../streams/layer.mjs'

const loopback = host => host === '::1' || host.startsWith('127.')

/** A libp2p transport over PacketSec. init: schemes (served, and proposed where an address names none; whoever
    lists several kinds allows their mixture), and lifetimeFactor and rekeyMs of the endpoint. */
export const psec = (init = {}) => components => new PsecTransport(components, init)

class PsecTransport {
  [transportSymbol] = true;
  [Symbol.toStringTag] = '@packetsec/psec'
  #dialler = null
  #listeners = []
  #dialling = new Map() // identities that a dial runs for, and how many

  constructor (components, { schemes = schemeNames, lifetimeFactor, rekeyMs }) {
    this.components = components
    this.schemes = schemes
    this.times = { lifetimeFactor, rekeyMs }
    this.identity = new Identity(components.privateKey.raw.subarray(0, 32))
    this.log = components.logger.forComponent('psec')
  }

  async stop () {
    await (await this.#dialler)?.close()
    this.#dialler = null
  }

  dialFilter (addresses) {
    return addresses.filter(a => {
      const parsed = parseAddress(a)
      return parsed !== null && parsed.peerId !== null && this.#known(parsed)
    })
  }

  listenFilter (addresses) {
    return addresses.filter(a => {
      const parsed = parseAddress(a)
      return parsed !== null && this.#known(parsed)
    })
  }

  #known ({ schemes }) { return schemes === null || schemes.every(name => schemeNames.includes(name)) }

  endpoint (schemes, direct) {
    return new Endpoint({ identity: this.identity, schemes, direct, allowMixture: true, ...this.times })
  }

  /** Dials go from the socket that listens, so that two peers that dial each other meet. */
  async #socketFor (host, upgrader) {
    const listener = this.#listeners.find(l => loopback(l.host) === loopback(host))
    if (listener) return listener.endpoint
    this.#dialler ??= (async () => {
      const endpoint = this.endpoint(this.schemes, null)
      await endpoint.bind(0, host.includes(':') ? '::' : '0.0.0.0')
      this.accept(endpoint, upgrader)
      return endpoint
    })()
    return this.#dialler
  }

  async dial (address, { signal, upgrader, onProgress }) {
    signal?.throwIfAborted()
    const parsed = parseAddress(address)
    if (!parsed?.peerId) throw new InvalidMultiaddrError('an address to dial names the peer: it ends in /p2p/ and an ID')
    const endpoint = await this.#socketFor(parsed.host, upgrader)
    const peerId = peerIdBytes(parsed.peerId)
    const name = hex(peerId)
    this.#dialling.set(name, (this.#dialling.get(name) ?? 0) + 1)
    try {
      const channel = await endpoint.dial({
        address: parsed.host,
        port: parsed.port,
        peerId,
        schemes: parsed.schemes ?? this.schemes,
        direct: parsed.schemes?.length === 1,
        signal
      })
      if (!peerIdOf(channel.remoteKey).equals(peerId)) throw new Error('the peer is not who was dialled')
      if (channel.upgraded) return this.#existing(parsed.peerId)
      const maConn = this.#begin(channel, address, 'outbound', upgrader)
      return await upgrader.upgradeOutbound(maConn, { ...this.#upgrade(channel), signal, onProgress })
    } finally {
      const left = this.#dialling.get(name) - 1
      if (left > 0) this.#dialling.set(name, left)
      else this.#dialling.delete(name)
      this.#acceptWaiting(endpoint, upgrader)
    }
  }

  #existing (peerId) {
    const [open] = this.components.connectionManager.getConnections(peerIdFromString(peerId)).filter(c => c.status === 'open')
    if (!open) throw new Error('the connection to the peer is being closed')
    return open
  }

  #upgrade (channel) {
    return {
      skipEncryption: true,
      skipProtection: true,
      remotePeer: peerIdFromString(textOfPeerId(peerIdOf(channel.remoteKey))),
      muxerFactory
    }
  }

  #begin (channel, remoteAddr, direction, upgrader) {
    channel.upgraded = true
    const layer = new StreamLayer(channel, { keepAlive: true })
    // A peer that restarted is another connection to libp2p.
    layer.on('connection', () => this.#upgradeInbound(channel, this.#connection(layer, remoteAddr, 'inbound'), upgrader))
    return this.#connection(layer, remoteAddr, direction)
  }

  #connection ({ channel, connection }, remoteAddr, direction) {
    return new PsecConnection(channel, connection, { remoteAddr, direction, log: this.log.newScope(direction) })
  }

  /** Takes the channels that others begin, but leaves those to a dial that runs for the same peer. */
  accept (endpoint, upgrader) {
    endpoint.on('channel', channel => {
      if (this.#dialling.has(hex(peerIdOf(channel.remoteKey)))) return
      this.#take(channel, upgrader)
    })
  }

  #acceptWaiting (endpoint, upgrader) {
    for (const channel of endpoint.channels) {
      if (!channel.upgraded && channel.reported && !this.#dialling.has(hex(peerIdOf(channel.remoteKey)))) this.#take(channel, upgrader)
    }
  }

  #take (channel, upgrader) {
    const { address, port } = channel.newest.address
    this.#upgradeInbound(channel, this.#begin(channel, formatAddress(address, port), 'inbound', upgrader), upgrader)
  }

  #upgradeInbound (channel, maConn, upgrader) {
    upgrader.upgradeInbound(maConn, { ...this.#upgrade(channel), signal: new AbortController().signal }).catch(error => {
      this.log.error('an inbound connection came to nothing - %e', error)
      maConn.abort(error)
    })
  }

  createListener ({ upgrader }) { return new PsecListener(this, upgrader) }

  listening (listener) { this.#listeners.push(listener) }

  stopped (listener) { this.#listeners = this.#listeners.filter(l => l !== listener) }
}

class PsecListener extends TypedEventEmitter {
  #addresses = []

  constructor (transport, upgrader) {
    super()
    this.transport = transport
    this.upgrader = upgrader
  }

  /** An address that names one scheme serves it directly too. */
  async listen (address) {
    const { host, port, schemes: named } = parseAddress(address)
    const schemes = named ?? this.transport.schemes
    this.host = host
    this.endpoint = this.transport.endpoint(schemes, schemes.length === 1 ? schemes[0] : null)
    await this.endpoint.bind(port, host)
    this.transport.accept(this.endpoint, this.upgrader)
    this.transport.listening(this)
    this.#addresses = [formatAddress(host, this.endpoint.port, schemes.length < schemeNames.length ? schemes : null)]
    this.safeDispatchEvent('listening')
  }

  getAddrs () { return this.#addresses }

  updateAnnounceAddrs () {}

  async close () {
    this.transport.stopped(this)
    await this.endpoint?.close()
    this.safeDispatchEvent('close')
  }
}
