// `_last_checkpoint`, and what it allows to begin early: while the log is still being listed, the end of the checkpoint it
// names is read, so that a remote table opens in three round trips.
// One rule: it is a hint. What was read early counts only where the listing shows the same file with the same size.
import { decodeUtf8 } from '../bytes.js'
import { isJsonObject, parseJson } from '../json.js'
import type { Storage } from '../storage/storage.js'
import { classicCheckpointPath, LAST_CHECKPOINT_PATH } from './file-names.js'

/** What `_last_checkpoint` says (PROTOCOL.md, "Last Checkpoint File"). */
export interface CheckpointHint {
  readonly version: number
  /** Of a checkpoint that is one classic file, where the hint tells. */
  readonly sizeBytes: number | undefined
}

/** The end of a file, being read. */
export interface CheckpointTail {
  readonly path: string
  readonly sizeBytes: number
  /** Where in the file the end begins. */
  readonly offset: number
  /** `undefined` when it could not be read: then it has to be read again. Never rejects. */
  readonly bytes: Promise<Uint8Array | undefined>
}

/** A hint may repeat the checkpoint's schema; a larger one is not worth its reading. */
const MAX_HINT_BYTES = 2 ** 24
/** All of a small checkpoint, the footer of a large one. */
const TAIL_BYTES = 512 * 1024

/** The hint; `undefined` when it is absent or cannot be made sense of. @throws AlluviumError storage errors */
export async function readHint(storage: Storage, signal: AbortSignal | undefined): Promise<CheckpointHint | undefined> {
  const bytes = await storage.readRange(LAST_CHECKPOINT_PATH, 0, MAX_HINT_BYTES + 1, signal === undefined ? {} : { signal })
  if (bytes === undefined || bytes.length > MAX_HINT_BYTES) return undefined
  try {
    const hint = parseJson(decodeUtf8(bytes))
    if (!isJsonObject(hint)) return undefined
    const { version, sizeInBytes, parts, v2Checkpoint } = hint
    if (!isCount(version)) return undefined
    const isOneFile = isCount(sizeInBytes) && sizeInBytes > 0 && (parts === undefined || parts === null) && !isJsonObject(v2Checkpoint)
    return { version, sizeBytes: isOneFile ? sizeInBytes : undefined }
  } catch {
    return undefined
  }
}

/** Begins to read the end of the checkpoint, where the hint says enough. */
export function beginTail(storage: Storage, hint: CheckpointHint, signal: AbortSignal | undefined): CheckpointTail | undefined {
  const { version, sizeBytes } = hint
  if (sizeBytes === undefined) return undefined
  const path = classicCheckpointPath(version)
  const offset = Math.max(0, sizeBytes - TAIL_BYTES)
  const bytes = storage.readRange(path, offset, sizeBytes - offset, signal === undefined ? {} : { signal }).catch(() => undefined)
  return { path, sizeBytes, offset, bytes }
}

/** A range of a file out of its tail; `undefined` where the tail does not have it. */
export async function fromTail(
  tail: CheckpointTail | undefined,
  file: { readonly path: string; readonly sizeBytes: number },
  offset: number,
  length: number,
): Promise<Uint8Array | undefined> {
  if (tail === undefined || tail.path !== file.path || tail.sizeBytes !== file.sizeBytes || offset < tail.offset) return undefined
  const bytes = await tail.bytes
  if (bytes?.length !== tail.sizeBytes - tail.offset) return undefined
  return bytes.slice(offset - tail.offset, offset - tail.offset + length)
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0
}
