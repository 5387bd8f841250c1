// Going through the schedules of a scene: all of them, depth first, or so many by chance. Every schedule is run from the start.

import { randomOf } from '../fuzz/random.js'
import { type Judgement, judge } from './judge.js'
import type { Scene } from './scene.js'
import { type Choose, errorText, runSchedule, type ScheduleRun, type Way } from './schedule.js'

export interface Exploration {
  /** Schedules that were run, and how many of them differ from all others of their scene. */
  runs: number
  distinct: number
  withFaults: number
  readonly violations: { readonly what: string; readonly choices: readonly number[]; readonly trace: readonly string[] }[]
  /** Verdicts by `current|winner`. */
  readonly cells: Map<string, Set<string>>
  /** `later|earlier` where the table is as if the later commit had been the first. */
  readonly swaps: Set<string>
}

const MAX_VIOLATIONS = 3

/** One schedule again. */
export async function replay(
  scene: Scene,
  faults: number,
  choices: readonly number[],
): Promise<{ run: ScheduleRun; judgement: Judgement }> {
  const run = await runSchedule(scene, faults, (at) => choices[at] ?? 0)
  return { run, judgement: judge(scene, run) }
}

/** What is gone through of one scene. */
export class Explorer {
  readonly result: Exploration = { runs: 0, distinct: 0, withFaults: 0, violations: [], cells: new Map(), swaps: new Set() }
  readonly #scene: Scene
  readonly #prints = new Set<number>()
  /** Judgements by what there was to judge: many schedules end alike. */
  readonly #judged = new Map<string, Judgement>()

  constructor(scene: Scene) {
    this.#scene = scene
  }

  /** Every schedule with at most so many faults. Ends early only where that is refuted already. */
  async all(faults: number): Promise<void> {
    let choices: number[] = []
    for (;;) {
      const taken: number[] = []
      const run = await runSchedule(this.#scene, faults, (at) => (taken[at] = choices[at] ?? 0))
      this.#look(run, taken)
      choices = taken
      while (choices.length > 0 && (choices.at(-1) as number) + 1 >= (run.counts[choices.length - 1] as number)) choices.pop()
      if (choices.length === 0 || this.#isEnough) return
      choices[choices.length - 1] = (choices.at(-1) as number) + 1
    }
  }

  /** So many schedules by chance. Most of them have a fault where faults are allowed. */
  async some(faults: number, runs: number, seed: number, number: number): Promise<void> {
    const random = randomOf(seed, number)
    for (let n = 0; n < runs && !this.#isEnough; n++) {
      const taken: number[] = []
      const choose: Choose = (at, ways) => {
        const plain = ways.filter(({ fault }) => fault === undefined).length
        const isFault = ways.length > plain && random.oneIn(4)
        return (taken[at] = isFault ? plain + random.below(ways.length - plain) : random.below(plain))
      }
      this.#look(await runSchedule(this.#scene, faults, choose), taken)
    }
  }

  /** The two schedules that the matrix is about: both plan, then one commits, and then the other tries. */
  async cells(): Promise<void> {
    for (const winner of ['A', 'B'] as const) {
      const taken: number[] = []
      const choose: Choose = (at, ways) => {
        const isPlanning = ({ actor }: Way): boolean => actor?.storage.pending[0]?.kind !== 'create' && actor?.planned === undefined
        const planning = ways.findIndex(isPlanning)
        return (taken[at] =
          planning >= 0
            ? planning
            : Math.max(
                0,
                ways.findIndex(({ actor }) => actor?.who === winner),
              ))
      }
      this.#look(await runSchedule(this.#scene, 0, choose), taken)
    }
  }

  get #isEnough(): boolean {
    return this.result.violations.length >= MAX_VIOLATIONS
  }

  #look(run: ScheduleRun, choices: readonly number[]): void {
    const { result } = this
    result.runs++
    if (run.faults > 0) result.withFaults++
    this.#prints.add(printOf(run.trace))
    result.distinct = this.#prints.size
    const key = whatIsJudged(run)
    let judgement = this.#judged.get(key)
    if (judgement === undefined) this.#judged.set(key, (judgement = judge(this.#scene, run)))
    if (judgement.swap !== undefined) result.swaps.add(judgement.swap)
    for (const what of judgement.violations.slice(0, 1)) result.violations.push({ what, choices: [...choices], trace: run.trace })
    const { cell } = judgement
    if (cell === undefined) return
    const name = `${cell.current}|${cell.winner}`
    const known = result.cells.get(name)
    if (known === undefined) result.cells.set(name, new Set([cell.verdict]))
    else known.add(cell.verdict)
  }
}

// Everything that a judgement looks at: the commits beyond the base, what each was told, and from where it began.
function whatIsJudged({ disk, ends, planned, faults }: ScheduleRun): string {
  const parts: string[] = [`${Math.min(faults, 1)} ${planned.A} ${planned.B}`]
  for (const [path, bytes] of disk.objects) if (path > '_delta_log/00000000000000000002.json') parts.push(path, latin(bytes))
  for (const end of [ends.A, ends.B])
    parts.push(end.kind === 'error' ? errorText(end.error) : `${end.kind} ${end.kind === 'said' ? end.version : ''}`)
  return parts.join('\n')
}

function latin(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1')
}

// A number of 53 bits for a sequence of steps.
function printOf(trace: readonly string[]): number {
  let high = 0xdeadbeef
  let low = 0x41c6ce57
  for (const step of trace) {
    for (let i = 0; i < step.length; i++) {
      const code = step.charCodeAt(i)
      high = Math.imul(high ^ code, 2654435761)
      low = Math.imul(low ^ code, 1597334677)
    }
    high = Math.imul(high ^ 0x0a, 2246822507) ^ (low >>> 13)
  }
  return (high >>> 0) * 2 ** 21 + (low >>> 11)
}
