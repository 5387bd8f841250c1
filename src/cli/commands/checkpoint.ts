// checkpoint: writes a checkpoint of the latest version.
import type { Command } from '../command.js'
import { tableOf } from '../target.js'

export const checkpoint: Command = {
  name: 'checkpoint',
  usage: 'TABLE',
  summary: 'write a checkpoint of the latest version',
  description:
    'Readers open the table from its newest checkpoint and the commits after it. Tables with delta.checkpointPolicy=v2 get one with\nsidecars, of which those without change are used again.',
  options: {},
  examples: ['alluvium checkpoint ./events', 'alluvium checkpoint ./events --json'],
  positionals: [1, 1],
  run: async (input) => {
    const { output, signal } = input
    const table = await tableOf(input)
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
