// Row ids and row commit versions as columns of a scan (PROTOCOL.md, "Row Tracking"). Rule: the value in the data file counts
// where the row has one; else what the file's add says, and the row's position in the file, whatever was skipped before it.
import type { Data, RecordBatch } from 'apache-arrow'
import { batchOf, bitAt, conformBatch, constantColumn, placesOf, toArrowSchema, validityOf } from '../arrow/index.js'
import { AlluviumError } from '../errors.js'
import { type AddFile, hasFeature, type LogView, property } from '../log/index.js'
import type { Field, StructType } from '../schema/index.js'

/** The row's stable id: unique in the table, and kept when the row is updated or moved. */
export const ROW_ID = '_row_id'
/** The version that last inserted or updated the row. */
export const ROW_COMMIT_VERSION = '_row_commit_version'

const ROW_ID_FIELDS: readonly Field[] = [ROW_ID, ROW_COMMIT_VERSION].map((name) => ({
  name,
  dataType: { type: 'long' },
  nullable: false,
  metadata: {},
}))

const ENABLED = 'delta.enableRowTracking'
const MATERIALIZED_ID = 'delta.rowTracking.materializedRowIdColumnName'
const MATERIALIZED_VERSION = 'delta.rowTracking.materializedRowCommitVersionColumnName'

/** The properties that name the columns of files in which rows keep their id and their version when they move. */
export const MATERIALIZED_ROW_COLUMNS: readonly string[] = [MATERIALIZED_ID, MATERIALIZED_VERSION]

/**
 * The table's columns and the two of row tracking behind them.
 * @throws AlluviumError `UNSUPPORTED_FEATURE` where the version has no row tracking (there are no stable ids then),
 *   `SCHEMA_MISMATCH` where the table has columns of these names
 */
export function trackedSchema(view: LogView): StructType {
  const { protocol, metadata, schema } = view
  if (!hasFeature(protocol, 'rowTracking') || property(metadata, ENABLED)?.toLowerCase() !== 'true') {
    throw new AlluviumError(
      'UNSUPPORTED_FEATURE',
      `version ${view.version} of the table does not track its rows, so they have no ids; that needs the property ${ENABLED}=true`,
      { features: ['rowTracking'], property: ENABLED, operation: 'read', version: view.version },
    )
  }
  const taken = schema.fields.map((field) => field.name).filter((name) => isRowIdColumn(name.toLowerCase()))
  if (taken.length > 0) {
    throw new AlluviumError('SCHEMA_MISMATCH', `the table has columns of its own called ${taken.join(', ')}; read it without row ids`, {
      columns: taken,
    })
  }
  return { type: 'struct', fields: [...schema.fields, ...ROW_ID_FIELDS] }
}

/**
 * The names to select where row ids are asked for: both columns come last, unless one is named already or no column is wanted.
 */
export function withRowIdNames(columns: readonly string[] | undefined): readonly string[] | undefined {
  if (columns === undefined || columns.length === 0 || columns.some(isRowIdColumn)) return columns
  return [...columns, ROW_ID, ROW_COMMIT_VERSION]
}

/** The two columns for the batches of one file. */
export interface RowIdColumns {
  /** What is to be read of the file itself, in the table's names. */
  readonly data: StructType
  /** Names of columns of the file to read as they are. */
  readonly besides: readonly string[]
  /**
   * The columns asked for, in their order.
   * @throws AlluviumError `CORRUPT_LOG` for a row that has no id, `CORRUPT_DATA`, `SCHEMA_MISMATCH` for columns of the file that hold none
   */
  complete(batch: RecordBatch, besides: RecordBatch | undefined, firstRow: number): RecordBatch
}

/** What a file's rows need to get their ids, or undefined where no such column is among those needed. */
export function rowIdColumns(view: LogView, row: number, needed: StructType): RowIdColumns | undefined {
  const asked = needed.fields.filter(({ name }) => isTracked(view, name))
  if (asked.length === 0) return undefined
  const add = view.files.add(row)
  const sources = asked.map(({ name }) => sourceOf(view, add, name))
  const data: StructType = { type: 'struct', fields: needed.fields.filter((field) => !asked.includes(field)) }
  const schema = toArrowSchema(needed)
  const places = placesOf(data.fields)
  return {
    data,
    besides: sources.flatMap(({ column }) => (column === undefined ? [] : [column])),
    complete: (batch, besides, firstRow) => {
      const { numRows } = batch
      const children = needed.fields.map(({ name }) => {
        const at = places.get(name)
        if (at !== undefined) return batch.data.children[at] as Data
        const source = sources[asked.findIndex((field) => field.name === name)] as Source
        return merged(materialized(besides, source, add.path), source, numRows, firstRow, add.path)
      })
      return batchOf(schema, children, numRows)
    },
  }
}

/** Where the values of one of the two columns come from. */
interface Source {
  readonly name: string
  /** The column of data files that may have them. */
  readonly column: string | undefined
  /** For rows without: the value of the file's first row. */
  readonly base: bigint | undefined
  /** Added a row: 1 for ids, 0 for versions. */
  readonly step: 0 | 1
}

function isRowIdColumn(name: string): boolean {
  return name === ROW_ID || name === ROW_COMMIT_VERSION
}

// A column of the table itself is none, whatever it is called.
function isTracked(view: LogView, name: string): boolean {
  return isRowIdColumn(name) && !view.schema.fields.some((field) => field.name === name)
}

function sourceOf({ metadata }: LogView, add: AddFile, name: string): Source {
  const isId = name === ROW_ID
  const base = isId ? add.baseRowId : add.defaultRowCommitVersion
  const column = property(metadata, isId ? MATERIALIZED_ID : MATERIALIZED_VERSION)
  return { name, column, base: base === undefined ? undefined : BigInt(base), step: isId ? 1 : 0 }
}

function materialized(besides: RecordBatch | undefined, { column }: Source, path: string): Data | undefined {
  if (column === undefined || besides?.schema.fields.some((field) => field.name === column) !== true) return undefined
  const wanted: StructType = { type: 'struct', fields: [{ name: column, dataType: { type: 'long' }, nullable: true, metadata: {} }] }
  return conformBatch(besides, wanted, { purpose: 'read', name: path }).data.children[0] as Data
}

// The values of the file where it has any, the others counted on from its base.
function merged(own: Data | undefined, source: Source, length: number, firstRow: number, path: string): Data {
  if (own !== undefined && own.nullCount === 0) return own
  const { name, base, step } = source
  const validity = own === undefined ? undefined : validityOf(own)
  const given = own?.values as BigInt64Array | undefined
  if (base === undefined && length > 0) throw withoutBase(name, path)
  const column = constantColumn({ type: 'long' }, 0n, length)
  const values = column.values as BigInt64Array
  let next = (base ?? 0n) + (step === 1 ? BigInt(firstRow) : 0n)
  const increment = BigInt(step)
  for (let i = 0; i < length; i++, next += increment) {
    values[i] = validity !== undefined && bitAt(validity, i) ? ((given as BigInt64Array)[i] as bigint) : next
  }
  return column
}

function withoutBase(name: string, path: string): AlluviumError {
  const field = name === ROW_ID ? 'baseRowId' : 'defaultRowCommitVersion'
  return new AlluviumError(
    'CORRUPT_LOG',
    `the log tracks rows but gives the file ${path} no ${field}, so its rows have no ${name}; read the table without row ids`,
    { path, column: name },
  )
}
