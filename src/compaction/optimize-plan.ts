// The plan of an `optimize`: pure decisions over one version, to be printed or carried out.
import type { LogView } from '../log/index.js'
import type { Table } from '../table/index.js'
import { type OptimizeOptions, type OptimizeRules, optimizeRules } from './optimize-options.js'
import { type FileGroup, planGroups } from './plan.js'
import { filesInScope, type PartitionTexts, partitionNames } from './plan-files.js'

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
}

/** Plans an `optimize` of the latest version, and changes nothing. @throws AlluviumError `INVALID_OPTIONS`, storage errors */
export async function planOptimize<Row, Input>(table: Table<Row, Input>, options: OptimizeOptions = {}): Promise<OptimizePlan> {
  const { signal } = options
  const { view } = await table.snapshot(signal === undefined ? {} : { signal })
  return planOn(view, options)
}

/** As {@link planOptimize}, of a version that is at hand. */
export async function planOn(view: LogView, options: OptimizeOptions, isInScope?: (row: number) => boolean): Promise<OptimizePlan> {
  const rules = optimizeRules(view, options)
  const { files, partitions } = await filesInScope(view, { where: options.where, isInScope, signal: options.signal })
  const names = partitionNames(view)
  const groups = planGroups(files, rules).map((group) => {
    const texts = partitions[group.partition] ?? []
    return { ...group, texts, partitionValues: valuesOf(names, texts) }
  })
  return {
    version: view.version,
    view,
    rules,
    groups,
    filesInScope: files.length,
    bytesInScope: files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
    filesToRewrite: groups.reduce((sum, group) => sum + group.files.length, 0),
    bytesToRewrite: groups.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
  }
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
