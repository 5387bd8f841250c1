// Group commit over a store that fails, with rivals at the worst moments, by seeds: an independent ledger compares what each
// of many writers was told with what the log holds. A seed that fails here replays: playGroups(seed).
// Holds C7 of spec/invariants.md.
import { describe, expect, test } from 'vitest'
import { isAlluviumError } from '../../../src/errors.js'
import { CommitStateUnknownError, mayDeleteDataFiles } from '../../../src/log/commit/index.js'
import type { LogView } from '../../../src/log/index.js'
import type { Fault } from './faults.js'
import { add, GroupScene, txn } from './group-scene.js'
import { judge, type Told, writeRows } from './ledger.js'
import { rawAdd, rawCommit } from './rig.js'
import { pick } from './simulation.js'

const SEEDS = Number(process.env.ALLUVIUM_COMMIT_SEEDS ?? 1200)
const CHUNK = 200
const FAULTS = ['none', 'none', 'none', 'refused', 'fails-before', 'fails-after', 'lands-late', 'hangs', 'own-exists'] as const

interface Report {
  readonly anomalies: string[]
  readonly told: Record<string, number>
  readonly shared: number
}

/** Six writers of six commits each: some with positions, some slow to write, some given up, over faults and a rival. */
async function playGroups(seed: number): Promise<Report> {
  const scene = new GroupScene(seed)
  const { simulation, store } = scene
  const { random } = simulation
  const anomalies: string[] = []
  const ledger: Told[] = []
  const told: Record<string, number> = {}
  let row = 0
  const fault = (): Fault => {
    const kind = pick(random, FAULTS)
    const afterMs = pick(random, [1, 40, 400, 4000, 40_000])
    if (kind === 'hangs') return { kind, lands: pick(random, ['never', 'now', 'late'] as const), afterMs }
    return kind === 'lands-late' ? { kind, afterMs } : { kind }
  }
  store.onBroken = (error) => anomalies.push(`broken: ${(error as Error).message}`)
  store.script = Array.from({ length: 20 }, fault)

  const rival = async (): Promise<void> => {
    for (let version = (await scene.log()).length; ; version++) {
      const path = `r-${simulation.uuid()}.rows`
      const rows = [row++]
      await writeRows(scene.raw, path, rows)
      const also = random() < 0.4 ? [{ txn: { appId: `app${Math.floor(random() * 3)}`, version: 1_000_000 + version } }] : []
      if (!(await rawCommit(scene.raw, version, [rawAdd(path), ...also]))) continue
      ledger.push({ txnId: undefined, outcome: 'committed', version, rows, paths: [path] })
      return
    }
  }
  for (let i = 0; i < 4; i++) simulation.setTimer(random() * 4000, () => void rival().catch(store.onBroken))

  const once = async (writer: number, base: LogView): Promise<LogView | undefined> => {
    const path = `w-${simulation.uuid()}.rows`
    const rows = [row++, row++]
    const writing = simulation.sleep(random() * 100).then(() => writeRows(scene.raw, path, rows))
    const mayWait = random() < 0.5
    if (!mayWait) await writing
    const controller = new AbortController()
    if (random() < 0.1) simulation.setTimer(random() * 3000, () => controller.abort())
    const actions = [...(writer < 4 ? [txn(`app${writer % 3}`, BigInt(row))] : []), add(path)]
    const options = { callTimeoutMs: 5000, ...(random() < 0.3 && { signal: controller.signal }) }
    const outcome = await scene.submit(base, actions, mayWait ? { ready: writing } : {}, options).then(
      (result) => result,
      (error: unknown) => error,
    )
    if (!(outcome instanceof Error)) {
      const { version, view } = outcome as { version: number; view: LogView }
      ledger.push({ txnId: undefined, outcome: 'committed', version, rows, paths: [path] })
      told.committed = (told.committed ?? 0) + 1
      if (view.files.find(path) < 0) anomalies.push(`view: version ${version} does not show ${path}`)
      return view
    }
    if (mayDeleteDataFiles(outcome)) await writing.then(() => scene.raw.delete(path))
    const settled = outcome instanceof CommitStateUnknownError ? await outcomeOf(outcome) : ('not-committed' as const)
    const code = isAlluviumError(outcome) ? `${outcome.code} ${outcome.facts.rule ?? ''}`.trim() : String(outcome.stack)
    told[code] = (told[code] ?? 0) + 1
    if (settled !== undefined) ledger.push({ txnId: undefined, outcome: settled, rows, paths: [path] })
    if (!['COMMIT_CONFLICT txn', 'ABORTED', 'COMMIT_STATE_UNKNOWN'].includes(code)) anomalies.push(`false-error: ${code}`)
    return undefined
  }
  const outcomeOf = async (error: CommitStateUnknownError): Promise<Told['outcome'] | undefined> => {
    await simulation.sleep(120_000)
    for (let i = 0; i < 30; i++) {
      const answer = await error.resolve({ putAgain: true })
      if (answer.kind !== 'unknown') return answer.kind
    }
    anomalies.push('false-error: still unknown after asking again')
    return undefined
  }

  try {
    const base = await scene.begin()
    await simulation.run(() =>
      Promise.all(
        Array.from({ length: 6 }, async (_, writer) => {
          let view = base
          for (let i = 0; i < 6; i++) view = (await once(writer, view)) ?? view
        }),
      ),
    )
    await simulation.drain()
    anomalies.push(...(await judge(scene.raw, ledger)))
  } catch (error) {
    anomalies.push(`broken: ${(error as Error).stack}`)
  }
  const log = await scene.log()
  const at = new Map(log.flatMap((commit, version) => commit.flatMap(({ add: file }) => (file ? [[file.path, version] as const] : []))))
  for (const { version, paths } of ledger)
    if (version !== undefined && at.get(paths[0] as string) !== version)
      anomalies.push(`false-ack: ${paths[0]} was called version ${version}`)
  anomalies.push(...overtaken(log as unknown as readonly RawCommit[]))
  for (const commit of log) anomalies.push(...untrue(commit as unknown as RawCommit))
  const shared = log.filter((commit) => commit.filter((action) => action.add).length > 1).length
  return { anomalies, told, shared }
}

interface RawLine {
  commitInfo?: { operation: string; readVersion?: number; logicalCommits?: { actions: number; readVersion: number }[] }
  add?: unknown
  txn?: { appId: string }
}
type RawCommit = readonly RawLine[]

// Whoever records the progress of an application has read how far it was: nobody may have moved it in between.
function overtaken(log: readonly RawCommit[]): string[] {
  const moved = new Map<string, number>()
  const found: string[] = []
  log.forEach((commit, version) => {
    const { operation, readVersion, logicalCommits } = commit[0]?.commitInfo ?? { operation: 'RIVAL' }
    let from = 1
    for (const one of logicalCommits ?? [{ actions: commit.length - 1, readVersion: readVersion ?? version }]) {
      for (const line of commit.slice(from, from + one.actions)) {
        const last = line.txn === undefined ? undefined : moved.get(line.txn.appId)
        if (operation !== 'RIVAL' && last !== undefined && last > one.readVersion)
          found.push(`overtaken: ${line.txn?.appId} was moved by version ${last}, and by ${version}, which had read ${one.readVersion}`)
      }
      from += one.actions
    }
    for (const { txn: position } of commit) if (position !== undefined) moved.set(position.appId, version)
  })
  return found
}

// What a shared commit says of its parts must be what is in it.
function untrue(commit: RawCommit): string[] {
  const parts = commit[0]?.commitInfo?.logicalCommits
  const files = commit.filter((action) => action.add).length
  const apps = commit.flatMap((action) => action.txn?.appId ?? [])
  if (new Set(apps).size !== apps.length) return ['untrue: one application twice in a version']
  if (parts === undefined) return files > 1 ? ['untrue: several commits that are not told apart'] : []
  return parts.length === files && parts.reduce((sum, { actions }) => sum + actions, 0) === commit.length - 1
    ? []
    : [`untrue: ${parts.length} logical commits over ${files} files`]
}

describe('writers that share commits over a failing store', () => {
  const totals: Record<string, number> = {}
  let shared = 0

  for (let from = 0; from < SEEDS; from += CHUNK) {
    test(`lose, double and resurrect nothing, and each is told the truth: seeds ${from} to ${from + CHUNK - 1}`, async () => {
      for (let seed = from; seed < from + CHUNK; seed++) {
        const report = await playGroups(seed)
        expect(report.anomalies, `seed ${seed}`).toEqual([])
        for (const [what, count] of Object.entries(report.told)) totals[what] = (totals[what] ?? 0) + count
        shared += report.shared
      }
    })
  }

  test('every way out was taken, and most commits shared', () => {
    console.log(`shared commits: ${JSON.stringify(totals)}, ${shared} versions of several`)
    expect(totals['COMMIT_CONFLICT txn']).toBeGreaterThan(SEEDS / 10)
    expect(totals.COMMIT_STATE_UNKNOWN).toBeGreaterThan(0)
    expect(totals.ABORTED).toBeGreaterThan(0)
    expect(shared).toBeGreaterThan(SEEDS)
  })

  test('a seed gives the same run again', async () => {
    for (const seed of [3, 11]) expect(await playGroups(seed)).toEqual(await playGroups(seed))
  })
})
