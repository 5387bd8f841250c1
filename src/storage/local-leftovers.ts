// Clean-up of temporaries whose create never ended.
// One rule: a temporary younger than an hour is never touched; its create may still be running.
import { inFolder } from './local-create.js'
import { isMissing } from './local-fs.js'
import { folderNames } from './local-list.js'
import type { LocalRoot } from './local-root.js'
import { isObjectPath, isTemporaryName, joinPath } from './path.js'

const YOUNGEST_MS = 3_600_000

/** Deletes old temporaries in all folders below the root; answers how many. `check` runs before each folder. */
export async function cleanLocalLeftovers(root: LocalRoot, olderThanMs: number, nowMs: number, check: () => void): Promise<number> {
  if (!(olderThanMs >= YOUNGEST_MS)) throw new RangeError(`olderThanMs must be at least ${YOUNGEST_MS} (an hour), not ${olderThanMs}`)
  return cleanFolder(root, '', nowMs - olderThanMs, check)
}

async function cleanFolder(root: LocalRoot, folder: string, beforeMs: number, check: () => void): Promise<number> {
  check()
  const absolute = await root.enter(folder)
  if (absolute === undefined) return 0
  let cleaned = 0
  for (const name of await folderNames(root, absolute)) {
    if (!isObjectPath(name)) continue
    const facts = await root.fs.lstat(inFolder(absolute, name))
    if (facts?.kind === 'folder') cleaned += await cleanFolder(root, joinPath(folder, name), beforeMs, check)
    if (facts?.kind !== 'file' || !isTemporaryName(name) || facts.modifiedMs > beforeMs) continue
    try {
      await root.fs.unlink(inFolder(absolute, name))
      cleaned++
    } catch (error) {
      if (!isMissing(error)) throw error
    }
  }
  return cleaned
}
