// ingest: append NDJSON, JSON, CSV, Parquet or Arrow from files or stdin, exactly once over restarts.
import { autoCompaction } from '../../compaction/index.js'
import { AlluviumError } from '../../errors.js'
import { detectDelimiter, inferSchema, openInput } from '../../formats/index.js'
import { systemRuntime } from '../../runtime.js'
import { formatColumns, type StructType, tableProperties } from '../../schema/index.js'
import type { Storage } from '../../storage/storage.js'
import { createStreamWriter, type StreamWriter, type StreamWriterOptions } from '../../stream/index.js'
import { createTable, type Table } from '../../table/index.js'
import { bytesOption, type Command, type CommandInput, listOption, numberOption, pairsOption, textOption, usageError } from '../command.js'
import { openDeadLetters } from '../ingest/dead-letters.js'
import { type IngestCounts, type IngestJob, ingestSource, withProgress } from '../ingest/run.js'
import { type IngestSource, openSource } from '../ingest/source.js'
import { storageOf, tableIfAny } from '../target.js'
import { SCHEMA_OPTIONS, schemaOption } from './create.js'

export const ingest: Command = {
  name: 'ingest',
  usage: 'TABLE [FILE…] [options]',
  summary: 'append NDJSON, JSON, CSV, Parquet or Arrow from files or stdin (-)',
  description: `With --app-id the input is taken exactly once: killed and run again on the same input, the table holds each record once.
An input is known by its file name and its first record; keep one id for one kind of input.

JSON: longs and decimals as numbers of any length or as text, timestamps as ISO 8601 with a zone, dates as YYYY-MM-DD,
binary as base64. CSV: a header, RFC 4180 quotes, an empty unquoted field is null.`,
  options: {
    format: { type: 'string', value: 'ndjson|json|csv|parquet|arrow', help: 'the input format; told from name and content when absent' },
    'app-id': { type: 'string', value: 'ID', help: 'exactly once over restarts with this id' },
    create: { type: 'boolean', help: 'make the table if there is none; columns from --columns, --schema, or the input' },
    ...SCHEMA_OPTIONS,
    'flush-ms': { type: 'string', value: 'N', help: 'commit what waits after so many milliseconds (1000)' },
    'flush-rows': { type: 'string', value: 'N', help: 'commit after so many rows' },
    'flush-bytes': { type: 'string', value: 'SIZE', help: 'commit after so many bytes in memory (64mb)' },
    'dead-letter': { type: 'string', value: 'TABLE', help: 'keep records that do not fit in this table instead of stopping' },
    'ignore-unknown': { type: 'boolean', help: 'leave out keys and columns that the table lacks' },
    'timestamp-unit': { type: 'string', value: 's|ms|us', help: 'what bare numbers in timestamp columns count' },
    delimiter: { type: 'string', value: 'C', help: 'what separates CSV fields (,)' },
    'auto-compact': {
      type: 'boolean',
      help: 'put small files together in the background, 50 of a partition at once; as delta.autoOptimize.autoCompact does',
    },
  },
  examples: [
    'alluvium ingest ./events events.ndjson --create --app-id nightly',
    'zcat events.json.gz | alluvium ingest ./events - --app-id backfill',
    'alluvium ingest ./sales sales.csv --create --columns "id long not null, amount decimal(10,2), day date" --partition-by day',
    'tail -F game.log | alluvium ingest ./events - --flush-ms 5000 --dead-letter ./events_bad',
  ],
  positionals: [1, Number.POSITIVE_INFINITY],
  run: async (input) => {
    const { options } = input
    const names = input.positionals.length > 1 ? input.positionals.slice(1) : ['-']
    if (names.some((name) => name.startsWith('kafka://')))
      throw usageError('kafka:// inputs are not here yet; see examples/kafka-to-delta.ts')
    if (names.filter((name) => name === '-').length > 1) throw usageError('stdin (-) can be read once only')
    const settings = settingsOf(input)
    const first = await openSource(names[0] as string, textOption(options, 'format'), process.stdin)
    const table = await tableFor(input, await storageOf(input), first)
    await runIngest(input, settings, table, names, first)
  },
}

async function compacts({ options, signal }: CommandInput, table: Table): Promise<boolean> {
  if (options['auto-compact'] === true) return true
  const { metadata } = (await table.snapshot({ signal })).view
  return tableProperties(metadata.configuration).autoCompact
}

// Small files are a nuisance; failing to put them together is no reason to stop taking rows.
function compacting({ output, signal }: CommandInput): Pick<StreamWriterOptions, 'afterCommit' | 'onAfterCommitError'> {
  const compact = autoCompaction({
    onResult: ({ filesRemoved, filesWritten }) => output.note(`${filesRemoved} small files became ${filesWritten}`),
  })
  return {
    afterCommit: (table, commit, stop) => compact(table, commit, AbortSignal.any([signal, stop])),
    onAfterCommitError: (error) => {
      if (!signal.aborted) output.warn(`compaction failed: ${error instanceof Error ? error.message : String(error)}`)
    },
  }
}

interface Settings {
  readonly appId: string | undefined
  readonly linger: { readonly ms: number; readonly rows?: number; readonly bytes?: number }
  readonly timestampUnit: 's' | 'ms' | 'us' | undefined
  readonly delimiter: string | undefined
}

function settingsOf({ options }: CommandInput): Settings {
  const rows = numberOption(options, 'flush-rows')
  const bytes = bytesOption(options, 'flush-bytes')
  const unit = textOption(options, 'timestamp-unit')
  if (unit !== undefined && unit !== 's' && unit !== 'ms' && unit !== 'us')
    throw usageError(`--timestamp-unit is s, ms or us, not ${JSON.stringify(unit)}`)
  for (const [name, value] of [
    ['flush-rows', rows],
    ['flush-bytes', bytes],
  ] as const)
    if (value === 0) throw usageError(`--${name} must be at least 1`)
  const appId = textOption(options, 'app-id')
  if (appId === '') throw usageError('--app-id must not be empty')
  return {
    appId,
    linger: {
      ms: numberOption(options, 'flush-ms') ?? 1000,
      ...(rows === undefined ? {} : { rows }),
      ...(bytes === undefined ? {} : { bytes }),
    },
    timestampUnit: unit,
    delimiter: textOption(options, 'delimiter'),
  }
}

async function tableFor(input: CommandInput, storage: Storage, first: IngestSource): Promise<Table> {
  const { options, output, signal } = input
  const known = await tableIfAny(storage, signal)
  if (known !== undefined) return known
  if (options.create !== true) {
    throw new AlluviumError('NOT_A_TABLE', `there is no table at ${storage.location}; make it with 'alluvium create', or add --create`, {
      location: storage.location,
    })
  }
  const schema = (await schemaOption(options)) ?? (await inferred(input, first))
  try {
    return (await createTable(storage, {
      schema,
      partitionBy: listOption(options, 'partition-by') ?? [],
      properties: pairsOption(options, 'property'),
      signal,
    })) as Table
  } catch (error) {
    // Somebody made it in this moment: theirs is as good.
    const now = error instanceof AlluviumError && error.code === 'ALREADY_EXISTS' ? await tableIfAny(storage, signal) : undefined
    if (now !== undefined) return now
    throw error
  } finally {
    output.note(`columns: ${formatColumns(schema)}`)
  }
}

async function inferred({ options, output }: CommandInput, first: IngestSource): Promise<StructType> {
  if (first.format === 'parquet' || first.format === 'arrow')
    return (await openInput(first.format, await first.bytes(), { name: first.name })).schema
  const delimiter = textOption(options, 'delimiter') ?? detectDelimiter(first.name)
  const { schema, notes } = inferSchema(first.format, first.head, { complete: first.isComplete, delimiter })
  for (const note of notes) output.note(note)
  return schema
}

async function runIngest(
  input: CommandInput,
  settings: Settings,
  table: Table,
  names: readonly string[],
  first: IngestSource,
): Promise<void> {
  const { options, output, signal } = input
  const started = systemRuntime.monotonicMs()
  const versions: number[] = []
  const counts: IngestCounts = { rowsRead: 0, rowsDuplicate: 0, rowsDeadLetter: 0, bytesRead: 0 }
  const writer = await createStreamWriter(table, {
    ...(settings.appId === undefined ? {} : { appId: settings.appId }),
    linger: settings.linger,
    onCommit: ({ version }) => versions.push(version),
    ...((await compacts(input, table)) ? compacting(input) : {}),
  })
  const deadLetter = textOption(options, 'dead-letter')
  const deadLetters = deadLetter === undefined ? undefined : await openDeadLetters(deadLetter, settings.appId)
  const seconds = (): number => Math.round(systemRuntime.monotonicMs() - started) / 1000
  const result = () => ({
    rowsRead: counts.rowsRead + counts.rowsDuplicate,
    rowsWritten: writer.metrics.rowsCommitted,
    rowsDuplicate: counts.rowsDuplicate + writer.metrics.rowsDuplicate,
    rowsDeadLetter: counts.rowsDeadLetter,
    bytesRead: counts.bytesRead,
    firstVersion: versions[0] ?? null,
    lastVersion: versions.at(-1) ?? null,
    seconds: seconds(),
  })
  const job: Omit<IngestJob, 'decoderOptions'> = {
    schema: table.schema,
    writer: writer as unknown as StreamWriter<never>,
    runtime: systemRuntime,
    idleMs: Math.max(10, Math.min(settings.linger.ms / 2, 1000)),
    deadLetters,
    signal,
    counts,
    onProgress: () => output.progress(progressLine(counts, writer.metrics.rowsCommitted, versions.at(-1), seconds())),
  }
  try {
    for (const [i, name] of names.entries()) {
      if (signal.aborted) break
      const source = i === 0 ? first : await openSource(name, textOption(options, 'format'), process.stdin)
      await ingestSource({ ...job, decoderOptions: decoderOptions(input, settings, source) }, source).finally(() => source.close())
    }
    await writer.close()
    await deadLetters?.close()
  } catch (error) {
    await writer.abort()
    await deadLetters?.close().catch(() => undefined)
    throw withProgress(error, result())
  }
  if (signal.aborted) throw new AlluviumError('ABORTED', 'interrupted; everything read so far is committed', result())
  if (output.json) await output.object(result())
  else await output.line(summary(table, result()))
}

function decoderOptions({ options }: CommandInput, settings: Settings, source: IngestSource): IngestJob['decoderOptions'] {
  const { timestampUnit, linger } = settings
  return {
    ignoreUnknown: options['ignore-unknown'] === true,
    delimiter: settings.delimiter ?? detectDelimiter(source.name),
    ...(timestampUnit === undefined ? {} : { timestampUnit }),
    // A batch larger than a flush would make flushes coarser than asked.
    ...(linger.rows === undefined ? {} : { rowsPerBatch: Math.min(65_536, linger.rows) }),
  }
}

function progressLine(counts: IngestCounts, written: number, version: number | undefined, seconds: number): string {
  const megabytes = counts.bytesRead / 1e6
  const rate = seconds > 0 ? ` ${(megabytes / seconds).toFixed(0)} MB/s` : ''
  return `${counts.rowsRead.toLocaleString('en')} read, ${written.toLocaleString('en')} committed, ${megabytes.toFixed(1)} MB${rate}${version === undefined ? '' : `, version ${version}`}`
}

function summary(
  table: Table,
  result: {
    rowsWritten: number
    rowsDuplicate: number
    rowsDeadLetter: number
    firstVersion: number | null
    lastVersion: number | null
    seconds: number
  },
): string {
  const { rowsWritten, rowsDuplicate, rowsDeadLetter, firstVersion, lastVersion, seconds } = result
  const versions =
    firstVersion === null
      ? 'nothing new'
      : firstVersion === lastVersion
        ? `version ${firstVersion}`
        : `versions ${firstVersion} to ${lastVersion}`
  const also = [
    rowsDuplicate > 0 ? `${rowsDuplicate} already there` : '',
    rowsDeadLetter > 0 ? `${rowsDeadLetter} dead letters` : '',
  ].filter((text) => text !== '')
  return `${rowsWritten} rows into ${table.location} (${versions}${also.map((text) => `, ${text}`).join('')}) in ${seconds.toFixed(1)} s`
}
