// Table properties: typed when read, checked when set, preserved when unknown.
import { describe, expect, it } from 'vitest'
import {
  checkProperties,
  checkPropertiesAndProtocol,
  featuresOfProperties,
  normalizePropertyKey,
  tableProperties,
} from '../../src/schema/index.js'
import { parseColumnList, parseIntervalMs, parseSizeBytes } from '../../src/schema/property-values.js'

const DAY = 86_400_000
const fails = (message: RegExp) => expect.objectContaining({ code: 'INVALID_OPTIONS', message: expect.stringMatching(message) })

describe('tableProperties', () => {
  it('has the defaults of Delta', () => {
    expect(tableProperties({})).toMatchObject({
      appendOnly: false,
      checkpointInterval: 10,
      checkpointPolicy: 'classic',
      checkpointWriteStatsAsJson: true,
      checkpointWriteStatsAsStruct: false,
      logRetentionDurationMs: 30 * DAY,
      deletedFileRetentionDurationMs: 7 * DAY,
      setTransactionRetentionDurationMs: undefined,
      enableExpiredLogCleanup: true,
      isolationLevel: 'Serializable',
      columnMappingMode: 'none',
      dataSkippingNumIndexedCols: 32,
      dataSkippingStatsColumns: undefined,
      dataSkippingStringPrefixLength: 32,
      parquetCompressionCodec: 'zstd',
      parquetFormatVersion: '1.0.0',
      targetFileSizeBytes: undefined,
      enableDeletionVectors: false,
    })
  })

  it('reads what is set', () => {
    expect(
      tableProperties({
        'delta.appendOnly': 'TRUE',
        'delta.checkpointInterval': '100',
        'delta.logRetentionDuration': 'interval 2 weeks',
        'delta.dataSkippingNumIndexedCols': '-1',
        'delta.dataSkippingStatsColumns': 'a, s.b,`odd, name`',
        'delta.parquet.compression.codec': 'NONE',
        'delta.targetFileSize': '128mb',
        'delta.columnMapping.mode': 'name',
        'delta.columnMapping.maxColumnId': '5',
      }),
    ).toMatchObject({
      appendOnly: true,
      checkpointInterval: 100,
      logRetentionDurationMs: 14 * DAY,
      dataSkippingNumIndexedCols: -1,
      dataSkippingStatsColumns: [['a'], ['s', 'b'], ['odd, name']],
      parquetCompressionCodec: 'uncompressed',
      targetFileSizeBytes: 134_217_728,
      columnMappingMode: 'name',
      columnMappingMaxColumnId: 5,
    })
  })

  it('lets a malformed property stop only what asks for it', () => {
    const properties = tableProperties({ 'delta.checkpointInterval': 'often', 'delta.appendOnly': 'true' })
    expect(properties.appendOnly).toBe(true)
    expect(() => properties.checkpointInterval).toThrow(fails(/delta\.checkpointInterval = 'often' must be a whole number/))
  })

  it('falls back to the default codec for lz4, which is read but never written', () => {
    expect(tableProperties({ 'delta.parquet.compression.codec': 'lz4' }).parquetCompressionCodec).toBe('zstd')
    expect(() => tableProperties({ 'delta.parquet.compression.codec': 'brotli' }).parquetCompressionCodec).toThrow(fails(/must be one of/))
  })

  it('is not misled by names that every object has', () => {
    expect(tableProperties(JSON.parse('{"__proto__":{"delta.appendOnly":"true"}}')).appendOnly).toBe(false)
    expect(tableProperties(Object.create({ 'delta.appendOnly': 'true' }) as Record<string, string>).appendOnly).toBe(false)
  })
})

describe('checkProperties', () => {
  it('gives keys their normal spelling and leaves other keys alone', () => {
    expect({ ...checkProperties({ 'DELTA.APPENDONLY': 'true', 'My.Key': 'x', 'delta.Checkpoint.writestatsAsJSON': 'false' }) }).toEqual({
      'delta.appendOnly': 'true',
      'My.Key': 'x',
      'delta.checkpoint.writeStatsAsJson': 'false',
    })
    expect(normalizePropertyKey('delta.unknownThing')).toBe('delta.unknownThing')
  })

  it('keeps __proto__ as a key', () => {
    expect(Object.keys(checkProperties(JSON.parse('{"__proto__":"x"}')))).toEqual(['__proto__'])
  })

  it('refuses unknown keys, malformed values and what is not set by hand, all together', () => {
    expect(() =>
      checkProperties({
        'delta.apendOnly': 'true',
        'delta.nothingLikeIt': '1',
        'delta.checkpointInterval': '0',
        'delta.logRetentionDuration': 'interval 1 month',
        'delta.columnMapping.maxColumnId': '7',
        'delta.constraints.positive': 'x > 0',
        'delta.appendOnly': 'yes',
      }),
    ).toThrow(
      fails(
        /delta\.apendOnly is no known property \(did you mean delta\.appendOnly\?\); delta\.nothingLikeIt is no known property; delta\.checkpointInterval = '0' must be a whole number from 1; delta\.logRetentionDuration.*no months.*; delta\.columnMapping\.maxColumnId is kept by.*; delta\.constraints\.positive: .*; delta\.appendOnly = 'yes' must be true or false/,
      ),
    )
    expect(() => checkProperties({ 'delta.appendOnly': 'true', 'DELTA.appendonly': 'false' })).toThrow(fails(/given twice/))
    expect(() => checkProperties({ 'delta.appendOnly': true as never })).toThrow(fails(/must be a text/))
  })

  it('never stores wishes for the protocol, and refuses them where nobody asked', () => {
    const wishes = { 'delta.minReaderVersion': '3', 'delta.minwriterversion': '7', 'delta.feature.deletionVectors': 'supported', a: 'b' }
    const { configuration, protocol } = checkPropertiesAndProtocol(wishes)
    expect({ ...configuration }).toEqual({ a: 'b' })
    expect(protocol).toEqual({ minReaderVersion: 3, minWriterVersion: 7, features: ['deletionVectors'] })
    expect(() => checkProperties(wishes)).toThrow(fails(/delta\.minReaderVersion is no property.*delta\.feature\.deletionVectors/))
    expect(() => checkPropertiesAndProtocol({ 'delta.feature.x': 'no' })).toThrow(fails(/must be 'supported'/))
  })
})

describe('featuresOfProperties', () => {
  it('names the features that properties switch on', () => {
    expect(
      featuresOfProperties({
        'delta.enableDeletionVectors': 'true',
        'delta.enableChangeDataFeed': 'false',
        'delta.columnMapping.mode': 'Name',
        'delta.checkpointPolicy': 'v2',
      }),
    ).toEqual(['v2Checkpoint', 'columnMapping', 'deletionVectors'])
    expect(featuresOfProperties({ 'delta.columnMapping.mode': 'none', 'delta.appendOnly': 'true' })).toEqual(['appendOnly'])
  })
})

describe('values', () => {
  it.each([
    ['interval 30 days', 30 * DAY],
    ['INTERVAL 1 WEEK', 7 * DAY],
    ['2 weeks', 14 * DAY],
    ['interval 1 day 12 hours', 1.5 * DAY],
    ['interval 90 minutes 30 seconds', 5_430_000],
    ['interval 1500 microseconds', 1],
    ['interval 0 seconds', 0],
    ['1.5 seconds', 1500],
  ])('%s is %i ms', (text, ms) => {
    expect(parseIntervalMs(text)).toEqual({ value: ms })
  })

  it.each([
    '',
    'interval',
    '30',
    '30 days 5',
    'interval 1 month',
    'interval 1 year',
    'interval -1 days',
    'interval x days',
    '1 fortnight',
    '999999999999999 weeks',
  ])('%j is no interval', (text) => {
    expect(parseIntervalMs(text)).toHaveProperty('fault')
  })

  it('reads sizes in units of 1024', () => {
    expect(parseSizeBytes('128mb')).toEqual({ value: 134_217_728 })
    expect(parseSizeBytes('1g')).toEqual({ value: 1024 ** 3 })
    expect(parseSizeBytes('100 KiB')).toEqual({ value: 102_400 })
    expect(parseSizeBytes('104857600')).toEqual({ value: 104_857_600 })
    expect(parseSizeBytes('12b')).toEqual({ value: 12 })
    for (const text of ['', '0', '-1', '1x', 'mb', '1.5g', '9999999999999999p']) expect(parseSizeBytes(text)).toHaveProperty('fault')
  })

  it('reads lists of columns', () => {
    expect(parseColumnList('a')).toEqual({ value: [['a']] })
    expect(parseColumnList(' a , b.c , `x``y`.z ')).toEqual({ value: [['a'], ['b', 'c'], ['x`y', 'z']] })
    expect(parseColumnList('')).toEqual({ value: [] })
    for (const text of ['a,', ',a', 'a..b', '`a', 'a b', 'a.']) expect(parseColumnList(text)).toHaveProperty('fault')
  })
})
