// One table in memory, in virtual time, behind a store that counts calls and can be made to fail.
import { expect } from 'vitest'
import { AlluviumError } from '../../../src/errors.js'
import type { Action, AddFile } from '../../../src/log/actions.js'
import { type CommitOptions, type CommitRequest, type CommitResult, commit, fileSystemCommitter } from '../../../src/log/commit/index.js'
import { type LogView, loadLog } from '../../../src/log/index.js'
import { memoryStorage } from '../../../src/storage/memory.js'
import type { Storage } from '../../../src/storage/storage.js'
import { type Counted, counting } from './counting.js'
import { readRawLog } from './ledger.js'
import { METADATA, newTable } from './rig.js'
import { Simulation } from './simulation.js'

export const add = (path: string): AddFile => ({ kind: 'add', path, partitionValues: {}, size: 1, modificationTime: 1, dataChange: true })
export const paths = (view: LogView): string[] => [...view.files.liveRows()].map((row) => view.files.path(row)).sort()
export const creation: Action[] = [
  { kind: 'protocol', minReaderVersion: 1, minWriterVersion: 2 },
  { kind: 'metaData', ...METADATA },
]

export class Scene {
  readonly simulation = new Simulation(1)
  readonly raw: Storage = memoryStorage({ runtime: this.simulation })
  readonly counted: Counted = counting(this.raw)
  readonly storage = this.counted.storage

  async begin(): Promise<LogView> {
    await newTable(this.raw)
    return loadLog(this.raw, { runtime: this.simulation })
  }

  commit(
    base: LogView | undefined,
    actions: readonly Action[],
    more: Partial<CommitRequest> = {},
    options: CommitOptions = {},
  ): Promise<CommitResult> {
    const context = { storage: this.storage, runtime: this.simulation, committer: fileSystemCommitter(this.storage, this.simulation) }
    const request = { base, actions, operation: 'WRITE', operationParameters: { mode: 'Append' }, readSet: { appIds: [] }, ...more }
    return this.simulation.run(() => commit(context, request, options))
  }

  async fails(...args: Parameters<Scene['commit']>): Promise<AlluviumError> {
    const error = await this.commit(...args).then(
      () => new Error('it was committed'),
      (error: unknown) => error,
    )
    expect(error).toBeInstanceOf(AlluviumError)
    return error as AlluviumError
  }

  async versions(): Promise<number> {
    return (await readRawLog(this.raw)).length
  }
}
