// Row objects to Arrow and back: one million rows of ten columns (ids, timestamps, texts of few and of many values,
// doubles, 5 % nulls, booleans), against the row loop over apache-arrow's own builders, in one run.
//
//   node scripts/run.mjs bench/rows-to-arrow.ts [--json] [--rows N] [--rounds N]
import { makeBuilder, type RecordBatch } from 'apache-arrow'
import { BatchBuilder, canonicalLines, csvLines, ndjsonLines, rowsOf, take, toArrowSchema } from '../src/arrow/index.js'
import { parseColumns, type StructType } from '../src/schema/index.js'

const json = process.argv.includes('--json')
const ROWS = option('--rows', 1_000_000)
const ROUNDS = option('--rounds', 5)
/** The builders of apache-arrow are measured on fewer rows: they take their time. */
const PEER_ROWS = Math.min(ROWS, 200_000)
const BATCH_ROWS = 65_536

const schema: StructType = parseColumns(
  'id bigint not null, at timestamp, country string, event string, player string, session string, score double, price double, level int, paid boolean',
)

function option(name: string, fallback: number): number {
  const at = process.argv.indexOf(name)
  return at < 0 ? fallback : Number(process.argv[at + 1])
}

function makeRows(count: number): Record<string, unknown>[] {
  let state = 7
  const random = (): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 4_294_967_296
  }
  const pick = (values: readonly string[]): string => values[Math.floor(random() * values.length)] as string
  const maybe = <T>(value: T): T | null => (random() < 0.05 ? null : value)
  const token = (): string => Math.floor(random() * 2 ** 48).toString(36)
  return Array.from({ length: count }, (_, i) => ({
    id: 10_000_000_000n + BigInt(i),
    at: new Date(1_700_000_000_000 + i * 7),
    country: pick(['DE', 'FR', 'US', 'JP', 'BR', 'IN']),
    event: pick(['login', 'logout', 'purchase', 'level_up', 'match_end']),
    player: `player-${Math.floor(random() * 1e7)}`,
    session: `${token()}-${token()}`,
    score: maybe(random() * 1000),
    price: maybe(Math.round(random() * 10_000) / 100),
    level: maybe(Math.floor(random() * 100)),
    paid: random() < 0.3,
  }))
}

function build(rows: readonly object[]): RecordBatch[] {
  const builder = new BatchBuilder(schema, { capacityRows: BATCH_ROWS })
  const batches: RecordBatch[] = []
  for (let i = 0; i < rows.length; i += BATCH_ROWS) {
    const faults = builder.appendRows(rows.slice(i, i + BATCH_ROWS))
    if (faults.length > 0) throw new Error(JSON.stringify(faults[0]))
    batches.push(builder.finish())
  }
  return batches
}

function buildWithPeer(rows: readonly Record<string, unknown>[]): number {
  const builders = toArrowSchema(schema).fields.map((field) => ({
    name: field.name,
    builder: makeBuilder({ type: field.type, nullValues: [null, undefined] }),
  }))
  for (const row of rows) for (const { name, builder } of builders) builder.append(name === 'at' ? Number(row[name] as Date) : row[name])
  return builders.reduce((sum, { builder }) => sum + builder.finish().toVector().length, 0)
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1] as number
}

const rows = makeRows(ROWS)
const batches = build(rows)
const everyThird = batches.map((batch) => Int32Array.from({ length: Math.floor(batch.numRows / 3) }, (_, i) => i * 3))
const tasks: Record<string, { count: number; run: () => unknown }> = {
  'rows to Arrow': { count: ROWS, run: () => build(rows) },
  "rows to Arrow, apache-arrow's builders": { count: PEER_ROWS, run: () => buildWithPeer(rows.slice(0, PEER_ROWS)) },
  'Arrow to rows': { count: ROWS, run: () => batches.map((batch) => rowsOf(batch, schema).length) },
  'Arrow to canonical lines': { count: ROWS, run: () => batches.map((batch) => canonicalLines(batch, schema).join('\n').length) },
  'Arrow to NDJSON bytes': { count: ROWS, run: () => batches.map((batch) => Buffer.from(ndjsonLines(batch, schema)).length) },
  'Arrow to CSV bytes': { count: ROWS, run: () => batches.map((batch) => Buffer.from(csvLines(batch, schema)).length) },
  'take every third row': { count: ROWS, run: () => batches.map((batch, i) => take(batch, everyThird[i] as Int32Array).numRows) },
}
const times = new Map(Object.keys(tasks).map((name): [string, number[]] => [name, []]))
const cpuTimes = new Map(Object.keys(tasks).map((name): [string, number[]] => [name, []]))
// Rounds are interleaved, so that a noisy minute hits all tasks alike.
for (let round = 0; round <= ROUNDS; round++) {
  for (const [name, { run }] of Object.entries(tasks)) {
    const start = performance.now()
    const cpu = process.cpuUsage()
    run()
    if (round === 0) continue
    times.get(name)?.push(performance.now() - start)
    // Of all threads, the garbage collector's included: what counts on a machine that does other things.
    cpuTimes.get(name)?.push(process.cpuUsage(cpu).user / 1000)
  }
}
const perSecond = (of: Map<string, number[]>): Record<string, number> =>
  Object.fromEntries(Object.entries(tasks).map(([name, { count }]) => [name, count / median(of.get(name) as number[]) / 1000]))
const rates = perSecond(times)
const cpuRates = perSecond(cpuTimes)
const [ours, peers] = ['rows to Arrow', "rows to Arrow, apache-arrow's builders"] as const
const ratio = (rates[ours] as number) / (rates[peers] as number)
const cpuRatio = (cpuRates[ours] as number) / (cpuRates[peers] as number)
if (json) console.log(JSON.stringify({ millionRowsPerSecond: rates, millionRowsPerCpuSecond: cpuRates, ratio, cpuRatio }))
else {
  for (const [name, rate] of Object.entries(rates)) {
    console.log(
      `${name.padEnd(40)} ${rate.toFixed(2).padStart(6)} M rows/s   ${(cpuRates[name] as number).toFixed(2).padStart(6)} M rows per CPU second`,
    )
  }
  console.log(`${ratio.toFixed(1)}x the row loop over apache-arrow's builders (${cpuRatio.toFixed(1)}x by CPU time)`)
}
