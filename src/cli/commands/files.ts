// files: the data files of a version, or those that a scan would read.
import { parseJson } from '../../json.js'
import type { AddFile } from '../../log/index.js'
import { type Command, textOption } from '../command.js'
import { formatTable } from '../output.js'
import { snapshotOf, VERSION_OPTIONS } from '../snapshot.js'

export const files: Command = {
  name: 'files',
  usage: 'TABLE [--version N | --timestamp T] [--where EXPR]',
  summary: 'the data files of a version, or those that a scan would read',
  options: {
    ...VERSION_OPTIONS,
    where: { type: 'string', value: 'EXPR', help: 'only files that may hold matching rows' },
  },
  examples: ['alluvium files ./events', `alluvium files ./events --where "player = 'kim'" --json`],
  positionals: [1, 1],
  run: async (input) => {
    const { options, output, signal } = input
    const where = textOption(options, 'where')
    const { snapshot } = await snapshotOf(input)
    const rows: string[][] = []
    for await (const file of snapshot.files({ ...(where === undefined ? {} : { where }), signal })) {
      const { path, size, partitionValues, stats, deletionVector } = file
      if (output.json) {
        const facts = { path, sizeBytes: size, partitionValues, stats: parsedStats(stats), deletionVector: deletionVector ?? null }
        await output.object({ ...facts, ...rowTracking(file) })
        continue
      }
      rows.push([
        path,
        String(size),
        rowCount(stats, deletionVector?.cardinality ?? 0),
        Object.entries(partitionValues)
          .map(([key, value]) => `${key}=${value ?? 'null'}`)
          .join(' '),
      ])
    }
    if (output.json) return
    await output.write(formatTable(['path', 'bytes', 'rows', 'partition'], rows))
    output.note(`${rows.length} of ${snapshot.numFiles} files`)
  },
}

// Only tables that track rows have these.
function rowTracking({ baseRowId, defaultRowCommitVersion }: AddFile): object {
  return {
    ...(baseRowId === undefined ? {} : { baseRowId }),
    ...(defaultRowCommitVersion === undefined ? {} : { defaultRowCommitVersion }),
  }
}

// Statistics that are not JSON are shown as the text they are.
function parsedStats(stats: string | undefined): unknown {
  if (stats === undefined) return null
  try {
    return parseJson(stats)
  } catch {
    return stats
  }
}

// Statistics count the rows of the file, deleted ones too.
function rowCount(stats: string | undefined, deleted: number): string {
  const parsed = parsedStats(stats)
  const count = typeof parsed === 'object' && parsed !== null ? (parsed as { numRecords?: unknown }).numRecords : undefined
  return typeof count === 'number' ? String(count - deleted) : ''
}
