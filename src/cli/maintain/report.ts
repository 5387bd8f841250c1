// What `maintain` says: events as lines of JSON for logs, a status line and a line a table for people, the summary for both.
// Rule: nothing here grows with a table's size, and no credential is ever in it.
import type {
  MaintainEvent,
  MaintainResult,
  MaintainStepReport,
  MaintainWork,
  OptimizeProgress,
  OptimizeResult,
} from '../../compaction/index.js'
import { totalWork, work } from '../../compaction/maintain-report.js'
import { humanBytes, plural } from '../human.js'
import type { Output } from '../output.js'
import { errorOf, stateOf, type TableOutcome } from './run.js'

/** Groups of an optimize that are listed one by one. */
const LISTED_GROUPS = 1000

const WORK_KEYS = Object.keys(work()) as (keyof MaintainWork)[]

/** An event as it is logged. */
export function eventObject(event: MaintainEvent, nowMs: number): Record<string, unknown> {
  const { type, location } = event
  const head = { time: new Date(nowMs).toISOString(), event: type, table: location }
  switch (event.type) {
    case 'table.start':
      return { ...head, before: event.before }
    case 'step.start':
      return { ...head, step: event.step }
    case 'step.progress':
      return { ...head, step: event.step, ...progressObject(event.progress as OptimizeProgress) }
    case 'step.end':
      return withoutZeros({ ...head, ...stepObject(event.report, 0) })
    case 'table.end':
      return withoutZeros({ ...head, ...resultObject(event.result, false) })
  }
}

// In logs what did not happen is left out.
function withoutZeros(line: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(line).filter(
      ([key, value]) => !(value === 0 && key in work()) && !(key === 'versions' && (value as unknown[]).length === 0),
    ),
  )
}

function progressObject({ groupsDone, groupsTotal, bytesDone, bytesTotal }: OptimizeProgress): Record<string, unknown> {
  return { groupsDone, groupsTotal, bytesDone, bytesTotal }
}

/** A table of the summary. */
export function outcomeObject(outcome: TableOutcome, withSteps = true): Record<string, unknown> {
  const error = errorOf(outcome)
  return {
    table: outcome.location,
    ...(outcome.result === undefined ? { state: stateOf(outcome), ...work(), versions: [] } : resultObject(outcome.result, withSteps)),
    ...(error === undefined ? {} : { error: { code: error.code, message: error.message } }),
  }
}

/** The summary of a round. */
export function summaryObject(outcomes: readonly TableOutcome[], seconds: number, withSteps: boolean): Record<string, unknown> {
  const results = outcomes.flatMap(({ result }) => (result === undefined ? [] : [result]))
  const count = (state: MaintainResult['state']): number => outcomes.filter((outcome) => stateOf(outcome) === state).length
  const size = (of: 'before' | 'after'): Record<string, number> => ({
    files: results.reduce((sum, each) => sum + each[of].files, 0),
    bytes: results.reduce((sum, each) => sum + each[of].bytes, 0),
    logFiles: results.reduce((sum, each) => sum + each[of].logFiles, 0),
    logBytes: results.reduce((sum, each) => sum + each[of].logBytes, 0),
  })
  return {
    done: count('done'),
    failed: count('failed'),
    skipped: count('skipped'),
    stopped: count('stopped'),
    before: size('before'),
    after: size('after'),
    ...totalWork(results),
    versions: results.length === 1 ? (results[0] as MaintainResult).versions : [],
    seconds,
    tables: outcomes.map((outcome) => outcomeObject(outcome, withSteps)),
  }
}

function resultObject(result: MaintainResult, withSteps: boolean): Record<string, unknown> {
  const { state, before, after, versions, seconds, heldBy, reason } = result
  return {
    state,
    before,
    after,
    ...pick(result),
    versions,
    seconds,
    ...(heldBy === undefined ? {} : { heldBy: { name: heldBy.name, until: new Date(heldBy.untilMs).toISOString() } }),
    ...(reason === undefined ? {} : { reason }),
    ...(withSteps ? { steps: result.steps.map((step) => stepObject(step, LISTED_GROUPS)) } : {}),
  }
}

function stepObject(report: MaintainStepReport, listedGroups: number): Record<string, unknown> {
  const { step, state, seconds, versions, reason, error, result } = report
  const groups = step === 'optimize' ? (result as OptimizeResult | undefined)?.groups : undefined
  return {
    step,
    state,
    ...pick(report),
    versions,
    seconds,
    ...(groups === undefined ? {} : { groupCount: groups.length }),
    ...(groups === undefined || listedGroups === 0 ? {} : { groups: groups.slice(0, listedGroups) }),
    ...(reason === undefined ? {} : { reason }),
    ...(error === undefined ? {} : { error: { code: error.code, message: error.message } }),
  }
}

function pick(of: MaintainWork): MaintainWork {
  return Object.fromEntries(WORK_KEYS.map((key) => [key, of[key]])) as unknown as MaintainWork
}

/** What became of a table, for people: one line, and one more for each thing that went wrong. */
export function outcomeLines(outcome: TableOutcome): string[] {
  const { location, result, error } = outcome
  if (result === undefined) return [`${location}: ${error.message}`]
  const { before, after, heldBy } = result
  if (heldBy !== undefined)
    return [`${location}: skipped, is being maintained by ${heldBy.name} until ${new Date(heldBy.untilMs).toISOString()}`]
  const parts = [`${plural(before.files, 'file')} of ${humanBytes(before.bytes)}`]
  const isSame = before.files === after.files && before.bytes === after.bytes
  parts[0] += isSame ? ' as before' : ` are now ${plural(after.files, 'file')} of ${humanBytes(after.bytes)}`
  if (result.steps.some(({ step, state }) => step === 'checkpoint' && state === 'done')) parts.push('checkpoint written')
  for (const [step, words] of [
    ['cleanup', 'of the log deleted'],
    ['vacuum', 'deleted'],
  ] as const) {
    const report = result.steps.find((each) => each.step === step)
    if (report !== undefined && report.filesDeleted > 0)
      parts.push(`${plural(report.filesDeleted, 'file')} (${humanBytes(report.bytesDeleted)}) ${words}`)
  }
  const lines = [`${location}: ${result.state === 'stopped' ? `stopped (${result.reason}), ` : ''}${parts.join(', ')}, ${result.seconds} s`]
  for (const { step, state, error: cause, reason } of result.steps) {
    if (state === 'failed') lines.push(`${location}: ${step} failed: ${cause?.message ?? ''}`)
    else if (state === 'skipped' && result.state !== 'stopped') lines.push(`${location}: ${step} skipped: ${reason ?? ''}`)
  }
  return lines
}

/** The status line of a terminal: what is under way. */
export class StatusLine {
  readonly #output: Output
  readonly #tables: number
  readonly #active: Map<string, string> = new Map()
  #done = 0
  #shown = ''

  constructor(output: Output, tables: number) {
    this.#output = output
    this.#tables = tables
  }

  tell(event: MaintainEvent): void {
    const name = event.location.split('/').at(-1) ?? event.location
    if (event.type === 'step.start') this.#active.set(event.location, `${name}: ${event.step}`)
    else if (event.type === 'step.progress') {
      const { groupsDone, groupsTotal, bytesDone } = event.progress as OptimizeProgress
      this.#active.set(event.location, `${name}: ${event.step} ${groupsDone} of ${groupsTotal} groups, ${humanBytes(bytesDone)}`)
    } else if (event.type === 'table.end') {
      this.#active.delete(event.location)
      this.#done++
    } else return
    this.#show()
  }

  /** Makes room for what is printed next. */
  end(): void {
    if (this.#shown !== '') this.#output.progress('')
    this.#shown = ''
  }

  #show(): void {
    const text = [`${this.#done}/${this.#tables}`, ...this.#active.values()].join('  ')
    // Names of tables may hold anything, and a line that wraps is not replaced by the next.
    const shown = text.replace(/\p{Cc}/gu, '?').slice(0, 100)
    if (shown !== this.#shown) this.#output.progress(shown)
    this.#shown = shown
  }
}
