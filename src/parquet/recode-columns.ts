// Which columns of files can be recoded into those of a new one without becoming Arrow arrays, and what is to be said of them.
// Rule: the types must be the same, physically and logically; everything else goes the long way.
import { type Data, DataType, Int8, makeData, RecordBatch, type Schema, Struct, Utf8 } from 'apache-arrow'
import { schemaOf } from '../arrow/index.js'
import { guarded } from './faults.js'
import { columnTask, type FlatColumn, flatColumn } from './flat-columns.js'
import { type ChunkInfo, CODEC_NAMES, type Footer, PhysicalType, type RowGroupInfo } from './footer.js'
import { ColumnKind } from './kernel/column.js'
import { canPack, type RecodedChunk, type RecodeTask } from './kernel/recode.js'
import type { SchemaNode } from './schema-tree.js'

/** A column of the new file. */
export interface RecodeColumn {
  readonly node: SchemaNode
  readonly flat: FlatColumn
  readonly task: RecodeTask
}

/** The place of a column among the leaves of a file, and how its chunks differ from one another. */
export interface RecodeSource {
  readonly leaf: number
  readonly flat: FlatColumn
}

// The kinds under which values are gathered as they lie in pages.
const AS_THEY_ARE: Readonly<Record<number, readonly [kind: number, width: number]>> = {
  [PhysicalType.BOOLEAN]: [ColumnKind.BOOL, 0],
  [PhysicalType.INT32]: [ColumnKind.FOUR_BYTES, 4],
  [PhysicalType.FLOAT]: [ColumnKind.FOUR_BYTES, 4],
  [PhysicalType.INT64]: [ColumnKind.EIGHT_BYTES, 8],
  [PhysicalType.DOUBLE]: [ColumnKind.EIGHT_BYTES, 8],
  [PhysicalType.FIXED_LEN_BYTE_ARRAY]: [ColumnKind.FIXED_TO_128, 16],
}
const BATCH_ROWS = 65_536

/** The columns of a file to be written, from the footer of an empty one; undefined where some cannot be made this way. */
export function recodeColumns(layout: Footer, codecName: string): readonly RecodeColumn[] | undefined {
  const codec = CODEC_NAMES.indexOf(codecName)
  if (!canPack(codec)) return undefined
  const columns: RecodeColumn[] = []
  for (const node of layout.root.children) {
    const flat = node.leaf < 0 ? undefined : flatColumn(layout.bytes, node)
    if (flat === undefined) return undefined
    const isText = node.physicalType === PhysicalType.BYTE_ARRAY
    const [kind, width] = isText ? [flat.kind, 0] : (AS_THEY_ARE[node.physicalType ?? -1] ?? [-1, 0])
    if (kind < 0) return undefined
    columns.push({
      node,
      flat,
      task: { kind, width, typeLength: flat.typeLength, isFloat: DataType.isFloat(flat.field.type), maxLevel: flat.maxLevel, codec },
    })
  }
  return columns
}

/** Where a file has the columns; undefined where it lacks one or has it in another form. */
export function sourcesOf(columns: readonly RecodeColumn[], footer: Footer, name: string): readonly RecodeSource[] | undefined {
  const byName = new Map<string, SchemaNode | undefined>()
  // A name that is there twice, or in another case, is nobody's.
  for (const node of footer.root.children) {
    const key = node.name.toLowerCase()
    byName.set(key, byName.has(key) ? undefined : node)
  }
  const sources: RecodeSource[] = []
  for (const { node, flat } of columns) {
    const theirs = byName.get(node.name.toLowerCase())
    if (theirs === undefined || theirs.name !== node.name || theirs.leaf < 0 || theirs.physicalType !== node.physicalType) return undefined
    const other = guarded(name, () => flatColumn(footer.bytes, theirs))
    if (other === undefined || String(other.field.type) !== String(flat.field.type) || other.maxLevel > flat.maxLevel) return undefined
    sources.push({ leaf: theirs.leaf, flat: other })
  }
  return sources
}

/** Whether the chunks of a row group are of codecs and encodings that are known. */
export function isRecodable(sources: readonly RecodeSource[], group: RowGroupInfo): boolean {
  return sources.every(({ leaf, flat }) => columnTask(flat, group.columns[leaf] as ChunkInfo, group.numRows, BATCH_ROWS) !== undefined)
}

/** The extremes of columns as the cells of a batch, for whoever collects statistics of batches: least, greatest, and a NaN or null. */
export function extremesBatch(columns: readonly RecodeColumn[], chunks: readonly RecodedChunk[]): RecordBatch {
  const data = columns.map(({ flat }, i) => extremes(flat, chunks[i] as RecodedChunk))
  const schema: Schema = schemaOf(columns.map(({ flat }, i) => flat.field.clone({ type: (data[i] as Data).type, nullable: true })))
  return new RecordBatch(schema, makeData({ type: new Struct(schema.fields), length: CELLS, nullCount: 0, children: data }))
}

const CELLS = 3

function extremes({ field: { type } }: FlatColumn, { min, max, hasNaN }: RecodedChunk): Data {
  // Booleans and binaries have no bounds: nobody looks at their cells.
  if (!isOrdered(type)) return makeData({ type: new Int8(), length: CELLS, nullCount: 0, data: new Int8Array(CELLS) })
  const valid = (min === undefined || max === undefined ? 0 : 0b011) | (hasNaN ? 0b100 : 0)
  const base = { length: CELLS, nullCount: CELLS - countBits(valid), nullBitmap: Uint8Array.of(valid, 0, 0, 0, 0, 0, 0, 0) }
  const [low, high] = [min ?? new Uint8Array(16), max ?? new Uint8Array(16)]
  if (type instanceof Utf8) {
    const texts = valid === 0 ? new Uint8Array() : joined(low, high)
    const ends = valid === 0 ? [0, 0, 0, 0] : [0, low.length, texts.length, texts.length]
    return makeData({ ...base, type, valueOffsets: Int32Array.from(ends), data: texts })
  }
  const data = DataType.isDecimal(type) ? Uint32Array.from([low, high].flatMap(words)) : numbersOf(type, low, high)
  return makeData({ ...base, type, data } as never) as Data
}

function isOrdered(type: DataType): boolean {
  return !DataType.isBool(type) && !DataType.isBinary(type)
}

function numbersOf(type: DataType, low: Uint8Array, high: Uint8Array): ArrayLike<number | bigint> {
  const [a, b] = [viewOf(low), viewOf(high)]
  if (DataType.isFloat(type)) {
    const isDouble = type.ArrayType.BYTES_PER_ELEMENT === 8
    return isDouble
      ? Float64Array.of(a.getFloat64(0, true), b.getFloat64(0, true), Number.NaN)
      : Float32Array.of(a.getFloat32(0, true), b.getFloat32(0, true), Number.NaN)
  }
  const { ArrayType } = type as { ArrayType: { BYTES_PER_ELEMENT: number; of(...values: unknown[]): ArrayLike<number | bigint> } }
  if (ArrayType.BYTES_PER_ELEMENT === 8) return ArrayType.of(a.getBigInt64(0, true), b.getBigInt64(0, true), 0n)
  return ArrayType.of(a.getInt32(0, true), b.getInt32(0, true), 0)
}

// The four words of a decimal that lies in 4, 8 or 16 bytes, and as many for a cell that follows.
function words(bytes: Uint8Array, place: number): number[] {
  const view = viewOf(bytes)
  const sign = (view.getInt8(bytes.length - 1) as number) < 0 ? 0xffffffff : 0
  const four = Array.from({ length: 4 }, (_, i) => (i * 4 < bytes.length ? view.getUint32(i * 4, true) : sign))
  return place === 1 ? [...four, 0, 0, 0, 0] : four
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

function joined(a: Uint8Array, b: Uint8Array): Uint8Array {
  const both = new Uint8Array(a.length + b.length)
  both.set(a)
  both.set(b, a.length)
  return both
}

function countBits(value: number): number {
  return (value & 1) + ((value >> 1) & 1) + ((value >> 2) & 1)
}
