// One seeded run: a writer makes a few logical commits over a store that fails by script, while a rival appends,
// compacts and deletes at the worst moments. Answers what the ledger found wrong.
import { isAlluviumError } from '../../../src/errors.js'
import type { Action, AddFile } from '../../../src/log/actions.js'
import {
  type CommitResult,
  type CommitRules,
  CommitStateUnknownError,
  type Committer,
  checkConflict,
  commitByRules,
  fileSystemCommitter,
  mayDeleteDataFiles,
  settle,
  txnIdOf,
} from '../../../src/log/commit/index.js'
import { type LogView, loadLog } from '../../../src/log/index.js'
import { memoryStorage } from '../../../src/storage/memory.js'
import type { Storage } from '../../../src/storage/storage.js'
import { type Fault, FaultyStorage, type Rival } from './faults.js'
import { judge, liveFiles, logPath, type RawAction, readRawLog, readRows, type Told, writeRows } from './ledger.js'
import { pick, type Random, Simulation } from './simulation.js'

export const FAULT_KINDS = ['none', 'refused', 'fails-before', 'fails-after', 'lands-late', 'hangs', 'own-exists'] as const
export const OPERATIONS = ['append', 'append+txn', 'overwrite'] as const
export const RIVALS = ['none', 'appends-before', 'same-app-before', 'appends-after', 'compacts-after', 'removes-ours-after'] as const

/** What may be broken on purpose. */
export interface Planted {
  readonly settle?: CommitRules['settle']
  readonly checkConflict?: CommitRules['checkConflict']
  readonly committer?: (honest: Committer, storage: Storage) => Committer
  readonly mayDelete?: (error: unknown) => boolean
}

export interface RunReport {
  readonly anomalies: string[]
  readonly commits: number
  readonly faults: number
  readonly conflicts: number
  readonly unknown: number
  /** What was exercised: fault × operation × rival. */
  readonly cells: readonly string[]
}

export const METADATA = {
  id: '00000000-0000-4000-8000-000000000000',
  format: { provider: 'parquet', options: {} },
  schemaString: '{"type":"struct","fields":[{"name":"id","type":"long","nullable":true,"metadata":{}}]}',
  partitionColumns: [],
  configuration: {},
}

export async function newTable(storage: Storage): Promise<void> {
  await rawCommit(storage, 0, [{ protocol: { minReaderVersion: 1, minWriterVersion: 2 } }, { metaData: METADATA }])
}

export function rawAdd(path: string, dataChange = true): { add: object } {
  return { add: { path, partitionValues: {}, size: 1, modificationTime: 1, dataChange } }
}

export async function rawCommit(storage: Storage, version: number, actions: readonly object[]): Promise<boolean> {
  const text = [{ commitInfo: { operation: 'RIVAL', isBlindAppend: false } }, ...actions].map((action) => JSON.stringify(action)).join('\n')
  return (await storage.create(logPath(version), new TextEncoder().encode(text))) === 'created'
}

class Run {
  readonly anomalies: string[] = []
  readonly told: Told[] = []
  readonly cells: string[] = []
  faults = 0
  conflicts = 0
  unknown = 0
  commits = 0
  readonly simulation: Simulation
  readonly random: Random
  readonly raw: Storage
  readonly store: FaultyStorage
  readonly planted: Planted
  readonly committer: Committer
  #row = 0
  readonly #views: LogView[] = []

  constructor(seed: number, planted: Planted) {
    this.simulation = new Simulation(seed)
    this.random = this.simulation.random
    this.raw = memoryStorage({ runtime: this.simulation })
    this.store = new FaultyStorage(this.raw, this.simulation)
    this.store.onBroken = (error) => this.#broken(error)
    this.planted = planted
    const honest = fileSystemCommitter(this.store, this.simulation)
    this.committer = planted.committer?.(honest, this.raw) ?? honest
  }

  #broken(error: unknown): void {
    this.anomalies.push(`broken: ${(error as Error).message}`)
  }

  async play(): Promise<void> {
    await newTable(this.raw)
    await this.#rivalAppend()
    let view = await loadLog(this.raw)
    for (let i = 0; i < 3; i++) {
      const result = await this.#commitOnce(view)
      if (result !== undefined) this.#views.push(result.view)
      view = result?.view ?? (await loadLog(this.raw))
    }
  }

  async judge(): Promise<void> {
    this.anomalies.push(...(await judge(this.raw, this.told)))
    if (this.store.staged !== 0) this.anomalies.push(`left-over: ${this.store.staged} staged objects`)
    if (this.anomalies.length > 0) return
    const log = await readRawLog(this.raw)
    for (const view of this.#views) {
      const expected = [...liveFiles(log, view.version)].sort()
      const actual = [...view.files.liveRows()].map((row) => view.files.path(row)).sort()
      if (JSON.stringify(actual) !== JSON.stringify(expected))
        this.anomalies.push(`view: version ${view.version} shows ${actual}, is ${expected}`)
    }
  }

  async #commitOnce(view: LogView): Promise<CommitResult | undefined> {
    const operation = pick(this.random, OPERATIONS)
    const path = `w-${this.simulation.uuid()}.rows`
    const rows = this.#newRows()
    await writeRows(this.raw, path, rows)
    const rival = this.#stage(operation, path)
    const aborts = this.random() < 0.1
    const controller = new AbortController()
    if (aborts) this.simulation.setTimer(this.random() * 6000, () => controller.abort())
    let txnId: string | undefined
    this.store.onCreate = (_, bytes) => {
      txnId = txnIdOf(bytes)
    }
    const actions = this.#actions(operation, path, view)
    this.commits++
    let seen = view.version
    try {
      const result = await commitByRules(
        { storage: this.store, runtime: this.simulation, committer: this.committer },
        {
          base: view,
          actions,
          operation: 'WRITE',
          operationParameters: {},
          ...(this.random() < 0.3 && { ready: this.simulation.sleep(this.random() * 100) }),
          readSet: { appIds: operation === 'append+txn' ? ['app'] : [], readsWholeTable: operation === 'overwrite' },
          onRebase: (newer) => {
            if (newer.version <= seen) this.anomalies.push('onRebase: a snapshot that is not newer')
            seen = newer.version
          },
        },
        { callTimeoutMs: 5000, signal: controller.signal },
        { settle: this.planted.settle ?? settle, checkConflict: this.planted.checkConflict ?? checkConflict },
      )
      if (seen >= result.version && result.version !== seen)
        this.anomalies.push('onRebase: the commit is not on top of the snapshot checked')
      this.told.push({ txnId: result.txnId, outcome: 'committed', version: result.version, rows, paths: [path] })
      return result
    } catch (error) {
      await this.#onError(error, { txnId, rows, paths: [path] }, { operation, rival, aborts })
      return undefined
    } finally {
      this.store.script = []
      this.store.failingReads = 0
      this.store.rival = {}
    }
  }

  async #onError(
    error: unknown,
    commit: Omit<Told, 'outcome'>,
    scene: { operation: string; rival: string; aborts: boolean },
  ): Promise<void> {
    if ((this.planted.mayDelete ?? mayDeleteDataFiles)(error)) for (const path of commit.paths) await this.raw.delete(path)
    if (error instanceof CommitStateUnknownError) {
      this.unknown++
      if (!scene.aborts) this.anomalies.push('false-error: called unknown although the store would have told')
      const outcome = await this.#resolve(error)
      this.told.push({ ...commit, ...outcome })
      return
    }
    this.told.push({ ...commit, outcome: 'not-committed' })
    if (isAlluviumError(error, 'ABORTED') && scene.aborts) return
    if (isAlluviumError(error, 'COMMIT_CONFLICT') && (await this.#isTrueConflict(error.facts, scene.operation))) {
      this.conflicts++
      return
    }
    this.anomalies.push(`false-error: ${isAlluviumError(error) ? `${error.code} ${JSON.stringify(error.facts)}` : (error as Error).stack}`)
  }

  async #resolve(error: CommitStateUnknownError): Promise<Pick<Told, 'outcome' | 'version'>> {
    if (this.random() < 0.5) await this.simulation.sleep(60_000)
    let outcome = await error.resolve()
    // The script may hold a few more faults for the puts made here.
    for (let i = 0; i < 5 && outcome.kind === 'unknown'; i++) outcome = await error.resolve({ putAgain: true })
    if (outcome.kind === 'unknown') this.anomalies.push('false-error: still unknown after asking again')
    return outcome.kind === 'committed' ? { outcome: 'committed', version: outcome.version } : { outcome: 'not-committed' }
  }

  // Only what the named winner really did can make a conflict true.
  async #isTrueConflict(facts: Readonly<Record<string, unknown>>, operation: string): Promise<boolean> {
    const winner = (await readRawLog(this.raw))[facts.version as number]
    if (
      winner === undefined ||
      winner.some((action) => action.commitInfo?.operation !== undefined && action.commitInfo.operation !== 'RIVAL')
    )
      return false
    if (operation === 'overwrite')
      return ['concurrent-append', 'delete-read'].includes(facts.rule as string) && winner.some((action) => action.add ?? action.remove)
    return operation === 'append+txn' && facts.rule === 'txn' && winner.some((action) => action.txn?.appId === 'app')
  }

  #stage(operation: string, path: string): (typeof RIVALS)[number] {
    const faults = Array.from({ length: 1 + Math.floor(this.random() * 3) }, () => this.#fault())
    this.store.script = faults
    this.store.failingReads = this.random() < 0.3 ? 1 + Math.floor(this.random() * 3) : 0
    const rival = pick(this.random, RIVALS)
    this.store.rival = this.#rival(rival, path)
    if (this.random() < 0.2)
      this.simulation.setTimer(this.random() * 8000, () => void this.#rivalAppend().catch((error) => this.#broken(error)))
    for (const fault of faults) {
      if (fault.kind !== 'none') this.faults++
      this.cells.push(`${fault.kind} × ${operation} × ${rival}`)
    }
    return rival
  }

  #fault(): Fault {
    const kind = pick(this.random, FAULT_KINDS)
    const afterMs = pick(this.random, [1, 40, 400, 4000, 40_000]) * (0.5 + this.random())
    if (kind === 'lands-late') return { kind, afterMs }
    if (kind === 'hangs') return { kind, lands: pick(this.random, ['never', 'now', 'late'] as const), afterMs }
    return { kind }
  }

  #rival(kind: (typeof RIVALS)[number], path: string): Rival {
    switch (kind) {
      case 'none':
        return {}
      case 'appends-before':
        return { before: () => this.#rivalAppend() }
      case 'same-app-before':
        return { before: () => this.#rivalAppend([{ txn: { appId: 'app', version: 1_000_000 } }]) }
      case 'appends-after':
        return { after: () => this.#rivalAppend() }
      case 'compacts-after':
        return { after: () => this.#rivalCompact() }
      case 'removes-ours-after':
        return { after: () => this.#rivalRemove(path) }
    }
  }

  #actions(operation: string, path: string, view: LogView): Action[] {
    const add: AddFile = { kind: 'add', path, partitionValues: {}, size: 1, modificationTime: 1, dataChange: true }
    if (operation === 'append+txn') return [{ kind: 'txn', appId: 'app', version: BigInt(this.commits), lastUpdated: 1 }, add]
    if (operation === 'append') return [add]
    const removes = [...view.files.liveRows()].map(
      (row): Action => ({ kind: 'remove', path: view.files.path(row), dataChange: true, deletionTimestamp: 1 }),
    )
    return [...removes, add]
  }

  #newRows(): number[] {
    return [this.#row++, this.#row++]
  }

  async #rivalAppend(more: readonly object[] = []): Promise<void> {
    const path = `r-${this.simulation.uuid()}.rows`
    const rows = this.#newRows()
    await writeRows(this.raw, path, rows)
    const version = await this.#rivalCommit(() => [...more, rawAdd(path)])
    if (version !== undefined) this.told.push({ txnId: undefined, outcome: 'committed', version, rows, paths: [path] })
  }

  async #rivalCompact(): Promise<void> {
    const path = `c-${this.simulation.uuid()}.rows`
    await this.#rivalCommit(async (log) => {
      const live = [...liveFiles(log)]
      await writeRows(this.raw, path, (await Promise.all(live.map((file) => readRows(this.raw, file)))).flat())
      return [...live.map((file) => ({ remove: { path: file, dataChange: false, deletionTimestamp: 1 } })), rawAdd(path, false)]
    })
  }

  async #rivalRemove(path: string): Promise<void> {
    await this.#rivalCommit((log) =>
      liveFiles(log).has(path) ? [{ remove: { path, dataChange: true, deletionTimestamp: 1 } }] : undefined,
    )
  }

  // The rival's own races are its own affair: it reads the log anew each time.
  async #rivalCommit(
    actions: (log: RawAction[][]) => readonly object[] | undefined | Promise<readonly object[] | undefined>,
  ): Promise<number | undefined> {
    for (;;) {
      const log = await readRawLog(this.raw)
      const wanted = await actions(log)
      if (wanted === undefined) return undefined
      if (await rawCommit(this.raw, log.length, wanted)) return log.length
    }
  }
}

/** Plays one seed to its end, late landings included. */
export async function playSeed(seed: number, planted: Planted = {}): Promise<RunReport> {
  const run = new Run(seed, planted)
  try {
    await run.simulation.run(() => run.play())
    await run.simulation.drain()
    await run.judge()
  } catch (error) {
    run.anomalies.push(`broken: ${(error as Error).stack}`)
  }
  const { anomalies, commits, faults, conflicts, unknown, cells } = run
  return { anomalies, commits, faults, conflicts, unknown, cells }
}
