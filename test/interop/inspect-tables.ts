// Tables for pictures: a stream's, a large partitioned one of which only the log exists, an empty one, and one all of whose names are
// traps for whoever writes HTML.
import { mkdirSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createStreamWriter, createTable, long, openTable, optimize, schema, string } from 'alluvium'

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS

/** A stream of some hours, compacted in the middle. */
export async function streamTable(path: string): Promise<string> {
  const table = await createTable(path, {
    schema: schema({ id: long().notNull(), page: string(), agent: string() }),
    name: 'clicks',
    description: 'Clicks of the shop, as they come.',
  })
  const writer = await createStreamWriter(table, { appId: 'clicks-ingest', linger: { ms: 5 } })
  for (let n = 0; n < 40; n++) {
    const rows = Array.from({ length: 200 }, (_, at) => ({ id: BigInt(n * 200 + at), page: `/product/${at * 7919}`, agent: `agent ${n}` }))
    const ticket = await writer.write(rows, {
      source: 'clicks',
      partition: n % 2,
      firstOffset: BigInt(n * 200),
      lastOffset: BigInt(n * 200 + 199),
    })
    await ticket.committed
    if (n === 24) await optimize(table as never)
  }
  await writer.close()
  await table.setProperties({ 'delta.checkpointInterval': '20', owner: 'team clicks' })
  await table.checkpoint()
  await table.settled()
  // As if it had taken two days: a version's time is that of its file.
  const { view } = await (await openTable(path)).snapshot()
  for (let version = 0; version <= view.version; version++) {
    const seconds = (Date.UTC(2026, 10, 23, 8) + (version / view.version) ** 1.3 * 2 * DAY_MS) / 1000
    utimesSync(join(path, '_delta_log', `${String(version).padStart(20, '0')}.json`), seconds, seconds)
  }
  return path
}

/** The log of a large table over two months; its data files do not exist. */
export function largeTable(path: string, options: { readonly days?: number; readonly filesPerDay?: number } = {}): string {
  const { days = 61, filesPerDay = 300 } = options
  const log = join(path, '_delta_log')
  mkdirSync(log, { recursive: true })
  const start = Date.UTC(2026, 8, 25)
  let state = 7
  const random = (): number => (state = (state * 48271) % 2147483647) / 2147483647
  const fields = (names: readonly (readonly [string, string])[]): string =>
    JSON.stringify({ type: 'struct', fields: names.map(([name, type]) => ({ name, type, nullable: true, metadata: {} })) })
  const metaData = (names: readonly (readonly [string, string])[], configuration: Record<string, string>): unknown => ({
    metaData: {
      id: '0b4a2c0e-7f4d-4f0c-9a60-2f1f4f5f0001',
      name: 'orders',
      format: { provider: 'parquet', options: {} },
      schemaString: fields(names),
      partitionColumns: ['day', 'country'],
      configuration,
      createdTime: start,
    },
  })
  const base = [
    ['id', 'long'],
    ['amount', 'decimal(12,2)'],
    ['day', 'date'],
    ['country', 'string'],
  ] as const
  let version = 0
  const commit = (timeMs: number, operation: string, actions: readonly unknown[], engine = 'Apache-Spark/4.0.1 Delta-Lake/4.0.0'): void => {
    const file = join(log, `${String(version++).padStart(20, '0')}.json`)
    const info = { commitInfo: { timestamp: timeMs, operation, operationParameters: {}, engineInfo: engine } }
    writeFileSync(file, `${[info, ...actions].map((action) => JSON.stringify(action)).join('\n')}\n`)
    utimesSync(file, timeMs / 1000, timeMs / 1000)
  }
  commit(start, 'CREATE TABLE', [{ protocol: { minReaderVersion: 1, minWriterVersion: 2 } }, metaData(base, {})])
  const countries = ['de', 'fr', 'jp', 'us', 'br', 'in', 'ng', 'se']
  const removable: { path: string; size: number; partitionValues: Record<string, string> }[] = []
  for (let day = 0; day < days; day++) {
    const dayMs = start + day * DAY_MS
    const text = new Date(dayMs).toISOString().slice(0, 10)
    for (let part = 0; part < 6; part++) {
      const adds = Array.from({ length: Math.ceil(filesPerDay / 6) }, (_, n) => {
        const country = countries[Math.floor(random() ** 1.6 * countries.length)] as string
        // Of old days compacted files, of new ones small ones.
        const size = Math.floor(day < days - 14 ? 2 ** (25 + random() * 2.6) : 2 ** (17 + random() * 6))
        const path = `day=${text}/country=${country}/part-${day}-${part}-${n}.parquet`
        const partitionValues = { day: text, country }
        if (day >= days - 5 && n % 9 === 0) removable.push({ path, size, partitionValues })
        return {
          add: { path, partitionValues, size, modificationTime: dayMs, dataChange: true, stats: `{"numRecords":${Math.floor(size / 90)}}` },
        }
      })
      commit(
        dayMs + (part * 4 + 1) * HOUR_MS,
        part === 5 && day % 2 === 1 ? 'MERGE' : 'WRITE',
        adds,
        part === 5 ? undefined : 'alluvium/0.1.0',
      )
    }
    if (day === 20) commit(dayMs + 23 * HOUR_MS, 'ADD COLUMNS', [metaData([...base, ['note', 'string']], {})])
    if (day === 40)
      commit(dayMs + 23 * HOUR_MS, 'SET TBLPROPERTIES', [
        metaData([...base, ['note', 'string']], {
          'delta.deletedFileRetentionDuration': 'interval 14 days',
          'delta.logRetentionDuration': 'interval 60 days',
        }),
      ])
    if (day % 7 === 6) commit(dayMs + 23.5 * HOUR_MS, 'OPTIMIZE', [])
  }
  const end = start + days * DAY_MS
  for (let day = 0; day < 5; day++) {
    const removes = removable
      .filter((_, n) => n % 5 === day)
      .map(({ path, size, partitionValues }) => ({
        remove: { path, size, partitionValues, deletionTimestamp: end - (5 - day) * DAY_MS, dataChange: true, extendedFileMetadata: true },
      }))
    commit(end - (5 - day) * HOUR_MS, 'DELETE', removes)
  }
  return path
}

export async function emptyTable(path: string): Promise<string> {
  await createTable(path, { schema: schema({ id: long() }) })
  return path
}

export const TRAP = '</script><script>window.hacked = 1</script><img src=x onerror="window.hacked=2">'

/** Beyond what a double holds: a text here, a number in the log. */
const LARGE = '9007199254740993'

/** Every name and text of it wants to be markup. */
export function hostileTable(path: string): string {
  const log = join(path, '_delta_log')
  mkdirSync(log, { recursive: true })
  const quote = '" onmouseover="window.hacked=3" style="color:red'
  const bidi = 'file\u202Egnp.exe\u0007'
  const field = (name: string, type = 'string'): unknown => ({ name, type, nullable: true, metadata: {} })
  const meta = (fields: readonly unknown[]): unknown => ({
    metaData: {
      id: TRAP,
      name: TRAP,
      description: `${TRAP}${quote}`,
      format: { provider: 'parquet', options: {} },
      schemaString: JSON.stringify({ type: 'struct', fields }),
      partitionColumns: ['p'],
      configuration: {
        [TRAP]: quote,
        "'><svg/onload=window.hacked=4>": '$' + '{window.hacked=5}',
        javascript: 'javascript:window.hacked=6',
      },
      createdTime: 0,
    },
  })
  const add = (value: string | null, n: number): unknown => ({
    add: { path: `p/${n}.parquet`, partitionValues: { p: value }, size: 1000 * (n + 1), modificationTime: 0, dataChange: true },
  })
  const info = (operation: string): unknown => ({
    commitInfo: { timestamp: 0, operation, operationParameters: {}, engineInfo: TRAP, userName: TRAP },
  })
  const commits = [
    [info(TRAP), { protocol: { minReaderVersion: 1, minWriterVersion: 2 } }, meta([field('id'), field('p')])],
    [info(quote), meta([field('id'), field('p'), field('c', 'long')]), add(TRAP, 0), add(quote, 1), add(bidi, 2), add(null, 3)],
    [info(bidi), { txn: { appId: TRAP, version: LARGE, lastUpdated: 1 } }, { txn: { appId: quote, version: 1 } }],
  ]
  for (const [version, actions] of commits.entries())
    writeFileSync(
      join(log, `${String(version).padStart(20, '0')}.json`),
      actions
        .map((action) => `${JSON.stringify(action)}\n`)
        .join('')
        .replaceAll(`"${LARGE}"`, LARGE),
    )
  return path
}
