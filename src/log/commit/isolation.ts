// What a commit depends on, and what it says about itself to other writers' conflict checks: its isolation level and
// whether it is a blind append. Pure, and true: others decide by these whether our commit may stand beside theirs.
import type { Action, AddFile, Metadata, RemoveFile } from '../actions.js'
import { property } from '../features.js'

/**
 * `Serializable`: every commit is as if made alone, in the order of the versions. `WriteSerializable`: as if made alone, but a
 * blind append may count as later than its version. `SnapshotIsolation`: rows that others added meanwhile do not matter.
 */
export type IsolationLevel = 'Serializable' | 'WriteSerializable' | 'SnapshotIsolation'

/** The levels, strictest first. */
export const ISOLATION_LEVELS: readonly IsolationLevel[] = ['Serializable', 'WriteSerializable', 'SnapshotIsolation']

/** What a commit depends on, besides what it writes. Paths are as they stand in the log. */
export interface ReadSet {
  /** Applications whose progress was read. Those whose progress is written count as read too. */
  readonly appIds: readonly string[]
  /** Everything in the table was read: any change of rows matters. */
  readonly readsWholeTable?: boolean
  /** Files whose rows were read: removing one of them matters. */
  readonly readFiles?: ReadonlySet<string>
  /** As {@link ReadSet.readFiles}, where these are too many to be listed. Must answer true when in doubt. */
  readonly wasRead?: (file: RemoveFile) => boolean
  /** Whether rows of a file that a winner added could have been read, had it been there. Must answer true when in doubt. */
  readonly mayRead?: (file: AddFile) => boolean
}

/** The level a table asks for. Serializable, the strictest, is what tables have unless they say otherwise. */
export function tableIsolationLevel(metadata: Metadata): IsolationLevel {
  const text = property(metadata, 'delta.isolationLevel')?.toLowerCase()
  return ISOLATION_LEVELS.find((level) => level.toLowerCase() === text) ?? 'Serializable'
}

/** The level of one commit: one that only rearranges rows needs no more than its snapshot. */
export function isolationLevelOf(actions: readonly Action[], tableLevel: IsolationLevel): IsolationLevel {
  const rearranges = actions.length > 0 && actions.every((action) => isFileAction(action) && !action.dataChange)
  return rearranges ? 'SnapshotIsolation' : tableLevel
}

/** A commit whose file actions only add and that read no rows: it is valid after any other change of rows. */
export function isBlindAppend(actions: readonly Action[], readSet: ReadSet): boolean {
  const { readsWholeTable, readFiles, mayRead, wasRead } = readSet
  const readsRows = readsWholeTable === true || (readFiles?.size ?? 0) > 0 || mayRead !== undefined || wasRead !== undefined
  return !readsRows && actions.every((action) => !isFileAction(action) || action.kind === 'add')
}

/** What a commit of any writer says of itself. One that does not say is not taken for a blind append. */
export function winnerIsBlindAppend(actions: readonly Action[]): boolean {
  return actions.some((action) => action.kind === 'commitInfo' && action.info.isBlindAppend === true)
}

function isFileAction(action: Action): action is Extract<Action, { dataChange: boolean }> {
  return action.kind === 'add' || action.kind === 'remove' || action.kind === 'cdc'
}
