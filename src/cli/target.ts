// From the words of a command line to a store and a table.
import { AlluviumError } from '../errors.js'
import type { Storage } from '../storage/storage.js'
import { openTable, storageFor, type Table, type UpkeepReport } from '../table/index.js'
import { type CommandInput, pairsOption } from './command.js'
import type { Output } from './output.js'

/** The store of the table that a word names, the first one by default. @throws AlluviumError `INVALID_OPTIONS` with all faults. */
export async function storageOf(input: CommandInput, word = 0): Promise<Storage> {
  return storageFor(input.positionals[word] as string, pairsOption(input.options, 'storage'))
}

/** Opens the table that the first word names, at the latest version or another. */
export async function tableOf(input: CommandInput, point: { readonly version?: number; readonly timestamp?: string } = {}): Promise<Table> {
  const allowedPaths = (input.options['allow-path'] as readonly string[] | undefined) ?? []
  const storage = pairsOption(input.options, 'storage')
  return openTable(input.positionals[0] as string, {
    ...point,
    storage,
    allowedPaths,
    signal: input.signal,
    onUpkeep: warnOfUpkeep(input.output),
  })
}

/** Tells of a checkpoint or a cleaning that did not succeed: the commits before it stand all the same. */
function warnOfUpkeep(output: Output): (report: UpkeepReport) => void {
  return (report) => {
    // A checksum helps others only, and every commit has one.
    if (report.kind === 'failure' && report.what !== 'checksum')
      output.warn(`the ${report.what} after version ${report.version} failed: ${report.error.message}`)
  }
}

/** Opens the table, or answers undefined where there is none. */
export async function tableIfAny(storage: Storage, signal: AbortSignal): Promise<Table | undefined> {
  try {
    return await openTable(storage, { signal })
  } catch (error) {
    if (error instanceof AlluviumError && error.code === 'NOT_A_TABLE') return undefined
    throw error
  }
}
