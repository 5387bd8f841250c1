// Builders of array, map and struct. Each owns the builders of its parts; a value that has a fault anywhere inside is
// taken back as a whole.
import { type Data, type Map_, makeData } from 'apache-arrow'
import { BaseBuilder, type BuilderInit, usedPart } from './base-builder.js'
import type { BuildSettings, CellFault, ColumnBuilder, MemberKey } from './column-builder.js'
import { memberKey, memberOf } from './column-builder.js'
import { kindOf, printValue } from './print-value.js'
import { toArrowType } from './types.js'

/** What array and map columns have in common: 32-bit offsets into their children. */
abstract class OffsetsBuilder extends BaseBuilder {
  protected offsets: Int32Array<ArrayBuffer> = new Int32Array(1)

  /** Ends the cell under construction: it has all the children appended since the last one. */
  abstract endCell(): void
  /** Drops the children of the cell under construction. */
  abstract abandonCell(): void

  appendFiller(): void {
    if (this.field.nullable) this.appendNull()
    else this.putZero()
  }

  protected pushOffset(childLength: number): void {
    if (this.length === this.capacity) this.reserve(1)
    this.offsets[++this.length] = childLength
  }

  protected takeOffsets(lent: boolean): Int32Array<ArrayBuffer> {
    const offsets = usedPart(this.offsets, this.length + 1, lent)
    if (!lent) this.offsets = new Int32Array(1)
    return offsets
  }

  protected putZero(): void {
    this.endCell()
  }

  protected resize(capacity: number): void {
    const grown = new Int32Array(capacity + 1)
    grown.set(this.offsets.subarray(0, this.length + 1))
    this.offsets = grown
  }
}

/** `array`: append the elements of a cell to `element`, then `endCell`. */
export class ListBuilder extends OffsetsBuilder {
  readonly element: ColumnBuilder

  constructor(init: BuilderInit, element: ColumnBuilder) {
    super(init)
    this.element = element
  }

  get byteLength(): number {
    return this.length * 4 + this.bitmapBytes + this.element.byteLength
  }

  endCell(): void {
    this.pushOffset(this.element.length)
  }

  abandonCell(): void {
    this.element.truncate(this.offsets[this.length] as number)
  }

  override truncate(length: number): void {
    this.element.truncate(this.offsets[length] as number)
    super.truncate(length)
  }

  finish(lent = false): Data {
    const valueOffsets = this.takeOffsets(lent)
    const child = this.element.finish(lent)
    return makeData({ type: toArrowType(this.field.dataType), valueOffsets, child, ...this.takeValidity(lent) } as never) as Data
  }

  protected put(value: unknown, faults: CellFault[] | undefined): string | undefined {
    if (!Array.isArray(value) && !isNumberArray(value)) return this.fault(value, `expected an array, got ${kindOf(value)}`, faults)
    let problem: string | undefined
    for (let i = 0; i < value.length; i++) {
      const found = this.element.append(value[i], faults)
      if (found === undefined) continue
      problem ??= found
      if (faults === undefined) break
    }
    if (problem === undefined) this.endCell()
    else this.abandonCell()
    return problem
  }
}

/** `map`: append pairs to `key` and `value`, then `endCell`. */
export class MapBuilder extends OffsetsBuilder {
  readonly key: ColumnBuilder
  readonly value: ColumnBuilder

  constructor(init: BuilderInit, key: ColumnBuilder, value: ColumnBuilder) {
    super(init)
    this.key = key
    this.value = value
  }

  get byteLength(): number {
    return this.length * 4 + this.bitmapBytes + this.key.byteLength + this.value.byteLength
  }

  endCell(): void {
    this.pushOffset(this.key.length)
  }

  abandonCell(): void {
    this.key.truncate(this.offsets[this.length] as number)
    this.value.truncate(this.offsets[this.length] as number)
  }

  override truncate(length: number): void {
    this.key.truncate(this.offsets[length] as number)
    this.value.truncate(this.offsets[length] as number)
    super.truncate(length)
  }

  finish(lent = false): Data {
    const type = toArrowType(this.field.dataType) as Map_
    const valueOffsets = this.takeOffsets(lent)
    const length = this.key.length
    const children = [this.key.finish(lent), this.value.finish(lent)]
    const child = makeData({ type: type.childType, length, nullCount: 0, children } as never) as Data
    return makeData({ type, valueOffsets, child, ...this.takeValidity(lent) } as never) as Data
  }

  protected put(value: unknown, faults: CellFault[] | undefined): string | undefined {
    const pairs = this.pairsOf(value)
    if (typeof pairs === 'string') return this.fault(value, pairs, faults)
    const twice = pairs.length > 1 ? duplicateKey(pairs) : undefined
    if (twice !== undefined) return this.fault(value, `the key ${printValue(twice)} stands twice in one map`, faults)
    let problem: string | undefined
    for (const pair of pairs) {
      const badKey = this.key.append(pair[0], faults)
      const badValue = this.value.append(pair[1], faults)
      problem ??= badKey ?? badValue
      if (problem !== undefined && faults === undefined) break
    }
    if (problem === undefined) this.endCell()
    else this.abandonCell()
    return problem
  }

  private pairsOf(value: unknown): readonly (readonly [unknown, unknown])[] | string {
    if (value instanceof Map) return [...value.entries()]
    if (Array.isArray(value)) {
      const bad = value.findIndex((pair) => !Array.isArray(pair) || pair.length !== 2)
      return bad < 0 ? value : `expected pairs [key, value], item ${bad} is none`
    }
    if (!isPlainValue(value)) return `expected a Map, an object or an array of pairs, got ${kindOf(value)}`
    if (this.key.field.dataType.type !== 'string') return 'an object stands for a map with text keys only: pass a Map or an array of pairs'
    return Object.entries(value)
  }
}

/** `struct`: append to every one of `children`, then `endCell`. */
export class StructBuilder extends BaseBuilder {
  readonly children: readonly ColumnBuilder[]
  private readonly keys: readonly MemberKey[]
  private readonly names: ReadonlySet<string>
  private readonly settings: BuildSettings

  constructor(init: BuilderInit, children: readonly ColumnBuilder[], settings: BuildSettings) {
    super(init)
    this.children = children
    this.keys = children.map((child) => memberKey(child.field.name))
    this.names = new Set(children.map((child) => child.field.name))
    this.settings = settings
  }

  get byteLength(): number {
    let sum = this.bitmapBytes
    for (const child of this.children) sum += child.byteLength
    return sum
  }

  /** Ends the cell under construction: every child has one more cell. */
  endCell(): void {
    if (this.length === this.capacity) this.reserve(1)
    this.length++
  }

  /** Drops what children have of the cell under construction. */
  abandonCell(): void {
    for (const child of this.children) if (child.length > this.length) child.truncate(this.length)
  }

  appendFiller(): void {
    if (this.field.nullable) this.appendNull()
    else this.putZero()
  }

  override truncate(length: number): void {
    for (const child of this.children) if (child.length > length) child.truncate(length)
    super.truncate(length)
  }

  finish(lent = false): Data {
    const children = this.children.map((child) => child.finish(lent))
    return makeData({ type: toArrowType(this.field.dataType), children, ...this.takeValidity(lent) } as never) as Data
  }

  protected put(value: unknown, faults: CellFault[] | undefined): string | undefined {
    if (!isPlainValue(value)) return this.fault(value, `expected an object, got ${kindOf(value)}`, faults)
    let problem = this.settings.ignoreUnknown ? undefined : this.unknownKey(value, faults)
    for (let i = 0; i < this.children.length && (problem === undefined || faults !== undefined); i++) {
      problem = (this.children[i] as ColumnBuilder).append(memberOf(value, this.keys[i] as MemberKey), faults) ?? problem
    }
    if (problem === undefined) this.endCell()
    else this.abandonCell()
    return problem
  }

  protected putZero(): void {
    for (const child of this.children) child.appendFiller()
    this.endCell()
  }

  protected resize(): void {}

  private unknownKey(value: object, faults: CellFault[] | undefined): string | undefined {
    let problem: string | undefined
    for (const name of Object.keys(value)) {
      if (this.names.has(name)) continue
      problem = 'no such field in the schema'
      faults?.push({ column: `${this.path}.${name}`, value: printValue((value as Record<string, unknown>)[name]), problem })
    }
    return problem
  }
}

/** An object that can stand for a struct or a map: nothing that is a value of another kind. */
export function isPlainValue(value: unknown): value is object {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false
  return !(value instanceof Date || value instanceof Map || value instanceof Set || ArrayBuffer.isView(value))
}

function isNumberArray(value: unknown): value is ArrayLike<unknown> {
  return ArrayBuffer.isView(value) && !(value instanceof DataView)
}

function duplicateKey(pairs: readonly (readonly [unknown, unknown])[]): unknown {
  const seen = new Set<unknown>()
  for (const [key] of pairs) {
    const plain = key instanceof Date ? key.getTime() : typeof key === 'bigint' ? Number(key) : key
    if (typeof key === 'bigint' && !Number.isSafeInteger(plain)) {
      if (seen.has(key)) return key
      seen.add(key)
      continue
    }
    if (seen.has(plain)) return key
    seen.add(plain)
  }
  return undefined
}
