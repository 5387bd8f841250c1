// Reading checkpoints into a replay (PROTOCOL.md, "Checkpoints"): classic ones of both specs, multi-part ones, and
// those named by UUID in Parquet or JSON, with their sidecars. Columns a writer left out are null, columns nobody
// knows are passed over. Tombstones are only looked at by vacuum, so they are skipped here.
import { DataType, type RecordBatch } from 'apache-arrow'
import { AlluviumError } from '../errors.js'
import { type ByteSource, type LeafFile, openLeafFile } from '../parquet/index.js'
import { decodeFilePath } from '../schema/index.js'
import type { ObjectInfo, Storage } from '../storage/storage.js'
import type { Action, Sidecar } from './actions.js'
import { cellJson, columnOf } from './arrow-json.js'
import { onCheckpointFile } from './checkpoint-part.js'
import { ACTION_COLUMNS, type FetchedGroup, PartRows } from './checkpoint-rows.js'
import { SIDECAR_FOLDER } from './file-names.js'
import { type CheckpointTail, fromTail } from './hint.js'
import { fetchStructs } from './leaf-json.js'
import { assertCommitSize, logLimits } from './limits.js'
import { ActionFault, actionOf } from './parse-action.js'
import type { Replay } from './replay.js'
import type { CheckpointFiles } from './segment.js'

// Never size for more than this many parts like the one at hand.
const MAX_GUESS = 64
const MIN_BYTES_PER_ROW = 4

/**
 * Puts the rows of a checkpoint into an empty replay.
 * @throws AlluviumError `CORRUPT_CHECKPOINT` where the checkpoint cannot be used, `LIMIT_EXCEEDED`, storage errors
 */
export async function loadCheckpoint(
  storage: Storage,
  checkpoint: CheckpointFiles,
  replay: Replay,
  signal: AbortSignal | undefined,
  tail?: CheckpointTail,
): Promise<void> {
  const sidecars: Sidecar[] = []
  const onAction = (action: Action): void => {
    if (action.kind === 'sidecar') sidecars.push(action)
    else replay.take(action)
  }
  const onSidecarAction = (action: Action): void => {
    if (action.kind === 'sidecar') throw new ActionFault('it names sidecars, and sidecars have none of their own')
    replay.take(action)
  }
  replay.bytesAhead = checkpoint.files.reduce((sum, file) => sum + file.sizeBytes, 0)
  let withoutPartitions: string | undefined
  for (const file of checkpoint.files) {
    await onCheckpointFile(file.path, async () => {
      if (file.path.endsWith('.json')) await loadJson(storage, file, checkpoint.version, replay, onAction, signal)
      else if (await loadParquet(checkpointSource(storage, file.path, file.sizeBytes, tail), file.path, replay, onAction, signal))
        withoutPartitions = file.path
    })
  }
  replay.bytesAhead = sidecars.reduce((sum, { sizeInBytes }) => sum + sizeInBytes, 0)
  const sizeBytes = [...checkpoint.files.map((file) => file.sizeBytes), ...sidecars.map((sidecar) => sidecar.sizeInBytes)]
  replay.openedFrom({ version: checkpoint.version, sizeBytes: sizeBytes.reduce((sum, size) => sum + size, 0) })
  const seen = new Set<string>()
  for (const sidecar of sidecars) {
    const path = await onCheckpointFile(checkpoint.files[0]?.path ?? '', async () =>
      sidecarPath(sidecar.path, checkpoint.files[0]?.path ?? ''),
    )
    // A sidecar named again holds nothing new, and reading it again could go on for ever.
    if (seen.has(path)) continue
    seen.add(path)
    const isWithout = await onCheckpointFile(path, () =>
      loadParquet(checkpointSource(storage, path, sidecar.sizeInBytes), path, replay, onSidecarAction, signal),
    )
    if (isWithout) withoutPartitions = path
  }
  if (withoutPartitions === undefined || (replay.state.metadata?.partitionColumns.length ?? 0) === 0) return
  await onCheckpointFile(withoutPartitions, async () => {
    throw new ActionFault('the table is partitioned, but its adds do not say how')
  })
}

async function loadJson(
  storage: Storage,
  file: ObjectInfo,
  version: number,
  replay: Replay,
  onAction: (action: Action) => void,
  signal: AbortSignal | undefined,
): Promise<void> {
  assertCommitSize(file.path, file.sizeBytes, logLimits())
  const bytes = await storage.read(file.path, { signal })
  if (bytes === undefined) throw new ActionFault('it was listed but is gone')
  replay.applyCheckpointLines(bytes, { version, path: file.path }, onAction)
}

// Answers whether there are adds that do not say of which partition they are.
async function loadParquet(
  source: ByteSource,
  path: string,
  replay: Replay,
  onAction: (action: Action) => void,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  const { sizeBytes } = source
  const file = await openLeafFile(source, { name: path, signal })
  const rows = new PartRows(path, file)
  // What is still to come is likely much like this one. Only a guess, and so not worth more memory than the file itself
  // makes likely, whatever it claims.
  const likely = Math.max(1, Math.min(replay.bytesAhead / sizeBytes, MAX_GUESS))
  replay.table.expectKeys(Math.ceil(Math.min(file.numRows, sizeBytes / MIN_BYTES_PER_ROW) * likely))
  replay.bytesAhead -= sizeBytes
  let ahead = file.rowGroups.length > 0 ? quiet(rows.fetch(0, signal)) : undefined
  for (let group = 0; group < file.rowGroups.length; group++) {
    const others = quiet(fetchOthers(file, group, signal))
    const fetched = await (ahead as Promise<FetchedGroup>)
    if (group + 1 < file.rowGroups.length) ahead = quiet(rows.fetch(group + 1, signal))
    await otherActions(file, group, await others, onAction, signal)
    replay.setCounts(await rows.append(fetched, replay.table, replay.state.version, replay.state.counts, signal))
  }
  return rows.isWithoutPartitions
}

// Whoever awaits it sees the failure; until then it is nobody's.
function quiet<T>(ahead: Promise<T>): Promise<T> {
  ahead.catch(() => undefined)
  return ahead
}

/** The columns of a group that hold other actions than adds, on their way before those are decoded. */
interface FetchedOthers {
  readonly names: readonly string[]
  readonly decode: Awaited<ReturnType<typeof fetchStructs>>
}

async function fetchOthers(file: LeafFile, group: number, signal: AbortSignal | undefined): Promise<FetchedOthers> {
  const names = ACTION_COLUMNS.filter((name) => !file.isAllNull(group, [name]))
  return { names, decode: names.length === 0 ? undefined : await fetchStructs(file, group, names, signal) }
}

async function otherActions(
  file: LeafFile,
  group: number,
  { names, decode }: FetchedOthers,
  onAction: (action: Action) => void,
  signal: AbortSignal | undefined,
): Promise<void> {
  if (names.length === 0) return
  const found = decode?.()
  if (found !== undefined) {
    for (const [name, values] of found) for (const value of values) if (Object.keys(value).length > 0) onAction(actionOf(name, value))
    return
  }
  const parquet = await file.parquet()
  for await (const batch of parquet.read({ columns: names, rowGroups: [group], ...(signal === undefined ? {} : { signal }) })) {
    for (const name of names) actionsOfColumn(batch, name, onAction)
  }
}

// The few rows of a batch that hold an action of this kind.
function actionsOfColumn(batch: RecordBatch, name: string, onAction: (action: Action) => void): void {
  const data = columnOf(batch, name)
  if (data === undefined || data.nullCount === data.length) return
  if (!DataType.isStruct(data.type)) throw new ActionFault(`its column ${name} has the type ${data.type}`)
  for (let i = 0; i < data.length; i++) {
    const value = cellJson(data, i)
    // A struct of nulls is how some writers say null.
    if (value !== null && Object.keys(value).length > 0) onAction(actionOf(name, value))
  }
}

/** The path of a sidecar that the file `from` names. @throws AlluviumError `PATH_OUTSIDE_TABLE` */
export function sidecarPath(path: string, from: string): string {
  const name = decodeFilePath(path)
  if (name !== '' && !/[/\\]/.test(name) && name !== '.' && name !== '..') return `${SIDECAR_FOLDER}/${name}`
  throw new AlluviumError('PATH_OUTSIDE_TABLE', `${from} names the sidecar ${JSON.stringify(path)}, which is no plain file name`, { path })
}

/** A file of a checkpoint, of which a missing or short one is a fault of the checkpoint. Its `tail` may have been read already. */
export function checkpointSource(storage: Storage, path: string, sizeBytes: number, tail?: CheckpointTail): ByteSource {
  return {
    sizeBytes,
    read: async (offset, length, signal) => {
      const early = await fromTail(tail, { path, sizeBytes }, offset, length)
      if (early?.length === length) return early
      const bytes = await storage.readRange(path, offset, length, { signal })
      if (bytes?.length === length) return bytes
      throw new ActionFault(
        bytes === undefined ? 'it is named by the log but is not there' : `it ends before byte ${offset + length} of ${sizeBytes}`,
      )
    },
  }
}
