// The footer of a Parquet file as typed facts. What this file does not know stays as raw bytes, so that a footer can
// be rewritten without losing it. Nothing here reads a file; sizes are checked by whoever uses them (slice.ts).

import { guarded } from './faults.js'
import { parseSchemaTree, type SchemaNode } from './schema-tree.js'
import { BINARY, I32, LIST, STRUCT, ThriftFault, type ThriftField, ThriftReader } from './thrift.js'
import { binaryAt, fieldsAt, int32At, int64At, rangesOf, textAt } from './thrift-values.js'

/** Physical types, by number. */
export const PhysicalType = {
  BOOLEAN: 0,
  INT32: 1,
  INT64: 2,
  INT96: 3,
  FLOAT: 4,
  DOUBLE: 5,
  BYTE_ARRAY: 6,
  FIXED_LEN_BYTE_ARRAY: 7,
} as const

/** Compression codecs, by number. */
export const CODEC_NAMES: readonly string[] = ['uncompressed', 'snappy', 'gzip', 'lzo', 'brotli', 'lz4', 'zstd', 'lz4_raw']

/** Facts of one column chunk. Bounds are the raw bytes of the file: strings may be shortened there. */
export interface ChunkInfo {
  readonly path: readonly string[]
  readonly physicalType: number
  readonly codec: number
  readonly encodings: readonly number[]
  readonly numValues: number
  /** Where the chunk's first page begins. */
  readonly offset: number
  readonly compressedSize: number
  readonly uncompressedSize: number
  readonly minValue: Uint8Array | undefined
  readonly maxValue: Uint8Array | undefined
  readonly nullCount: number | undefined
  /** True when the chunk, or its facts, are encrypted. */
  readonly isEncrypted: boolean
  /** Another file that holds the chunk; always undefined in files we read. */
  readonly filePath: string | undefined
}

/** Facts of one row group. */
export interface RowGroupInfo {
  readonly numRows: number
  /** The ordinal of its first row in the file. */
  readonly firstRow: number
  /** Uncompressed bytes, as the file says. */
  readonly totalByteSize: number
  /** One per leaf of the schema, in order; decoded when first asked for. */
  readonly columns: readonly ChunkInfo[]
}

/** Row groups of one file: the format numbers them with 16 bits where it numbers them. */
const MAX_ROW_GROUPS = 100_000

/** A parsed footer. */
export interface Footer {
  readonly bytes: Uint8Array
  readonly fields: readonly ThriftField[]
  readonly version: number
  readonly numRows: number
  readonly createdBy: string | undefined
  readonly root: SchemaNode
  readonly leaves: readonly SchemaNode[]
  readonly rowGroups: readonly RowGroupInfo[]
  /** Where each row group's struct lies in `bytes`. */
  readonly rowGroupRanges: readonly ThriftField[]
  readonly isEncrypted: boolean
}

/**
 * Parses the thrift bytes of a footer (without the length and magic that follow it).
 * @throws ThriftFault where the bytes are no footer; `name` is for the errors of what is decoded later.
 */
export function parseFooter(bytes: Uint8Array, name: string): Footer {
  const fields = new ThriftReader(bytes).fields()
  const byId = new Map(fields.map((field) => [field.id, field]))
  const numRows = int64At(bytes, byId.get(3))
  const schemaField = expect(byId.get(2), LIST, 'schema')
  const leaves: SchemaNode[] = []
  const root = parseSchemaTree(bytes, schemaField, leaves)
  const groupsField = expect(byId.get(4), LIST, 'row groups')
  const ranges = rangesOf(bytes, groupsField, MAX_ROW_GROUPS)
  const rowGroups: RowGroupInfo[] = []
  let firstRow = 0
  for (const range of ranges) {
    const group = new RowGroup(bytes, range, firstRow, leaves.length, name)
    rowGroups.push(group)
    firstRow += group.numRows
  }
  if (numRows === undefined || numRows < 0) throw new ThriftFault('no row count in the footer', 0)
  if (firstRow !== numRows) throw new ThriftFault(`${numRows} rows announced, the row groups hold ${firstRow}`, 0)
  return {
    bytes,
    fields,
    version: int32At(bytes, byId.get(1)) ?? 1,
    numRows,
    createdBy: textAt(bytes, byId.get(6)),
    root,
    leaves,
    rowGroups,
    rowGroupRanges: ranges,
    isEncrypted: byId.has(8),
  }
}

function expect(field: ThriftField | undefined, type: number, what: string): ThriftField {
  if (field === undefined || field.type !== type) throw new ThriftFault(`no ${what} in the footer`, field?.start ?? 0)
  return field
}

class RowGroup implements RowGroupInfo {
  readonly numRows: number
  readonly firstRow: number
  readonly totalByteSize: number
  private readonly bytes: Uint8Array
  private readonly columnsField: ThriftField
  private readonly numLeaves: number
  private readonly name: string
  private decoded: readonly ChunkInfo[] | undefined

  constructor(bytes: Uint8Array, range: ThriftField, firstRow: number, numLeaves: number, name: string) {
    const fields = fieldsAt(bytes, range.start, range.end)
    const numRows = int64At(bytes, fields.get(3))
    if (numRows === undefined || numRows < 0) throw new ThriftFault('a row group without a row count', range.start)
    this.numRows = numRows
    this.firstRow = firstRow
    this.totalByteSize = Math.max(0, int64At(bytes, fields.get(2)) ?? 0)
    this.bytes = bytes
    this.columnsField = expect(fields.get(1), LIST, 'columns of a row group')
    this.numLeaves = numLeaves
    this.name = name
  }

  get columns(): readonly ChunkInfo[] {
    this.decoded ??= guarded(this.name, () => this.decode())
    return this.decoded
  }

  private decode(): ChunkInfo[] {
    const ranges = rangesOf(this.bytes, this.columnsField)
    if (ranges.length !== this.numLeaves) {
      throw new ThriftFault(`a row group of ${ranges.length} columns, the schema has ${this.numLeaves}`, this.columnsField.start)
    }
    return ranges.map((range) => parseChunk(this.bytes, range))
  }
}

function parseChunk(bytes: Uint8Array, range: ThriftField): ChunkInfo {
  const chunk = fieldsAt(bytes, range.start, range.end)
  const isEncrypted = chunk.has(8) || chunk.has(9)
  const metaField = chunk.get(3)
  if (metaField === undefined && isEncrypted) return { ...EMPTY_CHUNK, isEncrypted }
  const place = expect(metaField, STRUCT, 'facts of a column chunk')
  const meta = fieldsAt(bytes, place.start, place.end)
  const need = (value: number | undefined, what: string): number => {
    if (value === undefined || value < 0) throw new ThriftFault(`a column chunk without ${what}`, place.start)
    return value
  }
  const dataOffset = need(int64At(bytes, meta.get(9)), 'a data page offset')
  const dictionaryOffset = int64At(bytes, meta.get(11))
  const statistics = meta.get(12)
  const stats = statistics?.type === STRUCT ? fieldsAt(bytes, statistics.start, statistics.end) : undefined
  return {
    path: textList(bytes, meta.get(3)),
    physicalType: need(int32At(bytes, meta.get(1)), 'a type'),
    codec: need(int32At(bytes, meta.get(4)), 'a codec'),
    encodings: intList(bytes, meta.get(2)),
    numValues: need(int64At(bytes, meta.get(5)), 'a value count'),
    // Some old writers say 0 for "no dictionary page".
    offset: dictionaryOffset !== undefined && dictionaryOffset > 0 && dictionaryOffset < dataOffset ? dictionaryOffset : dataOffset,
    compressedSize: need(int64At(bytes, meta.get(7)), 'a compressed size'),
    uncompressedSize: need(int64At(bytes, meta.get(6)), 'an uncompressed size'),
    minValue: binaryAt(bytes, stats?.get(6)),
    maxValue: binaryAt(bytes, stats?.get(5)),
    nullCount: int64At(bytes, stats?.get(3)),
    isEncrypted,
    filePath: textAt(bytes, chunk.get(1)),
  }
}

const EMPTY_CHUNK: ChunkInfo = {
  path: [],
  physicalType: 0,
  codec: 0,
  encodings: [],
  numValues: 0,
  offset: 0,
  compressedSize: 0,
  uncompressedSize: 0,
  minValue: undefined,
  maxValue: undefined,
  nullCount: undefined,
  isEncrypted: true,
  filePath: undefined,
}

function textList(bytes: Uint8Array, field: ThriftField | undefined): string[] {
  if (field === undefined || field.type !== LIST) return []
  const reader = new ThriftReader(bytes, field.start, field.end)
  const { type, count } = reader.listHead()
  if (type !== BINARY) return []
  return Array.from({ length: count }, () => reader.text())
}

function intList(bytes: Uint8Array, field: ThriftField | undefined): number[] {
  if (field === undefined || field.type !== LIST) return []
  const reader = new ThriftReader(bytes, field.start, field.end)
  const { type, count } = reader.listHead()
  if (type !== I32) return []
  return Array.from({ length: count }, () => reader.int32())
}
