// npm run fuzz -- [--inputs 50000] [--seed 1] [--first 0] [--kind commits]
// Damaged logs, checkpoints, deletion vectors and Parquet files, each made from the seed and its number alone. A finding is a
// crash (an error without a type), a hang (over a second, three times), an answer that the oracle does not give, or a good
// table that reads otherwise afterwards. Every finding prints how to replay it.
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'
import { checkpointKinds } from './checkpoints.js'
import { commitKind } from './commits.js'
import { codecReplaced, goodTable } from './good-table.js'
import type { Kind } from './kind.js'
import { parquetKinds } from './parquet.js'
import { randomOf } from './random.js'
import { vectorKind } from './vectors.js'

const KINDS: readonly Kind[] = [commitKind, vectorKind, ...checkpointKinds, ...parquetKinds]
const SLOW_MS = 1000
/** No input may hold the thread so long that a watcher has to end it. */
const HUNG_MS = 30_000
const PROGRESS_MS = 30_000
const GOOD_EVERY = 100
const MAX_FINDINGS = 10
const MEMORY_LIMIT_BYTES = 512 * 2 ** 20

interface Job {
  readonly inputs: number
  readonly seed: number
  readonly first: number
  readonly kind: string | undefined
  /** The number of the input at work, for the watcher. */
  readonly at: Int32Array
}

interface Finding {
  readonly input: number
  readonly kind: string
  readonly what: string
}

interface Report {
  readonly counts: Record<string, { read: number; refused: number; ms: number }>
  readonly findings: Finding[]
  readonly slowest: { ms: number; input: number }
  readonly goodReads: number
  readonly codecReplacements: number
  readonly memoryBytes: number
}

if (isMainThread) await main()
else await work(workerData as Job)

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: { inputs: { type: 'string' }, seed: { type: 'string' }, first: { type: 'string' }, kind: { type: 'string' } },
  })
  const number = (text: string | undefined, otherwise: number): number => {
    const value = text === undefined ? otherwise : Number(text)
    if (!Number.isSafeInteger(value) || value < 0) throw new RangeError(`a whole number was expected, not ${text}`)
    return value
  }
  const { kind } = values
  if (kind !== undefined && !KINDS.some((each) => each.name === kind))
    throw new RangeError(`--kind is one of ${KINDS.map((each) => each.name).join(', ')}`)
  const job: Job = {
    inputs: number(values.inputs, 50_000),
    seed: number(values.seed, 1),
    first: number(values.first, 0),
    kind,
    at: new Int32Array(new SharedArrayBuffer(4)),
  }
  console.log(
    `fuzz: ${job.inputs} inputs from ${job.first}, seed ${job.seed}, kinds ${kind ?? KINDS.map((each) => `${each.name} (${each.share})`).join(', ')}`,
  )
  const started = performance.now()
  const outcome = await watched(job)
  const seconds = (performance.now() - started) / 1000
  if (typeof outcome === 'string') {
    console.error(outcome)
    finish(job, seconds, 1, 'stopped')
    return
  }
  for (const [name, { read, refused, ms }] of Object.entries(outcome.counts))
    console.log(
      `  ${name.padEnd(20)} ${String(read + refused).padStart(7)} inputs: ${read} read, ${refused} refused; ${(ms / Math.max(1, read + refused)).toFixed(2)} ms each`,
    )
  const { slowest, memoryBytes, goodReads, codecReplacements } = outcome
  console.log(
    `  slowest input ${slowest.ms.toFixed(0)} ms (input ${slowest.input}); ${(memoryBytes / 2 ** 20).toFixed(0)} MB more memory at most; good table read ${goodReads} times; codec replaced ${codecReplacements} times`,
  )
  for (const { input, kind: name, what } of outcome.findings)
    console.error(
      `\nfinding in input ${input} (${name}):\n${what}\nreplay: npm run fuzz -- --seed ${job.seed} --first ${input} --inputs 1${kind === undefined ? '' : ` --kind ${kind}`}`,
    )
  finish(
    job,
    seconds,
    outcome.findings.length,
    `${Object.values(outcome.counts).reduce((sum, each) => sum + each.read + each.refused, 0)} inputs done`,
  )
}

function finish(job: Job, seconds: number, findings: number, done: string): void {
  console.log(
    `fuzz: ${findings === 0 ? 'passed' : 'FAILED'}: ${done} of ${job.inputs}, ${findings} findings, seed ${job.seed}, ${seconds.toFixed(0)} s`,
  )
  process.exitCode = findings === 0 ? 0 : 1
}

// Runs the job in a thread, and ends it where one input never ends.
function watched(job: Job): Promise<Report | string> {
  return new Promise((resolve) => {
    const worker = new Worker(fileURLToPath(import.meta.url), { workerData: job })
    let seen = -1
    let since = performance.now()
    const started = since
    let told = started
    const timer = setInterval(() => {
      const at = Atomics.load(job.at, 0)
      if (performance.now() - told > PROGRESS_MS) {
        told = performance.now()
        console.log(`  … input ${at}, ${((told - started) / 1000).toFixed(0)} s`)
      }
      if (at !== seen) {
        seen = at
        since = performance.now()
      } else if (performance.now() - since > HUNG_MS)
        end(`input ${seen} hangs\nreplay: npm run fuzz -- --seed ${job.seed} --first ${seen} --inputs 1`)
    }, 500)
    const end = (outcome: Report | string): void => {
      clearInterval(timer)
      void worker.terminate()
      resolve(outcome)
    }
    worker.on('message', end)
    worker.on('exit', () => end(`the thread ended in input ${Atomics.load(job.at, 0)}`))
    worker.on('error', (error) =>
      end(`the thread died in input ${Atomics.load(job.at, 0)}: ${error instanceof Error ? error.stack : String(error)}`),
    )
  })
}

async function work(job: Job): Promise<void> {
  const kinds = job.kind === undefined ? KINDS : KINDS.filter((kind) => kind.name === job.kind)
  const shares = kinds.flatMap((kind) => new Array<Kind>(kind.share).fill(kind))
  for (const kind of kinds) await kind.prepare()
  const good = await goodTable()
  const counts: Report['counts'] = Object.fromEntries(kinds.map((kind) => [kind.name, { read: 0, refused: 0, ms: 0 }]))
  const findings: Finding[] = []
  const slowest = { ms: 0, input: -1 }
  const startBytes = process.memoryUsage().rss
  let memoryBytes = 0
  let goodReads = 0
  let replaced = codecReplaced()
  for (let n = 0; n < job.inputs && findings.length < MAX_FINDINGS; n++) {
    const input = job.first + n
    Atomics.store(job.at, 0, input)
    const kind = randomOf(job.seed, input).pick(shares)
    const found = (what: string): void => void findings.push({ input, kind: kind.name, what })
    try {
      const { verdict, ms } = await timed(kind, job.seed, input)
      const count = counts[kind.name] as { read: number; refused: number; ms: number }
      count[verdict]++
      count.ms += ms
      if (ms > slowest.ms) Object.assign(slowest, { ms, input })
      if (ms > SLOW_MS) found(`it took ${ms.toFixed(0)} ms, three times`)
    } catch (error) {
      found(error instanceof Error ? (error.stack ?? error.message) : String(error))
    }
    const trapped = codecReplaced() !== replaced
    replaced = codecReplaced()
    if (trapped || n % GOOD_EVERY === 0) {
      goodReads++
      const problem = await good()
      if (problem !== undefined) found(`a good table reads otherwise after it: ${problem}`)
    }
    if (n % GOOD_EVERY === 0) memoryBytes = Math.max(memoryBytes, process.memoryUsage().rss - startBytes)
  }
  if (memoryBytes > MEMORY_LIMIT_BYTES)
    findings.push({ input: job.first, kind: 'all', what: `the process grew by ${(memoryBytes / 2 ** 20).toFixed(0)} MB` })
  const report: Report = { counts, findings, slowest, goodReads, codecReplacements: codecReplaced(), memoryBytes }
  parentPort?.postMessage(report)
}

// A busy machine makes anything slow once; only what is slow every time counts.
async function timed(kind: Kind, seed: number, input: number): Promise<{ verdict: 'read' | 'refused'; ms: number }> {
  let least = Number.POSITIVE_INFINITY
  for (let attempt = 0; ; attempt++) {
    const random = randomOf(seed, input)
    random.below(1) // The kind was chosen with the first number.
    const started = performance.now()
    const verdict = await kind.run(random)
    least = Math.min(least, performance.now() - started)
    if (least <= SLOW_MS || attempt === 2) return { verdict, ms: least }
  }
}
