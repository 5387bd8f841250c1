// The tombstones of a version: removes of files that readers of older versions may still want (PROTOCOL.md, "Add File and
// Remove File"). Only checkpoints and vacuum look at them, so no view carries them: they are collected when asked for, from
// the newest checkpoint and the commits after it, into columns like those of the files.
import { type Data, DataType } from 'apache-arrow'
import { bitAt } from '../../arrow/index.js'
import { decodeUtf8, encodeUtf8 } from '../../bytes.js'
import { AlluviumError } from '../../errors.js'
import { isJsonObject, jsonObject } from '../../json.js'
import { openLeafFile } from '../../parquet/index.js'
import type { Storage } from '../../storage/storage.js'
import type { DeletionVectorDescriptor, RemoveFile, Sidecar } from '../actions.js'
import { cellJson, childOf, columnOf, expectType, integersOf, isText, isTextMap, withValues } from '../arrow-json.js'
import { checkpointSource, sidecarPath } from '../checkpoint.js'
import { onCheckpointFile } from '../checkpoint-part.js'
import { type CommitOrigin, parseValue, valuesOfLine } from '../commit-json.js'
import { FieldScan } from '../field-scan.js'
import { FileTable, vectorId } from '../file-table.js'
import { Pattern, skipBlanks, standsAt } from '../json-scan.js'
import { assertCommitSize, logLimits } from '../limits.js'
import { listedAnew } from '../listed-anew.js'
import type { LogView } from '../log-view.js'
import { ActionFault, actionOf } from '../parse-action.js'
import { CHUNK_MASK, EXTENDED, HAS_VECTOR, type RowChunk } from '../row-chunk.js'
import { type CheckpointFiles, findSegmentOnce, type LogSegment } from '../segment.js'

/** Row ids of a removed file, where its remove has them. */
export type TombstoneExtras = Pick<RemoveFile, 'baseRowId' | 'defaultRowCommitVersion'>

/** Tombstones as columns. Of `table`, `modificationTime` is the time of the removal, and a size that is not known is NaN. */
export interface Tombstones {
  readonly table: FileTable
  /** The rows that count, ascending. */
  readonly rows: Int32Array
  readonly extras: ReadonlyMap<number, TombstoneExtras>
  /** The sidecars of the checkpoint that they were collected from. */
  readonly sidecars: readonly Sidecar[]
}

export interface TombstoneOptions {
  /** Removals at or before this time (milliseconds since 1970) are left out: they have expired. */
  readonly expiredAtMs: number
  /** The segment of the view's version, where it has been looked for. */
  readonly segment?: LogSegment
  /** Sidecars that are known to hold no tombstone. */
  readonly holdsNone?: (sidecar: Sidecar) => boolean
  readonly signal?: AbortSignal | undefined
}

/**
 * The tombstones of a view that have not expired and whose file has not come back.
 * @throws AlluviumError as for opening the log: it must still hold the view's version
 */
export function loadTombstones(storage: Storage, view: LogView, options: TombstoneOptions): Promise<Tombstones> {
  return listedAnew(storage, options.signal, (again) => collect(storage, view, options, again === 0 ? options.segment : undefined))
}

async function collect(storage: Storage, view: LogView, options: TombstoneOptions, found: LogSegment | undefined): Promise<Tombstones> {
  const { signal, holdsNone = () => false } = options
  const segment = found ?? (await findSegmentOnce(storage, { version: view.version, signal }))
  const collector = new TombstoneCollector(view)
  const sidecars = segment.checkpoint === undefined ? [] : await readCheckpoint(storage, segment.checkpoint, collector, holdsNone, signal)
  const { withoutRemoves } = view.shared.table
  for (const { file, from, to } of segment.steps) {
    if (from === to && withoutRemoves.has(to)) continue
    assertCommitSize(file.path, file.sizeBytes, logLimits())
    const bytes = await storage.read(file.path, { signal })
    if (bytes === undefined) {
      const { path } = file
      throw new AlluviumError('CORRUPT_LOG', `${path} was listed but is gone: the log is being cleaned, or was damaged`, { path })
    }
    collector.commit(bytes, { version: to, path: file.path })
  }
  return collector.finish(view, options.expiredAtMs, sidecars)
}

async function readCheckpoint(
  storage: Storage,
  checkpoint: CheckpointFiles,
  collector: TombstoneCollector,
  holdsNone: (sidecar: Sidecar) => boolean,
  signal: AbortSignal | undefined,
): Promise<Sidecar[]> {
  const sidecars = new Map<string, Sidecar>()
  const top = checkpoint.files[0]?.path ?? ''
  const onSidecar = (sidecar: Sidecar): void => void sidecars.set(sidecarPath(sidecar.path, top), sidecar)
  for (const file of checkpoint.files) {
    await onCheckpointFile(file.path, async () => {
      if (!file.path.endsWith('.json')) return readPart(storage, file.path, file.sizeBytes, collector, onSidecar, signal)
      const bytes = await storage.read(file.path, { signal })
      if (bytes === undefined) throw new ActionFault('it was listed but is gone')
      collector.commit(bytes, { version: checkpoint.version, path: file.path }, onSidecar)
    })
  }
  for (const [path, sidecar] of sidecars) {
    if (!holdsNone(sidecar)) await onCheckpointFile(path, () => readPart(storage, path, sidecar.sizeInBytes, collector, undefined, signal))
  }
  return [...sidecars.values()]
}

async function readPart(
  storage: Storage,
  path: string,
  sizeBytes: number,
  collector: TombstoneCollector,
  onSidecar: ((sidecar: Sidecar) => void) | undefined,
  signal: AbortSignal | undefined,
): Promise<void> {
  const file = await openLeafFile(checkpointSource(storage, path, sizeBytes), { name: path, signal })
  for (let group = 0; group < file.rowGroups.length; group++) {
    const columns: string[][] = []
    if (!file.isAllNull(group, ['remove', 'path'])) columns.push(...REMOVE_COLUMNS.filter((column) => file.hasColumn(column)))
    if (onSidecar !== undefined && file.hasColumn(['sidecar']) && !file.isAllNull(group, ['sidecar'])) columns.push(['sidecar'])
    if (columns.length === 0) continue
    const parquet = await file.parquet()
    for await (const batch of parquet.read({ columns, rowGroups: [group], ...(signal === undefined ? {} : { signal }) })) {
      const remove = columnOf(batch, 'remove')
      if (remove !== undefined) collector.column(remove)
      const sidecar = columnOf(batch, 'sidecar')
      for (let i = 0; sidecar !== undefined && i < sidecar.length; i++) {
        const value = cellJson(sidecar, i)
        if (!isJsonObject(value) || value.path === undefined) continue
        const action = actionOf('sidecar', value)
        if (action.kind === 'sidecar') onSidecar?.(action)
      }
    }
  }
}

const REMOVE_COLUMNS = [
  'path',
  'deletionTimestamp',
  'extendedFileMetadata',
  'partitionValues',
  'size',
  'deletionVector',
  'baseRowId',
  'defaultRowCommitVersion',
].map((name) => ['remove', name])

const ADD = new Pattern('{"add":{')
const REMOVE = new Pattern('{"remove":{')
const CDC = new Pattern('{"cdc":{')
const COMMIT_INFO = new Pattern('{"commitInfo":{')

// Puts removes into a table of their own; of a key, the one that came last counts.
class TombstoneCollector {
  private readonly table: FileTable
  private readonly fields: FieldScan
  private readonly extras: Map<number, TombstoneExtras> = new Map()

  constructor(view: LogView) {
    this.table = new FileTable(-1, view.shared.policy.limits.maxPartitionColumns)
    this.fields = new FieldScan(this.table)
  }

  commit(bytes: Uint8Array, origin: CommitOrigin, onSidecar?: (sidecar: Sidecar) => void): void {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    this.fields.begin(view)
    for (let at = 0, line = 1; at < bytes.length; line++) {
      const newline = bytes.indexOf(0x0a, at)
      const end = newline < 0 ? bytes.length : newline
      const isPassed = standsAt(view, at, ADD) || standsAt(view, at, CDC) || standsAt(view, at, COMMIT_INFO)
      if (!isPassed && !(standsAt(view, at, REMOVE) && this.line(bytes, at, end))) {
        valuesOfLine(bytes, at, end, line, origin, (from, to) => {
          for (const action of parseValue(bytes, from, to, line, origin)) {
            if (action.kind === 'remove') this.action(action)
            else if (action.kind === 'sidecar') onSidecar?.(action)
          }
        })
      }
      at = end + 1
    }
  }

  // The fast path: false where the line needs the parser.
  private line(bytes: Uint8Array, at: number, end: number): boolean {
    const { table } = this
    const chunk = table.reserve()
    const i = table.rowCount & CHUNK_MASK
    const close = this.fields.tombstone(bytes, at + REMOVE.length, chunk, i, table.rowCount)
    const plain = close > 0 && bytes[close] === 0x7d && skipBlanks(bytes, close + 1, end) === end
    // Row ids are rare and read from the whole action.
    if (!plain || ((chunk.flags[i] as number) & ~(HAS_VECTOR | EXTENDED)) !== 0) {
      chunk.clearPartitions(i, i + 1)
      table.vectors.delete(table.rowCount)
      return false
    }
    const from = chunk.path[i] as number
    const room = table.allocate(chunk.pathLength[i] as number)
    room.bytes.set(bytes.subarray(from, from + (chunk.pathLength[i] as number)), room.at)
    chunk.source[i] = room.source
    chunk.path[i] = room.at
    this.commitRow(chunk, i)
    return true
  }

  private action(action: RemoveFile): void {
    const { table } = this
    const chunk = this.begin(encodeUtf8(action.path), action.deletionVector)
    const i = table.rowCount & CHUNK_MASK
    chunk.size[i] = action.size ?? Number.NaN
    chunk.modificationTime[i] = action.deletionTimestamp ?? 0
    if (action.extendedFileMetadata === true) chunk.flags[i] = (chunk.flags[i] as number) | EXTENDED
    for (const [name, value] of Object.entries(action.partitionValues ?? {})) {
      const key = encodeUtf8(name)
      const column = table.partitionColumn(key, 0, key.length, 0)
      chunk.partitionIds(column.ordinal)[i] = value === null ? column.dictionary.internNull() : column.dictionary.internText(value)
    }
    const extras = extrasOf(action)
    if (extras !== undefined) this.extras.set(table.rowCount, extras)
    this.commitRow(chunk, i)
  }

  /** The remove column of a batch of a checkpoint. */
  column(remove: Data): void {
    if (!DataType.isStruct(remove.type)) throw new ActionFault(`its column remove has the type ${remove.type}`)
    const path = childOf(remove, 'path')
    if (path === undefined || path.nullCount === path.length) return
    expectType(path, 'remove.path', isText)
    const time = childOf(remove, 'deletionTimestamp')
    const timeAt = time === undefined ? () => 0 : integersOf(expectType(time, 'remove.deletionTimestamp', DataType.isInt))
    const size = withValues(remove, 'size', DataType.isInt)
    const sizeAt = size === undefined ? () => Number.NaN : integersOf(size)
    const extended = withValues(remove, 'extendedFileMetadata', DataType.isBool)
    const partitions = withValues(remove, 'partitionValues', isTextMap)
    const seldom = ['deletionVector', 'baseRowId', 'defaultRowCommitVersion']
      .map((name) => ({ name, data: childOf(remove, name) }))
      .filter(({ data }) => data !== undefined && data.nullCount < data.length)
    for (let n = 0; n < remove.length; n++) {
      if (!remove.getValid(n) || !path.getValid(n)) continue
      const { deletionVector, extras } = rareMembers(seldom, n)
      const text = (path.values as Uint8Array).subarray(path.valueOffsets[n] as number, path.valueOffsets[n + 1] as number)
      const chunk = this.begin(text, deletionVector)
      const i = this.table.rowCount & CHUNK_MASK
      chunk.size[i] = size?.getValid(n) === true ? sizeAt(n) : Number.NaN
      chunk.modificationTime[i] = time?.getValid(n) === true ? timeAt(n) : 0
      if (extended?.getValid(n) === true && bitAt({ bytes: extended.values as Uint8Array, offset: extended.offset }, n))
        chunk.flags[i] = (chunk.flags[i] as number) | EXTENDED
      if (partitions?.getValid(n) === true) this.partitionValues(partitions, n, chunk, i)
      if (extras !== undefined) this.extras.set(this.table.rowCount, extras)
      this.commitRow(chunk, i)
    }
  }

  private partitionValues(map: Data, n: number, chunk: RowChunk, i: number): void {
    const [keys, values] = (map.children[0] as Data).children as [Data, Data]
    for (let at = map.valueOffsets[n] as number, nth = 0; at < (map.valueOffsets[n + 1] as number); at++, nth++) {
      const key = keys.values as Uint8Array
      const { dictionary, ordinal } = this.table.partitionColumn(
        key,
        keys.valueOffsets[at] as number,
        keys.valueOffsets[at + 1] as number,
        nth,
      )
      chunk.partitionIds(ordinal)[i] = values.getValid(at)
        ? dictionary.internNext(values.values as Uint8Array, values.valueOffsets[at] as number, values.valueOffsets[at + 1] as number)
        : dictionary.internNull()
    }
  }

  private begin(path: Uint8Array, vector: DeletionVectorDescriptor | undefined): RowChunk {
    const { table } = this
    const chunk = table.reserve()
    const i = table.rowCount & CHUNK_MASK
    chunk.clearPartitions(i, i + 1)
    const room = table.allocate(path.length)
    room.bytes.set(path, room.at)
    chunk.source[i] = room.source
    chunk.path[i] = room.at
    chunk.pathLength[i] = path.length
    chunk.hash[i] = table.keyHash(path, 0, path.length, vector && vectorId(vector))
    chunk.flags[i] = vector === undefined ? 0 : HAS_VECTOR
    if (vector !== undefined) table.vectors.set(table.rowCount, vector)
    return chunk
  }

  private commitRow(chunk: RowChunk, i: number): void {
    chunk.removed[i] = 0
    chunk.line[i] = 0
    chunk.lineLength[i] = 0
    this.table.rowCount++
    this.table.expectKeys(1)
    this.table.put(this.table.rowCount - 1, 0)
  }

  finish(view: LogView, expiredAtMs: number, sidecars: readonly Sidecar[]): Tombstones {
    const { table } = this
    const rows = table.liveRows().filter((row) => {
      const chunk = table.chunkOf(row)
      const i = row & CHUNK_MASK
      if ((chunk.modificationTime[i] as number) <= expiredAtMs) return false
      return !view.files.isLiveKey(table.sourceOf(row).bytes, chunk.path[i] as number, chunk.pathLength[i] as number, table.vectorIdOf(row))
    })
    return { table, rows, extras: this.extras, sidecars }
  }
}

function extrasOf({ baseRowId, defaultRowCommitVersion }: TombstoneExtras): TombstoneExtras | undefined {
  if (baseRowId === undefined && defaultRowCommitVersion === undefined) return undefined
  return {
    ...(baseRowId === undefined ? {} : { baseRowId }),
    ...(defaultRowCommitVersion === undefined ? {} : { defaultRowCommitVersion }),
  }
}

function rareMembers(
  columns: readonly { readonly name: string; readonly data: Data | undefined }[],
  n: number,
): { deletionVector: DeletionVectorDescriptor | undefined; extras: TombstoneExtras | undefined } {
  if (columns.length === 0) return { deletionVector: undefined, extras: undefined }
  const object = jsonObject()
  object.path = 'any'
  for (const { name, data } of columns) {
    const value = cellJson(data as Data, n)
    // A struct of nulls stands for null.
    if (value !== null && !(isJsonObject(value) && value.storageType === undefined)) object[name] = value
  }
  const action = actionOf('remove', object) as RemoveFile
  return { deletionVector: action.deletionVector, extras: extrasOf(action) }
}

/** The files that tombstones are about, one at a time. */
export function* tombstonePaths({
  table,
  rows,
}: Tombstones): Generator<{ path: string; deletionVector: DeletionVectorDescriptor | undefined }> {
  for (const row of rows) {
    const chunk = table.chunkOf(row)
    const start = chunk.path[row & CHUNK_MASK] as number
    const path = decodeUtf8(table.sourceOf(row).bytes, start, start + (chunk.pathLength[row & CHUNK_MASK] as number))
    yield { path, deletionVector: table.vectors.get(row) }
  }
}
