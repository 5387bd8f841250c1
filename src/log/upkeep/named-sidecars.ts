// The sidecars that a checkpoint names, for whoever must not lose them.
import type { ByteSource } from '../../parquet/index.js'
import { openLeafFile } from '../../parquet/index.js'
import type { Storage } from '../../storage/storage.js'
import type { Sidecar } from '../actions.js'
import { cellJson, columnOf } from '../arrow-json.js'
import { checkpointSource } from '../checkpoint.js'
import { onCheckpointFile } from '../checkpoint-part.js'
import { parseCommit } from '../commit-json.js'
import { ActionFault, actionOf } from '../parse-action.js'
import type { CheckpointFiles } from '../segment.js'

/** @throws AlluviumError `CORRUPT_CHECKPOINT` where the checkpoint cannot be read, storage errors */
export async function namedSidecars(storage: Storage, checkpoint: CheckpointFiles, signal: AbortSignal | undefined): Promise<Sidecar[]> {
  const sidecars: Sidecar[] = []
  for (const file of checkpoint.files) {
    await onCheckpointFile(file.path, async () => {
      if (file.path.endsWith('.json')) {
        const bytes = await storage.read(file.path, { signal })
        if (bytes === undefined) throw new ActionFault('it was listed but is gone')
        for (const action of parseCommit(bytes, { version: checkpoint.version, path: file.path }))
          if (action.kind === 'sidecar') sidecars.push(action)
      } else sidecars.push(...(await inParquet(checkpointSource(storage, file.path, file.sizeBytes), file.path, signal)))
    })
  }
  return sidecars
}

async function inParquet(source: ByteSource, name: string, signal: AbortSignal | undefined): Promise<Sidecar[]> {
  const sidecars: Sidecar[] = []
  const file = await openLeafFile(source, { name, signal })
  for (let group = 0; group < file.rowGroups.length; group++) {
    if (!file.hasColumn(['sidecar']) || file.isAllNull(group, ['sidecar'])) continue
    const parquet = await file.parquet()
    for await (const batch of parquet.read({ columns: ['sidecar'], rowGroups: [group], ...(signal === undefined ? {} : { signal }) })) {
      const data = columnOf(batch, 'sidecar')
      for (let i = 0; data !== undefined && i < data.length; i++) {
        const value = cellJson(data, i)
        if (value === null || Object.keys(value).length === 0) continue
        const action = actionOf('sidecar', value)
        if (action.kind === 'sidecar') sidecars.push(action)
      }
    }
  }
  return sidecars
}
