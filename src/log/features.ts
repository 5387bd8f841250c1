// Which tables may be read and written (PROTOCOL.md, "Table Features"). The rule: a feature that is not truly honoured
// is refused by its name. Some features only matter once a table uses them; those are refused only then.
import { AlluviumError } from '../errors.js'
import { type ColumnMappingMode, isFullyMapped, parseSchema, unsupportedTypeChanges } from '../schema/index.js'
import type { Metadata, Protocol } from './actions.js'

/** `always`: honoured. `unless-used`: the table opens as long as it does not use the feature. `never`: refused when listed. */
export type FeatureSupport = 'always' | 'unless-used' | 'never'

export interface Feature {
  /** The exact name; features are matched without regard to case, as Spark does. */
  readonly name: string
  /** Whether readers must know it too. */
  readonly reader: boolean
  readonly read: FeatureSupport
  readonly write: FeatureSupport
  /** Protocol versions that imply the feature without listing it. */
  readonly legacyReader?: number
  readonly legacyWriter?: number
  /** Whether a table uses the feature beyond listing it. */
  readonly isUsed?: (metadata: Metadata) => boolean
}

const MAPPING_MODE = 'delta.columnMapping.mode'
const MAPPING_MODES: readonly ColumnMappingMode[] = ['none', 'name', 'id']

// Field metadata is looked for as text: a false hit (the words in a comment) refuses, which is the safe side.
const inSchema =
  (key: string) =>
  (metadata: Metadata): boolean =>
    metadata.schemaString.includes(key)

const writerOnly = (name: string, write: FeatureSupport, more: Partial<Feature> = {}): Feature => ({
  name,
  reader: false,
  read: 'always',
  write,
  ...more,
})
const readerWriter = (name: string, read: FeatureSupport, write: FeatureSupport, more: Partial<Feature> = {}): Feature => ({
  name,
  reader: true,
  read,
  write,
  ...more,
})

/** Every feature name known, in the order of the protocol map. */
export const FEATURES: readonly Feature[] = [
  writerOnly('appendOnly', 'always', { legacyWriter: 2 }),
  writerOnly('invariants', 'unless-used', { legacyWriter: 2, isUsed: inSchema('delta.invariants') }),
  writerOnly('checkConstraints', 'unless-used', { legacyWriter: 3, isUsed: hasConstraints }),
  writerOnly('changeDataFeed', 'always', { legacyWriter: 4 }),
  writerOnly('generatedColumns', 'unless-used', { legacyWriter: 4, isUsed: inSchema('delta.generationExpression') }),
  readerWriter('columnMapping', 'always', 'unless-used', { legacyReader: 2, legacyWriter: 5, isUsed: mapsBadly }),
  writerOnly('identityColumns', 'unless-used', { legacyWriter: 6, isUsed: inSchema('delta.identity.') }),
  writerOnly('allowColumnDefaults', 'unless-used', { isUsed: inSchema('CURRENT_DEFAULT') }),
  // Writers leave files that carry a vector as they are, vector included; adding one is refused (commit-checks.ts).
  readerWriter('deletionVectors', 'always', 'always'),
  writerOnly('domainMetadata', 'always'),
  // Every commit gives row ids; one that rearranges rows must keep them, or is refused (commit/row-tracking.ts).
  writerOnly('rowTracking', 'always'),
  readerWriter('timestampNtz', 'always', 'always'),
  // Checkpoints of the second kind are refused where one is needed (segment.ts, checkpoint.ts).
  readerWriter('v2Checkpoint', 'always', 'always'),
  writerOnly('icebergCompatV1', 'never'),
  writerOnly('icebergCompatV2', 'never'),
  writerOnly('icebergCompatV3', 'never'),
  writerOnly('icebergWriterCompatV1', 'never'),
  writerOnly('icebergWriterCompatV3', 'never'),
  writerOnly('clustering', 'never'),
  readerWriter('vacuumProtocolCheck', 'always', 'always'),
  writerOnly('inCommitTimestamp', 'always'),
  writerOnly('inCommitTimestamp-preview', 'never'),
  readerWriter('catalogManaged', 'never', 'never'),
  readerWriter('catalogOwned-preview', 'never', 'never'),
  readerWriter('catalogOwned', 'never', 'never'),
  readerWriter('variantType', 'always', 'unless-used', { isUsed: inSchema('"variant"') }),
  readerWriter('variantType-preview', 'always', 'unless-used', { isUsed: inSchema('"variant"') }),
  readerWriter('variantShredding', 'always', 'unless-used', { isUsed: inSchema('"variant"') }),
  readerWriter('variantShredding-preview', 'always', 'unless-used', { isUsed: inSchema('"variant"') }),
  // Changes of type that nobody here knows are refused for themselves, see assertReadable.
  readerWriter('typeWidening', 'always', 'always'),
  readerWriter('typeWidening-preview', 'always', 'always'),
  writerOnly('checkpointProtection', 'never'),
  writerOnly('materializePartitionColumns', 'never'),
  writerOnly('columnMappingUsageTracking', 'never'),
  writerOnly('collations', 'never'),
  writerOnly('collations-preview', 'never'),
  readerWriter('geospatial', 'never', 'never'),
  readerWriter('geospatial-dev', 'never', 'never'),
  readerWriter('timestampNanos', 'never', 'never'),
  readerWriter('adaptiveMetadata-preview', 'never', 'never'),
  writerOnly('coordinatedCommits-preview', 'never'),
  readerWriter('redirectReaderWriter-preview', 'never', 'never'),
  writerOnly('redirectWriterOnly-preview', 'never'),
]

const BY_NAME: ReadonlyMap<string, Feature> = new Map(FEATURES.map((feature) => [feature.name.toLowerCase(), feature]))

/** The feature of a name in any case; `undefined` for a name nobody here has heard of. */
export function findFeature(name: string): Feature | undefined {
  return BY_NAME.get(name.toLowerCase())
}

/**
 * The features a protocol asks of readers and of writers: those listed (from reader version 3 and writer version 7 on)
 * and those that older versions imply. A reader feature that is only in the writers' list counts for readers too.
 * Unknown names stay as written.
 */
export function featuresOf(protocol: Protocol): { readonly reader: readonly string[]; readonly writer: readonly string[] } {
  const writer = listed(protocol.minWriterVersion >= 7, protocol.writerFeatures)
  const reader = listed(protocol.minReaderVersion >= 3, protocol.readerFeatures)
  for (const name of writer) if (findFeature(name)?.reader === true) reader.add(name)
  for (const name of reader) writer.add(name)
  for (const { name, legacyReader = Infinity, legacyWriter = Infinity } of FEATURES) {
    if (protocol.minReaderVersion < 3 && protocol.minReaderVersion >= legacyReader) reader.add(name)
    if (protocol.minWriterVersion < 7 && protocol.minWriterVersion >= legacyWriter) writer.add(name)
  }
  return { reader: [...reader], writer: [...writer] }
}

/** Whether a table supports (lists or implies) a feature. */
export function hasFeature(protocol: Protocol, name: string): boolean {
  return featuresOf(protocol).writer.some((listedName) => listedName.toLowerCase() === name.toLowerCase())
}

/**
 * Refuses a table that this library would read wrongly.
 * @throws AlluviumError `UNSUPPORTED_FEATURE` with the fact `features`: every name (or version) in the way.
 */
export function assertReadable(protocol: Protocol, metadata?: Metadata): void {
  const missing: string[] = []
  if (protocol.minReaderVersion < 1 || protocol.minReaderVersion > 3) missing.push(`minReaderVersion ${protocol.minReaderVersion}`)
  for (const name of featuresOf(protocol).reader) if (!supported(name, 'read', metadata)) missing.push(name)
  if (metadata !== undefined && missing.length === 0) missing.push(...unreadableUses(protocol, metadata))
  if (missing.length > 0) throw unsupported('read', missing, protocol)
}

/**
 * Refuses a table that this library would write wrongly. Includes {@link assertReadable}.
 * @throws AlluviumError `UNSUPPORTED_FEATURE` with the fact `features`.
 */
export function assertWritable(protocol: Protocol, metadata: Metadata): void {
  if (writable.get(metadata) === protocol) return
  assertReadable(protocol, metadata)
  const missing: string[] = []
  if (protocol.minWriterVersion < 1 || protocol.minWriterVersion > 7) missing.push(`minWriterVersion ${protocol.minWriterVersion}`)
  for (const name of featuresOf(protocol).writer) if (!supported(name, 'write', metadata)) missing.push(name)
  // What a table uses binds the writer even where an old or odd protocol forgot to say so.
  for (const feature of FEATURES) {
    if (feature.write !== 'unless-used' || missing.includes(feature.name)) continue
    if (feature.isUsed?.(metadata) === true) missing.push(feature.name)
  }
  if (missing.length > 0) throw unsupported('write', missing, protocol)
  writable.set(metadata, protocol)
}

// What was found writable: every commit asks several times, of the same two objects.
const writable = new WeakMap<Metadata, Protocol>()

/**
 * How the table's files name its columns (PROTOCOL.md, "Column Mapping"). The property counts only where the protocol has
 * the feature; annotations that an older time has left in the schema mean nothing by themselves.
 * @throws AlluviumError `UNSUPPORTED_FEATURE` for a mode that nobody here knows
 */
export function columnMappingMode(protocol: Protocol, metadata: Metadata): ColumnMappingMode {
  const text = property(metadata, MAPPING_MODE)
  if (text === undefined || !featuresOf(protocol).reader.includes('columnMapping')) return 'none'
  const mode = MAPPING_MODES.find((candidate) => candidate === text.toLowerCase())
  if (mode === undefined) throw unsupported('read', [`columnMapping mode ${text}`], protocol)
  return mode
}

/** A table property by its name in any case. */
export function property(metadata: Metadata, key: string): string | undefined {
  const exact = metadata.configuration[key]
  if (exact !== undefined) return exact
  let known = lowerCaseKeys.get(metadata.configuration)
  if (known === undefined) {
    known = new Map()
    for (const [name, value] of Object.entries(metadata.configuration)) {
      const lower = name.toLowerCase()
      if (!known.has(lower)) known.set(lower, value)
    }
    lowerCaseKeys.set(metadata.configuration, known)
  }
  return known.get(key.toLowerCase())
}

// Asked for several properties a file, of tables that may have any number of them.
const lowerCaseKeys = new WeakMap<Metadata['configuration'], Map<string, string>>()

/** The error for features in the way; also used where a feature shows only in the files. */
export function unsupported(what: 'read' | 'write', features: readonly string[], protocol?: Protocol): AlluviumError {
  const versions =
    protocol === undefined ? {} : { minReaderVersion: protocol.minReaderVersion, minWriterVersion: protocol.minWriterVersion }
  if (features.some((name) => CATALOG_FEATURES.has(name))) {
    return new AlluviumError(
      'UNSUPPORTED_FEATURE',
      `this library cannot ${what} the table, which needs ${shownNames(features)}: only its catalog knows which commits count, so its files alone may be behind or ahead of it; ${what} it through an engine that is connected to the catalog`,
      { features, operation: what, ...versions },
    )
  }
  return new AlluviumError(
    'UNSUPPORTED_FEATURE',
    `this library cannot ${what} the table, which needs ${shownNames(features)}; use a newer release or an engine that supports ${features.length === 1 ? 'it' : 'them'}`,
    { features, operation: what, ...versions },
  )
}

// PROTOCOL.md, "Catalog-managed tables".
const CATALOG_FEATURES: ReadonlySet<string> = new Set(['catalogManaged', 'catalogOwned-preview', 'catalogOwned'])
const SHOWN_NAMES = 20

function shownNames(names: readonly string[]): string {
  const shown = names.slice(0, SHOWN_NAMES).map((name) => (name.length > 100 ? `${name.slice(0, 100)}…` : name))
  return names.length > SHOWN_NAMES ? `${shown.join(', ')} and ${names.length - SHOWN_NAMES} more features` : shown.join(', ')
}

function listed(allowed: boolean, names: readonly string[] | undefined): Set<string> {
  const result = new Set<string>()
  if (allowed) for (const name of names ?? []) result.add(findFeature(name)?.name ?? name)
  return result
}

function supported(name: string, what: 'read' | 'write', metadata: Metadata | undefined): boolean {
  const feature = findFeature(name)
  if (feature === undefined || feature[what] === 'never') return false
  return feature[what] === 'always' || (metadata !== undefined && feature.isUsed?.(metadata) === false)
}

function hasConstraints(metadata: Metadata): boolean {
  return Object.keys(metadata.configuration).some((key) => key.toLowerCase().startsWith('delta.constraints.'))
}

const typeFaults = new WeakMap<Metadata, readonly string[]>()

// Ways to use a known feature that this library does not know.
function unreadableUses(protocol: Protocol, metadata: Metadata): readonly string[] {
  columnMappingMode(protocol, metadata)
  if (!metadata.schemaString.includes('delta.typeChanges')) return []
  let faults = typeFaults.get(metadata)
  if (faults === undefined) typeFaults.set(metadata, (faults = unsupportedTypeChanges(parseSchema(metadata.schemaString))))
  return faults
}

// A table that maps its columns is written by its annotations; where some are missing, files could not be read back.
function mapsBadly(metadata: Metadata): boolean {
  return mapsColumns(metadata) && metadata.schemaString !== '' && !isFullyMapped(parseSchema(metadata.schemaString))
}

function mapsColumns(metadata: Metadata): boolean {
  return (property(metadata, MAPPING_MODE) ?? 'none').toLowerCase() !== 'none'
}
