// schema: the columns of a version.
import { parseJson } from '../../json.js'
import { formatColumns, formatSchema } from '../../schema/index.js'
import { type Command, numberOption } from '../command.js'
import { tableOf } from '../target.js'

export const schema: Command = {
  name: 'schema',
  usage: 'TABLE [--version N]',
  summary: 'the columns, as SQL (or with --json as Delta writes them)',
  options: { version: { type: 'string', value: 'N', help: 'this version; the latest when absent' } },
  examples: ['alluvium schema ./events', 'alluvium schema ./events --version 3 --json'],
  positionals: [1, 1],
  run: async (input) => {
    const version = numberOption(input.options, 'version')
    const table = await tableOf(input)
    const snapshot = await table.snapshot({ ...(version === undefined ? {} : { version }), signal: input.signal })
    if (input.output.json) await input.output.object(parseJson(formatSchema(snapshot.schema)))
    else await input.output.line(formatColumns(snapshot.schema).replaceAll(', ', ',\n'))
  },
}
