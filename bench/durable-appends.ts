// Durable single-row appends on local disk: the pace against bare durable files made in the same run (a data file
// written and synced; a commit file written, synced, linked, its folder synced), and the drift from version 10 to 10,000.
// A table also gets checksums and checkpoints after its commits; without them (upkeep 'none') is a figure of its own.
// They take turns in rotating order, so that none always meets the journal that another has left. Ratios are those of a
// process that has run for a while; the first hundred appends of a process, which still compiles its code, are a figure of their own.
// The peer is delta-rs, which never syncs, where ALLUVIUM_PEERS_PYTHON names a Python that has it.
//   node scripts/run.mjs bench/durable-appends.ts [--json] [--appends N] [--rounds N] [--warm N] [--folder DIR]
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { createTable, double, localStorage, long, openTable, schema, string } from 'alluvium'

const args = process.argv.slice(2)
const option = (name: string, fallback: number): number => (args.includes(name) ? Number(args[args.indexOf(name) + 1]) : fallback)
const APPENDS = option('--appends', 300)
const ROUNDS = option('--rounds', 15)
const WARM = option('--warm', 4000)
const COLD = 100
const base = fs.mkdtempSync(
  path.join(args.includes('--folder') ? (args[args.indexOf('--folder') + 1] as string) : os.tmpdir(), 'alluvium-appends-'),
)

const rows = schema({ id: long(), p: string(), value: double(), name: string() })
const row = (i: number) => ({ id: i, p: 'x', value: 1.5, name: 'n' })

const quantile = (values: readonly number[], q: number): number =>
  [...values].sort((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * q))] as number
const median = (values: readonly number[]): number => quantile(values, 0.5)

/** The floor: what the disk takes for the same files, with one blocking system call after another. */
function bare(count: number, data: Uint8Array, commit: Uint8Array): number[] {
  const folder = path.join(base, `bare-${Math.random()}`)
  const log = path.join(folder, '_delta_log')
  fs.mkdirSync(log, { recursive: true })
  const times: number[] = []
  for (let i = 0; i < count; i++) {
    const start = performance.now()
    writeDurably(path.join(folder, `part-${i}.parquet`), data)
    const staged = path.join(log, `.${i}.tmp`)
    writeDurably(staged, commit)
    fs.linkSync(staged, path.join(log, `${String(i).padStart(20, '0')}.json`))
    const directory = fs.openSync(log, 'r')
    fs.fsyncSync(directory)
    fs.closeSync(directory)
    fs.unlinkSync(staged)
    times.push(performance.now() - start)
  }
  return times
}

function writeDurably(file: string, bytes: Uint8Array): void {
  const fd = fs.openSync(file, 'wx')
  fs.writeSync(fd, bytes)
  fs.fsyncSync(fd)
  fs.closeSync(fd)
}

async function appends(table: Awaited<ReturnType<typeof openTable>>, count: number): Promise<number[]> {
  const times: number[] = []
  for (let i = 0; i < count; i++) {
    const start = performance.now()
    await table.append([row(i)])
    times.push(performance.now() - start)
  }
  return times
}

/** A table of so many one-file commits, made without waiting for the disk. */
async function tableAt(version: number): Promise<string> {
  const folder = path.join(base, `v${version}`)
  const table = await createTable(localStorage(folder, { durability: 'none' }), { schema: rows })
  const log = path.join(folder, '_delta_log')
  await table.append([row(0)])
  const commit = fs.readFileSync(path.join(log, '00000000000000000001.json'), 'utf8')
  for (let v = 2; v <= version; v++) {
    fs.writeFileSync(
      path.join(log, `${String(v).padStart(20, '0')}.json`),
      commit.replaceAll(/part-00000-[0-9a-f-]+/g, `part-00000-${String(v).padStart(8, '0')}`),
    )
  }
  return folder
}

/** Appends that wait for no disk, until the engine has compiled what they run. */
async function warmUp(): Promise<void> {
  const folder = path.join(base, 'warm')
  await appends(await createTable(localStorage(folder, { durability: 'none' }), { schema: rows }), WARM)
  fs.rmSync(folder, { recursive: true })
}

const cold = await appends(await createTable(path.join(base, 'cold'), { schema: rows }), COLD)
const early = await openTable(await tableAt(10))
const alone = await openTable(await tableAt(11), { upkeep: 'none' })
const late = await openTable(await tableAt(10_000))
const sample = fs.readdirSync(path.join(base, 'v10')).find((name) => name.endsWith('.parquet')) as string
const data = fs.readFileSync(path.join(base, 'v10', sample))
const commit = fs.readFileSync(path.join(base, 'v10/_delta_log/00000000000000000001.json'))
await warmUp()
await appends(early, 50)
await appends(alone, 50)
await appends(late, 50)

const floor: number[] = []
const ours: number[] = []
const ours10k: number[] = []
const oursAlone: number[] = []
const perRound = Math.ceil(APPENDS / ROUNDS)
const turns = [
  async () => floor.push(...bare(perRound, data, commit)),
  async () => ours.push(...(await appends(early, perRound))),
  async () => oursAlone.push(...(await appends(alone, perRound))),
  async () => ours10k.push(...(await appends(late, perRound))),
]
for (let round = 0; round < ROUNDS; round++) {
  for (let turn = 0; turn < turns.length; turn++) await turns[(round + turn) % turns.length]?.()
}
fs.rmSync(base, { recursive: true, force: true })

const pace = (times: readonly number[]): number => (1000 * times.length) / times.reduce((sum, ms) => sum + ms, 0)
const result = {
  bench: 'durable-appends',
  appends: ours.length,
  barePerSecond: Math.round(pace(floor)),
  oursPerSecond: Math.round(pace(ours)),
  paceRatio: Number((pace(ours) / pace(floor)).toFixed(3)),
  medianRatio: Number((median(floor) / median(ours)).toFixed(3)),
  withoutUpkeepPaceRatio: Number((pace(oursAlone) / pace(floor)).toFixed(3)),
  withoutUpkeepMedianRatio: Number((median(floor) / median(oursAlone)).toFixed(3)),
  withoutUpkeepP50Ms: Number(median(oursAlone).toFixed(3)),
  bareP50Ms: Number(median(floor).toFixed(3)),
  p50AtVersion10Ms: Number(median(ours).toFixed(3)),
  p50AtVersion10000Ms: Number(median(ours10k).toFixed(3)),
  driftRatio: Number((median(ours10k) / median(ours)).toFixed(3)),
  coldAppends: cold.length,
  coldPerSecond: Math.round(pace(cold)),
  coldP50Ms: Number(median(cold).toFixed(2)),
  coldMedianRatio: Number((median(floor) / median(cold)).toFixed(3)),
  goals: { paceRatio: '>= 0.8', driftRatio: '<= 1.2' },
}
console.log(args.includes('--json') ? JSON.stringify(result) : result)
