// The scores on the page of results are of the modules that mutants are planted into, all of them, and good enough.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { specFolder } from '../../spec/suite.js'

interface Scored {
  readonly module: string
  readonly killed: number
  readonly total: number
}

interface Configured {
  readonly mutate: readonly string[]
  readonly thresholds: { readonly break: number }
}

// By its address, as it has no types.
const { default: stryker } = (await import(new URL('../../stryker.config.mjs', import.meta.url).href)) as { default: Configured }
const { modules } = JSON.parse(readFileSync(join(specFolder, 'mutation.json'), 'utf8')) as { modules: Scored[] }

test('every module that mutants are planted into has a score, and no other', () => {
  expect(modules.map(({ module }) => module).sort()).toEqual([...stryker.mutate].sort())
})

test('no module is below what a run asks for', () => {
  const least = stryker.thresholds.break
  expect(least).toBeGreaterThanOrEqual(90)
  for (const { module, killed, total } of modules) {
    expect(killed, module).toBeLessThanOrEqual(total)
    expect((100 * killed) / total, module).toBeGreaterThanOrEqual(least)
  }
})

test('the page shows them as they are', () => {
  const page = readFileSync(join(specFolder, 'RESULTS.md'), 'utf8')
  for (const { module, killed, total } of modules)
    expect(page, module).toMatch(new RegExp(`\\| \`${module.replaceAll('.', '\\.')}\` +\\| ${total} +\\| ${killed} +\\|`))
})
