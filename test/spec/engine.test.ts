// Adapters as processes: whatever one of them does, the runner goes on.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Engine, startEngine } from '../../spec/engine.js'
import { adapterOf, findEngine } from '../../spec/engines.js'
import { runCase } from '../../spec/run-case.js'

// An adapter that does what the path of a request says.
const SCRIPT = `
const lines = require('node:readline').createInterface({ input: process.stdin })
lines.on('line', (line) => {
  const { id, op, path } = JSON.parse(line)
  const answer = (fields) => console.log(JSON.stringify({ id, ok: true, ...fields }))
  if (op === 'hello') return answer({ engine: 'odd', version: '7', codes: true })
  if (path === 'hang') return
  if (path === 'die') process.exit(3)
  if (path === 'chatter') { console.log('hello from the engine'); console.log('{"id":-1,"ok":true,"rows":[]}') }
  answer({ rows: [{ pid: process.pid }] })
})`

let engine: Engine
beforeAll(async () => {
  engine = await startEngine({ name: 'odd', command: [process.execPath, '-e', SCRIPT], timeoutMs: 400, startTimeoutMs: 20_000 })
})
afterAll(() => engine.close())

const readOf = (path: string): Promise<unknown> => engine.ask({ op: 'read', path })
const verdictOf = async (path: string): Promise<string> => {
  const read = { op: 'read' as const, expect: { count: 1 } }
  return (await runCase({ id: 'x', title: 'x', section: 'x', invariants: [], steps: [read] }, engine, path)).verdict
}

test('an adapter says who it is, and its lines that answer nothing are passed over', async () => {
  expect(engine.greeting).toEqual({ engine: 'odd', version: '7', codes: true })
  expect(await readOf('chatter')).toMatchObject({ ok: true, rows: [{}] })
})

test('an adapter that hangs or ends loses its case, and the next case gets another process', async () => {
  const first = await readOf('a')
  expect(await readOf('b')).toEqual({ ...(first as object), id: expect.anything() })
  expect(await verdictOf('hang')).toBe('timeout')
  const second = await readOf('c')
  expect((second as { rows: unknown }).rows).not.toEqual((first as { rows: unknown }).rows)
  expect(await verdictOf('die')).toBe('crashed')
  expect(await verdictOf('d')).toBe('pass')
})

test('an adapter that is not there is an error, not a wait', async () => {
  const options = { name: 'none', command: ['/no/such/program'], timeoutMs: 1000, startTimeoutMs: 20_000 }
  await expect(startEngine(options)).rejects.toThrow(/ended/)
})

test('a command of words and quotes is an adapter; a name that nobody knows is absent, with what there is', () => {
  expect(adapterOf(`python3 "my adapter.py" --deep`).command).toEqual(['python3', 'my adapter.py', '--deep'])
  expect(findEngine('oracle')).toEqual({ absent: expect.stringContaining('deltalake') })
})
