// Clean-up of temporaries whose create or write never ended.
// One rule: a temporary younger than an hour is never touched; whoever made it may still be at work.
import { isTemporaryName } from '../path.js'
import type { HdfsFiles, Trying } from './files.js'
import { entriesOf } from './list.js'

const YOUNGEST_MS = 3_600_000

/** Deletes old temporaries in all folders below the root, by the clock of the machine asked; answers how many. */
export async function cleanHdfsLeftovers(files: HdfsFiles, olderThanMs: number, nowMs: number, trying: () => Trying): Promise<number> {
  if (!(olderThanMs >= YOUNGEST_MS)) throw new RangeError(`olderThanMs must be at least ${YOUNGEST_MS} (an hour), not ${olderThanMs}`)
  return cleanFolder(files, '', nowMs - olderThanMs, trying)
}

async function cleanFolder(files: HdfsFiles, folder: string, beforeMs: number, trying: () => Trying): Promise<number> {
  let cleaned = 0
  for await (const entry of entriesOf(files, folder, '', trying)) {
    if (entry.kind === 'folder') cleaned += await cleanFolder(files, entry.path, beforeMs, trying)
    if (entry.kind !== 'file' || !isTemporaryName(entry.name) || entry.modifiedMs > beforeMs) continue
    if (await files.delete(entry.path, trying())) cleaned++
  }
  return cleaned
}
