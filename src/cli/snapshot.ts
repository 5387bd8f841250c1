// The version that a command is about: --version, --timestamp, or the latest. Rule: a table is opened at that version, so that
// what became of later ones does not matter.
import type { Snapshot, Table } from '../table/index.js'
import { type CommandInput, numberOption, type OptionSpec, textOption, usageError } from './command.js'
import { tableOf } from './target.js'

/** The options by which commands take a version. */
export const VERSION_OPTIONS: Readonly<Record<'version' | 'timestamp', OptionSpec>> = {
  version: { type: 'string', value: 'N', help: 'this version; the latest when absent' },
  timestamp: { type: 'string', value: 'T', help: 'the version in force at this time (ISO 8601 with a zone)' },
}

/** The option by which commands that read data may follow a log out of the table's folder. */
export const ALLOW_PATH_OPTION: Readonly<Record<'allow-path', OptionSpec>> = {
  'allow-path': {
    type: 'string',
    multiple: true,
    value: 'URL',
    help: 'read files of the log below this folder too (repeatable; for shallow clones)',
  },
}

/** Opens the table that the first word names, at the version wanted. @throws AlluviumError as `openTable` */
export async function snapshotOf(input: CommandInput): Promise<{ readonly table: Table; readonly snapshot: Snapshot }> {
  const { options, signal } = input
  const version = numberOption(options, 'version')
  const timestamp = textOption(options, 'timestamp')
  if (version !== undefined && timestamp !== undefined) throw usageError('give --version or --timestamp, not both')
  if (timestamp !== undefined) {
    const table = await tableOf(input, { timestamp })
    return { table, snapshot: await table.snapshot({ timestamp, signal }) }
  }
  if (version === undefined) {
    const table = await tableOf(input)
    return { table, snapshot: await table.snapshot({ signal }) }
  }
  const table = await tableOf(input, { version })
  return { table, snapshot: await table.snapshot({ version, signal }) }
}
