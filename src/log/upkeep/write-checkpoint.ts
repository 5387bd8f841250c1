// Writing the checkpoint of a version (PROTOCOL.md, "Checkpoints"): classic, or of the second kind with sidecars where the
// table has the feature and the policy says so. Straight from the columns of the state, in bounded memory.
// Rule: what is not known to be complete gets no name that readers look at.
import type { RecordBatch } from 'apache-arrow'
import { concatBytes, encodeUtf8 } from '../../bytes.js'
import { formatJson } from '../../json.js'
import { type ByteSink, createParquetWriter, createRowGroupEncoder, type ParquetWriter, type RowGroupEncoder } from '../../parquet/index.js'
import type { Runtime } from '../../runtime.js'
import { type StructType, tableProperties, typeToJson } from '../../schema/index.js'
import type { CreateOutcome, Storage, WholeObjectWriter } from '../../storage/storage.js'
import type { Action, Sidecar } from '../actions.js'
import { formatCommit } from '../commit-json.js'
import { assertWritable, hasFeature } from '../features.js'
import { classicCheckpointPath, LOG_FOLDER, padVersion, SIDECAR_FOLDER } from '../file-names.js'
import type { LogView } from '../log-view.js'
import { CHUNK_MASK, HAS_EXTRAS, PARSE_LINE } from '../row-chunk.js'
import { type CheckpointFiles, findSegment, type LogSegment } from '../segment.js'
import { CheckpointBatches } from './checkpoint-batches.js'
import { type CheckpointShape, checkpointShape, classicColumns, sidecarColumns } from './checkpoint-schema.js'
import { liveTxns } from './expiry.js'
import { writeLastCheckpoint } from './last-checkpoint.js'
import { md5 } from './md5.js'
import { COLUMNS_TAG, planSidecars } from './sidecar-plan.js'
import { assertSidecarsHeld } from './sidecars-held.js'
import { loadTombstones, type Tombstones } from './tombstones.js'

/** What a checkpoint is written with. */
export interface CheckpointContext {
  readonly storage: Storage
  readonly runtime: Runtime
}

/** @internal The files of the view's version, where they have been looked for, and when: the runtime's monotonic clock. */
export interface KnownSegment {
  readonly segment?: LogSegment
  readonly askedMs?: number
}

export interface CheckpointOptions {
  readonly signal?: AbortSignal | undefined
}

/** A checkpoint that was written. */
export interface CheckpointResult {
  readonly version: number
  readonly kind: 'classic' | 'v2'
  /** The file by which readers find it. */
  readonly path: string
  /** False where the version had a checkpoint already: nothing was written then, and the counts are 0. */
  readonly written: boolean
  readonly numAddFiles: number
  readonly numRemoveFiles: number
  readonly sidecarsWritten: number
  /** Sidecars of an earlier checkpoint that this one refers to again. */
  readonly sidecarsReused: number
  readonly bytesWritten: number
}

/**
 * Writes the checkpoint of a view's version, and points `_last_checkpoint` at it.
 * @throws AlluviumError `UNSUPPORTED_FEATURE` for a table that this library must not write; `CORRUPT_CHECKPOINT`, storage errors
 * @example await writeCheckpoint({ storage, runtime }, view)
 */
export async function writeCheckpoint(
  context: CheckpointContext,
  view: LogView,
  options: CheckpointOptions & KnownSegment = {},
): Promise<CheckpointResult> {
  assertWritable(view.protocol, view.metadata)
  const encoder = createRowGroupEncoder({ threads: isLarge(view) ? 1 : 0, threadFromBytes: ROW_GROUP_BYTES / 2 })
  try {
    return await new CheckpointRun(context, view, encoder, options).run()
  } finally {
    await encoder.close()
  }
}

// Measured on a million files: twice this takes a tenth less time and 40 MB more memory; without the thread it is the reverse.
const ROW_GROUP_BYTES = 3 * 2 ** 20
// Fewer files are written in less time than a thread takes to start.
const LARGE_FILES = 10_000
// How long others may have to wait for their turn.
const BREATH_MS = 20
// Every so many checkpoints of the second kind one has the classic name, so that older readers find it and refuse the table by its protocol.
const CLASSIC_NAME_EVERY = 10

class CheckpointRun {
  readonly #context: CheckpointContext
  readonly #view: LogView
  readonly #encoder: RowGroupEncoder
  readonly #signal: AbortSignal | undefined
  readonly #segment: LogSegment | undefined
  readonly #shape: CheckpointShape
  readonly #beganMs: number
  #breathedAtMs: number

  constructor(context: CheckpointContext, view: LogView, encoder: RowGroupEncoder, options: CheckpointOptions & KnownSegment) {
    this.#context = context
    this.#view = view
    this.#encoder = encoder
    this.#signal = options.signal
    this.#segment = options.segment
    this.#breathedAtMs = context.runtime.monotonicMs()
    this.#beganMs = options.askedMs ?? this.#breathedAtMs
    const hasVectors = view.files.numVectors > 0
    this.#shape = checkpointShape(view.protocol, view.metadata, view.schema, { hasVectors, hasExtras: hasExtras(view) })
  }

  async run(): Promise<CheckpointResult> {
    const view = this.#view
    const { storage, runtime } = this.#context
    const segment = this.#segment ?? (await findSegment(storage, { version: view.version, signal: this.#signal }))
    const before = segment.checkpoint
    if (before?.version === view.version) return existing(view.version, before)
    const properties = tableProperties(view.metadata.configuration)
    const expiredAtMs = runtime.now() - properties.deletedFileRetentionDurationMs
    const holdsNone = ({ tags }: Sidecar): boolean => tags?.[COLUMNS_TAG] !== undefined
    const tombstones = await loadTombstones(storage, view, { expiredAtMs, signal: this.#signal, segment, holdsNone })
    const others = this.#otherActions()
    const isV2 = properties.checkpointPolicy === 'v2' && hasFeature(view.protocol, 'v2Checkpoint')
    const done = isV2 ? await this.#writeV2(before === undefined, tombstones, others) : await this.#writeClassic(tombstones, others)
    if (!done.result.written) return done.result
    const { numAddFiles } = done.result
    const last = { version: view.version, size: done.actions, sizeInBytes: done.sizeInBytes, numOfAddFiles: numAddFiles }
    await writeLastCheckpoint(storage, last, this.#signal)
    const known = view.shared.checkpoint
    if (known === undefined || known.version < view.version)
      view.shared.checkpoint = { version: view.version, sizeBytes: done.sizeInBytes, logBytes: view.replayState.logBytes }
    return done.result
  }

  async #writeClassic(tombstones: Tombstones, others: readonly Action[]): Promise<Written> {
    const { files, version } = this.#view
    const path = classicCheckpointPath(version)
    const columns = classicColumns(this.#shape, false, tombstones.rows.length > 0)
    const batches = new CheckpointBatches(columns, isLarge(this.#view))
    const sink = await openWhole(this.#context.storage, path, this.#signal)
    const writer = this.#writer(sink, columns)
    try {
      await writer.write(batches.actions(others))
      for await (const batch of batches.adds(files, files.liveRows(), this.#signal)) await this.#write(writer, batch)
      for (const batch of batches.removes(tombstones)) await this.#write(writer, batch)
      await writer.finish()
    } catch (error) {
      await sink.abort()
      throw error
    }
    const wanted = others.length + files.numFiles + tombstones.rows.length
    if (writer.numRows !== wanted) {
      await sink.abort()
      throw new Error(`a checkpoint of ${wanted} actions got ${writer.numRows}`)
    }
    const written = (await sink.close()) === 'created'
    const counts = { numAddFiles: files.numFiles, numRemoveFiles: tombstones.rows.length, sidecarsWritten: 0, sidecarsReused: 0 }
    const result: CheckpointResult = { version, kind: 'classic', path, written, ...counts, bytesWritten: writer.writtenBytes }
    return { result, actions: wanted, sizeInBytes: writer.writtenBytes }
  }

  async #writeV2(isFirst: boolean, tombstones: Tombstones, others: readonly Action[]): Promise<Written> {
    const { files, version, shared } = this.#view
    const tag = columnsTag(this.#shape)
    const plan = planSidecars(files, shared, tombstones.sidecars, tag)
    const fresh: Sidecar[] = []
    for (const rows of plan.fresh)
      fresh.push(
        await this.#writeSidecar(sidecarColumns(this.#shape, false), (batches) => batches.adds(files, rows, this.#signal), {
          [COLUMNS_TAG]: tag,
        }),
      )
    const held = new Map(plan.reused.map(({ action, rows }) => [action.path, rows]))
    for (const [n, { path }] of fresh.entries()) held.set(path, plan.fresh[n] as Int32Array)
    if (tombstones.rows.length > 0)
      fresh.push(await this.#writeSidecar(sidecarColumns(this.#shape, true), (batches) => batches.removes(tombstones), {}))
    const sidecars = [...plan.reused.map(({ action }) => action), ...fresh]
    const actions: Action[] = [{ kind: 'checkpointMetadata', version }, ...others, ...sidecars]
    await assertSidecarsHeld(this.#context, sidecars, version, this.#beganMs, this.#signal)
    const top = await this.#writeTop(actions, isFirst || this.#isTurnOfClassicName())
    if (top.written) shared.sidecarRows = held
    const bytesWritten = top.sizeBytes + fresh.reduce((sum, { sizeInBytes }) => sum + sizeInBytes, 0)
    const result: CheckpointResult = {
      version,
      kind: 'v2',
      path: top.path,
      written: top.written,
      numAddFiles: files.numFiles,
      numRemoveFiles: tombstones.rows.length,
      sidecarsWritten: fresh.length,
      sidecarsReused: plan.reused.length,
      bytesWritten,
    }
    const sizeInBytes = top.sizeBytes + sidecars.reduce((sum, sidecar) => sum + sidecar.sizeInBytes, 0)
    return { result, actions: actions.length + files.numFiles + tombstones.rows.length, sizeInBytes }
  }

  async #writeSidecar(
    columns: StructType,
    rows: (batches: CheckpointBatches) => AsyncIterable<RecordBatch> | Iterable<RecordBatch>,
    tags: Readonly<Record<string, string>>,
  ): Promise<Sidecar> {
    const { storage, runtime } = this.#context
    const name = `${runtime.uuid()}.parquet`
    const sink = await storage.write(`${SIDECAR_FOLDER}/${name}`, { signal: this.#signal })
    try {
      const writer = this.#writer(sink, columns)
      for await (const batch of rows(new CheckpointBatches(columns, isLarge(this.#view)))) await this.#write(writer, batch)
      await writer.finish()
      const { sizeBytes } = await sink.close()
      return { kind: 'sidecar', path: name, sizeInBytes: sizeBytes, modificationTime: runtime.now(), tags }
    } catch (error) {
      await sink.abort()
      throw error
    }
  }

  // The file that names everything else: JSON, which keeps what nobody here knows; now and then Parquet under the classic name.
  async #writeTop(actions: readonly Action[], classicName: boolean): Promise<{ path: string; sizeBytes: number; written: boolean }> {
    const { storage, runtime } = this.#context
    const { version } = this.#view
    if (!classicName) {
      const path = `${LOG_FOLDER}/${padVersion(version)}.checkpoint.${runtime.uuid()}.json`
      const bytes = formatCommit(actions)
      await storage.create(path, bytes, { signal: this.#signal })
      return { path, sizeBytes: bytes.length, written: true }
    }
    const path = classicCheckpointPath(version)
    const columns = classicColumns(this.#shape, true, false)
    const sink = new BufferedFile(storage, path, this.#signal)
    const writer = this.#writer(sink, columns)
    await writer.write(new CheckpointBatches(columns, isLarge(this.#view)).actions(actions))
    const { sizeBytes } = await writer.finish()
    return { path, sizeBytes, written: (await sink.close()) === 'created' }
  }

  #isTurnOfClassicName(): boolean {
    const { checkpointInterval } = tableProperties(this.#view.metadata.configuration)
    return Math.floor(this.#view.version / checkpointInterval) % CLASSIC_NAME_EVERY === 0
  }

  // Everything that is no file. Transactions that have expired are left out (delta.setTransactionRetentionDuration).
  #otherActions(): Action[] {
    const { protocol, metadata, txns, domains } = this.#view
    return [protocol, metadata, ...liveTxns(metadata, txns, this.#context.runtime.now()), ...domains.values()]
  }

  #writer(sink: ByteSink, schema: StructType): ParquetWriter {
    const { encode: encodeRowGroup, memory, concurrency: encodeAhead } = this.#encoder
    return createParquetWriter(sink, {
      schema,
      codec: 'snappy',
      rowGroupBytes: ROW_GROUP_BYTES,
      dictionary: 'never',
      encodeRowGroup,
      memory,
      encodeAhead,
    })
  }

  // Others get their turn between batches: a checkpoint is written beside the work of the process, not instead of it.
  async #write(writer: ParquetWriter, batch: RecordBatch): Promise<void> {
    await writer.write(batch, { lent: isLarge(this.#view) })
    const { runtime } = this.#context
    if (runtime.monotonicMs() - this.#breathedAtMs < BREATH_MS) return
    await runtime.sleep(0, this.#signal)
    this.#breathedAtMs = runtime.monotonicMs()
  }
}

// A file that is to be seen only once it is whole: written so by the store, or kept in memory until then.
async function openWhole(storage: Storage, path: string, signal: AbortSignal | undefined): Promise<WholeObjectWriter> {
  return storage.writeWhole === undefined ? new BufferedFile(storage, path, signal) : storage.writeWhole(path, { signal })
}

class BufferedFile implements WholeObjectWriter {
  readonly #storage: Storage
  readonly #path: string
  readonly #signal: AbortSignal | undefined
  #chunks: Uint8Array[] = []

  constructor(storage: Storage, path: string, signal: AbortSignal | undefined) {
    this.#storage = storage
    this.#path = path
    this.#signal = signal
  }

  async write(bytes: Uint8Array): Promise<void> {
    this.#chunks.push(bytes.slice())
  }

  close(): Promise<CreateOutcome> {
    return this.#storage.create(this.#path, concatBytes(this.#chunks), { signal: this.#signal })
  }

  async abort(): Promise<void> {
    this.#chunks = []
  }
}

interface Written {
  readonly result: CheckpointResult
  readonly actions: number
  readonly sizeInBytes: number
}

function existing(version: number, { kind, files }: CheckpointFiles): CheckpointResult {
  const path = files[0]?.path ?? ''
  const nothing = { numAddFiles: 0, numRemoveFiles: 0, sidecarsWritten: 0, sidecarsReused: 0, bytesWritten: 0 }
  return { version, kind: kind === 'uuid' ? 'v2' : 'classic', path, written: false, ...nothing }
}

// What the files of a sidecar can be taken over for: the same forms of statistics. Columns that only few files need may be missing.
function columnsTag({ jsonStats, parsedStats, parsedPartitions }: CheckpointShape): string {
  const types = [parsedStats, parsedPartitions].map((type) => (type === undefined ? null : typeToJson(type)))
  return md5(encodeUtf8(formatJson([jsonStats, ...types])))
}

// Whether any live file has what only some writers say of files.
function hasExtras(view: LogView): boolean {
  const table = view.files.columns
  if (table.sources.some(({ checkpoint }) => checkpoint?.hasExtras === true)) return true
  return view.files.liveRows().some((row) => ((table.chunkOf(row).flags[row & CHUNK_MASK] as number) & (HAS_EXTRAS | PARSE_LINE)) !== 0)
}

// Whether it is written on a thread, and in memory that is used again.
function isLarge({ files }: LogView): boolean {
  return files.numFiles >= LARGE_FILES
}
