// From the words of a command line to a store and a table.
import { AlluviumError } from '../errors.js'
import { localStorage } from '../storage/local.js'
import type { Storage } from '../storage/storage.js'
import { openTable, storageFor, type Table } from '../table/index.js'
import { type CommandInput, nearest, pairsOption, usageError } from './command.js'

const LOCAL_OPTIONS = ['durability']

/** The store of the table that the first word names. @throws AlluviumError `INVALID_OPTIONS` for options it does not have. */
export function storageOf(input: CommandInput): Storage {
  const target = input.positionals[0] as string
  const settings = pairsOption(input.options, 'storage')
  const store = storageFor(target) // refuses schemes that cannot be opened
  const unknown = Object.keys(settings).filter((key) => !LOCAL_OPTIONS.includes(key))
  if (unknown.length > 0) {
    const near = nearest(unknown[0] as string, LOCAL_OPTIONS)
    throw usageError(
      `local disk has no storage option ${unknown.join(', ')}${near === undefined ? `; it has ${LOCAL_OPTIONS.join(', ')}` : `; did you mean ${near}?`}`,
      { options: unknown },
    )
  }
  const { durability } = settings
  if (durability === undefined) return store
  if (durability !== 'full' && durability !== 'none') throw usageError('--storage durability is full or none')
  return localStorage(store.location, { durability })
}

/** Opens the table that the first word names, at the latest version or another. */
export async function tableOf(input: CommandInput, point: { readonly version?: number; readonly timestamp?: string } = {}): Promise<Table> {
  const allowedPaths = (input.options['allow-path'] as readonly string[] | undefined) ?? []
  return openTable(storageOf(input), { ...point, allowedPaths, signal: input.signal })
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
