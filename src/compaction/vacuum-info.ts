// How far the last vacuum went, for lite vacuums: the file that Spark keeps for this, `_delta_log/_last_vacuum_info`.
import { decodeUtf8, encodeUtf8 } from '../bytes.js'
import { isJsonObject, parseJson } from '../json.js'
import type { Storage } from '../storage/storage.js'

const PATH = '_delta_log/_last_vacuum_info'
const MAX_BYTES = 65_536

/** The version up to which removals have been dealt with; undefined where nobody knows. */
export async function readVacuumInfo(storage: Storage, signal: AbortSignal | undefined): Promise<number | undefined> {
  const bytes = await storage.readRange(PATH, 0, MAX_BYTES, { signal })
  try {
    const json = bytes === undefined ? undefined : parseJson(decodeUtf8(bytes))
    const version = isJsonObject(json) ? json.latestCommitVersionOutsideOfRetentionWindow : undefined
    return typeof version === 'number' && Number.isSafeInteger(version) && version >= 0 ? version : undefined
  } catch {
    return undefined
  }
}

export async function writeVacuumInfo(storage: Storage, version: number | undefined, signal: AbortSignal | undefined): Promise<void> {
  if (version === undefined) return
  await storage.put(PATH, encodeUtf8(`{"latestCommitVersionOutsideOfRetentionWindow":${version}}`), { signal })
}
