// clone: a table that names the files of another.
import { cloneTable } from '../../compaction/index.js'
import { type Command, numberOption, textOption } from '../command.js'
import { storageOf, tableOf } from '../target.js'

export const clone: Command = {
  name: 'clone',
  usage: 'SOURCE DEST [--version N | --timestamp T]',
  summary: 'make a table that has the rows of another, without copying its files',
  description:
    'The clone names the files of its source by absolute paths: read it with --allow-path SOURCE. It goes its own way from then on.\nVacuuming the source takes files from the clone.',
  options: {
    version: { type: 'string', value: 'N', help: 'this version of the source; the latest when absent' },
    timestamp: { type: 'string', value: 'T', help: 'the version of the source in force at this time' },
  },
  examples: ['alluvium clone ./events ./trial', 'alluvium read ./trial --allow-path ./events'],
  positionals: [2, 2],
  run: async (input) => {
    const { output, options, signal } = input
    const version = numberOption(options, 'version')
    const timestamp = textOption(options, 'timestamp')
    const point = { ...(version === undefined ? {} : { version }), ...(timestamp === undefined ? {} : { timestamp }) }
    const source = await tableOf(input, point)
    const snapshot = await source.snapshot({ ...point, signal })
    const target = await storageOf(input, 1)
    const result = await cloneTable(snapshot, source.location, target, { runtime: source.context.runtime, signal })
    if (output.json) return output.object(result)
    await output.line(
      `version ${result.version} of ${target.location}: ${result.files} files of version ${result.sourceVersion} of ${source.location}, ${result.bytes} bytes`,
    )
  },
}
