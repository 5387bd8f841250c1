// Applying versions to a table's state, always forward: the order in which writers made them, so that whatever a
// commit repeats or contradicts inside itself ends as it does in Spark (the later action of the file wins).
// A commit takes effect wholly or not at all.
import { AlluviumError } from '../errors.js'
import type { Action, DomainMetadata, Metadata, Protocol, Txn } from './actions.js'
import type { CommitOrigin } from './commit-json.js'
import { CommitScanner, IN_COMMIT, type ScannedCommit } from './commit-scanner.js'
import type { FileTable } from './file-table.js'
import { CHUNK_MASK } from './row-chunk.js'
import { type FileCounts, NO_FILES, Tally } from './tally.js'

/** The state of a table at one version, files aside. */
export interface LogState {
  readonly version: number
  readonly protocol: Protocol | undefined
  readonly metadata: Metadata | undefined
  readonly txns: ReadonlyMap<string, Txn>
  readonly domains: ReadonlyMap<string, DomainMetadata>
  readonly counts: FileCounts
  /** Bytes of the commits since the view's log was opened, and of those before it back to its checkpoint. */
  readonly logBytes: number
  /** The checkpoint that the log was opened from; undefined where it was opened from its beginning. */
  readonly checkpoint: { readonly version: number; readonly sizeBytes: number } | undefined
  /** The JSON of the version's own commitInfo; empty where it has none. */
  readonly commitInfo: Uint8Array
}

const NOTHING = new Uint8Array(0)

/** The state before version 0. */
export function emptyState(version = -1): LogState {
  return {
    version,
    protocol: undefined,
    metadata: undefined,
    txns: new Map(),
    domains: new Map(),
    counts: NO_FILES,
    logBytes: 0,
    checkpoint: undefined,
    commitInfo: NOTHING,
  }
}

// More than ever lie between two checkpoints.
const REMEMBERED_VERSIONS = 4096

export class Replay {
  readonly table: FileTable
  state: LogState
  /** Bytes of commits known to follow, for sizing. */
  bytesAhead = 0
  private readonly scanner: CommitScanner
  private ownsTxns = false
  private ownsDomains = false

  constructor(table: FileTable, state: LogState) {
    this.table = table
    this.state = state
    this.scanner = new CommitScanner(table)
  }

  /**
   * Applies one commit. `check` sees the resulting protocol and metadata before anything takes effect.
   * @throws AlluviumError `CORRUPT_LOG`, `LIMIT_EXCEEDED`, or what `check` throws; the state is then as before.
   */
  apply(bytes: Uint8Array, origin: CommitOrigin, check?: (protocol: Protocol | undefined, metadata: Metadata | undefined) => void): void {
    const first = this.table.rowCount
    let scanned: ScannedCommit
    try {
      scanned = this.stage(bytes, origin)
      if (check !== undefined) check(...this.next(scanned.actions))
    } catch (error) {
      this.table.truncate(first)
      this.table.forgetSource(bytes)
      throw error
    }
    const counts = this.takeEffect(bytes, first, origin.version)
    if (this.scanner.removes.count === 0) this.noteWithoutRemoves(origin.version)
    const [protocol, metadata] = this.next(scanned.actions)
    this.state = {
      ...this.state,
      counts,
      logBytes: this.state.logBytes + bytes.length,
      version: origin.version,
      protocol,
      metadata,
      commitInfo: scanned.infoStart < 0 ? NOTHING : bytes.slice(scanned.infoStart, scanned.infoEnd),
    }
    for (const action of scanned.actions) this.take(action)
  }

  /** Applies the lines of a JSON checkpoint: like a commit, but its actions go to `onAction` and it is no version's own. */
  applyCheckpointLines(bytes: Uint8Array, origin: CommitOrigin, onAction: (action: Action) => void): void {
    const first = this.table.rowCount
    const scanned = this.stage(bytes, origin)
    this.state = { ...this.state, counts: this.takeEffect(bytes, first, origin.version) }
    for (const action of scanned.actions) onAction(action)
  }

  /**
   * Applies a log compaction that ends at the origin's version. Its lines have no order, so it must say one thing only
   * about every file, application and domain.
   * @throws AlluviumError `CORRUPT_LOG` with the file's `path`, `LIMIT_EXCEEDED`; the replay is then of no more use
   */
  applyCompaction(bytes: Uint8Array, origin: CommitOrigin): void {
    const first = this.table.rowCount
    const { actions } = this.stage(bytes, origin)
    const counts = this.takeEffectUnordered(bytes, first, origin)
    this.state = { ...this.state, counts, version: origin.version, logBytes: this.state.logBytes + bytes.length, commitInfo: NOTHING }
    const seen = new Set<string>()
    for (const action of actions) {
      const key = keyOf(action)
      if (seen.has(key)) throw unreconciled(origin, key)
      seen.add(key)
      this.take(action)
    }
  }

  /** Takes an action that is neither a file nor about one commit. */
  take(action: Action): void {
    if (action.kind === 'protocol') this.state = { ...this.state, protocol: action }
    else if (action.kind === 'metaData') this.state = { ...this.state, metadata: action }
    else if (action.kind === 'txn') this.takeTxn(action)
    else if (action.kind === 'domainMetadata') this.takeDomain(action)
  }

  /** Notes what the log was opened from. */
  openedFrom(checkpoint: { readonly version: number; readonly sizeBytes: number }): void {
    this.state = { ...this.state, checkpoint }
  }

  /** Takes over counts of rows that were put straight into the table. */
  setCounts(counts: FileCounts): void {
    this.state = { ...this.state, counts }
  }

  private noteWithoutRemoves(version: number): void {
    const { withoutRemoves } = this.table
    withoutRemoves.add(version)
    withoutRemoves.delete(version - REMEMBERED_VERSIONS)
  }

  private next(actions: readonly Action[]): [Protocol | undefined, Metadata | undefined] {
    let { protocol, metadata } = this.state
    for (const action of actions) {
      if (action.kind === 'protocol') protocol = action
      else if (action.kind === 'metaData') metadata = action
    }
    return [protocol, metadata]
  }

  private takeTxn(txn: Txn): void {
    if (!this.ownsTxns) this.state = { ...this.state, txns: new Map(this.state.txns) }
    this.ownsTxns = true
    ;(this.state.txns as Map<string, Txn>).set(txn.appId, txn)
  }

  private takeDomain(domain: DomainMetadata): void {
    if (!this.ownsDomains) this.state = { ...this.state, domains: new Map(this.state.domains) }
    this.ownsDomains = true
    const domains = this.state.domains as Map<string, DomainMetadata>
    if (domain.removed) domains.delete(domain.domain)
    else domains.set(domain.domain, domain)
  }

  // Stages a commit's rows with the bytes they point into: the commit itself where rows are most of it, else copies
  // of their lines, so that a long log of small commits does not keep every commit's bytes alive.
  private stage(bytes: Uint8Array, origin: CommitOrigin): ScannedCommit {
    const { table, scanner } = this
    const first = table.rowCount
    const source = bytes.length >= KEEP_WHOLE_BYTES ? table.addSource({ bytes }) : IN_COMMIT
    const scanned = scanner.scan(bytes, source, origin)
    if (source !== IN_COMMIT && scanned.lineBytes * 2 >= bytes.length) return scanned
    for (let row = first; row < table.rowCount && scanned.lineBytes > 0; row++) {
      const chunk = table.chunkOf(row)
      const i = row & CHUNK_MASK
      if (chunk.source[i] === source) table.moveLine(chunk, i, bytes)
    }
    table.forgetSource(bytes)
    return scanned
  }

  private takeEffect(bytes: Uint8Array, first: number, version: number): FileCounts {
    const { table } = this
    const { removes } = this.scanner
    const tally = new Tally(this.state.counts)
    // What is still to come is likely much like this; a wrong guess costs some memory, a small index many rehashes.
    const ahead = Math.min(this.bytesAhead / bytes.length, MAX_GUESS)
    table.expectKeys(Math.ceil((table.rowCount - first) * (1 + ahead)))
    let row = first
    for (let n = 0; n < removes.count; n++) {
      for (const until = removes.rowsBefore(n); row < until; row++) this.put(row, version, tally)
      const gone = removes.drop(n, bytes, (hash, source, start, length, vector) => table.drop(hash, source, start, length, vector, version))
      if (gone >= 0) table.countRow(gone, -1, tally)
    }
    for (; row < table.rowCount; row++) this.put(row, version, tally)
    return tally.counts()
  }

  // All adds, then all removes: whatever meets a row of the same file was not reconciled with it.
  private takeEffectUnordered(bytes: Uint8Array, first: number, origin: CommitOrigin): FileCounts {
    const { table } = this
    const { version } = origin
    const { removes } = this.scanner
    const tally = new Tally(this.state.counts)
    table.expectKeys(table.rowCount - first)
    for (let row = first; row < table.rowCount; row++) {
      if (this.put(row, version, tally) >= first) throw unreconciled(origin, 'add')
    }
    for (let n = 0; n < removes.count; n++) {
      const gone = removes.drop(n, bytes, (hash, source, start, length, vector) => table.drop(hash, source, start, length, vector, version))
      if (gone >= first) throw unreconciled(origin, 'remove')
      if (gone >= 0) table.countRow(gone, -1, tally)
    }
    return tally.counts()
  }

  private put(row: number, version: number, tally: Tally): number {
    const replaced = this.table.put(row, version)
    if (replaced >= 0) this.table.countRow(replaced, -1, tally)
    this.table.countRow(row, 1, tally)
    return replaced
  }
}

function keyOf(action: Action): string {
  if (action.kind === 'txn') return `txn of ${JSON.stringify(action.appId)}`
  if (action.kind === 'domainMetadata') return `domainMetadata of ${JSON.stringify(action.domain)}`
  return action.kind
}

function unreconciled({ version, path }: CommitOrigin, what: string): AlluviumError {
  return new AlluviumError(
    'CORRUPT_LOG',
    `${path} is no reconciled log compaction: more than one action of it is about the same thing (${what}), and their order is not known; delete the file, the commits it stands for say the same`,
    { version, path },
  )
}

// Smaller commits are never kept whole.
const KEEP_WHOLE_BYTES = 1 << 16
// Never size for more than this many commits like the one at hand.
const MAX_GUESS = 64
