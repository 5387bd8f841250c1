// Whether a commit that lost a race may be tried again on top of the winners: the rules of Delta's conflict checker,
// in its order, over plain data. Pure: what is supported, loaded or retried is decided elsewhere; what depends on the
// version (row ids, in-commit timestamps) is no conflict, because it is made anew for every try.
// PROTOCOL.md says little here; the rules are those that other writers of the same table follow.
// Promises: C1, C3 of spec/invariants.md.
import type { ErrorFacts } from '../../errors.js'
import type { Action, Metadata } from '../actions.js'
import { vectorId } from '../file-table.js'
import { collectOwn, collectWinner, type Mine, type Theirs } from './conflict-sides.js'
import { fileKey } from './file-key.js'
import type { TableShape } from './in-commit-timestamp.js'
import type { IsolationLevel, ReadSet } from './isolation.js'
import { metadataObstacle } from './metadata-change.js'
import { protocolObstacle } from './protocol-change.js'
import { ROW_TRACKING_DOMAIN } from './row-tracking.js'

/** The rules by name, in the order in which they are checked. */
export type ConflictRule =
  | 'protocol'
  | 'metadata'
  | 'domain'
  | 'txn'
  | 'row-tracking'
  | 'type-widening'
  | 'concurrent-append'
  | 'delete-read'
  | 'delete-delete'
  | 'duplicate'
  | 'vacuum'

/** A commit that took a version this one wanted, or a version before it. */
export interface Winner {
  readonly version: number
  readonly actions: readonly Action[]
}

/** What the table was when this commit read it, and what the commit asks for. */
export interface ConflictBase extends TableShape {
  /** The level of this commit: its own, else the table's (`delta.isolationLevel`), else Serializable. */
  readonly isolationLevel: IsolationLevel
}

export type ConflictDecision =
  | { readonly kind: 'rebase' }
  | { readonly kind: 'conflict'; readonly rule: ConflictRule; readonly version: number; readonly facts: ErrorFacts }

/**
 * Checks what this commit read and writes against every winner, oldest first.
 * @returns `rebase` when the commit means the same on top of the winners, else the first broken rule, the version of
 * the winner that broke it, and particulars.
 */
export function checkConflict(readSet: ReadSet, own: readonly Action[], winners: readonly Winner[], base: ConflictBase): ConflictDecision {
  const mine = collectOwn(readSet, own, base.isolationLevel)
  let shape: TableShape = base
  for (const winner of winners) {
    const theirs = collectWinner(winner.actions, shape)
    for (const { rule, broken } of RULES) {
      const facts = broken(mine, theirs)
      if (facts !== undefined) return { kind: 'conflict', rule, version: winner.version, facts }
    }
    shape = theirs.after
  }
  return { kind: 'rebase' }
}

/** A rule answers particulars when it is broken. */
interface Rule {
  readonly rule: ConflictRule
  readonly broken: (mine: Mine, theirs: Theirs) => ErrorFacts | undefined
}

const RULES: readonly Rule[] = [
  { rule: 'protocol', broken: protocolChanged },
  { rule: 'metadata', broken: metadataChanged },
  { rule: 'domain', broken: domainChanged },
  { rule: 'txn', broken: applicationAdvanced },
  { rule: 'row-tracking', broken: rowIdsTakenBack },
  { rule: 'type-widening', broken: typesChangedAtAVersion },
  { rule: 'concurrent-append', broken: appendedToWhatWasRead },
  { rule: 'delete-read', broken: removedWhatWasRead },
  { rule: 'delete-delete', broken: removedWhatIsRemoved },
  { rule: 'duplicate', broken: addedWhatIsAdded },
  { rule: 'vacuum', broken: addedWhatMayBeDeleted },
]

function protocolChanged(mine: Mine, { before, protocol }: Theirs): ErrorFacts | undefined {
  if (protocol === undefined) return undefined
  return mine.protocol === undefined ? protocolObstacle(before.protocol, protocol) : { reason: 'both commits change the protocol' }
}

// A change that leaves files and reads as they were is adopted; a commit that has metadata of its own would undo it.
function metadataChanged(mine: Mine, { before, metadata }: Theirs): ErrorFacts | undefined {
  if (metadata === undefined) return undefined
  if (mine.metadata !== undefined) return { reason: 'both commits change the metadata' }
  const reason = metadataObstacle(before.metadata, metadata)
  return reason === undefined ? undefined : { reason }
}

// How far row ids have been given is counted on by every commit for itself.
function domainChanged(mine: Mine, { domains }: Theirs): ErrorFacts | undefined {
  return first(
    domains,
    ({ domain }) => domain !== ROW_TRACKING_DOMAIN && mine.domains.has(domain),
    ({ domain }) => ({ domain }),
  )
}

function applicationAdvanced(mine: Mine, { txns }: Theirs): ErrorFacts | undefined {
  return first(
    txns,
    ({ appId }) => mine.appIds.has(appId),
    ({ appId, version }) => ({ appId, txnVersion: version.toString() }),
  )
}

// Row ids that were given to files later (a backfill) are taken over by the next try; ids that were taken back are not.
function rowIdsTakenBack(mine: Mine, { operation, adds }: Theirs): ErrorFacts | undefined {
  if (operation !== 'ROW TRACKING UNBACKFILL') return undefined
  return first(adds, ({ path }) => mine.addKeys.has(fileKey(path)) || mine.removeKeys.has(fileKey(path)), pathOf)
}

// The preview of type widening writes into the schema at which version a type changed.
function typesChangedAtAVersion(mine: Mine, { before }: Theirs): ErrorFacts | undefined {
  const marks = (metadata: Metadata): number => metadata.schemaString.split('"tableVersion"').length
  return mine.metadata !== undefined && marks(mine.metadata) > marks(before.metadata) ? {} : undefined
}

// A commit that only appends depends on nothing it could have read. One that only rearranges rows adds none: its rows
// were there, and reading them is the next rule's matter. Under WriteSerializable other blind appends may have come
// before or after, unless this commit changes the metadata they were written under.
function appendedToWhatWasRead(mine: Mine, theirs: Theirs): ErrorFacts | undefined {
  if (mine.isBlindAppend || mine.isolation === 'SnapshotIsolation' || theirs.rearranges) return undefined
  if (mine.isolation === 'WriteSerializable' && theirs.isBlindAppend && mine.metadata === undefined) return undefined
  const { readsWholeTable = false, mayRead } = mine.readSet
  return first(theirs.adds, (file) => readsWholeTable || mayRead?.(file) === true, pathOf)
}

// Removing counts even where it only rearranges rows: what was read is no longer where it was. A file that this commit
// adds again (new statistics, a new deletion vector) was read as well, or it would come back from the dead.
function removedWhatWasRead(mine: Mine, { removes }: Theirs): ErrorFacts | undefined {
  const { readsWholeTable = false, wasRead } = mine.readSet
  const isMine = (key: string): boolean => mine.readKeys.has(key) || (mine.addKeys.has(key) && !mine.removeKeys.has(key))
  return first(removes, (file) => readsWholeTable || isMine(fileKey(file.path)) || wasRead?.(file) === true, pathOf)
}

// Whatever the vectors: two vectors made from one state of a file would lose one of the two deletions.
function removedWhatIsRemoved(mine: Mine, { removes }: Theirs): ErrorFacts | undefined {
  return first(
    removes,
    ({ path }) => mine.removeKeys.has(fileKey(path)),
    ({ path, deletionVector }) => ({ path, ...(deletionVector === undefined ? {} : { deletionVector: vectorId(deletionVector) }) }),
  )
}

function addedWhatIsAdded(mine: Mine, { adds, givesRowIdsLater }: Theirs): ErrorFacts | undefined {
  // Files that got their row ids later are the same files; the next try takes the ids over.
  const isSameFile = (key: string): boolean => givesRowIdsLater && mine.removeKeys.has(key)
  return first(adds, ({ path }) => mine.addKeys.has(fileKey(path)) && !isSameFile(fileKey(path)), pathOf)
}

// A vacuum takes files that no version has once they are old. Whoever slept that long between writing a file and committing it, or
// brings back what was removed, must not commit past the vacuum's announcement; the vacuum looks again at what came before it.
function addedWhatMayBeDeleted(mine: Mine, { vacuumsBeforeMs }: Theirs): ErrorFacts | undefined {
  if (vacuumsBeforeMs === undefined) return undefined
  const isStaying = ({ path }: { readonly path: string }): boolean => mine.removeKeys.has(fileKey(path))
  return first(mine.adds, (file) => file.modificationTime < vacuumsBeforeMs && !isStaying(file), pathOf)
}

function first<T>(items: readonly T[], matches: (item: T) => boolean, facts: (item: T) => ErrorFacts): ErrorFacts | undefined {
  for (const item of items) if (matches(item)) return facts(item)
  return undefined
}

function pathOf(file: { readonly path: string }): ErrorFacts {
  return { path: file.path }
}
