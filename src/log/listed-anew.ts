// A log that is being cleaned loses files between their listing and their reading, or between two pages of a listing: what is listed
// then is as good. Rule: only a file that is gone excuses what was read; any other fault is one.
import { isAlluviumError } from '../errors.js'
import type { Storage } from '../storage/storage.js'

const TIMES = 3

/** Does work that lists the log and reads it, again where a file that it missed is gone. Told how often it was done before. */
export async function listedAnew<T>(storage: Storage, signal: AbortSignal | undefined, work: (again: number) => Promise<T>): Promise<T> {
  for (let again = 0; ; again++) {
    try {
      return await work(again)
    } catch (error) {
      if (again === TIMES || !(await isGone(storage, error, signal))) throw error
    }
  }
}

async function isGone(storage: Storage, error: unknown, signal: AbortSignal | undefined): Promise<boolean> {
  if (!isAlluviumError(error, 'CORRUPT_LOG', 'CORRUPT_CHECKPOINT') || typeof error.facts.path !== 'string') return false
  return (await storage.stat(error.facts.path, { signal })) === undefined
}
