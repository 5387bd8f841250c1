// Row ids: no two rows have ever had one id, and a row keeps the one that it has.
import type { Ledger } from '../ledger.js'
import type { LoggedCommit } from '../log-reading.js'

export function checkRowIds(commits: readonly LoggedCommit[], ledger: Ledger, faults: string[]): void {
  checkRanges(commits, faults)
  const idOf = new Map<number, bigint>()
  const rowOf = new Map<bigint, number>()
  for (const { by, version, ids, rowIds } of ledger.sightings) {
    if (rowIds === undefined) continue
    for (const [n, id] of ids.entries()) {
      const rowId = rowIds[n] as bigint
      const known = idOf.get(id)
      if (known !== undefined && known !== rowId) faults.push(`${by} read row ${id} of version ${version} as ${rowId}, it was ${known}`)
      const other = rowOf.get(rowId)
      if (other !== undefined && other !== id) faults.push(`${by} read rows ${id} and ${other} under one id, ${rowId}`)
      idOf.set(id, rowId)
      rowOf.set(rowId, id)
    }
  }
}

// Every file has a range of its own, of as many ids as it has rows.
function checkRanges(commits: readonly LoggedCommit[], faults: string[]): void {
  const ranges = new Map<string, { from: number; to: number }>()
  for (const { adds } of commits) {
    for (const { path, baseRowId, ids, vector } of adds) {
      if (baseRowId === undefined) continue
      const known = ranges.get(path)
      if (known === undefined) ranges.set(path, { from: baseRowId, to: baseRowId + Math.max(ids.length, vector === undefined ? 0 : 1) })
      else if (known.from !== baseRowId) faults.push(`${path} has row ids from ${baseRowId}, it had them from ${known.from}`)
    }
  }
  const sorted = [...ranges].sort(([, a], [, b]) => a.from - b.from)
  for (const [n, [path, { from }]] of sorted.entries()) {
    const before = sorted[n - 1]
    if (before !== undefined && before[1].to > from) faults.push(`${path} and ${before[0]} share row ids from ${from} on`)
  }
}
