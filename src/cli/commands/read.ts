// read: print rows of a version.
import type { RecordBatch } from 'apache-arrow'
import { canonicalLines, csvHeader, csvLines, ndjsonLines } from '../../arrow/index.js'
import type { StructType } from '../../schema/index.js'
import { type Command, type CommandInput, listOption, numberOption, textOption, usageError } from '../command.js'
import { formatTable, type Output } from '../output.js'
import { ALLOW_PATH_OPTION, snapshotOf, VERSION_OPTIONS } from '../snapshot.js'
import { tableCells } from '../table-cells.js'

/** Ways to print rows. */
export const FORMATS = ['table', 'ndjson', 'csv', 'canonical'] as const
export type Format = (typeof FORMATS)[number]

export const read: Command = {
  name: 'read',
  usage: 'TABLE [options]',
  summary: 'print rows',
  description: `--where takes SQL-like conditions: = != < <= > >= IS [NOT] NULL IN (…) BETWEEN LIKE AND OR NOT ( ), with 'text',
numbers, true, DATE '2026-01-31', TIMESTAMP '2026-01-31T12:00:00Z', \`odd names\` and nested.names.`,
  options: {
    ...VERSION_OPTIONS,
    columns: { type: 'string', value: 'A,B', help: 'only these columns' },
    where: { type: 'string', value: 'EXPR', help: 'only rows for which this is true' },
    'row-ids': { type: 'boolean', help: 'with _row_id and _row_commit_version, of tables that track rows' },
    limit: { type: 'string', value: 'N', help: 'at most this many rows' },
    threads: { type: 'string', value: 'N', help: 'decode on so many threads; for large tables' },
    ...ALLOW_PATH_OPTION,
    format: { type: 'string', value: FORMATS.join('|'), help: 'how to print; table when absent, ndjson with --json' },
    explain: { type: 'boolean', help: 'print which files would be read, and stop' },
  },
  examples: [
    'alluvium read ./events --limit 10',
    `alluvium read ./events --columns player,score --where "score > 5 AND player LIKE 'k%'" --format csv`,
    'alluvium read ./events --version 3 --format ndjson',
    'alluvium read ./clone --allow-path ./events',
    'alluvium read ./events --timestamp 2026-01-31T12:00:00Z',
  ],
  positionals: [1, 1],
  run: async (input) => {
    const { options, output, signal } = input
    const format = formatOption(input)
    const columns = listOption(options, 'columns')
    const where = textOption(options, 'where')
    const limit = numberOption(options, 'limit')
    const threads = numberOption(options, 'threads')
    const { snapshot } = await snapshotOf(input)
    const scan = snapshot.scan({
      ...(columns === undefined ? {} : { columns }),
      ...(where === undefined ? {} : { where }),
      ...(limit === undefined ? {} : { limit }),
      ...(threads === undefined ? {} : { threads }),
      rowIds: options['row-ids'] === true,
      signal,
    })
    if (options.explain === true) return output.line(await scan.explain())
    const { output: struct } = await scan.plan()
    await printBatches(scan.batches(), struct, format, output)
  },
}

/** `--format`, or what stands for it. @throws AlluviumError `INVALID_OPTIONS` */
export function formatOption({ options, output }: CommandInput): Format {
  const text = textOption(options, 'format') ?? (output.json ? 'ndjson' : 'table')
  if (!FORMATS.includes(text as Format)) throw usageError(`--format is one of ${FORMATS.join(', ')}, not ${JSON.stringify(text)}`)
  return text as Format
}

/** Prints batches of one struct in a format; nothing but rows on stdout. */
export async function printBatches(batches: AsyncIterable<RecordBatch>, struct: StructType, format: Format, output: Output): Promise<void> {
  if (format === 'table') return printTable(batches, struct, output)
  if (format === 'csv') await output.write(csvHeader(struct))
  const print = format === 'csv' ? csvLines : ndjsonLines
  for await (const batch of batches) {
    if (format !== 'canonical') await output.write(print(batch, struct))
    else for (const line of canonicalLines(batch, struct)) await output.line(line)
  }
}

// Column widths are fitted to blocks of rows, so that a big result streams.
const TABLE_BLOCK_ROWS = 1000

async function printTable(batches: AsyncIterable<RecordBatch>, struct: StructType, output: Output): Promise<void> {
  const header = struct.fields.map((field) => field.name)
  let block: string[][] = []
  let total = 0
  for await (const batch of batches) {
    for (const cells of tableCells(batch, struct)) {
      block.push(cells)
      total++
      if (block.length === TABLE_BLOCK_ROWS) {
        await output.write(formatTable(header, block))
        block = []
      }
    }
  }
  if (block.length > 0 || total === 0) await output.write(formatTable(header, block))
  output.note(`${total} row${total === 1 ? '' : 's'}`)
}
