// Tables made by hand, line by line, so that a test can say exactly the one thing that is wrong with them.
// One rule: nothing here checks anything; what is put in is what lies in the store.
import { encodeUtf8 } from '../../src/bytes.js'
import { memoryStorage } from '../../src/storage/memory.js'
import type { Storage } from '../../src/storage/storage.js'
import { writeRows } from './parquet-bytes.js'

/** A line of a commit: an object is printed, a text stands as it is. */
export type Line = string | object

/** What a hand-made table consists of. Everything left out is sound: two columns, one file of three rows. */
export interface TableParts {
  /** The lines of version 0 in place of the usual protocol and metaData. */
  readonly first?: readonly Line[]
  readonly protocol?: Line
  readonly metaData?: Line
  /** Members of the metaData action that differ from the usual ones. */
  readonly metadata?: Readonly<Record<string, unknown>>
  /** The table's columns as in SQL are not enough for hostile ones: the schemaString, or its fields. */
  readonly schema?: string | readonly object[]
  readonly partitionColumns?: readonly string[]
  readonly configuration?: Readonly<Record<string, unknown>>
  /** The lines of version 1; the usual add when left out. */
  readonly lines?: readonly Line[]
  /** Members of the usual add that differ; `undefined` removes one. */
  readonly add?: Readonly<Record<string, unknown>>
  /** Raw JSON members put at the end of the usual add, where they win over what stands before: `"size":1e400`. */
  readonly addTail?: string
  /** Objects of the store, by path; `null` removes one. They come last and win. */
  readonly files?: Readonly<Record<string, Uint8Array | string | null>>
}

export const DATA_PATH = 'part-0.parquet'
export const COLUMNS = 'id long, name string'
export const ROWS: readonly { id: number; name: string }[] = [
  { id: 1, name: 'one' },
  { id: 2, name: 'two' },
  { id: 3, name: 'three' },
]
export const FIELDS: readonly object[] = [field('id', 'long'), field('name', 'string')]
export const PROTOCOL = '{"protocol":{"minReaderVersion":1,"minWriterVersion":2}}'

export function field(name: string, type: unknown, more: object = {}): object {
  return { name, type, nullable: true, metadata: {}, ...more }
}

export function commitPath(version: number | bigint | string): string {
  return `_delta_log/${String(version).padStart(20, '0')}.json`
}

export function schemaString(fields: readonly object[]): string {
  return JSON.stringify({ type: 'struct', fields })
}

/** The metaData action with members replaced. */
export function metaData(schema: string | readonly object[] = FIELDS, more: Readonly<Record<string, unknown>> = {}): object {
  return {
    metaData: {
      id: 'f8b8bd3c-1f1b-4f0e-9d2e-0c1d2e3f4a5b',
      format: { provider: 'parquet', options: {} },
      schemaString: typeof schema === 'string' ? schema : schemaString(schema),
      partitionColumns: [],
      configuration: {},
      createdTime: 1_700_000_000_000,
      ...more,
    },
  }
}

let goodFile: Promise<Uint8Array> | undefined

/** The data file of the usual table. */
export function goodData(): Promise<Uint8Array> {
  goodFile ??= writeRows(COLUMNS, ROWS)
  return goodFile
}

/** The add action of a file. */
export function addOf(path: string, size: number, more: Readonly<Record<string, unknown>> = {}): object {
  return { add: { path, partitionValues: {}, size, modificationTime: 1_700_000_000_000, dataChange: true, ...more } }
}

/** Lines as the bytes of a commit. */
export function commitBytes(lines: readonly Line[]): Uint8Array {
  return encodeUtf8(lines.map((line) => `${typeof line === 'string' ? line : JSON.stringify(line)}\n`).join(''))
}

/** The objects of a table. */
export async function tableFiles(parts: TableParts = {}): Promise<Map<string, Uint8Array>> {
  const data = await goodData()
  const metadata = {
    ...(parts.partitionColumns === undefined ? {} : { partitionColumns: parts.partitionColumns }),
    ...(parts.configuration === undefined ? {} : { configuration: parts.configuration }),
    ...parts.metadata,
  }
  const first = parts.first ?? [parts.protocol ?? PROTOCOL, parts.metaData ?? metaData(parts.schema ?? FIELDS, metadata)]
  let add = JSON.stringify(addOf(DATA_PATH, data.length, parts.add))
  if (parts.addTail !== undefined) add = `${add.slice(0, -2)},${parts.addTail}}}`
  const files = new Map<string, Uint8Array>([
    [commitPath(0), commitBytes(first)],
    [commitPath(1), commitBytes(parts.lines ?? [add])],
    [DATA_PATH, data],
  ])
  for (const [path, content] of Object.entries(parts.files ?? {})) {
    if (content === null) files.delete(path)
    else files.set(path, typeof content === 'string' ? encodeUtf8(content) : content)
  }
  return files
}

/** A store in memory that holds the table. */
export async function tableStore(parts: TableParts = {}): Promise<Storage> {
  const storage = memoryStorage()
  for (const [path, bytes] of await tableFiles(parts)) await storage.put(path, bytes)
  return storage
}
