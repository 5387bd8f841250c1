// Which changes of a column's type are known (PROTOCOL.md, "Type Widening"): files written before one are read and
// converted. Rule: a change that is not on the list is refused by its two types, never tried.
import { isJsonObject, type JsonValue } from '../json.js'
import { fieldAt, walkFields } from './fields.js'
import { formatPath, typeName, typeOfName } from './type-names.js'
import type { DataType, Field, StructType } from './types.js'

const TYPE_CHANGES = 'delta.typeChanges'
const MAX_NAMED = 10

/** One entry of a field's `delta.typeChanges`; undefined members where it is malformed. */
interface TypeChange {
  readonly from: DataType | undefined
  readonly to: DataType | undefined
  /** Parts of the field's own type that changed: `key`, `element.value`; empty for the type itself. */
  readonly fieldPath: string
}

/** Whether the values of one type are all values of another, as the protocol allows for a change of type. */
export function isWidening(from: DataType, to: DataType): boolean {
  if (from.type === 'decimal' && to.type === 'decimal') {
    const moreScale = to.scale - from.scale
    return moreScale >= 0 && to.precision - from.precision >= moreScale
  }
  const digits = INTEGER_DIGITS[from.type]
  // The scale takes digits away from those before the point.
  if (to.type === 'decimal') return digits !== undefined && to.precision - to.scale >= digits
  return WIDER[from.type]?.includes(to.type) ?? false
}

/** The changes recorded in a schema that are no {@link isWidening}, for a message; empty when all are known. */
export function unsupportedTypeChanges(struct: StructType): string[] {
  const faults: string[] = []
  walkFields(struct, (path, field) => {
    for (const { from, to } of typeChangesOf(field)) {
      if (from !== undefined && to !== undefined && isWidening(from, to)) continue
      if (faults.length < MAX_NAMED) faults.push(`typeWidening of ${formatPath(path)} from ${nameOf(from)} to ${nameOf(to)}`)
    }
  })
  return faults
}

/**
 * Whether some files of a table hold this column as floats, though it is double now. Their statistics are texts of
 * floats: 1.1 there means 1.10000002384185791, so as doubles they bound nothing.
 */
export function wasFloat(struct: StructType, path: readonly string[]): boolean {
  const field = fieldAt(struct, path)
  return field !== undefined && typeChangesOf(field).some(({ from, fieldPath }) => from?.type === 'float' && fieldPath === '')
}

const INTEGER_DIGITS: Readonly<Record<string, number>> = { byte: 10, short: 10, integer: 10, long: 20 }
const WIDER: Readonly<Record<string, readonly string[]>> = {
  byte: ['short', 'integer', 'long', 'double'],
  short: ['integer', 'long', 'double'],
  integer: ['long', 'double'],
  float: ['double'],
  date: ['timestamp_ntz'],
}

function typeChangesOf(field: Field): TypeChange[] {
  const changes = field.metadata[TYPE_CHANGES]
  if (changes === undefined || changes === null) return []
  const entries: readonly JsonValue[] = Array.isArray(changes) ? changes : [changes]
  return entries.map((entry) => {
    if (!isJsonObject(entry)) return { from: undefined, to: undefined, fieldPath: '' }
    return { from: typeOf(entry.fromType), to: typeOf(entry.toType), fieldPath: typeof entry.fieldPath === 'string' ? entry.fieldPath : '' }
  })
}

function typeOf(value: JsonValue | undefined): DataType | undefined {
  return typeof value === 'string' ? typeOfName(value) : undefined
}

function nameOf(type: DataType | undefined): string {
  return type === undefined ? 'an unknown type' : typeName(type)
}
