import test from 'node:test'
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { schemeNames } from '../src/core/endpoint.mjs'
import { endpoint, to, within } from '../support/ends.mjs'
import { TwoWayPath } from '../support/two-way-path.mjs'
import { random } from '../support/lossy-relay.mjs'

const runs = Number(process.env.PSEC_RUNS ?? 24)
const firstSeed = Number(process.env.PSEC_SEED ?? 1)
const reversed = [...schemeNames].reverse()
const lists = [...schemeNames.map(name => [[name], [name]]), [schemeNames, schemeNames], [schemeNames, reversed], [reversed, schemeNames.slice(0, 2)]]

for (let seed = firstSeed; seed < firstSeed + runs; seed++) {
  const [mine, theirs] = lists[seed % lists.length]
  test(`both sides dial over a bad path: ${mine} and ${theirs} (${seed})`, within, async t => {
    const chance = random(seed)
    const [a, b] = [await endpoint(t, { schemes: mine }), await endpoint(t, { schemes: theirs })]
    const path = new TwoWayPath({ loss: chance() * 0.3, double: 0.1, late: 0.2, seed })
    const [portOfA, portOfB] = await path.between(a, b)
    t.after(() => path.close())
    const second = new Promise(resolve => setTimeout(resolve, chance() * 15)).then(() => b.dial(to(a, { port: portOfB })))
    const [x, y] = await Promise.all([a.dial(to(b, { port: portOfA })), second])
    assert.deepEqual(a.channels, [x])
    assert.deepEqual(b.channels, [y])
    const arrived = Promise.all([[x, y], [y, x]].map(async ([from, to]) => {
      const again = setInterval(() => from.send(Buffer.from('here')), 50)
      await once(to, 'data')
      clearInterval(again)
    }))
    await arrived
    const sessions = [x, y].map(channel => channel.sessions.filter(s => s.authenticated))
    assert.deepEqual(sessions[0].map(s => s.T.toString('hex')), sessions[1].map(s => s.T.toString('hex')))
    assert.equal(sessions[0].length, 1)
    assert.notEqual(sessions[0][0].initiator, sessions[1][0].initiator)
  })
}
