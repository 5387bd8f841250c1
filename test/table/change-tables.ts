// Tables with a change data feed, written action by action as other engines write them: every commit is what a test says,
// data files and change data files are Parquet of our own writer.
import { type AlluviumError, type ChangesOptions, isAlluviumError, memoryStorage, openTable, type Storage, type Table } from 'alluvium'
import { encodeUtf8 } from '../../src/bytes.js'
import { commitPath, parseCommit } from '../../src/log/index.js'
import type { ParquetWriterOptions } from '../../src/parquet/index.js'
import { writeCheckpoint } from '../log/checkpoint-writer.js'
import { vectorBytes, z85 } from '../log/deletion-vectors/vector-bytes.js'
import { Oracle } from '../log/oracle.js'
import { writeRows } from '../parquet/files.js'
import { field, structType } from './raw-table.js'

export type Action = Readonly<Record<string, object>>

export const FEED_ON = { 'delta.enableChangeDataFeed': 'true' }
export const PROTOCOL = {
  protocol: {
    minReaderVersion: 3,
    minWriterVersion: 7,
    readerFeatures: ['deletionVectors', 'columnMapping', 'typeWidening'],
    writerFeatures: ['deletionVectors', 'columnMapping', 'typeWidening', 'changeDataFeed', 'inCommitTimestamp'],
  },
}

export interface MetadataOptions {
  readonly partitionColumns?: readonly string[]
  readonly configuration?: Readonly<Record<string, string>>
}

/** A metaData action with the feed on, unless the configuration says otherwise. */
export function metaData(fields: readonly object[], { partitionColumns = [], configuration = {} }: MetadataOptions = {}): Action {
  structType(...fields) // must make sense
  return {
    metaData: {
      id: 'changes',
      format: { provider: 'parquet', options: {} },
      schemaString: JSON.stringify({ type: 'struct', fields }),
      partitionColumns,
      configuration: { ...FEED_ON, ...configuration },
    },
  }
}

export interface FileOptions {
  readonly partitionValues?: Readonly<Record<string, string | null>>
  readonly dataChange?: boolean
  readonly deletionVector?: object
}

/** A file in the store, from which actions are made. */
export class StoredFile {
  readonly path: string
  readonly size: number
  readonly partitionValues: Readonly<Record<string, string | null>>

  constructor(path: string, size: number, partitionValues: Readonly<Record<string, string | null>>) {
    this.path = path
    this.size = size
    this.partitionValues = partitionValues
  }

  add(options: FileOptions = {}): Action {
    return { add: { ...this.#common(options), modificationTime: 1, dataChange: options.dataChange ?? true } }
  }
  remove(options: FileOptions = {}): Action {
    return {
      remove: { ...this.#common(options), deletionTimestamp: 1, extendedFileMetadata: true, dataChange: options.dataChange ?? true },
    }
  }
  /** As old writers left it: the path and no more. */
  bareRemove(): Action {
    return { remove: { path: this.path, deletionTimestamp: 1, dataChange: true } }
  }
  cdc(): Action {
    return { cdc: { ...this.#common({}), dataChange: false } }
  }

  #common({ deletionVector, partitionValues = this.partitionValues }: FileOptions): object {
    return { path: this.path, partitionValues, size: this.size, ...(deletionVector === undefined ? {} : { deletionVector }) }
  }
}

/** A deletion vector in the log; undefined for no rows. */
export function vector(positions: readonly number[]): { readonly deletionVector?: object } {
  if (positions.length === 0) return {}
  const bytes = vectorBytes(positions)
  return { deletionVector: { storageType: 'i', pathOrInlineDv: z85(bytes), sizeInBytes: bytes.length, cardinality: positions.length } }
}

/** A table written commit by commit. */
export class ChangeTable {
  readonly storage: Storage
  #next = 0

  constructor(storage: Storage = memoryStorage()) {
    this.storage = storage
  }

  /** Puts a commit file at the next version. Answers the version. */
  async commit(...actions: readonly Action[]): Promise<number> {
    return this.commitWith({ operation: 'TEST' }, ...actions)
  }

  async commitWith(commitInfo: object, ...actions: readonly Action[]): Promise<number> {
    const version = this.#next++
    const text = [{ commitInfo }, ...actions].map((action) => `${JSON.stringify(action)}\n`).join('')
    await this.storage.put(`_delta_log/${String(version).padStart(20, '0')}.json`, encodeUtf8(text))
    return version
  }

  /** Puts a checkpoint of a version, beside its commit. */
  async checkpoint(version: number): Promise<void> {
    const state = new Oracle()
    for (let n = 0; n <= version; n++) {
      const path = commitPath(n)
      state.apply(parseCommit((await this.storage.read(path)) as Uint8Array, { version: n, path }))
    }
    await writeCheckpoint(this.storage, version, state, 'classic')
  }

  /** Puts a Parquet file; columns as DDL text. */
  async file(
    path: string,
    columns: string,
    rows: readonly object[],
    options: Partial<ParquetWriterOptions> & Pick<FileOptions, 'partitionValues'> = {},
  ): Promise<StoredFile> {
    const { partitionValues = {}, ...writer } = options
    const bytes = await writeRows(columns, rows, writer)
    await this.storage.put(path, bytes)
    return new StoredFile(path, bytes.length, partitionValues)
  }

  async open(): Promise<Table> {
    return openTable(this.storage)
  }

  /** Texts like `+1@3` or `-2@4`: what happened to an id in which version, in the order of the feed. */
  async idsOf(options: ChangesOptions): Promise<string[]> {
    const signs: Readonly<Record<string, string>> = { insert: '+', delete: '-', update_preimage: '<', update_postimage: '>' }
    const rows = await (await this.open()).changes(options).toArray()
    return rows.map((row) => `${signs[row._change_type]}${String(row.id)}@${row._commit_version}`)
  }
}

/** Rows of nothing but ids. */
export function ids(...values: number[]): { id: number }[] {
  return values.map((id) => ({ id }))
}

/** A table whose version 0 is empty: the column id and those given, the feed on. */
export async function idTable(...more: object[]): Promise<ChangeTable> {
  const table = new ChangeTable()
  await table.commit(PROTOCOL, metaData([field('id', 'long'), ...more]))
  return table
}

/** The typed error that something ends with. */
export async function failure(action: Promise<unknown>): Promise<AlluviumError> {
  const error: unknown = await action.then(
    () => undefined,
    (e: unknown) => e,
  )
  if (!isAlluviumError(error)) throw new Error(`no typed error: ${String(error)}`)
  return error
}
