// vacuum: deletes data files that no version within the retention needs.
import { vacuum as vacuumTable } from '../../compaction/index.js'
import { type Command, textOption, usageError } from '../command.js'
import { durationOption } from '../duration.js'
import { readInventory } from '../inventory.js'
import { tableOf } from '../target.js'

export const vacuum: Command = {
  name: 'vacuum',
  usage: 'TABLE [--retention 168h] [--lite | --inventory FILE] [--dry-run] [--force-retention]',
  summary: 'delete data files that no version within the retention needs',
  description:
    "Versions older than the retention can no longer be read afterwards. Files that nobody has committed yet are kept as long: a\nretention shorter than the table's own (delta.deletedFileRetentionDuration, 7 days) needs --force-retention.",
  options: {
    retention: { type: 'string', value: 'TIME', help: "keep files that were needed within this time; the table's own when absent" },
    lite: { type: 'boolean', help: 'only files that the log says were removed since the last vacuum; lists no folder' },
    inventory: {
      type: 'string',
      value: 'FILE',
      help: 'the files there are, listed beforehand (path, length, isDir, modificationTime), instead of listing the folder',
    },
    'dry-run': { type: 'boolean', help: 'only name the files' },
    'force-retention': { type: 'boolean', help: "allow a retention shorter than the table's own" },
  },
  examples: [
    'alluvium vacuum ./events --dry-run',
    'alluvium vacuum ./events --retention 168h',
    'alluvium vacuum s3://bucket/events --inventory files.csv',
  ],
  positionals: [1, 1],
  run: async (input) => {
    const { output, options, signal } = input
    const retentionMs = durationOption(options, 'retention')
    if (textOption(options, 'retention') === '') throw usageError('--retention wants a duration like 168h')
    const dryRun = options['dry-run'] === true
    const inventory = textOption(options, 'inventory')
    if (inventory !== undefined && options.lite === true) throw usageError('give --lite or --inventory, not both')
    const table = await tableOf(input)
    const { runtime } = table.context
    const start = runtime.monotonicMs()
    const result = await vacuumTable(table as never, {
      dryRun,
      mode: options.lite === true ? 'lite' : 'full',
      ...(inventory === undefined ? {} : { inventory: readInventory(inventory) }),
      forceRetention: options['force-retention'] === true,
      signal,
      ...(retentionMs === undefined ? {} : { retentionMs }),
    })
    const seconds = Math.round(runtime.monotonicMs() - start) / 1000
    const { paths, bytes, mode, cutoffMs, filesSeen, versions } = result
    if (output.json) {
      const counts = dryRun ? { filesToDelete: paths.length, bytesToDelete: bytes } : { filesDeleted: paths.length, bytesDeleted: bytes }
      return output.object({ mode, dryRun, cutoff: cutoffMs, filesSeen, ...counts, ...(dryRun ? { paths } : {}), versions, seconds })
    }
    if (dryRun) for (const path of paths) await output.line(path)
    await output.line(`${paths.length} of ${filesSeen} files with ${bytes} bytes ${dryRun ? 'would be' : 'were'} deleted, ${seconds} s`)
  },
}
