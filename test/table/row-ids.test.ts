// Row ids and row commit versions. What is expected is counted out from the log and the file, as the protocol says.
import { isAlluviumError, memoryStorage, openTable, type ScanOptions, type Storage } from 'alluvium'
import { describe, expect, test } from 'vitest'
import { encodeUtf8 } from '../../src/bytes.js'
import { formatSchema, parseColumns } from '../../src/schema/index.js'
import { vectorBytes, z85 } from '../log/deletion-vectors/vector-bytes.js'
import { writeRows } from '../parquet/files.js'

const TRACKED = {
  'delta.enableRowTracking': 'true',
  'delta.rowTracking.materializedRowIdColumnName': '_row-id-col',
  'delta.rowTracking.materializedRowCommitVersionColumnName': '_row-version-col',
}

interface Tracked {
  /** Columns of the file and its rows. */
  readonly columns?: string
  readonly rows: readonly object[]
  /** Columns of the table. */
  readonly schema?: string
  readonly rowGroupRows?: number
  readonly add?: Readonly<Record<string, unknown>>
  readonly configuration?: Readonly<Record<string, string>>
  readonly features?: readonly string[]
}

async function tracked({
  columns = 'id long',
  rows,
  schema = 'id long',
  rowGroupRows,
  add,
  configuration,
  features,
}: Tracked): Promise<Storage> {
  const storage = memoryStorage()
  const bytes = await writeRows(columns, rows, rowGroupRows === undefined ? {} : { rowGroupRows })
  await storage.put('file.parquet', bytes)
  const lines = [
    {
      protocol: {
        minReaderVersion: 3,
        minWriterVersion: 7,
        readerFeatures: ['deletionVectors'],
        writerFeatures: features ?? ['deletionVectors', 'rowTracking', 'domainMetadata'],
      },
    },
    {
      metaData: {
        id: 'raw',
        format: { provider: 'parquet', options: {} },
        schemaString: formatSchema(parseColumns(schema)),
        partitionColumns: [],
        configuration: configuration ?? TRACKED,
      },
    },
    {
      add: {
        path: 'file.parquet',
        partitionValues: {},
        size: bytes.length,
        modificationTime: 1,
        dataChange: true,
        baseRowId: 100,
        defaultRowCommitVersion: 7,
        ...add,
      },
    },
  ]
  await storage.put('_delta_log/00000000000000000000.json', encodeUtf8(lines.map((line) => `${JSON.stringify(line)}\n`).join('')))
  return storage
}

async function rowsOf(storage: Storage, options: ScanOptions = {}): Promise<object[]> {
  return (await openTable(storage)).scan({ rowIds: true, ...options }).toArray()
}

async function failure(storage: Storage, options: ScanOptions = {}): Promise<string> {
  const error: unknown = await rowsOf(storage, options).catch((e: unknown) => e)
  return isAlluviumError(error) ? `${error.code} ${error.message}` : String(error)
}

describe('row ids', () => {
  test('count on from the base of the file, and the version is that of the file', async () => {
    const storage = await tracked({ rows: [{ id: 1n }, { id: 2n }] })
    expect(await rowsOf(storage)).toEqual([
      { id: 1n, _row_id: 100n, _row_commit_version: 7n },
      { id: 2n, _row_id: 101n, _row_commit_version: 7n },
    ])
    expect(await (await openTable(storage)).scan().toArray()).toEqual([{ id: 1n }, { id: 2n }])
  })

  test('are those that the file holds, where it holds one', async () => {
    const storage = await tracked({
      columns: 'id long, `_row-id-col` long, `_row-version-col` long',
      rows: [
        { id: 1n, '_row-id-col': 5n, '_row-version-col': null },
        { id: 2n, '_row-id-col': null, '_row-version-col': 3n },
        { id: 3n, '_row-id-col': 6n, '_row-version-col': 4n },
      ],
    })
    expect(await rowsOf(storage)).toEqual([
      { id: 1n, _row_id: 5n, _row_commit_version: 7n },
      { id: 2n, _row_id: 101n, _row_commit_version: 3n },
      { id: 3n, _row_id: 6n, _row_commit_version: 4n },
    ])
  })

  test('count physical rows: deleted ones, and row groups that a filter passes over', async () => {
    const vector = vectorBytes([1, 5])
    const deletionVector = { storageType: 'i', pathOrInlineDv: z85(vector), sizeInBytes: vector.length, cardinality: 2 }
    const rows = Array.from({ length: 9 }, (_, n) => ({ id: BigInt(n) }))
    const storage = await tracked({ rows, rowGroupRows: 3, add: { deletionVector } })
    const ids = async (options: ScanOptions) =>
      (await rowsOf(storage, { columns: ['_row_id'], ...options })).map((row) => Object.values(row)[0])
    expect(await ids({})).toEqual([100n, 102n, 103n, 104n, 106n, 107n, 108n])
    expect(await ids({ where: 'id >= 4 AND id <= 6' })).toEqual([104n, 106n])
    expect(await ids({ where: 'id >= 7', batchRows: 1 })).toEqual([107n, 108n])
  })

  test('are exact beyond 2^53', async () => {
    const storage = await tracked({ rows: [{ id: 1n }, { id: 2n }] })
    const path = '_delta_log/00000000000000000000.json'
    const log = new TextDecoder().decode(await storage.read(path)).replace('"baseRowId":100', '"baseRowId":9223372036854775806')
    await storage.put(path, encodeUtf8(log))
    expect((await rowsOf(storage, { columns: ['_row_id'] })).map((row) => Object.values(row)[0])).toEqual([
      9223372036854775806n,
      9223372036854775807n,
    ])
  })

  test('come last, or where columns place them; a filter may use them without their being shown', async () => {
    const storage = await tracked({ rows: [{ id: 1n }, { id: 2n }, { id: 3n }] })
    const keys = async (columns: string[]) => Object.keys((await rowsOf(storage, { columns }))[0] as object)
    expect(await keys(['id'])).toEqual(['id', '_row_id', '_row_commit_version'])
    expect(await keys(['_row_id', 'id'])).toEqual(['_row_id', 'id'])
    expect(await rowsOf(storage, { columns: ['id', '_row_commit_version'], where: '_row_id = 101 OR id = 3' })).toEqual([
      { id: 2n, _row_commit_version: 7n },
      { id: 3n, _row_commit_version: 7n },
    ])
    expect(await (await openTable(storage)).scan({ rowIds: true, where: '_row_id > 100' }).count()).toBe(2)
  })

  test('do not trust statistics and bounds of a column that only has some of them', async () => {
    const configuration = { ...TRACKED, 'delta.rowTracking.materializedRowIdColumnName': '_row_id' }
    const stats = JSON.stringify({ numRecords: 2, minValues: { _row_id: 1 }, maxValues: { _row_id: 1 }, nullCount: { _row_id: 1 } })
    const rows = [
      { id: 1n, _row_id: 1n },
      { id: 2n, _row_id: null },
    ]
    const storage = await tracked({ columns: 'id long, `_row_id` long', rows, configuration, add: { stats } })
    expect(await rowsOf(storage, { where: '_row_id = 101' })).toEqual([{ id: 2n, _row_id: 101n, _row_commit_version: 7n }])
  })

  test('are refused where the table has none, or columns of their names', async () => {
    const rows = [{ id: 1n }]
    expect(await failure(await tracked({ rows, configuration: {} }))).toMatch(/^UNSUPPORTED_FEATURE .*delta\.enableRowTracking/)
    expect(await failure(await tracked({ rows, features: ['deletionVectors'] }))).toMatch(/^UNSUPPORTED_FEATURE /)
    expect(await failure(await tracked({ columns: 'id long, `_ROW_ID` long', rows, schema: 'id long, `_ROW_ID` long' }))).toMatch(
      /^SCHEMA_MISMATCH .*_ROW_ID/,
    )
    expect(await failure(await tracked({ rows, add: { baseRowId: undefined } }))).toMatch(/^CORRUPT_LOG .*file\.parquet no baseRowId/)
    const text = { columns: 'id long, `_row-id-col` string', rows: [{ id: 1n, '_row-id-col': 'x' }] }
    expect(await failure(await tracked(text))).toMatch(/^SCHEMA_MISMATCH .*_row-id-col/)
  })

  test('need no base where the file holds one for every row', async () => {
    const storage = await tracked({
      columns: 'id long, `_row-id-col` long',
      rows: [{ id: 1n, '_row-id-col': 5n }],
      add: { baseRowId: undefined },
    })
    expect(await rowsOf(storage)).toEqual([{ id: 1n, _row_id: 5n, _row_commit_version: 7n }])
  })
})

test('files say what they were given for their rows', async () => {
  const snapshot = await (await openTable(await tracked({ rows: [{ id: 1n }] }))).snapshot()
  for await (const { baseRowId, defaultRowCommitVersion } of snapshot.files())
    expect([baseRowId, defaultRowCommitVersion]).toEqual([100, 7])
})
