// Partition values that a checkpoint keeps as columns (`partitionValues_parsed`), for adds whose map of texts is missing or says
// nothing (PROTOCOL.md, "Checkpoint Schema"). They become the texts that a commit would have.
import type { Data, RecordBatch, Schema, Struct } from 'apache-arrow'
import { batchOf, conformBatch, fromArrowSchema, physicalReader, schemaOf } from '../arrow/index.js'
import { concatBytes, encodeUtf8 } from '../bytes.js'
import { isAlluviumError } from '../errors.js'
import { formatPartitionValue } from '../schema/index.js'
import type { AddPiece, PartitionEntries, Texts } from './add-piece.js'
import { ActionFault } from './parse-action.js'
import { type Piece, pieceOf } from './piece-appender.js'

/** The column's name below `add`. */
export const PARSED_PARTITIONS = 'partitionValues_parsed'

/** Whether the map of some add is null, empty or not there. */
export function lacksPartitions({ count, partitions }: AddPiece): boolean {
  if (partitions === undefined) return count > 0
  for (let n = 0; n < count; n++) if (partitions.offsets[n] === partitions.offsets[n + 1]) return true
  return false
}

/**
 * The piece with the values of the columns for the adds that have none in their maps.
 * @param firstOrdinal of the piece's rows
 * @param parsed the columns, by row
 * @throws ActionFault for columns that hold no partition values
 */
export function withParsedPartitions(piece: AddPiece, firstOrdinal: number, parsed: readonly Piece[]): AddPiece {
  if (parsed.length === 0) return piece
  const given = piece.partitions
  const out = new EntryWriter(piece.count)
  let reader: { readonly of: Piece; readonly read: ColumnReader } | undefined
  for (let n = 0; n < piece.count; n++) {
    out.begin(n)
    const [from, to] = given === undefined ? [0, 0] : [given.offsets[n] as number, given.offsets[n + 1] as number]
    for (let at = from; at < to; at++) out.copy(given as PartitionEntries, at)
    if (to > from) continue
    const ordinal = firstOrdinal + (piece.rows === undefined ? n : (piece.rows[n] as number))
    const held = pieceOf(parsed, ordinal)
    const data = held?.columns.get(PARSED_PARTITIONS)
    if (held === undefined || data === undefined || ordinal - held.firstOrdinal >= data.length) continue
    if (reader?.of !== held) reader = { of: held, read: columnReader(data) }
    for (const [name, text] of reader.read(ordinal - held.firstOrdinal)) out.add(name, text)
  }
  return { ...piece, partitions: out.entries() }
}

type ColumnReader = (row: number) => readonly (readonly [name: Uint8Array, text: Uint8Array | null])[]

// The cells of a row as texts; none where the struct itself is null.
function columnReader(data: Data): ColumnReader {
  const schema = schemaOf((data.type as Struct).children)
  const columns = asDeltaColumns(schema, [...data.children], data.length)
  return (row) => (data.getValid(row) ? columns.map(({ name, text }) => [name, text(row)] as const) : [])
}

interface TextColumn {
  readonly name: Uint8Array
  readonly text: (row: number) => Uint8Array | null
}

function asDeltaColumns(schema: Schema, children: Data[], length: number): TextColumn[] {
  try {
    const struct = fromArrowSchema(schema)
    const batch: RecordBatch = conformBatch(batchOf(schema, children, length), struct, { purpose: 'read' })
    return struct.fields.map(({ name, dataType }, i) => {
      const read = physicalReader(batch.data.children[i] as Data, dataType)
      const text = (row: number): Uint8Array | null => {
        const value = asFault(() => formatPartitionValue(dataType, read(row)))
        return value === null ? null : encodeUtf8(value)
      }
      return { name: encodeUtf8(name), text }
    })
  } catch (error) {
    throw faultOf(error)
  }
}

function asFault<T>(work: () => T): T {
  try {
    return work()
  } catch (error) {
    throw faultOf(error)
  }
}

function faultOf(error: unknown): unknown {
  const isData = error instanceof TypeError || isAlluviumError(error, 'SCHEMA_MISMATCH', 'INVALID_OPTIONS', 'INVALID_ROW', 'CORRUPT_DATA')
  return isData ? new ActionFault(`its column add.${PARSED_PARTITIONS} holds no partition values: ${(error as Error).message}`) : error
}

// Entries one after another, of many sources.
class EntryWriter {
  readonly #offsets: Int32Array
  readonly #keys: TextWriter = new TextWriter()
  readonly #values: TextWriter = new TextWriter()

  constructor(count: number) {
    this.#offsets = new Int32Array(count + 1)
  }

  begin(n: number): void {
    this.#offsets[n] = this.#keys.count
  }

  copy({ keys, values }: PartitionEntries, at: number): void {
    this.add(textAt(keys, at) as Uint8Array, textAt(values, at))
  }

  add(key: Uint8Array, value: Uint8Array | null): void {
    this.#keys.push(key)
    this.#values.push(value)
  }

  entries(): PartitionEntries {
    this.#offsets[this.#offsets.length - 1] = this.#keys.count
    return { offsets: this.#offsets, keys: this.#keys.texts(), values: this.#values.texts() }
  }
}

class TextWriter {
  readonly #parts: Uint8Array[] = []
  readonly #starts: number[] = []
  readonly #lengths: number[] = []
  #bytes = 0

  get count(): number {
    return this.#starts.length
  }

  push(text: Uint8Array | null): void {
    this.#starts.push(this.#bytes)
    this.#lengths.push(text?.length ?? -1)
    if (text === null || text.length === 0) return
    this.#parts.push(text)
    this.#bytes += text.length
  }

  texts(): Texts {
    const [starts, lengths] = [Int32Array.from(this.#starts), Int32Array.from(this.#lengths)]
    return { bytes: concatBytes(this.#parts), starts, lengths, dictionaryEnd: 0 }
  }
}

function textAt({ bytes, starts, lengths }: Texts, at: number): Uint8Array | null {
  const [start, length] = [starts[at] as number, lengths[at] as number]
  return length < 0 ? null : bytes.subarray(start, start + length)
}
