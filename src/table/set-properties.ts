// Changing table properties: one metaData action that keeps everything else (PROTOCOL.md, "Change Metadata").
import { AlluviumError } from '../errors.js'
import type { CommitOptions } from '../log/commit/index.js'
import { columnMappingMode, hasFeature, type LogView, type Metadata } from '../log/index.js'
import { checkProperties, featuresOfProperties } from '../schema/index.js'
import { type TableContext, Transaction } from './transaction.js'

/** Commits the change and answers the view of its version; the same view when nothing changes. */
export async function changeProperties(
  context: TableContext,
  base: LogView,
  set: Readonly<Record<string, string>>,
  unset: readonly string[],
  options: CommitOptions,
): Promise<LogView> {
  const normal = checkProperties(set)
  const both = unset.filter((key) => Object.hasOwn(normal, key))
  if (both.length > 0)
    throw new AlluviumError('INVALID_OPTIONS', `${both.join(', ')} cannot be set and unset at once`, { properties: both })
  const before = base.metadata.configuration
  const configuration = Object.create(null) as Record<string, string>
  for (const [key, value] of Object.entries(before)) if (!unset.includes(key)) configuration[key] = value
  for (const [key, value] of Object.entries(normal)) configuration[key] = value
  if (sameConfiguration(before, configuration)) return base
  const lacking = featuresOfProperties(configuration).filter((name) => !hasFeature(base.protocol, name))
  if (lacking.length > 0) {
    throw new AlluviumError(
      'INVALID_OPTIONS',
      `these properties need the table feature ${lacking.join(', ')}, which this table does not have; make the table with delta.feature.NAME=supported`,
      {
        features: lacking,
      },
    )
  }
  const metadata: Metadata = { ...base.metadata, configuration }
  if (columnMappingMode(base.protocol, metadata) !== columnMappingMode(base.protocol, base.metadata)) {
    throw new AlluviumError(
      'INVALID_OPTIONS',
      'delta.columnMapping.mode is chosen when a table is made: the names of columns in its files cannot be changed',
      {
        properties: ['delta.columnMapping.mode'],
      },
    )
  }
  const removedOnly = Object.keys(normal).length === 0
  const { view } = await new Transaction(context, base).setMetadata(metadata).commit(
    {
      operation: removedOnly ? 'UNSET TBLPROPERTIES' : 'SET TBLPROPERTIES',
      operationParameters: {
        properties: JSON.stringify(removedOnly ? unset : normal),
        ...(unset.length > 0 && !removedOnly ? { unset: JSON.stringify(unset) } : {}),
      },
    },
    options,
  )
  return view
}

function sameConfiguration(a: Readonly<Record<string, string>>, b: Readonly<Record<string, string>>): boolean {
  const keys = Object.keys(a)
  return keys.length === Object.keys(b).length && keys.every((key) => Object.hasOwn(b, key) && a[key] === b[key])
}
