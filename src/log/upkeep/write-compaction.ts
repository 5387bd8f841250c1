// Writing a log compaction file (PROTOCOL.md, "Log Compaction Files"): the commits since the newest checkpoint as one file, which
// readers may take in their place. Rule: of every file, application and domain it has the last word only, and every such word:
// removes and removed domains too, as they speak about what lies before the range.
import { AlluviumError } from '../../errors.js'
import type { Storage } from '../../storage/storage.js'
import type { Action } from '../actions.js'
import { formatCommit, parseCommit } from '../commit-json.js'
import { assertWritable } from '../features.js'
import { commitPath, LOG_FOLDER, padVersion } from '../file-names.js'
import { vectorId } from '../file-table.js'
import type { LogView } from '../log-view.js'
import { readCommitBytes } from '../read-commit.js'
import { findSegment } from '../segment.js'

/** A compaction of the log. */
export interface CompactLogResult {
  readonly from: number
  readonly to: number
  /** Undefined where fewer than two commits follow the newest checkpoint: there is nothing to compact. */
  readonly path: string | undefined
  /** False where the range was compacted already. */
  readonly written: boolean
  readonly bytesWritten: number
}

/**
 * Compacts the commits after the newest checkpoint, up to the view's version.
 * @throws AlluviumError `UNSUPPORTED_FEATURE` for a table that this library must not write, `CORRUPT_LOG`, storage errors
 */
export async function compactLog(storage: Storage, view: LogView, signal?: AbortSignal): Promise<CompactLogResult> {
  assertWritable(view.protocol, view.metadata)
  const { checkpoint } = await findSegment(storage, { version: view.version, signal })
  const from = (checkpoint?.version ?? -1) + 1
  const to = view.version
  if (to <= from) return { from, to, path: undefined, written: false, bytesWritten: 0 }
  const last = new Map<string, Action>()
  for (let version = from; version <= to; version++) {
    const bytes = await readCommitBytes(storage, version, { signal })
    for (const action of parseCommit(bytes, { version, path: commitPath(version) })) {
      const key = keyOf(action)
      if (key === undefined) continue
      last.delete(key)
      last.set(key, action)
    }
  }
  const path = `${LOG_FOLDER}/${padVersion(from)}.${padVersion(to)}.compacted.json`
  const bytes = formatCommit([...last.values()])
  // A file without a line is no log.
  if (bytes.length === 0) return { from, to, path: undefined, written: false, bytesWritten: 0 }
  const written = (await storage.create(path, bytes, { signal })) === 'created'
  return { from, to, path, written, bytesWritten: written ? bytes.length : 0 }
}

// What an action is about; undefined for what belongs to one commit alone.
function keyOf(action: Action): string | undefined {
  switch (action.kind) {
    case 'add':
    case 'remove':
      return `file ${JSON.stringify([action.path, action.deletionVector === undefined ? null : vectorId(action.deletionVector)])}`
    case 'txn':
      return `txn ${action.appId}`
    case 'domainMetadata':
      return `domain ${action.domain}`
    case 'protocol':
    case 'metaData':
      return action.kind
    case 'unknown':
      // What nobody here knows cannot be reconciled.
      throw new AlluviumError('UNSUPPORTED_FEATURE', `the log has an action ${JSON.stringify(action.name)}, which cannot be compacted`, {
        features: [action.name],
        operation: 'write',
      })
    default:
      return undefined
  }
}
