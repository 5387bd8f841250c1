// The matrix: what happens to a commit, what the commit is, what a rival does meanwhile. Plain data.
import type { EmulatedFault } from 'alluvium/testing'

export const FAULT_KINDS = ['500', '503', 'reset', 'timeout', 'delayed', '409', '412'] as const
export type FaultKind = (typeof FAULT_KINDS)[number]

export const OPERATIONS = ['append', 'append with txn', 'overwrite'] as const
export type Operation = (typeof OPERATIONS)[number]

/**
 * `none`: the writer is alone. `takes it`: a rival has the version just before the faulted request arrives. `deletes after`: as
 * soon as the writer comes back to find out, a rival has removed every row, those of the commit in doubt too.
 */
export const RIVALS = ['none', 'takes it', 'deletes after'] as const
export type Rival = (typeof RIVALS)[number]

export interface Cell {
  readonly fault: FaultKind
  readonly operation: Operation
  readonly rival: Rival
}

export const CELLS: readonly Cell[] = FAULT_KINDS.flatMap((fault) =>
  OPERATIONS.flatMap((operation) => RIVALS.map((rival) => ({ fault, operation, rival }))),
)

const internal = { status: 500, code: 'InternalError' } as const

/** What a kind is for a put to S3, which is the commit there. A delayed one lands after 1 to 4 later requests. */
export function s3Fault(kind: FaultKind, draw: () => number): EmulatedFault {
  switch (kind) {
    case '500':
      return { answer: internal, effect: 'once' }
    case '503':
      return { answer: { status: 503, code: 'SlowDown' }, effect: 'once' }
    case 'reset':
      return { answer: 'reset', effect: 'once' }
    case 'timeout':
      return { answer: 'silence', effect: 'once' }
    case 'delayed':
      return { answer: draw() < 0.5 ? internal : 'reset', effect: 'late', landAfterRequests: 1 + Math.floor(draw() * 4) }
    case '409':
      return { answer: { status: 409, code: 'ConditionalRequestConflict' }, effect: 'none' }
    case '412':
      return { answer: { status: 412, code: 'PreconditionFailed' }, effect: 'once' }
  }
}

/** The same for the rename that is the commit in HDFS, which knows neither 409 nor 412: "try again", and a request that came twice. */
export function hdfsFault(kind: FaultKind, draw: () => number): EmulatedFault {
  if (kind === '409') return { answer: { status: 403, code: 'RetriableException' }, effect: 'none' }
  if (kind === '412') return { answer: 'truth', effect: 'twice' }
  return s3Fault(kind, draw)
}

/** Uniform numbers from a seed (Mulberry's 32-bit generator). */
export function randomFrom(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
