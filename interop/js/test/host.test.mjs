import test from 'node:test'
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { within } from '../support/ends.mjs'

const folder = fileURLToPath(new URL('..', import.meta.url))

/** host.mjs as a process: its first line, and a function that sends a command and gives the answer. */
async function host (t, ...options) {
  const child = spawn(process.execPath, ['--import', './polyfill.mjs', 'host.mjs', ...options], { cwd: folder, stdio: ['pipe', 'pipe', 'inherit'] })
  t.after(() => child.kill())
  const lines = createInterface({ input: child.stdout })
  const waiting = new Map()
  const started = new Promise(resolve => {
    lines.on('line', line => {
      const answer = JSON.parse(line)
      if (answer.type === 'listening') resolve(answer)
      else waiting.get(answer.id)(answer)
    })
  })
  let id = 0
  const run = (command, rest = {}) => new Promise(resolve => {
    waiting.set(++id, resolve)
    child.stdin.write(JSON.stringify({ id, command, ...rest }) + '\n')
  })
  return { child, run, ...await started }
}

test('two processes are driven by lines of JSON', within, async t => {
  const a = await host(t, '--key-seed', '01'.repeat(32))
  const b = await host(t, '--schemes', 'noise-xx-1')
  assert.equal(a.peer, '12D3KooWK99VoVxNE7XzyBwXEzW7xhK7Gpv85r9F3V3fyKSUKPH5')
  assert.match(b.addresses[0], /\/psec\/psec-scheme\/noise-xx-1\/p2p\//)
  const dialled = await a.run('dial', { address: b.addresses[0] })
  assert.deepEqual([dialled.ok, dialled.peer], [true, b.peer])
  const peer = b.peer
  assert.equal((await a.run('ping', { peer, count: 3 })).rtts.length, 3)
  assert.equal((await a.run('echo', { peer, size: 5000, seed: 4 })).bytes, 5000)
  assert.match((await a.run('bulk', { peer, size: 300000 })).sha256, /^[0-9a-f]{64}$/)
  assert.ok((await a.run('identify', { peer })).protocols.includes('/psec-test/echo/1.0.0'))
  assert.equal((await a.run('datagrams', { peer, count: 10, size: 500, seconds: 0.1 })).received, 10)
  assert.equal((await a.run('rekey', { peer, count: 2 })).count, 2)
  assert.equal((await a.run('rekeys', { peer })).scheme, 'noise-xx-1')
  assert.equal((await b.run('connections', { peer: a.peer })).count, 1)
  assert.equal((await a.run('no such command')).ok, false)
  assert.equal((await a.run('ping', { peer: a.peer })).ok, false)
  const exited = once(a.child, 'exit')
  assert.equal((await a.run('stop')).ok, true)
  assert.deepEqual(await exited, [0, null])
})
