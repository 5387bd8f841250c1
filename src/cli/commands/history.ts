// history: what was committed, newest first.
import { readHistory } from '../../log/index.js'
import { type Command, numberOption } from '../command.js'
import { formatTable } from '../output.js'
import { storageOf } from '../target.js'

export const history: Command = {
  name: 'history',
  usage: 'TABLE [--limit N]',
  summary: 'what was committed, newest first',
  options: { limit: { type: 'string', value: 'N', help: 'at most this many versions' } },
  examples: ['alluvium history ./events', 'alluvium history ./events --limit 5 --json'],
  positionals: [1, 1],
  run: async (input) => {
    const { options, output, signal } = input
    const limit = numberOption(options, 'limit')
    // The log alone: what was committed can be told of tables whose rows cannot be read.
    const entries = await readHistory(await storageOf(input), { ...(limit === undefined ? {} : { limit }), signal })
    if (output.json) {
      for (const { version, timestampMs, info } of entries) {
        await output.object({ ...(info ?? {}), version, timestamp: timestampMs })
      }
      return
    }
    await output.write(
      formatTable(
        ['version', 'time', 'operation', 'rows', 'engine'],
        entries.map(({ version, timestampMs, info }) => [
          String(version),
          new Date(timestampMs).toISOString(),
          text(info?.operation),
          text((info?.operationMetrics as Record<string, unknown> | undefined)?.numOutputRows),
          text(info?.engineInfo),
        ]),
      ),
    )
  },
}

const text = (value: unknown): string => (value === undefined || value === null ? '' : String(value))
