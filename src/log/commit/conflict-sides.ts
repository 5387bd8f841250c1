// The two sides of a conflict check as the rules look at them: what this commit read and writes, and what a winner did. Pure.
import { isJsonObject, type JsonObject } from '../../json.js'
import type { Action, AddFile, DomainMetadata, Metadata, Protocol, RemoveFile, Txn } from '../actions.js'
import { fileKey } from './file-key.js'
import type { TableShape } from './in-commit-timestamp.js'
import { type IsolationLevel, isBlindAppend, isolationLevelOf, type ReadSet, winnerIsBlindAppend } from './isolation.js'

/** This commit. Files are known by their keys. */
export interface Mine {
  readonly readSet: ReadSet
  readonly isolation: IsolationLevel
  readonly isBlindAppend: boolean
  readonly protocol: Protocol | undefined
  readonly metadata: Metadata | undefined
  readonly domains: ReadonlySet<string>
  readonly appIds: ReadonlySet<string>
  readonly addKeys: ReadonlySet<string>
  readonly removeKeys: ReadonlySet<string>
  readonly readKeys: ReadonlySet<string>
  readonly adds: readonly AddFile[]
}

/** A winner, between what the table was before and after it. */
export interface Theirs {
  readonly before: TableShape
  readonly after: TableShape
  readonly protocol: Protocol | undefined
  readonly metadata: Metadata | undefined
  readonly operation: string | undefined
  /** Files that were written before this time (milliseconds since 1970) and that no version has, the winner may be deleting. */
  readonly vacuumsBeforeMs: number | undefined
  readonly isBlindAppend: boolean
  /** No row came or went. */
  readonly rearranges: boolean
  /** It gave row ids to files that had none. */
  readonly givesRowIdsLater: boolean
  readonly domains: readonly DomainMetadata[]
  readonly txns: readonly Txn[]
  readonly adds: readonly AddFile[]
  readonly removes: readonly RemoveFile[]
}

export function collectOwn(readSet: ReadSet, own: readonly Action[], level: IsolationLevel): Mine {
  const domains = new Set<string>()
  const appIds = new Set(readSet.appIds)
  const addKeys = new Set<string>()
  const adds: AddFile[] = []
  const removeKeys = new Set<string>()
  let protocol: Protocol | undefined
  let metadata: Metadata | undefined
  for (const action of own) {
    if (action.kind === 'add') {
      addKeys.add(fileKey(action.path))
      adds.push(action)
    } else if (action.kind === 'remove') removeKeys.add(fileKey(action.path))
    else if (action.kind === 'txn') appIds.add(action.appId)
    else if (action.kind === 'domainMetadata') domains.add(action.domain)
    else if (action.kind === 'protocol') protocol = action
    else if (action.kind === 'metaData') metadata = action
  }
  const readKeys = new Set<string>()
  for (const path of readSet.readFiles ?? []) readKeys.add(fileKey(path))
  const isolation = isolationLevelOf(own, level)
  const blind = isBlindAppend(own, readSet)
  return { readSet, isolation, isBlindAppend: blind, protocol, metadata, domains, appIds, addKeys, removeKeys, readKeys, adds }
}

export function collectWinner(actions: readonly Action[], before: TableShape): Theirs {
  const domains: DomainMetadata[] = []
  const txns: Txn[] = []
  const adds: AddFile[] = []
  const removes: RemoveFile[] = []
  let protocol: Protocol | undefined
  let metadata: Metadata | undefined
  let operation: string | undefined
  let vacuumsBeforeMs: number | undefined
  for (const action of actions) {
    if (action.kind === 'add') adds.push(action)
    else if (action.kind === 'remove') removes.push(action)
    else if (action.kind === 'txn') txns.push(action)
    else if (action.kind === 'domainMetadata') domains.push(action)
    else if (action.kind === 'protocol') protocol = action
    else if (action.kind === 'metaData') metadata = action
    else if (action.kind === 'commitInfo') {
      if (typeof action.info.operation === 'string') operation = action.info.operation
      vacuumsBeforeMs = vacuumFenceMs(action.info) ?? vacuumsBeforeMs
    }
  }
  const after = { protocol: protocol ?? before.protocol, metadata: metadata ?? before.metadata }
  return {
    before,
    after,
    protocol,
    metadata,
    operation,
    vacuumsBeforeMs,
    isBlindAppend: winnerIsBlindAppend(actions),
    rearranges: rearrangesRows(actions, operation),
    givesRowIdsLater: operation === 'ROW TRACKING BACKFILL',
    domains,
    txns,
    adds,
    removes,
  }
}

/** Files that were written before this time and that no version has, the vacuum that begins with a commit may be deleting. */
export function vacuumFenceMs(info: JsonObject): number | undefined {
  const vacuum = vacuumAnnouncement(info)
  // Half of its retention more: clocks differ, and a file is written before it says when.
  return vacuum === undefined ? undefined : vacuum.atMs - vacuum.retentionMs / 2
}

/** What a beginning vacuum says of itself; undefined for every other commit. */
export function vacuumAnnouncement(info: JsonObject): { readonly atMs: number; readonly retentionMs: number } | undefined {
  if (info.operation !== 'VACUUM START' || typeof info.timestamp !== 'number' || !isJsonObject(info.operationParameters)) return undefined
  const { specifiedRetentionMillis, defaultRetentionMillis } = info.operationParameters
  const retentionMs = Number(specifiedRetentionMillis ?? defaultRetentionMillis ?? Number.NaN)
  return retentionMs >= 0 ? { atMs: info.timestamp, retentionMs } : undefined
}

// Operations that add files of the table again, to say more about them.
const RECOMMITTING: ReadonlySet<string | undefined> = new Set(['ROW TRACKING BACKFILL', 'ROW TRACKING UNBACKFILL', 'COMPUTE STATS'])

// The protocol's word for it is dataChange=false: the rows of added files are those of removed ones (PROTOCOL.md, "Add
// File and Remove File"). Files that only come, whatever they say, are taken for new rows: writers have got that wrong.
function rearrangesRows(actions: readonly Action[], operation: string | undefined): boolean {
  const files = actions.filter((action) => action.kind === 'add' || action.kind === 'remove' || action.kind === 'cdc')
  if (files.some((file) => file.dataChange)) return false
  return files.some((file) => file.kind === 'remove') || RECOMMITTING.has(operation)
}
