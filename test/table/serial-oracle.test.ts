// Transactions of many writers at the same time, against an oracle that knows only a list of rows. Under Serializable the
// versions are a serial order: taken one after another over the list, every transaction must have read what the list says
// at its turn, and the table must end as the list does. A seed that fails here replays: playTransactions(seed).
// Holds C4 of spec/invariants.md.
import { beforeAll, describe, expect, test } from 'vitest'
import { type AlluviumError, isAlluviumError } from '../../src/errors.js'
import { commit } from '../../src/log/commit/index.js'
import type { Action, AddFile } from '../../src/log/index.js'
import { long, schema, string } from '../../src/schema/index.js'
import { memoryStorage } from '../../src/storage/memory.js'
import type { Storage } from '../../src/storage/storage.js'
import { createTable, dataWriterFor, openTable, type Table } from '../../src/table/index.js'
import { batchesOf } from '../../src/table/row-source.js'
import { pick, Simulation } from '../log/commit/simulation.js'

const SEEDS = 150
const PARTITIONS = ['a', 'b', 'c'] as const

interface Row {
  readonly id: number
  readonly p: string
}
type Rows = Table<{ id: bigint; p: string }, Row>

/** What one transaction did, as the oracle understands it: what it asked, what it saw, what it leaves. */
interface Deed {
  readonly what: string
  readonly version: number
  /** Which rows it read, and the ids that it saw; undefined where it read nothing. */
  readonly asked?: (row: Row) => boolean
  readonly saw?: readonly number[]
  readonly removes?: (row: Row) => boolean
  readonly adds: readonly Row[]
}

interface Refusal {
  readonly what: string
  readonly base: number
  readonly error: AlluviumError
  /** The partition that it was about, where it was about one. */
  readonly partition?: string
}

interface Report {
  readonly anomalies: string[]
  readonly committed: Record<string, number>
  readonly refused: Record<string, number>
}

/** A store whose every call takes some virtual time, so that writers meet in every order. */
function jittery(inner: Storage, simulation: Simulation): Storage {
  return new Proxy(inner, {
    get(target, name: keyof Storage) {
      const value = target[name]
      if (typeof value !== 'function' || name === 'list') return typeof value === 'function' ? value.bind(target) : value
      return async (...args: unknown[]) => {
        await simulation.sleep(Math.floor(simulation.random() * 40))
        return (value as (...args: unknown[]) => unknown).apply(target, args)
      }
    },
  })
}

class World {
  readonly simulation: Simulation
  readonly storage: Storage
  readonly deeds: Deed[] = []
  readonly refusals: Refusal[] = []
  #id = 0

  constructor(seed: number) {
    this.simulation = new Simulation(seed)
    this.storage = jittery(memoryStorage({ runtime: this.simulation }), this.simulation)
  }

  newRows(p: string, count = 1 + Math.floor(this.simulation.random() * 2)): Row[] {
    return Array.from({ length: count }, () => ({ id: this.#id++, p }))
  }

  open(): Promise<Rows> {
    return openTable(this.storage, { runtime: this.simulation }) as unknown as Promise<Rows>
  }

  async attempt(what: string, base: number, partition: string | undefined, work: () => Promise<Omit<Deed, 'what'>>): Promise<void> {
    try {
      this.deeds.push({ what, ...(await work()) })
    } catch (error) {
      if (!isAlluviumError(error)) throw error
      this.refusals.push({ what, base, error, ...(partition !== undefined && { partition }) })
    }
  }
}

async function append(world: World, table: Rows): Promise<void> {
  const rows = world.newRows(pick(world.simulation.random, PARTITIONS))
  await world.attempt('append', -1, undefined, async () => ({ adds: rows, version: (await table.append(rows)).version }))
}

async function sumUp(world: World, table: Rows): Promise<void> {
  const p = pick(world.simulation.random, PARTITIONS)
  const transaction = await table.transaction()
  const saw = (await transaction.scan({ where: `p = '${p}'` }).toArray()).map(({ id }) => Number(id))
  const rows = world.newRows('sums', 1)
  await transaction.append(rows)
  await world.attempt('sum', transaction.base.version, p, async () => {
    const { version } = await transaction.commit()
    return { version, adds: rows, asked: (row) => row.p === p, saw }
  })
}

async function lookAtSome(world: World, table: Rows): Promise<void> {
  const transaction = await table.transaction()
  const from = Math.floor(world.simulation.random() * 12)
  const saw = (await transaction.scan({ where: `id BETWEEN ${from} AND ${from + 5}` }).toArray()).map(({ id }) => Number(id))
  const rows = world.newRows('looks', 1)
  await transaction.append(rows)
  await world.attempt('look', transaction.base.version, undefined, async () => {
    const { version } = await transaction.commit()
    return { version, adds: rows, asked: ({ id }) => id >= from && id <= from + 5, saw }
  })
}

async function replace(world: World, table: Rows): Promise<void> {
  const p = pick(world.simulation.random, PARTITIONS)
  const transaction = await table.transaction()
  const saw = (await transaction.scan({ where: `p = '${p}'` }).toArray()).map(({ id }) => Number(id))
  await transaction.removeWhere(`p = '${p}'`)
  const rows = world.simulation.random() < 0.5 ? world.newRows(p) : []
  if (rows.length > 0) await transaction.append(rows)
  if (saw.length === 0 && rows.length === 0) return transaction.abort()
  await world.attempt('replace', transaction.base.version, p, async () => {
    const { version } = await transaction.commit()
    return { version, adds: rows, removes: (row) => row.p === p, asked: (row) => row.p === p, saw }
  })
}

async function overwrite(world: World, table: Rows): Promise<void> {
  const rows = world.newRows('a', 2)
  await world.attempt('overwrite', -1, undefined, async () => ({
    version: (await table.overwrite(rows)).version,
    adds: rows,
    removes: () => true,
  }))
}

/** Puts the files of a partition together into one: no row comes or goes. */
async function compact(world: World, table: Rows): Promise<void> {
  const p = pick(world.simulation.random, PARTITIONS)
  const snapshot = await table.snapshot()
  const files: AddFile[] = []
  for await (const file of snapshot.files({ where: `p = '${p}'` })) files.push(file)
  if (files.length < 2) return
  const rows = await snapshot.scan({ where: `p = '${p}'` }).toArray()
  const writer = dataWriterFor(table.context, snapshot.view)
  for await (const { batch } of batchesOf(rows, snapshot.schema)) await writer.write(batch)
  const written = await writer.finish()
  await written.durable
  const still = { dataChange: false }
  const actions: Action[] = [
    ...files.map(
      ({ path, partitionValues, size }): Action => ({ kind: 'remove', path, partitionValues, size, deletionTimestamp: 1, ...still }),
    ),
    ...written.files.map((file) => ({ ...file, ...still })),
  ]
  await world.attempt('compact', snapshot.version, p, async () => {
    const { version } = await commit(table.context, {
      base: snapshot.view,
      actions,
      operation: 'OPTIMIZE',
      operationParameters: {},
      readSet: { appIds: [], readFiles: new Set(files.map(({ path }) => path)) },
    })
    return { version, adds: [] }
  })
}

const WORK = [append, append, append, sumUp, sumUp, lookAtSome, replace, replace, overwrite, compact, compact]

async function playTransactions(seed: number): Promise<Report> {
  const world = new World(seed)
  const anomalies: string[] = []
  await world.simulation.run(async () => {
    await createTable(world.storage, { schema: schema({ id: long(), p: string() }), partitionBy: ['p'], runtime: world.simulation })
    const lanes = Array.from({ length: 4 }, async () => {
      const table = await world.open()
      for (let i = 0; i < 4; i++) await pick(world.simulation.random, WORK)(world, table)
    })
    await Promise.all(lanes)
  })
  let rows: Row[] = []
  // Commits that share a version have read nothing: they may stand in any order.
  for (const deed of [...world.deeds].sort((a, b) => a.version - b.version)) {
    if (deed.asked !== undefined) {
      const says = rows.filter(deed.asked).map(({ id }) => id)
      if (text(says) !== text(deed.saw ?? []))
        anomalies.push(`${deed.what}, version ${deed.version}: saw ${deed.saw}, the serial order says ${says}`)
    }
    if (deed.removes !== undefined) rows = rows.filter((row) => deed.removes?.(row) === false)
    rows.push(...deed.adds)
  }
  const ended = await world.simulation.run(async () => (await (await world.open()).scan().toArray()).map(({ id }) => Number(id)))
  if (text(ended) !== text(rows.map(({ id }) => id)))
    anomalies.push(`the table ends with ${ended.sort()}, the serial order with ${rows.map(({ id }) => id)}`)
  for (const refusal of world.refusals) anomalies.push(...needless(refusal, world.deeds))
  return { anomalies, committed: count(world.deeds.map(({ what }) => what)), refused: count(world.refusals.map(({ what }) => what)) }
}

// A conflict that nobody caused: the named winner must have touched what the transaction was about.
function needless({ what, base, error, partition }: Refusal, deeds: readonly Deed[]): string[] {
  if (error.code !== 'COMMIT_CONFLICT') return [`${what}: ${error.code} ${error.message}`]
  if (what === 'append') return [`append: conflicts with version ${error.facts.version} though it has read nothing`]
  const winners = deeds.filter(({ version }) => version === error.facts.version)
  if (winners.length === 0) return [`${what}: the winner ${error.facts.version} is nobody's`]
  if (base >= (error.facts.version as number)) return [`${what}: the winner ${error.facts.version} is not later than ${base}`]
  // Compactions and replacements of one partition do not disturb work on another.
  const about = (deed: Deed): boolean =>
    partition === undefined || deed.what === 'compact' || deed.removes !== undefined || deed.adds.some((row) => row.p === partition)
  return winners.some(about)
    ? []
    : [`${what} of ${partition}: conflicts with ${winners.map((winner) => winner.what)}, which was about another`]
}

const text = (ids: readonly number[]): string => JSON.stringify([...ids].sort((a, b) => a - b))
const count = (names: readonly string[]): Record<string, number> => {
  const counts: Record<string, number> = {}
  for (const name of names) counts[name] = (counts[name] ?? 0) + 1
  return counts
}

describe('transactions at the same time', () => {
  const committed: Record<string, number> = {}
  const refused: Record<string, number> = {}

  // What is compiled on first use takes real time, which the simulation does not have.
  beforeAll(async () => {
    const table = await createTable(memoryStorage(), { schema: schema({ id: long() }) })
    await table.append([{ id: 1 }])
    await table.scan({ where: 'id = 1' }).toArray()
  })

  for (let from = 0; from < SEEDS; from += 50) {
    test(`are as if made one after another, in the order of their versions: seeds ${from} to ${from + 49}`, async () => {
      for (let seed = from; seed < from + 50; seed++) {
        const report = await playTransactions(seed)
        expect(report.anomalies, `seed ${seed}`).toEqual([])
        for (const [what, n] of Object.entries(report.committed)) committed[what] = (committed[what] ?? 0) + n
        for (const [what, n] of Object.entries(report.refused)) refused[what] = (refused[what] ?? 0) + n
      }
    })
  }

  test('of every kind were committed, and every kind but appends was refused', () => {
    console.log(`serial oracle: committed ${JSON.stringify(committed)}, refused ${JSON.stringify(refused)}`)
    for (const what of ['append', 'sum', 'look', 'replace', 'overwrite', 'compact']) expect(committed[what], what).toBeGreaterThan(10)
    for (const what of ['sum', 'look', 'replace', 'overwrite', 'compact']) expect(refused[what], what).toBeGreaterThan(0)
  })
})
