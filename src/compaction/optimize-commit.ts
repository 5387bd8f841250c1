// Committing groups that are rewritten. Rule: a group is committed only while all of its files are live as they were read,
// deletion vectors included, under the protocol and metadata they were written for; a group that is not is dropped alone.
import { isAlluviumError } from '../errors.js'
import { formatExpression } from '../filter/index.js'
import { type CommitResult, commit } from '../log/commit/index.js'
import type { Action, LogView } from '../log/index.js'
import { mayBeVacuumed, type Table, tombstone } from '../table/index.js'
import type { OptimizeOptions } from './optimize-options.js'
import type { RewriteContext, RewrittenGroup } from './rewrite-group.js'

/** What became of groups. */
export interface CommittedGroups {
  /** Undefined where nothing was left to commit. */
  readonly result: CommitResult | undefined
  readonly committed: readonly RewrittenGroup[]
  readonly dropped: readonly RewrittenGroup[]
  /** How often a commit was begun: 1 where nobody changed anything that matters. */
  readonly attempts: number
}

/**
 * Commits groups in one version; whose files others took meanwhile are dropped, and the others go on.
 * @throws AlluviumError `COMMIT_STATE_UNKNOWN`, `ABORTED`, storage errors
 */
export async function commitGroups<Row, Input>(
  table: Table<Row, Input>,
  rewrite: RewriteContext,
  groups: readonly RewrittenGroup[],
  options: OptimizeOptions & { readonly maxAttempts: number },
): Promise<CommittedGroups> {
  const { signal } = options
  const dropped: RewrittenGroup[] = []
  let left = [...groups]
  let seen = rewrite.view
  for (let attempt = 1; ; attempt++) {
    const { view } = await table.snapshot(signal === undefined ? {} : { signal })
    const whole = left.filter((group) => isWhole(rewrite.view, view, group))
    dropped.push(...left.filter((group) => !whole.includes(group)))
    left = whole
    // What lay there for long may be gone: a vacuum takes old files that no version has.
    const adds = left.flatMap((group) => group.adds)
    if (await mayBeVacuumed(rewrite.context, adds, { from: seen, to: view }, signal)) dropped.push(...left.splice(0))
    seen = view
    if (left.length === 0) return { result: undefined, committed: [], dropped, attempts: attempt }
    try {
      const result = await commitOn(rewrite, view, left, options)
      return { result, committed: left, dropped, attempts: attempt }
    } catch (error) {
      if (!isAlluviumError(error, 'COMMIT_CONFLICT') || attempt >= options.maxAttempts) throw error
    }
    // Whose files are gone is seen in the next snapshot.
    await rewrite.context.runtime.sleep(backOffMs(attempt, rewrite.context.runtime.random()), signal)
  }
}

const FIRST_PAUSE_MS = 20
const LONGEST_PAUSE_MS = 2000

/** Pauses grow from one attempt to the next, spread by chance. */
export function backOffMs(attempt: number, random: number): number {
  return Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** attempt) * (0.5 + random / 2)
}

function isWhole(read: LogView, now: LogView, { group }: RewrittenGroup): boolean {
  if (!isSameForm(read, now)) return false
  return group.files.every(({ row }) => now.files.find(read.files.path(row), read.files.deletionVector(row)) >= 0)
}

function isSameForm(a: LogView, b: LogView): boolean {
  if (a.metadata === b.metadata && a.protocol === b.protocol) return true
  const form = ({ metadata, protocol }: LogView): string =>
    JSON.stringify([metadata.schemaString, metadata.partitionColumns, Object.entries(metadata.configuration).sort(), protocol])
  return form(a) === form(b)
}

function commitOn(
  { view: read, copy, context }: RewriteContext,
  base: LogView,
  groups: readonly RewrittenGroup[],
  options: OptimizeOptions,
): Promise<CommitResult> {
  const { signal } = options
  const now = context.runtime.now()
  const files = groups.flatMap(({ group }) => group.files.map(({ row }) => read.files.add(row)))
  const removes: Action[] = files.map((file) => ({ ...tombstone(file, now), dataChange: false }))
  return commit(
    context,
    {
      base,
      actions: [...removes, ...groups.flatMap(({ adds }) => adds)],
      operation: 'OPTIMIZE',
      operationParameters: parameters(options),
      operationMetrics: metrics(groups, files.length),
      readSet: { appIds: [], readFiles: new Set(files.map(({ path }) => path)) },
      isolation: 'SnapshotIsolation',
      ...(copy.rowIdColumns.length > 0 ? { keepsRowIds: true } : {}),
    },
    signal === undefined ? {} : { signal },
  )
}

// As Delta Spark tells of it.
function parameters({ where, cluster, auto = false }: OptimizeOptions): Record<string, unknown> {
  const predicate = where === undefined ? [] : [typeof where === 'string' ? where : formatExpression(where)]
  return { predicate, zOrderBy: cluster?.by ?? [], clusterBy: [], auto }
}

function metrics(groups: readonly RewrittenGroup[], removed: number): Record<string, string> {
  const sizes = groups.flatMap(({ adds }) => adds.map(({ size }) => size)).sort((a, b) => a - b)
  const sum = (numbers: readonly number[]): number => numbers.reduce((total, each) => total + each, 0)
  const quantile = (share: number): number => sizes[Math.min(sizes.length - 1, Math.floor(share * sizes.length))] ?? 0
  const vectors = groups.reduce(
    (count, { group }) => count + group.files.filter(({ deletedShare }) => deletedShare !== undefined).length,
    0,
  )
  return texts({
    numRemovedFiles: removed,
    numRemovedBytes: sum(groups.map(({ group }) => group.sizeBytes)),
    numAddedFiles: sizes.length,
    numAddedBytes: sum(sizes),
    numDeletionVectorsRemoved: vectors,
    minFileSize: sizes[0] ?? 0,
    p25FileSize: quantile(0.25),
    p50FileSize: quantile(0.5),
    p75FileSize: quantile(0.75),
    maxFileSize: sizes.at(-1) ?? 0,
  })
}

function texts(numbers: Readonly<Record<string, number>>): Record<string, string> {
  return Object.fromEntries(Object.entries(numbers).map(([name, value]) => [name, String(value)]))
}
