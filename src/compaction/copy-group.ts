// A group of files becomes one file without anything being known of its rows: row groups are copied as they are where nothing speaks
// against it ("splice"), else values are written anew, column by column. Rule: on any doubt (deleted rows, ids of rows, columns that are
// known by field ids) the answer is undefined, and the rows are read as any reader would.
import { fromArrowSchema } from '../arrow/index.js'
import { isAlluviumError } from '../errors.js'
import { columnMappingMode, property, resolveDataPath } from '../log/index.js'
import {
  type ByteSink,
  mergeStatistics,
  type OpenedForSplice,
  openForSplice,
  openParquet,
  rewriteFiles,
  rowGroupsTooSmall,
  spliceFiles,
  spliceObstacle,
} from '../parquet/index.js'
import { type Field, type StructType, sameType } from '../schema/index.js'
import { addOfFile, startDataFile, storageByteSource } from '../table/index.js'
import { CheckedSink } from './checked-sink.js'
import type { PlannedGroup } from './optimize-plan.js'
import { numRecordsOf, statsTexts } from './plan-files.js'
import { readBack } from './read-back.js'
import { deleteFiles, type RewriteContext, type RewrittenGroup } from './rewrite-group.js'

/**
 * Makes one file of a group, spliced or rewritten; undefined where its rows have to be looked at.
 * @throws AlluviumError `CORRUPT_DATA`, `MISSING_FILE`, storage errors
 */
export async function copyGroup(rewrite: RewriteContext, group: PlannedGroup): Promise<RewrittenGroup | undefined> {
  const { view, copy } = rewrite
  if (copy.rowIdColumns.length > 0 || group.files.some(({ deletedShare }) => deletedShare !== undefined)) return undefined
  // Columns of a file are found by their field ids there, whatever they are called.
  if (columnMappingMode(view.protocol, view.metadata) === 'id') return undefined
  const opened = await openAll(rewrite, group)
  const stats = (await spliceReason(rewrite, opened)) === undefined ? await mergedStats(rewrite, group, opened) : undefined
  return stats === undefined ? rewritten(rewrite, group, opened) : spliced(rewrite, group, opened, stats)
}

// Why files are not spliced; undefined where nothing speaks against it.
async function spliceReason(rewrite: RewriteContext, opened: readonly OpenedForSplice[]): Promise<string | undefined> {
  if (!rewrite.splice) return 'it is not wanted'
  const isNamed = property(rewrite.view.metadata, 'delta.parquet.compression.codec') !== undefined
  return (
    spliceObstacle(opened, isNamed ? { codec: rewrite.copy.codec } : {}) ??
    (rowGroupsTooSmall(opened) ? 'the row groups are too small' : undefined) ??
    (await formObstacle(rewrite, opened[0] as OpenedForSplice))
  )
}

const PARALLEL = 16

async function openAll({ context, view, signal }: RewriteContext, group: PlannedGroup): Promise<OpenedForSplice[]> {
  const opened: OpenedForSplice[] = []
  const rows = group.files.map(({ row }) => row)
  for (let at = 0; at < rows.length; at += PARALLEL) {
    const next = rows.slice(at, at + PARALLEL).map((row) => {
      const name = resolveDataPath(view.files.path(row), context.storage)
      const source = storageByteSource(context.storage, name, view.files.size(row))
      return openForSplice({ name, source }, signal === undefined ? {} : { signal })
    })
    opened.push(...(await Promise.all(next)))
  }
  return opened
}

// All files have one schema, so the first speaks for them.
async function formObstacle(rewrite: RewriteContext, { name, source }: OpenedForSplice): Promise<string | undefined> {
  const { copy, signal } = rewrite
  let inFile: StructType
  try {
    const { arrowSchema } = await openParquet(source, { name, ...(signal === undefined ? {} : { signal }) })
    inFile = fromArrowSchema(arrowSchema)
  } catch (error) {
    if (!isAlluviumError(error, 'SCHEMA_MISMATCH', 'UNSUPPORTED_FEATURE')) throw error
    return 'columns have types that the table does not know'
  }
  const wanted = new Map<string, Field>(copy.columns.fields.map((field) => [field.name, field]))
  for (const { name: column, dataType } of inFile.fields) {
    const field = wanted.get(column)
    if (field === undefined) return `the table has no column ${column} in its files`
    if (!sameType(dataType, field.dataType, { nullability: false })) return `column ${column} has another type in the table`
  }
  return undefined
}

// A file that says nothing, or something else than its footer, is encoded anew, and counted.
async function mergedStats(
  { view, copy, signal }: RewriteContext,
  group: PlannedGroup,
  opened: readonly OpenedForSplice[],
): Promise<string | undefined> {
  const rows = group.files.map(({ row }) => row)
  const known = await statsTexts(view.files, Int32Array.from(rows).sort(), signal)
  const texts = rows.map((row) => known.get(row))
  if (!texts.every((text, at) => numRecordsOf(text) === opened[at]?.numRows)) return undefined
  return mergeStatistics(texts, copy.columns)
}

function spliced(rewrite: RewriteContext, group: PlannedGroup, opened: readonly OpenedForSplice[], stats: string): Promise<RewrittenGroup> {
  return oneFile(rewrite, group, opened, 'splice', async (sink) => ({
    ...(await spliceFiles(opened, sink, { signal: rewrite.signal })),
    stats,
  }))
}

function rewritten(rewrite: RewriteContext, group: PlannedGroup, opened: readonly OpenedForSplice[]): Promise<RewrittenGroup> {
  const { copy, encoder, signal } = rewrite
  const { statsColumns, stringPrefixLength, codec, columns: schema } = copy
  const statistics = { columns: statsColumns, ...(stringPrefixLength === undefined ? {} : { stringPrefixLength }) }
  return oneFile(rewrite, group, opened, 're-encode', (sink) => rewriteFiles(opened, sink, { schema, codec, statistics, encoder, signal }))
}

interface Written {
  readonly sizeBytes: number
  readonly numRows: number
  readonly stats?: string
}

async function oneFile(
  { context, copy, signal }: RewriteContext,
  group: PlannedGroup,
  opened: readonly OpenedForSplice[],
  mode: RewrittenGroup['mode'],
  write: (sink: ByteSink) => Promise<Written>,
): Promise<RewrittenGroup> {
  const { storage, runtime } = context
  const { partitionColumns, codec } = copy
  const file = await startDataFile(storage, runtime, { partitionColumns, texts: group.texts, codec, signal })
  try {
    const sink = new CheckedSink(file.object)
    const { stats, sizeBytes, numRows } = await write(sink)
    const nowMs = runtime.now()
    await file.object.close()
    await sink.check(storage, file.path, signal)
    // Of the rows that the files have, by their own footers, not of those that were written.
    const there = opened.reduce((sum, input) => sum + input.numRows, 0)
    await readBack(storage, file.path, { sizeBytes, numRows: there }, signal)
    if (numRows === 0) {
      await deleteFiles(context, [file.path])
      return { group, mode, adds: [], paths: [], rows: 0 }
    }
    const add = addOfFile(file, { sizeBytes, stats, dataChange: false, nowMs })
    return { group, mode, adds: [add], paths: [file.path], rows: numRows }
  } catch (error) {
    await file.object.abort()
    await deleteFiles(context, [file.path])
    throw error
  }
}
