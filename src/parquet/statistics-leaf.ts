// One column of a file's statistics: which Arrow columns it takes, how its values are ordered, and how its bounds are
// written, in the log and in the footer. Bounds are collected by row group; those of the file are made of them.
import { type Data, DataType } from 'apache-arrow'
import type { DataType as DeltaType } from '../schema/index.js'
import { dateBound, decimalBound, floatBound, greatestTextBound, leastTextBound, timestampBound } from './bound-text.js'
import { type Bounds, compareBytes, DecimalBounds, FloatBounds, Int32Bounds, Int64Bounds, type Range, TextBounds } from './bounds.js'
import {
  type ChunkBound,
  type ChunkStatistics,
  doubleChunkBound,
  floatChunkBound,
  greatestTextChunkBound,
  int32Bound,
  int64Bound,
  leastTextChunkBound,
} from './chunk-statistics.js'

/** One column. */
export interface StatisticsLeaf {
  readonly nullCount: number
  accepts(type: DataType): boolean
  /** Takes the cells of a batch, `nulls` of which are null. */
  add(data: Data, valid: Uint8Array | undefined, nulls: number): void
  /** The statistics of the cells since the last call. */
  endRowGroup(): ChunkStatistics | undefined
  /** The JSON of the least value so far, undefined where there is none. */
  min(): string | undefined
  max(): string | undefined
}

/** How values of one type are ordered and written. */
interface Order<T> {
  readonly bounds: Bounds<T>
  accepts(type: DataType): boolean
  compare(a: T, b: T): number
  /** JSON in the log. */
  min(value: T): string | undefined
  max(value: T): string | undefined
  /** Plain bytes in the footer; a type without is left to the codec there. */
  readonly least?: ((value: T) => ChunkBound) | undefined
  readonly greatest?: ((value: T) => ChunkBound | undefined) | undefined
}

/** A column of this type; texts in the log keep `prefixLength` characters. */
export function createStatisticsLeaf(type: DeltaType, prefixLength: number): StatisticsLeaf {
  switch (type.type) {
    case 'byte':
    case 'short':
    case 'integer':
      return new OrderedLeaf(int32Order(DataType.isInt, String))
    case 'date':
      return new OrderedLeaf(int32Order(DataType.isDate, dateBound))
    case 'long':
      return new OrderedLeaf(int64Order(DataType.isInt, String))
    case 'timestamp':
      return new OrderedLeaf(int64Order(DataType.isTimestamp, (value) => timestampBound(value, 'Z')))
    case 'timestamp_ntz':
      return new OrderedLeaf(int64Order(DataType.isTimestamp, (value) => timestampBound(value, '')))
    case 'float':
      return new OrderedLeaf(floatOrder(floatChunkBound))
    case 'double':
      return new OrderedLeaf(floatOrder(doubleChunkBound))
    case 'decimal':
      return new OrderedLeaf(decimalOrder(type.precision, type.scale))
    case 'string':
      return new OrderedLeaf(textOrder(prefixLength))
    default:
      return new CountedLeaf()
  }
}

class OrderedLeaf<T> implements StatisticsLeaf {
  nullCount = 0
  private readonly order: Order<T>
  private range: Range<T> | undefined
  private groupNulls = 0

  constructor(order: Order<T>) {
    this.order = order
  }

  accepts(type: DataType): boolean {
    return this.order.accepts(type)
  }

  add(data: Data, valid: Uint8Array | undefined, nulls: number): void {
    this.order.bounds.add(data, valid)
    this.nullCount += nulls
    this.groupNulls += nulls
  }

  endRowGroup(): ChunkStatistics | undefined {
    const { least, greatest } = this.order
    const nullCount = this.groupNulls
    this.groupNulls = 0
    const group = this.takeGroup()
    if (least === undefined || greatest === undefined) return undefined
    return group === undefined ? { nullCount } : { nullCount, min: least(group.min), max: greatest(group.max) }
  }

  min(): string | undefined {
    this.takeGroup()
    return this.range === undefined || this.isUnordered ? undefined : this.order.min(this.range.min)
  }

  max(): string | undefined {
    this.takeGroup()
    return this.range === undefined || this.isUnordered ? undefined : this.order.max(this.range.max)
  }

  private get isUnordered(): boolean {
    return this.order.bounds instanceof FloatBounds && this.order.bounds.sawNaN
  }

  private takeGroup(): Range<T> | undefined {
    const { bounds, compare } = this.order
    const group = bounds.take()
    const { range } = this
    if (group === undefined) return undefined
    this.range =
      range === undefined
        ? group
        : {
            min: compare(group.min, range.min) < 0 ? group.min : range.min,
            max: compare(group.max, range.max) > 0 ? group.max : range.max,
          }
    return group
  }
}

// Booleans, binaries, arrays, maps: nulls are counted.
class CountedLeaf implements StatisticsLeaf {
  nullCount = 0

  accepts(): boolean {
    return true
  }

  add(_data: Data, _valid: Uint8Array | undefined, nulls: number): void {
    this.nullCount += nulls
  }

  endRowGroup(): undefined {
    return undefined
  }

  min(): undefined {
    return undefined
  }

  max(): undefined {
    return undefined
  }
}

function int32Order(accepts: (type: DataType) => boolean, text: (value: number) => string | undefined): Order<number> {
  return {
    bounds: new Int32Bounds(),
    accepts: (type) => accepts(type) && bytesPerElement(type) <= 4,
    compare: (a, b) => a - b,
    min: text,
    max: text,
    least: int32Bound,
    greatest: int32Bound,
  }
}

function int64Order(accepts: (type: DataType) => boolean, text: (value: bigint) => string | undefined): Order<bigint> {
  return {
    bounds: new Int64Bounds(),
    // Timestamps in other units would give bounds that are off by powers of ten.
    accepts: (type) => accepts(type) && bytesPerElement(type) === 8 && (!DataType.isTimestamp(type) || type.unit === 2),
    compare: compareBigInts,
    min: text,
    max: text,
    least: int64Bound,
    greatest: int64Bound,
  }
}

function floatOrder(plain: (value: number) => ChunkBound): Order<number> {
  return {
    bounds: new FloatBounds(),
    accepts: (type) => DataType.isFloat(type) && type.precision !== 0,
    // A least value of zero keeps its sign.
    compare: (a, b) => a - b || Number(Object.is(b, -0)) - Number(Object.is(a, -0)),
    min: floatBound,
    max: floatBound,
    // Zeros of both signs are equal: readers that tell them apart are kept right by the outer one.
    least: (value) => plain(value === 0 ? -0 : value),
    greatest: (value) => plain(value === 0 ? 0 : value),
  }
}

// Digits that fit the physical types which the codec writes decimals in; beyond them they are byte strings.
const INT32_DIGITS = 9
const INT64_DIGITS = 18

function decimalOrder(precision: number, scale: number): Order<bigint> {
  const small = (value: bigint): ChunkBound => int32Bound(Number(value))
  const plain = precision <= INT32_DIGITS ? small : precision <= INT64_DIGITS ? int64Bound : undefined
  return {
    bounds: new DecimalBounds(),
    accepts: (type) => DataType.isDecimal(type) && type.scale === scale && type.bitWidth === 128,
    compare: compareBigInts,
    min: (value) => decimalBound(value, scale),
    max: (value) => decimalBound(value, scale),
    least: plain,
    greatest: plain,
  }
}

function textOrder(prefixLength: number): Order<Uint8Array> {
  return {
    bounds: new TextBounds(),
    accepts: (type) => DataType.isUtf8(type),
    compare: compareBytes,
    min: (value) => leastTextBound(value, prefixLength),
    max: (value) => greatestTextBound(value, prefixLength),
    least: leastTextChunkBound,
    greatest: greatestTextChunkBound,
  }
}

function compareBigInts(a: bigint, b: bigint): number {
  return a < b ? -1 : a > b ? 1 : 0
}

function bytesPerElement(type: DataType): number {
  return (type.ArrayType as unknown as { BYTES_PER_ELEMENT: number }).BYTES_PER_ELEMENT
}
