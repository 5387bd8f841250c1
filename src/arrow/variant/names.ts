// The dictionary of a variant: its `metadata`, which holds the names of the fields of all its objects.
import { decodeUtf8, decodeUtf8Strict } from '../../bytes.js'
import { unknownVariant, variantFault } from './faults.js'

/** The names of one variant by id. They are decoded as they are asked for. */
export class VariantNames {
  readonly count: number
  private readonly bytes: Uint8Array
  private readonly offsetSize: number
  private readonly offsetsAt: number
  private readonly textAt: number
  private readonly names: string[] = []
  private ids: Map<string, number> | undefined

  /** @throws AlluviumError `CORRUPT_DATA`, `UNSUPPORTED_FEATURE` for another version of the encoding */
  constructor(bytes: Uint8Array) {
    const header = bytes[0]
    if (header === undefined) throw variantFault('its metadata is empty')
    if ((header & 15) !== 1) throw unknownVariant(`version ${header & 15} of the encoding`)
    this.bytes = bytes
    this.offsetSize = (header >> 6) + 1
    this.offsetsAt = 1 + this.offsetSize
    if (bytes.length < this.offsetsAt) throw variantFault('its metadata ends early')
    this.count = uintAt(bytes, 1, this.offsetSize)
    this.textAt = this.offsetsAt + (this.count + 1) * this.offsetSize
    if (this.textAt > bytes.length) throw variantFault(`its metadata of ${bytes.length} bytes cannot hold ${this.count} names`)
  }

  /** The name of an id. */
  name(id: number): string {
    const known = this.names[id]
    if (known !== undefined) return known
    if (id >= this.count) throw variantFault(`the field id ${id} in a dictionary of ${this.count} names`)
    const start = this.textAt + uintAt(this.bytes, this.offsetsAt + id * this.offsetSize, this.offsetSize)
    const end = this.textAt + uintAt(this.bytes, this.offsetsAt + (id + 1) * this.offsetSize, this.offsetSize)
    if (start > end || end > this.bytes.length) throw variantFault(`the name ${id} lies outside of its metadata`)
    const name = textAt(this.bytes, start, end)
    this.names[id] = name
    return name
  }

  /** The id of a name, or undefined. */
  id(name: string): number | undefined {
    if (this.ids === undefined) {
      this.ids = new Map()
      for (let id = this.count - 1; id >= 0; id--) this.ids.set(this.name(id), id)
    }
    return this.ids.get(name)
  }
}

/** An unsigned little-endian number of 1 to 4 bytes. The bytes must be there. */
export function uintAt(bytes: Uint8Array, at: number, size: number): number {
  let value = 0
  for (let i = size - 1; i >= 0; i--) value = value * 256 + (bytes[at + i] as number)
  return value
}

/** UTF-8 text; what is none is a fault. */
export function textAt(bytes: Uint8Array, start: number, end: number): string {
  const text = decodeUtf8(bytes, start, end)
  if (text.includes('\ufffd') && decodeUtf8Strict(bytes.subarray(start, end)) === undefined) throw variantFault('a text that is not UTF-8')
  return text
}
