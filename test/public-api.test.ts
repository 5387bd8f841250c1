// What the package exports. A change here is a change for users: it belongs in CHANGELOG.md.
import { readFileSync } from 'node:fs'
import * as api from 'alluvium'
import * as testing from 'alluvium/testing'
import { expect, test } from 'vitest'
import * as s3 from '../src/storage/s3/index.js'
import * as webhdfs from '../src/storage/webhdfs/index.js'

test('the main entry exports exactly this', () => {
  expect(Object.keys(api).sort()).toMatchInlineSnapshot(`
    [
      "AlluviumError",
      "Changes",
      "CommitStateUnknownError",
      "Scan",
      "Snapshot",
      "StreamWriter",
      "Table",
      "Transaction",
      "VERSION",
      "and",
      "array",
      "autoCompaction",
      "binary",
      "bindFilter",
      "boolean",
      "byte",
      "checkStorage",
      "cloneTable",
      "col",
      "convert",
      "createStreamWriter",
      "createTable",
      "date",
      "decimal",
      "double",
      "float",
      "formatColumns",
      "formatExpression",
      "formatPlan",
      "formatSchema",
      "fsck",
      "inspect",
      "integer",
      "isAlluviumError",
      "localStorage",
      "long",
      "maintain",
      "map",
      "memoryStorage",
      "not",
      "openStorage",
      "openTable",
      "optimize",
      "or",
      "parseColumns",
      "parseFilter",
      "parseSchema",
      "planOptimize",
      "restore",
      "schema",
      "schemaFromZod",
      "short",
      "string",
      "struct",
      "systemRuntime",
      "timestamp",
      "timestampNtz",
      "vacuum",
    ]
  `)
})

test('alluvium/testing exports exactly this', () => {
  expect(Object.keys(testing).sort()).toMatchInlineSnapshot(`
    [
      "AWKWARD_NAMES",
      "FAULTS",
      "HOSTILE_PATHS",
      "dependentRoundTrips",
      "runRaceWorker",
      "seededFaults",
      "startS3Emulator",
      "startWebHdfsEmulator",
      "storageContract",
    ]
  `)
})

test('alluvium/s3 exports exactly this', () => {
  expect(Object.keys(s3)).toEqual(['s3Storage'])
})

test('alluvium/webhdfs exports exactly this', () => {
  expect(Object.keys(webhdfs).sort()).toEqual(['webhdfsOptions', 'webhdfsStorage'])
})

test('VERSION is the version of the package', () => {
  const manifest = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version: string }
  expect(api.VERSION).toBe(manifest.version)
})
