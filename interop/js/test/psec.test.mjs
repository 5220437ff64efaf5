import test from 'node:test'
import assert from 'node:assert/strict'
import { hex, unhex } from '../src/core/bytes.mjs'
import { comparePeerIds } from '../src/core/identity.mjs'
import {
  acceptFrame, choose, directTranscript, isReject, normalForm, parseAccept, parseProposal, proposalFrame, simultaneousTranscript, standardTranscript
} from '../src/core/frames.mjs'
import { Cookies, makeCookie, retryText } from '../src/core/cookies.mjs'
import { endpoint, pair, to, within } from '../support/ends.mjs'
import { ownVectors } from '../support/vectors.mjs'

const v = ownVectors('psec.json')

test('proposals', () => {
  for (const p of v.proposals) {
    const parsed = parseProposal(unhex(p.frame))
    assert.equal(hex(parsed.peerId), p.peer_id, p.name)
    assert.deepEqual(parsed.strings, p.strings, p.name)
    assert.deepEqual(parsed.schemes, p.schemes, p.name)
    assert.equal(parsed.firstPacket && hex(parsed.firstPacket), p.first_packet, p.name)
    assert.equal(hex(parsed.normal), p.normal_form, p.name)
    assert.equal(hex(parsed.digest), p.digest, p.name)
    assert.equal(hex(proposalFrame(parsed.peerId, parsed.strings, parsed.firstPacket)), p.frame, p.name)
  }
})

test('what is no proposal', () => {
  for (const p of v.malformed_proposals) assert.throws(() => parseProposal(unhex(p.frame)), { reason: /Malformed|TooLong/ }, p.name)
})

test('accepts and rejects', () => {
  for (const a of v.accepts) {
    assert.equal(parseAccept(unhex(a.frame)) !== null, a.valid, a.name)
    if (a.valid) assert.equal(hex(acceptFrame(a.scheme)), a.frame, a.name)
  }
  for (const r of v.rejects) assert.equal(isReject(unhex(r.frame)), r.valid, r.name)
})

test('the choice, the leader and the transcript of simultaneous proposals', () => {
  for (const s of v.simultaneous) {
    const [a, b] = [s.a, s.b].map(p => ({ peerId: unhex(p.peer_id), strings: p.strings, normal: normalForm(unhex(p.peer_id), p.strings) }))
    const order = comparePeerIds(a.peerId, b.peerId)
    assert.equal(order < 0 ? 'a' : order > 0 ? 'b' : null, s.leader)
    if (s.leader === null) continue
    const [leader, other] = order < 0 ? [a, b] : [b, a]
    assert.equal(choose(a, b), s.scheme)
    assert.equal(choose(b, a), s.scheme)
    if (s.scheme !== null) assert.equal(hex(simultaneousTranscript(leader.normal, other.normal, s.scheme)), s.transcript)
  }
})

test('transcripts of the standard case and of direct mode', () => {
  for (const s of v.standard_transcripts) assert.equal(hex(standardTranscript(unhex(s.normal_form), s.scheme)), s.transcript)
  for (const d of v.direct_transcripts) assert.equal(hex(directTranscript(d.scheme)), d.transcript)
})

test('cookies', () => {
  for (const c of v.cookies) {
    const port = Buffer.alloc(2)
    port.writeUInt16BE(c.port)
    const cookie = makeCookie(unhex(c.key), Buffer.concat([unhex(c.address), port]), c.milliseconds, unhex(c.digest))
    assert.equal(hex(cookie), c.cookie)
    assert.equal(retryText(unhex(c.digest), cookie), c.string)
  }
  const cookies = new Cookies()
  const [address, other, digest] = [Buffer.alloc(18, 1), Buffer.alloc(18, 2), Buffer.alloc(32, 3)]
  const made = ['p2pke-1', cookies.make(address, digest, 14000.5)]
  assert.ok(cookies.valid(made, address, digest, 24000))
  assert.ok(!cookies.valid(made, address, digest, 24001))
  assert.ok(!cookies.valid(made, other, digest, 14001))
  assert.ok(!cookies.valid(made, address, Buffer.alloc(32), 14001))
  assert.ok(!cookies.valid(['psec-retry-1'], address, digest, 14001))
})

const record = end => {
  const sent = []
  const send = end.send.bind(end)
  end.send = (packet, to) => {
    sent.push(packet.toString('latin1'))
    send(packet, to)
  }
  return sent
}

test('a listener that hides asks for a cookie with all places free', within, async t => {
  const schemes = { schemes: ['secret-handshake-1'] }
  const [listener, dialler] = await pair(t, schemes, schemes)
  const [asked, brought] = [record(listener), record(dialler)]
  await dialler.dial(to(listener))
  assert.match(asked[0], /psec-retry-1:/)
  assert.ok(!brought[0].includes('psec-retry-1:'))
  assert.match(brought[1], /psec-retry-1:/)
})

test('a listener whose places are taken asks for a cookie, and the dial brings it', within, async t => {
  const open = { schemes: ['p2pke-1'] }
  const [listener, first] = await pair(t, open, open)
  const second = await endpoint(t, open)
  const sent = record(second)
  listener.negotiator.proposalsInAll = 1
  const channels = []
  listener.on('channel', channel => channels.push(channel))
  await first.dial(to(listener))
  await second.dial(to(listener))
  assert.equal(channels.length, 2)
  assert.ok(sent.some(packet => packet.includes('psec-retry-1:')))
})
