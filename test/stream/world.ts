// One seeded run: up to three processes stream the same partitions into one table. They are frozen, killed and started again,
// take partitions over from each other without asking, read records twice, and their store loses answers. Afterwards the
// log itself says whether every offset is there once.
import {
  createStreamWriter,
  createTable,
  integer,
  isAlluviumError,
  long,
  memoryStorage,
  openTable,
  type Runtime,
  type Storage,
  type StreamWriter,
  schema,
} from 'alluvium'
import { Simulation } from '../log/commit/simulation.js'
import { type FaultyStorage, faultyStorage, type SeededFaults } from '../support/faulty-storage.js'
import { machine } from './machine.js'

const events = schema({ part: integer().notNull(), seq: long().notNull() })

export interface Report {
  readonly anomalies: readonly string[]
  readonly commits: number
  readonly kills: number
  readonly fenced: number
  readonly unknown: number
  readonly takeovers: number
  readonly redelivered: number
}

/** A receipt that was kept: the version is said to hold everything of the partition up to the offset. */
interface Promised {
  readonly part: number
  readonly lastOffset: bigint
  readonly version: number
}

/** The source: for each partition its offsets, with gaps. */
type Log = readonly (readonly bigint[])[]

export async function runWorld(seed: number): Promise<Report> {
  const simulation = new Simulation(seed)
  const runtime: Runtime = {
    now: () => Math.floor(simulation.now()),
    monotonicMs: () => simulation.monotonicMs(),
    random: () => simulation.random(),
    uuid: () => simulation.uuid(),
    sleep: (ms, signal) => simulation.sleep(ms, signal),
    setTimer: (ms, callback) => simulation.setTimer(ms, callback),
    env: () => undefined,
  }
  return simulation.run(() => new World(runtime).run())
}

class World {
  readonly runtime: Runtime
  readonly disk: Storage = memoryStorage()
  readonly log: Log
  readonly promised: Promised[] = []
  readonly stores: FaultyStorage[] = []
  readonly counts = { kills: 0, fenced: 0, unknown: 0, takeovers: 0, redelivered: 0 }
  readonly faultRate: number
  readonly latencyMs: number
  readonly processes: number

  constructor(runtime: Runtime) {
    this.runtime = runtime
    this.log = Array.from({ length: this.upTo(1, 3) }, () => this.#offsets(this.upTo(50, 400)))
    this.faultRate = this.pick([0, 0.03, 0.1, 0.4])
    this.latencyMs = this.pick([0, 5, 50])
    this.processes = this.upTo(1, 3)
  }

  async run(): Promise<Report> {
    await createTable(this.disk, { schema: events, runtime: this.runtime })
    await Promise.all(Array.from({ length: this.processes }, () => this.#lives()))
    // The last process: nothing disturbs it but what was still under way from before.
    for (const store of this.stores) store.heal()
    await this.#land(0.5)
    while (!(await new Process(this, this.disk).finish())) this.counts.fenced++
    await this.#land(1)
    const { anomalies, commits } = await judge(this.disk, this.log, this.promised)
    const { kills, fenced, unknown, takeovers } = this.counts
    if (this.processes === 1 && kills + unknown === 0 && fenced > 0) anomalies.push(`fenced ${fenced} times without a rival`)
    return { anomalies, commits, kills, fenced, unknown, takeovers, redelivered: this.counts.redelivered }
  }

  chance(p: number): boolean {
    return this.runtime.random() < p
  }
  upTo(low: number, high: number): number {
    return low + Math.floor(this.runtime.random() * (high - low + 1))
  }
  pick<T>(items: readonly T[]): T {
    return items[Math.floor(this.runtime.random() * items.length)] as T
  }

  // One place where a process runs, dies and runs again.
  async #lives(): Promise<void> {
    for (let lives = this.upTo(1, 3); lives > 0; lives--) {
      const store = faultyStorage(this.disk, {
        seeded: {
          seed: this.upTo(1, 2 ** 31),
          rate: this.faultRate,
          // What hangs without a signal hangs for ever, so only commits may.
          ...this.pick<Pick<SeededFaults, 'faults' | 'calls'>>([
            { faults: ['before', 'lost', 'after', 'delayed', 'retried'] },
            { faults: ['lost', 'delayed', 'hang', 'hangAfter'], calls: ['create'] },
          ]),
        },
      })
      this.stores.push(store)
      const place = machine(store, this.runtime, this.latencyMs)
      const process = new Process(this, place.storage)
      const killAfterMs = this.chance(0.6) ? this.runtime.random() * 15_000 : Number.POSITIVE_INFINITY
      const frost = this.chance(0.3) ? this.#frost(place) : undefined
      const killed =
        killAfterMs === Number.POSITIVE_INFINITY
          ? new Promise<'killed'>(() => {})
          : this.runtime.sleep(killAfterMs).then(() => 'killed' as const)
      const end = await Promise.race([process.live(this.upTo(10, 80)), killed])
      await frost
      if (end === 'killed') {
        place.kill()
        this.counts.kills++
      }
    }
  }

  async #frost(place: ReturnType<typeof machine>): Promise<void> {
    await this.runtime.sleep(this.runtime.random() * 1000)
    place.freeze()
    await this.runtime.sleep(this.runtime.random() * 5000)
    place.thaw()
  }

  // Late effects of requests whose sender is long gone.
  async #land(chance: number): Promise<void> {
    for (const store of this.stores) if (this.chance(chance)) await store.land()
  }

  #offsets(count: number): bigint[] {
    const gaps = this.pick([0, 0.1])
    const offsets: bigint[] = []
    for (let next = BigInt(this.pick([0, 0, 7])); offsets.length < count; next++) if (!this.chance(gaps)) offsets.push(next)
    return offsets
  }
}

/** One run of a consumer program: what it does is right, whatever happens to it. */
class Process {
  readonly #world: World
  readonly #storage: Storage
  /** Index of the next record of each partition that it thinks is its own. */
  readonly #cursors = new Map<number, number>()
  #writer: StreamWriter | undefined

  constructor(world: World, storage: Storage) {
    this.#world = world
    this.#storage = storage
  }

  /** A number of steps, then a clean end or none. */
  async live(steps: number): Promise<'ended'> {
    for (let step = 0; step < steps; step++) {
      await this.#world.runtime.sleep(this.#world.runtime.random() * 200)
      await this.#surviving(() => this.#step())
    }
    await this.#surviving(async () => this.#world.pick([() => this.#writer?.close(), () => this.#writer?.abort()])())
    return 'ended'
  }

  /** Reads every partition to its end. False when somebody came between. */
  async finish(): Promise<boolean> {
    try {
      await this.#open(this.#world.log.keys())
      for (const part of this.#cursors.keys()) while (await this.#write(part));
      await this.#writer?.close()
      return true
    } catch (error) {
      if (!isAlluviumError(error, 'FENCED')) throw error
      return false
    }
  }

  async #step(): Promise<void> {
    const world = this.#world
    const { log, counts } = world
    if (this.#writer === undefined) return this.#open([...log.keys()].filter(() => world.processes === 1 || world.chance(0.6)))
    const part = world.pick([...this.#cursors.keys(), 0])
    const roll = world.runtime.random()
    if (roll < 0.6) {
      if (this.#cursors.has(part)) await this.#write(part)
    } else if (roll < 0.7) {
      // Records come again: the group lost its offsets, or a broker sent them twice.
      const cursor = this.#cursors.get(part)
      if (cursor !== undefined) this.#cursors.set(part, Math.max(0, cursor - world.upTo(0, 30)))
      counts.redelivered++
    } else if (roll < 0.78) {
      await this.#unawaited(this.#writer.flush())
    } else if (roll < 0.86) {
      this.#cursors.delete(part)
      await this.#unawaited(this.#writer.revoke([at(part)], { drainMs: world.pick([0, 100, 5000]) }))
    } else if (roll < 0.95) {
      counts.takeovers++
      this.#cursors.delete(part)
      await this.#assign(part)
    } else {
      const last = this.#writer
      this.#forget()
      await (world.chance(0.5) ? last.close() : last.abort())
    }
  }

  async #open(parts: Iterable<number>): Promise<void> {
    const { runtime } = this.#world
    const table = await openTable(this.#storage, { runtime })
    const linger = this.#world.pick([{ ms: 50 }, { ms: 500, rows: 20 }, { ms: 2000, bytes: 300 }])
    this.#writer = await createStreamWriter(table, {
      appId: 'app',
      linger,
      bufferBytes: this.#world.pick([500, 100_000]),
      encodeOnThread: false, // Virtual time knows nothing of threads.
      commit: this.#world.pick([{ timeoutMs: 20_000 }, { maxAttempts: 1 }]),
    })
    for (const part of parts) this.#seek(part, this.#writer.positionOf('topic', part))
  }

  async #assign(part: number): Promise<void> {
    const writer = this.#writer as StreamWriter
    const [position] = await writer.assign([at(part)])
    if (writer === this.#writer) this.#seek(part, position?.offset)
  }

  #seek(part: number, last: bigint | undefined): void {
    const offsets = this.#world.log[part] as readonly bigint[]
    const next = last === undefined ? 0 : offsets.findIndex((offset) => offset > last)
    this.#cursors.set(part, next < 0 ? offsets.length : next)
  }

  /** Hands on the next records of a partition; false at its end. */
  async #write(part: number): Promise<boolean> {
    const offsets = this.#world.log[part] as readonly bigint[]
    const from = this.#cursors.get(part) as number
    const batch = offsets.slice(from, from + this.#world.upTo(1, 20))
    const lastOffset = batch.at(-1)
    if (lastOffset === undefined) return false
    this.#cursors.set(part, from + batch.length)
    const rows = batch.map((seq) => ({ part, seq }))
    const ticket = await (this.#writer as StreamWriter).write(rows, { ...at(part), offsets: batch, lastOffset })
    void ticket.committed.then(
      ({ version }) => this.#world.promised.push({ part, lastOffset, version }),
      () => undefined,
    )
    return true
  }

  // Half of the time the program does not wait before it goes on.
  async #unawaited(work: Promise<void>): Promise<void> {
    if (this.#world.chance(0.5)) await work
    else work.catch(() => undefined)
  }

  // A program that loses its writer begins anew from what the table says.
  async #surviving(work: () => Promise<unknown> | undefined): Promise<void> {
    try {
      await work()
    } catch (error) {
      if (!isAlluviumError(error)) throw error
      if (error.code === 'FENCED') this.#world.counts.fenced++
      else if (error.code === 'COMMIT_STATE_UNKNOWN') this.#world.counts.unknown++
      else if (!['STORAGE_UNAVAILABLE', 'ABORTED', 'COMMIT_CONFLICT'].includes(error.code)) throw error
      const last = this.#writer
      this.#forget()
      await last?.abort()
    }
  }

  #forget(): void {
    this.#writer = undefined
    this.#cursors.clear()
  }
}

function at(partition: number): { source: string; partition: number } {
  return { source: 'topic', partition }
}

/** What the log and the rows say, read without the code under test where it matters: commit by commit, as JSON. */
async function judge(disk: Storage, log: Log, promised: readonly Promised[]): Promise<{ anomalies: string[]; commits: number }> {
  const anomalies: string[] = []
  const positions = new Map<number, bigint>()
  const history: Map<number, bigint>[] = []
  let rows = 0
  for (let version = 0; ; version++) {
    const bytes = await disk.read(`_delta_log/${String(version).padStart(20, '0')}.json`)
    if (bytes === undefined) break
    for (const line of new TextDecoder()
      .decode(bytes)
      .split('\n')
      .filter((text) => text !== '')) {
      const { add, txn } = JSON.parse(line) as { add?: { stats: string }; txn?: { appId: string; version: number } }
      if (add !== undefined) rows += (JSON.parse(add.stats) as { numRecords: number }).numRecords
      if (txn === undefined) continue
      const part = Number(txn.appId.split('/').at(-1))
      const before = positions.get(part)
      if (before !== undefined && BigInt(txn.version) <= before)
        anomalies.push(`version ${version}: partition ${part} went from ${before} to ${txn.version}`)
      positions.set(part, BigInt(txn.version))
    }
    history.push(new Map(positions))
    const due = log.reduce((sum, offsets, part) => sum + offsets.filter((offset) => offset <= (positions.get(part) ?? -1n)).length, 0)
    if (rows !== due) anomalies.push(`version ${version}: ${rows} rows, but the positions stand for ${due}`)
  }
  for (const { part, lastOffset, version } of promised) {
    if ((history[version]?.get(part) ?? -1n) < lastOffset)
      anomalies.push(`a receipt said version ${version} for partition ${part}, offset ${lastOffset}`)
  }
  const found = await (await openTable(disk)).scan().toArray()
  const seen = new Map<string, number>()
  for (const row of found) seen.set(`${row.part}/${row.seq}`, (seen.get(`${row.part}/${row.seq}`) ?? 0) + 1)
  for (const [part, offsets] of log.entries()) {
    for (const offset of offsets) {
      const times = seen.get(`${part}/${offset}`) ?? 0
      if (times !== 1) anomalies.push(`partition ${part}, offset ${offset}: ${times} times`)
    }
  }
  return { anomalies, commits: history.length - 1 }
}
