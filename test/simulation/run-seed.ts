// One simulation: a table, some processes and a network, all of one seed, and the judgement at the end.
import { long, schema, string } from '../../src/schema/index.js'
import { createTable, openTable } from '../../src/table/index.js'
import { ACTORS, type Role, type Stage } from './actors.js'
import { checkTable } from './checker.js'
import { Disk } from './disk.js'
import { Ledger } from './ledger.js'
import type { LoggedCommit } from './log-reading.js'
import { SimProcess } from './process.js'
import { SimStorage, type Weather } from './sim-storage.js'
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

/** How long work goes on, in the simulation's time. */
const WORK_MS = 12_000
/** No request is under way any longer than this after the last of them was made. */
const LANDED_MS = 300_000
const CALM: Weather = { faultsPerMille: 0, crashesPerMyriad: 0, pausesPerMyriad: 0, latencyMs: 5, pageObjects: 1000, canStage: false }
const rowSchema = schema({ id: long().notNull(), w: string() })

/** Runs one seed to its end. Never rejects for what goes wrong in it. */
export async function runSeed(seed: number, options: { readonly keepTrace?: boolean } = {}): Promise<SeedResult> {
  const world = new World(seed, options)
  const simulation = new Simulation(world)
  await simulation.run()
  const { ledger, commits } = simulation
  const outcomes = (outcome: string): number => ledger.ops.filter((op) => op.outcome === outcome).length
  return {
    seed,
    faults: simulation.faults,
    trace: world.trace,
    lines: world.lines,
    counts: {
      commits: commits.length,
      acked: outcomes('acked'),
      failed: outcomes('failed'),
      unknown: outcomes('unknown'),
      sightings: ledger.sightings.length,
      offsets: ledger.streamAcks.length,
      crashes: simulation.crashes,
      events: world.events,
    },
  }
}

class Simulation {
  readonly world: World
  readonly ledger = new Ledger()
  faults: string[] = []
  commits: LoggedCommit[] = []
  crashes = 0
  readonly #disk: Disk
  readonly #doubts: Stage['doubts'] = []
  readonly #isSkewed: boolean
  #weather: Weather
  #running = 0
  #isOver = false
  #names = 0

  constructor(world: World) {
    this.world = world
    const { random } = world
    this.#disk = new Disk(world, random.oneIn(3) ? 1500 : 0)
    this.#isSkewed = random.oneIn(2)
    this.#weather = {
      faultsPerMille: random.pick([0, 10, 50, 150]),
      crashesPerMyriad: random.pick([0, 10, 40]),
      pausesPerMyriad: random.pick([0, 0, 5, 20]),
      latencyMs: random.pick([2, 10, 60]),
      pageObjects: random.pick([2, 7, 1000]),
      canStage: random.oneIn(2),
    }
  }

  async run(): Promise<void> {
    const { world } = this
    await this.#inProcess('maker', CALM, async (stage) => {
      await createTable(stage.storage, { schema: rowSchema, runtime: stage.process.runtime })
    })
    world.after(WORK_MS, () => {
      this.#isOver = true
    })
    for (const role of this.#cast()) this.#start(role)
    if (!(await world.run(() => this.#running === 0, WORK_MS + 3_600_000))) this.ledger.faults.push('the actors never came to an end')
    // All that is under way lands.
    this.#weather = CALM
    await world.run(() => false, world.nowMs + LANDED_MS)
    const { faults, commits } = await checkTable(this.#disk, this.ledger)
    this.faults = faults
    this.commits = commits
    await this.#askAboutDoubts()
    await this.#checkTimes()
    await this.#goOn()
  }

  #cast(): Role[] {
    const { random } = this.world
    const cast: Role[] = ['appender', 'reader']
    const more: readonly Role[] = ['appender', 'retrier', 'overwriter', 'deleter', 'streamer', 'streamer', 'reader']
    for (const role of more) if (random.oneIn(2)) cast.push(role)
    return cast
  }

  // A role is played until work is over; who crashes is replaced.
  #start(role: Role): void {
    this.#running++
    const process = this.#process(role, () => {
      this.crashes++
      this.#running--
      if (!this.#isOver) {
        this.#running++
        this.world.after(this.world.between(1, 2000), () => {
          this.#running--
          if (!this.#isOver) this.#start(role)
        })
      }
    })
    const stage = this.#stage(process, () => this.#weather)
    ACTORS[role](stage).then(
      () => {
        if (process.isAlive) this.#running--
      },
      (error: unknown) => {
        this.ledger.faults.push(`${process.name} ended with ${(error as Error)?.stack ?? error}`)
        if (process.isAlive) this.#running--
      },
    )
  }

  #process(role: string, onCrash: () => void): SimProcess {
    const skewMs = this.#isSkewed ? Math.floor(this.world.between(-3_600_000, 3_600_000)) : 0
    return new SimProcess(this.world, `${role}-${this.#names++}`, { skewMs, onCrash })
  }

  #stage(process: SimProcess, weather: () => Weather): Stage {
    return {
      process,
      storage: new SimStorage(this.#disk, process, weather),
      ledger: this.ledger,
      doubts: this.#doubts,
      isOver: () => this.#isOver,
    }
  }

  async #inProcess(name: string, weather: Weather, work: (stage: Stage) => Promise<void>): Promise<void> {
    let isDone = false
    const process = this.#process(name, () => undefined)
    work(this.#stage(process, () => weather)).then(
      () => {
        isDone = true
      },
      (error: unknown) => {
        isDone = true
        this.faults.push(`${name}: ${(error as Error)?.stack ?? error}`)
      },
    )
    if (!(await this.world.run(() => isDone, this.world.nowMs + LANDED_MS))) this.faults.push(`${name} never came to an end`)
  }

  // What the library answers later about a commit that it gave up in doubt must be what the log says.
  async #askAboutDoubts(): Promise<void> {
    for (const { op, error, process } of this.#doubts) {
      if (!process.isAlive) continue // Nobody is left who could ask.
      // Rows that were tried again may be in another version; what was asked about is one commit.
      const at = this.commits.find(({ info }) => info.txnId === error.facts.txnId)?.version
      await this.#inProcess('asker', CALM, async () => {
        const answer = await error.resolve()
        if (answer.kind === 'committed' && answer.version !== at)
          this.faults.push(`${op.by} was told of version ${answer.version}, it is in ${at}`)
        if (answer.kind === 'not-committed' && at !== undefined) this.faults.push(`${op.by} was told that it is not there, it is in ${at}`)
      })
    }
  }

  // Time travel by the times of the commit files, made to rise.
  async #checkTimes(): Promise<void> {
    let last = Number.NEGATIVE_INFINITY
    const times = this.commits.map(({ modifiedMs }) => {
      last = Math.max(modifiedMs, last + 1)
      return last
    })
    await this.#inProcess('traveller', CALM, async ({ storage, process }) => {
      const table = await openTable(storage, { runtime: process.runtime })
      for (let i = 0; i < 3; i++) {
        const timestamp = Math.floor(EPOCH_MS + this.world.between(0, Math.max(1, (times.at(-1) as number) - EPOCH_MS)))
        const expected = times.findLastIndex((time) => time <= timestamp)
        if (expected < 0) continue
        const { version } = await table.snapshot({ timestamp })
        if (version !== expected) this.faults.push(`at ${timestamp} the version was ${expected}, ${version} was given`)
      }
    })
  }

  // The table can be written and read afterwards.
  async #goOn(): Promise<void> {
    await this.#inProcess('successor', CALM, async ({ storage, process }) => {
      const table = await openTable<{ id: bigint; w: string }, { id: bigint; w: string }>(storage, { runtime: process.runtime })
      const { version } = await table.append([{ id: -1n, w: 'last' }])
      if (version !== this.commits.length) this.faults.push(`the next version is ${version}, not ${this.commits.length}`)
      const rows = await table.scan({ where: 'id = -1' }).toArray()
      if (rows.length !== 1) this.faults.push(`a row appended last is read ${rows.length} times`)
    })
  }
}
