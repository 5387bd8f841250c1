// Exactly once: every offset up to a partition's position is in the table, in the commit that took the position over it.
import { hasRow, type Ledger, streamId, streamPlace } from '../ledger.js'
import type { LoggedCommit } from '../log-reading.js'

export function checkStreams(commits: readonly LoggedCommit[], ledger: Ledger, faults: string[]): void {
  const positions = new Map<number, number>()
  const seen = new Map<number, number>()
  const known = new Set<string>()
  for (const { version, adds, txns } of commits) {
    const before = new Map(positions)
    for (const { appId, version: position } of txns) {
      const partition = /^stream\/topic\/(\d+)$/.exec(appId)?.[1]
      if (partition !== undefined) positions.set(Number(partition), position)
    }
    for (const { path, dataChange, ids } of adds) {
      const isNew = dataChange && !known.has(path)
      known.add(path)
      for (const id of isNew ? ids : []) {
        const place = streamPlace(id)
        if (place === undefined) continue
        seen.set(id, version)
        const from = before.get(place.partition) ?? -1
        const to = positions.get(place.partition) ?? -1
        if (place.offset <= from || place.offset > to)
          faults.push(`version ${version} holds offset ${place.offset} of ${place.partition}, and takes its position from ${from} to ${to}`)
      }
    }
  }
  for (const [partition, position] of positions) {
    for (let offset = 0; offset <= position; offset++) {
      if (hasRow(offset) && !seen.has(streamId(partition, offset)))
        faults.push(`offset ${offset} of partition ${partition} is missing, its position is ${position}`)
    }
  }
  for (const { partition, offset, version } of ledger.streamAcks) {
    const at = seen.get(streamId(partition, offset))
    if (!hasRow(offset) || (at !== undefined && at <= version)) continue
    const what = at === undefined ? 'lost' : `in ${at}`
    faults.push(`offset ${offset} of partition ${partition} was acknowledged at version ${version}, and is ${what}`)
  }
}
