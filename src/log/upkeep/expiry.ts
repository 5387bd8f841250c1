// When what a table remembers may be forgotten, by its properties. Pure.
import { tableProperties } from '../../schema/index.js'
import type { Metadata, Txn } from '../actions.js'

/** The transactions of a table that have not expired: with `delta.setTransactionRetentionDuration`, one without a time has. */
export function liveTxns(metadata: Metadata, txns: ReadonlyMap<string, Txn>, nowMs: number): Txn[] {
  const retentionMs = tableProperties(metadata.configuration).setTransactionRetentionDurationMs
  if (retentionMs === undefined) return [...txns.values()]
  return [...txns.values()].filter(({ lastUpdated }) => lastUpdated !== undefined && lastUpdated > nowMs - retentionMs)
}
