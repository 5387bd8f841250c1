// A file that lists the files of a table's folder, as `vacuum --inventory` takes it: columns `path`, `length`, `isDir` and
// `modificationTime` (milliseconds since 1970), the ones that Spark's VACUUM … USING INVENTORY wants, in any form of input.
import { rowsOf } from '../arrow/index.js'
import type { InventoryFile } from '../compaction/index.js'
import { AlluviumError } from '../errors.js'
import { createDecoder, type DecodedBatch, openInput } from '../formats/index.js'
import { parseColumns } from '../schema/index.js'
import { openSource } from './ingest/source.js'

const COLUMNS = parseColumns('path string not null, length long not null, isDir boolean, modificationTime long not null')
const LIMITS = { ignoreUnknown: true }

/** Reads an inventory, as it is asked for. @throws AlluviumError `INVALID_OPTIONS` naming the first entry that is none; storage errors */
export async function* readInventory(name: string): AsyncGenerator<InventoryFile> {
  const source = await openSource(name, undefined, process.stdin)
  try {
    for await (const { batch, faults } of batches(source)) {
      const [fault] = faults
      if (fault !== undefined) {
        throw new AlluviumError(
          'INVALID_OPTIONS',
          `${name} is no inventory: record ${fault.record}, column ${fault.column}: ${fault.problem}; it wants the columns path, length, isDir and modificationTime`,
          { file: name, record: fault.record, column: fault.column },
        )
      }
      for (const { path, length, isDir, modificationTime } of rowsOf(batch, COLUMNS) as unknown as Entry[])
        if (isDir !== true) yield { path, sizeBytes: Number(length), modifiedMs: Number(modificationTime) }
    }
  } finally {
    await source.close()
  }
}

interface Entry {
  readonly path: string
  readonly length: bigint
  readonly isDir: boolean | null
  readonly modificationTime: bigint
}

async function* batches(source: Awaited<ReturnType<typeof openSource>>): AsyncGenerator<DecodedBatch> {
  if (source.format === 'parquet' || source.format === 'arrow') {
    const input = await openInput(source.format, await source.bytes(), { name: source.name })
    yield* input.read(COLUMNS, LIMITS)
    return
  }
  const decoder = createDecoder(source.format, COLUMNS, LIMITS)
  for await (const chunk of source.chunks()) yield* decoder.push(chunk)
  yield* decoder.end()
}
