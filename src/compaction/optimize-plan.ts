// The plan of an `optimize`: pure decisions over one version, to be printed or carried out.
import { assertWritable, type LogView } from '../log/index.js'
import type { Table } from '../table/index.js'
import { clusterColumns } from './cluster-columns.js'
import { DEFAULT_CLUSTER_BYTES, type OptimizeOptions, type OptimizeRules, optimizeRules } from './optimize-options.js'
import type { PartitionTexts } from './partition-numbering.js'
import { type FileGroup, GOOD_SHARE, groupsAsFilled, isGood, type PlanFile, planClusters, planGroups } from './plan.js'
import { clusterKey, filesInScope, partitionNames } from './plan-files.js'

/** Files that will be rewritten together. */
export interface PlannedGroup extends FileGroup {
  /** By the names that files have for partition columns. */
  readonly partitionValues: Readonly<Record<string, string | null>>
  readonly texts: PartitionTexts
}

/** What an `optimize` will do. */
export interface OptimizePlan {
  readonly version: number
  readonly view: LogView
  readonly rules: OptimizeRules
  readonly groups: readonly PlannedGroup[]
  /** Files that the filter on partitions leaves. */
  readonly filesInScope: number
  readonly bytesInScope: number
  readonly filesToRewrite: number
  readonly bytesToRewrite: number
  /** Files that are not good yet in the partition that has most of them. */
  readonly smallFiles: number
}

/**
 * Plans an `optimize` of the latest version, and changes nothing.
 * @throws AlluviumError `INVALID_OPTIONS`, `UNSUPPORTED_FEATURE` for a table that must not be written here, storage errors
 */
export async function planOptimize<Row, Input>(table: Table<Row, Input>, options: OptimizeOptions = {}): Promise<OptimizePlan> {
  const { signal } = options
  const { view } = await table.snapshot(signal === undefined ? {} : { signal })
  return planOn(view, options)
}

/** As {@link planOptimize}, of a version that is at hand. */
export async function planOn(view: LogView, options: OptimizeOptions, isInScope?: (row: number) => boolean): Promise<OptimizePlan> {
  assertWritable(view.protocol, view.metadata)
  const rules = optimizeRules(view, options)
  const { where, cluster, full = false, signal } = options
  if (cluster !== undefined) clusterColumns(view, cluster.by)
  const goodBytes = cluster === undefined ? rules.targetBytes * GOOD_SHARE : Number.POSITIVE_INFINITY
  const scope = await filesInScope(view, { where, isInScope, goodBytes, clusters: cluster !== undefined, signal })
  const { files, partitions } = scope
  const names = partitionNames(view)
  const planned =
    cluster === undefined
      ? planGroups(files, rules)
      : planClusters([...files], { ...rules, key: clusterKey(cluster), maxBytes: cluster.maxBytes ?? DEFAULT_CLUSTER_BYTES, full })
  const groups = planned.map((group) => {
    const texts = partitions[group.partition] ?? []
    return { ...group, texts, partitionValues: valuesOf(names, texts) }
  })
  return {
    version: view.version,
    view,
    rules,
    groups,
    filesInScope: scope.numFiles,
    bytesInScope: scope.sizeBytes,
    filesToRewrite: groups.reduce((sum, group) => sum + group.files.length, 0),
    bytesToRewrite: groups.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
    smallFiles: mostSmallFiles(files, rules),
  }
}

/** What {@link planOn} would rewrite by default, counted without keeping the plan. @throws as `planOptimize` */
export async function planCounts(
  view: LogView,
  signal: AbortSignal | undefined,
): Promise<{ groups: number; files: number; bytes: number }> {
  assertWritable(view.protocol, view.metadata)
  const rules = optimizeRules(view, {})
  const { files } = await filesInScope(view, { goodBytes: rules.targetBytes * GOOD_SHARE, signal })
  const counts = { groups: 0, files: 0, bytes: 0 }
  for (const group of groupsAsFilled(files, rules)) {
    counts.groups++
    counts.files += group.files.length
    counts.bytes += group.sizeBytes
  }
  return counts
}

function mostSmallFiles(files: Iterable<PlanFile>, rules: OptimizeRules): number {
  const counts = new Map<number, number>()
  for (const file of files) if (!isGood(file, rules)) counts.set(file.partition, (counts.get(file.partition) ?? 0) + 1)
  return [...counts.values()].reduce((most, count) => Math.max(most, count), 0)
}

function valuesOf(names: readonly string[], texts: PartitionTexts): Record<string, string | null> {
  const values = Object.create(null) as Record<string, string | null>
  names.forEach((name, at) => {
    values[name] = texts[at] ?? null
  })
  return values
}

const SHOWN_GROUPS = 20

/** The plan for people, a fact a line. */
export function formatPlan(plan: OptimizePlan): string {
  const { version, groups, rules, filesToRewrite, bytesToRewrite } = plan
  const lines = [
    `optimize of version ${version}`,
    `  target: files of ${rules.targetBytes} bytes`,
    `  files: ${filesToRewrite} of ${plan.filesInScope}, ${bytesToRewrite} of ${plan.bytesInScope} bytes, in ${groups.length} groups`,
  ]
  for (const { partitionValues, files, sizeBytes, reason } of groups.slice(0, SHOWN_GROUPS)) {
    const values = Object.entries(partitionValues).map(([name, value]) => `${name}=${value ?? 'null'}`)
    lines.push(`  ${values.join('/') || 'the table'}: ${files.length} files, ${sizeBytes} bytes, ${reason}`)
  }
  if (groups.length > SHOWN_GROUPS) lines.push(`  … and ${groups.length - SHOWN_GROUPS} more groups`)
  return lines.join('\n')
}
