// Cells of any column as JSON text, nested ones included: children are printed a block at a time, then put together.
import type { Data } from 'apache-arrow'
import { compareText } from '../bytes.js'
import type { DataType, Field, MapType } from '../schema/index.js'
import { bitAt, offsetsOf, validityOf } from './buffers.js'
import { leafTexts } from './text-leaves.js'
import { readVariants } from './variant/cells.js'
import { jsonSink } from './variant/sinks.js'

/** The forms of JSON there are; see {@link TextStyle}. */
export type JsonStyle = 'canonical' | 'json'

/** The JSON text of the cells [from, to). */
export function jsonTexts(data: Data, type: DataType, from: number, to: number, style: JsonStyle): string[] {
  if (type.type === 'void') return new Array(to - from).fill('null')
  const texts = valueTexts(data, type, from, to, style)
  const validity = validityOf(data)
  if (validity !== undefined) for (let i = from; i < to; i++) if (!bitAt(validity, i)) texts[i - from] = 'null'
  return texts
}

/** The JSON objects of the members of a struct column, or of the columns of a batch, for the cells [from, to). */
export function objectTexts(data: Data, fields: readonly Field[], from: number, to: number, style: JsonStyle): string[] {
  const order = style === 'canonical' ? stringifyOrder(fields) : fields.map((_, i) => i)
  const columns = order.map((c) => jsonTexts(data.children[c] as Data, (fields[c] as Field).dataType, from, to, style))
  const prefixes = order.map((c, i) => `${i === 0 ? '{' : ','}${JSON.stringify((fields[c] as Field).name)}:`)
  const texts: string[] = new Array(to - from)
  for (let i = 0; i < texts.length; i++) {
    let text = ''
    for (let c = 0; c < columns.length; c++) text += (prefixes[c] as string) + ((columns[c] as string[])[i] as string)
    texts[i] = columns.length === 0 ? '{}' : `${text}}`
  }
  return texts
}

function valueTexts(data: Data, type: DataType, from: number, to: number, style: JsonStyle): string[] {
  switch (type.type) {
    case 'struct':
      return objectTexts(data, type.fields, from, to, style)
    case 'array': {
      const offsets = offsetsOf(data)
      const [start, end] = [offsets[from] as number, offsets[to] as number]
      const elements = jsonTexts(data.children[0] as Data, type.elementType, start, end, style)
      return ranges(offsets, from, to, (first, last) => `[${elements.slice(first, last).join(',')}]`)
    }
    case 'map':
      return mapTexts(data, type, from, to, style)
    case 'variant':
      return readVariants(data, from, to, jsonSink(style))
    default:
      return leafTexts(data, type, from, to, style)
  }
}

function mapTexts(data: Data, type: MapType, from: number, to: number, style: JsonStyle): string[] {
  const offsets = offsetsOf(data)
  const [start, end] = [offsets[from] as number, offsets[to] as number]
  const entries = data.children[0] as Data
  const keys = jsonTexts(entries.children[0] as Data, type.keyType, start, end, style)
  const values = jsonTexts(entries.children[1] as Data, type.valueType, start, end, style)
  const pairs = (places: Iterable<number>): string => `[${Array.from(places, (i) => `[${keys[i]},${values[i]}]`).join(',')}]`
  return ranges(offsets, from, to, (first, last) => {
    if (style === 'canonical') return pairs(sortedByKey(keys, first, last))
    const own = keys.slice(first, last)
    // An object holds a key once only; a map that a foreign writer gave a key twice keeps both as pairs.
    if (type.keyType.type !== 'string' || (own.length > 1 && new Set(own).size < own.length)) return pairs(range(first, last))
    return `{${own.map((key, i) => `${key}:${values[first + i]}`).join(',')}}`
  })
}

function sortedByKey(keys: readonly string[], first: number, last: number): number[] {
  return range(first, last).sort((a, b) => compareText(keys[a] as string, keys[b] as string))
}

function range(first: number, last: number): number[] {
  return Array.from({ length: last - first }, (_, i) => first + i)
}

// The text of each cell from its range of children, relative to the first child printed.
function ranges(offsets: Int32Array, from: number, to: number, print: (first: number, last: number) => string): string[] {
  const start = offsets[from] as number
  const texts: string[] = new Array(to - from)
  for (let i = from; i < to; i++) texts[i - from] = print((offsets[i] as number) - start, (offsets[i + 1] as number) - start)
  return texts
}

// JSON.stringify prints members whose names are array indices first, by number.
function stringifyOrder(fields: readonly Field[]): number[] {
  const places = fields.map((_, i) => i)
  const indexOf = (place: number): number => {
    const { name } = fields[place] as Field
    const value = Number(name)
    return String(value) === name && Number.isInteger(value) && value >= 0 && value < 4_294_967_295 ? value : Number.POSITIVE_INFINITY
  }
  return places.sort((a, b) => {
    const [x, y] = [indexOf(a), indexOf(b)]
    return x === y ? a - b : x - y
  })
}
