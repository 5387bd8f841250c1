// Runs commits of one engine through the matrix, one table a handful of commits, and tallies what the judge finds.

import type { EmulatedFault } from 'alluvium/testing'
import { CELLS, type Cell, type FaultKind, randomFrom } from './cells.js'
import { ANOMALIES, type Anomaly, type Finding, judge, type Told } from './judge.js'
import type { Rig } from './rig.js'

/** One engine at one table. */
export interface TableWriter {
  /** Appends or overwrites with rows of one number. Throws what the engine throws. */
  commit(operation: Cell['operation'], id: number, rows: number): Promise<{ readonly version?: number }>
}

/** An engine under test. */
export interface Engine {
  readonly name: string
  readonly version: string
  /** Operations it has. */
  readonly operations: readonly Cell['operation'][]
  /** Tables it is given at once. */
  readonly parallel: number
  open(url: string): Promise<TableWriter>
  /** Whether an error says that the commit was refused for what a rival did. */
  isConflict(error: unknown): boolean
  close(): Promise<void>
}

export interface Tally {
  readonly engine: string
  readonly version: string
  readonly store: string
  commits: number
  /** Commits whose request met a fault. */
  faulted: number
  committed: number
  conflicts: number
  seconds: number
  readonly anomalies: Record<Anomaly, number>
  /** Anomalies by fault. */
  readonly byFault: Record<FaultKind, number>
  readonly findings: Finding[]
}

export interface CampaignOptions {
  readonly store: string
  readonly commits: number
  readonly seed: number
  readonly faultOf: (kind: FaultKind, draw: () => number) => EmulatedFault
  readonly createTable: (url: string) => Promise<void>
  readonly progress?: (done: number) => void
}

const COMMITS_PER_TABLE = 10

export async function runCampaign(engine: Engine, rig: Rig, options: CampaignOptions): Promise<Tally> {
  const cells = CELLS.filter((cell) => engine.operations.includes(cell.operation))
  const tables = Math.ceil(options.commits / COMMITS_PER_TABLE)
  const tally = emptyTally(engine, options.store)
  const startMs = performance.now()
  let next = 0
  const worker = async (): Promise<void> => {
    while (next < tables) {
      const n = next++
      const count = Math.min(COMMITS_PER_TABLE, options.commits - n * COMMITS_PER_TABLE)
      await runTable(engine, rig, options, tally, n, cells, count)
      options.progress?.(tally.commits)
    }
  }
  await Promise.all(Array.from({ length: engine.parallel }, worker))
  tally.seconds = (performance.now() - startMs) / 1000
  return tally
}

async function runTable(
  engine: Engine,
  rig: Rig,
  options: CampaignOptions,
  tally: Tally,
  n: number,
  cells: readonly Cell[],
  count: number,
): Promise<void> {
  const table = `t${n}`
  const draw = randomFrom(options.seed * 1_000_003 + n)
  await options.createTable(rig.url(table))
  const writer = await engine.open(rig.url(table))
  const told: Told[] = []
  const cellOf = new Map<number, Cell>()
  for (let i = 0; i < count; i++) {
    const id = n * COMMITS_PER_TABLE + i + 1
    // Every cell in turn over the tables, in another order within each.
    const cell = cells[(n * COMMITS_PER_TABLE + i * 13) % cells.length] as Cell
    cellOf.set(id, cell)
    const { fault, operation, rival } = cell
    rig.strike(table, { fault: options.faultOf(fault, draw), times: draw() < 0.7 ? 1 : 2, rival })
    const mayConflict = operation === 'overwrite' && rival !== 'none'
    try {
      const { version } = await writer.commit(operation, id, 2)
      told.push({ id, operation, outcome: 'committed', version, mayConflict })
      tally.committed++
    } catch (error) {
      const conflict = engine.isConflict(error)
      told.push({ id, operation, outcome: conflict ? 'conflict' : 'error', problem: shorten(error), mayConflict })
      if (conflict) tally.conflicts++
    }
    if (rig.calm(table) > 0) tally.faulted++
    tally.commits++
  }
  rig.emulator.land()
  const findings = await judge(rig, table, told)
  for (const finding of findings) {
    tally.anomalies[finding.anomaly]++
    const id = Number(/(?:append|append with txn|overwrite|commit) (\d+)/.exec(finding.detail)?.[1] ?? Number.NaN)
    const fault = cellOf.get(id)?.fault
    if (fault !== undefined) tally.byFault[fault]++
    if (tally.findings.length < 1000) tally.findings.push(finding)
  }
}

function emptyTally(engine: Engine, store: string): Tally {
  return {
    ...{ engine: engine.name, version: engine.version, store, commits: 0, faulted: 0, committed: 0, conflicts: 0, seconds: 0 },
    anomalies: Object.fromEntries(ANOMALIES.map((name) => [name, 0])) as Record<Anomaly, number>,
    byFault: Object.fromEntries(CELLS.map(({ fault }) => [fault, 0])) as Record<FaultKind, number>,
    findings: [],
  }
}

function shorten(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error)
  return text.replace(/\s+/g, ' ').slice(0, 300)
}
