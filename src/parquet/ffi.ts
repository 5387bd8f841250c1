// Arrow's C data interface, from the codec's memory into Arrow data of ours. One rule: every buffer is copied and
// normalised (offset 0, validity only where there are nulls), since the codec's memory moves and dies.
import {
  type RecordBatch as ArrowBatch,
  type Data,
  DataType,
  type Field,
  makeData,
  RecordBatch,
  type Schema,
  Struct,
  Type,
} from 'apache-arrow'

// struct ArrowArray on wasm32: 5 int64 (length, null_count, offset, n_buffers, n_children), then 4-byte pointers.
const LENGTH = 0
const NULL_COUNT = 8
const OFFSET = 16
const N_BUFFERS = 24
const N_CHILDREN = 32
const BUFFERS = 40
const CHILDREN = 44

/** Copies the struct array at `address` into a record batch of `schema`. */
export function importBatch(memory: ArrayBufferLike, address: number, schema: Schema): ArrowBatch {
  const source = new Source(memory)
  const type = new Struct(schema.fields)
  return new RecordBatch(schema, source.data(address, type) as Data<Struct>)
}

class Source {
  private readonly memory: ArrayBufferLike
  private readonly view: DataView

  constructor(memory: ArrayBufferLike) {
    this.memory = memory
    this.view = new DataView(memory)
  }

  data(address: number, type: DataType, from = 0, count: number = this.int64(address + LENGTH)): Data {
    const offset = this.int64(address + OFFSET) + from
    const { nullBitmap, nullCount } = this.validity(address, type, offset, count, from)
    const base = { length: count, nullCount, nullBitmap }
    if (DataType.isNull(type)) return makeData({ type, length: count })
    if (DataType.isStruct(type)) {
      const children = type.children.map((field: Field, i: number) => this.data(this.child(address, i), field.type, offset, count))
      return makeData({ type, ...base, children })
    }
    if (DataType.isList(type) || DataType.isMap(type)) return this.list(address, type, base, offset)
    if (DataType.isFixedSizeList(type)) {
      const child = this.data(this.child(address, 0), type.children[0]!.type, offset * type.listSize, count * type.listSize)
      return makeData({ type, ...base, child })
    }
    if (DataType.isUtf8(type) || DataType.isBinary(type)) return this.bytes(address, type, base, offset)
    if (DataType.isBool(type)) {
      return makeData({ type, ...base, data: copyBits(new Uint8Array(this.memory), this.buffer(address, 1), offset, count) })
    }
    return this.fixed(address, type, base, offset)
  }

  private list(
    address: number,
    type: DataType,
    base: { length: number; nullCount: number; nullBitmap: Uint8Array | null },
    offset: number,
  ): Data {
    const offsets = new Int32Array(this.memory, this.buffer(address, 1) + offset * 4, base.length === 0 ? 0 : base.length + 1)
    const valueOffsets = rebased(offsets, base.length)
    const first = base.length === 0 ? 0 : (offsets[0] as number)
    const child = this.data(this.child(address, 0), type.children[0]!.type, first, valueOffsets[base.length] as number)
    return makeData({ type, ...base, valueOffsets, child } as unknown as Parameters<typeof makeData>[0]) as Data
  }

  private bytes(
    address: number,
    type: DataType,
    base: { length: number; nullCount: number; nullBitmap: Uint8Array | null },
    offset: number,
  ): Data {
    const offsets = new Int32Array(this.memory, this.buffer(address, 1) + offset * 4, base.length === 0 ? 0 : base.length + 1)
    const valueOffsets = rebased(offsets, base.length)
    const first = base.length === 0 ? 0 : (offsets[0] as number)
    const start = this.buffer(address, 2) + first
    const data = new Uint8Array(this.memory.slice(start, start + (valueOffsets[base.length] as number)))
    return makeData({ type, ...base, valueOffsets, data } as unknown as Parameters<typeof makeData>[0]) as Data
  }

  private fixed(
    address: number,
    type: DataType,
    base: { length: number; nullCount: number; nullBitmap: Uint8Array | null },
    offset: number,
  ): Data {
    const width = byteWidth(type)
    const start = this.buffer(address, 1) + offset * width
    const copy = this.memory.slice(start, start + base.length * width)
    const values = new (type.ArrayType as new (buffer: ArrayBufferLike) => Uint8Array)(copy)
    return makeData({ type, ...base, data: values } as unknown as Parameters<typeof makeData>[0]) as Data
  }

  private validity(
    address: number,
    type: DataType,
    offset: number,
    count: number,
    from: number,
  ): { nullBitmap: Uint8Array | null; nullCount: number } {
    const declared = this.int64(address + NULL_COUNT)
    if (declared === 0 || DataType.isNull(type) || this.int64(address + N_BUFFERS) === 0) return { nullBitmap: null, nullCount: 0 }
    const pointer = this.buffer(address, 0)
    if (pointer === 0) return { nullBitmap: null, nullCount: 0 }
    const nullBitmap = copyBits(new Uint8Array(this.memory), pointer, offset, count)
    const whole = declared > 0 && from === 0 && count === this.int64(address + LENGTH)
    const nullCount = whole ? declared : count - countOnes(nullBitmap, count)
    return nullCount === 0 ? { nullBitmap: null, nullCount } : { nullBitmap, nullCount }
  }

  private child(address: number, index: number): number {
    if (index >= this.int64(address + N_CHILDREN)) throw new Error('an Arrow array with fewer children than its type')
    return this.view.getUint32(this.view.getUint32(address + CHILDREN, true) + index * 4, true)
  }

  private buffer(address: number, index: number): number {
    return this.view.getUint32(this.view.getUint32(address + BUFFERS, true) + index * 4, true)
  }

  private int64(address: number): number {
    return this.view.getInt32(address + 4, true) * 2 ** 32 + this.view.getUint32(address, true)
  }
}

function byteWidth(type: DataType): number {
  switch (type.typeId) {
    case Type.Decimal:
      return (type as unknown as { bitWidth: number }).bitWidth / 8
    case Type.FixedSizeBinary:
      return (type as unknown as { byteWidth: number }).byteWidth
    case Type.Interval:
      return (type as unknown as { unit: number }).unit === 1 ? 8 : (type as unknown as { unit: number }).unit === 2 ? 16 : 4
    default:
      return (type.ArrayType as unknown as { BYTES_PER_ELEMENT: number }).BYTES_PER_ELEMENT
  }
}

function rebased(offsets: Int32Array, length: number): Int32Array {
  const copy = new Int32Array(length + 1)
  if (length === 0) return copy
  copy.set(offsets)
  const first = copy[0] as number
  if (first !== 0) for (let i = 0; i <= length; i++) copy[i] = (copy[i] as number) - first
  return copy
}

/** `count` bits from bit `offset` after `pointer`, moved to bit 0; a whole number of 8-byte words. */
function copyBits(memory: Uint8Array, pointer: number, offset: number, count: number): Uint8Array {
  const copy = new Uint8Array(((count + 63) >> 6) << 3)
  const first = pointer + (offset >> 3)
  const shift = offset & 7
  const bytes = (count + 7) >> 3
  if (shift === 0) {
    copy.set(memory.subarray(first, first + bytes))
  } else {
    for (let i = 0; i < bytes; i++) copy[i] = ((memory[first + i] as number) >> shift) | ((memory[first + i + 1] as number) << (8 - shift))
  }
  const rest = count & 7
  if (rest !== 0) copy[bytes - 1] = (copy[bytes - 1] as number) & ((1 << rest) - 1)
  return copy
}

function countOnes(bits: Uint8Array, count: number): number {
  let ones = 0
  const bytes = (count + 7) >> 3
  for (let i = 0; i < bytes; i++) {
    let v = bits[i] as number
    v -= (v >> 1) & 0x55
    v = (v & 0x33) + ((v >> 2) & 0x33)
    ones += (v + (v >> 4)) & 0x0f
  }
  return ones
}
