// Reading planned changes: file by file, batch by batch, each row with what happened to it, when, and in which version.
import { RecordBatch as Batch, type Data, makeData, type RecordBatch, Struct } from 'apache-arrow'
import { conformBatch, constantColumn, maskToIndices, offsetsOf, project, take, toArrowSchema, validityOf } from '../arrow/index.js'
import { decodeUtf8 } from '../bytes.js'
import { AlluviumError, throwIfAborted } from '../errors.js'
import { type DeletedRows, type DeletionVectorDescriptor, loadDeletionVector, type PartitionValues } from '../log/index.js'
import type { StructType } from '../schema/index.js'
import type { Storage } from '../storage/storage.js'
import { missingFile } from './byte-source.js'
import { CHANGE_FIELDS, CHANGE_TYPE, type ChangeType, COMMIT_TIMESTAMP, COMMIT_VERSION } from './change-schema.js'
import { changesOf, mightMatch, type ReadyPlan, type ReadyVersion } from './changes-plan.js'
import { keptOf, type OpenDataFile, openDataFile } from './data-file.js'
import { type ChangedFile, type FileChange, partitionTexts } from './file-changes.js'
import { OlderFiles } from './older-files.js'

const CHANGE_TYPES: ReadonlySet<string> = new Set<ChangeType>(['insert', 'delete', 'update_preimage', 'update_postimage'])
const NO_VALUES: PartitionValues = {}
const TYPE_COLUMN: StructType = { type: 'struct', fields: CHANGE_FIELDS.filter((field) => field.name === CHANGE_TYPE) }

export interface ReadChangesOptions {
  readonly batchRows?: number
  readonly signal?: AbortSignal | undefined
}

/**
 * The batches of a plan, versions ascending; of each version, rows that went before rows that came, as far as files go.
 * @throws AlluviumError `MISSING_FILE`, `CORRUPT_DATA`, `CORRUPT_LOG`, `SCHEMA_MISMATCH`, storage errors
 */
export async function* readChanges(
  storage: Storage,
  ready: ReadyPlan,
  options: ReadChangesOptions,
): AsyncGenerator<RecordBatch, void, undefined> {
  const { signal } = options
  const reader = new ChangeReader(storage, ready, options)
  for (const version of ready.versions) {
    const changes = version.changes ?? (await changesOf(storage, version.version, signal))
    for (const change of changes) {
      if (version.changes === undefined && !mightMatch(change, ready.plan.filter, version, ready.end)) continue
      for await (const batch of reader.read(change, version)) {
        throwIfAborted(signal, 'reading the changes')
        if (batch.numRows > 0) yield batch
      }
    }
  }
}

class ChangeReader {
  readonly #storage: Storage
  readonly #ready: ReadyPlan
  readonly #options: ReadChangesOptions
  readonly #older: OlderFiles
  /** The columns that come from files. */
  readonly #data: StructType

  constructor(storage: Storage, ready: ReadyPlan, options: ReadChangesOptions) {
    this.#storage = storage
    this.#ready = ready
    this.#options = options
    this.#older = new OlderFiles(storage, options.signal)
    const added = new Set(CHANGE_FIELDS.map((field) => field.name))
    this.#data = { type: 'struct', fields: ready.plan.needed.fields.filter((field) => !added.has(field.name)) }
  }

  async *read(change: FileChange, version: ReadyVersion): AsyncGenerator<RecordBatch, void, undefined> {
    const { file } = change
    if (change.kind === 'cdc') {
      const data = await this.#open(file, version, { besides: [CHANGE_TYPE] })
      for await (const { batch, besides } of data.batches()) yield this.#finish(batch, changeTypes(besides, data.path), version)
      return
    }
    if (change.kind === 'vectors') {
      yield* this.#difference(change, version)
      return
    }
    const [data, deleted] = await Promise.all([this.#open(file, version, change), this.#vector(change.vector)])
    if (deleted !== undefined) data.checkFits(deleted)
    for await (const { batch, firstRow } of data.batches()) {
      const keep = deleted === undefined ? undefined : keptOf(deleted, firstRow, batch.numRows)
      yield this.#finish(keep === undefined ? batch : take(batch, maskToIndices(keep)), change.kind, version)
    }
  }

  // The file is read once; row groups in which the vectors agree are not read at all.
  async *#difference(
    change: Extract<FileChange, { kind: 'vectors' }>,
    version: ReadyVersion,
  ): AsyncGenerator<RecordBatch, void, undefined> {
    const [data, before, after] = await Promise.all([
      this.#open(change.file, version),
      this.#vector(change.before),
      this.#vector(change.after),
    ])
    for (const vector of [before, after]) if (vector !== undefined) data.checkFits(vector)
    const groups = groupsThatDiffer(data, before, after)
    if (groups.length === 0) return
    for await (const { batch, firstRow } of data.batches(groups)) {
      const [then, now] = [before, after].map((vector) => vector && keptOf(vector, firstRow, batch.numRows))
      const gone = onlyIn(then, now, batch.numRows)
      if (gone !== undefined) yield this.#finish(take(batch, gone), 'delete', version)
      const back = onlyIn(now, then, batch.numRows)
      if (back !== undefined) yield this.#finish(take(batch, back), 'insert', version)
    }
  }

  async #open(
    file: ChangedFile,
    { version, shape, unpartitioned }: ReadyVersion,
    { besides = [], vector }: { readonly besides?: readonly string[]; readonly vector?: DeletionVectorDescriptor | undefined } = {},
  ): Promise<OpenDataFile> {
    const { end } = this.#ready
    const { batchRows, signal } = this.#options
    const values = file.partitionValues ?? (unpartitioned ? NO_VALUES : await this.#older.partitionValues(file, vector, version))
    const sizeBytes = file.sizeBytes ?? (await this.#storage.stat(file.path, { signal }))?.sizeBytes
    if (sizeBytes === undefined) throw missingFile(this.#storage, file.path)
    const partition = partitionTexts(file, values, shape, end)
    const read = { needed: this.#data, mode: end.mode, besides, batchRows, signal }
    return openDataFile(this.#storage, { path: file.path, sizeBytes, partition }, read)
  }

  async #vector(descriptor: DeletionVectorDescriptor | undefined): Promise<DeletedRows | undefined> {
    return descriptor && loadDeletionVector(this.#storage, descriptor, { signal: this.#options.signal })
  }

  #finish(data: RecordBatch, type: ChangeType | Data, { version, timestampMs }: ReadyVersion): RecordBatch {
    const { needed, output, filter } = this.#ready.plan
    const { numRows } = data
    const schema = toArrowSchema(needed)
    const children = needed.fields.map((field) => {
      if (field.name === CHANGE_TYPE) return typeof type === 'string' ? constantColumn(field.dataType, type, numRows) : type
      if (field.name === COMMIT_VERSION) return constantColumn(field.dataType, BigInt(version), numRows)
      if (field.name === COMMIT_TIMESTAMP) return constantColumn(field.dataType, BigInt(timestampMs) * 1000n, numRows)
      return data.data.children[data.schema.fields.findIndex((candidate) => candidate.name === field.name)] as Data
    })
    let batch: RecordBatch = new Batch(schema, makeData({ type: new Struct(schema.fields), length: numRows, nullCount: 0, children }))
    if (filter !== undefined && numRows > 0) {
      const indices = maskToIndices(filter.evaluate(batch))
      if (indices.length < numRows) batch = take(batch, indices)
    }
    if (output.fields.length === needed.fields.length) return batch
    return project(
      batch,
      output.fields.map((field) => field.name),
    )
  }
}

/** The rows that are in `kept` and not in `other`; undefined for none. Undefined masks keep every row. */
function onlyIn(kept: Uint8Array | undefined, other: Uint8Array | undefined, numRows: number): Int32Array | undefined {
  if (other === undefined) return undefined
  const mask = new Uint8Array(numRows)
  for (let i = 0; i < numRows; i++) mask[i] = (kept === undefined ? 1 : (kept[i] as number)) & ((other[i] as number) ^ 1)
  const indices = maskToIndices(mask)
  return indices.length === 0 ? undefined : indices
}

function groupsThatDiffer(data: OpenDataFile, before: DeletedRows | undefined, after: DeletedRows | undefined): number[] {
  const groups: number[] = []
  for (const [index, { firstRow, numRows }] of data.rowGroups.entries()) {
    const [then, now] = [before, after].map((vector) => vector && keptOf(vector, firstRow, numRows))
    if (onlyIn(then, now, numRows) !== undefined || onlyIn(now, then, numRows) !== undefined) groups.push(index)
  }
  return groups
}

// The column by which a file of changes says what happened to each of its rows.
function changeTypes(besides: RecordBatch | undefined, path: string): Data {
  if (besides === undefined) {
    throw new AlluviumError(
      'CORRUPT_DATA',
      `the change data file ${path} has no column ${CHANGE_TYPE}, so nobody knows what its rows mean`,
      {
        path,
        column: CHANGE_TYPE,
      },
    )
  }
  const column = conformBatch(besides, TYPE_COLUMN, { purpose: 'read', name: path }).data.children[0] as Data
  const [offsets, validity, values] = [offsetsOf(column), validityOf(column), column.values as Uint8Array]
  let previous: string | undefined
  for (let i = 0; i < column.length; i++) {
    const isNull = validity !== undefined && column.nullCount > 0 && !column.getValid(i)
    const text = isNull ? undefined : decodeUtf8(values, offsets[i] as number, offsets[i + 1] as number)
    if (text === previous && text !== undefined) continue
    if (text === undefined || !CHANGE_TYPES.has(text)) throw unknownType(text, i, path)
    previous = text
  }
  return column
}

function unknownType(text: string | undefined, row: number, path: string): AlluviumError {
  const what = text === undefined ? 'null' : JSON.stringify(text.slice(0, 100))
  return new AlluviumError(
    'CORRUPT_DATA',
    `the change data file ${path} has a row whose ${CHANGE_TYPE} is ${what}; known are ${[...CHANGE_TYPES].join(', ')}`,
    {
      path,
      column: CHANGE_TYPE,
      row,
    },
  )
}
