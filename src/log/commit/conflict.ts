// Whether a commit that lost a race may be tried again on top of the winners: the rules of Delta's conflict checker,
// in its order, over plain data. Pure: what is supported, loaded or retried is decided elsewhere.
// PROTOCOL.md says little here; the rules are those that other writers of the same table follow.
import type { ErrorFacts } from '../../errors.js'
import type { Action, AddFile, DomainMetadata, Protocol, RemoveFile, Txn } from '../actions.js'
import { featuresOf } from '../features.js'
import { type IsolationLevel, isBlindAppend, isolationLevelOf, type ReadSet, winnerIsBlindAppend } from './isolation.js'

/** The rules by name, in the order in which they are checked. */
export type ConflictRule = 'protocol' | 'metadata' | 'domain' | 'txn' | 'concurrent-append' | 'delete-read' | 'delete-delete' | 'duplicate'

/** A commit that took a version this one wanted, or a version before it. */
export interface Winner {
  readonly version: number
  readonly actions: readonly Action[]
}

/** What the table was when this commit read it. */
export interface ConflictBase {
  readonly protocol: Protocol
  /** The table's level (`delta.isolationLevel`); Serializable unless the table says otherwise. */
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
  const mine = collectOwn(readSet, own, base)
  let protocol = base.protocol
  for (const winner of winners) {
    const theirs = collectWinner(winner, protocol)
    for (const { rule, broken } of RULES) {
      const facts = broken(mine, theirs)
      if (facts !== undefined) return { kind: 'conflict', rule, version: winner.version, facts }
    }
    protocol = theirs.protocol ?? protocol
  }
  return { kind: 'rebase' }
}

/** One file, whatever spelling of its URI a writer chose: a path is decoded exactly once. */
export function fileKey(path: string): string {
  if (!path.includes('%')) return path
  try {
    return decodeURIComponent(path)
  } catch {
    return path
  }
}

interface Mine {
  readonly readSet: ReadSet
  readonly isolation: IsolationLevel
  readonly isBlindAppend: boolean
  readonly changesProtocol: boolean
  readonly changesMetadata: boolean
  readonly domains: ReadonlySet<string>
  readonly appIds: ReadonlySet<string>
  readonly addKeys: ReadonlySet<string>
  readonly removeKeys: ReadonlySet<string>
  readonly readKeys: ReadonlySet<string>
}

interface Theirs {
  /** What the table required before this winner. */
  readonly before: Protocol
  readonly protocol: Protocol | undefined
  readonly changesMetadata: boolean
  readonly isBlindAppend: boolean
  readonly domains: readonly DomainMetadata[]
  readonly txns: readonly Txn[]
  readonly adds: readonly AddFile[]
  readonly removes: readonly RemoveFile[]
}

/** A rule answers particulars when it is broken. */
interface Rule {
  readonly rule: ConflictRule
  readonly broken: (mine: Mine, theirs: Theirs) => ErrorFacts | undefined
}

// The rows of the matrix that concern row tracking, type widening and the metadata changes that a commit can adopt
// belong to features that this library does not write yet; they have their places between these.
const RULES: readonly Rule[] = [
  { rule: 'protocol', broken: protocolChanged },
  { rule: 'metadata', broken: (_, theirs) => (theirs.changesMetadata ? {} : undefined) },
  {
    rule: 'domain',
    broken: (mine, theirs) =>
      first(
        theirs.domains,
        (d) => mine.domains.has(d.domain),
        (d) => ({ domain: d.domain }),
      ),
  },
  {
    rule: 'txn',
    broken: (mine, theirs) =>
      first(
        theirs.txns,
        (t) => mine.appIds.has(t.appId),
        (t) => ({ appId: t.appId, txnVersion: t.version.toString() }),
      ),
  },
  { rule: 'concurrent-append', broken: appendedToWhatWasRead },
  { rule: 'delete-read', broken: removedWhatWasRead },
  { rule: 'delete-delete', broken: (mine, theirs) => first(theirs.removes, (r) => mine.removeKeys.has(fileKey(r.path)), pathOf) },
  { rule: 'duplicate', broken: (mine, theirs) => first(theirs.adds, (a) => mine.addKeys.has(fileKey(a.path)), pathOf) },
]

// A feature added by a winner that changes what a valid commit is must stop the commits that did not know of it.
// These do not: a commit made without them stays valid. Anything not listed, known or not, is a conflict.
const HARMLESS_WHEN_ADDED: ReadonlySet<string> = new Set(
  [
    'appendOnly',
    'changeDataFeed',
    'columnMapping',
    'timestampNtz',
    'deletionVectors',
    'rowTracking',
    'domainMetadata',
    'icebergCompatV1',
    'icebergCompatV2',
    'icebergCompatV3',
    'v2Checkpoint',
    'catalogManaged',
    'typeWidening',
    'inCommitTimestamp',
    'vacuumProtocolCheck',
  ].map((name) => name.toLowerCase()),
)

function protocolChanged(mine: Mine, theirs: Theirs): ErrorFacts | undefined {
  if (theirs.protocol === undefined) return undefined
  if (mine.changesProtocol) return { reason: 'both commits change the protocol' }
  const before = namesOf(theirs.before)
  const after = namesOf(theirs.protocol)
  const dropped = [...before].filter((name) => !after.has(name))
  if (dropped.length > 0) return { reason: 'features were dropped', features: dropped }
  const added = [...after].filter((name) => !before.has(name) && !HARMLESS_WHEN_ADDED.has(name))
  return added.length > 0 ? { reason: 'features were added', features: added } : undefined
}

// A commit that only appends depends on nothing it could have read. Under WriteSerializable other blind appends may
// have come before or after, unless this commit changes the metadata they were written under.
function appendedToWhatWasRead(mine: Mine, theirs: Theirs): ErrorFacts | undefined {
  if (mine.isBlindAppend || mine.isolation === 'SnapshotIsolation') return undefined
  if (mine.isolation === 'WriteSerializable' && theirs.isBlindAppend && !mine.changesMetadata) return undefined
  const { readsWholeTable = false, mayRead } = mine.readSet
  return first(theirs.adds, (file) => readsWholeTable || mayRead?.(file) === true, pathOf)
}

// Removing counts even where it only rearranges rows: what was read is no longer where it was. A file that this commit
// adds again (new statistics, a new deletion vector) was read as well, or it would come back from the dead.
function removedWhatWasRead(mine: Mine, theirs: Theirs): ErrorFacts | undefined {
  const { readsWholeTable = false } = mine.readSet
  const wasRead = (key: string): boolean => mine.readKeys.has(key) || (mine.addKeys.has(key) && !mine.removeKeys.has(key))
  return first(theirs.removes, (file) => readsWholeTable || wasRead(fileKey(file.path)), pathOf)
}

function first<T>(items: readonly T[], matches: (item: T) => boolean, facts: (item: T) => ErrorFacts): ErrorFacts | undefined {
  for (const item of items) if (matches(item)) return facts(item)
  return undefined
}

function pathOf(file: { readonly path: string }): ErrorFacts {
  return { path: file.path }
}

function collectOwn(readSet: ReadSet, own: readonly Action[], base: ConflictBase): Mine {
  const domains = new Set<string>()
  const appIds = new Set(readSet.appIds)
  const addKeys = new Set<string>()
  const removeKeys = new Set<string>()
  let changesProtocol = false
  let changesMetadata = false
  for (const action of own) {
    if (action.kind === 'add') addKeys.add(fileKey(action.path))
    else if (action.kind === 'remove') removeKeys.add(fileKey(action.path))
    else if (action.kind === 'txn') appIds.add(action.appId)
    else if (action.kind === 'domainMetadata') domains.add(action.domain)
    else if (action.kind === 'protocol') changesProtocol = true
    else if (action.kind === 'metaData') changesMetadata = true
  }
  const readKeys = new Set<string>()
  for (const path of readSet.readFiles ?? []) readKeys.add(fileKey(path))
  const isolation = isolationLevelOf(own, base.isolationLevel)
  const blind = isBlindAppend(own, readSet)
  return { readSet, isolation, isBlindAppend: blind, changesProtocol, changesMetadata, domains, appIds, addKeys, removeKeys, readKeys }
}

function collectWinner(winner: Winner, before: Protocol): Theirs {
  const domains: DomainMetadata[] = []
  const txns: Txn[] = []
  const adds: AddFile[] = []
  const removes: RemoveFile[] = []
  let protocol: Protocol | undefined
  let changesMetadata = false
  for (const action of winner.actions) {
    if (action.kind === 'add') adds.push(action)
    else if (action.kind === 'remove') removes.push(action)
    else if (action.kind === 'txn') txns.push(action)
    else if (action.kind === 'domainMetadata') domains.push(action)
    else if (action.kind === 'protocol') protocol = action
    else if (action.kind === 'metaData') changesMetadata = true
  }
  return { before, protocol, changesMetadata, isBlindAppend: winnerIsBlindAppend(winner.actions), domains, txns, adds, removes }
}

// Every feature a protocol requires, listed or implied, in lower case.
function namesOf(protocol: Protocol): Set<string> {
  return new Set(featuresOf(protocol).writer.map((name) => name.toLowerCase()))
}
