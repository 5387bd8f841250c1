// checkpoint: writes a checkpoint of the latest version.
import { compactLog } from '../../log/index.js'
import type { Command } from '../command.js'
import { tableOf } from '../target.js'

export const checkpoint: Command = {
  name: 'checkpoint',
  usage: 'TABLE [--compact]',
  summary: 'write a checkpoint of the latest version',
  description:
    'Readers open the table from its newest checkpoint and the commits after it. Tables with delta.checkpointPolicy=v2 get one with\nsidecars, of which those without change are used again.',
  options: { compact: { type: 'boolean', help: 'write a log compaction of the commits since the newest checkpoint instead' } },
  examples: ['alluvium checkpoint ./events', 'alluvium checkpoint ./events --json'],
  positionals: [1, 1],
  run: async (input) => {
    const { output, options, signal } = input
    const table = await tableOf(input)
    if (options.compact === true) {
      const compacted = await compactLog(table.context.storage, (await table.snapshot({ signal })).view, signal)
      if (output.json) return output.object({ ...compacted, path: compacted.path ?? null })
      return output.line(
        compacted.path === undefined ? 'nothing to compact' : `versions ${compacted.from} to ${compacted.to} in ${compacted.path}`,
      )
    }
    const { runtime } = table.context
    const start = runtime.monotonicMs()
    const result = await table.checkpoint({ signal })
    const seconds = Math.round(runtime.monotonicMs() - start) / 1000
    if (output.json) return output.object({ ...result, seconds })
    if (!result.written) return output.line(`version ${result.version} has a checkpoint already: ${result.path}`)
    const sidecars = result.kind === 'v2' ? `, ${result.sidecarsWritten} sidecars written and ${result.sidecarsReused} used again` : ''
    await output.line(
      `version ${result.version}: ${result.numAddFiles} files and ${result.numRemoveFiles} tombstones in ${result.path}, ${result.bytesWritten} bytes${sidecars}, ${seconds} s`,
    )
  },
}
