// A writer of another make: it removes single rows by deletion vectors, writes statistics as it likes, and leaves halves of
// checkpoints behind. It keeps to the protocol's one law, that a version is put only where there is none.
import { vectorBytes, z85 } from '../../log/deletion-vectors/vector-bytes.js'
import { commitFiles, type Line, linesOf, rowIdsOf } from '../log-reading.js'
import { type Actor, attempt, below, chance, expected, rest, type Stage } from '../stage.js'

type RawAdd = NonNullable<Line['add']>

export const foreigner: Actor = async (stage) => {
  while (!stage.isOver()) {
    await rest(stage, 1500)
    if (chance(stage, 4)) await leaveHalfACheckpoint(stage)
    else await eraseRows(stage)
  }
}

async function eraseRows(stage: Stage): Promise<void> {
  const { live, version, lastTimestampMs } = lookAround(stage)
  const files = [...live.values()]
  const file = files[below(stage, files.length)]
  if (file === undefined) return
  const ids = await rowIdsOf(stage.disk, file.path)
  const vectorBefore = file.deletionVector?.pathOrInlineDv
  const gone = new Set(vectorBefore === undefined ? [] : stage.ledger.vectors.get(`${file.path} ${vectorBefore}`))
  const left = ids.filter((id) => !gone.has(id))
  if (left.length < 2) return
  gone.add(left[below(stage, left.length)] as number)
  const positions = ids.flatMap((id, n) => (gone.has(id) ? [n] : []))
  const bytes = vectorBytes(positions)
  const text = z85(bytes)
  stage.ledger.vectors.set(`${file.path} ${text}`, gone)
  const vector = { storageType: 'i', pathOrInlineDv: text, sizeInBytes: bytes.length, cardinality: positions.length }
  const op = stage.ledger.begin('erase', stage.process.name, 0)
  op.paths = [file.path]
  const lines = commitLines(stage, file, vector, { version, lastTimestampMs })
  await attempt(stage, op, async () => {
    const path = `_delta_log/${String(version + 1).padStart(20, '0')}.json`
    const outcome = await stage.storage.create(path, new TextEncoder().encode(`${lines.map((line) => JSON.stringify(line)).join('\n')}\n`))
    if (outcome === 'created') return version + 1
    // It may well be its own; nobody asks.
    op.outcome = 'unknown'
    return undefined
  })
}

function commitLines(
  stage: Stage,
  file: RawAdd,
  deletionVector: NonNullable<RawAdd['deletionVector']>,
  { version, lastTimestampMs }: { readonly version: number; readonly lastTimestampMs: number | undefined },
): object[] {
  const { runtime } = stage.process
  const now = runtime.now()
  const { path, partitionValues, deletionVector: old, stats, baseRowId } = file
  const { size, defaultRowCommitVersion } = file as { size?: number; defaultRowCommitVersion?: number }
  const rowIds = baseRowId === undefined ? {} : { baseRowId, defaultRowCommitVersion }
  const info = {
    ...(lastTimestampMs === undefined ? {} : { inCommitTimestamp: Math.max(now, lastTimestampMs + 1) }),
    timestamp: now,
    operation: 'DELETE',
    operationParameters: {},
    readVersion: version,
    isolationLevel: 'Serializable',
    isBlindAppend: false,
    engineInfo: 'foreigner',
    txnId: runtime.uuid(),
  }
  const removed = {
    path,
    deletionTimestamp: now,
    dataChange: true,
    extendedFileMetadata: true,
    partitionValues,
    size,
    ...rowIds,
    ...(old === undefined ? {} : { deletionVector: old }),
  }
  const isOdd = stage.traits.hasOddStatistics && !stage.traits.tracksRows && stats !== undefined
  const loose = stats === undefined ? {} : { stats: stats.replace(/^\{/, '{"tightBounds":false,').replace('"tightBounds":true,', '') }
  const added = { ...file, dataChange: true, deletionVector, ...(isOdd ? { stats: JSON.stringify({ stats_json: stats }) } : loose) }
  return [{ commitInfo: info }, { remove: removed }, { add: added }]
}

// Half of a checkpoint in two parts, as a writer leaves it that crashed between them.
async function leaveHalfACheckpoint(stage: Stage): Promise<void> {
  const version = String(lookAround(stage).version).padStart(20, '0')
  const path = `_delta_log/${version}.checkpoint.0000000001.0000000002.parquet`
  await expected(stage, () => stage.storage.create(path, new TextEncoder().encode('PAR1 half')))
}

// It knows what there is at this moment; the network counts only for what it puts.
function lookAround({ disk }: Stage): { live: Map<string, RawAdd>; version: number; lastTimestampMs: number | undefined } {
  const live = new Map<string, RawAdd>()
  const files = commitFiles(disk)
  let lastTimestampMs: number | undefined
  for (const { bytes } of files) {
    const lines = linesOf(bytes)
    for (const { remove } of lines) if (remove !== undefined) live.delete(remove.path)
    for (const { add, commitInfo } of lines) {
      if (add !== undefined) live.set(add.path, add)
      if (commitInfo !== undefined) lastTimestampMs = commitInfo.inCommitTimestamp as number | undefined
    }
  }
  return { live, version: files.length - 1, lastTimestampMs }
}
