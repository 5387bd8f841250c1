// Which sidecars of the newest checkpoint a new one refers to again, and which files it writes anew. A sidecar may stay as
// long as all its files are live. Rule: only sidecars that the newest checkpoint of the log names are ever used again,
// as those are what every cleaner of the log keeps. Pure.
import type { Sidecar } from '../actions.js'
import type { FileView } from '../file-view.js'
import type { Lineage } from '../log-view.js'
import { CHUNK_MASK } from '../row-chunk.js'

/** Adds in a sidecar at most. */
export const SIDECAR_ADDS = 50_000
// Smaller ones are put together once there are many of them.
const SMALL_ADDS: number = SIDECAR_ADDS / 2
const MAX_SMALL = 10
/** The tag of our sidecars that says in which columns they keep their files. */
export const COLUMNS_TAG = 'alluvium.columns'

/** A sidecar and the rows it holds. */
export interface HeldSidecar {
  readonly action: Sidecar
  readonly rows: Int32Array
}

export interface SidecarPlan {
  readonly reused: readonly HeldSidecar[]
  /** Rows for new sidecars, ascending, as many sidecars as entries. */
  readonly fresh: readonly Int32Array[]
}

/**
 * @param named the sidecars of the newest checkpoint
 * @param columns what {@link COLUMNS_TAG} must say
 */
export function planSidecars(files: FileView, lineage: Lineage, named: readonly Sidecar[], columns: string): SidecarPlan {
  const held = heldSidecars(files, lineage, named, columns)
  const small = held.filter(({ rows }) => rows.length < SMALL_ADDS)
  const reused = small.length > MAX_SMALL ? held.filter(({ rows }) => rows.length >= SMALL_ADDS) : held
  const covered = new Uint8Array(files.columns.rowCount)
  for (const { rows } of reused) for (const row of rows) covered[row] = 1
  const rest = files.liveRows().filter((row) => covered[row] === 0)
  const fresh: Int32Array[] = []
  for (let from = 0; from < rest.length; from += SIDECAR_ADDS) fresh.push(rest.subarray(from, from + SIDECAR_ADDS))
  return { reused, fresh }
}

// Sidecars whose rows are known and all live.
function heldSidecars(files: FileView, lineage: Lineage, named: readonly Sidecar[], columns: string): HeldSidecar[] {
  const wanted = new Map(named.filter(({ tags }) => tags?.[COLUMNS_TAG] === columns).map((action) => [action.path, action]))
  if (wanted.size === 0) return []
  const rowsOf = new Map<string, Int32Array>()
  for (const [path, rows] of lineage.sidecarRows) if (wanted.has(path) && rows.every((row) => files.isLive(row))) rowsOf.set(path, rows)
  for (const [path, rows] of rowsOfParts(files)) if (!rowsOf.has(path)) rowsOf.set(path, rows)
  const held: HeldSidecar[] = []
  for (const [path, action] of wanted) {
    const rows = rowsOf.get(path)
    if (rows !== undefined) held.push({ action, rows })
  }
  return held
}

// The live rows of the sidecars that the table was read from, for those that have lost none.
function rowsOfParts(files: FileView): Map<string, Int32Array> {
  const table = files.columns
  const lists = new Map<string, number[]>()
  const nameOf = table.sources.map(({ checkpoint }) =>
    checkpoint?.isPure === true ? checkpoint.path.slice(checkpoint.path.lastIndexOf('/') + 1) : undefined,
  )
  const sizes = new Map<string, number>()
  for (const [n, { checkpoint }] of table.sources.entries()) if (nameOf[n] !== undefined) sizes.set(nameOf[n], checkpoint?.numAdds ?? -1)
  if (sizes.size === 0) return new Map()
  for (const row of files.liveRows()) {
    const name = nameOf[table.chunkOf(row).source[row & CHUNK_MASK] as number]
    if (name === undefined) continue
    const list = lists.get(name)
    if (list === undefined) lists.set(name, [row])
    else list.push(row)
  }
  return new Map([...lists].filter(([name, rows]) => rows.length === sizes.get(name)).map(([name, rows]) => [name, Int32Array.from(rows)]))
}
