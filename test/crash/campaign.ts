// A campaign: writers on one table, killed at random moments and started again, and what the table holds compared with what they
// were told, again and again. The choices come from the seed; when a kill really falls is up to the machine.
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { promisify } from 'node:util'
import { randomOf } from '../fuzz/random.js'
import { ageFiles, cleanedUp, strangeFiles } from './aftermath.js'
import { brokenPromises, WriterRecord } from './check-ledger.js'
import { CheckedLog } from './check-log.js'
import type { Defect } from './defects.js'
import { readNotes } from './ledger.js'
import type { Programs } from './programs.js'
import { makeTable, type Reading } from './table.js'
import type { Life, Role } from './writer.js'

export interface CampaignOptions {
  readonly kills: number
  readonly seed: number
  /** An empty folder. */
  readonly folder: string
  readonly programs: Programs
  readonly defect?: Defect
  /** Who is at work; by default eight writers, and upkeep. */
  readonly roles?: readonly Role[]
  /** Kills between two looks at everything. */
  readonly checkEvery?: number
  /** A Python that has deltalake. */
  readonly python?: string
  readonly onProgress?: (text: string) => void
}

export interface CampaignResult {
  readonly kills: number
  readonly faults: readonly string[]
  readonly phases: ReadonlyMap<string, number>
  readonly records: readonly WriterRecord[]
  readonly log: CheckedLog
  /** Readings that were equal to what the log says, by who read. */
  readonly readings: { ours: number; deltaRs: number }
  readonly commitMs: number
  readonly leftovers: { hidden: number; unreferenced: number }
  /** The oldest commit that upkeep has left in the log. */
  readonly logFrom: number
}

const ROLES: readonly Role[] = [
  'appender',
  'appender',
  'retrier',
  'streamer',
  'streamer',
  'overwriter',
  'deleter',
  'checkpointer',
  'compactor',
  'cleaner',
]
const STREAM_TAIL = 20
/** A timer may fall on any moment of so many commits. */
const LIFE_IN_COMMITS = 4
const UPKEEP_IN_COMMITS = 12
const LIFE_LIMIT_MS = 1500
const READ_BY_DELTA_RS = `
import json, os, sys
from deltalake import DeltaTable
table = DeltaTable(sys.argv[1], version=int(sys.argv[2]))
print(json.dumps(table.to_pyarrow_table(columns=["id"]).column("id").to_pylist()), flush=True)
# Without the interpreter's own ending, in which threads of its engines now and then abort.
os._exit(0)
`

export async function runCampaign(options: CampaignOptions): Promise<CampaignResult> {
  const campaign = new Campaign(options)
  return campaign.run()
}

class Campaign {
  readonly #options: CampaignOptions
  readonly #root: string
  readonly #log: CheckedLog
  readonly #roles: readonly Role[]
  readonly #records: readonly WriterRecord[]
  readonly #phases = new Map<string, number>()
  readonly #readings = { ours: 0, deltaRs: 0 }
  readonly #running = new Set<ChildProcess>()
  #faults: string[] = []
  #kills = 0
  #lives = 0
  #commitMs = 20
  #nextCheck: number
  #checking: Promise<void> | undefined

  constructor(options: CampaignOptions) {
    this.#options = options
    this.#root = path.join(options.folder, 'table')
    this.#log = new CheckedLog(this.#root)
    this.#roles = options.roles ?? ROLES
    this.#records = this.#roles.map((role, writer) => new WriterRecord(writer, `${role} ${writer}`))
    this.#nextCheck = options.checkEvery ?? 100
  }

  async run(): Promise<CampaignResult> {
    await makeTable(this.#root)
    try {
      await Promise.all(this.#records.map((record, i) => this.#slot(this.#roles[i] as Role, record)))
      await this.#checking
      await this.#lastLives()
      await this.#look()
      const leftovers = this.#faults.length > 0 ? { hidden: 0, unreferenced: 0 } : await this.#cleanUp()
      return {
        kills: this.#kills,
        faults: this.#faults,
        phases: this.#phases,
        records: this.#records,
        log: this.#log,
        readings: this.#readings,
        commitMs: this.#commitMs,
        leftovers,
        logFrom: this.#log.oldest(),
      }
    } finally {
      for (const child of this.#running) child.kill('SIGKILL')
    }
  }

  // One life after the other, each killed.
  async #slot(role: Role, record: WriterRecord): Promise<void> {
    while (this.#kills < this.#options.kills && this.#faults.length === 0) {
      const number = this.#lives++
      const random = randomOf(this.#options.seed, number)
      // A quarter of the kills are in, before or after a call that is chosen; the rest whenever a timer says so.
      const byCall = random.oneIn(4)
      const kill = byCall ? { kill: { atCall: 1 + random.below(60), when: random.pick(['before', 'after', 'half'] as const) } } : {}
      const starting = !byCall && random.oneIn(12)
      const marker = await this.#live(role, record, number, kill, (child) => {
        if (starting) setTimeout(() => child.kill('SIGKILL'), random.below(300))
        const commits = role === 'compactor' || role === 'cleaner' ? UPKEEP_IN_COMMITS : LIFE_IN_COMMITS
        const delayMs = byCall ? LIFE_LIMIT_MS : (random.below(1000) / 1000) * commits * this.#commitMs
        child.stdout?.once('data', () => setTimeout(() => child.kill('SIGKILL'), delayMs).unref())
      })
      this.#kills++
      this.#phases.set(marker, (this.#phases.get(marker) ?? 0) + 1)
      if (this.#kills >= this.#nextCheck) await this.#checked()
    }
  }

  /** Runs one life to its end; answers where it ended. */
  async #live(
    role: Role,
    record: WriterRecord,
    number: number,
    more: Partial<Life>,
    onStart: (child: ChildProcess) => void,
  ): Promise<string> {
    const { folder, seed, programs, defect } = this.#options
    const { open } = record
    const life: Life = {
      root: this.#root,
      ledger: path.join(folder, `${number}.ledger`),
      marker: path.join(folder, `${number}.marker`),
      role,
      seed,
      writer: record.writer,
      nextOp: record.nextOp,
      nextRow: record.nextRow,
      ...(open?.rows === undefined ? {} : { open: { op: open.op, rows: open.rows, ...(open.txn === undefined ? {} : { txn: open.txn }) } }),
      ...(defect === undefined ? {} : { defect }),
      ...more,
    }
    const child = spawn(process.execPath, ['--max-semi-space-size=4', programs.writer, JSON.stringify(life)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    this.#running.add(child)
    onStart(child)
    const [code, signal] = await new Promise<[number | null, string | null]>((resolve, reject) => {
      child.once('error', reject)
      child.once('close', (...ended) => resolve(ended))
    })
    this.#running.delete(child)
    record.take(readNotes(life.ledger))
    if (signal !== 'SIGKILL' && more.operations === undefined) record.faults.push(`${record.name} ended by itself with ${code}`)
    if (more.operations !== undefined && code !== 0) record.faults.push(`${record.name}'s last life ended with ${code}`)
    this.#learn(record)
    const marker = fs.existsSync(life.marker) ? fs.readFileSync(life.marker, 'latin1').trim() : ''
    for (const each of [life.ledger, life.marker]) fs.rmSync(each, { force: true })
    return marker === '' ? 'starting' : marker
  }

  // How long a commit takes here and now, so that kills fall all over it.
  #learn(record: WriterRecord): void {
    for (const { outcome, ms } of [...record.ops.values()].slice(-3))
      if (outcome === 'acked' && ms > 0) this.#commitMs = Math.min(200, 0.95 * this.#commitMs + 0.05 * ms)
  }

  async #checked(): Promise<void> {
    if (this.#checking !== undefined) return this.#checking
    this.#nextCheck += this.#options.checkEvery ?? 100
    this.#checking = this.#look().finally(() => {
      this.#checking = undefined
    })
    await this.#checking
  }

  /** Compares everything that is known by now. */
  async #look(): Promise<void> {
    const { programs, python } = this.#options
    await this.#log.advance()
    this.#found(brokenPromises(this.#log, this.#records, this.#running.size === 0))
    const version = this.#log.version
    const ids = this.#log.ids.join()
    const run = promisify(execFile)
    const big = { maxBuffer: 2 ** 28 }
    const reads = [
      run(process.execPath, [programs.reader, this.#root, String(version)], big).then(({ stdout }) => {
        const { latest, ids: read } = JSON.parse(stdout) as Reading
        if (latest < version) this.#found([`a fresh reader finds version ${latest} when ${version} is there`])
        return this.#same('ours', version, ids, read)
      }),
      ...(python === undefined
        ? []
        : [
            run(python, ['-c', READ_BY_DELTA_RS, this.#root, String(version)], big).then(({ stdout }) =>
              this.#same('deltaRs', version, ids, JSON.parse(stdout) as number[]),
            ),
          ]),
    ]
    for (const read of await Promise.allSettled(reads))
      if (read.status === 'rejected') this.#found([`version ${version} cannot be read: ${read.reason}`])
    ageFiles(this.#root, this.#log)
    this.#options.onProgress?.(
      `${this.#kills} kills, version ${version}, ${this.#log.live.size} files with ${this.#log.ids.length} rows, a commit takes ${this.#commitMs.toFixed(0)} ms, ${this.#faults.length} faults`,
    )
  }

  #same(by: 'ours' | 'deltaRs', version: number, expected: string, read: readonly number[]): void {
    const sorted = (text: string): string =>
      text
        .split(',')
        .map(Number)
        .sort((a, b) => a - b)
        .join()
    if (sorted(expected) === sorted(read.join())) this.#readings[by]++
    else this.#found([`version ${version} read by ${by} has ${read.length} rows that are not those of the log`])
  }

  #found(faults: readonly string[]): void {
    this.#faults = [...new Set([...this.#faults, ...faults])]
  }

  // Whoever resumes by position or transaction gets one life in peace; then nothing of theirs may be open.
  async #lastLives(): Promise<void> {
    if (this.#faults.length > 0) return
    await this.#log.advance()
    for (const [i, record] of this.#records.entries()) {
      const role = this.#roles[i] as Role
      if (role !== 'streamer' && role !== 'retrier') continue
      const positions = [0, 1].map((partition) => this.#log.positions.get(`stream-${i}/topic/${partition}`)?.at(-1)?.position ?? -1)
      const streamGoal = Math.max(...positions) + STREAM_TAIL
      await this.#live(role, record, this.#lives++, { operations: role === 'retrier' ? 1 : 3, streamGoal }, () => {})
      await this.#log.advance()
      if (role === 'retrier' && [...record.ops.values()].some(({ outcome, rows }) => outcome === 'open' && !this.#isIn(rows?.from)))
        this.#found([`${record.name} tried an operation again and it is not in the table`])
      if (role !== 'streamer') continue
      for (const partition of [0, 1]) {
        const at = this.#log.positions.get(`stream-${i}/topic/${partition}`)?.at(-1)?.position
        if (at !== streamGoal) this.#found([`${record.name} came to ${at} of partition ${partition}, not to ${streamGoal}`])
      }
    }
  }

  #isIn(id: number | undefined): boolean {
    return id !== undefined && this.#log.broughtBy.has(id)
  }

  // What killed processes leave is of known kinds, and goes; the table stays what it is.
  async #cleanUp(): Promise<CampaignResult['leftovers']> {
    const strange = strangeFiles(this.#root, this.#log)
    this.#found(strange.unknown.map((name) => `${name} is of no known kind`))
    this.#found(await cleanedUp(this.#root))
    await this.#log.advance()
    const after = strangeFiles(this.#root, this.#log)
    this.#found([...after.unknown, ...after.hidden, ...after.unreferenced].map((name) => `${name} is still there after the clean-up`))
    await this.#look()
    return { hidden: strange.hidden.length, unreferenced: strange.unreferenced.length }
  }
}
