// Runs one case through an engine and judges the answers. The rule: wrong rows weigh more than an error, and an error
// more than an operation that the engine does not have.
import { join } from 'node:path'
import type { CanonicalRow, Case, Step } from './case-schema.js'
import { type Answer, type Engine, EngineFailure, type Request } from './engine.js'

/**
 * `pass`; `fail`: wrong rows, or an answer where there must be an error, or the wrong error; `refused`: an error where there
 * must be rows; `crashed` and `timeout`: no answer; `skipped`: the engine has no such operation.
 */
export type Verdict = 'pass' | 'fail' | 'refused' | 'crashed' | 'timeout' | 'skipped'

export interface CaseResult {
  readonly id: string
  readonly verdict: Verdict
  /** What was wrong; with `pass`, what could not be looked at. */
  readonly note: string
}

/** The code of an answer to an operation that an engine does not have. */
export const NO_SUCH_OPERATION = 'UNSUPPORTED'

const WEIGHT: Readonly<Record<Verdict, number>> = { pass: 0, skipped: 1, refused: 2, timeout: 3, crashed: 4, fail: 5 }
const SHOWN_ROWS = 3
const SHOWN_CHARS = 300

/**
 * @param path where the table is, or where the steps are to make it
 * @param second reads what the engine under test has written, if the case asks for that
 */
export async function runCase(one: Case, engine: Engine, path: string, second?: Engine): Promise<CaseResult> {
  let worst: Judgement = { verdict: 'pass', note: '' }
  for (const [index, step] of one.steps.entries()) {
    const judged = await judgeStep(engine, step, path)
    if (WEIGHT[judged.verdict] > WEIGHT[worst.verdict])
      worst = { verdict: judged.verdict, note: `${describeStep(step, index)}: ${judged.note}` }
    if (worst.verdict !== 'pass' && isWrite(step)) break
  }
  if (worst.verdict === 'pass' && one.secondEngine === true) worst = await readAgain(one, path, second)
  return { id: one.id, ...worst }
}

interface Judgement {
  readonly verdict: Verdict
  readonly note: string
}

const PASS: Judgement = { verdict: 'pass', note: '' }

function isWrite(step: Step): boolean {
  return step.op !== 'read' && step.op !== 'changes'
}

async function readAgain(one: Case, path: string, second: Engine | undefined): Promise<Judgement> {
  if (second === undefined) return { verdict: 'pass', note: 'not read by a second engine: none is here' }
  const lastWrite = one.steps.findLastIndex((step) => isWrite(step) && step.expect === undefined)
  for (const [index, step] of one.steps.entries()) {
    if (step.op !== 'read' || (index < lastWrite && step.version === undefined)) continue
    const judged = await judgeStep(second, step, path)
    if (judged.verdict === 'skipped') continue
    if (judged.verdict !== 'pass')
      return { verdict: 'fail', note: `${second.greeting.engine} reads what was written: ${describeStep(step, index)}: ${judged.note}` }
  }
  return PASS
}

async function judgeStep(engine: Engine, step: Step, path: string): Promise<Judgement> {
  const { expect, ...fields } = step
  const allowed = 'allowedPaths' in fields ? fields.allowedPaths : undefined
  const request = allowed === undefined ? fields : { ...fields, allowedPaths: allowed.map((folder) => join(path, folder)) }
  let answer: Answer
  try {
    answer = await engine.ask({ ...request, path } as Request)
  } catch (error) {
    if (error instanceof EngineFailure) return { verdict: error.kind, note: error.message }
    throw error
  }
  if (!answer.ok && answer.code === NO_SUCH_OPERATION) return { verdict: 'skipped', note: answer.message ?? 'no such operation' }
  if (expect !== undefined && 'error' in expect) return judgeError(engine, answer, expect.error)
  if (!answer.ok) {
    if (expect !== undefined && 'rowsOrError' in expect) return PASS
    return { verdict: 'refused', note: shorten(`${answer.code ?? ''} ${answer.message ?? ''}`) }
  }
  if (expect === undefined) return PASS
  const rows = (answer.rows ?? []) as readonly CanonicalRow[]
  if ('count' in expect) return rows.length === expect.count ? PASS : { verdict: 'fail', note: `${rows.length} rows, not ${expect.count}` }
  return judgeRows(rows, 'rows' in expect ? expect.rows : expect.rowsOrError)
}

function judgeError(
  engine: Engine,
  answer: Answer,
  expected: { codes: readonly string[]; names?: readonly string[] | undefined },
): Judgement {
  if (answer.ok) {
    const rows = answer.rows === undefined ? 'success' : `${answer.rows.length} rows`
    return { verdict: 'fail', note: `${rows} where it must fail with ${expected.codes.join(' or ')}` }
  }
  if (!engine.greeting.codes) return PASS
  const message = answer.message ?? ''
  if (!expected.codes.includes(answer.code ?? '')) {
    return { verdict: 'fail', note: shorten(`failed with ${answer.code}, not ${expected.codes.join(' or ')}: ${message}`) }
  }
  const unnamed = (expected.names ?? []).filter((name) => !message.includes(name))
  return unnamed.length === 0 ? PASS : { verdict: 'fail', note: shorten(`the message does not name ${unnamed.join(', ')}: ${message}`) }
}

function judgeRows(actual: readonly CanonicalRow[], expected: readonly CanonicalRow[]): Judgement {
  const left = new Map<string, number>()
  for (const row of expected.map(rowText)) left.set(row, (left.get(row) ?? 0) + 1)
  const surplus: string[] = []
  for (const row of actual.map(rowText)) {
    const count = left.get(row) ?? 0
    if (count === 0) surplus.push(row)
    else left.set(row, count - 1)
  }
  const missing = [...left].flatMap(([row, count]) => new Array<string>(count).fill(row))
  if (surplus.length === 0 && missing.length === 0) return PASS
  const show = (rows: readonly string[]): string => rows.slice(0, SHOWN_ROWS).join(' ')
  return {
    verdict: 'fail',
    note: shorten(
      [
        `${actual.length} rows for ${expected.length}`,
        missing.length > 0 ? `missing ${show(missing)}` : '',
        surplus.length > 0 ? `unexpected ${show(surplus)}` : '',
      ]
        .filter((part) => part !== '')
        .join('; '),
    ),
  }
}

// The order of columns and fields is not looked at; minus zero is zero.
function rowText(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(rowText).join(',')}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value === 0 ? 0 : value)
  const names = Object.keys(value).sort()
  return `{${names.map((name) => `${JSON.stringify(name)}:${rowText((value as Record<string, unknown>)[name])}`).join(',')}}`
}

function describeStep(step: Step, index: number): string {
  const how: string[] = []
  if (step.op === 'read') {
    if (step.version !== undefined) how.push(`version ${step.version}`)
    if (step.timestamp !== undefined) how.push(`at ${step.timestamp}`)
    if (step.rowIds === true) how.push('with row ids')
    if (step.allowedPaths !== undefined) how.push(`allowing ${step.allowedPaths.join(', ')}`)
    if (step.where !== undefined) how.push(`where ${step.where}`)
  }
  if (step.op === 'changes') how.push(`${step.from}..${step.to}`)
  return `step ${index + 1} (${[step.op, ...how].join(' ')})`
}

function shorten(text: string): string {
  const line = text.replace(/\s+/g, ' ').trim()
  return line.length > SHOWN_CHARS ? `${line.slice(0, SHOWN_CHARS - 1)}…` : line
}
