// Cells of leaf columns as text, a block of a column at a time. The styles differ in how they quote, and in the few
// types of which JSON has more than one form.
import type { Data } from 'apache-arrow'
import { type DataType, formatDateDays, formatDecimal, formatTimestampMicros, formatTimestampNtzMicros } from '../schema/index.js'
import { encodeBase64 } from './base64.js'
import { bitAt, bytesOf, halvesOf, offsetsOf, valuesOf } from './buffers.js'
import { decimalReader } from './casts.js'
import { readTexts } from './cell-texts.js'

/**
 * - `canonical`: JSON by which rows of different engines are compared: longs beyond 2^53-1 and decimals are strings.
 * - `json`: JSON that reads back exactly: longs and decimals are numbers of any length.
 * - `csv`: as `json`, without quotes where there is nothing to quote.
 */
export type TextStyle = 'canonical' | 'json' | 'csv'

// The quote, the backslash and the control characters, said by what they are not.
const NEEDS_JSON_ESCAPE = /[^ !#-[\]-\uffff]/
const NEEDS_CSV_QUOTES = /[",\r\n]/
const TWO_32 = 4_294_967_296

/** The text of the cells [from, to) of a column of a leaf type; what comes out under a null does not matter. */
export function leafTexts(data: Data, type: DataType, from: number, to: number, style: TextStyle): string[] {
  const out: string[] = new Array(to - from)
  switch (type.type) {
    case 'string':
      readTexts(data, from, to, out, (first, last, block) => quoteTexts(out, first, last, block, style))
      return out
    case 'long':
      return longTexts(data, from, out, style)
    case 'byte':
    case 'short':
    case 'integer': {
      const values = valuesOf<Int32Array>(data)
      for (let i = from; i < to; i++) out[i - from] = `${values[i]}`
      return out
    }
    case 'float':
    case 'double':
      return floatTexts(data, from, out, style, type.type === 'float' && style !== 'canonical')
    case 'boolean': {
      const bits = { bytes: valuesOf(data), offset: data.offset }
      for (let i = from; i < to; i++) out[i - from] = bitAt(bits, i) ? 'true' : 'false'
      return out
    }
    default:
      return formattedTexts(data, type, from, out, style)
  }
}

/** A text as one CSV field (RFC 4180). The empty text is quoted, so that it is not taken for null. */
export function csvField(text: string): string {
  return text === '' || NEEDS_CSV_QUOTES.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}

function quoteTexts(texts: string[], first: number, last: number, block: string | undefined, style: TextStyle): void {
  if (style === 'csv') {
    const plain = block !== undefined && !NEEDS_CSV_QUOTES.test(block)
    for (let i = first; i < last; i++) if (!plain || texts[i] === '') texts[i] = csvField(texts[i] as string)
  } else if (block !== undefined && !NEEDS_JSON_ESCAPE.test(block)) {
    for (let i = first; i < last; i++) texts[i] = `"${texts[i]}"`
  } else {
    for (let i = first; i < last; i++) texts[i] = JSON.stringify(texts[i])
  }
}

function longTexts(data: Data, from: number, out: string[], style: TextStyle): string[] {
  const halves = halvesOf(data)
  const values = valuesOf<BigInt64Array>(data)
  for (let i = 0; i < out.length; i++) {
    const at = from + i
    const value = (halves[at * 2 + 1] as number) * TWO_32 + ((halves[at * 2] as number) >>> 0)
    if (Number.isSafeInteger(value)) out[i] = `${value}`
    else out[i] = style === 'canonical' ? `"${values[at]}"` : `${values[at]}`
  }
  return out
}

function floatTexts(data: Data, from: number, out: string[], style: TextStyle, single: boolean): string[] {
  const values = valuesOf<Float64Array>(data)
  for (let i = 0; i < out.length; i++) {
    const value = values[from + i] as number
    if (value === 0) out[i] = style !== 'canonical' && Object.is(value, -0) ? '-0' : '0'
    else if (!Number.isFinite(value)) out[i] = style === 'csv' ? `${value}` : `"${value}"`
    else out[i] = single ? shortestSingle(value) : `${value}`
  }
  return out
}

/** The shortest decimal that reads back as the same float: 0.1, where the double it equals is 0.10000000149011612. */
export function shortestSingle(value: number): string {
  const exact = `${value}`
  if (exact.length <= 8) return exact
  for (let digits = 6; digits <= 9; digits++) {
    const rounded = Number(value.toPrecision(digits))
    if (Math.fround(rounded) === value) return `${rounded}`
  }
  return exact
}

function formattedTexts(data: Data, type: DataType, from: number, out: string[], style: TextStyle): string[] {
  const format = formatter(data, type)
  const quoted = style !== 'csv' && !(type.type === 'decimal' && style === 'json')
  for (let i = 0; i < out.length; i++) out[i] = quoted ? `"${format(from + i)}"` : format(from + i) || '""'
  return out
}

function formatter(data: Data, type: DataType): (at: number) => string {
  switch (type.type) {
    case 'date': {
      const days = valuesOf<Int32Array>(data)
      return (at) => formatDateDays(days[at] as number)
    }
    case 'timestamp':
    case 'timestamp_ntz': {
      const [halves, values] = [halvesOf(data), valuesOf<BigInt64Array>(data)]
      const format = type.type === 'timestamp' ? formatTimestampMicros : formatTimestampNtzMicros
      return (at) => {
        const micros = (halves[at * 2 + 1] as number) * TWO_32 + ((halves[at * 2] as number) >>> 0)
        return format(Number.isSafeInteger(micros) ? micros : (values[at] as bigint))
      }
    }
    case 'decimal': {
      const unscaled = decimalReader(data)
      return (at) => formatDecimal(unscaled(at), type.scale)
    }
    case 'binary': {
      const [offsets, bytes] = [offsetsOf(data), bytesOf(data)]
      return (at) => encodeBase64(bytes, offsets[at], offsets[at + 1])
    }
    default:
      throw new TypeError(`cells of type ${type.type} have no text`)
  }
}
