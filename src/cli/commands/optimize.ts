// optimize: fewer and larger files, optionally with rows in the order of a curve.
import {
  type ClusterOptions,
  formatPlan,
  type OptimizeOptions,
  type OptimizePlan,
  type OptimizeResult,
  optimize as optimizeTable,
  planOptimize,
} from '../../compaction/index.js'
import { bytesOption, type Command, listOption, numberOption, type OptionValues, textOption, usageError } from '../command.js'
import type { Output } from '../output.js'
import { tableOf } from '../target.js'

export const optimize: Command = {
  name: 'optimize',
  usage: 'TABLE [--target-size 128mb] [--where EXPR] [--zorder a,b | --hilbert a,b] [--dry-run]',
  summary: 'make large files out of small ones, and put rows in order',
  description: `Rows do not change. Files that are good are left alone: run again, it does nothing. Whoever appends is not disturbed; files that
somebody else changes meanwhile are left to them. The files that were replaced stay until vacuum, for readers of older versions.
Row groups are copied as they are where that can be done, else decoded and encoded.`,
  options: {
    'target-size': { type: 'string', value: 'SIZE', help: "bytes of a file as it should be; the table's delta.targetFileSize, else 128mb" },
    'min-files': { type: 'string', value: 'N', help: 'fewer files than this are not worth rewriting (2)' },
    where: { type: 'string', value: 'EXPR', help: 'only these partitions; partition columns alone' },
    zorder: { type: 'string', value: 'a,b', help: 'sort rows along a Z-order curve through these columns' },
    hilbert: { type: 'string', value: 'a,b', help: 'the same along a Hilbert curve' },
    full: { type: 'boolean', help: 'with --zorder or --hilbert: also what was put in this order before' },
    purge: { type: 'boolean', help: 'rewrite every file from which rows were deleted, however few' },
    're-encode': { type: 'boolean', help: 'copy no row groups: decode and encode everything' },
    'dry-run': { type: 'boolean', help: 'only print the plan' },
  },
  examples: [
    'alluvium optimize ./events',
    'alluvium optimize ./events --where "day >= DATE \'2026-01-01\'" --target-size 256mb',
    'alluvium optimize ./events --hilbert player,at',
    'alluvium optimize s3://bucket/events --dry-run --json',
  ],
  positionals: [1, 1],
  run: async (input) => {
    const { output, options, signal } = input
    const wanted = { ...optimizeOptions(options), signal, onProgress: showProgress(output) }
    const table = await tableOf(input)
    const { runtime } = table.context
    const start = runtime.monotonicMs()
    if (options['dry-run'] === true) {
      const plan = await planOptimize(table, wanted)
      const seconds = Math.round(runtime.monotonicMs() - start) / 1000
      return output.json ? output.object(planObject(plan, seconds)) : output.line(formatPlan(plan))
    }
    const result = await optimizeTable(table, wanted)
    await table.settled()
    return output.json ? output.object({ dryRun: false, ...result }) : output.line(summary(result))
  },
}

function optimizeOptions(options: OptionValues): OptimizeOptions {
  const targetSize = bytesOption(options, 'target-size')
  const minFiles = numberOption(options, 'min-files')
  const where = textOption(options, 'where')
  const cluster = clusterOption(options)
  if (options.full === true && cluster === undefined) throw usageError('--full goes with --zorder or --hilbert')
  return {
    ...(targetSize === undefined ? {} : { targetSize }),
    ...(minFiles === undefined ? {} : { minFiles }),
    ...(where === undefined ? {} : { where }),
    ...(cluster === undefined ? {} : { cluster }),
    ...(options.full === true ? { full: true } : {}),
    ...(options.purge === true ? { minDeletedShare: 0 } : {}),
    ...(options['re-encode'] === true ? { splice: false } : {}),
  }
}

function clusterOption(options: OptionValues): ClusterOptions | undefined {
  const [zorder, hilbert] = [listOption(options, 'zorder'), listOption(options, 'hilbert')]
  if (zorder !== undefined && hilbert !== undefined) throw usageError('give --zorder or --hilbert, not both')
  const by = zorder ?? hilbert
  if (by === undefined) return undefined
  if (by.length === 0) throw usageError(`--${zorder === undefined ? 'hilbert' : 'zorder'} wants names of columns`)
  return { by, curve: zorder === undefined ? 'hilbert' : 'zorder' }
}

function showProgress(output: Output): NonNullable<OptimizeOptions['onProgress']> {
  return ({ groupsDone, groupsTotal, bytesDone, bytesTotal }) => {
    const share = bytesTotal === 0 ? 100 : Math.floor((100 * bytesDone) / bytesTotal)
    output.progress(`${share} %: ${groupsDone} of ${groupsTotal} groups, ${bytesDone} of ${bytesTotal} bytes`)
  }
}

function planObject(plan: OptimizePlan, seconds: number): Record<string, unknown> {
  const { version, rules, filesInScope, bytesInScope, filesToRewrite, bytesToRewrite } = plan
  return {
    dryRun: true,
    version,
    targetSize: rules.targetBytes,
    filesInScope,
    bytesInScope,
    filesToRewrite,
    bytesToRewrite,
    versions: [],
    seconds,
    groups: plan.groups.map(({ partitionValues, files, sizeBytes, reason }) => ({
      partition: partitionValues,
      files: files.length,
      bytes: sizeBytes,
      reason,
    })),
  }
}

function summary(result: OptimizeResult): string {
  const { filesRemoved, bytesRemoved, filesWritten, bytesWritten, groups, skipped, version, versions, seconds } = result
  if (versions.length === 0 && skipped.length === 0) return `nothing to do: the files of version ${version} are as they should be`
  const spliced = groups.filter(({ mode }) => mode === 'splice').length
  const how = `${groups.length} groups, ${spliced} of them without decoding`
  const left = skipped.length === 0 ? '' : `; ${skipped.length} groups were left as they are: ${skipped[0]?.reason}`
  return `${filesRemoved} files with ${bytesRemoved} bytes became ${filesWritten} with ${bytesWritten} (${how}), version ${version}, ${seconds} s${left}`
}
