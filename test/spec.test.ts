// The invariants in spec/ name the tests that hold them: each of these tests must be there.
import { existsSync, readdirSync, readFileSync } from 'node:fs'
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

const duties = readFileSync(join(root, 'spec/invariants.md'), 'utf8')
  .split('## What shows that a duty is met')[1]
  ?.split('\n')
  .filter((line) => line.startsWith('| '))
  .slice(2)
  .map((line) => line.split('|').map((cell) => cell.trim()))

test('the duties of a reader have cases and tests that are there', () => {
  const ids = new Set(
    readdirSync(join(root, 'spec/cases')).flatMap((file) =>
      (JSON.parse(readFileSync(join(root, 'spec/cases', file), 'utf8')) as { id: string }[]).map(({ id }) => id),
    ),
  )
  expect(duties?.length).toBeGreaterThan(20)
  for (const [, duty, cases, file] of duties ?? []) {
    for (const id of (cases as string).split(', ')) expect(ids, duty).toContain(id)
    expect(existsSync(join(root, file as string)), file).toBe(true)
  }
})
