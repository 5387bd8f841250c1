// The library under a hardened Node: nothing in it needs `__proto__` or changes what is built in.
import { execFileSync } from 'node:child_process'
import { rmSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

const root = resolve(dirname(fileURLToPath(import.meta.url)), '../..')
const script = join(root, `.run/hardened-${process.pid}.mjs`)
const NAMES = ['__proto__', 'constructor', 'toString', 'hasOwnProperty', 'valueOf']

beforeAll(async () => {
  await build({
    entryPoints: [join(root, 'test/hostile/hardened.ts')],
    outfile: script,
    alias: { alluvium: join(root, 'src/index.ts') },
    bundle: true,
    platform: 'node',
    target: 'node20',
    tsconfigRaw: {},
    format: 'esm',
    packages: 'external',
    logLevel: 'error',
  })
})
afterAll(() => rmSync(script, { force: true }))

describe('columns, members, keys and properties named like parts of a prototype', () => {
  test.each([
    ['as it is', []],
    ['without __proto__', ['--disable-proto=delete']],
    ['with a __proto__ that throws', ['--disable-proto=throw']],
    ['with frozen intrinsics', ['--frozen-intrinsics']],
    ['with both', ['--disable-proto=throw', '--frozen-intrinsics']],
  ])('are written and read by Node %s', (_, flags) => {
    const output = execFileSync(process.execPath, [...flags, '--no-warnings', script], { encoding: 'utf8', timeout: 60_000 })
    expect(JSON.parse(output)).toEqual({
      columns: [...NAMES, 's', 'm'],
      values: NAMES.map((name) => `value of ${name}`),
      struct: NAMES.map((name) => [name, 'inner']),
      map: NAMES.map((name) => [name, 'mapped']),
      properties: NAMES.map((name) => [name, 'set']),
      polluted: false,
    })
  })
})
