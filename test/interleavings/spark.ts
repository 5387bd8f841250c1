// What Delta Spark says to each pair, typed by hand from its conflict checker (ConflictChecker.scala, in the order of
// checkConflicts) and never from what this library does. Each line is one current operation, each column one winner, in the order
// of OPERATIONS: `.` both may commit, `x` the current one fails.
//
// What a line follows from: a blind append reads nothing; a winner's metadata is a conflict for everybody, unless all of it is on
// the list that is adopted (`upgrade` is: delta.checkpointPolicy=v2, and its feature does not stop others); a transaction with
// metadata conflicts with any metadata, one with a protocol with any protocol; one domain, one application: conflict. Files that a
// winner adds are held against partition predicates only, and against every reader of an unpartitioned table; by level all of them
// (Serializable), those of blind appends not (WriteSerializable), or none (SnapshotIsolation). Files that a winner removes are held
// against the files that were read, which statistics choose, or against a reading of the whole table. A commit without data
// changes (OPTIMIZE) is at SnapshotIsolation, but what it adds is held against readers all the same. RESTORE (commitLarge) checks
// nothing and fails on any race.

import type { Verdict } from './judge.js'
import { OPERATIONS, type OperationName } from './operations.js'
import type { Isolation, Variant } from './variant.js'

interface Grid {
  readonly together: string
  readonly apart: string
  /** Without partitions, apart by the ranges of a column. */
  readonly apartFlat: string
}

const SERIALIZABLE: Grid = {
  together: `
    append     ....... x.x..
    stream     .x..... x.x..
    overwrite  xxxxxxx x.x.x
    delete     xxxxxxx x.x.x
    sum-table  xxxxxxx x.x.x
    sum-part   xxxxxxx x.x.x
    compact    ..xx..x x.x.x
    property   ....... xxx..
    upgrade    ....... xxx..
    add-column ....... xxx..
    domain     ....... x.xx.
    restore    xxxxxxx xxxxx`,
  apart: `
    append     ....... x.x..
    stream     ....... x.x..
    overwrite  xxxxxxx x.x.x
    delete     ..x.... x.x.x
    sum-table  xxxxxxx x.x.x
    sum-part   ..x.... x.x.x
    compact    ..x.... x.x.x
    property   ....... xxx..
    upgrade    ....... xxx..
    add-column ....... xxx..
    domain     ....... x.x..
    restore    xxxxxxx xxxxx`,
  apartFlat: `
    append     ....... x.x..
    stream     ....... x.x..
    overwrite  xxxxxxx x.x.x
    delete     xxxxxxx x.x.x
    sum-table  xxxxxxx x.x.x
    sum-part   xxxxxxx x.x.x
    compact    ..x.... x.x.x
    property   ....... xxx..
    upgrade    ....... xxx..
    add-column ....... xxx..
    domain     ....... x.x..
    restore    xxxxxxx xxxxx`,
}

const WRITE_SERIALIZABLE: Grid = {
  together: `
    append     ....... x.x..
    stream     .x..... x.x..
    overwrite  ..xxxxx x.x.x
    delete     ..xxxxx x.x.x
    sum-table  ..xxxxx x.x.x
    sum-part   ..xxxxx x.x.x
    compact    ..xx..x x.x.x
    property   ....... xxx..
    upgrade    ....... xxx..
    add-column ....... xxx..
    domain     ....... x.xx.
    restore    xxxxxxx xxxxx`,
  apart: `
    append     ....... x.x..
    stream     ....... x.x..
    overwrite  ..xxxxx x.x.x
    delete     ..x.... x.x.x
    sum-table  ..xxxxx x.x.x
    sum-part   ..x.... x.x.x
    compact    ..x.... x.x.x
    property   ....... xxx..
    upgrade    ....... xxx..
    add-column ....... xxx..
    domain     ....... x.x..
    restore    xxxxxxx xxxxx`,
  apartFlat: `
    append     ....... x.x..
    stream     ....... x.x..
    overwrite  ..xxxxx x.x.x
    delete     ..xxxxx x.x.x
    sum-table  ..xxxxx x.x.x
    sum-part   ..xxxxx x.x.x
    compact    ..x.... x.x.x
    property   ....... xxx..
    upgrade    ....... xxx..
    add-column ....... xxx..
    domain     ....... x.x..
    restore    xxxxxxx xxxxx`,
}

const SNAPSHOT_ISOLATION: Grid = {
  together: `
    append     ....... x.x..
    stream     .x..... x.x..
    overwrite  ..xx..x x.x.x
    delete     ..xx..x x.x.x
    sum-table  ..xx..x x.x.x
    sum-part   ..xx..x x.x.x
    compact    ..xx..x x.x.x
    property   ....... xxx..
    upgrade    ....... xxx..
    add-column ....... xxx..
    domain     ....... x.xx.
    restore    xxxxxxx xxxxx`,
  apart: `
    append     ....... x.x..
    stream     ....... x.x..
    overwrite  ..xx..x x.x.x
    delete     ..x.... x.x.x
    sum-table  ..xx..x x.x.x
    sum-part   ..x.... x.x.x
    compact    ..x.... x.x.x
    property   ....... xxx..
    upgrade    ....... xxx..
    add-column ....... xxx..
    domain     ....... x.x..
    restore    xxxxxxx xxxxx`,
  apartFlat: `
    append     ....... x.x..
    stream     ....... x.x..
    overwrite  ..xx..x x.x.x
    delete     ..x.... x.x.x
    sum-table  ..xx..x x.x.x
    sum-part   ..x.... x.x.x
    compact    ..x.... x.x.x
    property   ....... xxx..
    upgrade    ....... xxx..
    add-column ....... xxx..
    domain     ....... x.x..
    restore    xxxxxxx xxxxx`,
}

const GRIDS: Record<Isolation, Grid> = {
  Serializable: SERIALIZABLE,
  WriteSerializable: WRITE_SERIALIZABLE,
  SnapshotIsolation: SNAPSHOT_ISOLATION,
}

/** Spark's verdict where both stood on the same version and the winner came first. */
export function sparkVerdict({ isolation, layout, relation }: Variant, current: OperationName, winner: OperationName): Verdict {
  const grid = GRIDS[isolation]
  const text = relation === 'together' ? grid.together : layout === 'flat' ? grid.apartFlat : grid.apart
  const line = lines(text).get(current)
  const mark = line?.[OPERATIONS.indexOf(winner)]
  if (line?.length !== OPERATIONS.length || (mark !== '.' && mark !== 'x')) throw new Error(`no verdict of ${current} after ${winner}`)
  return mark === '.' ? 'ok' : 'conflict'
}

function lines(text: string): Map<string, string> {
  return new Map(
    text
      .trim()
      .split('\n')
      .map((line) => {
        const [name = '', ...marks] = line.trim().split(/\s+/)
        return [name, marks.join('')]
      }),
  )
}
