// One writer of a race: so many commits one after the other, each on top of its own last one. Also runs as a process.
import { commit, fileSystemCommitter } from '../../../src/log/commit/index.js'
import { loadLog } from '../../../src/log/index.js'
import { systemRuntime } from '../../../src/runtime.js'
import { localStorage } from '../../../src/storage/local.js'
import type { Storage } from '../../../src/storage/storage.js'

export interface Raced {
  readonly acknowledged: readonly { readonly path: string; readonly version: number; readonly attempts: number; readonly ms: number }[]
  readonly failures: readonly string[]
}

export async function raceWriter(storage: Storage, name: string, commits: number): Promise<Raced> {
  const runtime = systemRuntime
  const context = { storage, runtime, committer: fileSystemCommitter(storage) }
  const acknowledged: { path: string; version: number; attempts: number; ms: number }[] = []
  const failures: string[] = []
  let base = await loadLog(storage)
  for (let i = 0; i < commits; i++) {
    const path = `${name}-${i}.rows`
    const startMs = runtime.monotonicMs()
    try {
      const { view, version, attempts } = await commit(context, {
        base,
        actions: [{ kind: 'add', path, partitionValues: {}, size: 1, modificationTime: 1, dataChange: true }],
        operation: 'WRITE',
        operationParameters: { mode: 'Append' },
        readSet: { appIds: [] },
      })
      base = view
      acknowledged.push({ path, version, attempts, ms: runtime.monotonicMs() - startMs })
    } catch (error) {
      failures.push(String(error))
    }
  }
  return { acknowledged, failures }
}

if (process.argv[2] === 'race-writer') {
  const [root, name, commits] = process.argv.slice(3) as [string, string, string]
  console.log(JSON.stringify(await raceWriter(localStorage(root), name, Number(commits))))
}
