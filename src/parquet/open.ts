// Opening a Parquet file: the footer is found, checked and understood before anything else is read.
import { DataType, type Field, List, Map_, Schema, Struct, Table, TimestampMicrosecond, tableFromIPC, tableToIPC } from 'apache-arrow'
import { concatBytes } from '../bytes.js'
import { throwIfAborted } from '../errors.js'
import { CodecFault, callCodec, initParquet } from './engine.js'
import { corrupt, guarded, tooLarge, unsupported } from './faults.js'
import { type Footer, PhysicalType, parseFooter } from './footer.js'
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

/** A choice of leaves with the Arrow schema it reads as. */
export interface Projection {
  readonly selected: ReadonlySet<number>
  readonly schema: Schema
  /** Given to the codec in every slice, to steer how INT96 is read. */
  readonly hint: string | undefined
}

/** Reads and parses the footer. */
export async function openFooter(source: ByteSource, name: string, signal: AbortSignal | undefined): Promise<Opened> {
  const { sizeBytes } = source
  if (sizeBytes < 12) throw corrupt(name, `${sizeBytes} bytes are too few for a Parquet file`, { sizeBytes })
  const guess = Math.min(FOOTER_GUESS_BYTES, sizeBytes)
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
  const bytes = tail.subarray(tail.length - 8 - length, tail.length - 8)
  const footer = guarded(name, () => parseFooter(bytes, name))
  if (footer.numRows > MAX_ROWS) throw tooLarge(name, `it claims ${footer.numRows} rows; at most ${MAX_ROWS} are read of one file`)
  return { source: withTail(source, tail), footer, dataEnd: sizeBytes - length - 8 }
}

/** The Arrow schema of some leaves, as the codec will give them. */
export async function project(footer: Footer, name: string, selected: ReadonlySet<number>): Promise<Projection> {
  if (selected.size === 0) return { selected, schema: new Schema([]), hint: undefined }
  await initParquet()
  const plain = readSchema(buildSlice(footer, selected, undefined, undefined), name)
  const leaves = footer.leaves.filter((leaf) => selected.has(leaf.leaf))
  if (!leaves.some((leaf) => leaf.physicalType === PhysicalType.INT96)) return { selected, schema: plain, hint: undefined }
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
  const steered = new Schema(plain.fields.map(steer))
  const hint = base64(tableToIPC(new Table(steered), 'stream'))
  return { selected, schema: readSchema(buildSlice(footer, selected, undefined, hint), name), hint }
}

function readSchema(slice: Uint8Array, name: string): Schema {
  try {
    const ipc = callCodec((codec) => codec.readSchema(slice).intoIPCStream())
    return tableFromIPC(ipc).schema
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
