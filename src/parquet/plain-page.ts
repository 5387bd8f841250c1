// One data page in the plain encoding (Parquet, "Plain" and "RLE"): the levels of a column that may be null, then its values.
// One rule: values are those of the Arrow column, widened to the physical type and never rounded.
import { type Data, DataType } from 'apache-arrow'
import { bitAt, bytesOf, halvesOf, offsetsOf, validityOf, valuesOf } from '../arrow/index.js'

/** How a column stands in the file. */
export interface PlainColumn {
  /** Number of the format's `Type`. */
  readonly physicalType: number
  /** Bytes of a FIXED_LEN_BYTE_ARRAY. */
  readonly typeLength: number
  readonly isOptional: boolean
}

const BOOLEAN = 0
const INT32 = 1
const INT64 = 2
const FLOAT = 4
const DOUBLE = 5
const BYTE_ARRAY = 6
const FIXED_LEN_BYTE_ARRAY = 7

/** The bytes of the page, without its header, uncompressed. */
export function plainPage(data: Data, column: PlainColumn): Uint8Array {
  const levels = column.isOptional ? levelsSize(data) : 0
  const page = new Uint8Array(levels + valuesSize(data, column))
  if (levels > 0) writeLevels(page, data, levels)
  writeValues(page, levels, data, column)
  return page
}

// Definition levels of one bit, in the hybrid encoding and with their length before it: one run where no cell is null, else bits.
function levelsSize(data: Data): number {
  if (data.nullCount === 0) return 4 + varintSize(data.length << 1) + 1
  const groups = (data.length + 7) >> 3
  return 4 + varintSize((groups << 1) | 1) + groups
}

function writeLevels(page: Uint8Array, data: Data, size: number): void {
  viewOf(page).setUint32(0, size - 4, true)
  const valid = validityOf(data)
  if (valid === undefined) {
    page[writeVarint(page, 4, data.length << 1)] = 1
    return
  }
  const at = writeVarint(page, 4, (((data.length + 7) >> 3) << 1) | 1)
  for (let i = 0; i < data.length; i++) if (bitAt(valid, i)) page[at + (i >> 3)] = (page[at + (i >> 3)] as number) | (1 << (i & 7))
}

function valuesSize(data: Data, { physicalType, typeLength }: PlainColumn): number {
  const cells = data.length - data.nullCount
  switch (physicalType) {
    case BOOLEAN:
      return (cells + 7) >> 3
    case INT32:
    case FLOAT:
      return cells * 4
    case INT64:
    case DOUBLE:
      return cells * 8
    case FIXED_LEN_BYTE_ARRAY:
      return cells * typeLength
    case BYTE_ARRAY:
      return cells * 4 + bytesInUse(data)
    default:
      throw new TypeError(`physical type ${physicalType} is not written here`)
  }
}

// Bytes below null cells do not count.
function bytesInUse(data: Data): number {
  const offsets = offsetsOf(data)
  const valid = validityOf(data)
  if (valid === undefined) return (offsets[data.length] as number) - (offsets[0] as number)
  let sum = 0
  for (let i = 0; i < data.length; i++) if (bitAt(valid, i)) sum += (offsets[i + 1] as number) - (offsets[i] as number)
  return sum
}

function writeValues(page: Uint8Array, from: number, data: Data, { physicalType, typeLength }: PlainColumn): void {
  const valid = validityOf(data)
  const view = viewOf(page)
  let at = from
  const each = (write: (cell: number) => void): void => {
    for (let i = 0; i < data.length; i++) if (valid === undefined || bitAt(valid, i)) write(i)
  }
  // Decimals are 128 bits in Arrow whatever their digits: the low words hold all of one that fits them.
  const words = DataType.isDecimal(data.type) ? 4 : 0
  switch (physicalType) {
    case BOOLEAN: {
      const bits = { bytes: valuesOf(data), offset: data.offset }
      let bit = from * 8
      each((i) => {
        if (bitAt(bits, i)) page[bit >> 3] = (page[bit >> 3] as number) | (1 << (bit & 7))
        bit++
      })
      return
    }
    case INT32: {
      const values = valuesOf<Int32Array>(data)
      const step = words || 1
      each((i) => {
        view.setInt32(at, values[i * step] as number, true)
        at += 4
      })
      return
    }
    case INT64: {
      const halves = halvesOf(data)
      const step = words || 2
      each((i) => {
        view.setInt32(at, halves[i * step] as number, true)
        view.setInt32(at + 4, halves[i * step + 1] as number, true)
        at += 8
      })
      return
    }
    case FLOAT: {
      const values = valuesOf<Float32Array>(data)
      each((i) => {
        view.setFloat32(at, values[i] as number, true)
        at += 4
      })
      return
    }
    case DOUBLE: {
      const values = valuesOf<Float64Array>(data)
      each((i) => {
        view.setFloat64(at, values[i] as number, true)
        at += 8
      })
      return
    }
    case BYTE_ARRAY: {
      const offsets = offsetsOf(data)
      const bytes = bytesOf(data)
      each((i) => {
        const start = offsets[i] as number
        const end = offsets[i + 1] as number
        view.setUint32(at, end - start, true)
        page.set(bytes.subarray(start, end), at + 4)
        at += 4 + end - start
      })
      return
    }
    default: {
      // Big-endian two's complement, as many bytes as the digits need.
      const halves = halvesOf(data)
      each((i) => {
        for (let byte = 0; byte < typeLength; byte++) {
          page[at + typeLength - 1 - byte] = (halves[i * 4 + (byte >> 2)] as number) >> ((byte & 3) * 8)
        }
        at += typeLength
      })
    }
  }
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

function varintSize(value: number): number {
  let size = 1
  for (let rest = value >>> 7; rest > 0; rest >>>= 7) size++
  return size
}

function writeVarint(into: Uint8Array, at: number, value: number): number {
  let to = at
  let rest = value
  for (; rest >= 128; rest >>>= 7) into[to++] = (rest & 127) | 128
  into[to++] = rest
  return to
}
