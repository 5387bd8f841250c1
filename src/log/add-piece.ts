// The adds of some consecutive rows of a checkpoint as flat columns, whichever way they were read: from the column chunks
// themselves, or from Arrow where only the codec can read them. Only rows that are adds are in it.
import { type Data, DataType } from 'apache-arrow'
import type { LeafTexts, LeafValues } from '../parquet/index.js'
import { childOf, expectType, integersOf, isText, isTextMap, withValues } from './arrow-json.js'
import { ActionFault } from './parse-action.js'

/** Texts as places in bytes; a negative length is a null. */
export interface Texts {
  readonly bytes: Uint8Array
  readonly starts: Int32Array
  readonly lengths: Int32Array
  /** Texts that begin before this place come from a dictionary: equal places are equal texts. 0 where nothing is known. */
  readonly dictionaryEnd: number
  /** The number of each in a dictionary, -1 for a null; equal numbers are equal texts. Undefined where not all have one. */
  readonly numbers?: Int32Array | undefined
}

export interface AddPiece {
  readonly count: number
  /** The row of each add among the rows of the piece; undefined where every row is one. */
  readonly rows: Int32Array | undefined
  readonly paths: Texts
  /** Of the paths, as the file table hashes them; undefined where they are still to be made. */
  readonly hashes: Int32Array | undefined
  /** NaN where it is no size. */
  readonly sizes: Float64Array
  readonly times: Float64Array
  readonly partitions: PartitionEntries | undefined
}

/** Entries of the partition values' maps: those of add `n` are `offsets[n]` up to `offsets[n + 1]`. */
export interface PartitionEntries {
  readonly offsets: Int32Array
  readonly keys: Texts
  readonly values: Texts
}

/** Leaves of one row group; undefined for those that the file lacks. */
export interface AddLeaves {
  readonly path: LeafValues
  readonly size: LeafValues
  readonly modificationTime: LeafValues | undefined
  readonly partitionKeys: LeafValues | undefined
  readonly partitionValues: LeafValues | undefined
}

/** @throws ActionFault */
export function pieceOfLeaves(leaves: AddLeaves): AddPiece {
  const { path } = leaves
  const rows = presentRows(path)
  const texts = path.texts as LeafTexts
  const sizes = numbersAt(leaves.size, rows, path.present, Number.NaN)
  const times =
    leaves.modificationTime === undefined
      ? new Float64Array(path.present)
      : numbersAt(leaves.modificationTime, rows, path.present, Number.MAX_SAFE_INTEGER)
  const { partitionKeys, partitionValues } = leaves
  const partitions =
    partitionKeys === undefined || partitionValues === undefined
      ? undefined
      : entriesOfLeaves(partitionKeys, partitionValues, rows, path.present)
  return { count: path.present, rows, paths: texts, hashes: texts.hashes, sizes, times, partitions }
}

/** @throws ActionFault */
export function pieceOfArrow(add: Data): AddPiece {
  const need = (name: string): Data => {
    const data = childOf(add, name)
    if (data === undefined) throw new ActionFault(`it has no column add.${name}`)
    return data
  }
  const path = expectType(need('path'), 'add.path', isText)
  const size = expectType(need('size'), 'add.size', DataType.isInt)
  const time = withValues(add, 'modificationTime', DataType.isInt)
  const rows: number[] = []
  // Some writers give every row a struct and leave its fields null.
  for (let i = 0; i < add.length; i++) if (add.getValid(i) && path.getValid(i)) rows.push(i)
  const every = rows.length === add.length
  const pick = (read: (i: number) => number): Float64Array => Float64Array.from(rows, read)
  const sizeAt = integersOf(size)
  const timeAt = time === undefined ? (): number => 0 : integersOf(time)
  return {
    count: rows.length,
    rows: every ? undefined : Int32Array.from(rows),
    paths: textsOfArrow(path, rows),
    hashes: undefined,
    sizes: pick((i) => (size.getValid(i) ? sizeAt(i) : Number.NaN)),
    times: pick((i) => (time === undefined || time.getValid(i) ? orLatest(timeAt(i)) : Number.MAX_SAFE_INTEGER)),
    partitions: entriesOfArrow(withValues(add, 'partitionValues', isTextMap), rows),
  }
}

function orLatest(time: number): number {
  return Number.isNaN(time) ? Number.MAX_SAFE_INTEGER : time
}

// The rows that have a value; undefined where all of them do.
function presentRows(leaf: LeafValues): Int32Array | undefined {
  const { definitions, levels, present } = leaf
  if (definitions === undefined) return undefined
  const rows = new Int32Array(present)
  let count = 0
  for (let i = 0; i < leaf.slots; i++) if (definitions[i] === levels.definition) rows[count++] = i
  return rows
}

// The numbers of a column in the given rows. Those beyond 2^53, and nulls, are `otherwise`.
function numbersAt(leaf: LeafValues, rows: Int32Array | undefined, count: number, otherwise: number): Float64Array {
  const numbers = new Float64Array(count)
  const words = leaf.words as Int32Array
  const { definitions, levels } = leaf
  if (definitions === undefined && rows === undefined) {
    for (let n = 0; n < count; n++) {
      const high = words[n * 2 + 1] as number
      numbers[n] = high < -0x200000 || high >= 0x200000 ? otherwise : high * 0x1_0000_0000 + ((words[n * 2] as number) >>> 0)
    }
    return numbers
  }
  let at = 0
  let row = 0
  for (let n = 0; n < count; n++, row++) {
    for (const wanted = rows === undefined ? row : (rows[n] as number); row < wanted; row++) {
      if (definitions === undefined || definitions[row] === levels.definition) at++
    }
    if (definitions !== undefined && definitions[row] !== levels.definition) {
      numbers[n] = otherwise
      continue
    }
    const high = words[at * 2 + 1] as number
    numbers[n] = high < -0x200000 || high >= 0x200000 ? otherwise : high * 0x1_0000_0000 + ((words[at * 2] as number) >>> 0)
    at++
  }
  return numbers
}

// Both leaves of a map have the same slots: one an entry, and one for a row that has none.
function entriesOfLeaves(keys: LeafValues, values: LeafValues, rows: Int32Array | undefined, count: number): PartitionEntries {
  if (keys.slots !== values.slots) throw new ActionFault('its partition values have keys and values that do not belong together')
  const offsets = new Int32Array(count + 1)
  const { definitions, repetitions, slots } = keys
  if (definitions === undefined && repetitions === undefined && rows === undefined && values.definitions === undefined) {
    for (let i = 0; i <= count; i++) offsets[i] = i
    return { offsets, keys: keys.texts as LeafTexts, values: values.texts as LeafTexts }
  }
  const keyTexts = new TextGather(keys)
  const valueTexts = new TextGather(values)
  let row = -1
  let nth = -1
  let wanted = false
  for (let slot = 0; slot < slots; slot++) {
    if (repetitions === undefined || repetitions[slot] === 0) {
      row++
      wanted = rows === undefined ? row < count : rows[nth + 1] === row
      if (wanted) offsets[++nth] = keyTexts.count
    }
    const hasKey = definitions === undefined || definitions[slot] === keys.levels.definition
    keyTexts.next(slot, hasKey && wanted)
    valueTexts.next(slot, hasKey && wanted)
  }
  if (nth + 1 !== count) throw new ActionFault('its partition values end before its paths')
  offsets[count] = keyTexts.count
  return { offsets, keys: keyTexts.texts(), values: valueTexts.texts() }
}

// Walks a leaf slot by slot and keeps the texts of some: which of the leaf's values they are, -1 for a null.
class TextGather {
  count = 0
  readonly #leaf: LeafValues
  readonly #kept: Int32Array
  #at = 0

  constructor(leaf: LeafValues) {
    this.#leaf = leaf
    this.#kept = new Int32Array(leaf.slots)
  }

  next(slot: number, keep: boolean): void {
    const { definitions, levels } = this.#leaf
    const has = definitions === undefined || definitions[slot] === levels.definition
    if (keep) this.#kept[this.count++] = has ? this.#at : -1
    if (has) this.#at++
  }

  texts(): Texts {
    return new KeptTexts(this.#leaf.texts as LeafTexts, this.#kept.subarray(0, this.count))
  }
}

// Places are looked up only where numbers do not do.
class KeptTexts implements Texts {
  readonly bytes: Uint8Array
  readonly dictionaryEnd: number
  readonly numbers: Int32Array | undefined
  readonly #all: LeafTexts
  readonly #kept: Int32Array
  #starts: Int32Array | undefined
  #lengths: Int32Array | undefined

  constructor(all: LeafTexts, kept: Int32Array) {
    this.bytes = all.bytes
    this.dictionaryEnd = all.dictionaryEnd
    const { numbers } = all
    this.numbers = numbers && kept.map((at) => (at < 0 ? -1 : (numbers[at] as number)))
    this.#all = all
    this.#kept = kept
  }

  get starts(): Int32Array {
    const { starts } = this.#all
    this.#starts ??= this.#kept.map((at) => (at < 0 ? 0 : (starts[at] as number)))
    return this.#starts
  }

  get lengths(): Int32Array {
    const { lengths } = this.#all
    this.#lengths ??= this.#kept.map((at) => (at < 0 ? -1 : (lengths[at] as number)))
    return this.#lengths
  }
}

/** The texts of some rows of a column. */
export function textsOfArrow(data: Data, rows: ArrayLike<number>): Texts {
  const { valueOffsets } = data
  const starts = new Int32Array(rows.length)
  const lengths = new Int32Array(rows.length)
  const base = valueOffsets[0] as number
  for (let n = 0; n < rows.length; n++) {
    const i = rows[n] as number
    starts[n] = (valueOffsets[i] as number) - base
    lengths[n] = data.getValid(i) ? (valueOffsets[i + 1] as number) - (valueOffsets[i] as number) : -1
  }
  const bytes = (data.values as Uint8Array).slice(base, valueOffsets[data.length] as number)
  return { bytes, starts, lengths, dictionaryEnd: 0 }
}

function entriesOfArrow(map: Data | undefined, rows: readonly number[]): PartitionEntries | undefined {
  if (map === undefined) return undefined
  const offsets = new Int32Array(rows.length + 1)
  const entries: number[] = []
  for (const [n, i] of rows.entries()) {
    const end = map.getValid(i) ? (map.valueOffsets[i + 1] as number) : -1
    for (let at = map.valueOffsets[i] as number; at < end; at++) entries.push(at)
    offsets[n + 1] = entries.length
  }
  const [keys, values] = (map.children[0] as Data).children as [Data, Data]
  return { offsets, keys: textsOfArrow(keys, entries), values: textsOfArrow(values, entries) }
}
