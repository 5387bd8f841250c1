// One version of the log, for ever the same, and the lineage it shares with the versions around it. Views of one
// lineage share one file table; only the newest view is advanced in place, any other goes its own way.

import { decodeUtf8 } from '../bytes.js'
import { AlluviumError } from '../errors.js'
import { isJsonObject, type JsonObject, parseJson } from '../json.js'
import { parseSchema, type StructType } from '../schema/index.js'
import type { Storage } from '../storage/storage.js'
import type { Action, DomainMetadata, Metadata, Protocol, Txn } from './actions.js'
import { hashBytes } from './byte-dictionary.js'
import { type ChecksumReport, verifyChecksum } from './checksum.js'
import { formatCommit } from './commit-json.js'
import { assertReadable } from './features.js'
import { commitPath } from './file-names.js'
import { FileTable } from './file-table.js'
import { FileView } from './file-view.js'
import { assertCommitSize, type LogLimits, logLimits } from './limits.js'
import { rebuildTable } from './rebuild.js'
import { emptyState, type LogState, Replay } from './replay.js'
import { type CountDetail, type FileCounts, NO_DETAIL, NO_FILES, Tally } from './tally.js'

/** What all views of a table go by. */
export interface LogPolicy {
  readonly limits: LogLimits
  /** Opens tables that {@link assertReadable} refuses: for looking at logs, never for reading rows. */
  readonly allowUnreadable: boolean
}

// Views kept for callers that come with an older view; a refresh from further back still works, only dearer.
const REMEMBERED_VIEWS = 64
// A table is rebuilt once dead rows outnumber live ones by this much.
const DEAD_ROWS_SPARED = 65_536

export class LogView {
  readonly version: number
  readonly protocol: Protocol
  readonly metadata: Metadata
  readonly files: FileView
  /** The latest transaction of each application. */
  readonly txns: ReadonlyMap<string, Txn>
  /** Domain metadata that is in force. */
  readonly domains: ReadonlyMap<string, DomainMetadata>
  /** When the commit file of this version was last modified, as far as known: milliseconds since 1970. */
  readonly commitModifiedMs: number | undefined
  private readonly lineage: Lineage
  private readonly state: LogState

  /** @internal Use `loadLog`. */
  constructor(lineage: Lineage, state: LogState, protocol: Protocol, metadata: Metadata, modifiedMs: number | undefined) {
    this.lineage = lineage
    this.state = state
    this.version = state.version
    this.protocol = protocol
    this.metadata = metadata
    this.files = new FileView(lineage.table, state.version, lineage.table.rowCount, state.counts)
    this.txns = state.txns
    this.domains = state.domains
    this.commitModifiedMs = modifiedMs
  }

  /** The table's schema. @throws AlluviumError `CORRUPT_LOG` when the metadata has none or it makes no sense */
  get schema(): StructType {
    if (this.metadata.schemaString === '') {
      throw new AlluviumError(
        'CORRUPT_LOG',
        `the metadata of version ${this.version} has no schemaString, so the table's rows cannot be read`,
        {
          version: this.version,
        },
      )
    }
    let schema = schemas.get(this.metadata)
    if (schema === undefined) schemas.set(this.metadata, (schema = parseSchema(this.metadata.schemaString)))
    return schema
  }

  /** The commitInfo of this version's own commit; `undefined` where it has none or the commit file was not read. */
  get commitInfo(): JsonObject | undefined {
    if (this.state.commitInfo.length === 0) return undefined
    const line = parseJson(decodeUtf8(this.state.commitInfo))
    const info = isJsonObject(line) ? line.commitInfo : undefined
    return isJsonObject(info) ? info : undefined
  }

  /**
   * Compares this version with the checksum file its writer may have left beside the commit (PROTOCOL.md, "Version
   * Checksum File"). A mismatch means that the log may have been tampered with, or that the writer counted wrong; it
   * never keeps the version from being read. Costs one small read.
   * @throws AlluviumError `ABORTED`
   * @example const { state, detail } = await view.verifyChecksum(storage)
   */
  async verifyChecksum(storage: Storage, options: { readonly signal?: AbortSignal | undefined } = {}): Promise<ChecksumReport> {
    return verifyChecksum(this, storage, options.signal)
  }

  /** How sizes and deleted rows are spread over the files. The first time it looks at all of them; views after this one then know it. */
  get countDetail(): CountDetail {
    const { counts } = this.state
    if (counts.detail !== undefined) return counts.detail
    const tally = new Tally({ ...NO_FILES, detail: NO_DETAIL })
    for (const row of this.files.liveRows()) this.files.columns.countRow(row, 1, tally)
    const detail = tally.detail as CountDetail
    ;(this.state as { counts: FileCounts }).counts = { ...counts, detail }
    return detail
  }

  /** @internal Bytes of the commit that made this version; 0 for a view that was opened. */
  commitBytes = 0

  /** @internal The exact sum of the sizes of the live files. */
  get exactSizeBytes(): number | bigint {
    const { sizeHigh, sizeLow } = this.state.counts
    const exact = BigInt(sizeHigh) * 0x1_0000_0000n + BigInt(sizeLow)
    return exact <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(exact) : exact
  }

  /** The newest view known of this table: this one, or one that a refresh or a commit has made since. */
  get newest(): LogView {
    return this.lineage.newest()
  }

  /**
   * The view after the next commit, for a writer that knows what it committed. The view itself stays as it is.
   * @throws RangeError when `version` is not the next one; AlluviumError as for reading a commit
   */
  applyCommit(version: number, commit: readonly Action[] | Uint8Array, modifiedMs?: number): LogView {
    if (version !== this.version + 1)
      throw new RangeError(`the commit after version ${this.version} is ${this.version + 1}, not ${version}`)
    const bytes = commit instanceof Uint8Array ? commit : formatCommit(commit)
    return this.lineage.advance(this, bytes, modifiedMs)
  }

  /** @internal */
  get shared(): Lineage {
    return this.lineage
  }
  /** @internal */
  get replayState(): LogState {
    return this.state
  }
}

// One for all versions with the same metadata, so that what is worked out from a schema need not be worked out for every version.
const schemas = new WeakMap<Metadata, StructType>()

/** @internal The views that share one file table. */
export class Lineage {
  readonly table: FileTable
  readonly policy: LogPolicy
  /** When the store last showed that no version followed the newest view, which may be another by now; the runtime's monotonic clock. */
  confirmedMs: number = Number.NEGATIVE_INFINITY
  /** The last checkpoint written from this lineage, and the bytes of the log then. */
  checkpoint: { readonly version: number; readonly sizeBytes: number; readonly logBytes: number } | undefined
  /** Rows of the sidecars of the last checkpoint written from this lineage, by the sidecar's name. */
  sidecarRows: ReadonlyMap<string, Int32Array> = new Map()
  private head: LogView | undefined
  private successor: Lineage | undefined
  private readonly recent: Map<number, { readonly view: LogView; readonly print: string }> = new Map()

  constructor(table: FileTable, policy: LogPolicy) {
    this.table = table
    this.policy = policy
  }

  /** The first view of the lineage. @throws AlluviumError `CORRUPT_LOG`, `UNSUPPORTED_FEATURE` */
  begin(state: LogState, modifiedMs: number | undefined): LogView {
    const { protocol, metadata } = complete(state)
    if (!this.policy.allowUnreadable) assertReadable(protocol, metadata)
    this.head = new LogView(this, state, protocol, metadata, modifiedMs)
    return this.head
  }

  newest(): LogView {
    return this.successor?.newest() ?? (this.head as LogView)
  }

  advance(from: LogView, bytes: Uint8Array, modifiedMs: number | undefined): LogView {
    if (this.head !== from) {
      const print = fingerprint(bytes)
      const known = this.recent.get(from.version + 1)
      if (known?.print === print) return known.view
      return this.fork(from).advanceHead(bytes, modifiedMs)
    }
    if (this.successor !== undefined) return this.successor.advance(this.successor.rootFor(from), bytes, modifiedMs)
    if (this.table.rowCount - from.files.numFiles <= from.files.numFiles + DEAD_ROWS_SPARED) return this.advanceHead(bytes, modifiedMs)
    const next = this.fork(from)
    const view = next.advanceHead(bytes, modifiedMs)
    this.successor = next
    return view
  }

  private advanceHead(bytes: Uint8Array, modifiedMs: number | undefined): LogView {
    const from = this.head as LogView
    const version = from.version + 1
    const path = commitPath(version)
    assertCommitSize(path, bytes.length, this.policy.limits)
    const replay = new Replay(this.table, from.replayState)
    replay.apply(bytes, { version, path }, (protocol, metadata) => this.check(protocol, metadata))
    const { protocol, metadata } = complete(replay.state)
    const view = new LogView(this, replay.state, protocol, metadata, modifiedMs)
    view.commitBytes = bytes.length
    this.head = view
    this.recent.set(version, { view, print: fingerprint(bytes) })
    this.recent.delete(version - REMEMBERED_VIEWS)
    return view
  }

  private check(protocol: Protocol | undefined, metadata: Metadata | undefined): void {
    if (!this.policy.allowUnreadable && protocol !== undefined) assertReadable(protocol, metadata)
  }

  // A lineage of its own that begins with a copy of `view`.
  private fork(view: LogView): Lineage {
    const table = rebuildTable(this.table, view.files.liveRows(), view.version)
    const lineage = new Lineage(table, this.policy)
    // Nothing is known of what followed an older view: the fork has it as its newest.
    if (view === this.head) lineage.confirmedMs = this.confirmedMs
    lineage.root = new LogView(lineage, view.replayState, view.protocol, view.metadata, view.commitModifiedMs)
    lineage.head = lineage.root
    return lineage
  }

  private root: LogView | undefined
  private rootFor(view: LogView): LogView {
    return this.root?.version === view.version ? this.root : view
  }
}

/**
 * The view of a table's first version, for the writer that has just created it with these actions.
 * @throws AlluviumError `CORRUPT_LOG` without protocol or metadata
 */
export function createdView(actions: readonly Action[], modifiedMs?: number): LogView {
  const policy: LogPolicy = { limits: logLimits(), allowUnreadable: false }
  const table = new FileTable(-1, policy.limits.maxPartitionColumns)
  const replay = new Replay(table, emptyState())
  replay.apply(formatCommit(actions), { version: 0, path: commitPath(0) })
  return new Lineage(table, policy).begin(replay.state, modifiedMs)
}

function complete(state: LogState): { protocol: Protocol; metadata: Metadata } {
  const { protocol, metadata, version } = state
  if (protocol !== undefined && metadata !== undefined) return { protocol, metadata }
  const missing = protocol === undefined ? 'protocol' : 'metaData'
  throw new AlluviumError('CORRUPT_LOG', `the log has no ${missing} action up to version ${version}, so it describes no table`, {
    version,
    missing,
  })
}

function fingerprint(bytes: Uint8Array): string {
  return `${bytes.length}:${hashBytes(bytes, 0, bytes.length, 1)}:${hashBytes(bytes, 0, bytes.length, 2)}`
}
