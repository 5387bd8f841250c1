// The first line of a commit: what was done, by whom, on what snapshot, and the `txnId` by which a writer knows its own
// commit again. Values have the forms Spark writes. Pure.
import { formatJson, type JsonObject, type JsonValue, jsonObject } from '../../json.js'
import { VERSION } from '../../version.js'
import type { Action, CommitInfo, Metadata } from '../actions.js'
import { isBlindAppend, isolationLevelOf, type ReadSet, tableIsolationLevel } from './isolation.js'

/** Who wrote a commit, as `engineInfo` says it. */
export const ENGINE_INFO: string = `Alluvium/${VERSION}`

/** How a commit describes itself. */
export interface CommitDescription {
  /** The name Spark uses: `WRITE`, `STREAMING UPDATE`, `CREATE TABLE`, … */
  readonly operation: string
  /** Texts stand as they are, everything else as its JSON text, as Spark does. */
  readonly operationParameters: Readonly<Record<string, unknown>>
  /** Counted, not estimated. */
  readonly operationMetrics?: Readonly<Record<string, string>>
  readonly userMetadata?: string
}

/** What differs from one try to the next. */
export interface CommitMoment {
  readonly txnId: string
  /** The version whose state was read; undefined for the commit that makes a table. */
  readonly readVersion: number | undefined
  /** Milliseconds since 1970. */
  readonly timestampMs: number
  /** Present when the table keeps in-commit timestamps. */
  readonly inCommitTimestampMs?: number
}

/** The `commitInfo` action of one try of a commit. */
export function buildCommitInfo(
  description: CommitDescription,
  moment: CommitMoment,
  actions: readonly Action[],
  readSet: ReadSet,
  metadata: Metadata,
): CommitInfo {
  const info = jsonObject()
  if (moment.inCommitTimestampMs !== undefined) info.inCommitTimestamp = moment.inCommitTimestampMs
  info.timestamp = moment.timestampMs
  info.operation = description.operation
  info.operationParameters = encodeParameters(description.operationParameters)
  if (moment.readVersion !== undefined) info.readVersion = moment.readVersion
  info.isolationLevel = isolationLevelOf(actions, tableIsolationLevel(metadata))
  info.isBlindAppend = isBlindAppend(actions, readSet)
  if (description.operationMetrics !== undefined) info.operationMetrics = copyTexts(description.operationMetrics)
  if (description.userMetadata !== undefined) info.userMetadata = description.userMetadata
  info.engineInfo = ENGINE_INFO
  info.txnId = moment.txnId
  return { kind: 'commitInfo', info }
}

function encodeParameters(parameters: Readonly<Record<string, unknown>>): JsonObject {
  const encoded = jsonObject()
  for (const [name, value] of Object.entries(parameters)) {
    if (value === undefined) continue
    encoded[name] = typeof value === 'string' || value === null ? value : formatJson(value)
  }
  return encoded
}

function copyTexts(texts: Readonly<Record<string, string>>): JsonObject {
  const copy: Record<string, JsonValue> = jsonObject()
  for (const [name, text] of Object.entries(texts)) copy[name] = text
  return copy
}
