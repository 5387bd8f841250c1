// convert: takes a folder of Parquet files over as a table.
import { convert as convertFolder } from '../../compaction/index.js'
import { systemRuntime } from '../../runtime.js'
import { formatColumns, parseColumns } from '../../schema/index.js'
import { type Command, pairsOption, textOption } from '../command.js'
import { storageOf } from '../target.js'

export const convert: Command = {
  name: 'convert',
  usage: 'DIR [--partition-by "COLUMN TYPE, …"] [--property K=V]…',
  summary: 'take a folder of Parquet files over as a table',
  description:
    'The files stay where they are. Folders named column=value are partitions; their types are found from the values unless given.',
  options: {
    'partition-by': { type: 'string', value: 'COLUMNS', help: 'partition columns with their types, like "year int, day date"' },
    property: { type: 'string', multiple: true, value: 'K=V', help: 'a table property (repeatable)' },
  },
  examples: ['alluvium convert ./parquet', 'alluvium convert ./parquet --partition-by "year int"'],
  positionals: [1, 1],
  run: async (input) => {
    const { output, options, signal } = input
    const types = textOption(options, 'partition-by')
    const partitionTypes = Object.fromEntries(
      (types === undefined ? [] : parseColumns(types).fields).map(({ name, dataType }) => [name, dataType]),
    )
    const storage = await storageOf(input)
    const result = await convertFolder(storage, {
      runtime: systemRuntime,
      partitionTypes,
      properties: pairsOption(options, 'property'),
      signal,
    })
    const { version, files, bytes, rows, schema, partitionColumns } = result
    if (output.json) return output.object({ version, files, bytes, rows, columns: formatColumns(schema), partitionColumns })
    await output.line(`version ${version}: ${files} files with ${rows} rows and ${bytes} bytes; columns ${formatColumns(schema)}`)
  },
}
