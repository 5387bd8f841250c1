// create: make an empty table.
import { readFile } from 'node:fs/promises'
import { AlluviumError } from '../../errors.js'
import { formatColumns, parseColumns, parseSchema, type StructType } from '../../schema/index.js'
import { createTable } from '../../table/index.js'
import { type Command, listOption, type OptionSpec, type OptionValues, pairsOption, textOption, usageError } from '../command.js'
import { storageOf } from '../target.js'

/** How a schema is given on the command line; shared with `ingest --create`. */
export const SCHEMA_OPTIONS: Readonly<Record<string, OptionSpec>> = {
  schema: { type: 'string', value: 'FILE', help: "the schema as Delta's JSON" },
  columns: { type: 'string', value: 'DDL', help: 'the schema as SQL columns: "id long not null, tags array<string>"' },
  'partition-by': { type: 'string', value: 'A,B', help: 'partition columns' },
  property: { type: 'string', multiple: true, value: 'K=V', help: 'a table property (repeatable)' },
}

/** The schema that --schema or --columns gives, or undefined. @throws AlluviumError `INVALID_OPTIONS`, `SCHEMA_MISMATCH`. */
export async function schemaOption(options: OptionValues): Promise<StructType | undefined> {
  const file = textOption(options, 'schema')
  const columns = textOption(options, 'columns')
  if (file !== undefined && columns !== undefined) throw usageError('give --schema or --columns, not both')
  if (columns !== undefined) return parseColumns(columns)
  if (file === undefined) return undefined
  let text: string
  try {
    text = await readFile(file, 'utf8')
  } catch (error) {
    throw usageError(`cannot read the schema file ${file}: ${(error as NodeJS.ErrnoException).code ?? 'unknown error'}`)
  }
  try {
    return parseSchema(text)
  } catch (error) {
    if (!(error instanceof AlluviumError)) throw error
    throw new AlluviumError(
      'INVALID_OPTIONS',
      `the schema file ${file} is not a Delta schema: ${error.message}`,
      { file },
      { cause: error },
    )
  }
}

export const create: Command = {
  name: 'create',
  usage: 'TABLE (--columns DDL | --schema FILE) [options]',
  summary: 'make an empty table',
  options: {
    ...SCHEMA_OPTIONS,
    name: { type: 'string', help: 'a name for the table' },
    description: { type: 'string', help: 'what the table is' },
  },
  examples: [
    'alluvium create ./events --columns "id long not null, player string, at timestamp, score double" --partition-by player',
    'alluvium create ./events --schema schema.json --property delta.appendOnly=true',
  ],
  positionals: [1, 1],
  run: async (input) => {
    const { options, output, signal } = input
    const schema = await schemaOption(options)
    if (schema === undefined) throw usageError('a table needs columns: give --columns "id long, name string" or --schema FILE')
    const name = textOption(options, 'name')
    const description = textOption(options, 'description')
    const table = await createTable(await storageOf(input), {
      schema,
      partitionBy: listOption(options, 'partition-by') ?? [],
      properties: pairsOption(options, 'property'),
      ...(name === undefined ? {} : { name }),
      ...(description === undefined ? {} : { description }),
      signal,
    })
    if (output.json) await output.object({ version: 0, location: table.location })
    else await output.line(`created ${table.location} with columns ${formatColumns(schema)}`)
  },
}
