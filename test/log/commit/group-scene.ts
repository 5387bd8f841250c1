// A table in memory whose every creation takes a round trip of virtual time, and commits made at the same moment.
import type { Action, AddFile } from '../../../src/log/actions.js'
import {
  type CommitContext,
  type CommitOptions,
  type CommitRequest,
  type CommitResult,
  commitShared,
  fileSystemCommitter,
} from '../../../src/log/commit/index.js'
import { type LogView, loadLog } from '../../../src/log/index.js'
import { memoryStorage } from '../../../src/storage/memory.js'
import type { Storage } from '../../../src/storage/storage.js'
import { FaultyStorage } from './faults.js'
import { type RawAction, readRawLog } from './ledger.js'
import { newTable } from './rig.js'
import { Simulation } from './simulation.js'

export const ROUND_TRIP_MS = 60

export const add = (path: string, more: Partial<AddFile> = {}): AddFile => ({
  kind: 'add',
  path,
  partitionValues: {},
  size: 1,
  modificationTime: 1,
  dataChange: true,
  ...more,
})
export const txn = (appId: string, version: bigint): Action => ({ kind: 'txn', appId, version, lastUpdated: 1 })

export class GroupScene {
  readonly simulation: Simulation
  readonly raw: Storage
  readonly store: FaultyStorage
  readonly context: CommitContext
  creations = 0

  constructor(seed = 1) {
    this.simulation = new Simulation(seed)
    this.raw = memoryStorage({ runtime: this.simulation })
    this.store = new FaultyStorage(this.raw, this.simulation)
    const create = this.store.create.bind(this.store)
    this.store.create = async (path, bytes, options) => {
      this.creations++
      await this.simulation.sleep(ROUND_TRIP_MS)
      return create(path, bytes, options)
    }
    this.store.stage = undefined as unknown as FaultyStorage['stage']
    this.context = { storage: this.store, runtime: this.simulation, committer: fileSystemCommitter(this.store) }
  }

  async begin(): Promise<LogView> {
    await newTable(this.raw)
    return loadLog(this.raw, { runtime: this.simulation })
  }

  /** A logical commit; it may share. */
  submit(base: LogView, actions: readonly Action[], more: Partial<CommitRequest> = {}, options: CommitOptions = {}): Promise<CommitResult> {
    const request = { base, actions, operation: 'WRITE', operationParameters: { mode: 'Append' }, readSet: { appIds: [] }, ...more }
    const result = commitShared(this.context, request, options)
    result.catch(() => {})
    return result
  }

  /** Lets virtual time pass until everything has an outcome: the version, or the error. */
  outcomes(work: () => readonly Promise<CommitResult>[] | Promise<readonly Promise<CommitResult>[]>): Promise<unknown[]> {
    return this.simulation.run(async () =>
      Promise.all(
        (await work()).map((one) =>
          one.then(
            ({ version }) => version,
            (error: unknown) => error,
          ),
        ),
      ),
    )
  }

  log(): Promise<RawAction[][]> {
    return readRawLog(this.raw)
  }

  async paths(version: number): Promise<string[]> {
    return ((await this.log())[version] ?? []).flatMap(({ add: file }) => file?.path ?? [])
  }
}
