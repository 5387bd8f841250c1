// What the Parquet tests share: files made by our writer in memory, read back whole, and DuckDB as the engine that is not ours.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DuckDBInstance, type JS } from '@duckdb/node-api'
import type { RecordBatch } from 'apache-arrow'
import { afterAll } from 'vitest'
import { BatchBuilder, canonicalLines, fromArrowSchema } from '../../src/arrow/index.js'
import { bytesSource, createParquetWriter, openParquet, type ParquetWriterOptions, type ReadOptions } from '../../src/parquet/index.js'
import { parseColumns, type StructType } from '../../src/schema/index.js'

/** A batch of rows under a schema, which must all be right. */
export function batchOfRows(schema: StructType, rows: readonly object[]): RecordBatch {
  const builder = new BatchBuilder(schema)
  const faults = builder.appendRows(rows)
  if (faults.length > 0) throw new Error(`a fault in test rows: ${JSON.stringify(faults[0])}`)
  return builder.finish()
}

/** Where written bytes gather. */
export class MemorySink {
  readonly parts: Uint8Array[] = []
  async write(bytes: Uint8Array): Promise<void> {
    this.parts.push(bytes.slice())
  }
  bytes(): Uint8Array {
    return new Uint8Array(Buffer.concat(this.parts))
  }
}

/** The bytes of a Parquet file of these batches. */
export async function writeBatches(
  schema: StructType,
  batches: readonly RecordBatch[],
  options: Partial<ParquetWriterOptions> = {},
): Promise<Uint8Array> {
  const sink = new MemorySink()
  const writer = createParquetWriter(sink, { schema, codec: 'snappy', ...options })
  for (const batch of batches) await writer.write(batch)
  await writer.finish()
  return sink.bytes()
}

/** The bytes of a Parquet file of rows, columns given as text. */
export async function writeRows(
  columns: string,
  rows: readonly object[],
  options: Partial<ParquetWriterOptions> = {},
): Promise<Uint8Array> {
  const schema = parseColumns(columns)
  return writeBatches(schema, rows.length === 0 ? [] : [batchOfRows(schema, rows)], options)
}

/** All rows of a file as parsed canonical JSON, read with our reader. */
export async function readRows(bytes: Uint8Array, options: ReadOptions = {}): Promise<Record<string, unknown>[]> {
  const file = await openParquet(bytesSource(bytes), { name: 'test.parquet' })
  const rows: Record<string, unknown>[] = []
  for await (const batch of file.read(options)) {
    const struct = fromArrowSchema(batch.schema)
    for (const line of canonicalLines(batch, struct)) rows.push(JSON.parse(line) as Record<string, unknown>)
  }
  return rows
}

/** DuckDB with a folder of its own, removed after the test file. */
export class Duck {
  readonly folder: string = mkdtempSync(join(tmpdir(), 'alluvium-parquet-'))
  private connection: ReturnType<DuckDBInstance['connect']> | undefined
  private files = 0

  constructor() {
    afterAll(() => rmSync(this.folder, { recursive: true, force: true }))
  }

  /** Rows of a query as plain values; `$file` stands for the given file's path in quotes. */
  async query(sql: string, bytes?: Uint8Array): Promise<Record<string, JS>[]> {
    const path = join(this.folder, `${this.files++}.parquet`)
    if (bytes !== undefined) writeFileSync(path, bytes)
    this.connection ??= DuckDBInstance.create().then((instance) => instance.connect())
    const reader = await (await this.connection).runAndReadAll(sql.replaceAll('$file', `'${path}'`))
    return reader.getRowObjectsJS() as Record<string, JS>[]
  }

  /** A Parquet file written by DuckDB from a query. */
  async copy(query: string, options = ''): Promise<Uint8Array> {
    const { readFileSync } = await import('node:fs')
    const path = join(this.folder, `${this.files++}.parquet`)
    await this.query(`set timezone = 'UTC'`)
    await this.query(`copy (${query}) to '${path}' (format parquet${options === '' ? '' : `, ${options}`})`)
    return new Uint8Array(readFileSync(path))
  }
}
