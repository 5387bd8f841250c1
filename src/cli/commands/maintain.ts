// maintain: checkpoint, compaction, log cleanup and vacuum of many tables, once or on a schedule.
import { readFile } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { AlluviumError } from '../../errors.js'
import { systemRuntime } from '../../runtime.js'
import { bytesOption, type Command, type CommandInput, listOption, numberOption, pairsOption, textOption, usageError } from '../command.js'
import { durationOption } from '../duration.js'
import { configJsonSchema, durationMs, type MaintainConfig, parseConfig, type TablePolicy } from '../maintain/config.js'
import { writeMetrics } from '../maintain/metrics.js'
import { eventObject, outcomeLines, outcomeObject, StatusLine, summaryObject } from '../maintain/report.js'
import { errorOf, maintainAll, stateOf, type TableOutcome } from '../maintain/run.js'
import { cronSchedule, everySchedule, onSchedule, type Schedule } from '../maintain/schedule.js'
import { type MaintainTarget, maintainTargets } from '../maintain/targets.js'

const STEPS: readonly string[] = ['optimize', 'checkpoint', 'cleanup', 'vacuum']
const DEFAULT_PARALLEL = 2
const PROGRESS_EVERY_MS = 5000

export const maintain: Command = {
  name: 'maintain',
  usage: 'TABLE... [--config FILE] [--every 10m | --cron "*/10 * * * *"]',
  summary: 'checkpoint, compact, clean and vacuum tables, once or on a schedule',
  description:
    "Without more it goes by each table's own properties: small files become large ones, a checkpoint is written where one is due,\nthe log is cleaned, files that no version within the retention needs are deleted. Safe beside writers and readers, and safe to be\nkilled: the next run goes on. A lease keeps two from doing the same work: a table that another is at is skipped.\n\nLogs are lines of JSON on stderr, unless that is a terminal. On SIGTERM the step that runs stops at its next request, the lease is\ngiven back, and the status is 130. Otherwise it is that of the first table that failed, in the order given.",
  options: {
    config: { type: 'string', value: 'FILE', help: 'tables and settings as JSON; see --print-schema' },
    every: { type: 'string', value: 'TIME', help: 'run now, and again so long after the start of the last run' },
    cron: { type: 'string', value: 'TIMES', help: 'run at these times: five or six fields, or @daily and the like' },
    timezone: { type: 'string', value: 'ZONE', help: 'time zone of --cron; UTC when absent' },
    steps: { type: 'string', value: 'a,b', help: 'only these: optimize, checkpoint, cleanup, vacuum' },
    'target-size': { type: 'string', value: 'SIZE', help: "bytes of a data file as it should be; the table's own when absent" },
    parallel: { type: 'string', value: 'N', help: 'tables at a time; 2 when absent' },
    'metrics-file': { type: 'string', value: 'FILE', help: 'write metrics for Prometheus (node_exporter, textfile collector)' },
    'print-schema': { type: 'boolean', help: 'print the JSON schema of --config' },
  },
  examples: [
    'alluvium maintain ./events',
    'alluvium maintain --config maintain.json --every 10m --metrics-file /var/lib/node_exporter/alluvium.prom',
    'alluvium maintain s3://bucket/a s3://bucket/b --steps checkpoint,cleanup --json',
  ],
  positionals: [0, 100_000],
  run: async (input) => {
    if (input.options['print-schema'] === true) return input.output.write(`${JSON.stringify(configJsonSchema(), undefined, 2)}\n`)
    const settings = await settingsOf(input)
    const schedule = scheduleOf(settings)
    if (schedule === undefined) return finish(await round(input, settings), input.signal)
    const onWait = (untilMs: number): void =>
      log(input, { time: new Date(systemRuntime.now()).toISOString(), event: 'wait', until: new Date(untilMs).toISOString() })
    await onSchedule(
      schedule,
      async () => {
        await round(input, settings)
        await input.output.flush()
      },
      { runtime: systemRuntime, signal: input.signal, onWait },
    )
    if (input.signal.aborted) throw interrupted()
  },
}

interface Settings {
  readonly config: MaintainConfig
  readonly configFolder: string
  readonly flags: TablePolicy
  readonly parallel: number
  readonly metricsFile: string | undefined
  readonly everyMs: number | undefined
  readonly cron: string | undefined
  readonly timezone: string
}

async function settingsOf(input: CommandInput): Promise<Settings> {
  const { options, positionals } = input
  const path = textOption(options, 'config')
  const config = path === undefined ? {} : parseConfig(await configBytes(path), path)
  if (positionals.length === 0 && (config.tables ?? []).length === 0)
    throw usageError("name at least one table, or a --config with tables. See 'alluvium maintain --help'.")
  const every = durationOption(options, 'every')
  const cron = textOption(options, 'cron')
  if (every !== undefined && cron !== undefined) throw usageError('--every goes without --cron')
  const isTimed = every !== undefined || cron !== undefined
  const metricsFile = textOption(options, 'metrics-file') ?? config.metricsFile
  const parallel = numberOption(options, 'parallel')
  if (parallel === 0) throw usageError('--parallel must be at least 1')
  return {
    config,
    configFolder: path === undefined ? '.' : dirname(resolve(path)),
    flags: flagsOf(input),
    parallel: parallel ?? config.parallel ?? DEFAULT_PARALLEL,
    metricsFile,
    everyMs: isTimed ? every : config.every === undefined ? undefined : durationMs(config.every),
    cron: isTimed ? cron : config.cron,
    timezone: textOption(options, 'timezone') ?? config.timezone ?? 'UTC',
  }
}

async function configBytes(path: string): Promise<Uint8Array> {
  try {
    return await readFile(path)
  } catch (error) {
    throw usageError(`the config ${path} cannot be read: ${(error as NodeJS.ErrnoException).code ?? String(error)}`)
  }
}

function flagsOf({ options }: CommandInput): TablePolicy {
  const wanted = listOption(options, 'steps')
  const unknown = wanted?.filter((step) => !STEPS.includes(step)) ?? []
  if (unknown.length > 0) throw usageError(`--steps: there is no step ${unknown.join(', ')}, only ${STEPS.join(', ')}`)
  const steps =
    wanted === undefined ? undefined : Object.fromEntries(STEPS.filter((step) => !wanted.includes(step)).map((step) => [step, false]))
  const targetSize = bytesOption(options, 'target-size')
  const storage = pairsOption(options, 'storage')
  return {
    ...(steps === undefined ? {} : { steps }),
    ...(targetSize === undefined ? {} : { targetSize: `${targetSize}b` }),
    ...(Object.keys(storage).length === 0 ? {} : { storage }),
  }
}

function scheduleOf({ everyMs, cron, timezone }: Settings): Schedule | undefined {
  if (everyMs !== undefined) return everySchedule(everyMs)
  return cron === undefined ? undefined : cronSchedule(cron, timezone)
}

// The tables are looked up anew in every round: patterns find what has come since.
async function round(input: CommandInput, settings: Settings): Promise<TableOutcome[]> {
  const { output, signal, positionals } = input
  const startMs = systemRuntime.monotonicMs()
  let targets: MaintainTarget[]
  try {
    targets = await maintainTargets({ ...settings, words: positionals, runtime: systemRuntime, signal })
  } catch (error) {
    if (scheduleOf(settings) === undefined) throw error
    output.error(error)
    return []
  }
  const isTimely = everyFewSeconds()
  const status = new StatusLine(output, targets.length)
  const now = (): string => new Date(systemRuntime.now()).toISOString()
  const outcomes = await maintainAll(targets, {
    parallel: settings.parallel,
    signal,
    onEvent: (event) => {
      status.tell(event)
      if (event.type !== 'step.progress' || isTimely(event.location)) log(input, eventObject(event, systemRuntime.now()))
    },
    onWarning: (table, text) =>
      isLogged(input) ? log(input, { time: now(), event: 'warning', table, message: text }) : output.warn(`${table}: ${text}`),
    onOutcome: (outcome) => {
      if (outcome.result === undefined) log(input, { time: now(), event: 'table.error', ...outcomeObject(outcome) })
    },
  })
  status.end()
  const seconds = Math.round(systemRuntime.monotonicMs() - startMs) / 1000
  log(input, { time: now(), event: 'summary', ...summaryObject(outcomes, seconds, false) })
  if (output.json) await output.object(summaryObject(outcomes, seconds, true))
  else for (const line of outcomes.flatMap(outcomeLines)) await output.line(line)
  if (settings.metricsFile !== undefined) await metrics(input, settings.metricsFile, outcomes)
  return outcomes
}

// A file that cannot be written is no reason to stop maintaining; it is told.
async function metrics(input: CommandInput, path: string, outcomes: readonly TableOutcome[]): Promise<void> {
  try {
    await writeMetrics(path, outcomes, systemRuntime.now(), systemRuntime.uuid())
  } catch (error) {
    input.output.warn(error instanceof Error ? error.message : String(error))
  }
}

// Whether a table's progress was not told for a while.
function everyFewSeconds(): (table: string) => boolean {
  const told = new Map<string, number>()
  return (table) => {
    const now = systemRuntime.monotonicMs()
    const last = told.get(table)
    if (last === undefined || now - last >= PROGRESS_EVERY_MS) told.set(table, now)
    return last !== undefined && now - last >= PROGRESS_EVERY_MS
  }
}

// Lines for logs, where no person looks at stderr, or where they are asked for.
function isLogged({ output }: CommandInput): boolean {
  return output.json || !output.isTerminal
}

function log(input: CommandInput, line: unknown): void {
  if (isLogged(input)) input.output.event(line)
}

function finish(outcomes: readonly TableOutcome[], signal: AbortSignal): void {
  if (signal.aborted) throw interrupted()
  const failed = outcomes.filter((outcome) => stateOf(outcome) === 'failed')
  const lost = outcomes.filter((outcome) => stateOf(outcome) === 'stopped')
  const first = failed[0] ?? lost[0]
  if (first === undefined) return
  const error = errorOf(first)
  const reason = error?.message ?? first.result?.reason ?? ''
  const count = failed.length + lost.length
  throw new AlluviumError(
    error?.code ?? 'FENCED',
    `${count} of ${outcomes.length} tables could not be maintained; ${first.location}: ${reason}`,
    { tables: [...failed, ...lost].map(({ location }) => location) },
    { cause: error },
  )
}

function interrupted(): AlluviumError {
  return new AlluviumError('ABORTED', 'interrupted; what was begun is left in order, and the next run goes on')
}
