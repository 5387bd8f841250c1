// Batches of other producers as batches of a Delta schema. One rule: columns that already agree are handed on without
// a copy; everything else is widened exactly or refused, never reinterpreted.
import {
  type Field as ArrowField,
  type DataType as ArrowType,
  type Data,
  type List,
  type Map_,
  makeData,
  type RecordBatch,
  type Struct,
  Type,
} from 'apache-arrow'
import { AlluviumError } from '../errors.js'
import type { StructType } from '../schema/index.js'
import { batchOf } from './batch-builder.js'
import { bitAt, offsetsOf, validityOf } from './buffers.js'
import { CastFault, castLeaf, sameLeaf } from './casts.js'
import { nullData } from './constants.js'
import { plainLayout, validityProps } from './layout.js'
import { placesOf } from './schema.js'
import { toArrowSchema } from './types.js'
import { VARIANT_TYPE } from './variant/cells.js'
import { conformVariant } from './variant/unshred.js'

export interface ConformOptions {
  /**
   * `write` (the default) is for data that goes into a table: columns the schema lacks are refused, NOT NULL is checked
   * at every depth, nothing is cut off. `read` is for files of the table: other columns are left out, names may differ
   * in case, nulls are as they are, nanoseconds become microseconds, integers may be stored wider than they are.
   */
  readonly purpose?: 'read' | 'write'
  /** What the batch comes from, for messages: a file's name. */
  readonly name?: string
}

/**
 * A batch with exactly the columns of `target`, by name: missing ones are null; byte to short to integer to long,
 * float to double, integers to double or decimal, decimals to greater ones, date to timestamp_ntz, unsigned to wider
 * signed integers, timestamps of any unit and zone to microseconds, dictionaries and views to plain values.
 * @throws AlluviumError `SCHEMA_MISMATCH` listing every column that cannot be had; `INVALID_ROW` (write) or `CORRUPT_DATA` (read) for a value that does not fit.
 */
export function conformBatch(batch: RecordBatch, target: StructType, options: ConformOptions = {}): RecordBatch {
  const schema = toArrowSchema(target)
  const context = new Conforming(options)
  const source = batch.schema.fields.map((field, i) => ({ field, data: batch.data.children[i] as Data }))
  const children = context.members(source, schema.fields, batch.numRows, '', undefined)
  context.throwMismatch()
  return batchOf(schema, children, batch.numRows)
}

interface Member {
  readonly field: ArrowField
  readonly data: Data
}

class Conforming {
  private readonly write: boolean
  private readonly place: string
  private readonly nullColumns: Map<ArrowType, Data> = new Map()
  private readonly mismatches: { column: string; problem: string }[] = []

  constructor(options: ConformOptions) {
    this.write = options.purpose !== 'read'
    this.place = options.name === undefined ? '' : ` in ${options.name}`
  }

  throwMismatch(): void {
    if (this.mismatches.length === 0) return
    const faults = this.mismatches.map(({ column, problem }) => `column ${column}: ${problem}`)
    throw new AlluviumError('SCHEMA_MISMATCH', `the data${this.place} does not match the schema: ${faults.join('; ')}`, {
      columns: this.mismatches.map((mismatch) => mismatch.column),
      faults: this.mismatches,
    })
  }

  /** The members of a struct (or the columns of a batch) in the order of `targets`. `parent` has the nulls that hide members. */
  members(source: readonly Member[], targets: readonly ArrowField[], length: number, prefix: string, parent: Data | undefined): Data[] {
    const used = new Set<Member>()
    const find = this.finder(source)
    const children = targets.map((target) => {
      const member = find(target.name)
      const path = `${prefix}${target.name}`
      if (member === undefined) return this.missing(target, length, path, parent)
      used.add(member)
      return this.cell(member.data, target, path, parent)
    })
    if (this.write) {
      for (const member of source) if (!used.has(member)) this.mismatch(`${prefix}${member.field.name}`, 'no such column in the schema')
    }
    return children
  }

  private finder(source: readonly Member[]): (name: string) => Member | undefined {
    const places = placesOf(source.map(({ field }) => field))
    let byCase: Map<string, readonly Member[]> | undefined
    return (name) => {
      const exact = places.get(name)
      if (exact !== undefined) return source[exact]
      if (this.write) return undefined
      byCase ??= groupBy(source, ({ field }) => field.name.toLowerCase())
      const close = byCase.get(name.toLowerCase()) ?? []
      return close.length === 1 ? close[0] : undefined
    }
  }

  private missing(target: ArrowField, length: number, path: string, parent: Data | undefined): Data {
    const hidden = parent !== undefined && parent.nullCount === length
    if (this.write && !target.nullable && length > 0 && !hidden) this.mismatch(path, 'missing, but NOT NULL')
    return this.nulls(target.type, length)
  }

  // Columns that are not there share their nulls.
  private nulls(type: ArrowType, length: number): Data {
    const known = this.nullColumns.get(type)
    if (known !== undefined && known.length === length) return known
    const data = nullData(type, length)
    this.nullColumns.set(type, data)
    return data
  }

  private cell(data: Data, target: ArrowField, path: string, parent: Data | undefined): Data {
    const conformed = this.column(data, target.type, path)
    if (this.write && !target.nullable) this.checkNotNull(conformed, path, parent)
    return conformed
  }

  private column(given: Data, target: ArrowType, path: string): Data {
    if (given.typeId === Type.Null && target.typeId !== Type.Null) return nullData(target, given.length)
    if (target === VARIANT_TYPE) return conformVariant(given) ?? this.refuse(given, target, path)
    const data = plainLayout(given)
    switch (target.typeId) {
      case Type.Struct:
        return data.typeId === Type.Struct ? this.struct(data, target as Struct, path) : this.refuse(given, target, path)
      case Type.List:
        return data.typeId === Type.List ? this.list(data, target as List, path) : this.refuse(given, target, path)
      case Type.Map:
        return data.typeId === Type.Map ? this.map(data, target as Map_, path) : this.refuse(given, target, path)
      default:
        if (sameLeaf(data.type, target)) return data
        return this.cast(data, target, path) ?? this.refuse(given, target, path)
    }
  }

  private struct(data: Data, target: Struct, path: string): Data {
    const fields = (data.type as Struct).children
    const source = fields.map((field, i) => ({ field, data: data.children[i] as Data }))
    const children = this.members(source, target.children, data.length, `${path}.`, data)
    return makeData({ ...validityProps(data), type: target, children } as never) as Data
  }

  private list(data: Data, target: List, path: string): Data {
    const child = this.cell(shown(data), target.children[0] as ArrowField, `${path}.element`, undefined)
    return makeData({ ...validityProps(data), type: target, valueOffsets: shownOffsets(data), child } as never) as Data
  }

  private map(data: Data, target: Map_, path: string): Data {
    const entries = shown(data)
    const [key, value] = (target.childType as unknown as Struct).children as [ArrowField, ArrowField]
    const children = [
      this.cell(entries.children[0] as Data, key, `${path}.key`, entries),
      this.cell(entries.children[1] as Data, value, `${path}.value`, entries),
    ]
    const child = makeData({ ...validityProps(entries), type: target.childType, children } as never) as Data
    return makeData({ ...validityProps(data), type: target, valueOffsets: shownOffsets(data), child } as never) as Data
  }

  private cast(data: Data, target: ArrowType, path: string): Data | undefined {
    try {
      return castLeaf(data, target, !this.write)
    } catch (error) {
      if (!(error instanceof CastFault)) throw error
      throw this.badValue(path, error.row, error.message)
    }
  }

  private checkNotNull(data: Data, path: string, parent: Data | undefined): void {
    if (data.typeId === Type.Null || data.nullCount <= 0) return
    const validity = validityOf(data)
    const visible = parent === undefined ? undefined : validityOf(parent)
    for (let i = 0; i < data.length; i++) {
      if (validity === undefined || bitAt(validity, i) || (visible !== undefined && !bitAt(visible, i))) continue
      throw this.badValue(path, i, 'null in a NOT NULL column')
    }
  }

  private badValue(path: string, row: number, problem: string): AlluviumError {
    return new AlluviumError(
      this.write ? 'INVALID_ROW' : 'CORRUPT_DATA',
      `column ${path}${this.place}, value ${row} of the batch: ${problem}`,
      {
        column: path,
        row,
      },
    )
  }

  private refuse(given: Data, target: ArrowType, path: string): Data {
    this.mismatch(path, `${given.type} cannot become ${target}`)
    return nullData(target, given.length)
  }

  private mismatch(column: string, problem: string): void {
    this.mismatches.push({ column, problem })
  }
}

function groupBy<T>(items: readonly T[], keyOf: (item: T) => string): Map<string, readonly T[]> {
  const groups = new Map<string, T[]>()
  for (const item of items) {
    const key = keyOf(item)
    const group = groups.get(key)
    if (group === undefined) groups.set(key, [item])
    else group.push(item)
  }
  return groups
}

// The part of the child that the cells of a list or map show: what lies outside may be anything.
function shown(data: Data): Data {
  const child = data.children[0] as Data
  const offsets = offsetsOf(data)
  const [start, end] = [offsets[0] as number, offsets[data.length] as number]
  return start === 0 && end === child.length ? child : child.slice(start, end - start)
}

function shownOffsets(data: Data): Int32Array {
  const offsets = offsetsOf(data)
  const start = offsets[0] as number
  return start === 0 ? offsets : Int32Array.from(offsets.subarray(0, data.length + 1), (offset) => offset - start)
}
