// Drives a decoder over an input cut in some way, checks its book-keeping, and answers all rows with their ordinals.
import { expect } from 'vitest'
import { rowsOf } from '../../src/arrow/index.js'
import { encodeUtf8 } from '../../src/bytes.js'
import { createDecoder, type DecodedBatch, type DecoderOptions, type InputFault, type InputFormat } from '../../src/formats/index.js'
import { parseColumns } from '../../src/schema/index.js'
import type { StructType } from '../../src/schema/types.js'

export interface Decoded {
  readonly rows: Record<string, unknown>[]
  /** The ordinal of each row. */
  readonly ordinals: number[]
  readonly faults: InputFault[]
  /** Ordinals in all, blank records included. */
  readonly records: number
  readonly blanks: number
  readonly batches: number
}

export type Columns = string | StructType

export function structOf(columns: Columns): StructType {
  return typeof columns === 'string' ? parseColumns(columns) : columns
}

/** Decodes `input`, cut before each index of `cuts`. */
export function decodeAll(
  format: InputFormat,
  columns: Columns,
  input: string | Uint8Array,
  options: DecoderOptions = {},
  cuts: readonly number[] = [],
): Decoded {
  const struct = structOf(columns)
  const bytes = typeof input === 'string' ? encodeUtf8(input) : input
  const decoder = createDecoder(format, struct, options)
  const batches: DecodedBatch[] = []
  let from = 0
  for (const cut of [...cuts, bytes.length]) {
    // A copy that is overwritten afterwards: the decoder must not hold on to the chunk.
    const chunk = bytes.slice(from, cut)
    batches.push(...decoder.push(chunk))
    chunk.fill(0x7e)
    from = cut
  }
  batches.push(...decoder.end())
  return collect(batches, struct, bytes.length)
}

/** Checks that batches follow one another without gap or overlap, and gathers what is in them. */
export function collect(batches: readonly DecodedBatch[], struct: StructType, totalBytes?: number): Decoded {
  const first = batches[0]?.firstRecord ?? 0
  const all = { rows: [] as Record<string, unknown>[], ordinals: [] as number[], faults: [] as InputFault[], records: first, blanks: 0 }
  let bytes = 0
  for (const batch of batches) {
    expect(batch.firstRecord).toBe(all.records)
    const rows = rowsOf(batch.batch, struct, { timestamps: 'micros' })
    expect(batch.batch.data.children.map((column) => column.length)).toEqual(struct.fields.map(() => rows.length))
    if (batch.rows === undefined) expect(batch.records).toBe(rows.length)
    else expect(batch.rows).toHaveLength(rows.length)
    const bad = new Set(batch.faults.filter((fault) => fault.raw.length > 0 || fault.line === 0).map((fault) => fault.record))
    expect(rows.length + bad.size + batch.blanks).toBe(batch.records)
    rows.forEach((row, i) => {
      all.rows.push(row)
      all.ordinals.push(batch.firstRecord + (batch.rows?.[i] ?? i))
    })
    all.faults.push(...batch.faults)
    all.records += batch.records
    all.blanks += batch.blanks
    bytes += batch.bytes
  }
  // Bytes after the last record, or without any, belong to no batch.
  if (totalBytes !== undefined) expect(bytes).toBeLessThanOrEqual(totalBytes)
  return { ...all, records: all.records - first, batches: batches.length }
}

/** What matters of faults in most tests. */
export function brief(faults: readonly InputFault[]): { line: number; column: string; value: string; problem: string }[] {
  return faults.map(({ line, column, value, problem }) => ({ line, column, value, problem }))
}
