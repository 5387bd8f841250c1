// What a table becomes by new properties or columns: its metadata, and the protocol where these need more of it. Pure.
// Rule: existing files stay what they are and stay readable; a change that would need them rewritten is refused.
import { AlluviumError } from '../errors.js'
import { columnMappingMode, featuresOf, findFeature, hasFeature, type Metadata, type Protocol } from '../log/index.js'
import {
  checkPropertiesAndProtocol,
  containsType,
  type Field,
  featuresOfProperties,
  type StructType,
  sameType,
  typeName,
} from '../schema/index.js'

export interface Form {
  readonly protocol: Protocol
  readonly metadata: Metadata
}

// Features that a table may get when it is there already: they ask nothing of the files that it has.
const ADDABLE: ReadonlySet<string> = new Set([
  'appendOnly',
  'changeDataFeed',
  'deletionVectors',
  'domainMetadata',
  'inCommitTimestamp',
  'rowTracking',
  'timestampNtz',
  'typeWidening',
  'v2Checkpoint',
  'vacuumProtocolCheck',
])
const NEEDED_BY: Readonly<Record<string, readonly string[]>> = { rowTracking: ['domainMetadata'] }

/**
 * The table with some properties set and others unset; the same object when nothing changes. `delta.feature.NAME = supported`
 * adds a feature.
 * @throws AlluviumError `INVALID_OPTIONS`
 */
export function withProperties(form: Form, set: Readonly<Record<string, string>>, unset: readonly string[]): Form {
  const { configuration: normal, protocol: wishes } = checkPropertiesAndProtocol(set)
  const both = unset.filter((key) => Object.hasOwn(normal, key))
  if (both.length > 0) throw invalid(`${both.join(', ')} cannot be set and unset at once`, { properties: both })
  if (wishes.minReaderVersion !== undefined || wishes.minWriterVersion !== undefined)
    throw invalid('the versions of the protocol follow from the features; set delta.feature.NAME = supported instead', {
      properties: ['delta.minReaderVersion', 'delta.minWriterVersion'],
    })
  const before = form.metadata.configuration
  const configuration = Object.create(null) as Record<string, string>
  for (const [key, value] of Object.entries(before)) if (!unset.includes(key)) configuration[key] = value
  for (const [key, value] of Object.entries(normal)) configuration[key] = value
  const protocol = withFeatures(form.protocol, [...wishes.features, ...featuresOfProperties(configuration)])
  if (protocol === form.protocol && sameConfiguration(before, configuration)) return form
  const metadata: Metadata = sameConfiguration(before, configuration) ? form.metadata : { ...form.metadata, configuration }
  if (columnMappingMode(protocol, metadata) !== columnMappingMode(form.protocol, form.metadata)) {
    throw invalid('delta.columnMapping.mode is chosen when a table is made: the names of columns in its files cannot be changed', {
      properties: ['delta.columnMapping.mode'],
    })
  }
  return { protocol, metadata }
}

/**
 * The protocol with features added, and with what they need; the same object when it has them all. Features that old versions
 * imply are listed then by name (PROTOCOL.md, "Table Features for New and Existing Tables").
 * @throws AlluviumError `INVALID_OPTIONS` for a feature that an existing table cannot get here
 */
export function withFeatures(protocol: Protocol, names: readonly string[]): Protocol {
  const wanted = names.map((name) => findFeature(name)?.name ?? name)
  const lacking = [...new Set(wanted.flatMap((name) => [name, ...(NEEDED_BY[name] ?? [])]))].filter((name) => !hasFeature(protocol, name))
  if (lacking.length === 0) return protocol
  const refused = lacking.filter((name) => !ADDABLE.has(name))
  if (refused.length > 0) {
    throw invalid(
      `this table does not have the table feature ${refused.join(', ')}, and a table that is there already cannot get it; make the table with delta.feature.NAME=supported`,
      { features: refused },
    )
  }
  const { reader, writer } = featuresOf(protocol)
  const isReader = (name: string): boolean => findFeature(name)?.reader === true
  const readerFeatures = [...new Set([...reader, ...lacking.filter(isReader)])].sort()
  const writerFeatures = [...new Set([...writer, ...reader, ...lacking])].sort()
  const { minReaderVersion, unknown } = protocol
  const kept = { kind: 'protocol', minWriterVersion: 7, writerFeatures, ...(unknown === undefined ? {} : { unknown }) } as const
  if (minReaderVersion < 3 && !lacking.some(isReader)) return { ...kept, minReaderVersion }
  return { ...kept, minReaderVersion: 3, readerFeatures }
}

/**
 * The table with another schema: its columns as they are, in their order, with columns added that may be null. A column may lose
 * NOT NULL and get another comment.
 * @throws AlluviumError `SCHEMA_MISMATCH` with every column that is no such change; `UNSUPPORTED_FEATURE` where columns are mapped
 */
export function withColumns(
  form: Form,
  before: StructType,
  wanted: StructType,
): { readonly protocol: Protocol; readonly schema: StructType } {
  const faults: string[] = []
  for (const { name } of before.fields)
    if (!wanted.fields.some((field) => field.name === name)) faults.push(`column ${name} is missing, and columns cannot be dropped`)
  const fields = wanted.fields.map((field): Field => {
    const old = before.fields.find((candidate) => candidate.name === field.name)
    if (old === undefined) {
      if (!field.nullable) faults.push(`column ${field.name} is new and NOT NULL, but existing rows have no value for it`)
      return field
    }
    if (!sameType(old.dataType, field.dataType))
      faults.push(`column ${field.name} is ${typeName(old.dataType)} and cannot become ${typeName(field.dataType)}`)
    if (old.nullable && !field.nullable) faults.push(`column ${field.name} may be null already and cannot become NOT NULL`)
    const { comment } = field.metadata
    return { ...old, nullable: field.nullable, metadata: comment === undefined ? old.metadata : { ...old.metadata, comment } }
  })
  if (faults.length > 0) throw new AlluviumError('SCHEMA_MISMATCH', `the table cannot get this schema: ${faults.join('; ')}`, { faults })
  if (columnMappingMode(form.protocol, form.metadata) !== 'none' && fields.length > before.fields.length) {
    throw new AlluviumError('UNSUPPORTED_FEATURE', 'columns cannot be added yet to a table that maps its columns', {
      features: ['columnMapping'],
      operation: 'write',
    })
  }
  const schema: StructType = { type: 'struct', fields }
  const isNtz = containsType(schema, (type) => type.type === 'timestamp_ntz')
  return { schema, protocol: isNtz ? withFeatures(form.protocol, ['timestampNtz']) : form.protocol }
}

function sameConfiguration(a: Readonly<Record<string, string>>, b: Readonly<Record<string, string>>): boolean {
  const keys = Object.keys(a)
  return keys.length === Object.keys(b).length && keys.every((key) => Object.hasOwn(b, key) && a[key] === b[key])
}

function invalid(message: string, facts: Record<string, unknown>): AlluviumError {
  return new AlluviumError('INVALID_OPTIONS', message, facts)
}
