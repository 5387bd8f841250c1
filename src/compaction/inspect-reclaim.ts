// What an inspection says of files that are no longer in the table: what a vacuum would delete now, what it will later and when, and
// what nobody refers to but is too young to be judged. Rule: it counts as it lists, and keeps no path.
import { throwIfAborted } from '../errors.js'
import { type LogView, loadTombstones } from '../log/index.js'
import { CHUNK_MASK } from '../log/row-chunk.js'
import { tableProperties } from '../schema/index.js'
import type { TableContext } from '../table/index.js'
import { dataObjects, neededFiles } from './table-files.js'

export interface Amount {
  readonly files: number
  readonly bytes: number
}

export interface ReclaimFacts {
  readonly retentionMs: number
  /** What left the table before may be deleted: milliseconds since 1970. */
  readonly cutoffMs: number
  /** What a vacuum would delete now; undefined where the folder was not listed. */
  readonly now: Amount | undefined
  /** Removed from the table, and kept for readers of older versions. A size that no log knows counts as 0. */
  readonly later: Amount
  /** The same by the day on which it may go, ascending. */
  readonly byDay: readonly (Amount & { readonly dayMs: number })[]
  /** In nobody's log, but young: a writer may be about to commit it. Undefined where the folder was not listed. */
  readonly young: Amount | undefined
}

const DAY_MS = 86_400_000

/** @throws AlluviumError `CORRUPT_CHECKPOINT`, storage errors */
export async function reclaimFacts(
  { storage, runtime }: Pick<TableContext, 'storage' | 'runtime'>,
  view: LogView,
  options: { readonly listFiles: boolean; readonly signal: AbortSignal | undefined },
): Promise<ReclaimFacts> {
  const { signal, listFiles } = options
  const retentionMs = tableProperties(view.metadata.configuration).deletedFileRetentionDurationMs
  const cutoffMs = runtime.now() - retentionMs
  const tombstones = await loadTombstones(storage, view, { expiredAtMs: cutoffMs, signal })
  const later = { files: 0, bytes: 0 }
  const days = new Map<number, { files: number; bytes: number }>()
  for (const row of tombstones.rows) {
    const chunk = tombstones.table.chunkOf(row)
    const at = row & CHUNK_MASK
    const bytes = Number.isNaN(chunk.size[at]) ? 0 : (chunk.size[at] as number)
    const day = Math.floor(((chunk.modificationTime[at] as number) + retentionMs) / DAY_MS) * DAY_MS
    const ofDay = days.get(day) ?? { files: 0, bytes: 0 }
    days.set(day, { files: ofDay.files + 1, bytes: ofDay.bytes + bytes })
    later.files++
    later.bytes += bytes
  }
  const byDay = [...days].sort(([a], [b]) => a - b).map(([dayMs, amount]) => ({ dayMs, ...amount }))
  const facts = { retentionMs, cutoffMs, later, byDay }
  if (!listFiles) return { ...facts, now: undefined, young: undefined }
  const needed = neededFiles(storage, view, tombstones)
  const now = { files: 0, bytes: 0 }
  const young = { files: 0, bytes: 0 }
  for await (const page of dataObjects(storage, view.files.partitionColumns, signal)) {
    throwIfAborted(signal, 'looking for files to delete')
    for (const { path, sizeBytes, modifiedMs } of page) {
      if (needed.has(path)) continue
      const amount = modifiedMs < cutoffMs ? now : young
      amount.files++
      amount.bytes += sizeBytes
    }
  }
  return { ...facts, now, young }
}
