// schema: the columns of a version.
import { parseJson } from '../../json.js'
import { loadFacts } from '../../log/index.js'
import { formatColumns, formatSchema } from '../../schema/index.js'
import { type Command, numberOption } from '../command.js'
import { storageOf } from '../target.js'

export const schema: Command = {
  name: 'schema',
  usage: 'TABLE [--version N]',
  summary: 'the columns, as SQL (or with --json as Delta writes them)',
  options: { version: { type: 'string', value: 'N', help: 'this version; the latest when absent' } },
  examples: ['alluvium schema ./events', 'alluvium schema ./events --version 3 --json'],
  positionals: [1, 1],
  run: async (input) => {
    const version = numberOption(input.options, 'version')
    const found = await loadFacts(await storageOf(input), { ...(version === undefined ? {} : { version }), signal: input.signal })
    if (input.output.json) await input.output.object(parseJson(formatSchema(found.schema)))
    else await input.output.line(formatColumns(found.schema).replaceAll(', ', ',\n'))
  },
}
