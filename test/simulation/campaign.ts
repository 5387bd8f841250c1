// Many seeds over some processes: hands out shares, adds up what came of them, and shows how far it is.
import { type ChildProcess, fork } from 'node:child_process'
import type { SeedResult } from './run-seed.js'

export interface CampaignOptions {
  readonly from: number
  readonly seeds: number
  readonly workers: number
  readonly minutes: number
  /** The first seed that fails is all there is to know. */
  readonly stopsAtFault: boolean
}

/** What a worker is asked to run. */
export interface Share {
  readonly from: number
  readonly to: number
}

/** Seeds that a worker gets at once: few, so that all end together. */
const SHARE = 10
const SHOWN_FAULTS = 1000

/** Answers whether all went well. */
export async function runCampaign(options: CampaignOptions): Promise<boolean> {
  const campaign = new Campaign(options)
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => campaign.stop())
  return campaign.run()
}

class Campaign {
  readonly #options: CampaignOptions
  readonly #startMs = performance.now()
  readonly #totals = new Map<string, number>()
  readonly #children = new Set<ChildProcess>()
  #next: number
  #done = 0
  #failed = 0
  #broken = 0
  #isStopping = false

  constructor(options: CampaignOptions) {
    this.#options = options
    this.#next = options.from
  }

  stop(): void {
    this.#isStopping = true
  }

  async run(): Promise<boolean> {
    const { workers, minutes, seeds, from } = this.#options
    const timer = Number.isFinite(minutes) ? setTimeout(() => this.stop(), minutes * 60_000) : undefined
    const shown = setInterval(() => this.#show(), process.stdout.isTTY ? 1000 : 20_000)
    await Promise.all(Array.from({ length: workers }, () => this.#work()))
    clearTimeout(timer)
    clearInterval(shown)
    if (process.stdout.isTTY) process.stdout.write('\r\x1b[K')
    const sum = [...this.#totals].map(([name, count]) => `${count} ${name}`).join(', ')
    console.log(`  ${sum}`)
    const isWhole = this.#broken === 0 && (this.#done === seeds || this.#isStopping)
    const passed = isWhole && this.#failed === 0
    const till = this.#done === seeds ? '' : ` (to ${this.#next - 1})`
    console.log(
      `simulate: ${passed ? 'passed' : 'FAILED'}: ${this.#done} of ${seeds} seeds from ${from}${till}, ${this.#failed} with violations, ${this.#seconds()} s`,
    )
    return passed
  }

  // A worker process, from its first share to its last.
  #work(): Promise<void> {
    const child = fork(process.argv[1] as string, process.argv.slice(2), { execArgv: process.execArgv })
    this.#children.add(child)
    const give = (): void => {
      const end = this.#options.from + this.#options.seeds
      if (this.#isStopping || this.#next >= end) {
        child.disconnect()
        return
      }
      const share: Share = { from: this.#next, to: Math.min(this.#next + SHARE, end) }
      this.#next = share.to
      child.send(share)
    }
    child.on('message', (message) => {
      if (message === 'done') give()
      else this.#take(message as SeedResult)
    })
    give()
    return new Promise((resolve) =>
      child.on('exit', (code, signal) => {
        this.#children.delete(child)
        if (code !== 0 && !(signal !== null && this.#isStopping)) this.#broken++
        resolve()
      }),
    )
  }

  #take(result: SeedResult): void {
    this.#done++
    for (const [name, count] of Object.entries(result.counts)) this.#totals.set(name, (this.#totals.get(name) ?? 0) + count)
    if (result.faults.length === 0) return
    if (++this.#failed > SHOWN_FAULTS) return
    console.log(`seed ${result.seed}: ${result.faults[0]}\n  replay: npm run simulate -- --seeds 1 --from ${result.seed}`)
    if (!this.#options.stopsAtFault) return
    this.stop()
    for (const child of this.#children) child.kill()
  }

  #show(): void {
    const { seeds } = this.#options
    const perSecond = this.#done / Number(this.#seconds())
    const left = this.#done === 0 ? '' : `, ${Math.ceil((seeds - this.#done) / perSecond)} s to go`
    const line = `  … ${this.#done} of ${seeds} seeds, ${this.#failed} with violations, ${this.#seconds()} s${left}`
    if (process.stdout.isTTY) process.stdout.write(`\r\x1b[K${line}`)
    else console.log(line)
  }

  #seconds(): string {
    return ((performance.now() - this.#startMs) / 1000).toFixed(0)
  }
}
