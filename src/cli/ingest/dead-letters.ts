// Records that do not fit, kept with what is wrong with them and where they came from, in a table of their own.
// A dead letter is durable before the position that passes over it: none is lost, and a restart writes none twice.

import { isAlluviumError } from '../../errors.js'
import type { InputFault } from '../../formats/index.js'
import { array, binary, long, schema, string, struct, timestamp } from '../../schema/index.js'
import { createStreamWriter } from '../../stream/index.js'
import { createTable, openTable } from '../../table/index.js'

const deadLetterSchema = schema({
  source: string().notNull(),
  record: long().notNull(),
  line: long(),
  faults: array(struct({ column: string(), value: string(), problem: string().notNull() }).notNull()).notNull(),
  raw: binary().notNull(),
  at: timestamp().notNull(),
})

export interface DeadLetters {
  /** Commits the records of these faults. Answers how many they are. */
  add(source: string, faults: readonly InputFault[]): Promise<number>
  close(): Promise<void>
}

/** Opens, or makes, the table of dead letters. @throws AlluviumError `SCHEMA_MISMATCH` when a table there has other columns. */
export async function openDeadLetters(path: string, appId: string | undefined): Promise<DeadLetters> {
  const table = await openTable(path, { schema: deadLetterSchema }).catch((error: unknown) => {
    if (isAlluviumError(error, 'NOT_A_TABLE')) return createTable(path, { schema: deadLetterSchema })
    throw error
  })
  const writer = await createStreamWriter(table, appId === undefined ? {} : { appId })
  return {
    add: async (source, faults) => {
      const byRecord = new Map<number, InputFault[]>()
      for (const fault of faults) byRecord.set(fault.record, [...(byRecord.get(fault.record) ?? []), fault])
      const records = [...byRecord.keys()].sort((a, b) => a - b)
      const at = BigInt(table.context.runtime.now()) * 1000n
      const rows = records.map((record) => {
        const all = byRecord.get(record) as InputFault[]
        const { line, raw } = all[0] as InputFault
        return {
          source,
          record,
          line: line === 0 ? null : line,
          faults: all.map(({ column, value, problem }) => ({ column, value, problem })),
          raw,
          at,
        }
      })
      if (rows.length > 0) {
        await writer.write(rows, { source, partition: 0, offsets: records })
        await writer.flush()
      }
      return rows.length
    },
    close: () => writer.close(),
  }
}
