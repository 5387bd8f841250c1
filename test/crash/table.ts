// The table that is written, killed and read: its columns, and one reading of it in a process of its own.

import { parseColumns } from '../../src/schema/index.js'
import { localStorage } from '../../src/storage/local.js'
import { createTable, openTable } from '../../src/table/index.js'

export async function makeTable(root: string): Promise<void> {
  await createTable(root, {
    schema: parseColumns('id long not null, p string, pad string'),
    partitionBy: ['p'],
    properties: { 'delta.checkpointInterval': '10' },
  })
}

/** The ids of a version, by whoever is asked for it. */
export interface Reading {
  readonly latest: number
  readonly ids: readonly number[]
}

/** Opens the table as a program does that has never seen it, and reads one version. */
export async function readVersion(root: string, version: number): Promise<Reading> {
  const table = await openTable(localStorage(root))
  const latest = await table.snapshot()
  const snapshot = latest.version === version ? latest : await table.snapshot({ version })
  const rows = await snapshot.scan({ columns: ['id'] }).toArray()
  return { latest: latest.version, ids: rows.map(({ id }) => Number(id as bigint)) }
}
