// A zod object as a table's schema. One rule: rows that the zod type describes can be written, and rows that are read have the types
// promised here; where Delta has no such type, the place is refused by name. Only zod's types are imported.
import type { core } from 'zod'
import { AlluviumError } from '../errors.js'
import { jsonObject } from '../json.js'
import type { TableSchema } from './builder.js'
import { parseType } from './ddl.js'
import type { DataType, Field, StructType } from './types.js'

/** What reading gives for a type of zod: null for a missing or undefined member, a Map for a record. */
export type RowOfZod<T> = T extends string | number | bigint | boolean | null | Date | Uint8Array
  ? T
  : T extends undefined
    ? null
    : T extends ReadonlyMap<infer K, infer V>
      ? Map<RowOfZod<K>, RowOfZod<V>>
      : T extends readonly (infer E)[]
        ? RowOfZod<E>[]
        : T extends object
          ? string extends keyof T
            ? Map<string, RowOfZod<T[string & keyof T]>>
            : { [K in keyof T]-?: RowOfZod<T[K]> }
          : T

/**
 * A table's schema from a zod 4 object (also of `zod/mini`).
 *
 * | zod | Delta |
 * |---|---|
 * | `string()`, its formats (uuid, email, `iso.datetime`, …), string enums and literals | string |
 * | `iso.date()` | date |
 * | `number()`, `float64()` | double |
 * | `float32()` | float |
 * | `int32()`, or `int()` with bounds inside 32 bits | integer |
 * | `bigint()`, `int64()` | long |
 * | `boolean()`, boolean literals | boolean |
 * | `date()` | timestamp |
 * | `array()`, `record()`, `map()`, `object()` | array, map, map, struct |
 * | `nullable()`, `optional()`, `nullish()` | nullable; everything else is not null |
 *
 * A plain `int()` is refused: a long is read as bigint, which its type does not say. Say `int32()`, `bigint()` or `number()`.
 * Other Delta types are named by metadata (not in `zod/mini`): `z.string().meta({ delta: 'decimal(10,2)' })`, where the value in JavaScript must be the same.
 * The zod object describes rows; it does not parse them: coercions, transforms and defaults are refused.
 * @throws AlluviumError `INVALID_OPTIONS` naming every place that has no Delta type.
 *
 * @example
 * const events = schemaFromZod(z.object({ id: z.bigint(), player: z.string().nullable(), at: z.date() }))
 */
export function schemaFromZod<T extends core.$ZodObject>(object: T): TableSchema<RowOfZod<core.output<T>>, core.output<T>> {
  const faults: string[] = []
  const type = convert(object, '', faults, new Set())
  if (faults.length > 0) {
    throw new AlluviumError('INVALID_OPTIONS', `this zod object cannot be a table's schema: ${faults.join('; ')}`, { faults })
  }
  if (type.dataType.type !== 'struct' || type.nullable) throw new TypeError('schemaFromZod takes z.object({ … })')
  return { struct: type.dataType }
}

interface Converted {
  readonly dataType: DataType
  readonly nullable: boolean
}

// zod's definitions as plain data; only members that exist for the kind at hand are looked at.
interface Def {
  readonly type: string
  readonly format?: string
  readonly coerce?: boolean
  readonly innerType?: core.$ZodType
  readonly element?: core.$ZodType
  readonly keyType?: core.$ZodType
  readonly valueType?: core.$ZodType
  readonly catchall?: core.$ZodType
  readonly shape?: Readonly<Record<string, core.$ZodType>>
  readonly entries?: Readonly<Record<string, unknown>>
  readonly values?: readonly unknown[]
  readonly checks?: readonly unknown[]
}

const VOID: DataType = { type: 'void' }
const NUMBERS: ReadonlySet<string> = new Set(['integer', 'short', 'byte', 'float', 'double'])

function convert(schema: core.$ZodType, path: string, faults: string[], open: Set<core.$ZodType>): Converted {
  const def = schema._zod.def as unknown as Def
  if (open.has(schema)) return fault(faults, path, 'a type that holds itself has no Delta type')
  open.add(schema)
  const converted = convertDef(schema, def, path, faults, open)
  open.delete(schema)
  const named = namedType(schema)
  if (named === undefined) return converted
  const type = parseType(named)
  const forms = { have: jsForm(def), need: jsFormOf(type) }
  if (forms.need !== undefined && forms.have === forms.need) return { dataType: type, nullable: converted.nullable }
  return fault(faults, path, `${def.type} and ${named} have different values in JavaScript`)
}

function convertDef(schema: core.$ZodType, def: Def, path: string, faults: string[], open: Set<core.$ZodType>): Converted {
  const inner = (type: core.$ZodType | undefined, step = ''): Converted =>
    convert(type as core.$ZodType, step === '' ? path : `${path}.${step}`, faults, open)
  if (def.coerce === true) return fault(faults, path, 'rows are not coerced; use the type without coerce')
  switch (def.type) {
    case 'nullable':
    case 'optional':
      return { dataType: inner(def.innerType).dataType, nullable: true }
    case 'readonly':
      return inner(def.innerType)
    case 'object':
      return notNull(objectType(def, path, faults, open))
    case 'array': {
      const element = inner(def.element, 'element')
      return notNull({ type: 'array', elementType: element.dataType, containsNull: element.nullable })
    }
    case 'record':
    case 'map': {
      const key = inner(def.keyType, 'key')
      const value = inner(def.valueType, 'value')
      if (key.nullable) return fault(faults, `${path}.key`, 'the key of a map is never null')
      if (def.type === 'record' && (def.keyType?._zod.def as Def | undefined)?.type !== 'string') {
        return fault(faults, path, 'the keys of a record must be z.string(); for known keys use z.object()')
      }
      return notNull({ type: 'map', keyType: key.dataType, valueType: value.dataType, valueContainsNull: value.nullable })
    }
    default:
      return scalar(schema, def, path, faults)
  }
}

function scalar(schema: core.$ZodType, def: Def, path: string, faults: string[]): Converted {
  const named = namedType(schema) !== undefined
  switch (def.type) {
    case 'string':
      return notNull({ type: def.format === 'date' ? 'date' : 'string' })
    case 'template_literal':
      return notNull({ type: 'string' })
    case 'enum':
      return literals(Object.values(def.entries ?? {}), path, faults)
    case 'literal':
      return literals(def.values ?? [], path, faults)
    case 'number':
      return number(schema, path, faults, named)
    case 'bigint':
      return bigint(schema, path, faults)
    case 'boolean':
      return notNull({ type: 'boolean' })
    case 'date':
      return notNull({ type: 'timestamp' })
    case 'custom':
      // Only metadata can say what a custom type is.
      return named ? notNull(VOID) : fault(faults, path, "a custom type needs .meta({ delta: '…' })")
    default:
      return fault(faults, path, `zod's ${def.type} has no Delta type`)
  }
}

function objectType(def: Def, path: string, faults: string[], open: Set<core.$ZodType>): StructType {
  const catchall = (def.catchall?._zod.def as Def | undefined)?.type
  if (catchall !== undefined && catchall !== 'never') {
    fault(faults, path, 'members beyond those named (loose objects, catchall) have no column')
  }
  const fields = Object.entries(def.shape ?? {}).map(([name, member]): Field => {
    const { dataType, nullable } = convert(member, path === '' ? name : `${path}.${name}`, faults, open)
    return { name, dataType, nullable, metadata: jsonObject() }
  })
  return { type: 'struct', fields }
}

function number(schema: core.$ZodType, path: string, faults: string[], named: boolean): Converted {
  const { format, least, most } = numberBounds(schema)
  if (format === 'float32') return notNull({ type: 'float' })
  if (format === undefined || format === 'float64') return notNull({ type: 'double' })
  if (least >= -(2 ** 31) && most <= 2 ** 31 - 1) return notNull({ type: 'integer' })
  if (named) return notNull({ type: 'double' })
  return fault(
    faults,
    path,
    'an integer of more than 32 bits is read as bigint; use z.int32(), z.bigint() (a long) or z.number() (a double)',
  )
}

interface NumberCheck {
  readonly check?: string
  readonly format?: string
  readonly value?: number
}

// The format and the bounds of a number, from its definition and its checks: `z.int32()`, `z.number().int().min(0)`.
function numberBounds(schema: core.$ZodType): { readonly format: string | undefined; readonly least: number; readonly most: number } {
  const def = schema._zod.def as unknown as Def & NumberCheck
  const checks = (def.checks ?? []).map((check) => (check as { _zod: { def: NumberCheck } })._zod.def)
  let format: string | undefined
  let least = -Infinity
  let most = Infinity
  for (const check of [def, ...checks]) {
    if (check.check === 'number_format') {
      format = check.format
      if (format === 'int32') [least, most] = [Math.max(least, -(2 ** 31)), Math.min(most, 2 ** 31 - 1)]
    }
    if (check.check === 'greater_than') least = Math.max(least, Number(check.value))
    if (check.check === 'less_than') most = Math.min(most, Number(check.value))
  }
  return { format, least, most }
}

function bigint(schema: core.$ZodType, path: string, faults: string[]): Converted {
  const format = (schema._zod.def as unknown as Def).format
  if (format === 'uint64') return fault(faults, path, 'an unsigned 64-bit integer does not fit a long; use z.int64()')
  return notNull({ type: 'long' })
}

function literals(values: readonly unknown[], path: string, faults: string[]): Converted {
  const kinds = new Set(values.map((value) => (value === null ? 'null' : typeof value)))
  const nullable = kinds.delete('null')
  const [kind] = kinds
  const types: Readonly<Record<string, DataType>> = {
    string: { type: 'string' },
    boolean: { type: 'boolean' },
    bigint: { type: 'long' },
    number: { type: 'double' },
  }
  const dataType = kinds.size === 1 ? types[kind as string] : undefined
  return dataType === undefined ? fault(faults, path, 'literals of several kinds have no Delta type') : { dataType, nullable }
}

// The type that `.meta({ delta: 'decimal(10,2)' })` names.
function namedType(schema: core.$ZodType): string | undefined {
  const meta = (schema as { meta?: () => { delta?: unknown } | undefined }).meta
  const named = typeof meta === 'function' ? meta.call(schema)?.delta : undefined
  return typeof named === 'string' ? named : undefined
}

function jsForm(def: Def): string {
  const inner = def.innerType?._zod.def as Def | undefined
  if (inner !== undefined) return jsForm(inner)
  return def.type === 'enum' || def.type === 'template_literal' ? 'string' : def.type === 'custom' ? 'bytes' : def.type
}

function jsFormOf(type: DataType): string | undefined {
  if (NUMBERS.has(type.type)) return 'number'
  switch (type.type) {
    case 'string':
    case 'date':
    case 'timestamp_ntz':
    case 'decimal':
      return 'string'
    case 'long':
      return 'bigint'
    case 'timestamp':
      return 'date'
    case 'boolean':
      return 'boolean'
    case 'binary':
      return 'bytes'
    default:
      return undefined
  }
}

function notNull(dataType: DataType): Converted {
  return { dataType, nullable: false }
}

function fault(faults: string[], path: string, what: string): Converted {
  faults.push(`${path === '' ? 'the object' : path}: ${what}`)
  return { dataType: VOID, nullable: false }
}
