// What happens when everything of a table is looked at: its rows, or the code of the error that stopped it.
// One rule: an error that is no typed one is a defect, whatever it says.
import { inspect } from 'node:util'
import { isAlluviumError } from '../../src/errors.js'
import type { Storage } from '../../src/storage/storage.js'
import { openTable } from '../../src/table/open.js'
import type { Table } from '../../src/table/table.js'

/** `rows` are texts in the form of {@link rowText}; `code` is an error's, with its message. */
export type Outcome = { readonly rows: readonly string[] } | { readonly code: string; readonly message: string }

export type Act = (table: Table) => Promise<readonly object[]>

/** Runs `act` (by default: look at everything) on the table in the store. Never throws. */
export async function outcomeOf(target: Storage | string, act: Act = lookAtEverything): Promise<Outcome> {
  try {
    const table = await openTable(target)
    return { rows: (await act(table)).map(rowText) }
  } catch (error) {
    if (isAlluviumError(error)) return { code: error.code, message: error.message }
    return { code: `untyped: ${error instanceof Error ? error.stack : inspect(error)}`, message: '' }
  }
}

/** Reads all rows, and whatever else a table tells about itself; the answers must agree with each other. */
export async function lookAtEverything(table: Table): Promise<readonly object[]> {
  const snapshot = await table.snapshot()
  const scan = snapshot.scan()
  const rows = await scan.toArray({ timestamps: 'micros' })
  const count = await snapshot.scan().count()
  if (count !== rows.length) throw new Error(`${rows.length} rows, but a count of ${count}`)
  await scan.explain()
  let files = 0
  for await (const file of snapshot.files()) files += file.path === '' ? 0 : 1
  if (files !== snapshot.numFiles) throw new Error(`${files} files, but numFiles is ${snapshot.numFiles}`)
  inspect([snapshot.properties, snapshot.positions, snapshot.protocol, snapshot.metadata, snapshot.schema])
  await table.history({ limit: 10 })
  await table.properties()
  return rows
}

/** A value as a text that shows types: `{a:1n,b:"x"}`. Own keys only, `__proto__` included. */
export function rowText(value: unknown): string {
  if (typeof value === 'bigint') return `${value}n`
  if (typeof value === 'number') return Object.is(value, -0) ? '-0' : String(value)
  if (value instanceof Date) return `@${value.toISOString()}`
  if (value instanceof Uint8Array) return `x${Buffer.from(value).toString('hex')}`
  if (Array.isArray(value)) return `[${value.map(rowText).join(',')}]`
  if (value instanceof Map) return `Map{${[...value].map(([key, member]) => `${rowText(key)}:${rowText(member)}`).join(',')}}`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'undefined'
  return `{${Reflect.ownKeys(value)
    .map((key) => `${String(key)}:${rowText((value as Record<PropertyKey, unknown>)[key])}`)
    .join(',')}}`
}
