// Rows 1, 2 and 3 of the matrix: which changes of protocol, metadata and domains a commit can stand on that makes none itself.
// The cases are those that Spark's checker resolves, and their neighbours that it does not.
// Holds C2 of spec/invariants.md.
import { describe, expect, test } from 'vitest'
import type { Action, AddFile, DomainMetadata, Metadata, Protocol } from '../../../src/log/actions.js'
import { type ConflictBase, checkConflict } from '../../../src/log/commit/conflict.js'

const field = (name: string, metadata: object = {}, more: object = {}) => ({ name, type: 'long', nullable: true, metadata, ...more })
const schemaOf = (...fields: object[]): string => JSON.stringify({ type: 'struct', fields })
const before: Metadata = {
  kind: 'metaData',
  id: 'm',
  name: 't',
  format: { provider: 'parquet', options: {} },
  schemaString: schemaOf(field('a'), field('b')),
  partitionColumns: ['a'],
  configuration: { 'delta.checkpointInterval': '10', own: 'x' },
  createdTime: 1,
}
const protocol: Protocol = { kind: 'protocol', minReaderVersion: 1, minWriterVersion: 2 }
const base: ConflictBase = { protocol, metadata: before, isolationLevel: 'Serializable' }
const append: AddFile = { kind: 'add', path: 'f', partitionValues: {}, size: 1, modificationTime: 1, dataChange: true }
const set = (configuration: Record<string, string>, more: Partial<Metadata> = {}): Metadata => ({
  ...before,
  ...more,
  configuration: { ...before.configuration, ...configuration },
})
const against = (theirs: readonly Action[], mine: readonly Action[] = [append], on: ConflictBase = base) =>
  checkConflict({ appIds: [] }, mine, [{ version: 4, actions: theirs }], on)
const mapped = (physical: (name: string) => string, more: object = {}): string =>
  schemaOf(
    ...['a', 'b'].map((name, i) =>
      field(name, { 'delta.columnMapping.id': i + 1, 'delta.columnMapping.physicalName': physical(name) }, more),
    ),
  )
const naming = { 'delta.columnMapping.mode': 'name', 'delta.columnMapping.maxColumnId': '2' }

describe('a change of metadata that a commit without one adopts', () => {
  test.each<[string, Metadata]>([
    ['no change at all', { ...before }],
    [
      'row tracking is enabled',
      set({
        'delta.enableRowTracking': 'true',
        'delta.rowTracking.materializedRowIdColumnName': '_row-id-col-1',
        'delta.rowTracking.materializedRowCommitVersionColumnName': '_row-commit-version-col-1',
      }),
    ],
    ['deletion vectors are enabled', set({ 'delta.enableDeletionVectors': 'true' })],
    ['checkpoints become those of the second kind', set({ 'delta.checkpointPolicy': 'v2' })],
    [
      'in-commit timestamps are enabled',
      set({
        'delta.enableInCommitTimestamps': 'true',
        'delta.inCommitTimestampEnablementVersion': '4',
        'delta.inCommitTimestampEnablementTimestamp': '1700000000000',
      }),
    ],
    ['a catalogue takes the table in', set({ 'io.unitycatalog.tableId': 'u' })],
    ['columns are mapped from now on, under the names they have', set(naming, { schemaString: mapped((name) => name) })],
    [
      'an identity column has counted on',
      { ...before, schemaString: schemaOf(field('a', { 'delta.identity.highWaterMark': 7 }), field('b')) },
    ],
    ['the same, spelled otherwise', { ...before, schemaString: JSON.stringify(JSON.parse(before.schemaString), null, 1) }],
  ])('%s', (_, after) => {
    expect(against([after])).toEqual({ kind: 'rebase' })
  })
})

describe('a change of metadata that is a conflict', () => {
  test.each<[string, Metadata, string]>([
    ['another property', set({ 'delta.appendOnly': 'true' }), 'delta.appendonly was set'],
    ['a property of the user', set({ own: 'y' }), 'own was changed'],
    ['a property is removed', { ...before, configuration: { own: 'x' } }, 'delta.checkpointinterval was removed'],
    ['deletion vectors are disabled', set({ 'delta.enableDeletionVectors': 'false' }), 'delta.enabledeletionvectors was set'],
    ['row tracking is suspended', set({ 'delta.rowTrackingSuspended': 'true' }), 'delta.rowtrackingsuspended was set'],
    ['columns are mapped by id', set({ ...naming, 'delta.columnMapping.mode': 'id' }), 'delta.columnmapping.mode was set'],
    ['columns are mapped under other names', set(naming, { schemaString: mapped((name) => `col-${name}`) }), 'the schema changed'],
    ['columns are mapped and one is not', set(naming), 'the schema changed'],
    [
      'columns are mapped and may no longer be null',
      set(naming, { schemaString: mapped((name) => name, { nullable: false }) }),
      'the schema changed',
    ],
    ['a column more', { ...before, schemaString: schemaOf(field('a'), field('b'), field('c')) }, 'the schema changed'],
    ['columns in another order', { ...before, schemaString: schemaOf(field('b'), field('a')) }, 'the schema changed'],
    ['another comment', { ...before, schemaString: schemaOf(field('a', { comment: 'new' }), field('b')) }, 'the schema changed'],
    ['a schema that is none', { ...before, schemaString: '{' }, 'the schema changed'],
    ['another partitioning', { ...before, partitionColumns: ['b'] }, "the table's partitionColumns changed"],
    ['another table', { ...before, id: 'other' }, "the table's id changed"],
    ['another description', { ...before, description: 'd' }, "the table's description changed"],
  ])('%s', (_, after, reason) => {
    expect(against([after])).toEqual({ kind: 'conflict', rule: 'metadata', version: 4, facts: { reason } })
  })

  test('any change, when this commit makes one itself', () => {
    expect(against([set({ 'delta.enableDeletionVectors': 'true' })], [set({ mine: '1' })])).toMatchObject({
      rule: 'metadata',
      facts: { reason: 'both commits change the metadata' },
    })
  })

  test('is looked for in every winner, each compared with the one before it', () => {
    const first = set({ 'delta.enableDeletionVectors': 'true' })
    const second = { ...first, configuration: { ...first.configuration, 'delta.enableDeletionVectors': 'false' } }
    const winners = [first, second].map((metadata, i) => ({ version: 4 + i, actions: [metadata] }))
    expect(checkConflict({ appIds: [] }, [append], winners, base)).toMatchObject({ rule: 'metadata', version: 5 })
  })
})

describe('domains', () => {
  const domain = (name: string): DomainMetadata => ({ kind: 'domainMetadata', domain: name, configuration: '{}', removed: false })

  test('of one name are a conflict, of two none, and how far row ids are given is counted on by everybody', () => {
    expect(against([domain('d')], [domain('d')])).toMatchObject({ rule: 'domain', facts: { domain: 'd' } })
    expect(against([domain('e')], [domain('d')])).toEqual({ kind: 'rebase' })
    expect(against([domain('delta.rowTracking')], [append, domain('delta.rowTracking')])).toEqual({ kind: 'rebase' })
  })

  test('removed or set, they are the same domain', () => {
    expect(against([{ ...domain('d'), removed: true }], [domain('d')])).toMatchObject({ rule: 'domain' })
  })
})

describe('a change of types, in the preview of type widening', () => {
  const widened = (version: number): string =>
    schemaOf(field('a', { 'delta.typeChanges': [{ toType: 'long', fromType: 'integer', tableVersion: version }] }), field('b'))
  const mine = { ...before, schemaString: widened(4) }

  test('says at which version it happens, so nothing may come before it', () => {
    expect(against([{ kind: 'commitInfo', info: {} }], [mine])).toMatchObject({ kind: 'conflict', rule: 'type-widening' })
  })

  test('that was there before may stay', () => {
    const on = { ...base, metadata: { ...before, schemaString: widened(2) } }
    expect(against([{ kind: 'commitInfo', info: {} }], [{ ...mine, schemaString: widened(2) }], on)).toEqual({ kind: 'rebase' })
  })
})
