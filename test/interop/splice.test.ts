// Files of other writers, spliced and rewritten, read back by engines that are not ours: pyarrow with the settings of its own and of
// Spark, DuckDB and delta-rs wrote them.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { fromArrowSchema } from '../../src/arrow/index.js'
import {
  bytesSource,
  type OpenedForSplice,
  openForSplice,
  openParquet,
  rewriteFiles,
  spliceFiles,
  spliceObstacle,
} from '../../src/parquet/index.js'
import { absent, python } from './peers.js'

if (absent !== undefined) console.warn(`skipped: ${absent}`)

// Three files a writer, the second of them without rows where the writer makes such.
const WRITE = `
import datetime, decimal, os, pyarrow as pa, pyarrow.parquet as pq, duckdb
from deltalake import write_deltalake, WriterProperties
folder = input
utc = datetime.timezone.utc
def table(start, count):
    ids = range(start, start + count)
    none = lambda i, value: None if i % 5 == 0 else value
    return pa.table({
        'id': pa.array(ids, pa.int64()),
        'n': pa.array([none(i, i % 100) for i in ids], pa.int32()),
        's': pa.array([none(i, f'text {i % 13}') for i in ids], pa.string()),
        'u': pa.array([f'unique ä {i}' for i in ids], pa.string()),
        'd': pa.array([none(i, i / 7) for i in ids], pa.float64()),
        'yes': pa.array([i % 3 == 0 for i in ids], pa.bool_()),
        'day': pa.array([datetime.date(2024, 1, 1) + datetime.timedelta(days=i % 400) for i in ids], pa.date32()),
        'at': pa.array([datetime.datetime(2024, 1, 1, tzinfo=utc) + datetime.timedelta(microseconds=i * 1001) for i in ids], pa.timestamp('us', 'UTC')),
        'p': pa.array([none(i, decimal.Decimal(i) / 4) for i in ids], pa.decimal128(12, 2)),
        'large': pa.array([decimal.Decimal(i) * 10**20 for i in ids], pa.decimal128(38, 2)),
        'tags': pa.array([none(i, [f't{i % 3}', None]) for i in ids], pa.list_(pa.field('element', pa.string()))),
        'st': pa.array([none(i, {'x': i, 'y': {'z': str(i)}}) for i in ids], pa.struct([('x', pa.int32()), ('y', pa.struct([('z', pa.string())]))])),
    })
parts = [table(0, 1500), table(1500, 0), table(1500, 2500)]
flat = [part.drop_columns(['tags', 'st']) for part in parts]
def write(name, tables, each):
    os.makedirs(f'{folder}/{name}')
    for i, part in enumerate(tables): each(part, f'{folder}/{name}/{i}.parquet')
write('pyarrow', parts, lambda part, path: pq.write_table(part, path))
write('pyarrow with page indexes and checksums', parts, lambda part, path: pq.write_table(part, path, write_page_index=True, write_page_checksum=True, data_page_size=4096, row_group_size=600))
write('pages of version 2, zstd', parts, lambda part, path: pq.write_table(part, path, data_page_version='2.0', compression='zstd', use_dictionary=['s']))
write('as Spark writes', parts, lambda part, path: pq.write_table(part, path, version='1.0', store_decimal_as_integer=True, write_page_index=True, store_schema=False, use_compliant_nested_type=True))
write('brotli', parts, lambda part, path: pq.write_table(part, path, compression='brotli'))
write('flat', flat, lambda part, path: pq.write_table(part, path, store_decimal_as_integer=True, version='2.6'))
def duck(part, path):
    con = duckdb.connect()
    con.execute("set timezone = 'UTC'")
    con.register('part', part)
    con.execute(f"copy part to '{path}' (format parquet)")
write('DuckDB', [parts[0], parts[2]], duck)
write('DuckDB, flat', [flat[0], flat[2]], duck)
os.makedirs(f'{folder}/delta-rs')
for i, part in enumerate([parts[0], parts[2]]):
    write_deltalake(f'{folder}/table', part, mode='append')
    [path] = [path for path in os.listdir(f'{folder}/table') if path.endswith('.parquet')]
    os.rename(f'{folder}/table/{path}', f'{folder}/delta-rs/{i}.parquet')
print('true')
`

const COMPARE = `
import pyarrow as pa, pyarrow.parquet as pq, duckdb
one, files = input
whole = pq.read_table(one)
parts = pa.concat_tables([pq.read_table(path) for path in files], promote_options='permissive')
con = duckdb.connect()
con.execute("set timezone = 'UTC'")
ask = lambda paths: con.execute("select count(*), sum(hash(t)::hugeint)::varchar from (select * from read_parquet($1)) t", [paths]).fetchall()
import json
meta = pq.ParquetFile(one)
meta.read()  # checksums, where pages have them
pq.ParquetFile(one, page_checksum_verification=True).read()
bounds = [meta.metadata.row_group(g).column(0).statistics for g in range(meta.num_row_groups)]
print(json.dumps({
    'equal': whole.cast(parts.schema).equals(parts),
    'schema': whole.schema.remove_metadata().equals(parts.schema.remove_metadata()),
    'duck': ask([one]) == ask(files),
    'bounds': [[b.min, b.max] for b in bounds if b is not None and b.has_min_max],
    'first': whole.column('id')[0].as_py() if len(whole) else None,
}))
`

const WRITERS: Readonly<Record<string, number>> = {
  pyarrow: 3,
  'pyarrow with page indexes and checksums': 3,
  'pages of version 2, zstd': 3,
  'as Spark writes': 3,
  brotli: 3,
  flat: 3,
  DuckDB: 2,
  'DuckDB, flat': 2,
  'delta-rs': 2,
}

interface Compared {
  readonly equal: boolean
  readonly schema: boolean
  readonly duck: boolean
  readonly bounds: readonly (readonly [number, number])[]
  readonly first: number | null
}

describe.skipIf(absent !== undefined)('files of', () => {
  let folder: string
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'alluvium-splice-'))
    await python(WRITE, folder)
  }, 300_000)
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  const pathsOf = (writer: string): string[] =>
    Array.from({ length: WRITERS[writer] as number }, (_, i) => join(folder, writer, `${i}.parquet`))
  const openAll = (writer: string): Promise<OpenedForSplice[]> =>
    Promise.all(pathsOf(writer).map((path) => openForSplice({ name: path, source: bytesSource(readFileSync(path)) })))

  async function compare(writer: string, kind: string, parts: readonly Uint8Array[]): Promise<Compared> {
    mkdirSync(join(folder, 'made'), { recursive: true })
    const path = join(folder, 'made', `${writer} ${kind}.parquet`)
    writeFileSync(path, Buffer.concat(parts))
    return python<Compared>(COMPARE, [path, pathsOf(writer)])
  }

  test.each(Object.keys(WRITERS))('%s, spliced, are the same to pyarrow and DuckDB', async (writer) => {
    const opened = await openAll(writer)
    expect(spliceObstacle(opened)).toBeUndefined()
    const parts: Uint8Array[] = []
    await spliceFiles(opened, { write: async (bytes) => void parts.push(bytes.slice()) })
    const found = await compare(writer, 'spliced', parts)
    expect(found).toMatchObject({ equal: true, schema: true, duck: true, first: 0 })
    expect(found.bounds.map(([min]) => min)[0]).toBe(0)
    expect(found.bounds.at(-1)?.[1]).toBe(3999)
  })

  // The Arrow schema in pyarrow's files names types that Delta tables do not keep, such as how lists call their items.
  test.each(Object.keys(WRITERS))('%s, rewritten, have the same rows to pyarrow and DuckDB', async (writer) => {
    const opened = await openAll(writer)
    const file = await openParquet(bytesSource(readFileSync(pathsOf(writer)[0] as string)), { name: writer })
    const schema = fromArrowSchema(file.arrowSchema)
    const parts: Uint8Array[] = []
    const { numRows } = await rewriteFiles(opened, { write: async (bytes) => void parts.push(bytes.slice()) }, { schema, codec: 'snappy' })
    expect(numRows).toBe(4000)
    expect(await compare(writer, 'rewritten', parts)).toMatchObject({ equal: true, duck: true, first: 0, bounds: [[0, 3999]] })
  })
})
