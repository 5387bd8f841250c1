// Whether the sidecars that a checkpoint is about to name are still there. Cleaning takes sidecars that no checkpoint names once they
// are a day old, and a process may be stopped for days between writing them and naming them.
import { AlluviumError, type ErrorFacts } from '../../errors.js'
import type { Runtime } from '../../runtime.js'
import { decodeFilePath } from '../../schema/index.js'
import type { Storage } from '../../storage/storage.js'
import type { Sidecar } from '../actions.js'
import { SIDECAR_FOLDER } from '../file-names.js'

/** Far below a day, also where clocks are wrong. */
const UNDOUBTED_MS = 3_600_000
/** Who cleans may have listed the log before the checkpoint is there, and its sidecars may be a day old by then. */
const TOO_LATE_MS = 12 * 3_600_000

/**
 * Asks the store only where more time has passed since the sidecars were known to be there; after half a day they are not named any more.
 * @throws AlluviumError `COMMIT_CONFLICT` (rule `log-cleaned`) where one is gone, storage errors
 */
export async function assertSidecarsHeld(
  { storage, runtime }: { readonly storage: Storage; readonly runtime: Runtime },
  sidecars: readonly Sidecar[],
  version: number,
  knownMs: number,
  signal: AbortSignal | undefined,
): Promise<void> {
  let askedMs = knownMs
  // Asked again when the answer itself took too long.
  while (runtime.monotonicMs() - askedMs > UNDOUBTED_MS) {
    askedMs = runtime.monotonicMs()
    if (askedMs - knownMs > TOO_LATE_MS) throw tookSoLong(version, 'its sidecars may be cleaned away', {})
    const held = new Set<string>()
    for await (const page of storage.list(SIDECAR_FOLDER, { signal })) for (const { path } of page) held.add(path)
    const gone = sidecars.find(({ path }) => !held.has(`${SIDECAR_FOLDER}/${decodeFilePath(path)}`))
    if (gone === undefined) continue
    throw tookSoLong(version, `its sidecar ${gone.path} has been cleaned away`, { path: `${SIDECAR_FOLDER}/${gone.path}` })
  }
}

function tookSoLong(version: number, that: string, facts: ErrorFacts): AlluviumError {
  return new AlluviumError(
    'COMMIT_CONFLICT',
    `the checkpoint of version ${version} was not written: it took so long that ${that}; try again`,
    {
      rule: 'log-cleaned',
      version,
      ...facts,
    },
  )
}
