// The plainest replay there is: objects in a Map, one action after the other, as the protocol's text says it.
import { isAlluviumError } from '../../src/errors.js'
import type { Action, AddFile, DomainMetadata, Metadata, Protocol, Txn } from '../../src/log/actions.js'
import { FileTable } from '../../src/log/file-table.js'
import { FileView } from '../../src/log/file-view.js'
import type { LogView } from '../../src/log/log-view.js'
import { emptyState, type LogState, Replay } from '../../src/log/replay.js'

export class Oracle {
  readonly files: Map<string, AddFile> = new Map()
  readonly txns: Map<string, Txn> = new Map()
  readonly domains: Map<string, DomainMetadata> = new Map()
  protocol: Protocol | undefined
  metadata: Metadata | undefined

  apply(actions: readonly Action[]): void {
    for (const action of actions) {
      if (action.kind === 'add') this.files.set(keyOf(action), action)
      else if (action.kind === 'remove') this.files.delete(keyOf(action))
      else if (action.kind === 'txn') this.txns.set(action.appId, action)
      else if (action.kind === 'protocol') this.protocol = action
      else if (action.kind === 'metaData') this.metadata = action
      else if (action.kind === 'domainMetadata') {
        if (action.removed) this.domains.delete(action.domain)
        else this.domains.set(action.domain, action)
      }
    }
  }

  copy(): Oracle {
    const copy = new Oracle()
    for (const [key, file] of this.files) copy.files.set(key, file)
    for (const [key, txn] of this.txns) copy.txns.set(key, txn)
    for (const [key, domain] of this.domains) copy.domains.set(key, domain)
    copy.protocol = this.protocol
    copy.metadata = this.metadata
    return copy
  }
}

function keyOf(file: Pick<AddFile, 'path' | 'deletionVector'>): string {
  const vector = file.deletionVector
  return JSON.stringify([file.path, vector === undefined ? null : [vector.storageType + vector.pathOrInlineDv, vector.offset ?? null]])
}

export interface Replayed {
  readonly files: FileView
  readonly state: LogState
}

/** A replay of commits from version 0, without the loading around it. */
export function replayOf(commits: readonly Uint8Array[], passOverCorrupt = false): Replayed {
  const table = new FileTable(-2, 512)
  const replay = new Replay(table, emptyState())
  for (const [version, bytes] of commits.entries()) {
    try {
      replay.apply(bytes, { version, path: `commit ${version}` })
    } catch (error) {
      if (!passOverCorrupt || !isAlluviumError(error, 'CORRUPT_LOG')) throw error
    }
  }
  return { files: new FileView(table, replay.state.version, table.rowCount, replay.state.counts), state: replay.state }
}

/** Everything a view of files says, by key, in a form that compares. `whole` includes what a checkpoint does not keep. */
export function filesOf(files: FileView, whole = true): Map<string, unknown> {
  const found = new Map<string, unknown>()
  const partitions = files.partitionColumns.map((name) => [name, files.partition(name)] as const)
  let sizeBytes = 0n
  for (const row of files.liveRows()) {
    const add = files.add(row)
    const path = files.path(row)
    const vector = files.deletionVector(row)
    if (files.find(path, vector) !== row) throw new Error(`find(${path}) does not lead back to row ${row}`)
    sizeBytes += BigInt(files.size(row))
    found.set(keyOf({ path, ...(vector === undefined ? {} : { deletionVector: vector }) }), {
      size: files.size(row),
      modificationTime: files.modificationTime(row),
      stats: files.stats(row),
      values: Object.fromEntries(partitions.flatMap(([name, view]) => valueEntry(name, view.values[view.ids(row)] ?? null))),
      ...(whole ? { add: plain(add) } : {}),
    })
  }
  if (found.size !== files.numFiles) throw new Error(`numFiles is ${files.numFiles}, but there are ${found.size}`)
  if (Number(sizeBytes) !== files.sizeBytes) throw new Error(`sizeBytes is ${files.sizeBytes}, but the files have ${sizeBytes}`)
  return found
}

export function filesOfOracle(oracle: Oracle, whole = true): Map<string, unknown> {
  const found = new Map<string, unknown>()
  for (const [key, add] of oracle.files) {
    found.set(key, {
      size: add.size,
      modificationTime: add.modificationTime,
      stats: add.stats || undefined,
      values: Object.fromEntries(Object.entries(add.partitionValues).flatMap(([name, value]) => valueEntry(name, value))),
      ...(whole ? { add: plain(add) } : {}),
    })
  }
  return found
}

/** What a view says besides its files. */
export function restOf(view: LogView | LogState | Oracle): unknown {
  return {
    protocol: plain(view.protocol),
    metadata: plain(view.metadata),
    txns: new Map([...view.txns].sort(([a], [b]) => (a < b ? -1 : 1))),
    domains: new Map([...view.domains].sort(([a], [b]) => (a < b ? -1 : 1))),
  }
}

// A value that is null and one that is absent read alike. Names go through a prefix so that `__proto__` is a name.
function valueEntry(name: string, value: string | null): [string, string][] {
  return value === null ? [] : [[`=${name}`, value]]
}

/** Entries instead of objects: order and prototypes do not matter, `__proto__` is visible. */
export function plain(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(plain)
  if (typeof value !== 'object' || value === null) return value
  return Object.entries(value)
    .filter(([, member]) => member !== undefined)
    .map(([key, member]) => [key, plain(member)])
    .sort(([a], [b]) => ((a as string) < (b as string) ? -1 : 1))
}
