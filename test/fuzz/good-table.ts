// A table that is in order, to be read again and again between inputs: a trap in the codec must leave nothing behind.
import { codecReplacements } from '../../src/parquet/engine.js'
import { parseColumns } from '../../src/schema/index.js'
import { memoryStorage } from '../../src/storage/memory.js'
import { createTable, openTable } from '../../src/table/open.js'
import { rowText } from '../hostile/outcome.js'

/** How often the codec had to be replaced. */
export function codecReplaced(): number {
  return codecReplacements()
}

/** Makes the table; the answer reads it, and says what differs from the first time. */
export async function goodTable(): Promise<() => Promise<string | undefined>> {
  const storage = memoryStorage()
  const schema = parseColumns(
    'id long, name string, tags array<string>, m map<string,int>, s struct<a:double,b:decimal(12,2)>, at timestamp',
  )
  const table = await createTable(storage, { schema })
  const rows = Array.from({ length: 200 }, (_, i) => ({
    id: BigInt(i) * 10_000_000_019n,
    name: i % 7 === 0 ? null : `name ${i % 13}`,
    tags: i % 5 === 0 ? null : [`t${i}`, null],
    m: new Map([[`k${i}`, i]]),
    s: { a: i / 3, b: `${i}.25` },
    at: BigInt(i) * 1_000_003n,
  }))
  await table.append(rows as never)
  const expected = rows.map((row) => rowText({ ...row, s: { a: row.s.a, b: row.s.b } })).join('\n')
  return async () => {
    try {
      const read = await (await openTable(storage)).scan().toArray({ timestamps: 'micros' })
      const text = read.map(rowText).join('\n')
      return text === expected ? undefined : `${text.slice(0, 300)} where ${expected.slice(0, 300)} was written`
    } catch (error) {
      return error instanceof Error ? (error.stack ?? error.message) : String(error)
    }
  }
}
