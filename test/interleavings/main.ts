// npm run interleavings [-- --all] [--seed 1] [--per 25] [--workers 2]
// Two operations on one table, in every order of their steps at the store: `--all` runs every schedule of every scene (a campaign);
// without it every schedule without faults, and beside them so many by chance of every scene (`--per`), chosen by the seed.
// --only PATTERN keeps the scenes whose name ("VARIANT FIRST SECOND") it matches. --write-results puts what it found into spec/interleavings.json and spec/RESULTS.md.
// --replay "VARIANT FIRST SECOND FAULTS CHOICES" shows one schedule.
import { execFileSync, fork } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import type { InterleavingsCampaign } from '../../spec/interleavings.js'
import { writeResultsPage } from '../../spec/report.js'
import { loadSuite, specFolder } from '../../spec/suite.js'
import { Explorer, replay } from './explore.js'
import { Matrix, type MatrixReport, type Verdicts } from './matrix.js'
import type { OperationName } from './operations.js'
import { type Job, jobs, PAIRS } from './plan.js'
import { sceneOf } from './scene.js'
import { parseVariant, variantName } from './variant.js'

Error.stackTraceLimit = 4

const args = process.argv.slice(2)
const option = (name: string, fallback: number): number => (args.includes(name) ? Number(args[args.indexOf(name) + 1]) : fallback)
const isWhole = args.includes('--all')
const seed = option('--seed', 1)
const per = option('--per', 25)
const PROGRESS_MS = 30_000
const MAX_VIOLATIONS = 20
const PARTS = ['pairs', 'opening', 'hasty'] as const

interface Result {
  readonly job: number
  readonly runs: number
  readonly distinct: number
  readonly withFaults: number
  readonly violations: readonly { readonly what: string; readonly choices: readonly number[]; readonly trace: readonly string[] }[]
  readonly verdicts: Verdicts
  readonly swaps: readonly string[]
}

const only = args.includes('--only') ? (args[args.indexOf('--only') + 1] ?? '') : ''
const ALL = jobs().filter(({ variant, first, second }) => new RegExp(only).test(`${variantName(variant)} ${first} ${second}`))

if (process.send !== undefined) {
  process.on('message', (job: number) => {
    work(job).then((result) => process.send?.(result))
  })
} else if (args.includes('--replay')) await show(args[args.indexOf('--replay') + 1] ?? '')
else await campaign()

async function work(number: number): Promise<Result> {
  const { variant, first, second, faults } = ALL[number] as Job
  const explorer = new Explorer(sceneOf(variant, first, second))
  if (isWhole) await explorer.all(faults)
  else {
    // All of it, where that is little; two restorations, or two that open the table, meet in thousands of ways.
    if (first !== 'restore' && variant.start === 'handle' && variant.patience === 'patient') await explorer.all(0)
    await explorer.some(faults, per, seed, number)
  }
  const { runs, distinct, withFaults, violations, cells, swaps } = explorer.result
  const matrix = new Matrix()
  // Who is hasty gives up where others would try again, which is no verdict.
  if (variant.patience === 'patient') matrix.add(variant, { cells, swaps })
  return { job: number, runs, distinct, withFaults, violations, verdicts: matrix.verdicts, swaps: matrix.swaps }
}

async function campaign(): Promise<void> {
  const started = performance.now()
  const seconds = (): string => ((performance.now() - started) / 1000).toFixed(0)
  const results: Result[] = []
  const matrix = new Matrix()
  let told = started
  let next = 0
  let violations = 0
  const take = (result: Result): void => {
    results.push(result)
    matrix.merge(result.verdicts, result.swaps)
    for (const { what, choices, trace } of result.violations) {
      const { variant, first, second, faults } = ALL[result.job] as Job
      if (++violations > MAX_VIOLATIONS) continue
      console.error(
        `violation: ${what}\n  ${trace.join('\n  ')}\n  replay: npm run interleavings -- --replay "${variantName(variant)} ${first} ${second} ${faults} ${choices.join(',')}"`,
      )
    }
    if (performance.now() - told < PROGRESS_MS) return
    told = performance.now()
    console.log(`  … ${results.length} of ${ALL.length} scenes, ${sum(results, 'runs')} schedules, ${seconds()} s`)
  }
  const workers = option('--workers', Math.max(1, Math.min(2, availableParallelism())))
  const codes = await Promise.all(
    Array.from({ length: workers }, () => {
      const child = fork(process.argv[1] as string, args, { execArgv: process.execArgv })
      const give = (): void => {
        if (next < ALL.length && violations <= MAX_VIOLATIONS) child.send(next++)
        else child.disconnect()
      }
      child.on('message', (result) => {
        take(result as Result)
        give()
      })
      give()
      return new Promise<number | null>((resolve) => child.on('exit', resolve))
    }),
  )
  finish(results, matrix, violations, codes, seconds())
}

function finish(results: readonly Result[], matrix: Matrix, violations: number, codes: readonly (number | null)[], seconds: string): void {
  const isComplete = results.length === ALL.length && codes.every((code) => code === 0)
  const report = matrix.report(isComplete && only === '')
  const campaign = summary(results, report, violations, Number(seconds))
  for (const fault of report.faults.slice(0, 50)) console.error(`matrix: ${fault}`)
  for (const { part, scenes, schedules, distinct, withFaults } of campaign.parts)
    console.log(`  ${part.padEnd(8)} ${scenes} scenes, ${schedules} schedules, ${distinct} distinct, ${withFaults} with faults`)
  console.log(
    Object.entries(campaign.pairs)
      .map(([pair, count]) => `  ${pair} ${count}`)
      .join('\n'),
  )
  console.log(
    `  matrix: ${report.cells} cells, ${report.disagreements} other than Spark's (${Object.entries(report.explained)
      .map(([name, count]) => `${count} ${name}`)
      .join(', ')}), ${report.faults.length} unexplained or stale`,
  )
  const isGood = isComplete && violations === 0 && report.faults.length === 0
  if (isGood && only === '' && args.includes('--write-results')) {
    writeFileSync(join(specFolder, 'interleavings.json'), `${JSON.stringify(campaign, null, 2)}\n`)
    writeResultsPage(loadSuite())
  }
  console.log(
    `interleavings: ${isGood ? 'passed' : 'FAILED'}: ${sum(results, 'distinct')} distinct schedules of ${results.length} of ${ALL.length} scenes, ${violations} violations, ${report.faults.length} unexplained disagreements, ${isWhole ? 'all' : `seed ${seed}`}, ${seconds} s`,
  )
  process.exitCode = isGood ? 0 : 1
}

function summary(results: readonly Result[], report: MatrixReport, violations: number, seconds: number): InterleavingsCampaign {
  const of = (part: Job['part']): Result[] => results.filter(({ job }) => ALL[job]?.part === part)
  const pairs = Object.fromEntries(PAIRS.map(([first, second]) => [`${first}|${second}`, 0]))
  for (const { job, distinct } of results) {
    const { first, second } = ALL[job] as Job
    pairs[`${first}|${second}`] = (pairs[`${first}|${second}`] ?? 0) + distinct
  }
  return {
    date: new Date().toISOString().slice(0, 10),
    commit: commitOfSources(),
    seconds,
    scenes: results.length,
    violations,
    parts: PARTS.map((part) => ({
      part,
      scenes: of(part).length,
      schedules: sum(of(part), 'runs'),
      distinct: sum(of(part), 'distinct'),
      withFaults: sum(of(part), 'withFaults'),
    })),
    pairs,
    matrix: {
      cells: report.cells,
      disagreements: report.disagreements,
      unexplained: report.faults.length,
      explained: report.explained,
    },
  }
}

function commitOfSources(): string {
  try {
    return execFileSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim()
  } catch {
    return ''
  }
}

function sum(results: readonly Result[], what: 'runs' | 'distinct' | 'withFaults'): number {
  return results.reduce((total, result) => total + result[what], 0)
}

async function show(text: string): Promise<void> {
  const [name = '', first, second, faults = '0', choices = ''] = text.split(' ')
  const scene = sceneOf(parseVariant(name), first as OperationName, second as OperationName)
  const { run, judgement } = await replay(
    scene,
    Number(faults),
    choices.split(',').map((choice) => Number(choice)),
  )
  for (const step of run.trace) console.log(step)
  for (const [path, bytes] of run.disk.objects)
    if (path > '_delta_log/00000000000000000002.json') console.log(`\n${path}\n${new TextDecoder().decode(bytes)}`)
  console.log(run.ends)
  for (const violation of judgement.violations) console.log(`violation: ${violation}`)
  process.exitCode = judgement.violations.length === 0 ? 0 : 1
}
