// cleanup: deletes what the log's retention lets go.
import type { Command } from '../command.js'
import { tableOf } from '../target.js'

export const cleanup: Command = {
  name: 'cleanup',
  usage: 'TABLE [--dry-run]',
  summary: 'delete old commits and checkpoints from the log',
  description:
    'What is older than delta.logRetentionDuration (30 days) goes, down to the newest checkpoint before that. Versions that old can no\nlonger be read afterwards.',
  options: { 'dry-run': { type: 'boolean', help: 'only name the files' } },
  examples: ['alluvium cleanup ./events --dry-run', 'alluvium cleanup ./events'],
  positionals: [1, 1],
  run: async (input) => {
    const { output, options, signal } = input
    const table = await tableOf(input)
    const dryRun = options['dry-run'] === true
    const { cutoffMs, keptFrom, paths, bytes } = await table.cleanup({ dryRun, signal })
    if (output.json) return output.object({ cutoff: cutoffMs, keptFrom: keptFrom ?? null, files: paths.length, bytes, dryRun, paths })
    if (dryRun) for (const path of paths) await output.line(path)
    if (keptFrom === undefined) return output.line('nothing to clean: no checkpoint is older than the retention')
    await output.line(
      `${paths.length} files with ${bytes} bytes ${dryRun ? 'would be' : 'were'} deleted; versions from ${keptFrom} on are kept`,
    )
  },
}
