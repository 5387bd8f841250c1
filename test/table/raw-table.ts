// Tables written by the letter of the protocol: a log of plain JSON and data files whose columns are called as wanted,
// so that a test says what other engines have written and not what we would write.
import { memoryStorage, type Storage } from 'alluvium'
import { encodeUtf8 } from '../../src/bytes.js'
import type { StructType } from '../../src/schema/index.js'
import { parseSchema } from '../../src/schema/index.js'
import { batchOfRows, writeBatches } from '../parquet/files.js'

/** A field of a schema's JSON. */
export function field(name: string, type: unknown, metadata: Readonly<Record<string, unknown>> = {}): object {
  return { name, type, nullable: true, metadata }
}

/** A field that is mapped. */
export function mapped(
  name: string,
  id: number,
  physicalName: string,
  type: unknown,
  more: Readonly<Record<string, unknown>> = {},
): object {
  return field(name, type, { 'delta.columnMapping.id': id, 'delta.columnMapping.physicalName': physicalName, ...more })
}

export function struct(...fields: readonly object[]): { type: 'struct'; fields: readonly object[] } {
  return { type: 'struct', fields }
}

export function structType(...fields: readonly object[]): StructType {
  return parseSchema(JSON.stringify(struct(...fields)))
}

export interface RawFile {
  readonly path: string
  /** The columns as the file has them. */
  readonly columns: StructType
  readonly rows: readonly object[]
  readonly partitionValues?: Readonly<Record<string, string | null>>
  readonly stats?: object
}

export interface RawCommit {
  readonly protocol?: object
  readonly schema?: object
  readonly partitionColumns?: readonly string[]
  readonly configuration?: Readonly<Record<string, string>>
  readonly files?: readonly RawFile[]
}

export const MAPPING = { minReaderVersion: 2, minWriterVersion: 5 }

/** A table of these commits, in memory. */
export async function rawTable(...commits: readonly RawCommit[]): Promise<Storage> {
  const storage = memoryStorage()
  for (const [version, commit] of commits.entries()) {
    const lines: object[] = [{ commitInfo: { operation: 'TEST' } }]
    if (commit.protocol !== undefined) lines.push({ protocol: commit.protocol })
    if (commit.schema !== undefined) {
      const { partitionColumns = [], configuration = {} } = commit
      const metaData = {
        id: 'raw',
        format: { provider: 'parquet', options: {} },
        schemaString: JSON.stringify(commit.schema),
        partitionColumns,
        configuration,
      }
      lines.push({ metaData })
    }
    for (const file of commit.files ?? []) {
      const bytes = await writeBatches(file.columns, [batchOfRows(file.columns, file.rows)])
      await storage.put(file.path, bytes)
      const stats = JSON.stringify({ numRecords: file.rows.length, ...file.stats })
      const { path, partitionValues = {} } = file
      lines.push({ add: { path, partitionValues, size: bytes.length, modificationTime: 1, dataChange: true, stats } })
    }
    const text = lines.map((line) => `${JSON.stringify(line)}\n`).join('')
    await storage.put(`_delta_log/${String(version).padStart(20, '0')}.json`, encodeUtf8(text))
  }
  return storage
}
