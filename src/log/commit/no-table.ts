// A table is made where there is none.
import type { Storage } from '../../storage/storage.js'
import { LOG_FOLDER, parseLogName } from '../file-names.js'
import { alreadyExistsError } from './outcomes.js'

/**
 * Version 0 may be free although there is a table: a log that was cleaned begins later.
 * @throws AlluviumError `ALREADY_EXISTS`, storage errors
 */
export async function assertNoTable(storage: Storage, { signal }: { readonly signal: AbortSignal }): Promise<void> {
  for await (const page of storage.list(LOG_FOLDER, { signal })) {
    for (const { path } of page) {
      const file = parseLogName(path.slice(LOG_FOLDER.length + 1))
      if (file !== undefined && file.kind !== 'last-checkpoint') throw alreadyExistsError(storage.location)
    }
  }
}
