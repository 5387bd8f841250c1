// Batches as lines of text: the canonical form for comparing engines, NDJSON and CSV for people and pipes.
import type { Data, RecordBatch } from 'apache-arrow'
import type { DataType, StructType } from '../schema/index.js'
import { bitAt, validityOf } from './buffers.js'
import { conformBatch } from './conform.js'
import { jsonTexts, objectTexts } from './text-json.js'
import { csvField, leafTexts } from './text-leaves.js'

const BLOCK_ROWS = 1024
// What is JSON inside of CSV.
const NESTED: ReadonlySet<string> = new Set(['array', 'map', 'struct', 'variant'])

/**
 * One JSON text a row, in the canonical form by which rows of engines are compared: longs beyond 2^53-1 and decimals as
 * strings, floats as the doubles they equal, maps as pairs sorted by key, members in the order of `JSON.stringify`.
 * @throws AlluviumError `SCHEMA_MISMATCH` where the batch does not match `struct`.
 */
export function canonicalLines(batch: RecordBatch, struct: StructType): string[] {
  const lines: string[] = []
  eachBlock(batch, struct, (data, from, to) => {
    // A line is put together of dozens of pieces; joined and cut again it is one, and the pieces are garbage at once.
    for (const line of objectTexts(data, struct.fields, from, to, 'canonical').join('\n').split('\n')) lines.push(line)
  })
  return lines
}

/**
 * The rows as NDJSON, each line with its newline, in a form that `ingest` reads back exactly: longs and decimals are
 * numbers of any length, timestamps ISO 8601 with microseconds, binary base64, NaN and infinities strings, maps with
 * text keys objects and other maps arrays of pairs. Nulls are printed.
 */
export function ndjsonLines(batch: RecordBatch, struct: StructType): string {
  const blocks: string[] = []
  eachBlock(batch, struct, (data, from, to) => {
    blocks.push(`${objectTexts(data, struct.fields, from, to, 'json').join('\n')}\n`)
  })
  return blocks.join('')
}

/**
 * The rows as CSV (RFC 4180, lines end with a newline, no header: see {@link csvHeader}). Null is an empty field, the
 * empty text is `""`; arrays, maps, structs and variants are JSON as in {@link ndjsonLines}.
 */
export function csvLines(batch: RecordBatch, struct: StructType): string {
  const blocks: string[] = []
  eachBlock(batch, struct, (data, from, to) => {
    const columns = struct.fields.map((field, c) => csvTexts(data.children[c] as Data, field.dataType, from, to))
    const lines: string[] = new Array(to - from)
    for (let i = 0; i < lines.length; i++) {
      let line = ''
      for (let c = 0; c < columns.length; c++) line += c === 0 ? (columns[c] as string[])[i] : `,${(columns[c] as string[])[i]}`
      lines[i] = line
    }
    blocks.push(`${lines.join('\n')}\n`)
  })
  return blocks.join('')
}

/** The line of column names for {@link csvLines}, with its newline. */
export function csvHeader(struct: StructType): string {
  return `${struct.fields.map((field) => csvField(field.name)).join(',')}\n`
}

function csvTexts(data: Data, type: DataType, from: number, to: number): string[] {
  if (type.type === 'void') return new Array(to - from).fill('')
  const nested = NESTED.has(type.type)
  const texts = nested
    ? jsonTexts(data, type, from, to, 'json').map((text) => (text === 'null' ? '' : csvField(text)))
    : leafTexts(data, type, from, to, 'csv')
  const validity = validityOf(data)
  if (validity !== undefined) for (let i = from; i < to; i++) if (!bitAt(validity, i)) texts[i - from] = ''
  return texts
}

function eachBlock(batch: RecordBatch, struct: StructType, visit: (data: Data, from: number, to: number) => void): void {
  const { data, numRows } = conformBatch(batch, struct, { purpose: 'read' })
  for (let from = 0; from < numRows; from += BLOCK_ROWS) visit(data, from, Math.min(from + BLOCK_ROWS, numRows))
}
