// Positions of sources as the protocol's `txn` actions: one application id per (application, source, partition), its
// version the last offset included. Written so that no two triples share an id and an id can be read back.
import { AlluviumError } from '../errors.js'

/** An offset as Kafka clients hand it over: bigint, a safe integer, or decimal text. */
export type OffsetLike = bigint | number | string

/** A partition of a stream. */
export interface SourcePartition {
  /** The stream, for instance a topic or a file name. */
  readonly source: string
  /** The partition of the stream. `0` and `'0'` are the same partition. */
  readonly partition: number | string
}

/** Where rows of one write come from. */
export interface SourcePosition extends SourcePartition {
  /** First and last offset that the write covers. Gaps are fine; rows that were filtered out count as covered. */
  readonly firstOffset?: OffsetLike
  readonly lastOffset?: OffsetLike
  /** The offset of each row, strictly rising. Needed only where rows do not cover their range one by one. */
  readonly offsets?: readonly OffsetLike[] | BigInt64Array
}

/** How far a partition has come: every offset up to and including this one is in the table (or was skipped on purpose). */
export interface CommittedPosition {
  readonly source: string
  readonly partition: number | string
  readonly offset: bigint
}

const MAX_OFFSET = 2n ** 63n - 1n

/** The `txn` application id of a partition. */
export function positionAppId(appId: string, source: string, partition: number | string): string {
  return `${escapePart(appId)}/${escapePart(source)}/${escapePart(String(partition))}`
}

/** The inverse of {@link positionAppId} for one application; undefined for ids of others. */
export function parsePositionAppId(id: string, appId: string): { source: string; partition: number | string } | undefined {
  const parts = id.split('/')
  if (parts.length !== 3 || parts[0] !== escapePart(appId)) return undefined
  const partition = unescapePart(parts[2] as string)
  return { source: unescapePart(parts[1] as string), partition: /^(?:0|[1-9]\d{0,9})$/.test(partition) ? Number(partition) : partition }
}

/** The range and, where known, the offset of each row. */
export interface CheckedPosition {
  readonly firstOffset: bigint
  readonly lastOffset: bigint
  /** The offset of row i; undefined when rows do not cover their range one by one and no offsets were given. */
  readonly offsetOf: ((row: number) => bigint) | undefined
}

/**
 * Checks a position against the number of rows it covers.
 * @throws AlluviumError `INVALID_OPTIONS` for offsets that go backwards, are negative, or do not match the rows.
 */
export function checkPosition(position: SourcePosition, rowCount: number): CheckedPosition {
  if (typeof position.source !== 'string' || position.source === '') throw bad('position.source must be a text that is not empty', position)
  const offsets = position.offsets === undefined ? undefined : checkOffsets(position, rowCount)
  const first = position.firstOffset === undefined ? offsets?.[0] : toOffset(position.firstOffset, 'firstOffset', position)
  const last = position.lastOffset === undefined ? offsets?.at(-1) : toOffset(position.lastOffset, 'lastOffset', position)
  if (first === undefined || last === undefined) throw bad('a position needs firstOffset and lastOffset, or offsets for each row', position)
  if (last < first) throw bad(`offsets go backwards: firstOffset ${first} is after lastOffset ${last}`, position)
  if (offsets !== undefined && offsets.length > 0 && ((offsets[0] as bigint) < first || (offsets.at(-1) as bigint) > last)) {
    throw bad(`the offsets of the rows lie outside ${first} to ${last}`, position)
  }
  const span = last - first + 1n
  if (BigInt(rowCount) > span) throw bad(`${rowCount} rows cannot come from the ${span} offsets ${first} to ${last}`, position)
  const offsetOf =
    offsets !== undefined
      ? (row: number) => offsets[row] as bigint
      : span === BigInt(rowCount)
        ? (row: number) => first + BigInt(row)
        : undefined
  return { firstOffset: first, lastOffset: last, offsetOf }
}

function checkOffsets(position: SourcePosition, rowCount: number): bigint[] {
  const offsets = Array.from(position.offsets as readonly OffsetLike[], (offset) => toOffset(offset, 'offsets', position))
  if (offsets.length !== rowCount) throw bad(`${offsets.length} offsets for ${rowCount} rows`, position)
  for (let i = 1; i < offsets.length; i++) {
    if ((offsets[i] as bigint) <= (offsets[i - 1] as bigint)) {
      throw bad(`offsets go backwards: ${offsets[i]} comes after ${offsets[i - 1]}`, position)
    }
  }
  return offsets
}

function toOffset(value: OffsetLike, name: string, position: SourcePosition): bigint {
  let offset: bigint | undefined
  if (typeof value === 'bigint') offset = value
  else if (typeof value === 'number' && Number.isSafeInteger(value)) offset = BigInt(value)
  else if (typeof value === 'string' && /^\d{1,19}$/.test(value)) offset = BigInt(value)
  if (offset === undefined || offset < 0n || offset > MAX_OFFSET) {
    throw bad(`${name} must be a whole number from 0 to 2^63-1, not ${JSON.stringify(String(value)).slice(0, 60)}`, position)
  }
  return offset
}

function bad(problem: string, { source, partition }: SourcePosition): AlluviumError {
  return new AlluviumError('INVALID_OPTIONS', `position of ${String(source)}, partition ${String(partition)}: ${problem}`, {
    source,
    partition,
  })
}

const escapePart = (part: string): string => part.replace(/[%/]/g, (c) => (c === '%' ? '%25' : '%2F'))
const unescapePart = (part: string): string => part.replace(/%25|%2F/g, (c) => (c === '%25' ? '%' : '/'))
