// Shredded variants put together again (apache/parquet-format, VariantShredding.md): `value` and `typed_value` at every
// depth become one `value`. Rule: the two never contradict each other; where a file makes them, it is refused.
import {
  type Field as ArrowField,
  type DataType as ArrowType,
  Binary,
  type Data,
  type Decimal,
  makeData,
  type Timestamp,
  TimeUnit,
  Type,
} from 'apache-arrow'
import { AlluviumError } from '../../errors.js'
import { bitAt, offsetsOf, setBit, validityOf, valuesOf, zeroBits } from '../buffers.js'
import { decimalReader } from '../casts.js'
import { plainLayout, validityProps } from '../layout.js'
import { binaryCells, childNamed, NamesCache, VARIANT_TYPE } from './cells.js'
import * as code from './encoding.js'
import { MAX_VARIANT_DEPTH, tooDeep, unknownVariant, variantFault } from './faults.js'
import type { VariantNames } from './names.js'
import { objectFields } from './read-value.js'
import { arrayValue, bareValue, bytesValue, decimalValue, fixedValue, objectValue, textValue } from './write-value.js'

const VARIANT_NULL = bareValue(code.NULL)

/**
 * A variant column as a file has it, in the form of {@link VARIANT_TYPE}; undefined for a column that is no variant.
 * @throws AlluviumError `CORRUPT_DATA` where parts contradict each other, `UNSUPPORTED_FEATURE` for a type that no
 * variant has
 */
export function conformVariant(data: Data): Data | undefined {
  if (data.typeId !== Type.Struct) return undefined
  const metadata = binaryChild(data, 'metadata')
  if (metadata === undefined) return undefined
  const value = binaryChild(data, 'value')
  const typed = childNamed(data, 'typed_value')
  if (value === undefined && typed === undefined) return undefined
  const isWhole = typed === undefined && value !== undefined && hasNullsOnlyBelow(value, data)
  const whole = isWhole ? value : rebuilt(data, metadata, value, typed)
  return makeData({ ...validityProps(data), type: VARIANT_TYPE, children: [metadata, whole] } as never) as Data
}

function hasNullsOnlyBelow(value: Data, parent: Data): boolean {
  const [own, above] = [validityOf(value), validityOf(parent)]
  for (let i = 0; own !== undefined && i < value.length; i++) {
    if (!bitAt(own, i) && (above === undefined || bitAt(above, i))) return false
  }
  return true
}

function binaryChild(data: Data, name: string): Data | undefined {
  const child = childNamed(data, name)
  const plain = child === undefined ? undefined : plainLayout(child)
  if (plain === undefined || plain.typeId === Type.Binary) return plain
  return plain.typeId === Type.Utf8 ? (plain.clone(new Binary()) as Data) : undefined
}

function rebuilt(data: Data, metadata: Data, value: Data | undefined, typed: Data | undefined): Data {
  const validity = validityOf(data)
  const metadataOf = binaryCells(metadata)
  const build = nodeOf(value, typed, 0)
  const dictionary = new NamesCache()
  const cells: (Uint8Array | undefined)[] = new Array(data.length)
  for (let i = 0; i < data.length; i++) {
    if (validity !== undefined && !bitAt(validity, i)) continue
    const names = metadataOf(i)
    if (names === undefined) throw variantFault('its metadata is missing')
    // A variant that is there but has no value is the variant null.
    cells[i] = build(i, dictionary.of(names)) ?? VARIANT_NULL
  }
  return binaryColumn(cells)
}

function binaryColumn(cells: readonly (Uint8Array | undefined)[]): Data {
  const valueOffsets = new Int32Array(cells.length + 1)
  const nullBitmap = zeroBits(cells.length)
  let nullCount = 0
  let end = 0
  for (let i = 0; i < cells.length; i++) {
    const cell = cells[i]
    if (cell === undefined) nullCount++
    else setBit(nullBitmap, i)
    end += cell?.length ?? 0
    if (end > 0x7fff_ffff) throw new AlluviumError('LIMIT_EXCEEDED', 'a column of one batch holds more than 2 GiB: use smaller batches')
    valueOffsets[i + 1] = end
  }
  const bytes = new Uint8Array(end)
  for (let i = 0; i < cells.length; i++) {
    const cell = cells[i]
    if (cell !== undefined) bytes.set(cell, valueOffsets[i])
  }
  return makeData({ type: new Binary(), length: cells.length, nullCount, nullBitmap, valueOffsets, data: bytes } as never) as Data
}

/** The value of a row, or undefined where it is missing. */
type Build = (i: number, names: VariantNames) => Uint8Array | undefined

// A pair of `value` and `typed_value`: one place in the shredding.
function nodeOf(value: Data | undefined, typed: Data | undefined, depth: number): Build {
  if (depth > MAX_VARIANT_DEPTH) throw tooDeep()
  const residual = value === undefined ? () => undefined : binaryCells(value)
  if (typed === undefined || typed.typeId === Type.Null) return residual
  if (typed.typeId === Type.Struct) return objectNode(residual, typed, depth)
  const build =
    typed.typeId === Type.List ? listOf(typed, depth) : primitiveOf(typed.typeId === Type.FixedSizeBinary ? typed : plainLayout(typed))
  const validity = validityOf(typed)
  return (i, names) => {
    const rest = residual(i)
    if (validity !== undefined && !bitAt(validity, i)) return rest
    if (rest !== undefined) throw variantFault('a value is there twice, shredded and not')
    return build(i, names)
  }
}

function objectNode(residual: (i: number) => Uint8Array | undefined, typed: Data, depth: number): Build {
  const fields = (typed.type.children as ArrowField[]).map((field, c) => ({
    name: field.name,
    build: pairOf(typed.children[c] as Data, depth),
  }))
  const validity = validityOf(typed)
  return (i, names) => {
    const rest = residual(i)
    if (validity !== undefined && !bitAt(validity, i)) return rest
    const { ids, values } = rest === undefined ? { ids: [], values: [] } : restOf(rest)
    const taken = new Set(ids.map((id) => names.name(id)))
    for (const { name, build } of fields) {
      const value = build(i, names)
      if (value === undefined) continue
      if (taken.has(name)) throw variantFault(`the field ${JSON.stringify(name)} is there twice, shredded and not`)
      const id = names.id(name)
      if (id === undefined) throw variantFault(`the shredded field ${JSON.stringify(name)} is not in its metadata`)
      ids.push(id)
      values.push(value)
    }
    return objectValue(names, ids, values)
  }
}

function restOf(rest: Uint8Array): { ids: number[]; values: Uint8Array[] } {
  const fields = objectFields(rest)
  if (fields === undefined) throw variantFault('a shredded object whose rest is no object')
  return fields
}

// A field of a shredded object, or an element of a shredded array: a group of `value` and `typed_value`.
function pairOf(group: Data, depth: number): Build {
  if (group.typeId !== Type.Struct) throw variantFault('a shredded field is no group')
  const build = nodeOf(binaryChild(group, 'value'), childNamed(group, 'typed_value'), depth + 1)
  const validity = validityOf(group)
  return (i, names) => (validity !== undefined && !bitAt(validity, i) ? undefined : build(i, names))
}

function listOf(typed: Data, depth: number): Build {
  const offsets = offsetsOf(typed)
  const build = pairOf(typed.children[0] as Data, depth)
  return (i, names) => {
    const items: Uint8Array[] = []
    for (let at = offsets[i] as number; at < (offsets[i + 1] as number); at++) items.push(build(at, names) ?? VARIANT_NULL)
    return arrayValue(items)
  }
}

function primitiveOf(data: Data): (i: number) => Uint8Array {
  const { type } = data
  switch (type.typeId) {
    case Type.Bool: {
      const bits = { bytes: valuesOf(data), offset: data.offset }
      return (i) => bareValue(bitAt(bits, i) ? code.TRUE : code.FALSE)
    }
    case Type.Int:
      return integerOf(data)
    case Type.Float:
      return floatOf(data)
    case Type.Decimal: {
      const unscaled = decimalReader(data)
      const { precision, scale } = type as Decimal
      return (i) => decimalValue(unscaled(i), precision, scale)
    }
    case Type.Date: {
      const days = valuesOf<Int32Array>(data)
      if (!(days instanceof Int32Array)) throw unsupportedType(type)
      return (i) => fixedValue(code.DATE, (view) => view.setInt32(0, days[i] as number, true))
    }
    case Type.Timestamp:
      return longsOf(data, timestampId(type as Timestamp))
    case Type.Time:
      if ((type as unknown as { unit: TimeUnit }).unit !== TimeUnit.MICROSECOND) throw unsupportedType(type)
      return longsOf(data, code.TIME)
    case Type.Utf8:
    case Type.Binary: {
      const cells = binaryCells(data)
      const isText = type.typeId === Type.Utf8
      // The caller has looked at validity.
      return (i) => (isText ? textValue(cells(i) as Uint8Array) : bytesValue(code.BINARY, cells(i) as Uint8Array))
    }
    case Type.FixedSizeBinary: {
      if (data.stride !== 16) throw unsupportedType(type)
      const bytes = valuesOf(data)
      return (i) => fixedValue(code.UUID, (view) => new Uint8Array(view.buffer, view.byteOffset).set(bytes.subarray(i * 16, i * 16 + 16)))
    }
    default:
      throw unsupportedType(type)
  }
}

function integerOf(data: Data): (i: number) => Uint8Array {
  const { bitWidth, isSigned } = data.type as unknown as { bitWidth: number; isSigned: boolean }
  if (!isSigned) throw unsupportedType(data.type)
  if (bitWidth === 64) return longsOf(data, code.INT64)
  const values = valuesOf<Int32Array>(data)
  if (bitWidth === 8) return (i) => fixedValue(code.INT8, (view) => view.setInt8(0, values[i] as number))
  if (bitWidth === 16) return (i) => fixedValue(code.INT16, (view) => view.setInt16(0, values[i] as number, true))
  return (i) => fixedValue(code.INT32, (view) => view.setInt32(0, values[i] as number, true))
}

function floatOf(data: Data): (i: number) => Uint8Array {
  const values = valuesOf<Float32Array | Float64Array>(data)
  if (values instanceof Float32Array) return (i) => fixedValue(code.FLOAT, (view) => view.setFloat32(0, values[i] as number, true))
  if (values instanceof Float64Array) return (i) => fixedValue(code.DOUBLE, (view) => view.setFloat64(0, values[i] as number, true))
  throw unsupportedType(data.type)
}

function longsOf(data: Data, id: number): (i: number) => Uint8Array {
  const values = valuesOf<BigInt64Array>(data)
  return (i) => fixedValue(id, (view) => view.setBigInt64(0, values[i] as bigint, true))
}

function timestampId(type: Timestamp): number {
  const zoned = (type.timezone ?? '') !== ''
  if (type.unit === TimeUnit.MICROSECOND) return zoned ? code.TIMESTAMP : code.TIMESTAMP_NTZ
  if (type.unit === TimeUnit.NANOSECOND) return zoned ? code.TIMESTAMP_NANOS : code.TIMESTAMP_NTZ_NANOS
  throw unsupportedType(type)
}

function unsupportedType(type: ArrowType): Error {
  return unknownVariant(`a shredded value of the type ${type}`)
}
