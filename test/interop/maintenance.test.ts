// Tables after every kind of maintenance of ours, read back by the engines that people query tables with. What must be in them is
// written down by hand, row by row, before anything is maintained.
import { cpSync, mkdtempSync, readdirSync, rmSync, utimesSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  cloneTable,
  convert,
  createTable,
  date,
  double,
  long,
  maintain,
  openStorage,
  openTable,
  optimize,
  restore,
  schema,
  string,
  type Table,
  vacuum,
} from 'alluvium'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { compactLog } from '../../src/log/index.js'
import { killedRun, randomFrom } from '../support/killed-run.js'
import { absent, python } from './peers.js'
import { type ReaderName, ReaderProcess, sortLines } from './reader-process.js'
import { ourLines, schemaText } from './tables.js'

if (absent !== undefined) console.warn(`skipped: ${absent}`)

const columns = schema({ id: long().notNull(), part: string(), day: date(), score: double() })

interface Row {
  readonly id: bigint
  readonly part: string | null
  readonly day: string | null
  readonly score: number | null
}

const ROWS: readonly Row[] = [
  { id: 1n, part: 'ä/b %', day: '2026-01-31', score: 1.5 },
  { id: 2n, part: null, day: null, score: null },
  { id: 3n, part: 'x=y', day: '1969-12-31', score: -0.25 },
  { id: 4n, part: 'plain', day: '2026-02-28', score: 1e300 },
  { id: 5n, part: 'plain', day: '2026-02-28', score: 0 },
  { id: 9007199254740993n, part: 'x=y', day: '2026-03-01', score: 2 },
]

// As canonical rows have it: integers beyond 2^53 as texts, large doubles with a sign in the exponent.
const LINES: readonly string[] = [
  '{"id":1,"part":"ä/b %","day":"2026-01-31","score":1.5}',
  '{"id":2,"part":null,"day":null,"score":null}',
  '{"id":3,"part":"x=y","day":"1969-12-31","score":-0.25}',
  '{"id":4,"part":"plain","day":"2026-02-28","score":1e+300}',
  '{"id":5,"part":"plain","day":"2026-02-28","score":0}',
  '{"id":"9007199254740993","part":"x=y","day":"2026-03-01","score":2}',
]

type Made = Table<Row, Row>

async function fresh(
  path: string,
  options: { readonly partitionBy?: readonly string[]; readonly properties?: Record<string, string> } = {},
): Promise<Made> {
  const table = (await createTable(path, { schema: columns, ...options })) as unknown as Made
  for (const row of ROWS) await table.append([row])
  await table.settled()
  return table
}

/** Removes the commits before a version, so that what stands for them is truly read. */
function forget(path: string, before: number): void {
  const log = join(path, '_delta_log')
  for (const name of readdirSync(log)) if (/^\d{20}\.(json|crc)$/.test(name) && Number(name.slice(0, 20)) < before) rmSync(join(log, name))
}

const PARTITIONED = { partitionBy: ['part'] }
const SHORT = { 'delta.deletedFileRetentionDuration': 'interval 0 seconds' }

/** By name: how a table is made, and the lines that must be in it. */
const KINDS: Readonly<Record<string, (path: string) => Promise<readonly string[]>>> = {
  maintained: async (path) => {
    const result = await maintain(await fresh(path, { ...PARTITIONED, properties: SHORT }))
    expect(result).toMatchObject({ state: 'done', before: { files: 6 }, after: { files: 4 }, filesDeleted: 4 })
    forget(path, result.versions[0] as number)
    return LINES
  },
  'maintained, v2 checkpoint': async (path) => {
    const table = await fresh(path, { ...PARTITIONED, properties: { 'delta.checkpointPolicy': 'v2' } })
    expect((await maintain(table, { checkpoint: 'always' })).state).toBe('done')
    return LINES
  },
  optimized: async (path) => {
    expect((await optimize(await fresh(path, PARTITIONED))).filesRemoved).toBe(4)
    return LINES
  },
  'optimized along a curve': async (path) => {
    await optimize(await fresh(path), { cluster: { by: ['id', 'part'] } })
    return LINES
  },
  vacuumed: async (path) => {
    const table = await fresh(path, { ...PARTITIONED, properties: SHORT })
    await table.overwrite(ROWS.slice(0, 3))
    expect((await vacuum(table)).paths.length).toBe(6)
    return LINES.slice(0, 3)
  },
  restored: async (path) => {
    const table = await fresh(path, PARTITIONED)
    await table.overwrite(ROWS.slice(5))
    await restore(table, { version: 4 })
    return LINES.slice(0, 4)
  },
  cleaned: async (path) => {
    const table = await fresh(path, { ...PARTITIONED, properties: { 'delta.logRetentionDuration': 'interval 1 days' } })
    await table.checkpoint()
    const log = join(path, '_delta_log')
    for (const name of readdirSync(log)) {
      const seconds = Date.now() / 1000 - 864_000 + Number(/^\d{20}/.exec(name)?.[0] ?? 0)
      if (/^\d{20}\./.test(name)) utimesSync(join(log, name), seconds, seconds)
    }
    await table.append([{ id: 6n, part: null, day: null, score: null }])
    expect((await table.cleanup()).paths.length).toBeGreaterThan(0)
    return [...LINES, '{"id":6,"part":null,"day":null,"score":null}']
  },
  'with a compacted log': async (path) => {
    const table = await fresh(path, PARTITIONED)
    const { context } = table
    expect((await compactLog(context.storage, (await table.snapshot()).view)).written).toBe(true)
    await table.append([{ id: 6n, part: 'plain', day: null, score: null }])
    return [...LINES, '{"id":6,"part":"plain","day":null,"score":null}']
  },
  converted: async (path) => {
    const source = `${path}-source`
    await fresh(source)
    cpSync(source, path, { recursive: true, filter: (name) => !name.includes('_delta_log') })
    await convert(await openStorage(path))
    return LINES
  },
  cloned: async (path) => {
    const source = await fresh(`${path}-source`)
    await cloneTable(await source.snapshot(), source.location, await openStorage(path))
    return LINES
  },
}

/** What an engine cannot read, whoever wrote it: these look for an absolute path below the table's folder, in Spark's clones too. */
const beyond: Partial<Record<ReaderName, readonly string[]>> = { duckdb: ['cloned'], chdb: ['cloned'] }

describe.skipIf(absent !== undefined)('a table of ours', () => {
  let folder: string
  const lines = new Map<string, readonly string[]>()
  const pathOf = (name: string): string => join(folder, name.replaceAll(/[ ,]+/g, '-'))
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'alluvium-maintenance-'))
    for (const [name, make] of Object.entries(KINDS)) lines.set(name, sortLines(await make(pathOf(name))))
  })
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  test.each(Object.keys(KINDS).filter((name) => name !== 'cloned'))('%s: is read by us as it was written', async (name) => {
    expect(await ourLines(pathOf(name))).toEqual(lines.get(name))
  })

  test('cloned: is read by us as it was written, where its source may be read', async () => {
    const clone = await openTable(pathOf('cloned'), { allowedPaths: [`${pathOf('cloned')}-source`] })
    expect((await clone.scan().toArray()).length).toBe(LINES.length)
  })

  describe.each(['deltalake', 'duckdb', 'chdb', 'spark'] as const)('by %s', (engine) => {
    let reader: ReaderProcess
    beforeAll(() => {
      reader = new ReaderProcess(engine)
    })
    afterAll(() => reader?.[Symbol.asyncDispose]())

    test.each(Object.keys(KINDS).filter((name) => beyond[engine]?.includes(name) !== true))(
      '%s: has the rows that were written',
      async (name) => {
        expect(await reader.rows(pathOf(name), null, await schemaText(pathOf(name)))).toEqual(lines.get(name))
      },
    )
  })
})

// As test/cli/maintain-kill.test.ts, with another engine as the judge after every kill.
const KILLS = Number(process.env.ALLUVIUM_KILLS ?? 12)
const SEED = Number(process.env.ALLUVIUM_SEED ?? Date.now() % 1_000_000)

test.skipIf(absent !== undefined)(`maintenance killed ${KILLS} times (seed ${SEED}): delta-rs finds every row once each time`, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'alluvium-kills-'))
  try {
    const random = randomFrom(SEED)
    const path = join(folder, 'events')
    const table = (await createTable(path, {
      schema: columns,
      partitionBy: ['part'],
      properties: { ...SHORT, 'delta.checkpointInterval': '3' },
    })) as unknown as Made
    await using reader = new ReaderProcess('deltalake')
    const ledger: string[] = []
    for (let kill = 0; kill < KILLS; kill++) {
      for (let n = 0; n < 2 + random() * 6; n++) {
        const id = ledger.length
        await table.append([{ id: BigInt(id), part: `p${n % 2}`, day: null, score: null }])
        ledger.push(`{"id":${id},"part":"p${n % 2}","day":null,"score":null}`)
      }
      await table.settled()
      const { last } = await killedRun(['maintain', path, '--json'], random)
      expect(await reader.rows(path, null, await schemaText(path)), `after kill ${kill} in ${last}, seed ${SEED}`).toEqual(
        sortLines(ledger),
      )
    }
    const { state } = await maintain(await openTable(path), { lease: { isDead: () => true } })
    expect(state).toBe('done')
    const files = await python<number>('from deltalake import DeltaTable\nprint(json.dumps(len(DeltaTable(input).file_uris())))', path)
    expect(files).toBe(2)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})
