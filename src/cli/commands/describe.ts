// describe: the facts of a version.
import { isAlluviumError } from '../../errors.js'
import { parseJson } from '../../json.js'
import { type ChecksumReport, commitTimestamp } from '../../log/index.js'
import { formatColumns, formatPath, formatSchema } from '../../schema/index.js'
import type { Snapshot } from '../../table/index.js'
import type { Command } from '../command.js'
import { snapshotOf, VERSION_OPTIONS } from '../snapshot.js'

export const describe: Command = {
  name: 'describe',
  usage: 'TABLE [--version N | --timestamp T]',
  summary: 'the facts of a version: protocol, schema, properties, size, positions',
  options: VERSION_OPTIONS,
  examples: ['alluvium describe ./events', 'alluvium describe ./events --json'],
  positionals: [1, 1],
  run: async (input) => {
    const { output, signal } = input
    const { table, snapshot } = await snapshotOf(input)
    const { version, protocol, metadata, schema, partitionColumns, properties, numFiles, sizeBytes, positions } = snapshot
    const timestamp = await commitTimestamp(table.context.storage, version, { signal })
    const checksum = await snapshot.view.verifyChecksum(table.context.storage, { signal })
    const clustering = clusteringOf(snapshot)
    const domains = [...snapshot.domainMetadata.values()]
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
        clusteringColumns: clustering,
        properties,
        numFiles,
        sizeBytes,
        positions: Object.fromEntries([...positions].map(([appId, position]) => [appId, String(position)])),
        domainMetadata: Object.fromEntries(domains.map(({ domain, configuration }) => [domain, configuration])),
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
      ['clustered by', (clustering ?? []).map(formatPath).join(', ')],
      ['files', `${numFiles}, ${sizeBytes} bytes`],
      ['checksum', checksumText(checksum)],
      ...Object.entries(properties).map(([key, value]): [string, string] => ['property', `${key} = ${value}`]),
      ...[...positions].map(([appId, position]): [string, string] => ['position', `${appId} at ${position}`]),
      ...domains.map(({ domain, configuration }): [string, string] => ['domain', `${domain} = ${configuration}`]),
    ]
    for (const [label, value] of lines) if (value !== '') await output.line(`${`${label}:`.padEnd(16)}${value}`)
  },
}

// Null where the log says it in a way that nobody knows: its words are shown among the domains.
function clusteringOf(snapshot: Snapshot): readonly (readonly string[])[] | null {
  try {
    return snapshot.clusteringColumns
  } catch (error) {
    if (isAlluviumError(error, 'CORRUPT_LOG')) return null
    throw error
  }
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
