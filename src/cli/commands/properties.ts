// properties: show, set and unset table properties.
import { loadFacts } from '../../log/index.js'
import { type Command, listOption, pairsOption } from '../command.js'
import { formatTable } from '../output.js'
import { storageOf, tableOf } from '../target.js'

export const properties: Command = {
  name: 'properties',
  usage: 'TABLE [--set K=V]… [--unset K]…',
  summary: 'show, set and unset table properties',
  options: {
    set: { type: 'string', multiple: true, value: 'K=V', help: 'set a property (repeatable)' },
    unset: { type: 'string', multiple: true, value: 'K', help: 'remove a property (repeatable)' },
  },
  examples: [
    'alluvium properties ./events',
    'alluvium properties ./events --set delta.logRetentionDuration="interval 7 days"',
    'alluvium properties ./events --unset delta.appendOnly',
  ],
  positionals: [1, 1],
  run: async (input) => {
    const { options, output, signal } = input
    const set = pairsOption(options, 'set')
    const unset = ((options.unset as readonly string[] | undefined) ?? []).flatMap((text) => listOption({ unset: text }, 'unset') ?? [])
    const changing = Object.keys(set).length > 0 || unset.length > 0
    let now: Readonly<Record<string, string>>
    if (changing) {
      const table = await tableOf(input)
      const { version } = await table.setProperties(set, { unset, signal })
      output.note(`version ${version}`)
      now = await table.properties()
    } else now = (await loadFacts(await storageOf(input), { signal })).metadata.configuration
    if (output.json) await output.object(now)
    else await output.write(formatTable(['property', 'value'], Object.entries(now)))
  },
}
