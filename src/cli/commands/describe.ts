// describe: the facts of a version.
import { parseJson } from '../../json.js'
import { type ChecksumReport, commitTimestamp } from '../../log/index.js'
import { formatColumns, formatSchema } from '../../schema/index.js'
import { type Command, numberOption } from '../command.js'
import { tableOf } from '../target.js'

export const describe: Command = {
  name: 'describe',
  usage: 'TABLE [--version N]',
  summary: 'the facts of a version: protocol, schema, properties, size, positions',
  options: { version: { type: 'string', value: 'N', help: 'this version; the latest when absent' } },
  examples: ['alluvium describe ./events', 'alluvium describe ./events --json'],
  positionals: [1, 1],
  run: async (input) => {
    const { options, output, signal } = input
    const wanted = numberOption(options, 'version')
    const table = await tableOf(input)
    const snapshot = await table.snapshot({ ...(wanted === undefined ? {} : { version: wanted }), signal })
    const { version, protocol, metadata, schema, partitionColumns, properties, numFiles, sizeBytes, positions } = snapshot
    const timestamp = await commitTimestamp(table.context.storage, version, { signal })
    const checksum = await snapshot.view.verifyChecksum(table.context.storage, { signal })
    const { minReaderVersion, minWriterVersion, readerFeatures = null, writerFeatures = null } = protocol
    if (output.json) {
      return output.object({
        version,
        timestamp,
        id: metadata.id,
        name: metadata.name ?? null,
        description: metadata.description ?? null,
        protocol: { minReaderVersion, minWriterVersion, readerFeatures, writerFeatures },
        schema: parseJson(formatSchema(schema)),
        partitionColumns,
        properties,
        numFiles,
        sizeBytes,
        positions: Object.fromEntries([...positions].map(([appId, position]) => [appId, String(position)])),
        checksum: { state: checksum.state, detail: checksum.detail ?? null },
      })
    }
    const lines: [string, string][] = [
      ['location', table.location],
      ['version', `${version} (${new Date(timestamp).toISOString()})`],
      ['id', metadata.id],
      ['name', metadata.name ?? ''],
      ['protocol', `reader ${minReaderVersion}, writer ${minWriterVersion}${features(readerFeatures, writerFeatures)}`],
      ['columns', formatColumns(schema)],
      ['partitioned by', partitionColumns.join(', ')],
      ['files', `${numFiles}, ${sizeBytes} bytes`],
      ['checksum', checksumText(checksum)],
      ...Object.entries(properties).map(([key, value]): [string, string] => ['property', `${key} = ${value}`]),
      ...[...positions].map(([appId, position]): [string, string] => ['position', `${appId} at ${position}`]),
    ]
    for (const [label, value] of lines) if (value !== '') await output.line(`${`${label}:`.padEnd(16)}${value}`)
  },
}

// Most writers leave none: nothing to say then.
function checksumText({ state, detail }: ChecksumReport): string {
  if (state === 'absent') return ''
  return detail === undefined ? state : `${state}: ${detail}`
}

function features(reader: readonly string[] | null, writer: readonly string[] | null): string {
  const names = [...new Set([...(reader ?? []), ...(writer ?? [])])]
  return names.length === 0 ? '' : ` (${names.join(', ')})`
}
