// Reading checkpoints into a replay (PROTOCOL.md, "Checkpoints"): classic ones of both specs, multi-part ones, and
// those named by UUID in Parquet or JSON, with their sidecars. Columns a writer left out are null, columns nobody
// knows are passed over. Tombstones are only looked at by vacuum, so they are skipped here.
import { DataType, type RecordBatch } from 'apache-arrow'
import { AlluviumError } from '../errors.js'
import { type ByteSource, openParquet, type ParquetFile } from '../parquet/index.js'
import { decodeFilePath } from '../schema/index.js'
import type { ObjectInfo, Storage } from '../storage/storage.js'
import type { Action, Sidecar } from './actions.js'
import { cellJson } from './arrow-json.js'
import { onCheckpointFile } from './checkpoint-part.js'
import { ADD_COLUMNS, columnOf, PartRows } from './checkpoint-rows.js'
import { SIDECAR_FOLDER } from './file-names.js'
import { assertCommitSize, logLimits } from './limits.js'
import { ActionFault, actionOf } from './parse-action.js'
import type { Replay } from './replay.js'
import type { CheckpointFiles } from './segment.js'

const MIN_BYTES_PER_ROW = 4
const ACTION_COLUMNS = ['metaData', 'protocol', 'txn', 'domainMetadata', 'sidecar']

/**
 * Puts the rows of a checkpoint into an empty replay.
 * @throws AlluviumError `CORRUPT_CHECKPOINT` where the checkpoint cannot be used, `LIMIT_EXCEEDED`, storage errors
 */
export async function loadCheckpoint(
  storage: Storage,
  checkpoint: CheckpointFiles,
  replay: Replay,
  signal: AbortSignal | undefined,
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
  for (const file of checkpoint.files) {
    await onCheckpointFile(file.path, async () => {
      if (file.path.endsWith('.json')) await loadJson(storage, file, checkpoint.version, replay, onAction, signal)
      else await loadParquet(storage, file.path, file.sizeBytes, replay, onAction, signal)
    })
  }
  const seen = new Set<string>()
  for (const sidecar of sidecars) {
    const path = await onCheckpointFile(checkpoint.files[0]?.path ?? '', async () => sidecarPath(sidecar, checkpoint))
    // A sidecar named again holds nothing new, and reading it again could go on for ever.
    if (seen.has(path)) continue
    seen.add(path)
    await onCheckpointFile(path, () => loadParquet(storage, path, sidecar.sizeInBytes, replay, onSidecarAction, signal))
  }
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

async function loadParquet(
  storage: Storage,
  path: string,
  sizeBytes: number,
  replay: Replay,
  onAction: (action: Action) => void,
  signal: AbortSignal | undefined,
): Promise<void> {
  const file: ParquetFile = await openParquet(sourceOf(storage, path, sizeBytes), {
    name: path,
    ...(signal === undefined ? {} : { signal }),
  })
  const rows = new PartRows(path, file)
  // Only a guess, and so not worth more memory than the file itself makes likely, whatever it claims.
  replay.table.expectKeys(Math.min(file.numRows, Math.ceil(sizeBytes / MIN_BYTES_PER_ROW)))
  for await (const batch of file.read({ columns: [...ADD_COLUMNS, ...ACTION_COLUMNS], ...(signal === undefined ? {} : { signal }) })) {
    for (const name of ACTION_COLUMNS) actionsOfColumn(batch, name, onAction)
    replay.setCounts(rows.append(replay.table, batch, replay.state.version, replay.state.counts))
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

function sidecarPath(sidecar: Sidecar, checkpoint: CheckpointFiles): string {
  const name = decodeFilePath(sidecar.path)
  if (name !== '' && !/[/\\]/.test(name) && name !== '.' && name !== '..') return `${SIDECAR_FOLDER}/${name}`
  throw new AlluviumError(
    'PATH_OUTSIDE_TABLE',
    `${checkpoint.files[0]?.path} names the sidecar ${JSON.stringify(sidecar.path)}, which is no plain file name`,
    {
      path: sidecar.path,
    },
  )
}

function sourceOf(storage: Storage, path: string, sizeBytes: number): ByteSource {
  return {
    sizeBytes,
    read: async (offset, length, signal) => {
      const bytes = await storage.readRange(path, offset, length, { signal })
      if (bytes?.length === length) return bytes
      throw new ActionFault(
        bytes === undefined ? 'it is named by the log but is not there' : `it ends before byte ${offset + length} of ${sizeBytes}`,
      )
    },
  }
}
