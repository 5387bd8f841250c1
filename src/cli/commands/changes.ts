// changes: print what happened to rows over a range of versions.
import { type Command, listOption, textOption, usageError } from '../command.js'
import { ALLOW_PATH_OPTION } from '../snapshot.js'
import { tableOf } from '../target.js'
import { FORMATS, formatOption, printBatches } from './read.js'

const COMMIT_TIMESTAMP = '_commit_timestamp'

export const changes: Command = {
  name: 'changes',
  usage: 'TABLE --from V [options]',
  summary: 'print which rows came, went and changed',
  description: `Rows have the columns of the table and _change_type (insert, delete, update_preimage, update_postimage), _commit_version
and _commit_timestamp; canonical rows go without the last. The table needs delta.enableChangeDataFeed=true at every version
of the range. --where takes the conditions of 'alluvium read', also on those three columns.`,
  options: {
    from: { type: 'string', value: 'V', help: 'the first version, or a time (ISO 8601 with a zone)' },
    to: { type: 'string', value: 'V', help: 'the last version, included, or a time; the latest when absent' },
    columns: { type: 'string', value: 'A,B', help: 'only these columns' },
    where: { type: 'string', value: 'EXPR', help: 'only rows for which this is true' },
    ...ALLOW_PATH_OPTION,
    format: { type: 'string', value: FORMATS.join('|'), help: 'how to print; table when absent, ndjson with --json' },
    explain: { type: 'boolean', help: 'print which versions and files would be read, and stop' },
  },
  examples: [
    'alluvium changes ./events --from 3',
    `alluvium changes ./events --from 3 --to 5 --where "_change_type = 'delete'" --format ndjson`,
    'alluvium changes ./events --from 2026-01-31T12:00:00Z --columns id,_change_type,_commit_version',
  ],
  positionals: [1, 1],
  run: async (input) => {
    const { options, output, signal } = input
    const format = formatOption(input)
    const from = pointOption(textOption(options, 'from'), 'from')
    if (from === undefined) throw usageError("--from is needed: the first version to read. See 'alluvium changes --help'.")
    const to = pointOption(textOption(options, 'to'), 'to')
    const columns = listOption(options, 'columns')
    const where = textOption(options, 'where')
    // Versions after the last one wanted do not matter.
    const point = to === undefined ? {} : typeof to === 'number' ? { version: to } : { timestamp: to }
    const feed = (await tableOf(input, point)).changes({
      from,
      ...(to === undefined ? {} : { to }),
      ...(columns === undefined ? {} : { columns }),
      ...(where === undefined ? {} : { where }),
      signal,
    })
    if (options.explain === true) return output.line(await feed.explain())
    const { fields } = (await feed.plan()).output
    const shown = format === 'canonical' ? fields.filter((field) => field.name !== COMMIT_TIMESTAMP) : fields
    await printBatches(feed.batches(), { type: 'struct', fields: shown }, format, output)
  },
}

// A version, or a time.
function pointOption(text: string | undefined, name: string): number | string | undefined {
  if (text === undefined || !/^[+-]?\d+$/.test(text)) return text
  const version = Number(text)
  if (version < 0 || !Number.isSafeInteger(version))
    throw usageError(`--${name} is a version from 0, or a time, not ${JSON.stringify(text)}`)
  return version
}
