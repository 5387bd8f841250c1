// The first line of a commit: what was done, by whom, on what snapshot, and the `txnId` by which a writer knows its own
// commit again. Values have the forms Spark writes. Pure.
import { formatJson, type JsonObject, type JsonValue, jsonObject } from '../../json.js'
import { VERSION } from '../../version.js'
import type { Action, CommitInfo, Metadata } from '../actions.js'
import { type IsolationLevel, isBlindAppend, isolationLevelOf, type ReadSet, tableIsolationLevel } from './isolation.js'

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
  /** What the commit asks for instead of the table's own level. */
  readonly isolation?: IsolationLevel
  /** The logical commits in it, where it is several; see docs/decisions/0011-group-commit.md. */
  readonly logicalCommits?: readonly JsonObject[]
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
  readonly tags?: JsonObject
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
  info.isolationLevel = isolationLevelOf(actions, description.isolation ?? tableIsolationLevel(metadata))
  info.isBlindAppend = isBlindAppend(actions, readSet)
  if (description.operationMetrics !== undefined) info.operationMetrics = copyTexts(description.operationMetrics)
  if (description.userMetadata !== undefined) info.userMetadata = description.userMetadata
  if (moment.tags !== undefined) info.tags = moment.tags
  info.engineInfo = ENGINE_INFO
  info.txnId = moment.txnId
  if (description.logicalCommits !== undefined) info.logicalCommits = [...description.logicalCommits]
  return { kind: 'commitInfo', info }
}

/** Operation parameters in the forms of Spark: texts as they are, everything else as its JSON text. */
export function encodeParameters(parameters: Readonly<Record<string, unknown>>): JsonObject {
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
