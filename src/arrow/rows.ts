// Batches as row objects, in the JavaScript forms of the schema's types. One rule: a column is only a name, so every
// row owns all its columns, `__proto__` and `constructor` included.
import type { Data, RecordBatch } from 'apache-arrow'
import { AlluviumError } from '../errors.js'
import { type DataType, type Field, formatDateDays, formatDecimal, formatTimestampNtzMicros, type StructType } from '../schema/index.js'
import { type Bits, bitAt, bytesOf, halvesOf, offsetsOf, validityOf, valuesOf } from './buffers.js'
import { decimalReader } from './casts.js'
import { readTexts } from './cell-texts.js'
import { conformBatch } from './conform.js'
import { readVariants } from './variant/cells.js'
import { valueSink } from './variant/sinks.js'

/** A row: one member a column, in the order of the schema. */
export type Row = Record<string, unknown>

export interface RowsOptions {
  /** `date` (default): a Date, microseconds cut off downwards to milliseconds. `micros`: bigint microseconds since 1970, exact. */
  readonly timestamps?: 'date' | 'micros'
}

const BLOCK_ROWS = 1024
const MAX_DATE_MS = 8_640_000_000_000_000
const TWO_32 = 4_294_967_296

/**
 * The rows of a batch: bigint for long; number for integer, short, byte, float and double; text for date
 * (`2024-05-01`), timestamp_ntz and decimal; Date for timestamp; Uint8Array (a copy) for binary; Array, Map and plain
 * objects for array, map and struct; null for null; the like for what a variant holds. Columns that the batch lacks are null.
 * @throws AlluviumError `SCHEMA_MISMATCH` where the batch does not match `struct`; `LIMIT_EXCEEDED` for an instant that no Date can hold.
 */
export function rowsOf(batch: RecordBatch, struct: StructType, options: RowsOptions = {}): Row[] {
  const conformed = conformBatch(batch, struct, { purpose: 'read' })
  const rows: Row[] = new Array(conformed.numRows)
  for (let from = 0; from < conformed.numRows; from += BLOCK_ROWS) {
    const to = Math.min(from + BLOCK_ROWS, conformed.numRows)
    const block = readObjects(conformed.data, struct.fields, from, to, options, '')
    for (let i = 0; i < block.length; i++) rows[from + i] = block[i] as Row
  }
  return rows
}

// Objects of a struct column (or of the batch) for the cells [from, to), null or not.
function readObjects(data: Data, fields: readonly Field[], from: number, to: number, options: RowsOptions, prefix: string): Row[] {
  const names = fields.map((field) => field.name)
  const emptyRow = rowMaker(names)
  const columns = fields.map((field, c) => readCells(data.children[c] as Data, field.dataType, from, to, options, `${prefix}${field.name}`))
  const rows: Row[] = new Array(to - from)
  for (let i = 0; i < rows.length; i++) {
    const row = emptyRow()
    for (let c = 0; c < names.length; c++) row[names[c] as string] = (columns[c] as unknown[])[i]
    rows[i] = row
  }
  return rows
}

// Objects of more members are hash tables, which take long to copy.
const MAX_SHAPED_MEMBERS = 1000

// Rows with all members in their places; a member called `__proto__` is one like any other.
function rowMaker(names: readonly string[]): () => Row {
  if (names.length > MAX_SHAPED_MEMBERS && !names.includes('__proto__')) return () => ({})
  const template = Object.defineProperties(
    {},
    Object.fromEntries(names.map((name) => [name, { value: null, enumerable: true, writable: true, configurable: true }])),
  ) as Row
  return () => ({ ...template })
}

function readCells(data: Data, type: DataType, from: number, to: number, options: RowsOptions, path: string): unknown[] {
  const cells: unknown[] = new Array(to - from)
  if (type.type === 'void') return cells.fill(null)
  const validity = validityOf(data)
  readValues(data, type, from, to, cells, { options, path, validity })
  if (validity !== undefined) for (let i = from; i < to; i++) if (!bitAt(validity, i)) cells[i - from] = null
  return cells
}

interface Reading {
  readonly options: RowsOptions
  readonly path: string
  readonly validity: Bits | undefined
}

// What stands under a null may be anything, and is overwritten by the caller.
function readValues(data: Data, type: DataType, from: number, to: number, cells: unknown[], reading: Reading): void {
  switch (type.type) {
    case 'string':
      readTexts(data, from, to, cells)
      return
    case 'long': {
      const values = valuesOf<BigInt64Array>(data)
      for (let i = from; i < to; i++) cells[i - from] = values[i]
      return
    }
    case 'byte':
    case 'short':
    case 'integer':
    case 'float':
    case 'double': {
      const values = valuesOf<Float64Array>(data)
      for (let i = from; i < to; i++) cells[i - from] = values[i]
      return
    }
    case 'boolean': {
      const bits = { bytes: valuesOf(data), offset: data.offset }
      for (let i = from; i < to; i++) cells[i - from] = bitAt(bits, i)
      return
    }
    case 'timestamp':
      readTimestamps(data, from, to, cells, reading)
      return
    case 'variant': {
      const values = readVariants(data, from, to, valueSink(reading.options.timestamps ?? 'date'))
      for (let i = 0; i < values.length; i++) cells[i] = values[i]
      return
    }
    case 'array':
    case 'map':
    case 'struct':
      readNested(data, type, from, to, cells, reading)
      return
    default:
      readFormatted(data, type, from, to, cells, reading.validity)
  }
}

function readTimestamps(data: Data, from: number, to: number, cells: unknown[], { options, path, validity }: Reading): void {
  const values = valuesOf<BigInt64Array>(data)
  if (options.timestamps === 'micros') {
    for (let i = from; i < to; i++) cells[i - from] = values[i]
    return
  }
  const halves = halvesOf(data)
  for (let i = from; i < to; i++) {
    const micros = (halves[i * 2 + 1] as number) * TWO_32 + ((halves[i * 2] as number) >>> 0)
    const ms = Number.isSafeInteger(micros) ? Math.floor(micros / 1000) : floorMs(values[i] as bigint)
    if (ms > MAX_DATE_MS || ms < -MAX_DATE_MS) {
      if (validity !== undefined && !bitAt(validity, i)) continue
      throw new AlluviumError(
        'LIMIT_EXCEEDED',
        `column ${path} holds an instant beyond the range of Date (${values[i]} microseconds): read timestamps as micros`,
        {
          column: path,
        },
      )
    }
    cells[i - from] = new Date(ms)
  }
}

function floorMs(micros: bigint): number {
  const rest = micros % 1000n
  return Number(micros / 1000n - (rest < 0n ? 1n : 0n))
}

function readFormatted(data: Data, type: DataType, from: number, to: number, cells: unknown[], validity: Bits | undefined): void {
  const format = formatter(data, type)
  for (let i = from; i < to; i++) if (validity === undefined || bitAt(validity, i)) cells[i - from] = format(i)
}

function formatter(data: Data, type: DataType): (i: number) => unknown {
  switch (type.type) {
    case 'date': {
      const days = valuesOf<Int32Array>(data)
      return (i) => formatDateDays(days[i] as number)
    }
    case 'timestamp_ntz': {
      const micros = valuesOf<BigInt64Array>(data)
      return (i) => formatTimestampNtzMicros(micros[i] as bigint)
    }
    case 'decimal': {
      const unscaled = decimalReader(data)
      return (i) => formatDecimal(unscaled(i), type.scale)
    }
    case 'binary': {
      const [offsets, bytes] = [offsetsOf(data), bytesOf(data)]
      return (i) => new Uint8Array(bytes.subarray(offsets[i], offsets[i + 1]))
    }
    default:
      throw new TypeError(`rows cannot hold the type ${type.type}`)
  }
}

function readNested(data: Data, type: DataType, from: number, to: number, cells: unknown[], { options, path }: Reading): void {
  if (type.type === 'struct') {
    const objects = readObjects(data, type.fields, from, to, options, `${path}.`)
    for (let i = 0; i < objects.length; i++) cells[i] = objects[i]
    return
  }
  const offsets = offsetsOf(data)
  const start = offsets[from] as number
  const end = offsets[to] as number
  const child = data.children[0] as Data
  if (type.type === 'array') {
    const elements = readCells(child, type.elementType, start, end, options, `${path}.element`)
    for (let i = from; i < to; i++) cells[i - from] = elements.slice((offsets[i] as number) - start, (offsets[i + 1] as number) - start)
  } else if (type.type === 'map') {
    const keys = readCells(child.children[0] as Data, type.keyType, start, end, options, `${path}.key`)
    const values = readCells(child.children[1] as Data, type.valueType, start, end, options, `${path}.value`)
    for (let i = from; i < to; i++) {
      const map = new Map<unknown, unknown>()
      for (let j = offsets[i] as number; j < (offsets[i + 1] as number); j++) map.set(keys[j - start], values[j - start])
      cells[i - from] = map
    }
  }
}
