// Whether the sidecars that a checkpoint is about to name are still there. Cleaning takes sidecars that no checkpoint names once they
// are a day old, and a process may be stopped for days between writing them and naming them.
import { AlluviumError } from '../../errors.js'
import type { Runtime } from '../../runtime.js'
import { decodeFilePath } from '../../schema/index.js'
import type { Storage } from '../../storage/storage.js'
import type { Sidecar } from '../actions.js'
import { SIDECAR_FOLDER } from '../file-names.js'

/** Far below a day, also where clocks are wrong. */
const UNDOUBTED_MS = 3_600_000

/**
 * Asks the store only where more time has passed since the sidecars were known to be there.
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
    const held = new Set<string>()
    for await (const page of storage.list(SIDECAR_FOLDER, { signal })) for (const { path } of page) held.add(path)
    const gone = sidecars.find(({ path }) => !held.has(`${SIDECAR_FOLDER}/${decodeFilePath(path)}`))
    if (gone === undefined) continue
    throw new AlluviumError(
      'COMMIT_CONFLICT',
      `the checkpoint of version ${version} was not written: it took so long that its sidecar ${gone.path} has been cleaned away; try again`,
      { rule: 'log-cleaned', version, path: `${SIDECAR_FOLDER}/${gone.path}` },
    )
  }
}
