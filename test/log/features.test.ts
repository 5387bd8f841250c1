import { describe, expect, test } from 'vitest'
import type { Metadata, Protocol } from '../../src/log/actions.js'
import { assertReadable, assertWritable, columnMappingMode, FEATURES, featuresOf, findFeature, hasFeature } from '../../src/log/features.js'

const protocol = (reader: number, writer: number, readerFeatures?: string[], writerFeatures?: string[]): Protocol => ({
  kind: 'protocol',
  minReaderVersion: reader,
  minWriterVersion: writer,
  ...(readerFeatures && { readerFeatures }),
  ...(writerFeatures && { writerFeatures }),
})
const metadata = (configuration: Record<string, string> = {}, fieldMetadata: object = {}): Metadata => ({
  kind: 'metaData',
  id: 'id',
  format: { provider: 'parquet', options: {} },
  schemaString: JSON.stringify({ type: 'struct', fields: [{ name: 'a', type: 'long', nullable: true, metadata: fieldMetadata }] }),
  partitionColumns: [],
  configuration,
})
const inTheWay = (check: () => void): unknown => {
  try {
    check()
  } catch (error) {
    expect(error).toMatchObject({ code: 'UNSUPPORTED_FEATURE' })
    return (error as { facts: { features: string[] } }).facts.features
  }
  return []
}

describe('table features', () => {
  test('old versions imply theirs (PROTOCOL.md, "Feature names in the protocol")', () => {
    expect(featuresOf(protocol(1, 1))).toEqual({ reader: [], writer: [] })
    expect(featuresOf(protocol(1, 2)).writer).toEqual(['appendOnly', 'invariants'])
    expect(featuresOf(protocol(1, 3)).writer).toEqual(['appendOnly', 'invariants', 'checkConstraints'])
    expect(featuresOf(protocol(1, 4)).writer).toEqual([
      'appendOnly',
      'invariants',
      'checkConstraints',
      'changeDataFeed',
      'generatedColumns',
    ])
    const five = featuresOf(protocol(2, 5))
    expect(five.reader).toEqual(['columnMapping'])
    expect(new Set(five.writer)).toEqual(
      new Set(['appendOnly', 'invariants', 'checkConstraints', 'changeDataFeed', 'generatedColumns', 'columnMapping']),
    )
    expect(featuresOf(protocol(2, 6)).writer).toContain('identityColumns')
  })

  test('versions 3 and 7 mean what they list, and nothing more', () => {
    expect(featuresOf(protocol(1, 7, undefined, ['appendOnly']))).toEqual({ reader: [], writer: ['appendOnly'] })
    expect(featuresOf(protocol(3, 7, ['timestampNtz'], ['timestampNtz']))).toEqual({ reader: ['timestampNtz'], writer: ['timestampNtz'] })
    expect(hasFeature(protocol(1, 7, undefined, ['appendOnly']), 'invariants')).toBe(false)
  })

  test('names are matched without regard to case', () => {
    expect(findFeature('DELETIONVECTORS')?.name).toBe('deletionVectors')
    expect(hasFeature(protocol(3, 7, ['TimestampNTZ'], ['TimestampNTZ']), 'timestampNtz')).toBe(true)
    expect(() => assertReadable(protocol(3, 7, ['TimestampNTZ'], ['TimestampNTZ']))).not.toThrow()
  })

  test('no name is listed twice', () => {
    expect(new Set(FEATURES.map((feature) => feature.name.toLowerCase())).size).toBe(FEATURES.length)
  })

  test('a reader feature that only writers list binds readers too', () => {
    expect(inTheWay(() => assertReadable(protocol(1, 7, undefined, ['geospatial']), metadata()))).toEqual(['geospatial'])
  })

  test('unknown reader features stop reading, unknown writer features only writing; both by name', () => {
    const future = protocol(3, 7, ['newReading'], ['newReading', 'newWriting'])
    expect(inTheWay(() => assertReadable(future, metadata()))).toEqual(['newReading'])
    expect(inTheWay(() => assertReadable(protocol(1, 7, undefined, ['newWriting']), metadata()))).toEqual([])
    expect(inTheWay(() => assertWritable(protocol(1, 7, undefined, ['newWriting', 'other']), metadata()))).toEqual(['newWriting', 'other'])
  })

  test('versions beyond the protocol are refused by number', () => {
    expect(inTheWay(() => assertReadable(protocol(4, 7), metadata()))).toEqual(['minReaderVersion 4'])
    expect(inTheWay(() => assertReadable(protocol(0, 1), metadata()))).toEqual(['minReaderVersion 0'])
    expect(inTheWay(() => assertWritable(protocol(1, 8), metadata()))).toContain('minWriterVersion 8')
  })

  test('every writer feature known but not honoured stops writing', () => {
    for (const { name, write, reader } of FEATURES) {
      if (write !== 'never') continue
      const listing = reader ? protocol(3, 7, [name], [name]) : protocol(1, 7, undefined, [name])
      expect(
        inTheWay(() => assertWritable(listing, metadata())),
        name,
      ).toEqual([name])
    }
  })

  test.each([
    ['checkConstraints', protocol(1, 3), metadata({ 'delta.constraints.positive': 'a > 0' })],
    ['checkConstraints', protocol(1, 7, undefined, ['checkConstraints']), metadata({ 'DELTA.Constraints.positive': 'a > 0' })],
    ['invariants', protocol(1, 2), metadata({}, { 'delta.invariants': '{"expression":{"expression":"a > 0"}}' })],
    ['generatedColumns', protocol(1, 4), metadata({}, { 'delta.generationExpression': 'b + 1' })],
    ['identityColumns', protocol(1, 6), metadata({}, { 'delta.identity.start': 1 })],
    ['allowColumnDefaults', protocol(1, 7, undefined, ['allowColumnDefaults']), metadata({}, { CURRENT_DEFAULT: '1' })],
  ])('%s stops writing once the table uses it, and not before', (name, uses, used) => {
    expect(inTheWay(() => assertWritable(uses, used))).toContain(name)
    expect(inTheWay(() => assertWritable(uses, metadata()))).not.toContain(name)
    expect(inTheWay(() => assertReadable(uses, used))).toEqual([])
  })

  test('column mapping stops writing only where it is on, and reading only in a mode nobody knows', () => {
    const mapped = protocol(2, 5)
    for (const mode of ['name', 'id', 'Name']) {
      const used = metadata({ 'delta.columnMapping.mode': mode })
      expect(inTheWay(() => assertReadable(mapped, used))).toEqual([])
      expect(columnMappingMode(mapped, used)).toBe(mode.toLowerCase())
      expect(columnMappingMode(protocol(1, 2), used)).toBe('none')
      expect(inTheWay(() => assertWritable(mapped, used))).toEqual(['columnMapping'])
      expect(inTheWay(() => assertWritable(protocol(1, 2), used))).toEqual(['columnMapping'])
    }
    for (const configuration of [{}, { 'delta.columnMapping.mode': 'none' }] as Record<string, string>[]) {
      expect(() => assertWritable(mapped, metadata(configuration))).not.toThrow()
      expect(columnMappingMode(mapped, metadata(configuration))).toBe('none')
    }
    expect(inTheWay(() => assertReadable(mapped, metadata({ 'delta.columnMapping.mode': 'serial' })))).toEqual([
      'columnMapping mode serial',
    ])
  })

  test.each(['variantType', 'variantType-preview', 'variantShredding', 'variantShredding-preview'])(
    '%s is read, and written to as long as there is no such column',
    (name) => {
      const listing = protocol(3, 7, [name], [name])
      const used: Metadata = {
        ...metadata(),
        schemaString: '{"type":"struct","fields":[{"name":"v","type":"variant","nullable":true,"metadata":{}}]}',
      }
      expect(() => assertReadable(listing, used)).not.toThrow()
      expect(inTheWay(() => assertWritable(listing, used))).toContain(name)
      expect(() => assertWritable(listing, metadata())).not.toThrow()
    },
  )

  test.each(['typeWidening', 'typeWidening-preview'])('%s stops reading only where a change of type is unknown', (name) => {
    const listing = protocol(3, 7, [name], [name])
    const change = (fromType: string, toType: string): Metadata => metadata({}, { 'delta.typeChanges': [{ fromType, toType }] })
    expect(() => assertWritable(listing, change('byte', 'long'))).not.toThrow()
    expect(inTheWay(() => assertReadable(listing, change('string', 'long')))).toEqual(['typeWidening of a from string to long'])
    expect(inTheWay(() => assertReadable(listing, metadata({}, { 'delta.typeChanges': 'nonsense' })))).toEqual([
      'typeWidening of a from an unknown type to an unknown type',
    ])
  })

  test('plain tables are read and written', () => {
    for (const plain of [
      protocol(1, 1),
      protocol(1, 2),
      protocol(3, 7, [], ['appendOnly', 'invariants']),
      protocol(3, 7, ['timestampNtz'], ['timestampNtz', 'domainMetadata']),
    ]) {
      expect(() => assertWritable(plain, metadata())).not.toThrow()
    }
  })
})
