// Many writers on one table: every acknowledged commit is in the log once, versions are contiguous, nobody fails with the
// default limits.
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { buildSync } from 'esbuild'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { localStorage } from '../../../src/storage/local.js'
import { memoryStorage } from '../../../src/storage/memory.js'
import type { Storage } from '../../../src/storage/storage.js'
import { readRawLog } from './ledger.js'
import { type Raced, raceWriter } from './race-writer.js'
import { newTable } from './rig.js'

let folder = ''
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'alluvium-race-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

describe('a race of writers', () => {
  test('of 16 in one process on a memory store loses nothing', async () => {
    const storage = memoryStorage()
    await newTable(storage)
    const raced = await Promise.all(Array.from({ length: 16 }, (_, i) => raceWriter(storage, `w${i}`, 50)))
    await expectNothingLost(storage, raced, 16 * 50)
  })

  test('of 8 in one process on a local store loses nothing', async () => {
    const storage = localStorage(join(folder, 'one-process'))
    await newTable(storage)
    const raced = await Promise.all(Array.from({ length: 8 }, (_, i) => raceWriter(storage, `w${i}`, 50)))
    await expectNothingLost(storage, raced, 8 * 50)
  })

  test('of 8 processes on a local store loses nothing', async () => {
    const root = join(folder, 'processes')
    const storage = localStorage(root)
    await newTable(storage)
    const program = join(folder, 'race-writer.mjs')
    const entry = fileURLToPath(new URL('./race-writer.ts', import.meta.url))
    buildSync({
      entryPoints: [entry],
      bundle: true,
      platform: 'node',
      format: 'esm',
      target: 'node20',
      outfile: program,
      logLevel: 'error',
    })
    const raced = await Promise.all(Array.from({ length: 8 }, (_, i) => runProcess(program, ['race-writer', root, `p${i}`, '50'])))
    await expectNothingLost(storage, raced, 8 * 50)
  }, 120_000)
})

async function expectNothingLost(storage: Storage, raced: readonly Raced[], commits: number): Promise<void> {
  expect(raced.flatMap(({ failures }) => failures)).toEqual([])
  const acknowledged = raced.flatMap((one) => one.acknowledged)
  expect(acknowledged).toHaveLength(commits)
  const log = await readRawLog(storage)
  expect(log).toHaveLength(commits + 1)
  for (const { path, version } of acknowledged) expect(log[version]?.flatMap(({ add }) => add?.path ?? [])).toEqual([path])
  expect(new Set(acknowledged.map(({ version }) => version)).size).toBe(commits)
  const attempts = acknowledged.map((one) => one.attempts).sort((a, b) => a - b)
  const ms = acknowledged.map((one) => one.ms).sort((a, b) => a - b)
  const share = raced.map((one) => one.acknowledged.reduce((sum, { ms }) => sum + ms, 0))
  const at = (values: number[], q: number): number => Math.round(values[Math.floor((values.length - 1) * q)] as number)
  const jain = share.reduce((a, b) => a + b) ** 2 / (share.length * share.reduce((a, b) => a + b * b, 0))
  console.log(
    `race of ${raced.length}: attempts mean ${(attempts.reduce((a, b) => a + b) / commits).toFixed(2)} p50 ${at(attempts, 0.5)} p99 ${at(attempts, 0.99)} max ${attempts.at(-1)}, ms p50 ${at(ms, 0.5)} p99 ${at(ms, 0.99)}, fairness ${jain.toFixed(3)}`,
  )
}

async function runProcess(program: string, args: readonly string[]): Promise<Raced> {
  const child = spawn(process.execPath, [program, ...args], { stdio: ['ignore', 'pipe', 'inherit'] })
  let text = ''
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk
  })
  const code = await new Promise((resolve) => child.once('close', resolve))
  if (code !== 0) throw new Error(`a writer ended with ${code}`)
  return JSON.parse(text) as Raced
}
