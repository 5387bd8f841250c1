// The metadata of Arrow IPC (FlatBuffers) checked before apache-arrow reads it, which follows every offset and length it
// finds. One rule: after the check no offset leads outside and no vector is longer than its bytes, so reading it ends.

/** What a slot of a table holds: bytes of a scalar; text; a vector of items of so many bytes; tables. */
type Slot =
  | number
  | 'text'
  | { readonly items: number }
  | { readonly tables: Slots }
  | { readonly table: Slots }
  | { readonly union: readonly (Slots | undefined)[] }
/** Slots by number. Slots that are not listed are not read either. A union's type is in the slot before it. */
type Slots = Record<number, Slot>

const MAX_DEPTH = 128

// Message.fbs, Schema.fbs and File.fbs of the Arrow format.
const KEY_VALUE: Slots = { 0: 'text', 1: 'text' }
const NO_SLOTS: Slots = {}
const UNIT: Slots = { 0: 2 }
const INT: Slots = { 0: 4, 1: 1 }
const WIDTH: Slots = { 0: 4 }
const TYPES: readonly (Slots | undefined)[] = [
  undefined, // none
  NO_SLOTS, // null
  INT,
  UNIT, // floating point
  NO_SLOTS, // binary
  NO_SLOTS, // utf8
  NO_SLOTS, // bool
  { 0: 4, 1: 4, 2: 4 }, // decimal
  UNIT, // date
  { 0: 2, 1: 4 }, // time
  { 0: 2, 1: 'text' }, // timestamp
  UNIT, // interval
  NO_SLOTS, // list
  NO_SLOTS, // struct
  { 0: 2, 1: { items: 4 } }, // union
  WIDTH, // fixed size binary
  WIDTH, // fixed size list
  { 0: 1 }, // map
  UNIT, // duration
  NO_SLOTS, // large binary
  NO_SLOTS, // large utf8
  NO_SLOTS, // large list
  NO_SLOTS, // run end encoded
  NO_SLOTS, // binary view
  NO_SLOTS, // utf8 view
  NO_SLOTS, // list view
  NO_SLOTS, // large list view
]
const FIELD: Slots = {
  0: 'text',
  1: 1,
  2: 1,
  3: { union: TYPES },
  4: { table: { 0: 8, 1: { table: INT }, 2: 1, 3: 2 } },
  6: { tables: KEY_VALUE },
}
FIELD[5] = { tables: FIELD }
const SCHEMA: Slots = { 0: 2, 1: { tables: FIELD }, 2: { tables: KEY_VALUE }, 3: { items: 8 } }
const RECORD_BATCH: Slots = { 0: 8, 1: { items: 16 }, 2: { items: 16 }, 3: { table: { 0: 1, 1: 1 } }, 4: { items: 8 } }
const DICTIONARY_BATCH: Slots = { 0: 8, 1: { table: RECORD_BATCH }, 2: 1 }
const MESSAGE: Slots = { 0: 2, 1: 1, 2: { union: [undefined, SCHEMA, DICTIONARY_BATCH, RECORD_BATCH] }, 3: 8, 4: { tables: KEY_VALUE } }
const FOOTER: Slots = { 0: 2, 1: { table: SCHEMA }, 2: { items: 24 }, 3: { items: 24 }, 4: { tables: KEY_VALUE } }

/** What a message says of itself. */
export interface MessageFacts {
  readonly kind: 'schema' | 'dictionary' | 'records'
  readonly bodyLength: number
}

/** A part of an IPC file: a message with its body. */
export interface Block {
  readonly offset: number
  readonly metadataLength: number
  readonly bodyLength: number
}

/** Checks the metadata of a message. Undefined where it is not sound, or of a kind that tables do not have. */
export function checkMessage(bytes: Uint8Array): MessageFacts | undefined {
  const check = new FlatCheck(bytes)
  const root = check.root(MESSAGE)
  if (root < 0) return undefined
  const kind = ([undefined, 'schema', 'dictionary', 'records'] as const)[check.byte(root, 1)]
  const bodyLength = check.long(root, 3)
  return kind === undefined || bodyLength < 0 ? undefined : { kind, bodyLength }
}

/** Checks the footer of a file and answers its blocks. Undefined where it is not sound. */
export function checkFooter(bytes: Uint8Array): Block[] | undefined {
  const check = new FlatCheck(bytes)
  const root = check.root(FOOTER)
  if (root < 0 || check.slot(root, 1) === 0) return undefined
  return [...check.blocks(root, 2), ...check.blocks(root, 3)]
}

class FlatCheck {
  private readonly view: DataView
  private readonly size: number
  /** Tables that may still be met: parts may be shared, and shared parts of shared parts would never end. */
  private budget: number

  constructor(bytes: Uint8Array) {
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
    this.size = bytes.length
    this.budget = bytes.length
  }

  /** The place of the root table, or -1 where anything of it is not sound. */
  root(slots: Slots): number {
    const at = this.target(0)
    return at >= 0 && this.table(at, slots, 0) ? at : -1
  }

  /** The place of a slot's value in a checked table, 0 where it has none. */
  slot(table: number, index: number): number {
    const vtable = table - this.view.getInt32(table, true)
    const entry = 4 + index * 2
    if (entry + 2 > this.view.getUint16(vtable, true)) return 0
    const offset = this.view.getUint16(vtable + entry, true)
    return offset === 0 ? 0 : table + offset
  }

  byte(table: number, index: number): number {
    const at = this.slot(table, index)
    return at === 0 ? 0 : this.view.getUint8(at)
  }

  /** A 64-bit number of a slot; -1 where it is negative or beyond 2^53. */
  long(table: number, index: number): number {
    const at = this.slot(table, index)
    return at === 0 ? 0 : this.longAt(at)
  }

  blocks(table: number, index: number): Block[] {
    const at = this.slot(table, index)
    if (at === 0) return []
    const vector = this.target(at)
    return Array.from({ length: this.view.getUint32(vector, true) }, (_, i) => {
      const block = vector + 4 + i * 24
      return { offset: this.longAt(block), metadataLength: this.view.getInt32(block + 8, true), bodyLength: this.longAt(block + 16) }
    })
  }

  private longAt(at: number): number {
    const value = this.view.getBigInt64(at, true)
    return value < 0n || value > BigInt(Number.MAX_SAFE_INTEGER) ? -1 : Number(value)
  }

  // Where the offset stored at `at` leads, or -1.
  private target(at: number): number {
    if (at < 0 || at + 4 > this.size) return -1
    const target = at + this.view.getUint32(at, true)
    return target > at && target + 4 <= this.size ? target : -1
  }

  private table(at: number, slots: Slots, depth: number): boolean {
    if (depth > MAX_DEPTH || this.budget-- <= 0) return false
    const vtable = at - this.view.getInt32(at, true)
    if (vtable < 0 || vtable + 4 > this.size) return false
    const vtableSize = this.view.getUint16(vtable, true)
    const tableSize = this.view.getUint16(vtable + 2, true)
    if (vtableSize < 4 || vtable + vtableSize > this.size || tableSize < 4 || at + tableSize > this.size) return false
    for (const [key, slot] of Object.entries(slots)) {
      const value = this.slot(at, Number(key))
      if (value === 0) continue
      const width = typeof slot === 'number' ? slot : 4
      if (value - at + width > tableSize) return false
      if (typeof slot !== 'number' && !this.reference(value, slot, this.byte(at, Number(key) - 1), depth)) return false
    }
    return true
  }

  private reference(at: number, slot: Exclude<Slot, number>, unionType: number, depth: number): boolean {
    const target = this.target(at)
    if (target < 0) return false
    if (slot === 'text') return this.vector(target, 1)
    if ('items' in slot) return this.vector(target, slot.items)
    if ('table' in slot) return this.table(target, slot.table, depth + 1)
    if ('union' in slot) {
      const member = slot.union[unionType]
      return member !== undefined && this.table(target, member, depth + 1)
    }
    if (!this.vector(target, 4)) return false
    const count = this.view.getUint32(target, true)
    for (let i = 0; i < count; i++) {
      const table = this.target(target + 4 + i * 4)
      if (table < 0 || !this.table(table, slot.tables, depth + 1)) return false
    }
    return true
  }

  private vector(at: number, width: number): boolean {
    return at + 4 + this.view.getUint32(at, true) * width <= this.size
  }
}
