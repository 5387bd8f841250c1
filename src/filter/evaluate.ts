// Evaluates a bound filter over a batch. Rule: whole columns at a time, in three truth values; AND is the smaller, OR the
// larger, NOT the mirror.
import { DataType as ArrowType, type Data, type RecordBatch } from 'apache-arrow'
import { type Bound, type BoundColumns, type BoundIsNull, type BoundUnlessNull, FALSE, TRUE, UNKNOWN } from './bound.js'
import { type ColumnData, columnData, compareScaled, keyReader, markNulls } from './column-data.js'
import { compareRows, type ValueLeaf } from './compare-rows.js'

/** The truth of each row: 0 false, 1 unknown, 2 true. */
export function evaluateTruth(bound: Bound, batch: RecordBatch): Uint8Array {
  const out = new Uint8Array(batch.numRows)
  if (out.length > 0) evaluate(bound, batch, out)
  return out
}

function evaluate(bound: Bound, batch: RecordBatch, out: Uint8Array): void {
  switch (bound.kind) {
    case 'constant':
      out.fill(bound.truth)
      return
    case 'and':
    case 'or':
      combine(bound.kind, bound.operands, batch, out)
      break
    case 'range':
      combine('and', bound.parts, batch, out)
      break
    case 'not':
      evaluate(bound.operand, batch, out)
      for (let i = 0; i < out.length; i++) out[i] = 2 - (out[i] as number)
      return
    case 'unlessNull':
      unlessNull(bound, columnData(batch, bound.column.path), out)
      break
    case 'isNull':
      isNull(bound, columnData(batch, bound.column.path), out)
      break
    case 'columns':
      compareTwo(bound, batch, out)
      break
    default: {
      const column = columnData(batch, bound.column.path)
      valueLeaf(bound, column.data, out)
      for (const parent of column.parents) markNulls(out, parent)
    }
  }
}

function combine(kind: 'and' | 'or', operands: readonly Bound[], batch: RecordBatch, out: Uint8Array): void {
  const settled = kind === 'and' ? FALSE : TRUE
  evaluate(operands[0] as Bound, batch, out)
  const next = new Uint8Array(out.length)
  for (let at = 1; at < operands.length; at++) {
    if (isAll(out, settled)) return
    evaluate(operands[at] as Bound, batch, next)
    if (kind === 'and') {
      for (let i = 0; i < out.length; i++) if ((next[i] as number) < (out[i] as number)) out[i] = next[i] as number
    } else {
      for (let i = 0; i < out.length; i++) if ((next[i] as number) > (out[i] as number)) out[i] = next[i] as number
    }
  }
}

function isAll(out: Uint8Array, truth: number): boolean {
  for (let i = 0; i < out.length; i++) if (out[i] !== truth) return false
  return true
}

// A dictionary is asked once for each of its values, then the answers are spread over the rows.
function valueLeaf(leaf: ValueLeaf, data: Data, out: Uint8Array): void {
  if (!ArrowType.isDictionary(data.type)) {
    compareRows(leaf, data, out)
  } else {
    const answers = dictionaryTruths(data, (chunk, truths) => valueLeaf(leaf, chunk, truths))
    const indices = data.values as Int32Array
    for (let i = 0; i < out.length; i++) out[i] = answers[Number(indices[i])] ?? UNKNOWN
  }
  markNulls(out, data)
}

function dictionaryTruths(data: Data, ask: (chunk: Data, truths: Uint8Array) => void): Uint8Array {
  const dictionary = data.dictionary
  const truths = new Uint8Array(dictionary?.length ?? 0)
  let at = 0
  for (const chunk of dictionary?.data ?? []) {
    ask(chunk, truths.subarray(at, at + chunk.length))
    at += chunk.length
  }
  return truths
}

function unlessNull(bound: BoundUnlessNull, column: ColumnData, out: Uint8Array): void {
  out.fill(bound.truth)
  markColumnNulls(column, out)
}

function isNull(_bound: BoundIsNull, column: ColumnData, out: Uint8Array): void {
  out.fill(FALSE)
  markColumnNulls(column, out)
  for (let i = 0; i < out.length; i++) if (out[i] === UNKNOWN) out[i] = TRUE
}

// Nulls of the column itself, of its dictionary, and of the structs that hold it.
function markColumnNulls({ data, parents }: ColumnData, out: Uint8Array): void {
  if (ArrowType.isDictionary(data.type) && (data.dictionary?.nullCount ?? 0) > 0) {
    const nulls = dictionaryTruths(data, (chunk, truths) => markNulls(truths, chunk))
    const indices = data.values as Int32Array
    for (let i = 0; i < out.length; i++) if (nulls[Number(indices[i])] === UNKNOWN) out[i] = UNKNOWN
  }
  markNulls(out, data)
  for (const parent of parents) markNulls(out, parent)
}

function compareTwo(bound: BoundColumns, batch: RecordBatch, out: Uint8Array): void {
  const left = columnData(batch, bound.left.path)
  const right = columnData(batch, bound.right.path)
  const readLeft = keyReader(left.data)
  const readRight = keyReader(right.data)
  const leftScale = bound.left.type.type === 'decimal' ? bound.left.type.scale : 0
  const rightScale = bound.right.type.type === 'decimal' ? bound.right.type.scale : 0
  // Nulls are found first: what stands in the buffers under a null can be anything, also no valid dictionary index.
  out.fill(TRUE)
  markColumnNulls(left, out)
  markColumnNulls(right, out)
  for (let i = 0; i < out.length; i++) {
    if (out[i] === UNKNOWN) continue
    const order = compareScaled(readLeft(i), leftScale, readRight(i), rightScale)
    out[i] = order < 0 ? bound.below : order > 0 ? bound.above : bound.at
  }
}
