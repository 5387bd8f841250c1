// The columns in data files that would keep the row ids of copied rows: their names belong to the table from the time that it
// tracks rows (PROTOCOL.md, "Row Tracking").
import type { Runtime } from '../runtime.js'
import { type TablePropertyMap, tableProperties } from '../schema/index.js'

const COLUMNS = [
  ['delta.rowTracking.materializedRowIdColumnName', '_row-id-col-'],
  ['delta.rowTracking.materializedRowCommitVersionColumnName', '_row-commit-version-col-'],
] as const

/** The properties of a table with these names in them, where rows are tracked. */
export function withRowIdColumns(configuration: TablePropertyMap, runtime: Runtime): TablePropertyMap {
  if (!tableProperties(configuration).enableRowTracking) return configuration
  const named = Object.assign(Object.create(null) as Record<string, string>, configuration)
  for (const [key, prefix] of COLUMNS) named[key] ??= `${prefix}${runtime.uuid()}`
  return named
}
