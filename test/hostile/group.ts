// Runs hostile cases as tests: each ends in the typed error it names or in exactly the rows it names, soon, and without
// much memory. One rule: limits are checked coarsely here (a busy machine must not fail a case); the slowest is printed.
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { afterAll, describe, expect, test } from 'vitest'
import type { Storage } from '../../src/storage/storage.js'
import { type Act, outcomeOf, rowText } from './outcome.js'
import { ROWS, type TableParts, tableStore } from './table-builder.js'

/** What must come of a case: an error's code, or rows (as objects, or as texts of `rowText`). */
export type Expected = string | { readonly rows: readonly (object | string)[] }

export interface HostileCase {
  readonly name: string
  /** A hand-made table, a store, or a folder. */
  readonly table: TableParts | Storage | string | (() => Promise<TableParts | Storage | string>)
  readonly act?: Act
  readonly expected: Expected
}

/** The rows of the usual table. */
export const GOOD: Expected = { rows: ROWS.map(({ id, name }) => ({ id: BigInt(id), name })) }

const TYPICAL_MS = 1000
const HARD_LIMIT_MS = 10_000
const MEMORY_LIMIT_BYTES = 256 * 2 ** 20

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

/** A group of cases as tests. */
export function hostileGroup(title: string, cases: readonly HostileCase[]): void {
  describe(title, () => {
    const times: { name: string; ms: number; bytes: number }[] = []
    const before = fingerprint()

    test.each(cases.map((each) => [each.name, each] as const))('%s', async (name, { table, act, expected }) => {
      const given = typeof table === 'function' ? await table() : table
      const target = typeof given === 'string' || 'location' in given ? (given as Storage | string) : await tableStore(given as TableParts)
      if (process.memoryUsage().rss > 600 * 2 ** 20) collectGarbage()
      const memory = memoryBytes()
      const peak = process.resourceUsage().maxRSS
      const started = performance.now()
      const outcome = await outcomeOf(target, act)
      const ms = performance.now() - started
      // The peak of the whole process says something only where this case has raised it.
      const newPeak = process.resourceUsage().maxRSS
      const bytes = Math.max(memoryBytes(), newPeak > peak ? newPeak * 1024 : 0) - memory
      times.push({ name, ms, bytes })
      if (typeof expected === 'string') expect('code' in outcome ? outcome.code : outcome.rows, messageOf(outcome)).toBe(expected)
      else {
        const rows = expected.rows.map((row) => (typeof row === 'string' ? row : rowText(row)))
        expect('rows' in outcome ? outcome.rows : `${outcome.code}: ${outcome.message.slice(0, 500)}`).toEqual(rows)
      }
      if ('message' in outcome) expect(outcome.message.length, 'a message is for people').toBeLessThan(20_000)
      expect(fingerprint(), 'Object.prototype and its like are as they were').toEqual(before)
      expect(ms, 'milliseconds').toBeLessThan(HARD_LIMIT_MS)
      expect(bytes, 'bytes of memory more').toBeLessThan(MEMORY_LIMIT_BYTES)
    })

    afterAll(() => {
      const slowest = times.reduce((worst, each) => (each.ms > worst.ms ? each : worst), { name: '-', ms: 0, bytes: 0 })
      const largest = times.reduce((worst, each) => (each.bytes > worst.bytes ? each : worst), { name: '-', ms: 0, bytes: 0 })
      const slow = times.filter((each) => each.ms > TYPICAL_MS).length
      console.log(
        `${title}: ${times.length} cases, ${slow} above 1 s; slowest ${slowest.ms.toFixed(0)} ms (${slowest.name.slice(0, 60)}), ` +
          `most memory ${(largest.bytes / 2 ** 20).toFixed(0)} MB (${largest.name.slice(0, 60)})`,
      )
    })
  })
}

function memoryBytes(): number {
  return process.memoryUsage().rss
}

function messageOf(outcome: object): string {
  return 'message' in outcome ? String(outcome.message).slice(0, 500) : ''
}

// What polluting a prototype would change.
function fingerprint(): string[] {
  return [Object.prototype, Array.prototype, Map.prototype, String.prototype, Function.prototype].map((prototype) =>
    Reflect.ownKeys(prototype).map(String).sort().join(' '),
  )
}
