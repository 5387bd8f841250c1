// What is checked before a commit is tried, and how its refusals read. Pure.
import { AlluviumError } from '../../errors.js'
import type { Action, Metadata, Protocol } from '../actions.js'
import { hasFeature, property, unsupported } from '../features.js'
import { vectorId } from '../file-table.js'
import type { LogView } from '../log-view.js'
import type { ConflictDecision } from './conflict.js'
import { fileKey } from './file-key.js'
import type { TableShape } from './in-commit-timestamp.js'
import { ROW_TRACKING_DOMAIN } from './row-tracking.js'

/**
 * A commit is a set: nothing in it may contradict anything else in it (PROTOCOL.md, "Add File and Remove File" and
 * "Delta Log Entries"). Breaking this is a fault of the caller's code, hence a `TypeError`.
 */
export function checkActions(actions: readonly Action[]): void {
  const seen = new Set<string>()
  for (const action of actions) {
    if (action.kind === 'commitInfo')
      throw new TypeError('commit: the commitInfo is made by the commit itself; leave it out of the actions')
    if (action.kind === 'checkpointMetadata' || action.kind === 'sidecar')
      throw new TypeError(`commit: ${action.kind} belongs into checkpoints, not into commits`)
    if (action.kind === 'domainMetadata' && action.domain === ROW_TRACKING_DOMAIN)
      throw new TypeError(`commit: the domain ${ROW_TRACKING_DOMAIN} is kept by the commit itself; leave it out of the actions`)
    for (const key of reconciliationKeys(action)) {
      if (seen.has(key)) throw new TypeError(`commit: two actions for the same thing, which a commit must not hold: ${key}`)
      seen.add(key)
    }
  }
}

/** The action of one kind, as this commit leaves the table. */
export function protocolIn(actions: readonly Action[]): Protocol | undefined {
  for (const action of actions) if (action.kind === 'protocol') return action
  return undefined
}

export function metadataIn(actions: readonly Action[]): Metadata | undefined {
  for (const action of actions) if (action.kind === 'metaData') return action
  return undefined
}

/** What the table is once these actions are on top of `view`; undefined: once they have made it. */
export function shapeAfter(actions: readonly Action[], view: LogView | undefined): TableShape {
  if (view === undefined) return checkCreation(actions)
  return { protocol: protocolIn(actions) ?? view.protocol, metadata: metadataIn(actions) ?? view.metadata }
}

/**
 * A commit removes what is there, and adds as new what is not (PROTOCOL.md, "Add File and Remove File"). A file may be added again
 * without being new, to say more about it. Breaking this is a fault of the caller's code, hence a `TypeError`.
 */
export function checkAgainst({ files, version }: LogView, actions: readonly Action[]): void {
  const removed = new Set(actions.flatMap((action) => (action.kind === 'remove' ? [action.path] : [])))
  for (const action of actions) {
    if (action.kind !== 'remove' && action.kind !== 'add') continue
    const isLive = files.find(action.path, action.deletionVector) >= 0
    if (action.kind === 'remove' && !isLive)
      throw new TypeError(
        `commit: ${action.path} is removed, but version ${version} has no such file (the same path text and deletion vector)`,
      )
    if (action.kind === 'add' && action.dataChange && isLive && !removed.has(action.path))
      throw new TypeError(`commit: ${action.path} is added as new, but version ${version} has it already`)
  }
}

/** Version 0 makes a table and must say what it is. */
export function checkCreation(actions: readonly Action[]): { protocol: Protocol; metadata: Metadata } {
  const protocol = protocolIn(actions)
  const metadata = metadataIn(actions)
  if (protocol === undefined || metadata === undefined) throw new TypeError('commit: version 0 needs a protocol and a metaData action')
  return { protocol, metadata }
}

/**
 * What the files of a commit must keep to: rows of an append-only table stay (PROTOCOL.md, "Append-only Tables"), though
 * they may be rearranged; and nothing is written that this library could not read back.
 * @throws AlluviumError `CONSTRAINT_VIOLATED`, `UNSUPPORTED_FEATURE`
 */
export function checkFiles(actions: readonly Action[], { protocol, metadata }: TableShape, location: string): void {
  const appendOnly = property(metadata, 'delta.appendOnly')?.toLowerCase() === 'true'
  const mayHaveVectors = hasFeature(protocol, 'deletionVectors')
  for (const action of actions) {
    if (action.kind === 'add' && action.deletionVector !== undefined && !mayHaveVectors) throw unsupported('write', ['deletionVectors'])
    if (!appendOnly || action.kind !== 'remove' || !action.dataChange) continue
    throw new AlluviumError(
      'CONSTRAINT_VIOLATED',
      `${location} has delta.appendOnly=true: rows may be added but not removed; unset the property first if that is what you want`,
      { property: 'delta.appendOnly' },
    )
  }
}

/** `COMMIT_CONFLICT` for a broken rule. */
export function conflictError(
  decision: ConflictDecision & { kind: 'conflict' },
  operation: string,
  location: string,
  txnId: string,
): AlluviumError {
  const { rule, version, facts } = decision
  const detail = WHAT_HAPPENED[rule](facts)
  return new AlluviumError(
    'COMMIT_CONFLICT',
    `${operation} on ${location} was not committed: version ${version}, committed meanwhile, ${detail}; read the table again and decide whether to repeat it`,
    { rule, version, txnId, ...facts, committed: false },
  )
}

type Facts = Readonly<Record<string, unknown>>
const WHAT_HAPPENED: Record<(ConflictDecision & { kind: 'conflict' })['rule'], (facts: Facts) => string> = {
  protocol: (facts) => `changed the table's protocol (${facts.reason})`,
  metadata: (facts) => `changed the table's metadata (${facts.reason})`,
  domain: (facts) => `changed the metadata domain ${JSON.stringify(facts.domain)}`,
  txn: (facts) => `moved application ${JSON.stringify(facts.appId)} to ${facts.txnVersion}, so another writer works under the same name`,
  'row-tracking': (facts) => `took back the row ids of a file that this operation writes (${facts.path})`,
  'type-widening': () => 'came between this change of types and the version it was made for',
  'concurrent-append': (facts) => `added rows that this operation should have seen (${facts.path})`,
  'delete-read': (facts) => `removed a file that this operation read (${facts.path})`,
  'delete-delete': (facts) => `removed or replaced a file that this operation removes too (${facts.path})`,
  vacuum: (facts) => `is a vacuum, which may be deleting a file that this operation adds, written long ago (${facts.path})`,
  duplicate: (facts) => `added a file that this operation adds too (${facts.path})`,
}

// At most one add and one remove for a path, whatever their vectors, and not both for the same (path, vector); one of
// everything else by its own name.
function reconciliationKeys(action: Action): readonly string[] {
  switch (action.kind) {
    case 'add':
    case 'remove': {
      const path = fileKey(action.path)
      return [`${action.kind} ${path}`, `file ${path} ${action.deletionVector === undefined ? '' : vectorId(action.deletionVector)}`]
    }
    case 'txn':
      return [`txn ${action.appId}`]
    case 'domainMetadata':
      return [`domainMetadata ${action.domain}`]
    case 'protocol':
    case 'metaData':
      return [action.kind]
    default:
      return []
  }
}
