// The members of one `add` or `remove` object, read from bytes into columns. Every function answers the position after
// what it read, or -1 for anything but the plain form (the caller then parses the line as JSON). What is accepted here
// is always valid for the parser too.
import { decodeUtf8 } from '../bytes.js'
import { isJsonObject, parseJson } from '../json.js'
import type { DeletionVectorDescriptor } from './actions.js'
import { hashView } from './byte-dictionary.js'
import { type FileTable, type PartitionColumn, vectorId, vectorSeed } from './file-table.js'
import { Pattern, plainEnd, standsAt, stringEnd, stringWasEscaped, valueEnd } from './json-scan.js'
import { ActionFault, parseDeletionVector } from './parse-action.js'
import { EXTENDED, HAS_EXTRAS, HAS_VECTOR, type RowChunk, STATS_ESCAPED } from './row-chunk.js'

const PATH = new Pattern('path":')
const PARTITION_VALUES = new Pattern('partitionValues":')
const SIZE = new Pattern('size":')
const STATS = new Pattern('stats":')
const MODIFICATION_TIME = new Pattern('modificationTime":')
const DATA_CHANGE = new Pattern('dataChange":')
const DELETION_VECTOR = new Pattern('deletionVector":')
const DELETION_TIMESTAMP = new Pattern('deletionTimestamp":')
const EXTENDED_METADATA = new Pattern('extendedFileMetadata":')
const TAGS = new Pattern('tags":')
const BASE_ROW_ID = new Pattern('baseRowId":')
const ROW_COMMIT_VERSION = new Pattern('defaultRowCommitVersion":')
const CLUSTERING = new Pattern('clusteringProvider":')
const TRUE = new Pattern('true')
const FALSE = new Pattern('false')
const NULL = new Pattern('null')

const SEEN_PATH = 1
const SEEN_SIZE = 2
const SEEN_PARTITIONS = 4
// The two levels an action's members lie below.
const OUTER_DEPTH = 2

export class FieldScan {
  /** The path of the action read last. */
  pathStart = 0
  pathEnd = 0
  /** The deletion vector of the action read last. */
  vector: DeletionVectorDescriptor | undefined = undefined
  private readonly table: FileTable
  private chunk: RowChunk | undefined = undefined
  private index = 0
  private seen = 0
  private isTombstone = false
  private readonly number: Float64Array = new Float64Array(1)

  private view: DataView = new DataView(new ArrayBuffer(0))

  constructor(table: FileTable) {
    this.table = table
  }

  /** Turns to another commit. */
  begin(view: DataView): void {
    this.view = view
  }

  /** Reads an add's members from after its opening brace into row `index` of `chunk`. */
  add(bytes: Uint8Array, at: number, chunk: RowChunk, index: number, row: number): number {
    this.isTombstone = false
    const close = this.row(bytes, at, chunk, index, row)
    return close < 0 || this.seen !== (SEEN_PATH | SEEN_SIZE | SEEN_PARTITIONS) ? -1 : close
  }

  /**
   * Reads a remove's members from after its opening brace into row `index` of `chunk`: its deletion time stands in the place
   * of the modification time, a size that it does not have is NaN.
   */
  tombstone(bytes: Uint8Array, at: number, chunk: RowChunk, index: number, row: number): number {
    this.isTombstone = true
    chunk.size[index] = Number.NaN
    const close = this.row(bytes, at, chunk, index, row)
    this.isTombstone = false
    return (this.seen & SEEN_PATH) === 0 ? -1 : close
  }

  private row(bytes: Uint8Array, at: number, chunk: RowChunk, index: number, row: number): number {
    this.chunk = chunk
    this.index = index
    this.seen = 0
    this.vector = undefined
    chunk.flags[index] = 0
    chunk.statsLength[index] = 0
    chunk.modificationTime[index] = 0
    const close = this.members(bytes, at, bytes.length)
    if (close < 0 || (this.seen & SEEN_PATH) === 0) return -1
    chunk.path[index] = this.pathStart
    chunk.pathLength[index] = this.pathEnd - this.pathStart
    const vector = this.vector as DeletionVectorDescriptor | undefined
    if (vector !== undefined) {
      chunk.flags[index] = (chunk.flags[index] as number) | HAS_VECTOR
      this.table.vectors.set(row, vector)
    }
    chunk.hash[index] = this.keyHash()
    return close
  }

  /** Reads a remove's members from after its opening brace. */
  remove(bytes: Uint8Array, at: number): number {
    this.chunk = undefined
    this.seen = 0
    this.vector = undefined
    const close = this.members(bytes, at, bytes.length)
    return (this.seen & SEEN_PATH) === 0 ? -1 : close
  }

  /** The hash of the key of the action read last. */
  keyHash(): number {
    return hashView(this.view, this.pathStart, this.pathEnd, vectorSeed(this.vector && vectorId(this.vector)))
  }

  private members(bytes: Uint8Array, at: number, end: number): number {
    for (;;) {
      if (bytes[at] !== 0x22) return -1
      at = this.member(bytes, at + 1, end)
      if (at < 0) return -1
      const c = bytes[at++]
      if (c === 0x7d) return at
      if (c !== 0x2c) return -1
    }
  }

  // `at` is the first byte of the key.
  private member(bytes: Uint8Array, at: number, end: number): number {
    const { view } = this
    switch (bytes[at]) {
      case 0x70: // p
        if (standsAt(view, at, PATH)) return this.path(bytes, at + PATH.length, end)
        if (standsAt(view, at, PARTITION_VALUES)) return this.partitionValues(bytes, at + PARTITION_VALUES.length, end)
        return otherMember(bytes, at, end)
      case 0x73: // s
        if (standsAt(view, at, SIZE)) return this.size(bytes, at + SIZE.length, end)
        if (standsAt(view, at, STATS)) return this.stats(bytes, at + STATS.length, end)
        return otherMember(bytes, at, end)
      case 0x6d: // m
        if (standsAt(view, at, MODIFICATION_TIME)) return this.modificationTime(bytes, at + MODIFICATION_TIME.length, end)
        return otherMember(bytes, at, end)
      case 0x64: // d
        if (standsAt(view, at, DATA_CHANGE)) return flagEnd(view, at + DATA_CHANGE.length)
        if (standsAt(view, at, DELETION_VECTOR)) return this.deletionVector(bytes, at + DELETION_VECTOR.length, end)
        if (standsAt(view, at, DELETION_TIMESTAMP)) return this.deletionTimestamp(bytes, at + DELETION_TIMESTAMP.length, end)
        if (standsAt(view, at, ROW_COMMIT_VERSION)) return this.extra(this.plainInteger(bytes, at + ROW_COMMIT_VERSION.length, end))
        return otherMember(bytes, at, end)
      case 0x65: // e
        return standsAt(view, at, EXTENDED_METADATA) ? this.extended(at + EXTENDED_METADATA.length) : otherMember(bytes, at, end)
      case 0x74: // t
        return standsAt(view, at, TAGS) ? this.extra(textMapEnd(view, bytes, at + TAGS.length, end)) : otherMember(bytes, at, end)
      case 0x62: // b
        if (standsAt(view, at, BASE_ROW_ID)) return this.extra(this.plainInteger(bytes, at + BASE_ROW_ID.length, end))
        return otherMember(bytes, at, end)
      case 0x63: // c
        return standsAt(view, at, CLUSTERING) ? this.extra(textEnd(view, bytes, at + CLUSTERING.length, end)) : otherMember(bytes, at, end)
      default:
        return otherMember(bytes, at, end)
    }
  }

  private path(bytes: Uint8Array, at: number, end: number): number {
    if (bytes[at] !== 0x22) return -1
    const close = this.textClose(bytes, at + 1, end)
    if (close <= at + 1) return -1
    this.pathStart = at + 1
    this.pathEnd = close
    this.seen |= SEEN_PATH
    return close + 1
  }

  // The closing quote of a string without escapes, or -1.
  private textClose(bytes: Uint8Array, at: number, end: number): number {
    const plain = plainEnd(this.view, bytes, at, end)
    if (bytes[plain] === 0x22) return plain
    const close = stringEnd(bytes, plain, end)
    return stringWasEscaped() ? -1 : close
  }

  private size(bytes: Uint8Array, at: number, end: number): number {
    this.seen |= SEEN_SIZE
    const chunk = this.chunk
    return chunk === undefined ? integerInto(this.number, 0, bytes, at, end) : integerInto(chunk.size, this.index, bytes, at, end)
  }

  private modificationTime(bytes: Uint8Array, at: number, end: number): number {
    const chunk = this.chunk
    if (chunk === undefined || this.isTombstone) return otherMemberValue(bytes, at, end)
    return integerInto(chunk.modificationTime, this.index, bytes, at, end)
  }

  private deletionTimestamp(bytes: Uint8Array, at: number, end: number): number {
    if (!this.isTombstone || standsAt(this.view, at, NULL)) return this.plainInteger(bytes, at, end)
    return integerInto((this.chunk as RowChunk).modificationTime, this.index, bytes, at, end)
  }

  // A field that has no column: the row remembers to look at its line.
  private extra(close: number): number {
    if (this.chunk !== undefined && close > 0) this.chunk.flags[this.index] = (this.chunk.flags[this.index] as number) | HAS_EXTRAS
    return close
  }

  private extended(at: number): number {
    if (this.isTombstone && standsAt(this.view, at, TRUE)) {
      const chunk = this.chunk as RowChunk
      chunk.flags[this.index] = (chunk.flags[this.index] as number) | EXTENDED
    }
    return flagEnd(this.view, at)
  }

  private plainInteger(bytes: Uint8Array, at: number, end: number): number {
    return standsAt(this.view, at, NULL) ? at + 4 : integerInto(this.number, 0, bytes, at, end)
  }

  private stats(bytes: Uint8Array, at: number, end: number): number {
    if (bytes[at] !== 0x22) return standsAt(this.view, at, NULL) ? this.noStats(at + 4) : -1
    const close = stringEnd(bytes, at + 1, end)
    if (close < 0) return -1
    const chunk = this.chunk
    if (chunk === undefined) return close + 1
    const i = this.index
    chunk.stats[i] = at + 1
    chunk.statsLength[i] = close - at - 1
    const flags = (chunk.flags[i] as number) & ~STATS_ESCAPED
    chunk.flags[i] = stringWasEscaped() ? flags | STATS_ESCAPED : flags
    return close + 1
  }

  private noStats(at: number): number {
    if (this.chunk !== undefined) this.chunk.statsLength[this.index] = 0
    return at
  }

  private partitionValues(bytes: Uint8Array, at: number, end: number): number {
    const chunk = this.chunk
    if (chunk === undefined) return textMapEnd(this.view, bytes, at, end)
    if ((this.seen & SEEN_PARTITIONS) !== 0 || bytes[at] !== 0x7b) return -1
    this.seen |= SEEN_PARTITIONS
    if (bytes[at + 1] === 0x7d) return at + 2
    for (let nth = 0; ; nth++) {
      at = this.partitionValue(bytes, at + 1, end, nth, chunk)
      if (at < 0) return -1
      if (bytes[at] === 0x7d) return at + 1
      if (bytes[at] !== 0x2c) return -1
    }
  }

  private partitionValue(bytes: Uint8Array, at: number, end: number, nth: number, chunk: RowChunk): number {
    if (bytes[at] !== 0x22) return -1
    const likely = this.table.partitionColumns[nth]
    if (likely?.key !== undefined && standsAt(this.view, at + 1, likely.key))
      return this.textValue(bytes, at + 1 + likely.key.length, end, likely, chunk)
    const keyClose = stringEnd(bytes, at + 1, end)
    if (keyClose < 0 || stringWasEscaped() || bytes[keyClose + 1] !== 0x3a) return -1
    const column = this.table.partitionColumn(bytes, at + 1, keyClose, nth)
    const value = keyClose + 2
    if (bytes[value] === 0x22) return this.textValue(bytes, value + 1, end, column, chunk)
    if (!standsAt(this.view, value, NULL)) return -1
    chunk.partitionIds(column.ordinal)[this.index] = column.dictionary.internNull()
    return value + 4
  }

  private textValue(bytes: Uint8Array, at: number, end: number, { dictionary, ordinal }: PartitionColumn, chunk: RowChunk): number {
    const ids = chunk.partitionIds(ordinal)
    const expected = dictionary.expected(bytes, at)
    if (expected !== 0) {
      ids[this.index] = expected
      return at + dictionary.lengthOf(expected) + 1
    }
    const close = this.textClose(bytes, at, end)
    if (close < 0) return -1
    ids[this.index] = dictionary.intern(bytes, at, close)
    return close + 1
  }

  private deletionVector(bytes: Uint8Array, at: number, end: number): number {
    this.vector = undefined
    if (standsAt(this.view, at, NULL)) return at + 4
    const close = valueEnd(bytes, at, end, OUTER_DEPTH)
    if (close < 0) return -1
    const value = parseJson(decodeUtf8(bytes, at, close))
    if (!isJsonObject(value)) return -1
    try {
      this.vector = parseDeletionVector(value)
    } catch (error) {
      if (error instanceof ActionFault) return -1
      throw error
    }
    return close
  }
}

// A member nobody here knows; any JSON will do. The key may hold escapes that spell a known one: the parser's business.
function otherMember(bytes: Uint8Array, at: number, end: number): number {
  const close = stringEnd(bytes, at, end)
  if (close < 0 || stringWasEscaped() || bytes[close + 1] !== 0x3a) return -1
  return otherMemberValue(bytes, close + 2, end)
}

function otherMemberValue(bytes: Uint8Array, at: number, end: number): number {
  return valueEnd(bytes, at, end, OUTER_DEPTH)
}

function flagEnd(view: DataView, at: number): number {
  if (standsAt(view, at, TRUE)) return at + 4
  if (standsAt(view, at, FALSE)) return at + 5
  return standsAt(view, at, NULL) ? at + 4 : -1
}

function textEnd(view: DataView, bytes: Uint8Array, at: number, end: number): number {
  if (bytes[at] !== 0x22) return standsAt(view, at, NULL) ? at + 4 : -1
  const close = stringEnd(bytes, at + 1, end)
  return close < 0 ? -1 : close + 1
}

// An object of strings and nulls, or null.
function textMapEnd(view: DataView, bytes: Uint8Array, at: number, end: number): number {
  if (bytes[at] !== 0x7b) return standsAt(view, at, NULL) ? at + 4 : -1
  if (bytes[at + 1] === 0x7d) return at + 2
  for (;;) {
    if (bytes[at + 1] !== 0x22) return -1
    const keyClose = stringEnd(bytes, at + 2, end)
    if (keyClose < 0 || bytes[keyClose + 1] !== 0x3a) return -1
    at = textEnd(view, bytes, keyClose + 2, end)
    if (at < 0) return -1
    if (bytes[at] === 0x7d) return at + 1
    if (bytes[at] !== 0x2c) return -1
  }
}

// A plain non-negative integer of at most 15 digits (exact as a double), without leading zeros.
function integerInto(target: Float64Array, index: number, bytes: Uint8Array, at: number, end: number): number {
  const start = at
  let value = 0
  while (at < end) {
    const digit = (bytes[at] as number) - 0x30
    if (digit < 0 || digit > 9) break
    value = value * 10 + digit
    at++
  }
  const digits = at - start
  if (digits === 0 || digits > 15 || (digits > 1 && bytes[start] === 0x30)) return -1
  const c = bytes[at]
  if (c === 0x2e || c === 0x65 || c === 0x45) return -1
  target[index] = value
  return at
}
