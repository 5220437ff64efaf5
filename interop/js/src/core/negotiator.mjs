import { Drop, drop } from './bytes.mjs'
import { Cookies } from './cookies.mjs'
import { acceptFrame, isReject, parseAccept, parseProposal, reject, retryString, standardTranscript } from './frames.mjs'
import { comparePeerIds } from './identity.mjs'
import { Timers, now } from './timers.mjs'

const proposalsPerAddress = 4
const proposalsPerPrefix = 256
const keptMs = 10000
const overMs = 60000
const livePerSecond = 8

/** How many proposals are kept, in all and for each prefix (an IPv4 /24, an IPv6 /64). */
class Places {
  #all = 0
  #byPrefix = new Map()

  full (prefix, inAll) {
    if (this.#all >= inAll) return 'ProposalsFull'
    return (this.#byPrefix.get(prefix) ?? 0) >= proposalsPerPrefix ? 'PrefixProposalsFull' : null
  }

  add (prefix) {
    this.#all++
    this.#byPrefix.set(prefix, (this.#byPrefix.get(prefix) ?? 0) + 1)
  }

  remove (prefix) {
    this.#all--
    const left = this.#byPrefix.get(prefix) - 1
    if (left > 0) this.#byPrefix.set(prefix, left)
    else this.#byPrefix.delete(prefix)
  }
}

/** PSEC's frames at an endpoint: proposals, accepts and rejects of other peers (spec/psec.md). */
export class Negotiator {
  #timers = new Timers()
  #cookies = new Cookies()
  #plain = new Places() // proposals without a cookie
  #shown = new Places() // as many again for those that show one

  /** proposalsInAll is lower in tests only. */
  constructor (endpoint, proposalsInAll = 1024) {
    this.endpoint = endpoint
    this.proposalsInAll = proposalsInAll
  }

  end () { this.#timers.end() }

  /** Whether the datagram was a frame; throws a Drop when it was one that is not taken. */
  take (state, datagram, known) {
    const outstanding = state.own?.outstanding
    const accepted = parseAccept(datagram)
    if (accepted !== null || isReject(datagram)) {
      if (!outstanding) drop('NoProposal')
      if (accepted === null) {
        state.own.onReject()
        return true
      }
      const reason = state.own.onAccept(accepted)
      if (reason !== null) drop(reason)
      return true
    }
    if (datagram.length < 2 || datagram[0] !== 0 || datagram[1] < 2) return false
    let proposal
    try {
      proposal = parseProposal(datagram)
    } catch (error) {
      if (!(error instanceof Drop)) throw error
      if (known && error.reason === 'Malformed') return false
      throw error
    }
    this.#onProposal(state, { ...proposal, length: datagram.length })
    return true
  }

  #onProposal (state, proposal) {
    const { endpoint } = this
    const own = state.own?.outstanding ? state.own : null
    const same = id => id && comparePeerIds(id, proposal.peerId) === 0
    if (same(endpoint.identity.peerId) || same(own?.peerId)) drop('Reflected')
    if (state.over.some(digest => digest.equals(proposal.digest)) && state.liveRemote(now())) drop('NegotiationOver')
    const copy = state.remotes.find(r => r.digest.equals(proposal.digest))
    if (copy) this.#onCopy(state, own, copy, proposal)
    else {
      if (own || state.liveRemote(now())) this.#countLive(state)
      if (own) this.#onSimultaneous(state, own, proposal)
      else this.#accept(state, proposal)
    }
  }

  #onCopy (state, own, remote, proposal) {
    if (remote.kind === 'accepted') {
      this.endpoint.send(acceptFrame(remote.scheme.name), state)
      this.#useFirstPacket(state, remote, proposal)
    } else if (remote.leads && own) {
      this.#countLive(state)
      own.sendProposal()
      own.lead(remote)
    }
  }

  #onSimultaneous (state, own, proposal) {
    const agreed = own.agree(proposal)
    if (agreed === null) drop('NoCommonScheme')
    const remote = { kind: 'simultaneous', ...agreed, ...this.#record(proposal) }
    this.#keep(state, remote)
    if (remote.leads) own.lead(remote)
  }

  #accept (state, proposal) {
    const { endpoint } = this
    const name = proposal.schemes.find(s => endpoint.served.includes(s))
    if (!name) {
      if (!endpoint.hides) endpoint.send(reject, state)
      drop('NoCommonScheme')
    }
    const remote = { kind: 'accepted', leads: false, scheme: endpoint.scheme(name), T: standardTranscript(proposal.normal, name), ...this.#record(proposal) }
    const places = this.#admit(state, proposal)
    if (places === null) return
    this.#keep(state, remote, places)
    endpoint.send(acceptFrame(name), state)
    this.#useFirstPacket(state, remote, proposal)
  }

  #record ({ peerId, digest }) {
    return { peerId, digest, progress: now(), served: false, answered: false }
  }

  /** Places for a proposal, or null when it drew a retry; throws a Drop when it has none and cannot bring a cookie. */
  #admit (state, proposal) {
    if (state.liveRemote(now())) return this.#plain
    const asks = this.endpoint.hides
    let reason = asks ? null : this.#plain.full(state.prefix, this.proposalsInAll)
    if (reason === null && !asks) return this.#plain
    if (this.#cookies.valid(proposal.strings, state.bytes, proposal.digest, now())) {
      reason = this.#shown.full(state.prefix, this.proposalsInAll)
      return reason === null ? this.#shown : drop(reason)
    }
    if (!asks && !proposal.strings.includes(retryString)) drop(reason)
    const retry = acceptFrame(this.#cookies.make(state.bytes, proposal.digest, now()))
    if (retry.length > proposal.length) drop(reason ?? 'Amplification')
    this.endpoint.send(retry, state)
    return null
  }

  #keep (state, remote, places = null) {
    if (state.remotes.length >= proposalsPerAddress) {
      const oldest = state.remotes.findIndex(r => !(r.leads ? r.answered : r.served))
      if (oldest < 0) drop('AddressProposalsFull')
      state.remotes.splice(oldest, 1)
    }
    state.remotes.push(remote)
    places?.add(state.prefix)
    this.#timers.after(keptMs, () => {
      places?.remove(state.prefix)
      state.remotes = state.remotes.filter(r => r !== remote)
      this.endpoint.forget(state)
    })
  }

  /** A first packet inside is for who accepts exactly the first-listed scheme. */
  #useFirstPacket (state, remote, { firstPacket, strings }) {
    if (firstPacket === null || strings[0] !== remote.scheme.name) return
    if (firstPacket.length < 4 || firstPacket.readUInt32BE(0) !== remote.scheme.first) return
    this.endpoint.responder.onFirst(state, remote.scheme, firstPacket, remote)
  }

  /** A win under this transcript: copies of the proposal that it was under are late. */
  won (state, T) {
    const remote = state.remotes.find(r => r.T.equals(T))
    if (!remote) return
    state.remotes = state.remotes.filter(r => r !== remote)
    state.over.push(remote.digest)
    this.#timers.after(overMs, () => {
      state.over = state.over.filter(d => d !== remote.digest)
      this.endpoint.forget(state)
    })
  }

  /** A bucket of one second's worth for what a live address, or one with an own proposal, may begin. */
  #countLive (state) {
    const at = now()
    state.liveTokens = Math.min(livePerSecond, (state.liveTokens ?? livePerSecond) + (at - (state.liveAt ?? at)) * livePerSecond / 1000)
    state.liveAt = at
    if (state.liveTokens < 1) drop('PrefixRate')
    state.liveTokens--
  }
}
