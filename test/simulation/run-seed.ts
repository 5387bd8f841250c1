// One simulation: a table, some processes and a network, all of one seed, and the judgement at the end.
import { AlluviumError, isAlluviumError } from '../../src/errors.js'
import { long, schema, string } from '../../src/schema/index.js'
import { createTable, openTable } from '../../src/table/index.js'
import { ACTORS, type Role } from './actors/index.js'
import { checkTable, type Judgement } from './checker.js'
import { sameNumbers } from './checks/numbers.js'
import { rowsOf, type State } from './checks/replay.js'
import { versionAt } from './checks/times.js'
import { Disk } from './disk.js'
import { Ledger, partitionOf } from './ledger.js'
import { hideThreads } from './no-threads.js'
import { SimProcess } from './process.js'
import { SimStorage, type Weather } from './sim-storage.js'
import { type Row, rowOf, type Stage } from './stage.js'
import { drawTraits, propertiesOf, safeMs, type Traits } from './traits.js'
import { EPOCH_MS, World } from './world.js'

export interface SeedResult {
  readonly seed: number
  /** Everything that went wrong; empty when all is well. */
  readonly faults: readonly string[]
  /** Equal for two runs that went the same way. */
  readonly trace: string
  readonly lines: readonly string[] | undefined
  readonly counts: Readonly<Record<string, number>>
}

/** No request is under way any longer than this after the last of them was made. */
const LANDED_MS = 300_000
/** Nobody may need longer to come to an end, once no more work is begun: who is stopped for days wakes up, too. */
const END_MS = 7 * 86_400_000
const HOUR_MS = 3_600_000
const CALM: Weather = { faultsPerMille: 0, crashesPerMyriad: 0, pausesPerMyriad: 0, longestPauseMs: 0, latencyMs: 5, pageObjects: 1000 }
const rowSchema = schema({ id: long().notNull(), w: string(), p: string() })
const MOST_ATTEMPTS = 5

/** Runs one seed to its end. Never rejects for what goes wrong in it. */
export async function runSeed(seed: number, options: { readonly keepTrace?: boolean } = {}): Promise<SeedResult> {
  hideThreads()
  const world = new World(seed, options)
  const simulation = new Simulation(world)
  const astray = (error: unknown): number => simulation.faults.push(`nobody minded ${(error as Error)?.stack ?? error}`)
  process.on('unhandledRejection', astray)
  try {
    await simulation.run()
  } catch (error) {
    simulation.faults.push(`the simulation ended with ${(error as Error)?.stack ?? error}`)
  } finally {
    process.off('unhandledRejection', astray)
  }
  return { seed, faults: simulation.faults, trace: world.trace, lines: world.lines, counts: simulation.counts() }
}

class Simulation {
  readonly world: World
  readonly ledger = new Ledger()
  readonly traits: Traits
  readonly faults: string[] = []
  #judged: Judgement = { faults: [], commits: [], states: [] }
  #crashes = 0
  readonly #disk: Disk
  readonly #doubts: Stage['doubts'] = []
  readonly #running = new Set<SimProcess>()
  #weather: Weather
  #pending = 0
  #isOver = false
  #names = 0

  constructor(world: World) {
    this.world = world
    const { random } = world
    this.traits = drawTraits(world)
    this.#disk = new Disk(world, random.oneIn(3) ? 1500 : 0)
    this.#weather = {
      faultsPerMille: random.pick([0, 10, 50, 150]),
      crashesPerMyriad: random.pick([0, 10, 40]),
      pausesPerMyriad: random.pick([0, 0, 5, 20]),
      longestPauseMs: this.traits.calendar.isLong ? 60 * HOUR_MS : 200_000,
      latencyMs: this.traits.store === 'local' ? 1 : random.pick([2, 10, 60]),
      pageObjects: random.pick([2, 7, 1000]),
    }
  }

  async run(): Promise<void> {
    const { world, traits } = this
    await this.#inProcess('maker', async (stage) => {
      await createTable(stage.storage, {
        schema: rowSchema,
        runtime: stage.process.runtime,
        properties: propertiesOf(traits),
        partitionBy: traits.isPartitioned ? ['p'] : [],
      })
    })
    world.after(traits.calendar.endMs - world.nowMs, () => {
      this.#isOver = true
    })
    for (const role of traits.cast) this.#start(role)
    if (!(await world.run(() => this.#running.size + this.#pending === 0, traits.calendar.endMs + END_MS)))
      this.ledger.faults.push(`never came to an end: ${[...this.#running].map(({ name }) => name).join(', ')}`)
    // All that is under way lands, also what those wait for who will be asked and are stopped still.
    this.#weather = CALM
    const awakeMs = this.#doubts.map(({ process }) => (process.isAlive ? process.awakeMs : 0))
    await world.run(() => false, Math.max(world.nowMs, ...awakeMs) + LANDED_MS)
    this.#judged = await checkTable(this.#disk, this.ledger, traits)
    this.faults.push(...this.#judged.faults)
    this.#checkAttempts()
    await this.#askAboutDoubts()
    await this.#travel()
    await this.#readWhatIsKept()
    await this.#goOn()
  }

  counts(): Record<string, number> {
    const { ledger } = this
    const outcomes = (outcome: string): number => ledger.ops.filter((op) => op.outcome === outcome).length
    const acked = (kind: string): number => ledger.ops.filter((op) => op.kind === kind && op.outcome === 'acked').length
    const gone = this.#disk.placed.filter(({ goneMs }) => goneMs !== undefined)
    return {
      commits: this.#judged.commits.length,
      acked: outcomes('acked'),
      failed: outcomes('failed'),
      unknown: outcomes('unknown'),
      compactions: acked('compact'),
      restores: acked('restore'),
      erasures: acked('erase'),
      vacuums: this.#judged.commits.filter(({ info }) => info.operation === 'VACUUM END').length,
      vacuumed: gone.filter(({ path, goneBy }) => !path.startsWith('_') && goneBy?.startsWith('vacuumer') === true).length,
      cleaned: this.#judged.commits.filter(({ goneMs }) => goneMs !== undefined).length,
      checkpoints: this.#disk.placed.filter(({ path }) => /^_delta_log\/\d{20}\.checkpoint\.(parquet|[0-9a-f]{8}-)/.test(path)).length,
      sightings: ledger.sightings.length,
      offsets: ledger.streamAcks.length,
      crashes: this.#crashes,
      events: this.world.events,
    }
  }

  // A role is played until work is over; who crashes is replaced.
  #start(role: Role): void {
    const process = this.#process(role, () => {
      this.#crashes++
      this.#running.delete(process)
      if (this.#isOver) return
      this.#pending++
      this.world.after(this.world.between(1, 2000), () => {
        this.#pending--
        if (!this.#isOver) this.#start(role)
      })
    })
    this.#running.add(process)
    ACTORS[role](this.#stage(process, () => this.#weather))
      .catch((error: unknown) => {
        this.ledger.faults.push(`${process.name} ended with ${(error as Error)?.stack ?? error}`)
      })
      .finally(() => this.#running.delete(process))
  }

  #process(role: string, onCrash: () => void): SimProcess {
    const skewMs = this.traits.isSkewed ? Math.floor(this.world.between(-HOUR_MS, HOUR_MS)) : 0
    return new SimProcess(this.world, `${role}-${this.#names++}`, { skewMs, onCrash })
  }

  #stage(process: SimProcess, weather: () => Weather): Stage {
    const around = { disk: this.#disk, kind: this.traits.store, weather, failPower: () => this.#failPower() }
    return {
      process,
      storage: new SimStorage(around, process),
      ledger: this.ledger,
      traits: this.traits,
      disk: this.#disk,
      doubts: this.#doubts,
      isOver: () => this.#isOver,
    }
  }

  #failPower(): void {
    this.#disk.failPower()
    for (const process of [...this.#running]) process.crash('when the power fails')
  }

  async #inProcess(name: string, work: (stage: Stage) => Promise<void>): Promise<void> {
    let isDone = false
    const process = this.#process(name, () => undefined)
    work(this.#stage(process, () => CALM)).then(
      () => {
        isDone = true
      },
      (error: unknown) => {
        isDone = true
        this.faults.push(`${name}: ${error instanceof AlluviumError ? error.code : ''} ${(error as Error)?.stack ?? error}`)
      },
    )
    if (!(await this.world.run(() => isDone, this.world.nowMs + LANDED_MS))) this.faults.push(`${name} never came to an end`)
  }

  // A compaction has its turn beside any number of appenders.
  #checkAttempts(): void {
    for (const { kind, attempts, by } of this.ledger.ops) {
      if (kind === 'compact' && attempts !== undefined && attempts > MOST_ATTEMPTS && this.traits.isCrowded)
        this.faults.push(`a compaction of ${by} took ${attempts} attempts`)
    }
  }

  // What the library answers later about a commit that it gave up in doubt must be what the log says.
  async #askAboutDoubts(): Promise<void> {
    for (const { op, error, process } of this.#doubts) {
      if (!process.isAlive) continue // Nobody is left who could ask.
      // Rows that were tried again may be in another version; what was asked about is one commit.
      const at = this.#judged.commits.find(({ info }) => info.txnId === error.facts.txnId)
      if (at?.goneMs !== undefined) continue // Nothing is left that could tell.
      await this.#inProcess('asker', async () => {
        const answer = await error.resolve()
        if (answer.kind === 'committed' && answer.version !== at?.version)
          this.faults.push(`${op.by} was told of version ${answer.version}, it is in ${at?.version}`)
        if (answer.kind === 'not-committed' && at !== undefined)
          this.faults.push(`${op.by} was told that it is not there, it is in ${at.version}`)
      })
    }
  }

  // Time travel, over the commits that are left.
  async #travel(): Promise<void> {
    const { commits } = this.#judged
    const first = commits.findLastIndex(({ goneMs }) => goneMs !== undefined) + 1
    const times = commits.slice(first).map(({ atMs }) => atMs)
    if (times.length === 0) return
    await this.#inProcess('traveller', async ({ storage, process }) => {
      const table = await openTable(storage, { runtime: process.runtime })
      for (let i = 0; i < 3; i++) {
        const near = this.world.random.pick(times) + this.world.between(-2, 2)
        const timestamp = Math.floor(EPOCH_MS + (i === 0 ? this.world.between(times[0] as number, times.at(-1) as number) : near))
        const expected = versionAt(commits, first, timestamp)
        if (expected === undefined) continue
        let version: number | undefined
        try {
          version = (await table.snapshot({ timestamp })).version
        } catch (error) {
          // Some commits are kept for their times alone, without the checkpoint that they would need.
          const endMs = commits[expected + 1]?.atMs ?? Number.POSITIVE_INFINITY
          if (!isAlluviumError(error, 'VERSION_NOT_FOUND', 'CORRUPT_LOG') || endMs > this.world.nowMs - safeMs(this.traits)) throw error
          continue
        }
        if (version !== expected) this.faults.push(`at ${timestamp} the version was ${expected}, ${version} was given`)
      }
    })
  }

  // The latest version, and some of those whose retention is not over, read as what they were.
  async #readWhatIsKept(): Promise<void> {
    const { commits, states } = this.#judged
    if (states.length === 0) return
    const since = this.world.nowMs - safeMs(this.traits)
    const oldest = commits.findIndex(({ version }) => (commits[version + 1]?.atMs ?? Number.POSITIVE_INFINITY) > since)
    const kept = commits.slice(Math.max(0, oldest)).map(({ version }) => version)
    for (const version of new Set([kept[0], this.world.random.pick(kept), kept.at(-1)])) {
      await this.#inProcess('auditor', async ({ storage, process }) => {
        const table = await openTable<Row, Row>(storage, { runtime: process.runtime, ...(version === undefined ? {} : { version }) })
        const snapshot = await table.snapshot(version === undefined ? {} : { version })
        const rows = await snapshot.scan({ columns: ['id', 'p'] }).toArray()
        const ids = rows.map(({ id }) => Number(id))
        if (!sameNumbers(ids, rowsOf(states[snapshot.version] as State)))
          this.faults.push(`version ${version} reads as other rows in the end`)
        if (rows.some(({ id, p }) => partitionOf(Number(id)) !== p)) this.faults.push(`rows of version ${version} are in other partitions`)
      })
    }
  }

  // The table can be written and read afterwards.
  async #goOn(): Promise<void> {
    await this.#inProcess('successor', async ({ storage, process }) => {
      const table = await openTable<Row, Row>(storage, { runtime: process.runtime })
      const { version } = await table.append([rowOf(999_999_999, 'last')])
      const { length } = this.#judged.commits
      if (version !== length) this.faults.push(`the next version is ${version}, not ${length}`)
      const rows = await table.scan({ where: 'id = 999999999' }).toArray()
      if (rows.length !== 1) this.faults.push(`a row appended last is read ${rows.length} times`)
    })
  }
}
