// Files as the version before a commit had them: for `remove` actions that name a path and say no more about it.
import { AlluviumError } from '../errors.js'
import { type DeletionVectorDescriptor, type LogView, loadLog, type PartitionValues, readCommitBytes } from '../log/index.js'
import type { Storage } from '../storage/storage.js'
import type { ChangedFile } from './file-changes.js'

/** Follows the log forward; ask for ascending versions. */
export class OlderFiles {
  readonly #storage: Storage
  readonly #signal: AbortSignal | undefined
  #view: LogView | undefined

  constructor(storage: Storage, signal: AbortSignal | undefined) {
    this.#storage = storage
    this.#signal = signal
  }

  /**
   * The partition values of a file that `version` removes.
   * @throws AlluviumError `VERSION_NOT_FOUND` where the version before is out of reach, `CORRUPT_LOG` where it has no such file
   */
  async partitionValues(file: ChangedFile, vector: DeletionVectorDescriptor | undefined, version: number): Promise<PartitionValues> {
    const view = version === 0 ? undefined : await this.#viewOf(version - 1)
    const row = view?.files.find(file.logPath, vector) ?? -1
    if (view !== undefined && row >= 0) return view.files.add(row).partitionValues
    throw new AlluviumError(
      'CORRUPT_LOG',
      `version ${version} removes ${file.logPath} without its partition values, and the version before has no such file: its rows cannot be told`,
      { version, path: file.logPath },
    )
  }

  async #viewOf(version: number): Promise<LogView> {
    const signal = this.#signal
    let view = this.#view
    if (view === undefined || view.version > version) view = await loadLog(this.#storage, { version, signal })
    while (view.version < version) {
      const next: number = view.version + 1
      view = view.applyCommit(next, await readCommitBytes(this.#storage, next, { signal }))
    }
    this.#view = view
    return view
  }
}
