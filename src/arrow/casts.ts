// Casts of one leaf column to a wider type of the same meaning (PROTOCOL.md, "Type Widening", and what Arrow producers
// do). One rule: a value never changes; one that does not fit stops the cast, nulls are not looked at.
import { type DataType as ArrowType, type Data, DateUnit, type Decimal, makeData, Precision, type Timestamp, Type } from 'apache-arrow'
import { decodeUtf8Strict } from '../bytes.js'
import { fitsPrecision, formatDecimal, powerOfTen } from '../schema/index.js'
import { bitAt, bytesOf, offsetsOf, validityOf, valuesOf } from './buffers.js'
import { validityProps } from './layout.js'

/** A value that the target type cannot hold. */
export class CastFault extends Error {
  readonly row: number
  constructor(row: number, message: string) {
    super(message)
    this.name = 'CastFault'
    this.row = row
  }
}

interface IntType {
  readonly isSigned: boolean
  readonly bitWidth: 8 | 16 | 32 | 64
}

const MICROS_PER_DAY = 86_400_000_000n
const MIN_INT64 = -(2n ** 63n)
const MAX_INT64 = 2n ** 63n - 1n

/**
 * A leaf column in another leaf type, or undefined where no cast keeps every value's meaning. With `lenient` (files:
 * Parquet itself has only integers of 32 and 64 bits, and old writers nanoseconds) integers may become narrower where
 * they fit, and nanoseconds are cut off downwards; otherwise both are refused.
 * @throws CastFault with the row of a value that does not fit.
 */
export function castLeaf(data: Data, target: ArrowType, lenient: boolean): Data | undefined {
  const source = data.type
  switch (target.typeId) {
    case Type.Int:
      return source.typeId === Type.Int ? castInt(data, target, lenient) : undefined
    case Type.Float:
      return castFloat(data, target)
    case Type.Decimal:
      return castDecimal(data, target as Decimal)
    case Type.Utf8:
      return source.typeId === Type.Binary ? checkedText(data, target) : undefined
    case Type.Binary:
      return source.typeId === Type.Utf8 ? data.clone(target) : undefined
    case Type.Date:
      return source.typeId === Type.Date ? castDate(data, target) : undefined
    case Type.Timestamp:
      return castTimestamp(data, target as Timestamp, lenient)
    default:
      return undefined
  }
}

/** Whether two leaf types are the same, so that a column of one is a column of the other. */
export function sameLeaf(a: ArrowType, b: ArrowType): boolean {
  if (a.typeId !== b.typeId) return false
  switch (a.typeId) {
    case Type.Int:
      return intOf(a).bitWidth === intOf(b).bitWidth && intOf(a).isSigned === intOf(b).isSigned
    case Type.Float:
      return precisionOf(a) === precisionOf(b)
    case Type.Decimal: {
      const [x, y] = [a as Decimal, b as Decimal]
      return x.precision === y.precision && x.scale === y.scale && x.bitWidth === y.bitWidth
    }
    case Type.Date:
      return dateUnit(a) === dateUnit(b)
    case Type.Timestamp: {
      const [x, y] = [a as Timestamp, b as Timestamp]
      return x.unit === y.unit && (x.timezone ?? '') === (y.timezone ?? '')
    }
    default:
      return true
  }
}

function castInt(data: Data, target: ArrowType, lenient: boolean): Data | undefined {
  const [from, to] = [intOf(data.type), intOf(target)]
  const sourceBits = from.isSigned ? from.bitWidth : from.bitWidth + 1
  if (sourceBits > to.bitWidth && !(from.bitWidth === 64 && to.bitWidth === 64)) return lenient ? narrowInt(data, target) : undefined
  const { length } = data
  const props = { ...validityProps(data), type: target }
  if (from.bitWidth === 64) {
    // Unsigned to signed: the bits stay, and the highest must be 0.
    const values = valuesOf<BigInt64Array>(data)
    const signed = new BigInt64Array(values.buffer as ArrayBuffer, values.byteOffset, values.length)
    eachValid(data, (i) => {
      if ((signed[i] as bigint) < 0n) throw new CastFault(i, `${values[i]} is beyond long`)
    })
    return makeData({ ...props, data: signed } as never) as Data
  }
  const values = valuesOf<Int32Array>(data).subarray(0, length)
  if (to.bitWidth === 64) {
    const wide = new BigInt64Array(length)
    const halves = new Int32Array(wide.buffer)
    for (let i = 0; i < length; i++) {
      const value = values[i] as number
      halves[i * 2] = value
      halves[i * 2 + 1] = value < 0 ? -1 : 0
    }
    return makeData({ ...props, data: wide } as never) as Data
  }
  return makeData({ ...props, data: to.bitWidth === 16 ? Int16Array.from(values) : Int32Array.from(values) } as never) as Data
}

function narrowInt(data: Data, target: ArrowType): Data {
  const { bitWidth } = intOf(target)
  const limit = 2 ** (bitWidth - 1)
  const values = valuesOf<Int32Array>(data)
  const narrow = bitWidth === 8 ? new Int8Array(data.length) : bitWidth === 16 ? new Int16Array(data.length) : new Int32Array(data.length)
  eachValid(data, (i) => {
    const value = Number(values[i])
    if (value < -limit || value >= limit) throw new CastFault(i, `${values[i]} does not fit ${bitWidth} bits`)
    narrow[i] = value
  })
  return makeData({ ...validityProps(data), type: target, data: narrow } as never) as Data
}

function castFloat(data: Data, target: ArrowType): Data | undefined {
  const source = data.type
  const double = precisionOf(target) === Precision.DOUBLE
  const props = { ...validityProps(data), type: target }
  const into = (values: ArrayLike<number>): Data =>
    makeData({ ...props, data: double ? Float64Array.from(values) : Float32Array.from(values) } as never) as Data
  if (source.typeId === Type.Int) {
    const { isSigned, bitWidth } = intOf(source)
    const bits = isSigned ? bitWidth : bitWidth + 1
    // What the significand holds: 24 bits of a float, 53 of a double.
    return bits <= (double ? 53 : 24) ? into(valuesOf<Int32Array>(data).subarray(0, data.length)) : undefined
  }
  if (source.typeId !== Type.Float || precisionOf(source) > precisionOf(target)) return undefined
  const values = valuesOf<Uint16Array>(data).subarray(0, data.length)
  return into(precisionOf(source) === Precision.HALF ? Array.from(values, halfToNumber) : values)
}

function halfToNumber(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1
  const exponent = (bits >> 10) & 31
  const fraction = bits & 1023
  if (exponent === 0) return sign * fraction * 2 ** -24
  if (exponent === 31) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15)
}

function castDecimal(data: Data, target: Decimal): Data | undefined {
  const source = data.type
  let scale = 0
  let read: (i: number) => bigint
  if (source.typeId === Type.Decimal) {
    const from = source as Decimal
    scale = from.scale
    if (scale === target.scale && from.precision <= target.precision && from.bitWidth === 128) return data.clone(target)
    read = decimalReader(data)
  } else if (source.typeId === Type.Int) {
    const values = valuesOf<Int32Array>(data)
    read = (i) => BigInt(values[i] as number)
  } else {
    return undefined
  }
  if (scale > target.scale) return undefined
  const factor = powerOfTen(target.scale - scale)
  const words = new BigInt64Array(data.length * 2)
  eachValid(data, (i) => {
    const value = read(i)
    const unscaled = value * factor
    if (!fitsPrecision(unscaled, target.precision)) {
      throw new CastFault(i, `${formatDecimal(value, Math.max(0, scale))} does not fit decimal(${target.precision},${target.scale})`)
    }
    words[i * 2] = unscaled
    words[i * 2 + 1] = unscaled >> 64n
  })
  return makeData({ ...validityProps(data), type: target, data: new Uint32Array(words.buffer) } as never) as Data
}

/** Reads unscaled values of a decimal column of any width. */
export function decimalReader(data: Data): (i: number) => bigint {
  const values = valuesOf<Uint32Array>(data)
  const { stride } = data
  if (stride === 4) {
    const words = new Uint32Array(values.buffer, values.byteOffset, values.byteLength >> 2)
    return (i) => {
      const low = words[i * 4] as number
      const high = words[i * 4 + 1] as number
      // Most values fit 53 bits, where a double makes the bigint in one step.
      if (words[i * 4 + 2] === 0 && words[i * 4 + 3] === 0 && high < 0x20_0000) return BigInt(high * 4_294_967_296 + low)
      const upper = (BigInt((words[i * 4 + 3] as number) | 0) << 32n) | BigInt(words[i * 4 + 2] as number)
      return (upper << 64n) | (BigInt(high) << 32n) | BigInt(low)
    }
  }
  return (i) => {
    let value = BigInt((values[(i + 1) * stride - 1] as number) | 0)
    for (let word = stride - 2; word >= 0; word--) value = (value << 32n) | BigInt(values[i * stride + word] as number)
    return value
  }
}

function castDate(data: Data, target: ArrowType): Data | undefined {
  if (dateUnit(data.type) !== DateUnit.MILLISECOND || dateUnit(target) !== DateUnit.DAY) return undefined
  const values = valuesOf<BigInt64Array>(data)
  const days = new Int32Array(data.length)
  eachValid(data, (i) => {
    const day = Number(values[i]) / 86_400_000
    if (!Number.isInteger(day) || (day | 0) !== day) throw new CastFault(i, `${values[i]} ms is no whole day`)
    days[i] = day
  })
  return makeData({ ...validityProps(data), type: target, data: days } as never) as Data
}

function castTimestamp(data: Data, target: Timestamp, lenient: boolean): Data | undefined {
  const source = data.type
  if (source.typeId === Type.Date) return !target.timezone && dateUnit(source) === DateUnit.DAY ? daysToMicros(data, target) : undefined
  if (source.typeId !== Type.Timestamp) return undefined
  const { unit } = source as Timestamp
  if (unit === target.unit) return data.clone(target)
  // Units are seconds, milli-, micro- and nanoseconds, from 0 to 3.
  if (unit === 3) return nanosToMicros(data, target, lenient)
  return scaleToMicros(data, target, unit === 0 ? 1_000_000n : 1000n)
}

function daysToMicros(data: Data, target: Timestamp): Data {
  const days = valuesOf<Int32Array>(data)
  const micros = new BigInt64Array(data.length)
  eachValid(data, (i) => {
    const value = BigInt(days[i] as number) * MICROS_PER_DAY
    if (value < MIN_INT64 || value > MAX_INT64) throw new CastFault(i, `day ${days[i]} is beyond 64-bit microseconds`)
    micros[i] = value
  })
  return makeData({ ...validityProps(data), type: target, data: micros } as never) as Data
}

function scaleToMicros(data: Data, target: Timestamp, factor: bigint): Data {
  const values = valuesOf<BigInt64Array>(data)
  const micros = new BigInt64Array(data.length)
  eachValid(data, (i) => {
    const value = (values[i] as bigint) * factor
    if (value < MIN_INT64 || value > MAX_INT64) throw new CastFault(i, `timestamp ${values[i]} is beyond 64-bit microseconds`)
    micros[i] = value
  })
  return makeData({ ...validityProps(data), type: target, data: micros } as never) as Data
}

function nanosToMicros(data: Data, target: Timestamp, lenient: boolean): Data {
  const values = valuesOf<BigInt64Array>(data)
  const micros = new BigInt64Array(data.length)
  eachValid(data, (i) => {
    const nanos = values[i] as bigint
    const rest = nanos % 1000n
    if (!lenient && rest !== 0n) throw new CastFault(i, `timestamp ${nanos} ns is no whole number of microseconds`)
    micros[i] = nanos / 1000n - (rest < 0n ? 1n : 0n)
  })
  return makeData({ ...validityProps(data), type: target, data: micros } as never) as Data
}

function checkedText(data: Data, target: ArrowType): Data {
  const offsets = offsetsOf(data)
  const bytes = bytesOf(data)
  let ascii = true
  for (let i = offsets[0] as number; ascii && i < (offsets[data.length] as number); i++) ascii = (bytes[i] as number) < 0x80
  if (!ascii) {
    eachValid(data, (i) => {
      if (decodeUtf8Strict(bytes.subarray(offsets[i], offsets[i + 1])) === undefined) throw new CastFault(i, 'the bytes are not UTF-8 text')
    })
  }
  return data.clone(target)
}

function eachValid(data: Data, visit: (i: number) => void): void {
  const validity = validityOf(data)
  for (let i = 0; i < data.length; i++) if (validity === undefined || bitAt(validity, i)) visit(i)
}

function intOf(type: ArrowType): IntType {
  return type as unknown as IntType
}

function precisionOf(type: ArrowType): Precision {
  return (type as unknown as { precision: Precision }).precision
}

function dateUnit(type: ArrowType): DateUnit {
  return (type as unknown as { unit: DateUnit }).unit
}
