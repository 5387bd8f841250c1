// What the actors meant to do and were told, row by row: the truth that the table is compared with afterwards.

export type OpKind = 'append' | 'overwrite' | 'delete' | 'erase' | 'compact' | 'restore'
/** `acked`: the library said it is in the table. `failed`: it said surely not. `unknown`: it said nobody knows, or was not asked any more. */
export type Outcome = 'open' | 'acked' | 'failed' | 'unknown'

/** One thing that an actor tried, over all its tries. */
export interface Op {
  readonly number: number
  readonly kind: OpKind
  readonly by: string
  /** The rows that it adds. */
  readonly ids: readonly number[]
  outcome: Outcome
  /** The version that the library named; undefined where a repeated append was told that it was there already. */
  version?: number | undefined
  /** The paths that it removes, as it saw them. */
  paths?: readonly string[]
  /** The partition that it empties. */
  partition?: string
  /** The version that it brings back. */
  restored?: number
  /** Puts of its commit. */
  attempts?: number
}

/** What a reader saw. */
export interface Sighting {
  readonly by: string
  readonly version: number
  readonly ids: readonly number[]
  readonly beganMs: number
  /** The version was asked for by number: it need not be the latest. */
  readonly asked: boolean
  /** Only rows from this id on were asked for. */
  readonly from?: number | undefined
  /** Row ids of the table's own, in the order of `ids`, where it tracks rows. */
  readonly rowIds?: readonly bigint[] | undefined
}

/** A stream's row that the library said was in the table, at this version or before. */
export interface StreamAck {
  readonly partition: number
  readonly offset: number
  readonly version: number
}

export class Ledger {
  readonly ops: Op[] = []
  readonly sightings: Sighting[] = []
  readonly streamAcks: StreamAck[] = []
  /** Rows of a file that a deletion vector takes, by the vector's text. */
  readonly vectors = new Map<string, ReadonlySet<number>>()
  /** What went wrong that never may, as seen by the actors themselves. */
  readonly faults: string[] = []
  #nextId = 1

  begin(kind: OpKind, by: string, rows: number): Op {
    const ids = Array.from({ length: rows }, () => this.#nextId++)
    const op: Op = { number: this.ops.length, kind, by, ids, outcome: 'open' }
    this.ops.push(op)
    return op
  }
}

/** Rows of streams have ids of their own, so that each tells where it came from. */
const STREAM_ID = 1_000_000_000
const PARTITION_IDS = 1_000_000

export function streamId(partition: number, offset: number): number {
  return STREAM_ID + partition * PARTITION_IDS + offset
}

export function streamPlace(id: number): { partition: number; offset: number } | undefined {
  if (id < STREAM_ID) return undefined
  const rest = id - STREAM_ID
  return { partition: Math.floor(rest / PARTITION_IDS), offset: rest % PARTITION_IDS }
}

/** Some offsets of a source hold no row, as with markers and compacted topics. */
export function hasRow(offset: number): boolean {
  return offset % 7 !== 3
}

/** The partition that a row belongs to, whether the table is partitioned or not. */
export function partitionOf(id: number): string {
  return `p${id % 3}`
}
