// What a table goes through on the disk that is recorded: every kind of commit, and every kind of upkeep, some of it at once. It is
// known beforehand which rows each step brings and takes, so that every version has one right answer.
import { optimize, vacuum } from '../../src/compaction/index.js'
import { compactLog } from '../../src/log/index.js'
import { type Runtime, systemRuntime } from '../../src/runtime.js'
import { parseColumns } from '../../src/schema/index.js'
import type { LocalStorage } from '../../src/storage/local.js'
import { createStreamWriter } from '../../src/stream/index.js'
import { createTable, type Table } from '../../src/table/index.js'
import type { Random } from '../fuzz/random.js'

/** A step that was acknowledged: from here on its version has to be there. */
export interface Acknowledged {
  /** Events on the disk by then. */
  readonly at: number
  readonly version: number
}

export interface ProgramResult {
  readonly acknowledged: readonly Acknowledged[]
  /** The rows of every version, sorted. */
  readonly states: readonly (readonly number[])[]
  /** The positions of the stream at every version: of partition 0 and 1. */
  readonly positions: readonly (readonly [number, number])[]
  /** Events by when files of older versions began to go, and old commits. */
  readonly vacuumFrom: number
  readonly cleanFrom: number
}

export type ProgramRow = { id: bigint; p: string; pad: string }
export const STREAM_APP = 'stream'

const DAY_MS = 86_400_000

interface Effect {
  readonly version: number
  readonly ids?: readonly number[]
  readonly p?: string
  /** All rows of this partition go first. */
  readonly clears?: string
  readonly positions?: readonly [number, number]
}

class Program {
  readonly effects: Effect[] = []
  readonly acknowledged: Acknowledged[] = []
  readonly #events: { readonly length: number }
  readonly #random: Random
  #nextId = 0

  constructor(events: { readonly length: number }, random: Random) {
    this.#events = events
    this.#random = random
  }

  told(effect: Effect): void {
    this.effects.push(effect)
    this.acknowledged.push({ at: this.#events.length, version: effect.version })
  }

  async append(table: Table<ProgramRow, ProgramRow>, p: string, count: number, padBytes: number): Promise<void> {
    const rows = this.rows(p, count, padBytes)
    const { version } = await table.append(rows, { shareCommit: false })
    this.told({ version, ids: rows.map(({ id }) => Number(id)), p })
  }

  rows(p: string, count: number, padBytes: number): ProgramRow[] {
    return Array.from({ length: count }, () => ({ id: BigInt(this.#nextId++), p, pad: this.#pad(padBytes) }))
  }

  /** Text that does not compress. */
  #pad(bytes: number): string {
    return Array.from({ length: bytes / 6 }, () =>
      this.#random
        .below(2 ** 30)
        .toString(36)
        .padStart(6, '0'),
    ).join('')
  }
}

/** Runs on an empty store; `events` is the record of its disk. */
export async function runProgram(storage: LocalStorage, events: { readonly length: number }, random: Random): Promise<ProgramResult> {
  const program = new Program(events, random)
  const table: Table<ProgramRow, ProgramRow> = await createTable(storage, {
    schema: parseColumns('id long not null, p string, pad string') as never,
    partitionBy: ['p'],
    properties: { 'delta.checkpointInterval': '4' },
  })
  program.told({ version: 0 })
  await Promise.all([program.append(table, 'a', 3, 60), program.append(table, 'b', 2, 6000)])
  await program.append(table, 'o', 4, 600)
  await stream(program, table)
  await Promise.all([program.append(table, 'a', 2, 60), program.append(table, 'a', 5, 9000), program.append(table, 'b', 1, 60)])
  await overwrite(program, table)
  await clear(program, table, 'b')
  await table.checkpoint()
  for (let n = 0; n < 3; n++) await program.append(table, 'a', 1, 60)
  await compactLog(storage, (await table.snapshot()).view)
  const { versions } = await optimize(table)
  for (const version of versions) program.told({ version })
  const { version } = await table.setProperties({ 'delta.checkpointInterval': '5' })
  program.told({ version })
  await program.append(table, 'b', 2, 60)
  await overwrite(program, table)
  await table.settled()
  const vacuumFrom = events.length
  const vacuumed = await vacuum(table, { retentionMs: 0, forceRetention: true })
  for (const each of vacuumed.versions) program.told({ version: each })
  await program.append(table, 'a', 1, 60)
  await table.settled()
  const cleanFrom = events.length
  // As it is done when the retention of the log has passed.
  const later: Runtime = { ...systemRuntime, now: () => Date.now() + 40 * DAY_MS }
  await cleanLater(table, later)
  await program.append(table, 'a', 2, 60)
  await table.settled()
  return { acknowledged: program.acknowledged, ...history(program.effects), vacuumFrom, cleanFrom }
}

async function cleanLater(table: Table<ProgramRow, ProgramRow>, runtime: Runtime): Promise<void> {
  const { Table: Handle } = await import('../../src/table/index.js')
  await table.checkpoint()
  const { view } = await table.snapshot()
  await new Handle({ ...table.context, runtime }, view).cleanup()
}

async function stream(program: Program, table: Table<ProgramRow, ProgramRow>): Promise<void> {
  const writer = await createStreamWriter(table, { appId: STREAM_APP, linger: { ms: 60_000 } })
  const next = [0, 0]
  for (let commit = 0; commit < 3; commit++) {
    const ids: number[] = []
    const tickets = []
    for (const partition of [0, 1]) {
      const rows = program.rows('s', 2 + commit, 300)
      ids.push(...rows.map(({ id }) => Number(id)))
      const firstOffset = next[partition] as number
      const lastOffset = firstOffset + rows.length - 1
      tickets.push(await writer.write(rows, { source: 'topic', partition, firstOffset, lastOffset }))
      next[partition] = lastOffset + 1
    }
    const flushed = writer.flush()
    const [{ version }] = (await Promise.all(tickets.map(({ committed }) => committed))) as [{ version: number }]
    program.told({ version, ids, p: 's', positions: [(next[0] as number) - 1, (next[1] as number) - 1] })
    await flushed
  }
  await writer.close()
}

async function overwrite(program: Program, table: Table<ProgramRow, ProgramRow>): Promise<void> {
  const rows = program.rows('o', 3, 600)
  const transaction = await table.transaction()
  await transaction.removeWhere("p = 'o'")
  await transaction.append(rows)
  const { version } = await transaction.commit()
  program.told({ version, clears: 'o', ids: rows.map(({ id }) => Number(id)), p: 'o' })
}

async function clear(program: Program, table: Table<ProgramRow, ProgramRow>, p: string): Promise<void> {
  const transaction = await table.transaction()
  await transaction.removeWhere(`p = '${p}'`)
  const { version } = await transaction.commit()
  program.told({ version, clears: p })
}

function history(effects: readonly Effect[]): Pick<ProgramResult, 'states' | 'positions'> {
  const states: number[][] = []
  const positions: (readonly [number, number])[] = []
  let rows: { readonly id: number; readonly p: string }[] = []
  let position: readonly [number, number] = [-1, -1]
  for (const { version, ids = [], p = '', clears, positions: moved } of [...effects].sort((a, b) => a.version - b.version)) {
    if (version !== states.length) throw new Error(`the program knows of no version ${states.length}`)
    rows = [...rows.filter((row) => row.p !== clears), ...ids.map((id) => ({ id, p }))]
    position = moved ?? position
    states.push(rows.map(({ id }) => id).sort((a, b) => a - b))
    positions.push(position)
  }
  return { states, positions }
}
