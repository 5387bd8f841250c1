// Planning a reading of changes: which versions, which files, which columns, what is left to filter. A plan reads commits
// and no data; it can be printed before it runs.
import {
  type BoundFilter,
  type Bounds,
  bindFilter,
  type ColumnBounds,
  type Expression,
  formatExpression,
  parseFilter,
  partitionBounds,
} from '../filter/index.js'
import { commitPath, type LogView, parseCommit, readCommitBytes } from '../log/index.js'
import { assertKnownTypes, checkColumnMapping, type PhysicalValue, type StructType } from '../schema/index.js'
import type { Storage } from '../storage/storage.js'
import { findRange, type RangeCommit, shapeBefore, walkRange } from './change-log.js'
import { CHANGE_TYPE, COMMIT_TIMESTAMP, COMMIT_VERSION, checkReadableAs, feedSchema, type Shape } from './change-schema.js'
import { type FileChange, fileChanges, partitionTexts } from './file-changes.js'
import { neededColumns, selectColumns } from './scan-plan.js'

export interface ChangesOptions {
  /** The first version; or a time (a `Date`, or ISO 8601 text with a zone), for the first version committed at or after it. */
  readonly from: number | Date | string
  /** The last version, included; or a time, for the last version committed at or before it. The latest version when absent. */
  readonly to?: number | Date | string
  /** Columns to return, in this order, `_change_type`, `_commit_version` and `_commit_timestamp` among them or not; all when absent. */
  readonly columns?: readonly string[]
  /** Rows to keep: an expression, or its SQL-like text. It may name the three columns too. */
  readonly where?: Expression | string
  /** Rows of one batch at most. */
  readonly batchRows?: number
  readonly signal?: AbortSignal | undefined
}

/** What one version of the range gives. */
export interface PlannedVersion {
  readonly version: number
  /** When it was committed: milliseconds since 1970. */
  readonly timestampMs: number
  /** Change data files to read. */
  readonly cdcFiles: number
  /** Files whose rows all came. */
  readonly insertedFiles: number
  /** Files whose rows all went. */
  readonly deletedFiles: number
  /** Files of which some rows went or came back, by deletion vector. */
  readonly vectorFiles: number
  /** Files skipped, because the filter is true of no row in them. */
  readonly skippedFiles: number
}

/** What a reading of changes will do. It reads no data file that is not counted here. */
export interface ChangesPlan {
  readonly from: number
  readonly to: number
  readonly versions: readonly PlannedVersion[]
  /** Columns of the rows that come out. */
  readonly output: StructType
  /** Columns read or filled in: the output and what the filter needs. */
  readonly needed: StructType
  readonly filter: BoundFilter | undefined
  readonly filterText: string | undefined
  /** Files to read, of all versions. */
  readonly numFiles: number
  /** Their size in bytes, as far as the log knows. */
  readonly bytesToRead: number
}

/** @internal A plan with what reading needs of the versions' own shapes. */
export interface ReadyPlan {
  readonly plan: ChangesPlan
  readonly end: Shape
  readonly versions: readonly ReadyVersion[]
}

/** @internal A version of the range. */
export interface DatedVersion {
  readonly version: number
  readonly timestampMs: number
  readonly shape: Shape
}

/** @internal */
export interface ReadyVersion extends DatedVersion {
  readonly planned: PlannedVersion
  /** Surely, none of its files has partition values. */
  readonly unpartitioned: boolean
  /** Those to read; undefined where there were too many to keep: they are read from the commit again. */
  readonly changes: readonly FileChange[] | undefined
}

// Files kept in a plan; beyond that a commit is read twice.
const MAX_KEPT_FILES = 20_000

/**
 * Plans a reading of changes.
 * @throws AlluviumError `VERSION_NOT_FOUND`, `UNSUPPORTED_FEATURE`, `SCHEMA_MISMATCH`, `INVALID_OPTIONS`, `CORRUPT_LOG`, storage errors
 */
export async function planChanges(storage: Storage, known: LogView, options: ChangesOptions): Promise<ReadyPlan> {
  const { signal } = options
  const range = await findRange(storage, options)
  const walked: Walked[] = []
  let kept = 0
  for await (const commit of walkRange(storage, range, known, signal)) {
    const { version, actions, shape } = commit
    const changes = fileChanges(actions, version, storage)
    const before = changes.some(({ kind }) => kind === 'delete') ? await olderShape(storage, commit, range.from, signal) : undefined
    const sure = before !== undefined || !actions.some(({ kind }) => kind === 'metaData')
    const unpartitioned = sure && [shape, before].every((known) => (known?.metadata.partitionColumns.length ?? 0) === 0)
    kept += changes.length
    walked.push({ version, shape, before, unpartitioned, changes: kept > MAX_KEPT_FILES ? undefined : changes })
  }
  const end = (walked.at(-1) as Walked).shape
  const shapes = walked.flatMap(({ version, shape, before }) =>
    (before === undefined ? [] : [{ version, shape: before }]).concat({ version, shape }),
  )
  const columns = columnsOf(
    options,
    end,
    shapes.some(({ shape }) => isOther(shape, end)),
  )
  const wanted = { end, columns: new Set(columns.needed.fields.map((field) => field.name)), all: options.columns === undefined }
  for (const { version, shape } of shapes) checkReadableAs(shape, wanted, version)
  const versions: ReadyVersion[] = []
  let [numFiles, bytesToRead] = [0, 0]
  for (const { version, shape, unpartitioned, changes: found } of walked) {
    const timestampMs = await range.clock.timeOf(version)
    const all = found ?? (await changesOf(storage, version, signal))
    const changes = all.filter((change) => mightMatch(change, columns.filter, { version, timestampMs, shape }, end))
    for (const { file } of changes) bytesToRead += file.sizeBytes ?? 0
    numFiles += changes.length
    const planned = { version, timestampMs, ...countsOf(changes), skippedFiles: all.length - changes.length }
    versions.push({ version, timestampMs, planned, shape, unpartitioned, changes: found === undefined ? undefined : changes })
  }
  const plan = { from: range.from, to: range.to, versions: versions.map(({ planned }) => planned), ...columns, numFiles, bytesToRead }
  return { plan, end, versions }
}

interface Walked {
  readonly version: number
  readonly shape: Shape
  /** Of the rows that went, where it is another. */
  readonly before: Shape | undefined
  readonly unpartitioned: boolean
  readonly changes: readonly FileChange[] | undefined
}

/** @internal The changes of a commit that a plan has not kept. */
export async function changesOf(storage: Storage, version: number, signal: AbortSignal | undefined): Promise<FileChange[]> {
  const bytes = await readCommitBytes(storage, version, { signal })
  return fileChanges(parseCommit(bytes, { version, path: commitPath(version) }), version, storage)
}

/** @internal Whether the filter can be true of a row of this change. */
export function mightMatch(change: FileChange, filter: BoundFilter | undefined, version: DatedVersion, end: Shape): boolean {
  return filter === undefined || filter.mightMatch(boundsOf(change, version, end))
}

/** The plan for people, a fact a line. */
export function formatChangesPlan(plan: ChangesPlan): string {
  const shown = 20
  const lines = [
    `changes of versions ${plan.from} to ${plan.to}`,
    `  columns: ${plan.output.fields.map((field) => field.name).join(', ') || '(none)'}`,
    `  filter: ${plan.filterText ?? '(none)'}`,
    `  files: ${plan.numFiles}, ${plan.bytesToRead} bytes`,
    ...plan.versions.slice(0, shown).map(formatVersion),
  ]
  if (plan.versions.length > shown) lines.push(`  … and ${plan.versions.length - shown} more versions`)
  return lines.join('\n')
}

function formatVersion(version: PlannedVersion): string {
  const counts = [
    [version.cdcFiles, 'of change data'],
    [version.insertedFiles, 'inserted'],
    [version.deletedFiles, 'deleted'],
    [version.vectorFiles, 'with another deletion vector'],
    [version.skippedFiles, 'skipped'],
  ] as const
  const texts = counts.filter(([count]) => count > 0).map(([count, what]) => `${count} ${what}`)
  return `  version ${version.version}: ${texts.length === 0 ? 'no changes' : `files ${texts.join(', ')}`}`
}

type Columns = Pick<ChangesPlan, 'output' | 'needed' | 'filter' | 'filterText'>

function columnsOf(options: ChangesOptions, end: Shape, relaxed: boolean): Columns {
  const feed = feedSchema(end.schema, relaxed)
  const output = selectColumns(feed, options.columns)
  const expression = typeof options.where === 'string' ? parseFilter(options.where) : options.where
  const filter = expression === undefined ? undefined : bindFilter(expression, feed)
  const needed = neededColumns(feed, output, filter)
  assertKnownTypes(needed)
  checkColumnMapping(end.schema, end.mode)
  return { output, needed, filter, filterText: expression === undefined ? undefined : formatExpression(expression) }
}

// Rows that went were written under the shape before. Within the range that is at hand; at its beginning it is looked for
// only where the first commit changes it.
async function olderShape(
  storage: Storage,
  commit: RangeCommit,
  from: number,
  signal: AbortSignal | undefined,
): Promise<Shape | undefined> {
  if (commit.before !== undefined || commit.version > from) return commit.before
  return commit.actions.some((action) => action.kind === 'metaData') ? shapeBefore(storage, commit.version, signal) : undefined
}

function isOther(shape: Shape, end: Shape): boolean {
  return shape.metadata.schemaString !== end.metadata.schemaString
}

function countsOf(changes: readonly FileChange[]): Pick<PlannedVersion, 'cdcFiles' | 'insertedFiles' | 'deletedFiles' | 'vectorFiles'> {
  const count = (kind: FileChange['kind']): number => changes.reduce((sum, change) => sum + (change.kind === kind ? 1 : 0), 0)
  return { cdcFiles: count('cdc'), insertedFiles: count('insert'), deletedFiles: count('delete'), vectorFiles: count('vectors') }
}

function boundsOf(change: FileChange, { version, timestampMs, shape }: DatedVersion, end: Shape): Bounds {
  const { kind, file } = change
  const texts = file.partitionValues === undefined ? undefined : partitionTexts(file, file.partitionValues, shape, end)
  const only = (value: PhysicalValue): ColumnBounds => ({ min: value, max: value, nullCount: 0 })
  return {
    get: ([name, ...inner]) => {
      if (name === undefined || inner.length > 0) return undefined
      if (name === COMMIT_VERSION) return only(BigInt(version))
      if (name === COMMIT_TIMESTAMP) return only(BigInt(timestampMs) * 1000n)
      if (name === CHANGE_TYPE) return kind === 'insert' || kind === 'delete' ? only(kind) : undefined
      const text = texts?.get(name)
      const field = end.schema.fields.find((candidate) => candidate.name === name)
      return text === undefined || field === undefined ? undefined : partitionBounds(field.dataType, text)
    },
  }
}
