// The version checksum file (PROTOCOL.md, "Version Checksum File"), written after a commit of ours: what the version
// amounts to, from counts that every commit carries on. It helps others; that it is missing never hurts.
import { encodeUtf8 } from '../../bytes.js'
import type { JsonValue } from '../../json.js'
import type { Storage } from '../../storage/storage.js'
import type { Action } from '../actions.js'
import { hasFeature, property } from '../features.js'
import { checksumPath } from '../file-names.js'
import { formatAction } from '../format-action.js'
import type { LogView } from '../log-view.js'
import { SIZE_BOUNDS } from '../tally.js'
import { liveTxns } from './expiry.js'

// More of them would make every commit's checksum large; readers then look into the log.
const MAX_TXNS = 1000
const MAX_DOMAINS = 1000

/** Writes the checksum of a version, unless there is one. @throws storage errors */
export async function writeChecksum(storage: Storage, view: LogView, txnId: string, nowMs: number): Promise<void> {
  await storage.create(checksumPath(view.version), encodeUtf8(checksumText(view, txnId, nowMs)), { mayBeLost: true })
}

/** The checksum of a version as JSON. */
export function checksumText(view: LogView, txnId: string | undefined, nowMs: number): string {
  const { files, metadata, protocol, domains } = view
  const { files: fileCounts, bytes, deletedRows, deletedFiles } = view.countDetail
  const txns = liveTxns(metadata, view.txns, nowMs)
  const hasVectors = hasFeature(protocol, 'deletionVectors')
  const members: [string, string | undefined][] = [
    ['txnId', txnId === undefined ? undefined : JSON.stringify(txnId)],
    ['tableSizeBytes', String(view.exactSizeBytes)],
    ['numFiles', String(files.numFiles)],
    ['numDeletedRecordsOpt', hasVectors ? String(deletedRows) : undefined],
    ['numDeletionVectorsOpt', hasVectors ? String(files.numVectors) : undefined],
    ['numMetadata', '1'],
    ['numProtocol', '1'],
    ['inCommitTimestampOpt', inCommitTimestamp(view)],
    ['setTransactions', txns.length > MAX_TXNS ? undefined : listOf(txns)],
    ['domainMetadata', domains.size > MAX_DOMAINS ? undefined : listOf([...domains.values()])],
    ['metadata', bodyOf(metadata)],
    ['protocol', bodyOf(protocol)],
    ['fileSizeHistogram', JSON.stringify({ sortedBinBoundaries: SIZE_BOUNDS, fileCounts: [...fileCounts], totalBytes: [...bytes] })],
    ['deletedRecordCountsHistogramOpt', hasVectors ? deletedHistogram(files.numFiles - files.numVectors, deletedFiles) : undefined],
  ]
  return `{${members
    .filter(([, text]) => text !== undefined)
    .map(([name, text]) => `"${name}":${text}`)
    .join(',')}}`
}

// Files without a vector have no deleted row either.
function deletedHistogram(withoutVector: number, deletedFiles: Float64Array): string {
  const deletedRecordCounts = [...deletedFiles]
  deletedRecordCounts[0] = (deletedRecordCounts[0] as number) + withoutVector
  return JSON.stringify({ deletedRecordCounts })
}

function inCommitTimestamp(view: LogView): string | undefined {
  if (property(view.metadata, 'delta.enableInCommitTimestamps')?.toLowerCase() !== 'true') return undefined
  const time: JsonValue | undefined = view.commitInfo?.inCommitTimestamp
  return typeof time === 'number' ? String(time) : undefined
}

function listOf(actions: readonly Action[]): string {
  return `[${actions.map(bodyOf).join(',')}]`
}

// An action without its name around it.
function bodyOf(action: Action): string {
  const text = formatAction(action)
  return text.slice(text.indexOf(':') + 1, -1)
}
