// The simulation itself: it does the same again for the same seed, finds what is planted, and finds nothing else.
import { execFile } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { beforeAll, describe, expect, test } from 'vitest'
import { bugs, planted } from '../../scripts/plant.mjs'
import { runSeed } from './run-seed.js'

const root = fileURLToPath(new URL('../..', import.meta.url))

function simulate(args: readonly string[]): Promise<{ status: number; output: string }> {
  return new Promise((resolve) =>
    execFile(process.execPath, ['scripts/simulate.mjs', ...args], { cwd: root }, (error, stdout, stderr) =>
      resolve({ status: error === null ? 0 : Number(error.code), output: stdout + stderr }),
    ),
  )
}

describe('a simulation', () => {
  // What is loaded on first use is no part of a seed's run.
  beforeAll(() => runSeed(0))

  test('goes the same way again for the same seed', async () => {
    for (const seed of [1, 7, 96]) {
      const first = await runSeed(seed, { keepTrace: true })
      const second = await runSeed(seed, { keepTrace: true })
      expect(second.lines).toEqual(first.lines)
      expect(second.trace).toBe(first.trace)
    }
  })

  test('goes another way for another seed', async () => {
    expect((await runSeed(2)).trace).not.toBe((await runSeed(3)).trace)
  })

  test('of thirty seeds meets commits, conflicts, crashes, doubts and readers, and breaks no promise', async () => {
    const totals: Record<string, number> = {}
    for (let seed = 100; seed < 130; seed++) {
      const { faults, counts } = await runSeed(seed)
      expect(faults, `seed ${seed}`).toEqual([])
      for (const [name, count] of Object.entries(counts)) totals[name] = (totals[name] ?? 0) + count
    }
    for (const name of ['commits', 'acked', 'failed', 'unknown', 'compactions', 'restores', 'cleaned', 'sightings', 'offsets', 'crashes']) {
      expect(totals[name], name).toBeGreaterThan(2)
    }
  })
})

describe('the command', () => {
  test('prints a trace that is the same in another process', async () => {
    const [first, second] = await Promise.all([simulate(['--seeds', '1', '--from', '7']), simulate(['--seeds', '1', '--from', '7'])])
    expect(first.status).toBe(0)
    expect(/^trace [0-9a-f]{16}$/m.exec(first.output)?.[0]).toBeDefined()
    expect(second.output).toBe(first.output)
  })

  test('lists its bugs and refuses others', async () => {
    expect((await simulate(['--bugs'])).output.trim().split('\n')).toHaveLength(bugs.length)
    expect((await simulate(['--bug', 'none-such', '--seeds', '1'])).status).toBe(2)
  })

  test('fails for a planted bug', async () => {
    const { status, output } = await simulate(['--bug', 'zombie-commits', '--seeds', '300'])
    expect(status).toBe(1)
    expect(output).toContain('replay: npm run simulate -- --seeds 1 --from ')
  })

  test('stops in time and tells of what it has done', async () => {
    const { status, output } = await simulate(['--seeds', '1000000', '--minutes', '0.05', '--workers', '1'])
    expect(status).toBe(0)
    expect(output).toMatch(/simulate: passed: \d+ of 1000000 seeds/)
  })
})

describe('the bank of bugs', () => {
  test.each(bugs)('$number $name fits the sources of now, or says why it is not planted', ({ changes, unplanted, ...bug }) => {
    expect(changes === undefined).toBe(unplanted !== undefined)
    for (const { file } of changes ?? []) expect(planted({ ...bug, changes: changes ?? [] }, `${root}/${file}`)).toBeDefined()
  })

  test('names tests that there are', () => {
    for (const { name, test } of bugs) {
      if (test !== undefined) expect(readFileSync(`${root}/${test.file}`, 'utf8'), name).toContain(test.name)
    }
  })
})

test('the checker knows nothing of how the library keeps its log', () => {
  const folder = fileURLToPath(new URL('.', import.meta.url))
  const files = ['checker.ts', 'log-reading.ts', 'ledger.ts', 'disk.ts', ...readdirSync(`${folder}/checks`).map((name) => `checks/${name}`)]
  for (const file of files) {
    const imports = [...readFileSync(`${folder}/${file}`, 'utf8').matchAll(/from '([^']+)'/g)].map((match) => match[1] as string)
    expect(
      imports.filter((path) => path.includes('/src/') && !path.includes('/src/parquet/')),
      file,
    ).toEqual([])
  }
})
