// A fresh file table that holds only what one view sees. Used when removed rows outweigh the live ones, and when a
// view that is not the newest must go its own way. Costs the live rows once.
import { FileTable, type Source } from './file-table.js'
import { CHUNK_MASK, FROM_CHECKPOINT, HAS_VECTOR, PARSE_LINE, type RowChunk } from './row-chunk.js'

/** The rows of `table` with the given numbers, in their order, as a table of their own that starts at `version`. */
export function rebuildTable(table: FileTable, rows: Int32Array, version: number): FileTable {
  const fresh = new FileTable(version, table.maxPartitionColumns)
  for (const column of table.partitionColumns) fresh.partitionColumns.push(column)
  fresh.expectKeys(rows.length)
  const kept = keepSources(table, rows, fresh)
  for (const row of rows) {
    copyRow(table, row, fresh, kept)
    fresh.put(fresh.rowCount - 1, version)
  }
  return fresh
}

// Sources that are mostly live text move over whole; the number of the new source, or -1 where lines are copied out.
function keepSources(table: FileTable, rows: Int32Array, fresh: FileTable): Int32Array {
  const used = new Float64Array(table.sources.length)
  for (const row of rows) {
    const chunk = table.chunkOf(row)
    const i = row & CHUNK_MASK
    const source = chunk.source[i] as number
    used[source] = (used[source] as number) + textLength(chunk, i)
  }
  return Int32Array.from(table.sources, (source: Source, n) => {
    const bytes = used[n] as number
    const worthIt = source.checkpoint !== undefined ? bytes > 0 : bytes * 2 >= source.bytes.length && bytes > 0
    return worthIt ? fresh.addSource(source) : -1
  })
}

function textLength(chunk: RowChunk, i: number): number {
  const flags = chunk.flags[i] as number
  if ((flags & FROM_CHECKPOINT) !== 0) return chunk.pathLength[i] as number
  return (chunk.lineLength[i] as number) + ((flags & PARSE_LINE) !== 0 ? (chunk.pathLength[i] as number) : 0)
}

function copyRow(table: FileTable, row: number, fresh: FileTable, kept: Int32Array): void {
  const from = table.chunkOf(row)
  const i = row & CHUNK_MASK
  const to = fresh.reserve()
  const j = fresh.rowCount & CHUNK_MASK
  const source = from.source[i] as number
  to.line[j] = from.line[i] as number
  to.lineLength[j] = from.lineLength[i] as number
  to.path[j] = from.path[i] as number
  to.pathLength[j] = from.pathLength[i] as number
  to.stats[j] = from.stats[i] as number
  to.statsLength[j] = from.statsLength[i] as number
  to.hash[j] = from.hash[i] as number
  to.removed[j] = 0
  to.flags[j] = from.flags[i] as number
  to.size[j] = from.size[i] as number
  to.modificationTime[j] = from.modificationTime[i] as number
  const target = kept[source] as number
  if (target >= 0) to.source[j] = target
  else moveText(fresh, to, j, (table.sources[source] as Source).bytes)
  for (let c = 0; c < from.partitions.length; c++) {
    const ids = from.partitions[c]
    if (ids !== undefined && ids[i] !== 0) to.partitionIds(c)[j] = ids[i] as number
  }
  const vector = ((from.flags[i] as number) & HAS_VECTOR) === 0 ? undefined : table.vectors.get(row)
  if (vector !== undefined) fresh.vectors.set(fresh.rowCount, vector)
  fresh.rowCount++
}

// A parsed line has its path right behind it (commit-scanner.ts), so both move as one piece.
function moveText(fresh: FileTable, chunk: RowChunk, i: number, bytes: Uint8Array): void {
  const length = chunk.lineLength[i] as number
  chunk.lineLength[i] = textLength(chunk, i)
  fresh.moveLine(chunk, i, bytes)
  chunk.lineLength[i] = length
}
