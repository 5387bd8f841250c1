// Ambiguous commits over HTTP: every fault meets every operation and every rival, and the bytes in the store say that nothing is lost,
// doubled, resurrected or wrongly refused. The whole campaign is `npm run ambiguity -- --commits 10000`.
import { afterAll, expect, test } from 'vitest'
import { runCampaign, type Tally } from './campaign.js'
import { CELLS, hdfsFault, s3Fault } from './cells.js'
import { alluviumEngine, type StoreOptions, tableMaker } from './engine-alluvium.js'
import { ANOMALIES, judge } from './judge.js'
import { hdfsRig, s3Rig } from './rig.js'

const COMMITS = 70
const { rig: onS3, s3 } = await s3Rig()
const { rig: onHdfs, hdfs } = await hdfsRig()
afterAll(() => Promise.all([s3.stop(), hdfs.stop()]))

const s3Options: StoreOptions = { endpoint: s3.endpoint, region: s3.region, ...s3.credentials, stallTimeoutMs: 400 }
const hdfsOptions: StoreOptions = { user: hdfs.user, stallTimeoutMs: 400 }

function nothingWrong(tally: Tally): void {
  expect(tally.findings).toEqual([])
  expect(tally.anomalies).toEqual(Object.fromEntries(ANOMALIES.map((name) => [name, 0])))
  expect(tally.commits).toBe(COMMITS)
  // A rival that takes the version first sometimes spares the writer its fault, never often.
  expect(tally.faulted).toBeGreaterThan(COMMITS * 0.9)
  expect(tally.committed + tally.conflicts).toBe(COMMITS)
}

test(`S3: ${COMMITS} faulted commits, no anomaly`, async () => {
  const engine = alluviumEngine(s3Options, 7)
  nothingWrong(
    await runCampaign(engine, onS3, { store: 'S3', commits: COMMITS, seed: 1, faultOf: s3Fault, createTable: tableMaker(s3Options) }),
  )
})

test(`WebHDFS: ${COMMITS} faulted commits, no anomaly`, async () => {
  const engine = alluviumEngine(hdfsOptions, 7)
  const options = { store: 'WebHDFS', commits: COMMITS, seed: 2, faultOf: hdfsFault, createTable: tableMaker(hdfsOptions) }
  nothingWrong(await runCampaign(engine, onHdfs, options))
})

test('the commits of a run meet every cell of the matrix', () => {
  const met = new Set(Array.from({ length: 100 }, (_, n) => Array.from({ length: 10 }, (_, i) => (n * 10 + i * 13) % CELLS.length)).flat())
  expect(met.size).toBe(CELLS.length)
})

test('the judge sees what is lost, doubled, resurrected, deleted or wrongly refused', async () => {
  const table = 'judged'
  await tableMaker(s3Options)(onS3.url(table))
  const writer = await alluviumEngine(s3Options, 1).open(onS3.url(table))
  for (const id of [1, 2, 3]) await writer.commit('append', id, 2)
  const committed = (id: number) => ({ id, operation: 'append' as const, outcome: 'committed' as const, version: id, mayConflict: false })
  const told = [1, 2, 3].map(committed)
  expect(await judge(onS3, table, told)).toEqual([])
  const anomalies = async (...said: Parameters<typeof judge>[2]): Promise<string[]> =>
    (await judge(onS3, table, said)).map(({ anomaly }) => anomaly)
  expect(await anomalies(...told, committed(4))).toEqual(['lost'])
  expect(await anomalies(...told.slice(1), { ...committed(1), outcome: 'error', problem: 'x' })).toEqual(['false error'])
  const log = (version: number): string => `_delta_log/${String(version).padStart(20, '0')}.json`
  // The third commit once more, as a writer that does not know its own commit makes it.
  onS3.put(table, log(4), onS3.read(table, log(3)) as Uint8Array)
  expect(await anomalies(...told)).toContain('doubled')
  const text = new TextDecoder().decode(onS3.read(table, log(1)))
  const { path } = (JSON.parse(text.split('\n').find((line) => line.includes('"add"')) as string) as { add: { path: string } }).add
  const remove = `${JSON.stringify({ commitInfo: { operation: 'DELETE' } })}\n${JSON.stringify({ remove: { path, dataChange: true } })}\n`
  onS3.put(table, log(4), new TextEncoder().encode(remove))
  onS3.put(table, log(5), onS3.read(table, log(1)) as Uint8Array)
  expect(await anomalies(...told)).toContain('doubled')
  onS3.put(table, path, new Uint8Array(3))
  expect(await anomalies(...told).catch((error: unknown) => [String(error)])).not.toEqual([])
})
