// How the values of a type are compared. Rule: one order per domain, the same for literals, rows and bounds of files:
// numbers by value with NaN greatest and equal to itself and -0 equal to 0; text and binary by unsigned bytes.
import { compareBytes, encodeUtf8 } from '../bytes.js'
import type { DataType, PhysicalValue } from '../schema/index.js'

/**
 * `int`: byte, short, integer and date (days). `long`: long and both timestamps (microseconds). `decimal`: the unscaled
 * integer. `boolean`: 0 or 1.
 */
export type Domain = 'int' | 'long' | 'double' | 'decimal' | 'text' | 'binary' | 'boolean'

/** A value in its domain: number for double and boolean; number (safe integer) or bigint for int, long and decimal; bytes for text. */
export type Key = number | bigint | Uint8Array

/** The domain of a type, or undefined where values have no order (structs, arrays, maps, variant, void). */
export function domainOf(type: DataType): Domain | undefined {
  switch (type.type) {
    case 'byte':
    case 'short':
    case 'integer':
    case 'date':
      return 'int'
    case 'long':
    case 'timestamp':
    case 'timestamp_ntz':
      return 'long'
    case 'float':
    case 'double':
      return 'double'
    case 'decimal':
      return 'decimal'
    case 'string':
      return 'text'
    case 'binary':
      return 'binary'
    case 'boolean':
      return 'boolean'
    default:
      return undefined
  }
}

/** Orders two keys of one domain: negative, 0 or positive. */
export function compareKeys(a: Key, b: Key): number {
  if (a instanceof Uint8Array || b instanceof Uint8Array) return compareBytes(a as Uint8Array, b as Uint8Array)
  if (a < b) return -1
  if (a > b) return 1
  if (a === b) return 0
  // Not ordered and not the same: a NaN is involved, or a bigint equals a number (the mixed == of JavaScript is exact).
  const aNaN = Number.isNaN(a)
  const bNaN = Number.isNaN(b)
  return aNaN ? (bNaN ? 0 : 1) : bNaN ? -1 : 0
}

/** The key of a physical value, or undefined when it is not of that domain (a bound of the wrong type says nothing). */
export function toKey(domain: Domain, value: PhysicalValue | undefined): Key | undefined {
  switch (typeof value) {
    case 'number':
      return domain === 'int' || domain === 'double' || domain === 'long' || domain === 'decimal' ? value : undefined
    case 'bigint':
      return domain === 'int' || domain === 'long' || domain === 'decimal' ? value : undefined
    case 'string':
      return domain === 'text' ? encodeUtf8(value) : undefined
    case 'boolean':
      return domain === 'boolean' ? Number(value) : undefined
    case 'object':
      return domain === 'text' || domain === 'binary' ? value : undefined
    default:
      return undefined
  }
}
