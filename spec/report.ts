// What a run found: as a table for a terminal, and side by side with earlier runs in RESULTS.md.
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { ambiguitySection } from './campaigns.js'
import { crashSection } from './crash.js'
import type { Greeting } from './engine.js'
import { ENGINE_NAMES } from './engines.js'
import { interleavingsSection } from './interleavings.js'
import { mutationSection } from './mutation.js'
import type { CaseResult, Verdict } from './run-case.js'
import { simulationSection } from './simulation.js'
import { type Suite, specFolder } from './suite.js'

export interface Run {
  readonly engine: Greeting
  readonly date: string
  /** Who read what was written; undefined when nobody did. */
  readonly second: string | undefined
  readonly results: readonly CaseResult[]
}

const VERDICTS: readonly Verdict[] = ['pass', 'fail', 'refused', 'crashed', 'timeout', 'skipped']

const storedSchema = z.record(
  z.string(),
  z.object({
    version: z.string(),
    date: z.string(),
    second: z.string().optional(),
    results: z.record(z.string(), z.object({ verdict: z.enum(VERDICTS as [Verdict, ...Verdict[]]), note: z.string().optional() })),
  }),
)
type Stored = z.infer<typeof storedSchema>

/** A case and how it went, on one line. */
export function formatResult({ id, verdict, note }: CaseResult, engine: string, suite: Suite, width: number): string {
  const gap = engine === 'alluvium' ? suite.gaps.get(id) : undefined
  const shown = gap === undefined ? verdict : verdict === 'pass' ? 'pass (gap closed)' : 'known gap'
  const words = [gap, note].filter((part) => part !== undefined && part !== '').join(': ')
  return `${id.padEnd(width)}  ${shown.padEnd(9)}  ${words}`.trimEnd()
}

/** `alluvium 0.1.0: 120 cases: 118 pass, 0 fail, …` */
export function summaryOf(run: Run, suite: Suite): string {
  const { engine, results } = run
  const counts = VERDICTS.map((verdict) => `${results.filter((result) => result.verdict === verdict).length} ${verdict}`)
  const gaps = engine.engine === 'alluvium' ? results.filter((result) => suite.gaps.has(result.id) && result.verdict !== 'pass').length : 0
  const note = gaps > 0 ? ` (${gaps} of them known gaps)` : ''
  const second = run.second === undefined ? '' : `; what it wrote was read by ${run.second}`
  return `${engine.engine} ${engine.version}: ${results.length} cases: ${counts.join(', ')}${note}${second}`
}

/** Whether a run of our own engine is in order: all pass but the gaps that are written down. */
export function isInOrder(run: Run, suite: Suite): boolean {
  return run.results.every(({ id, verdict }) => verdict === 'pass' || suite.gaps.has(id))
}

/** Puts runs beside those of other engines in results.json, and writes RESULTS.md from it. Of the same version of an engine a run of some cases changes those. */
export function writeResults(runs: readonly Run[], suite: Suite): void {
  const file = join(specFolder, 'results.json')
  const stored: Stored = existsSync(file) ? storedSchema.parse(JSON.parse(readFileSync(file, 'utf8'))) : {}
  const ids = new Set(suite.cases.map((one) => one.id))
  for (const { engine, date, second, results } of runs) {
    const before = stored[engine.engine]
    const kept = before?.version === engine.version ? Object.entries(before.results).filter(([id]) => ids.has(id)) : []
    stored[engine.engine] = {
      version: engine.version,
      date,
      ...((second ?? before?.second) === undefined ? {} : { second: second ?? before?.second }),
      results: Object.fromEntries([
        ...kept,
        ...results.map(({ id, verdict, note }) => [id, { verdict, ...(note === '' ? {} : { note: withoutPaths(note) }) }] as const),
      ]),
    }
  }
  writeFileSync(file, `${JSON.stringify(stored, null, 2)}\n`)
  writeFileSync(join(specFolder, 'RESULTS.md'), resultsPage(stored, suite))
}

/** Writes RESULTS.md anew from the figures that are kept. */
export function writeResultsPage(suite: Suite): void {
  const file = join(specFolder, 'results.json')
  const stored: Stored = existsSync(file) ? storedSchema.parse(JSON.parse(readFileSync(file, 'utf8'))) : {}
  writeFileSync(join(specFolder, 'RESULTS.md'), resultsPage(stored, suite))
}

const MARKS: Readonly<Record<Verdict, string>> = {
  pass: 'pass',
  fail: '**FAIL**',
  refused: 'refused',
  crashed: '**crashed**',
  timeout: '**timeout**',
  skipped: '-',
}

function resultsPage(stored: Stored, suite: Suite): string {
  const known: readonly string[] = ENGINE_NAMES
  const names = Object.keys(stored).sort((a, b) => (known.indexOf(a) >>> 0) - (known.indexOf(b) >>> 0))
  const cell = (name: string, id: string): string => {
    const result = stored[name]?.results[id]
    return result === undefined ? 'not run' : MARKS[result.verdict]
  }
  const count = (name: string, verdict: Verdict): number =>
    suite.cases.filter(({ id }) => stored[name]?.results[id]?.verdict === verdict).length
  const totals = names.map((name) => [
    name,
    stored[name]?.version ?? '',
    stored[name]?.date ?? '',
    stored[name]?.second ?? '',
    ...VERDICTS.map((verdict) => String(count(name, verdict))),
  ])
  const cases = suite.cases.map(({ id, title }) => [`${id}`, escaped(title), ...names.map((name) => cell(name, id))])
  const notes = names.flatMap((name) => {
    const wrong = suite.cases.filter(({ id }) => !['pass', 'skipped'].includes(stored[name]?.results[id]?.verdict ?? 'pass'))
    if (wrong.length === 0) return []
    return [
      `### ${name} ${stored[name]?.version}`,
      '',
      ...wrong.map(({ id }) => `- \`${id}\` ${stored[name]?.results[id]?.verdict}: ${asCode(stored[name]?.results[id]?.note ?? '')}`),
      '',
    ]
  })
  return `${[
    '# Results',
    '',
    'Every engine over every case, written by the runner: `npm run spec -- --engine all --write-results` (or one engine at a time; the',
    'others stay as they were). How to have the engines, what the verdicts mean and where an engine is known to differ: [README.md](README.md).',
    '',
    table(['engine', 'version', 'date', 'what it wrote is read by', ...VERDICTS], totals),
    '',
    '`-`: the engine (or its adapter) has no such operation.',
    '',
    table(['case', 'promise', ...names], cases),
    '',
    ...ambiguitySection(table),
    ...interleavingsSection(table),
    ...crashSection(table),
    ...simulationSection(table),
    ...mutationSection(table),
    '## What was wrong',
    '',
    ...notes,
  ]
    .join('\n')
    .trimEnd()}\n`
}

// Columns of one width, as the formatter would have them.
function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((_, column) => Math.max(3, ...[head, ...rows].map((row) => (row[column] ?? '').length)))
  const line = (cells: readonly string[]): string => `| ${cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |`
  return [line(head), line(widths.map((width) => '-'.repeat(width))), ...rows.map(line)].join('\n')
}

function escaped(text: string): string {
  return text.replaceAll('|', '\\|')
}

// Engines quote what they found, control characters too, which would make a binary file of the page.
function asCode(text: string): string {
  const printable = text.replace(/\p{Cc}/gu, (character) => `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`)
  return `\`${printable.replaceAll('`', "'")}\``
}

// A note may name the scratch folder; it says nothing to anyone else.
function withoutPaths(note: string): string {
  return note.replace(/(?:file:\/{1,3})?\/[^\s'",:]*alluvium-spec-[A-Za-z0-9]+\/?/g, '')
}
