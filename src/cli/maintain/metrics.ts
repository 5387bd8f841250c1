// Metrics of a round as a file for Prometheus (the textfile collector of node_exporter): one gauge a line, written whole under
// another name and put in place, so that no scrape sees half of it. What an earlier round knew of success is carried on.
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { AlluviumError } from '../../errors.js'
import { stateOf, type TableOutcome } from './run.js'

const SUCCESS = 'alluvium_maintain_last_success_timestamp_seconds'
const MAX_BYTES = 64 * 2 ** 20

/** Writes the file. @throws AlluviumError `STORAGE_UNAVAILABLE` where it cannot be written */
export async function writeMetrics(path: string, outcomes: readonly TableOutcome[], nowMs: number, id: string): Promise<void> {
  // Not *.prom: the collector must not take it for one of its files.
  const temporary = `${path}.${id}.tmp`
  try {
    const known = successTimes(await readFile(path, 'utf8').catch(() => ''))
    await mkdir(dirname(path), { recursive: true })
    await writeFile(temporary, metricsText(outcomes, nowMs, known), { flag: 'wx' })
    await rename(temporary, path)
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => undefined)
    const code = (error as NodeJS.ErrnoException).code ?? String(error)
    throw new AlluviumError('STORAGE_UNAVAILABLE', `the metrics file ${path} could not be written: ${code}`, { path }, { cause: error })
  }
}

/** When tables were maintained with success, by a file written before. */
export function successTimes(text: string): ReadonlyMap<string, number> {
  const times = new Map<string, number>()
  if (text.length > MAX_BYTES) return times
  for (const line of text.split('\n')) {
    const match = /^alluvium_maintain_last_success_timestamp_seconds\{table="((?:[^"\\]|\\.)*)"\} (\d+(?:\.\d+)?)$/.exec(line)
    if (match !== null) times.set(match[1] as string, Number(match[2]))
  }
  return times
}

type Sample = readonly [labels: string, value: number]

/** The text of the file; `known` has the times of earlier successes by escaped table. */
export function metricsText(outcomes: readonly TableOutcome[], nowMs: number, known: ReadonlyMap<string, number> = new Map()): string {
  const now = nowMs / 1000
  const families: [name: string, help: string, samples: Sample[]][] = []
  const family = (name: string, help: string, samples: (outcome: TableOutcome, table: string) => readonly Sample[]): void => {
    families.push([name, help, outcomes.flatMap((outcome) => samples(outcome, `table="${escaped(outcome.location)}"`))])
  }
  const perTable = (name: string, help: string, value: (result: NonNullable<TableOutcome['result']>) => number): void =>
    family(name, help, ({ result }, table) => (result === undefined ? [] : [[table, value(result)]]))
  family('alluvium_maintain_last_run_timestamp_seconds', 'When the table was last looked at.', (_, table) => [[table, now]])
  family(SUCCESS, 'When the table was last maintained without a failure.', (outcome, table) => {
    const time = stateOf(outcome) === 'done' ? now : known.get(escaped(outcome.location))
    return time === undefined ? [] : [[table, time]]
  })
  family('alluvium_maintain_state', 'How the last run ended: 1 for that state.', (outcome, table) =>
    ['done', 'failed', 'skipped', 'stopped'].map((state) => [`${table},state="${state}"`, stateOf(outcome) === state ? 1 : 0]),
  )
  perTable('alluvium_maintain_duration_seconds', 'Seconds that the last run took.', ({ seconds }) => seconds)
  family('alluvium_maintain_step_duration_seconds', 'Seconds by step.', ({ result }, table) =>
    (result?.steps ?? []).filter(({ state }) => state !== 'off').map(({ step, seconds }) => [`${table},step="${step}"`, seconds]),
  )
  family('alluvium_maintain_step_failed', 'Whether the step failed in the last run.', ({ result }, table) =>
    (result?.steps ?? [])
      .filter(({ state }) => state !== 'off')
      .map(({ step, state }) => [`${table},step="${step}"`, state === 'failed' ? 1 : 0]),
  )
  perTable('alluvium_table_version', 'Version of the table.', ({ after }) => after.version)
  perTable('alluvium_table_files', 'Live data files.', ({ after }) => after.files)
  perTable('alluvium_table_bytes', 'Bytes of the live data files.', ({ after }) => after.bytes)
  perTable('alluvium_table_log_files', 'Files of the log.', ({ after }) => after.logFiles)
  perTable('alluvium_table_log_bytes', 'Bytes of the log.', ({ after }) => after.logBytes)
  for (const [key, words] of [
    ['files_read', 'Data files read to be rewritten in the last run.'],
    ['bytes_read', 'Bytes of them.'],
    ['files_written', 'Data files and checkpoint files written in the last run.'],
    ['bytes_written', 'Bytes of them.'],
    ['files_removed', 'Data files that left the table in the last run.'],
    ['bytes_removed', 'Bytes of them.'],
    ['files_deleted', 'Objects deleted in the last run.'],
    ['bytes_deleted', 'Bytes of them.'],
  ] as const) {
    const name = key.replace(/_(.)/, (_, letter: string) => letter.toUpperCase()) as 'filesRead'
    perTable(`alluvium_maintain_${key}`, words, (result) => result[name])
  }
  return families
    .filter(([, , samples]) => samples.length > 0)
    .map(([name, help, samples]) =>
      [`# HELP ${name} ${help}`, `# TYPE ${name} gauge`, ...samples.map(([labels, value]) => `${name}{${labels}} ${value}`), ''].join('\n'),
    )
    .join('')
}

// As the text format of Prometheus has it.
function escaped(label: string): string {
  return label.replace(/\\/g, '\\\\').replace(/"/g, '\\"').replace(/\n/g, '\\n')
}
