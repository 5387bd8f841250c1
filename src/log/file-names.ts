// The names inside `_delta_log` (PROTOCOL.md, "File Types"). A name is read strictly: what is not exactly one of the
// protocol's forms is a foreign file, which readers ignore. Pure text; no I/O.

/** The folder of the log, directly below the table's root. */
export const LOG_FOLDER = '_delta_log'
/** The hint beside the log; never more than a hint. */
export const LAST_CHECKPOINT_PATH: string = `${LOG_FOLDER}/_last_checkpoint`
/** The folder of V2 checkpoints' sidecar files. */
export const SIDECAR_FOLDER: string = `${LOG_FOLDER}/_sidecars`

/** What a name in the log folder stands for. `name` is the bare file name. */
export type LogFile =
  | { readonly kind: 'commit'; readonly version: number; readonly name: string }
  | { readonly kind: 'classic'; readonly version: number; readonly name: string }
  | { readonly kind: 'multipart'; readonly version: number; readonly part: number; readonly parts: number; readonly name: string }
  | { readonly kind: 'uuid'; readonly version: number; readonly uuid: string; readonly form: 'json' | 'parquet'; readonly name: string }
  | { readonly kind: 'compacted'; readonly version: number; readonly endVersion: number; readonly name: string }
  | { readonly kind: 'checksum'; readonly version: number; readonly name: string }
  | { readonly kind: 'last-checkpoint'; readonly name: string }

/** The 20-digit form in which versions sort as text. Throws `RangeError` for what is no version. */
export function padVersion(version: number): string {
  if (!Number.isSafeInteger(version) || version < 0) throw new RangeError(`a version is a non-negative safe integer, not ${version}`)
  return String(version).padStart(20, '0')
}

/** Path of the commit file of a version, e.g. `_delta_log/00000000000000000007.json`. */
export function commitPath(version: number): string {
  return `${LOG_FOLDER}/${padVersion(version)}.json`
}

/** Path of the checksum file of a version. */
export function checksumPath(version: number): string {
  return `${LOG_FOLDER}/${padVersion(version)}.crc`
}

/** Path of the classic checkpoint of a version. */
export function classicCheckpointPath(version: number): string {
  return `${LOG_FOLDER}/${padVersion(version)}.checkpoint.parquet`
}

/** Path of one part of a multi-part checkpoint; parts count from 1. */
export function checkpointPartPath(version: number, part: number, parts: number): string {
  const ten = (n: number): string => String(n).padStart(10, '0')
  return `${LOG_FOLDER}/${padVersion(version)}.checkpoint.${ten(part)}.${ten(parts)}.parquet`
}

const VERSIONED = /^(\d{20})\.(.+)$/
const MULTIPART = /^checkpoint\.(\d{10})\.(\d{10})\.parquet$/
const UUID_NAMED = /^checkpoint\.([0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})\.(json|parquet)$/
const COMPACTED = /^(\d{20})\.compacted\.json$/

/**
 * Reads a bare file name of the log folder; `undefined` for every foreign name, and for versions beyond 2^53-1
 * (no log reaches them).
 */
export function parseLogName(name: string): LogFile | undefined {
  if (name === '_last_checkpoint') return { kind: 'last-checkpoint', name }
  const match = VERSIONED.exec(name)
  if (match === null) return undefined
  const version = Number(match[1])
  if (!Number.isSafeInteger(version)) return undefined
  const rest = match[2] as string
  if (rest === 'json') return { kind: 'commit', version, name }
  if (rest === 'crc') return { kind: 'checksum', version, name }
  if (rest === 'checkpoint.parquet') return { kind: 'classic', version, name }
  return parseMultipart(rest, version, name) ?? parseUuidNamed(rest, version, name) ?? parseCompacted(rest, version, name)
}

function parseMultipart(rest: string, version: number, name: string): LogFile | undefined {
  const match = MULTIPART.exec(rest)
  if (match === null) return undefined
  const part = Number(match[1])
  const parts = Number(match[2])
  if (part < 1 || part > parts) return undefined
  return { kind: 'multipart', version, part, parts, name }
}

function parseUuidNamed(rest: string, version: number, name: string): LogFile | undefined {
  const match = UUID_NAMED.exec(rest)
  if (match === null) return undefined
  return { kind: 'uuid', version, uuid: match[1] as string, form: match[2] as 'json' | 'parquet', name }
}

function parseCompacted(rest: string, version: number, name: string): LogFile | undefined {
  const match = COMPACTED.exec(rest)
  if (match === null) return undefined
  const endVersion = Number(match[1])
  if (!Number.isSafeInteger(endVersion) || endVersion <= version) return undefined
  return { kind: 'compacted', version, endVersion, name }
}
