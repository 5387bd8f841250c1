// The cells of a variant column. Such a column is a struct of two binary columns, `metadata` and `value`, as the Parquet
// specification has it; shredded columns are brought into this form where files are read (unshred.ts).
import { type Field as ArrowField, Binary, type Data, Field, Struct } from 'apache-arrow'
import { bitAt, bytesOf, offsetsOf, validityOf } from '../buffers.js'
import { variantFault } from './faults.js'
import { VariantNames } from './names.js'
import { readVariant, type VariantSink } from './read-value.js'

/** The one Arrow type of variant columns in this library, compared by identity. */
export const VARIANT_TYPE: Struct = new Struct([new Field('metadata', new Binary(), true), new Field('value', new Binary(), true)])

/** What marks a variant for other users of Arrow data: a canonical extension type. */
export const VARIANT_FIELD_METADATA: ReadonlyMap<string, string> = new Map([['ARROW:extension:name', 'arrow.parquet.variant']])

/** The child of a struct column by name, or undefined. */
export function childNamed(data: Data, name: string): Data | undefined {
  const fields = data.type.children as ArrowField[]
  const at = fields.findIndex((field) => field.name === name)
  return at < 0 ? undefined : data.children[at]
}

/** Binary cells by row; undefined for null. The bytes are views. */
export function binaryCells(data: Data): (i: number) => Uint8Array | undefined {
  const [offsets, bytes, validity] = [offsetsOf(data), bytesOf(data), validityOf(data)]
  return (i) => (validity !== undefined && !bitAt(validity, i) ? undefined : bytes.subarray(offsets[i], offsets[i + 1]))
}

/** The cells [from, to) of a variant column, in a sink's form; under a null of the column itself anything may come. */
export function readVariants<T>(data: Data, from: number, to: number, sink: VariantSink<T>): T[] {
  const validity = validityOf(data)
  const metadataOf = binaryCells(childNamed(data, 'metadata') as Data)
  const bytesAt = binaryCells(childNamed(data, 'value') as Data)
  const dictionary = new NamesCache()
  const cells: T[] = new Array(to - from)
  for (let i = from; i < to; i++) {
    if (validity !== undefined && !bitAt(validity, i)) {
      cells[i - from] = sink.null()
      continue
    }
    const [metadata, value] = [metadataOf(i), bytesAt(i)]
    if (metadata === undefined || value === undefined) throw variantFault('its metadata or its value is missing')
    cells[i - from] = readVariant(value, dictionary.of(metadata), sink)
  }
  return cells
}

/** Dictionaries of rows that follow each other are mostly the same bytes. */
export class NamesCache {
  private bytes: Uint8Array | undefined
  private names: VariantNames | undefined

  of(metadata: Uint8Array): VariantNames {
    if (this.names === undefined || !sameBytes(this.bytes as Uint8Array, metadata)) {
      this.names = new VariantNames(metadata)
      this.bytes = metadata
    }
    return this.names
  }
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false
  return true
}
