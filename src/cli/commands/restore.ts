// restore: makes a table what it was at an earlier version.
import { restore as restoreTable } from '../../compaction/index.js'
import { type Command, numberOption, textOption, usageError } from '../command.js'
import { tableOf } from '../target.js'

export const restore: Command = {
  name: 'restore',
  usage: 'TABLE --version N | --timestamp T [--ignore-missing-files]',
  summary: 'make the table what it was at an earlier version',
  description: 'One more commit, which itself can be taken back. Positions of applications stay what they are.',
  options: {
    version: { type: 'string', value: 'N', help: 'the version to go back to' },
    timestamp: { type: 'string', value: 'T', help: 'the version in force at this time (ISO 8601 with a zone)' },
    'ignore-missing-files': { type: 'boolean', help: 'restore what is left where files were vacuumed' },
  },
  examples: ['alluvium restore ./events --version 7', 'alluvium restore ./events --timestamp 2026-01-31T12:00:00Z'],
  positionals: [1, 1],
  run: async (input) => {
    const { output, options, signal } = input
    const version = numberOption(options, 'version')
    const timestamp = textOption(options, 'timestamp')
    if ((version === undefined) === (timestamp === undefined)) throw usageError('restore wants --version or --timestamp')
    const table = await tableOf(input)
    const result = await restoreTable(table as never, {
      signal,
      ignoreMissingFiles: options['ignore-missing-files'] === true,
      ...(version === undefined ? {} : { version }),
      ...(timestamp === undefined ? {} : { timestamp }),
    })
    await table.settled()
    if (output.json) return output.object(result)
    await output.line(
      `version ${result.version}: restored to version ${result.restoredVersion}; ${result.filesRestored} files came back, ${result.filesRemoved} left${result.filesMissing > 0 ? `, ${result.filesMissing} are missing` : ''}`,
    )
  },
}
