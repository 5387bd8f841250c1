// The hint `_last_checkpoint` (PROTOCOL.md, "Last Checkpoint File Schema"), written after a checkpoint. Rule: it never
// goes back, unless what it points at is not there.
import { decodeUtf8, encodeUtf8 } from '../../bytes.js'
import { formatJson, isJsonObject, type JsonObject, jsonObject, parseJson } from '../../json.js'
import type { Storage } from '../../storage/storage.js'
import { LAST_CHECKPOINT_PATH } from '../file-names.js'
import { listLog } from '../segment.js'
import { jsonChecksum } from './json-checksum.js'

/** What the hint says of a checkpoint. */
export interface LastCheckpoint {
  readonly version: number
  /** Actions in the checkpoint, its sidecars included. */
  readonly size: number
  /** Bytes of all its files. */
  readonly sizeInBytes: number
  readonly numOfAddFiles: number
}

const MAX_BYTES = 2 ** 24

/** The hint as it stands; undefined where there is none, or none that says a version. */
export async function readLastCheckpoint(storage: Storage, signal: AbortSignal | undefined): Promise<JsonObject | undefined> {
  const bytes = await storage.readRange(LAST_CHECKPOINT_PATH, 0, MAX_BYTES, { signal })
  try {
    const json = bytes === undefined ? undefined : parseJson(decodeUtf8(bytes))
    return isJsonObject(json) && Number.isSafeInteger(json.version) && (json.version as number) >= 0 ? json : undefined
  } catch {
    return undefined
  }
}

/** Points the hint at a checkpoint. False where it stays, because it points at a newer one. @throws storage errors */
export async function writeLastCheckpoint(storage: Storage, last: LastCheckpoint, signal: AbortSignal | undefined): Promise<boolean> {
  const before = (await readLastCheckpoint(storage, signal))?.version as number | undefined
  if (before !== undefined && before > last.version && (await isThere(storage, before, signal))) return false
  const json = jsonObject()
  Object.assign(json, { version: last.version, size: last.size, sizeInBytes: last.sizeInBytes, numOfAddFiles: last.numOfAddFiles })
  json.checksum = jsonChecksum(json)
  await storage.put(LAST_CHECKPOINT_PATH, encodeUtf8(formatJson(json)), { signal })
  return true
}

async function isThere(storage: Storage, version: number, signal: AbortSignal | undefined): Promise<boolean> {
  return (await listLog(storage, version, signal)).checkpoints.has(version)
}
