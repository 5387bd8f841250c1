// One column out of several. One rule: parts may be slices; only the cells they show are copied.
import { type Data, makeData, Type } from 'apache-arrow'
import { AlluviumError } from '../errors.js'
import { bytesOf, fillBits, offsetsOf, sameKind, validityOf, valuesOf, writeBits, zeroBits } from './buffers.js'
import { withChildTypes } from './types.js'

/**
 * One column with the cells of all parts, which have the same type. `plain` ({@link plainLayout}) is asked for parts
 * whose values lie elsewhere: dictionaries that differ, views, 64-bit offsets, fixed sizes.
 */
export function concatData(parts: readonly Data[], plain: (data: Data) => Data): Data {
  const first = parts[0] as Data
  if (parts.length === 1) return first
  const { type } = first
  const length = parts.reduce((sum, part) => sum + part.length, 0)
  const base = { type, length, ...concatValidity(parts, length) }
  switch (type.typeId) {
    case Type.Null:
      return makeData({ type, length } as never) as Data
    case Type.Bool:
      return makeData({ ...base, data: concatBits(parts, length) } as never) as Data
    case Type.Utf8:
    case Type.Binary:
      return concatBytesData(parts, base)
    case Type.List:
    case Type.Map: {
      const ranges = parts.map((part) => rangeOf(part))
      const child = concatData(
        parts.map((part, i) => sliceData(part.children[0] as Data, ...(ranges[i] as [number, number]))),
        plain,
      )
      return makeData({ ...base, type: withChildTypes(type, [child]), valueOffsets: concatOffsets(parts, length), child } as never) as Data
    }
    case Type.Struct: {
      const children = first.children.map((_, c) =>
        concatData(
          parts.map((part) => sliceData(part.children[c] as Data, 0, part.length)),
          plain,
        ),
      )
      return makeData({ ...base, type: withChildTypes(type, children), children } as never) as Data
    }
    case Type.Dictionary:
      if (parts.some((part) => part.dictionary !== first.dictionary)) return concatData(parts.map(plain), plain)
      return makeData({ ...base, data: concatFixed(parts, length), dictionary: first.dictionary } as never) as Data
    case Type.LargeUtf8:
    case Type.LargeBinary:
    case Type.LargeList:
    case Type.Utf8View:
    case Type.BinaryView:
    case Type.FixedSizeList:
      return concatData(parts.map(plain), plain)
    case Type.Union:
      throw new TypeError('union columns cannot be concatenated')
    default:
      return makeData({ ...base, data: concatFixed(parts, length) } as never) as Data
  }
}

/** `data[start, end)` without a copy. */
export function sliceData(data: Data, start: number, end: number): Data {
  return start === 0 && end === data.length ? data : data.slice(start, end - start)
}

function concatValidity(parts: readonly Data[], length: number): { nullCount: number; nullBitmap?: Uint8Array } {
  const nullCount = parts.reduce((sum, part) => sum + Math.max(0, part.nullCount), 0)
  if (nullCount === 0) return { nullCount }
  const nullBitmap = zeroBits(length)
  let at = 0
  for (const part of parts) {
    const validity = validityOf(part)
    if (validity === undefined) fillBits(nullBitmap, at, part.length)
    else writeBits(nullBitmap, at, validity, part.length)
    at += part.length
  }
  return { nullCount, nullBitmap }
}

function concatBits(parts: readonly Data[], length: number): Uint8Array {
  const bits = zeroBits(length)
  let at = 0
  for (const part of parts) {
    writeBits(bits, at, { bytes: valuesOf(part), offset: part.offset }, part.length)
    at += part.length
  }
  return bits
}

function concatBytesData(parts: readonly Data[], base: { length: number }): Data {
  const valueOffsets = concatOffsets(parts, base.length)
  const data = new Uint8Array(valueOffsets[base.length] as number)
  let at = 0
  for (const part of parts) {
    const bytes = bytesOf(part).subarray(...rangeOf(part))
    data.set(bytes, at)
    at += bytes.length
  }
  return makeData({ ...base, valueOffsets, data } as never) as Data
}

function concatOffsets(parts: readonly Data[], length: number): Int32Array {
  const total = new Int32Array(length + 1)
  let at = 0
  let end = 0
  for (const part of parts) {
    const offsets = offsetsOf(part)
    const shift = end - (offsets[0] as number)
    end += (offsets[part.length] as number) - (offsets[0] as number)
    if (end > 0x7fff_ffff) throw new AlluviumError('LIMIT_EXCEEDED', 'the batches hold more than 2 GiB in one column: concatenate fewer')
    for (let i = 1; i <= part.length; i++) total[at + i] = (offsets[i] as number) + shift
    at += part.length
  }
  return total
}

function concatFixed(parts: readonly Data[], length: number): ArrayBufferView {
  const { stride } = parts[0] as Data
  const values = parts.map((part) => valuesOf<Uint8Array>(part).subarray(0, part.length * stride))
  const kind = values[0] as Uint8Array
  const joined = sameKind(kind, new ArrayBuffer(length * stride * kind.BYTES_PER_ELEMENT)) as Uint8Array
  let at = 0
  for (const part of values) {
    joined.set(part, at)
    at += part.length
  }
  return joined
}

// The range of the child, or of the bytes, that the cells of a column use.
function rangeOf(data: Data): [number, number] {
  const offsets = offsetsOf(data)
  return [offsets[0] as number, offsets[data.length] as number]
}
