// What an inspection says of the past: which operations when, and how schema, properties and protocol changed. Rule: only so many of
// the newest commits are read, and of a large one only its beginning; what was not looked at is told.
import { encodeUtf8 } from '../bytes.js'
import { throwIfAborted } from '../errors.js'
import type { JsonObject } from '../json.js'
import { type Action, commitPath, type LogView, openClock, parseCommit } from '../log/index.js'
import { parseSchema, type StructType, typeName } from '../schema/index.js'
import type { Storage } from '../storage/storage.js'

export interface CommitFacts {
  readonly version: number
  readonly timeMs: number
  /** As its commitInfo names it; `undefined` without one. */
  readonly operation: string | undefined
  readonly engine: string | undefined
  readonly bytes: number
}

export interface SchemaChange {
  readonly version: number
  readonly timeMs: number
  /** For people, one change each. */
  readonly changes: readonly string[]
}

export interface HistoryFacts {
  /** Commits whose files are there. */
  readonly commitCount: number
  /** The newest ones, newest first. */
  readonly commits: readonly CommitFacts[]
  /** Newest first, as far as `commits` go back. */
  readonly changes: readonly SchemaChange[]
  /** Commits too large to be read whole: what they say of the schema may be missing. */
  readonly partlyRead: number
}

export interface HistoryOptions {
  readonly maxCommits: number
  readonly maxChanges: number
  readonly signal: AbortSignal | undefined
}

const READ_BYTES = 2 * 2 ** 20
const PARALLEL = 16
/** Changes of one version that are told one by one. */
const LISTED_CHANGES = 40

/** @throws AlluviumError `CORRUPT_LOG`, storage errors */
export async function historyFacts(storage: Storage, view: LogView, options: HistoryOptions): Promise<HistoryFacts> {
  const { signal, maxCommits, maxChanges } = options
  const clock = await openClock(storage, { metadata: view.metadata, signal })
  const wanted = clock.versions.slice(-maxCommits)
  const commits: CommitFacts[] = []
  const found: { version: number; timeMs: number; actions: readonly Action[] }[] = []
  let partlyRead = 0
  for (let at = 0; at < wanted.length; at += PARALLEL) {
    throwIfAborted(signal, 'reading the history')
    const versions = wanted.slice(at, at + PARALLEL)
    const heads = await Promise.all(versions.map((version) => headOf(storage, version, signal)))
    for (const [n, version] of versions.entries()) {
      const head = heads[n]
      if (head === undefined) continue // cleaned away meanwhile
      if (!head.isWhole) partlyRead++
      const info = head.actions.find((action) => action.kind === 'commitInfo')?.info
      const own = clock.enabledAt !== undefined && version >= clock.enabledAt.version ? info?.inCommitTimestamp : undefined
      const timeMs = typeof own === 'number' ? own : await clock.timeOf(version)
      commits.push({ version, timeMs, operation: textOf(info, 'operation'), engine: textOf(info, 'engineInfo'), bytes: head.bytes })
      if (head.actions.some(({ kind }) => kind !== 'commitInfo')) found.push({ version, timeMs, actions: head.actions })
    }
  }
  return {
    commitCount: clock.versions.length,
    commits: commits.reverse(),
    changes: changesOf(found).slice(-maxChanges).reverse(),
    partlyRead,
  }
}

interface Head {
  readonly actions: readonly Action[]
  readonly isWhole: boolean
  readonly bytes: number
}

// Only the lines that matter are parsed: what a commit says of files is passed over.
async function headOf(storage: Storage, version: number, signal: AbortSignal | undefined): Promise<Head | undefined> {
  const path = commitPath(version)
  const bytes = await storage.readRange(path, 0, READ_BYTES, { signal })
  if (bytes === undefined) return undefined
  const isWhole = bytes.length < READ_BYTES
  const actions: Action[] = []
  for (let start = 0; start < bytes.length; ) {
    const end = bytes.indexOf(0x0a, start)
    if (end < 0 && !isWhole) break
    const line = bytes.subarray(start, end < 0 ? bytes.length : end)
    if (STARTS.some((begin) => beginsWith(line, begin))) actions.push(...parseCommit(line, { version, path }))
    start = end < 0 ? bytes.length : end + 1
  }
  const sizeBytes = isWhole ? bytes.length : ((await storage.stat(path, { signal }))?.sizeBytes ?? bytes.length)
  return { actions, isWhole, bytes: sizeBytes }
}

const STARTS: readonly Uint8Array[] = ['{"commitInfo"', '{"metaData"', '{"protocol"'].map(encodeUtf8)

function beginsWith(line: Uint8Array, begin: Uint8Array): boolean {
  for (let i = 0; i < begin.length; i++) if (line[i] !== begin[i]) return false
  return true
}

function textOf(info: JsonObject | undefined, key: string): string | undefined {
  const value = info?.[key]
  return typeof value === 'string' ? value : undefined
}

interface Meta {
  readonly columns: ReadonlyMap<string, string>
  readonly partitionBy: string
  readonly properties: Readonly<Record<string, string>>
}

// From version to version; of the first that was read nobody knows what was before, unless it made the table.
function changesOf(found: readonly { version: number; timeMs: number; actions: readonly Action[] }[]): SchemaChange[] {
  const changes: SchemaChange[] = []
  let meta: Meta | undefined
  let protocol: string | undefined
  for (const { version, timeMs, actions } of found) {
    const told: string[] = []
    for (const action of actions) {
      if (action.kind === 'metaData') {
        const next = {
          columns: columnsOf(action.schemaString),
          partitionBy: action.partitionColumns.join(', '),
          properties: action.configuration,
        }
        if (meta !== undefined) told.push(...metaChanges(meta, next))
        else if (version === 0)
          told.push(
            `created with ${next.columns.size} column${next.columns.size === 1 ? '' : 's'}${next.partitionBy === '' ? '' : `, partitioned by ${next.partitionBy}`}`,
          )
        meta = next
      } else if (action.kind === 'protocol') {
        const features = [...new Set([...(action.readerFeatures ?? []), ...(action.writerFeatures ?? [])])].sort()
        const text = `reader ${action.minReaderVersion}, writer ${action.minWriterVersion}${features.length === 0 ? '' : ` (${features.join(', ')})`}`
        if (protocol !== undefined && protocol !== text) told.push(`protocol is now ${text}`)
        protocol = text
      }
    }
    const more = told.length - LISTED_CHANGES
    if (told.length > 0)
      changes.push({ version, timeMs, changes: more > 0 ? [...told.slice(0, LISTED_CHANGES), `and ${more} more`] : told })
  }
  return changes
}

function metaChanges(before: Meta, after: Meta): string[] {
  const told: string[] = []
  for (const [name, type] of after.columns) {
    const old = before.columns.get(name)
    if (old === undefined) told.push(`column ${name} ${type} added`)
    else if (old !== type) told.push(`column ${name} was ${old}, is ${type}`)
  }
  for (const [name, type] of before.columns) if (!after.columns.has(name)) told.push(`column ${name} ${type} dropped`)
  if (before.partitionBy !== after.partitionBy)
    told.push(`partitioned by ${after.partitionBy || 'nothing'}, was by ${before.partitionBy || 'nothing'}`)
  for (const [key, value] of Object.entries(after.properties))
    if (before.properties[key] !== value) told.push(`property ${key} set to ${value}`)
  for (const key of Object.keys(before.properties)) if (!Object.hasOwn(after.properties, key)) told.push(`property ${key} unset`)
  return told
}

// Every leaf by its path; a schema that cannot be read has none.
function columnsOf(schemaString: string): Map<string, string> {
  const columns = new Map<string, string>()
  const walk = (struct: StructType, prefix: string): void => {
    for (const { name, dataType, nullable } of struct.fields) {
      if (dataType.type === 'struct') walk(dataType, `${prefix}${name}.`)
      else columns.set(`${prefix}${name}`, `${typeName(dataType)}${nullable ? '' : ' not null'}`)
    }
  }
  try {
    walk(parseSchema(schemaString), '')
  } catch {
    columns.clear()
  }
  return columns
}
