// Single cells as physical values: what partition values, statistics and filters compute with.
import type { Data, Vector } from 'apache-arrow'
import { decodeUtf8 } from '../bytes.js'
import type { DataType, PhysicalValue } from '../schema/index.js'
import { bitAt, bytesOf, offsetsOf, validityOf, valuesOf } from './buffers.js'
import { decimalReader } from './casts.js'

/**
 * Reads the cells of a column in the layout of {@link toArrowType}: bigint for long, both timestamps (microseconds) and
 * decimal (unscaled), number for the other numerics and date (days), string, boolean, and a view of the bytes for binary.
 * @throws TypeError for array, map, struct and variant.
 */
export function physicalReader(data: Data, type: DataType): (row: number) => PhysicalValue | null {
  const read = valueReader(data, type)
  const validity = validityOf(data)
  return validity === undefined ? read : (row) => (bitAt(validity, row) ? read(row) : null)
}

/** One cell of a vector; {@link physicalReader} is faster for many. */
export function physicalValue(vector: Vector, type: DataType, row: number): PhysicalValue | null {
  let left = row
  for (const chunk of vector.data) {
    if (left < chunk.length) return physicalReader(chunk, type)(left)
    left -= chunk.length
  }
  throw new RangeError(`row ${row} of a column of ${vector.length} rows`)
}

function valueReader(data: Data, type: DataType): (row: number) => PhysicalValue | null {
  switch (type.type) {
    case 'string': {
      const [offsets, bytes] = [offsetsOf(data), bytesOf(data)]
      return (row) => decodeUtf8(bytes, offsets[row], offsets[row + 1])
    }
    case 'binary': {
      const [offsets, bytes] = [offsetsOf(data), bytesOf(data)]
      return (row) => bytes.subarray(offsets[row], offsets[row + 1])
    }
    case 'boolean': {
      const bits = { bytes: valuesOf(data), offset: data.offset }
      return (row) => bitAt(bits, row)
    }
    case 'byte':
    case 'short':
    case 'integer':
    case 'date':
    case 'float':
    case 'double': {
      const values = valuesOf<Float64Array>(data)
      return (row) => values[row] as number
    }
    case 'long':
    case 'timestamp':
    case 'timestamp_ntz': {
      const values = valuesOf<BigInt64Array>(data)
      return (row) => values[row] as bigint
    }
    case 'decimal':
      return decimalReader(data)
    case 'void':
      return () => null
    default:
      throw new TypeError(`values of type ${type.type} have no physical form`)
  }
}
