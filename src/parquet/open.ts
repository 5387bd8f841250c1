// Opening a Parquet file: the footer is found, checked and understood before anything else is read.
import { DataType, type Field, List, Map_, RecordBatchReader, Schema, Struct, Table, TimestampMicrosecond, tableToIPC } from 'apache-arrow'
import { asLinear, schemaOf } from '../arrow/index.js'
import { concatBytes } from '../bytes.js'
import { throwIfAborted } from '../errors.js'
import { CodecFault, callCodec, initParquet } from './engine.js'
import { corrupt, guarded, tooLarge, unsupported } from './faults.js'
import { type FlatColumn, flatColumn } from './flat-columns.js'
import { type Footer, PhysicalType, parseFooter } from './footer.js'
import type { SchemaNode } from './schema-tree.js'
import { buildSlice } from './slice.js'
import { type ByteSource, readExactly, withTail } from './source.js'

// The footer of most files, and often the whole of small ones, comes with the first request.
const FOOTER_GUESS_BYTES = 64 * 1024
const MAX_FOOTER_BYTES = 256 * 2 ** 20
// Rows without a column take no bytes, so that counting them would go on for ever.
const MAX_ROWS = 2 ** 32

/** What opening found. */
export interface Opened {
  readonly source: ByteSource
  readonly footer: Footer
  /** Where the footer begins: column chunks end before it. */
  readonly dataEnd: number
}

/** A column for the kernel, with its place among the fields. */
export interface PlacedColumn extends FlatColumn {
  readonly at: number
}

/** A choice of leaves with the Arrow schema it reads as. */
export interface Projection {
  readonly selected: ReadonlySet<number>
  readonly schema: Schema
  /** Given to the codec in every slice, to steer how INT96 is read. */
  hint(): string | undefined
  /** Those of the leaves that the column kernel may decode. */
  readonly flat: ReadonlyMap<number, PlacedColumn>
}

/** The bytes of a footer, and what else came with them. */
export interface FooterBytes {
  readonly bytes: Uint8Array
  /** Where the footer begins. */
  readonly dataEnd: number
  /** The end of the file, as far as it was read. */
  readonly tail: Uint8Array
}

/** Reads and parses the footer. */
export async function openFooter(source: ByteSource, name: string, signal: AbortSignal | undefined): Promise<Opened> {
  const { bytes, dataEnd, tail } = await readFooter(source, name, FOOTER_GUESS_BYTES, signal)
  return { source: withTail(source, tail), footer: footerOf(bytes, name), dataEnd }
}

/** The facts of a footer's bytes. @throws AlluviumError `CORRUPT_DATA`, `LIMIT_EXCEEDED` */
export function footerOf(bytes: Uint8Array, name: string): Footer {
  const footer = guarded(name, () => parseFooter(bytes, name))
  if (footer.numRows > MAX_ROWS) throw tooLarge(name, `it claims ${footer.numRows} rows; at most ${MAX_ROWS} are read of one file`)
  return footer
}

/** Reads the footer's bytes; `guessBytes` is what the first request asks for. */
export async function readFooter(
  source: ByteSource,
  name: string,
  guessBytes: number,
  signal: AbortSignal | undefined,
): Promise<FooterBytes> {
  const { sizeBytes } = source
  if (sizeBytes < 12) throw corrupt(name, `${sizeBytes} bytes are too few for a Parquet file`, { sizeBytes })
  const guess = Math.min(guessBytes, sizeBytes)
  let tail = await readExactly(source, name, { start: sizeBytes - guess, end: sizeBytes }, signal)
  throwIfAborted(signal, `reading ${name}`)
  const magic = magicAt(tail, tail.length - 4)
  if (magic === 'PARE') throw unsupported(name, 'its footer is encrypted (Parquet modular encryption)', ['encryption'])
  if (magic !== 'PAR1') throw corrupt(name, 'it does not end with the magic bytes PAR1', { sizeBytes })
  const length = new DataView(tail.buffer, tail.byteOffset, tail.length).getUint32(tail.length - 8, true)
  if (length > sizeBytes - 12) throw corrupt(name, `a footer of ${length} bytes in a file of ${sizeBytes}`, { sizeBytes })
  if (length > MAX_FOOTER_BYTES) throw tooLarge(name, `its footer takes ${length} bytes; at most ${MAX_FOOTER_BYTES} are read`)
  if (length + 8 > tail.length) {
    const rest = await readExactly(source, name, { start: sizeBytes - length - 8, end: sizeBytes - tail.length }, signal)
    tail = concatBytes([rest, tail])
  }
  return { bytes: tail.subarray(tail.length - 8 - length, tail.length - 8), dataEnd: sizeBytes - length - 8, tail }
}

/** The Arrow schema of some leaves, as the codec will give them. It is asked only where there are leaves that need it. */
export async function project(footer: Footer, name: string, selected: ReadonlySet<number>): Promise<Projection> {
  const none = (): undefined => undefined
  if (selected.size === 0) return { selected, schema: new Schema([]), hint: none, flat: new Map() }
  const leaves = footer.leaves.filter((leaf) => selected.has(leaf.leaf))
  const hasInt96 = leaves.some((leaf) => leaf.physicalType === PhysicalType.INT96)
  const top = new Set(footer.root.children)
  const columns = guarded(name, () => leaves.map((leaf) => (top.has(leaf) ? flatColumn(footer.bytes, leaf) : undefined)))
  if (columns.every((column) => column !== undefined)) {
    const schema = schemaOf(columns.map(({ field }) => field))
    const flat = new Map(columns.map((column, at) => [(leaves[at] as SchemaNode).leaf, { ...column, at }]))
    return { selected, schema, hint: hasInt96 ? () => hintOf(schema) : none, flat }
  }
  await initParquet()
  const plain = readSchema(buildSlice(footer, selected, undefined, undefined), name)
  if (!hasInt96) return { selected, schema: plain, hint: none, flat: flatAmong(plain, footer, columns, leaves) }
  // INT96 would be read as nanoseconds and wrap outside the years 1677 to 2262; as microseconds it does not.
  let leaf = 0
  const steer = (field: Field): Field => {
    const { type } = field
    if (DataType.isStruct(type)) return field.clone({ type: new Struct(type.children.map(steer)) })
    if (DataType.isList(type)) return field.clone({ type: new List(steer(type.children[0] as Field)) })
    if (DataType.isMap(type))
      return field.clone({ type: new Map_(steer(type.children[0] as Field) as ConstructorParameters<typeof Map_>[0], type.keysSorted) })
    const isInt96 = leaves[leaf++]?.physicalType === PhysicalType.INT96
    return isInt96 ? field.clone({ type: new TimestampMicrosecond('UTC') }) : field
  }
  const hint = hintOf(new Schema(plain.fields.map(steer)))
  const schema = readSchema(buildSlice(footer, selected, undefined, hint), name)
  return { selected, schema, hint: () => hint, flat: flatAmong(schema, footer, columns, leaves) }
}

function hintOf(schema: Schema): string {
  return base64(tableToIPC(new Table(schema), 'stream'))
}

// Flat columns beside others: every child of the root with a chosen leaf is a field, in the same order.
function flatAmong(
  schema: Schema,
  footer: Footer,
  columns: readonly (FlatColumn | undefined)[],
  leaves: readonly SchemaNode[],
): Map<number, PlacedColumn> {
  const chosen = new Map(leaves.map((leaf, i) => [leaf, columns[i]]))
  const has = (node: SchemaNode): boolean => chosen.has(node) || node.children.some(has)
  const flat = new Map<number, PlacedColumn>()
  for (const [at, node] of footer.root.children.filter(has).entries()) {
    const column = chosen.get(node)
    const field = schema.fields[at]
    if (column !== undefined && field !== undefined && field.name === column.field.name && String(field.type) === String(column.field.type))
      flat.set(node.leaf, { ...column, at })
  }
  return flat
}

function readSchema(slice: Uint8Array, name: string): Schema {
  try {
    const ipc = callCodec((codec) => codec.readSchema(slice).intoIPCStream())
    // A table of it would cost its columns squared.
    return asLinear(RecordBatchReader.from(ipc).open().schema)
  } catch (error) {
    if (error instanceof CodecFault) throw corrupt(name, `its schema is not understood (${error.message})`, {}, error)
    throw error
  }
}

function magicAt(bytes: Uint8Array, at: number): string {
  return String.fromCharCode(...bytes.subarray(at, at + 4))
}

function base64(bytes: Uint8Array): string {
  let text = ''
  for (let i = 0; i < bytes.length; i += 8192) text += String.fromCharCode(...bytes.subarray(i, i + 8192))
  return btoa(text)
}
