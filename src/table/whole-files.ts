// Which files can be removed whole for a filter. By partition values where these alone decide; else by reading the rows,
// never by statistics: these may be wrong, which must cost time and not rows.
// Promises: C6 of spec/invariants.md.
import { AlluviumError } from '../errors.js'
import { type BoundFilter, partitionBounds } from '../filter/index.js'
import type { LogView } from '../log/index.js'
import { ReadAhead } from '../parquet/index.js'
import type { Storage } from '../storage/storage.js'
import { partitionOf, pruneFiles } from './prune.js'
import { openFile } from './read-file.js'
import { neededColumns } from './scan-plan.js'

const NAMED_FILES = 20

/**
 * The files (rows of the file view) all of whose rows the filter is true for, of those that have any such row.
 * @throws AlluviumError `INVALID_OPTIONS` where a file holds rows of both kinds, with the fact `files`; reading errors
 */
export async function filesWhollyMatching(storage: Storage, view: LogView, filter: BoundFilter, signal?: AbortSignal): Promise<number[]> {
  const { files } = await pruneFiles(view, filter, signal)
  const whole: number[] = []
  const mixed: string[] = []
  for (const row of files) {
    const matching = partitionDecides(view, filter, row) ? 'all' : await matchingRows(storage, view, filter, row, signal)
    if (matching === 'all') whole.push(row)
    else if (matching === 'some') mixed.push(view.files.path(row))
  }
  if (mixed.length === 0) return whole
  const named = mixed.slice(0, NAMED_FILES).join(', ')
  throw new AlluviumError(
    'INVALID_OPTIONS',
    `nothing was removed: ${mixed.length} files hold rows that are to go beside rows that stay (${named}${mixed.length > NAMED_FILES ? ', …' : ''}); only whole files can be removed, so choose a filter on partition columns or rewrite these files`,
    { files: mixed.slice(0, NAMED_FILES), fileCount: mixed.length },
  )
}

// A file has one value of each partition column, so a filter on nothing else is true for all of its rows or for none.
function partitionDecides(view: LogView, filter: BoundFilter, row: number): boolean {
  const { partitionColumns } = view.metadata
  if (!filter.columns.every((column) => partitionColumns.includes(column))) return false
  const bounds = new Map(
    filter.leaves.map(({ path: [name = ''], type }) => {
      const { values, ids } = partitionOf(view, name)
      return [name, partitionBounds(type, values[ids(row)] ?? null)]
    }),
  )
  return filter.mustMatch({ get: ([name]) => bounds.get(name as string) })
}

async function matchingRows(
  storage: Storage,
  view: LogView,
  filter: BoundFilter,
  row: number,
  signal: AbortSignal | undefined,
): Promise<'none' | 'some' | 'all'> {
  const needed = neededColumns(view.schema, { type: 'struct', fields: [] }, filter)
  const open = await openFile(storage, view, row, { needed, filter: undefined, batchRows: undefined, ahead: new ReadAhead(0), signal })
  let matching = false
  let others = false
  for await (const { batch, keep } of open.batches()) {
    const mask = filter.evaluate(batch)
    for (let i = 0; i < mask.length; i++) {
      if (keep !== undefined && keep[i] === 0) continue
      if (mask[i] === 1) matching = true
      else others = true
    }
    if (matching && others) return 'some'
  }
  return matching ? 'all' : 'none'
}
