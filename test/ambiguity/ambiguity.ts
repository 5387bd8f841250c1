// npm run ambiguity -- [--commits N] [--store s3|webhdfs|all] [--engine alluvium|delta-rs|chdb|all] [--peer-commits N] [--seed S] [--json]
//   [--write-results]: commits whose answers get lost, come late or mean something else, judged by the bytes in the store.
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { writeResultsPage } from '../../spec/report.js'
import { loadSuite } from '../../spec/suite.js'
import { type Engine, runCampaign, type Tally } from './campaign.js'
import { hdfsFault, s3Fault } from './cells.js'
import { alluviumEngine, type StoreOptions, tableMaker } from './engine-alluvium.js'
import { pythonEngine, pythonPresent } from './engine-python.js'
import { ANOMALIES } from './judge.js'
import { hdfsRig, s3Rig } from './rig.js'

const STALL_TIMEOUT_MS = 500
const words = process.argv.slice(2)
const option = (name: string, fallback: string): string => (words.includes(name) ? (words[words.indexOf(name) + 1] ?? fallback) : fallback)
const commits = Number(option('--commits', '1000'))
const peerCommits = Number(option('--peer-commits', '210'))
const seed = Number(option('--seed', '1'))
const [store, engine] = [option('--store', 'all'), option('--engine', 'alluvium')]
const wants = (name: string): boolean => engine === 'all' || engine.split(',').includes(name)

const tallies: Tally[] = []
if (store !== 'webhdfs') tallies.push(...(await onS3(store === 'all' ? Math.ceil(commits / 2) : commits)))
if (store !== 's3' && wants('alluvium')) tallies.push(await onHdfs(store === 'all' ? Math.floor(commits / 2) : commits))
for (const tally of tallies) report(tally)
if (words.includes('--json')) console.log(JSON.stringify(tallies))
if (words.includes('--write-results')) writeResults()
const ours = tallies.filter((tally) => tally.engine === 'alluvium')
const bad = ours.reduce((sum, tally) => sum + anomaliesOf(tally), 0)
const done = ours.reduce((sum, tally) => sum + tally.commits, 0)
console.log(`ambiguity: ${done} commits of alluvium, ${bad} anomalies`)
process.exitCode = bad === 0 ? 0 : 1

async function onS3(count: number): Promise<Tally[]> {
  const found: Tally[] = []
  const run = async (open: (storage: StoreOptions, env: Readonly<Record<string, string>>) => Promise<Engine>, n: number): Promise<void> => {
    const { rig, s3 } = await s3Rig()
    const storage: StoreOptions = { endpoint: s3.endpoint, region: s3.region, ...s3.credentials, stallTimeoutMs: STALL_TIMEOUT_MS }
    const tested = await open(storage, s3.env)
    const options = { store: 'S3', commits: n, seed, faultOf: s3Fault, createTable: tableMaker(storage), progress }
    found.push(await runCampaign(tested, rig, options).finally(() => Promise.all([tested.close(), s3.stop()])))
  }
  if (wants('alluvium')) await run(async (storage) => alluviumEngine(storage, 16), count)
  for (const name of ['delta-rs', 'chdb'] as const) {
    if (!wants(name)) continue
    if (pythonPresent) await run((_, env) => pythonEngine(name, env), peerCommits)
    else console.log(`${name}: skipped, no Python with it (ALLUVIUM_PEERS_PYTHON)`)
  }
  return found
}

async function onHdfs(count: number): Promise<Tally> {
  const { rig, hdfs } = await hdfsRig()
  const storage: StoreOptions = { user: hdfs.user, stallTimeoutMs: STALL_TIMEOUT_MS }
  const options = { store: 'WebHDFS', commits: count, seed, faultOf: hdfsFault, createTable: tableMaker(storage), progress }
  return runCampaign(alluviumEngine(storage, 16), rig, options).finally(() => hdfs.stop())
}

function progress(at: number): void {
  if (process.stderr.isTTY && at % 100 === 0) process.stderr.write(`\r${at} commits`)
}

function anomaliesOf(tally: Tally): number {
  return ANOMALIES.reduce((sum, name) => sum + tally.anomalies[name], 0)
}

function report(tally: Tally): void {
  const { engine: name, version, store: where, faulted, committed, conflicts, seconds } = tally
  const wrong = ANOMALIES.map((anomaly) => `${tally.anomalies[anomaly]} ${anomaly}`).join(', ')
  const rate = ((1000 * anomaliesOf(tally)) / tally.commits).toFixed(1)
  console.log(
    `${name} ${version} on ${where}: ${tally.commits} commits, ${faulted} of them faulted, ${committed} acknowledged, ${conflicts} conflicts, ${seconds.toFixed(0)} s: ${wrong} (${rate} per 1,000)`,
  )
  if (anomaliesOf(tally) > 0) console.log(`  by fault: ${JSON.stringify(tally.byFault)}`)
  for (const { anomaly, detail } of tally.findings.slice(0, name === 'alluvium' ? 50 : 5)) console.log(`  ${anomaly}: ${detail}`)
}

/** Figures beside those of other engines; the page of results is made from them. */
function writeResults(): void {
  const file = join(process.env.ALLUVIUM_ROOT ?? '.', 'spec/ambiguity.json')
  const stored = existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown>) : {}
  for (const { findings: _, ...figures } of tallies) {
    const date = new Date().toISOString().slice(0, 10)
    stored[`${figures.engine} on ${figures.store}`] = { ...figures, seconds: Math.round(figures.seconds), seed, date }
  }
  writeFileSync(file, `${JSON.stringify(stored, null, 2)}\n`)
  writeResultsPage(loadSuite())
}
