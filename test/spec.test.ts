// The invariants in spec/ name the tests that hold them: each of these tests must be there.
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'

const root = join(import.meta.dirname, '..')
const rows = readFileSync(join(root, 'spec/invariants.md'), 'utf8')
  .split('\n')
  .filter((line) => /^\| [A-Z]\d+ +\|/.test(line))
  .map((line) => line.split('|').map((cell) => cell.trim()))
  .map(([, id, invariant, file, name]) => ({
    id: id as string,
    invariant: invariant as string,
    file: file as string,
    name: name as string,
  }))

test('invariants have ids of their own', () => {
  expect(rows.length).toBeGreaterThan(15)
  expect(new Set(rows.map((row) => row.id)).size).toBe(rows.length)
})

test.each(rows.map((row) => [row.id, row.invariant, row] as const))('%s: %s', (_, __, { file, name }) => {
  expect(existsSync(join(root, file)), `${file} is not there`).toBe(true)
  expect(readFileSync(join(root, file), 'utf8')).toContain(name)
})
