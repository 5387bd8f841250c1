// NDJSON of 0.9 kB messages (11 columns) into Arrow batches, on one core: our byte scanner against JSON.parse alone,
// JSON.parse with BatchBuilder, and pyarrow.json where ALLUVIUM_PYTHON names a Python that has it. One process, in turn.
//   node scripts/run.mjs bench/ndjson-decode.ts [records] [rounds]
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { BatchBuilder } from '../src/arrow/index.js'
import { createDecoder } from '../src/formats/index.js'
import { parseColumns } from '../src/schema/index.js'

const COLUMNS =
  'id long not null, ts long, user string, kind string, amount double, ok boolean, ip string, agent string, path string, tags string, body string'
const CHUNK_BYTES = 256 * 1024

function seeded(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
}

function messages(count: number): Buffer {
  const random = seeded(7)
  const int = (n: number): number => Math.floor(random() * n)
  const hex = (digits: number): string =>
    Array.from({ length: digits / 8 }, () =>
      int(2 ** 32)
        .toString(16)
        .padStart(8, '0'),
    ).join('')
  const lines: string[] = []
  for (let i = 0; i < count; i++) {
    const path = Array.from({ length: 16 }, () => `/${hex(8)}`).join('')
    const tags = Array.from({ length: 52 }, () => `t${int(500)}`).join(',')
    const agent = `agent/${int(100)}.${int(10)} (x; y) `.repeat(3)
    lines.push(
      `{"id": ${i}, "ts": ${1_700_000_000_000 + i}, "user": "user-${int(100_000)}", "kind": "kind-${int(20)}", ` +
        `"amount": ${Math.round(random() * 100_000) / 100}, "ok": ${random() < 0.9}, "ip": "10.${int(256)}.${int(256)}.${int(256)}", ` +
        `"agent": "${agent}", "path": "${path}", "tags": "${tags}", "body": "${hex(256)}"}\n`,
    )
  }
  return Buffer.from(lines.join(''))
}

const count = Number(process.argv[2] ?? 100_000)
const rounds = Number(process.argv[3] ?? 5)
const input = messages(count)
const struct = parseColumns(COLUMNS)

function* lines(): Iterable<string> {
  for (let at = 0; at < input.length; ) {
    const end = input.indexOf(10, at)
    yield input.toString('utf8', at, end)
    at = end + 1
  }
}

function parseOnly(): number {
  let sum = 0
  for (const line of lines()) sum += JSON.parse(line).id === undefined ? 0 : 1
  return sum
}

function parseAndBuild(): number {
  const builder = new BatchBuilder(struct)
  let rows: object[] = []
  let total = 0
  const flush = (): void => {
    if (builder.appendRows(rows).length > 0) throw new Error('faults')
    total += builder.finish().numRows
    rows = []
  }
  for (const line of lines()) if (rows.push(JSON.parse(line)) === 8192) flush()
  flush()
  return total
}

function decode(): number {
  const decoder = createDecoder('ndjson', struct)
  let rows = 0
  for (let at = 0; at < input.length; at += CHUNK_BYTES) {
    for (const batch of decoder.push(input.subarray(at, at + CHUNK_BYTES))) rows += batch.batch.numRows
  }
  for (const batch of decoder.end()) rows += batch.batch.numRows
  return rows
}

const subjects: [string, () => number][] = [
  ['JSON.parse', parseOnly],
  ['JSON.parse + BatchBuilder', parseAndBuild],
  ['byte scanner', decode],
]
const best = new Map<string, number>()
for (let round = 0; round < rounds; round++) {
  for (const [name, run] of subjects) {
    const start = performance.now()
    if (run() !== count) throw new Error(`${name} lost rows`)
    best.set(name, Math.min(best.get(name) ?? Number.POSITIVE_INFINITY, performance.now() - start))
  }
}
const python = process.env.ALLUVIUM_PYTHON
if (python !== undefined) {
  const folder = mkdtempSync(join(tmpdir(), 'ndjson-decode-'))
  writeFileSync(join(folder, 'messages.ndjson'), input)
  const code = [
    'import sys, time, io, pyarrow as pa, pyarrow.json as pj',
    'pa.set_cpu_count(1)',
    'data = open(sys.argv[1], "rb").read()',
    'best = 1e9',
    'for _ in range(int(sys.argv[2])):',
    '    t = time.perf_counter(); table = pj.read_json(io.BytesIO(data), pj.ReadOptions(use_threads=False)); best = min(best, time.perf_counter() - t)',
    'print(best * 1000)',
  ].join('\n')
  best.set(
    'pyarrow.json',
    Number(execFileSync(python, ['-c', code, join(folder, 'messages.ndjson'), String(rounds)], { encoding: 'utf8' })),
  )
  rmSync(folder, { recursive: true })
}
const ours = best.get('byte scanner') as number
console.log(`${count} records of ${Math.round(input.length / count)} bytes, best of ${rounds}`)
for (const [name, ms] of best) {
  console.log(`${name.padEnd(28)} ${(input.length / ms / 1000).toFixed(0).padStart(5)} MB/s   ours is ${(ms / ours).toFixed(2)}x as fast`)
}
