// The statistics of files as those of one file with the rows of all of them (PROTOCOL.md, "Per-file Statistics"). Rule: a bound
// is exact or absent; where a text is not understood as a whole, there are no statistics at all.
import { compareText } from '../bytes.js'
import { isAlluviumError } from '../errors.js'
import { formatJson, isJsonObject, type JsonObject, type JsonValue, parseJson } from '../json.js'
import type { DataType, StructType } from '../schema/index.js'
import { type Bound, boundReader } from './statistics-bound.js'

// Statistics of thousands of columns are possible; of millions they are an attack.
const MAX_CONTAINERS = 100_000

/**
 * The statistics of a file that holds the rows of all files, from theirs. `schema` is that of the files: under column mapping, with
 * the physical names. Undefined where one has none, or is not understood.
 *
 * Counts are added up; the least of the least values and the greatest of the greatest are kept as they are written. A column that one
 * file says nothing of has no statistics; files in which it is always null say nothing of its bounds and are passed over.
 * The bounds are tight where all files' are.
 *
 * @example
 * mergeStatistics(adds.map((add) => add.stats), schema) // '{"numRecords":5,"minValues":{"id":1},…}'
 */
export function mergeStatistics(texts: readonly (string | undefined)[], schema: StructType): string | undefined {
  const files: FileStatistics[] = []
  for (const text of texts) {
    const file = text === undefined ? undefined : parse(text)
    if (file === undefined) return undefined
    files.push(file)
  }
  const numRecords = files.reduce((sum, file) => sum + file.numRecords, 0)
  if (files.length === 0 || !Number.isSafeInteger(numRecords)) return undefined
  const columns = mergeStruct(schema, files, [])
  if (columns === undefined) return undefined
  const { min, max, nulls, nans } = columns
  const parts = [`"numRecords":${numRecords}`, `"minValues":${object(min)}`, `"maxValues":${object(max)}`, `"nullCount":${object(nulls)}`]
  if (nans.length > 0) parts.push(`"nanCount":${object(nans)}`)
  if (files.some(({ tightBounds }) => tightBounds !== undefined)) parts.push(`"tightBounds":${files.every(isTight)}`)
  return `{${parts.join(',')}}`
}

interface FileStatistics {
  readonly numRecords: number
  readonly tightBounds: boolean | undefined
  readonly minValues: JsonValue | undefined
  readonly maxValues: JsonValue | undefined
  readonly nullCount: JsonValue | undefined
  readonly nanCount: JsonValue | undefined
}

/** Members of objects, printed. */
interface Columns {
  readonly min: string[]
  readonly max: string[]
  readonly nulls: string[]
  readonly nans: string[]
}

function isTight({ tightBounds }: FileStatistics): boolean {
  return tightBounds !== false
}

function parse(text: string): FileStatistics | undefined {
  let value: JsonValue
  try {
    value = parseJson(text, MAX_CONTAINERS)
  } catch (error) {
    if (isAlluviumError(error)) return undefined
    throw error
  }
  if (!isJsonObject(value)) return undefined
  const { numRecords, tightBounds, minValues, maxValues, nullCount, nanCount } = value
  if (!isCount(numRecords) || (tightBounds !== undefined && tightBounds !== null && typeof tightBounds !== 'boolean')) return undefined
  return { numRecords, tightBounds: tightBounds ?? undefined, minValues, maxValues, nullCount, nanCount }
}

function isCount(value: JsonValue | undefined): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0
}

// Undefined where a count contradicts itself.
function mergeStruct(struct: StructType, files: readonly FileStatistics[], path: readonly string[]): Columns | undefined {
  const merged: Columns = { min: [], max: [], nulls: [], nans: [] }
  for (const { name, dataType } of struct.fields) {
    const key = `${JSON.stringify(name)}:`
    const place = [...path, name]
    if (dataType.type === 'struct') {
      const members = mergeStruct(dataType, files, place)
      if (members === undefined) return undefined
      for (const kind of ['min', 'max', 'nulls', 'nans'] as const) {
        if (members[kind].length > 0) merged[kind].push(key + object(members[kind]))
      }
      continue
    }
    const leaf = mergeLeaf(dataType, files, place)
    if (leaf === undefined) return undefined
    for (const kind of ['min', 'max', 'nulls', 'nans'] as const) {
      const text = leaf[kind]
      if (text !== undefined) merged[kind].push(key + text)
    }
  }
  return merged
}

type LeafTexts = Readonly<Partial<Record<keyof Columns, string>>>

function mergeLeaf(type: DataType, files: readonly FileStatistics[], path: readonly string[]): LeafTexts | undefined {
  const nullCounts = files.map(({ nullCount }) => at(nullCount, path))
  if (nullCounts.some((count, i) => isCount(count) && count > (files[i] as FileStatistics).numRecords)) return undefined
  // Of a file in which every value is null, or that has no rows, there is nothing to be bound.
  const bounded = files.filter(({ numRecords }, i) => nullCounts[i] !== numRecords && numRecords > 0)
  const min = extreme(type, bounded, path, 'min')
  const max = extreme(type, bounded, path, 'max')
  const nulls = sum(nullCounts)
  const nans = sum(files.map(({ nanCount }) => at(nanCount, path)))
  return {
    ...(min === undefined ? {} : { min }),
    ...(max === undefined ? {} : { max }),
    ...(nulls === undefined ? {} : { nulls }),
    ...(nans === undefined ? {} : { nans }),
  }
}

function sum(counts: readonly (JsonValue | undefined)[]): string | undefined {
  let total = 0
  for (const count of counts) {
    if (!isCount(count)) return undefined
    total += count
  }
  return String(total)
}

function extreme(type: DataType, files: readonly FileStatistics[], path: readonly string[], end: 'min' | 'max'): string | undefined {
  const read = boundReader(type)
  if (read === undefined) return undefined
  let best: { readonly bound: Bound; readonly value: JsonValue } | undefined
  for (const file of files) {
    const value = at(end === 'min' ? file.minValues : file.maxValues, path)
    const bound = value === undefined || value === null ? undefined : read(value)
    if (value === undefined || bound === undefined) return undefined
    const order = best === undefined ? 0 : compare(bound, best.bound)
    if (best === undefined || (end === 'min' ? order < 0 : order > 0)) best = { bound, value }
  }
  return best === undefined ? undefined : formatJson(best.value)
}

function compare(a: Bound, b: Bound): number {
  if (typeof a === 'string' || typeof b === 'string') return compareText(String(a), String(b))
  // Zeros have signs, and the negative one is the lesser.
  if (a === b) return Object.is(a, b) ? 0 : Object.is(a, -0) ? -1 : 1
  return a < b ? -1 : 1
}

function at(value: JsonValue | undefined, path: readonly string[]): JsonValue | undefined {
  let here = value
  for (const name of path) {
    if (here === undefined || !isJsonObject(here)) return undefined
    here = (here as JsonObject)[name]
  }
  return here
}

function object(members: readonly string[]): string {
  return `{${members.join(',')}}`
}
