// One schedule: two actors, and a choice at every step of who goes on and what goes wrong. The same choices give the same run.
import { AlluviumError } from '../../src/errors.js'
import { CommitStateUnknownError, fileSystemCommitter } from '../../src/log/commit/index.js'
import { type LogView, loadLog } from '../../src/log/index.js'
import type { TableContext } from '../../src/table/context.js'
import { ActorRuntime } from './actor-runtime.js'
import { Disk, GatedStorage, noAnswer, type PendingStep, refusal } from './gated-store.js'
import { findOut, type OperationName, perform, type Said } from './operations.js'
import type { Scene } from './scene.js'
import type { Who } from './variant.js'

/**
 * What may go wrong with a step. `crash`: the actor ends before it (`crash-after`: after it took effect, which for a read is the
 * same). `lost`: it took effect, and nobody says so. `unsent`: it did not, and nobody says so. `late`: as unsent, but it takes
 * effect later. `refused`: it did not, and that is said. `failed`: a read has no answer.
 */
export type Fault = 'crash' | 'crash-after' | 'lost' | 'unsent' | 'late' | 'refused' | 'failed'

const WRITE_FAULTS: readonly Fault[] = ['crash', 'crash-after', 'lost', 'unsent', 'late', 'refused']
const READ_FAULTS: readonly Fault[] = ['crash', 'failed']

/** Chooses one of several ways to go on, those without a fault first; `at` counts the choices. */
export type Choose = (at: number, ways: readonly Way[]) => number

export type End =
  | { readonly kind: 'said'; readonly version: number | undefined; readonly asked: boolean }
  | { readonly kind: 'error'; readonly error: unknown }
  | { readonly kind: 'not-committed' }
  | { readonly kind: 'crashed' }

export interface ScheduleRun {
  /** What is on the store at the end. */
  readonly disk: Disk
  readonly ends: Readonly<Record<Who, End>>
  /** The version that the first put of an actor stood on; undefined where it put nothing. */
  readonly planned: Readonly<Record<Who, number | undefined>>
  /** Who took which step, and what went wrong with it. */
  readonly trace: readonly string[]
  /** How many ways to go on there were at each choice. */
  readonly counts: readonly number[]
  readonly faults: number
}

export interface ActorState {
  readonly who: Who
  readonly storage: GatedStorage
  end: End | undefined
  planned: number | undefined
}

/** A step of an actor, with or without a fault, or what it was told nothing about and that lands now. */
export interface Way {
  readonly actor?: ActorState
  readonly late?: Late
  readonly fault?: Fault
}

export interface Late {
  readonly who: Who
  readonly step: PendingStep
}

const MAX_STEPS = 400

export async function runSchedule(scene: Scene, faultsAllowed: number, choose: Choose): Promise<ScheduleRun> {
  const disk = new Disk(scene.objects)
  const actors = [begin(scene, 'A', scene.first, disk), begin(scene, 'B', scene.second, disk)]
  const trace: string[] = []
  const counts: number[] = []
  const late: Late[] = []
  let faults = 0
  for (;;) {
    await quiet()
    const ways = waysOn(actors, late, faultsAllowed - faults)
    if (ways.length === 0) break
    if (trace.length >= MAX_STEPS) throw new Error(`no end in sight: ${trace.join(' ')}`)
    const chosen = ways.length === 1 ? 0 : choose(counts.length, ways)
    if (ways.length > 1) counts.push(ways.length)
    const way = ways[chosen] as Way
    if (way.fault !== undefined) faults++
    trace.push(take(way, late))
  }
  const [a, b] = actors as [ActorState, ActorState]
  const stuck = actors.filter(({ end }) => end === undefined)
  if (stuck.length > 0) throw new Error(`${stuck.map(({ who }) => who)} waits for something that no step will bring: ${trace.join(' ')}`)
  return { disk, ends: { A: a.end as End, B: b.end as End }, planned: { A: a.planned, B: b.planned }, trace, counts, faults }
}

// Everything that needs no store happens before this resolves: asked for by a promise's job, a tick comes after all such jobs.
async function quiet(): Promise<void> {
  await undefined
  await new Promise<void>((resolve) => process.nextTick(resolve))
}

function begin(scene: Scene, who: Who, operation: OperationName, disk: Disk): ActorState {
  const storage = new GatedStorage(disk, who)
  const state: ActorState = { who, storage, end: undefined, planned: undefined }
  const work = async (): Promise<Said> => {
    // Views are told by the machine's clock when they were confirmed; this run's clock begins there.
    const runtime = new ActorRuntime(who, performance.now())
    const context: TableContext = { storage, runtime, committer: fileSystemCommitter(storage) }
    const view: LogView = scene.variant.start === 'open' ? await loadLog(storage, { runtime }) : scene.freshView(runtime.monotonicMs())
    return perform(operation, { who, variant: scene.variant, context, view })
  }
  work().then(
    ({ version }) => ended(state, { kind: 'said', version, asked: false }),
    (error) => {
      if (!(error instanceof CommitStateUnknownError)) return ended(state, { kind: 'error', error })
      findOut(error).then(
        (said) => ended(state, said === undefined ? { kind: 'not-committed' } : { kind: 'said', version: said.version, asked: true }),
        (again) => ended(state, { kind: 'error', error: again }),
      )
    },
  )
  return state
}

function ended(state: ActorState, end: End): void {
  state.end ??= end
}

function waysOn(actors: readonly ActorState[], late: readonly Late[], faultsLeft: number): Way[] {
  const ways: Way[] = []
  const waiting = actors.filter(({ end, storage }) => end === undefined && storage.pending.length > 0)
  for (const actor of waiting) ways.push({ actor })
  for (const each of late) ways.push({ late: each })
  if (faultsLeft <= 0) return ways
  for (const actor of waiting) {
    const { isWrite } = actor.storage.pending[0] as PendingStep
    for (const fault of isWrite ? WRITE_FAULTS : READ_FAULTS) ways.push({ actor, fault })
  }
  return ways
}

// Takes a step, and tells it.
function take(way: Way, late: Late[]): string {
  if (way.late !== undefined) {
    late.splice(late.indexOf(way.late), 1)
    way.late.step.effect()
    return `${way.late.who}:late ${way.late.step.kind} ${way.late.step.path}`
  }
  const actor = way.actor as ActorState
  const step = actor.storage.pending.shift() as PendingStep
  if (step.kind === 'create') actor.planned ??= versionOf(step.path) - 1
  const name = `${actor.who}:${step.kind} ${step.path}`
  switch (way.fault) {
    case undefined:
      step.answer(step.effect())
      return name
    case 'crash-after':
      step.effect()
      ended(actor, { kind: 'crashed' })
      break
    case 'crash':
      ended(actor, { kind: 'crashed' })
      break
    case 'lost':
      step.effect()
      step.fail(noAnswer(step.path))
      break
    case 'late':
      late.push({ who: actor.who, step })
      step.fail(noAnswer(step.path))
      break
    case 'refused':
      step.fail(refusal(step.path))
      break
    default:
      step.fail(noAnswer(step.path))
  }
  return `${name} !${way.fault}`
}

function versionOf(path: string): number {
  return Number(/(\d{20})\.json$/.exec(path)?.[1] ?? Number.NaN)
}

/** What an actor's error says, for people and for comparing. */
export function errorText(error: unknown): string {
  if (error instanceof AlluviumError) return `${error.code} ${String(error.facts.rule ?? '')} ${String(error.facts.version ?? '')}`
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}
