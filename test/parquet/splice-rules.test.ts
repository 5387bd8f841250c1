// What must keep files from being spliced: every disagreement of two footers is an obstacle, and every footer that contradicts
// itself is damage. The footers are made by hand, so that each has one fault.
import { describe, expect, test } from 'vitest'
import {
  bytesSource,
  type OpenedForSplice,
  openForSplice,
  rowGroupsTooSmall,
  type SpliceRowGroup,
  spliceFiles,
  spliceObstacle,
} from '../../src/parquet/index.js'
import { MemorySink } from './files.js'
import { type HandMade, type HandMadeColumn, handMade } from './hand-made.js'

const COLUMN: HandMadeColumn = { name: 'a' }
const open = (file: Uint8Array, name = 'x.parquet'): Promise<OpenedForSplice> => openForSplice({ name, source: bytesSource(file) })

async function obstacleOf(one: HandMade, other: HandMade): Promise<string | undefined> {
  return spliceObstacle([await open(handMade(one), 'one'), await open(handMade(other), 'other')])
}

describe('files that agree', () => {
  test('equal footers have no obstacle, and equal fingerprints', async () => {
    const file = handMade({ columns: [COLUMN], keyValues: [['ARROW:schema', 'abc']] })
    const [one, other] = [await open(file), await open(file)]
    expect(spliceObstacle([one, other])).toBeUndefined()
    expect(one.schemaFingerprint).toBe(other.schemaFingerprint)
  })

  test('a single file has no obstacle; no file is one', async () => {
    expect(spliceObstacle([await open(handMade({ columns: [COLUMN] }))])).toBeUndefined()
    expect(spliceObstacle([])).toBe('there are no files')
  })

  test('remarks of pandas may differ, and are left out then', async () => {
    const files = ['1', '2'].map((value) =>
      handMade({
        columns: [COLUMN],
        keyValues: [
          ['pandas', value],
          ['kept', 'k'],
        ],
      }),
    )
    const opened = await Promise.all(files.map((file) => open(file)))
    expect(spliceObstacle(opened)).toBeUndefined()
    const sink = new MemorySink()
    await spliceFiles(opened, sink)
    const text = Buffer.from(sink.bytes()).toString('latin1')
    expect(text).toContain('kept')
    expect(text).not.toContain('pandas')
  })
})

describe('an obstacle is', () => {
  const schemas: Record<string, [HandMadeColumn, HandMadeColumn, RegExp]> = {
    'another name': [COLUMN, { name: 'b' }, /a stands where the other has b/],
    'another name in case only': [COLUMN, { name: 'A' }, /a stands where/],
    'a column that may be null in one only': [COLUMN, { ...COLUMN, repetition: 0 }, /column a may be null/],
    'another physical type': [COLUMN, { ...COLUMN, physicalType: 2 }, /column a has different physical types/],
    'another length': [{ ...COLUMN, physicalType: 7, typeLength: 16 }, { ...COLUMN, physicalType: 7, typeLength: 12 }, /physical types/],
    'another converted type': [{ ...COLUMN, converted: 6 }, COLUMN, /logical types or annotations/],
    'another logical type': [{ ...COLUMN, logical: 6 }, { ...COLUMN, logical: 12 }, /logical types or annotations/],
    'another scale': [
      { ...COLUMN, converted: 5, precision: 9, scale: 2 },
      { ...COLUMN, converted: 5, precision: 9, scale: 3 },
      /logical types or annotations/,
    ],
    'another precision': [
      { ...COLUMN, converted: 5, precision: 9, scale: 2 },
      { ...COLUMN, converted: 5, precision: 8, scale: 2 },
      /logical types or annotations/,
    ],
    'another field id': [{ ...COLUMN, fieldId: 1 }, { ...COLUMN, fieldId: 2 }, /column a has different field ids/],
    'a field id in one only': [{ ...COLUMN, fieldId: 1 }, COLUMN, /column a has different field ids/],
    'another codec': [{ ...COLUMN, codec: 1 }, { ...COLUMN, codec: 6 }, /different codecs/],
  }
  test.each(Object.entries(schemas))('%s', async (_, [one, other, message]) => {
    expect(await obstacleOf({ columns: [one] }, { columns: [other] })).toMatch(message)
    expect(await obstacleOf({ columns: [other] }, { columns: [one] })).toBeDefined()
  })

  test('another order of columns, and another number of them', async () => {
    const b = { name: 'b' }
    expect(await obstacleOf({ columns: [COLUMN, b] }, { columns: [b, COLUMN] })).toMatch(/a stands where/)
    expect(await obstacleOf({ columns: [COLUMN, b] }, { columns: [COLUMN] })).toMatch(/2 and 1 children/)
  })

  const footers: Record<string, [Omit<HandMade, 'columns'>, Omit<HandMade, 'columns'>, RegExp]> = {
    'another format version': [{ version: 1 }, { version: 2 }, /format versions, 1 and 2/],
    'another order of values': [{ orders: 1 }, { orders: 0 }, /order the values/],
    'an Arrow schema in one only': [{ keyValues: [['ARROW:schema', 'x']] }, {}, /key-value metadata ARROW:schema/],
    'another version of Spark': [
      { keyValues: [['org.apache.spark.version', '2.4.0']] },
      { keyValues: [['org.apache.spark.version', '3.5.0']] },
      /org.apache.spark.version/,
    ],
    'another value under any key': [{ keyValues: [['k', '1']] }, { keyValues: [['k', '2']] }, /metadata k/],
    'a key twice': [
      {
        keyValues: [
          ['k', '1'],
          ['k', '1'],
        ],
      },
      {},
      /not understood/,
    ],
    'an old writer beside a new one': [
      { createdBy: 'parquet-mr version 1.8.0 (build x)' },
      { createdBy: 'parquet-mr version 1.12.3 (build x)' },
      /statistics of one \(parquet-mr version 1.8.0/,
    ],
    'no writer beside a known one': [{ createdBy: '' }, {}, /without a writer/],
    'a writer that nobody knows beside another': [{ createdBy: 'some tool' }, {}, /statistics of one \(some tool\)/],
  }
  test.each(Object.entries(footers))('%s', async (_, [one, other, message]) => {
    expect(await obstacleOf({ columns: [COLUMN], ...one }, { columns: [COLUMN], ...other })).toMatch(message)
  })

  const alone: Record<string, [HandMade, RegExp]> = {
    'a column in another file': [{ columns: [{ ...COLUMN, filePath: 'y.parquet' }] }, /lies in another file/],
    'an encrypted column': [{ columns: [{ ...COLUMN, encrypted: true }] }, /encrypted/],
    'an encrypted file with a readable footer': [{ columns: [COLUMN], encrypted: true }, /it is encrypted/],
    'a codec of the future': [{ columns: [{ ...COLUMN, codec: 99 }] }, /codec \(99\)/],
    'a field of a chunk that nobody knows': [{ columns: [{ ...COLUMN, strange: 30 }] }, /column a has a field/],
    'a field of the footer that nobody knows': [{ columns: [COLUMN], strange: 30 }, /a field \(30\)/],
    'a dictionary outside its chunk': [{ columns: [{ ...COLUMN, dictionaryOffset: 4000 }] }, /outside its chunk/],
    'a chunk without bytes': [{ columns: [{ ...COLUMN, size: 0 }] }, /has no bytes/],
    'sizes that a writer is known to count wrongly': [
      { columns: [COLUMN], createdBy: 'parquet-mr version 1.2.8 (build x)' },
      /counted the sizes/,
    ],
  }
  test.each(Object.entries(alone))('%s, also for a single file', async (_, [file, message]) => {
    const opened = await open(handMade(file))
    expect(spliceObstacle([opened])).toMatch(message)
    await expect(spliceFiles([opened], new MemorySink())).rejects.toMatchObject({ code: 'INVALID_OPTIONS' })
  })

  test('a codec that the table does not write', async () => {
    const opened = await open(handMade({ columns: [{ ...COLUMN, codec: 1 }] }))
    expect(spliceObstacle([opened], { codec: 'snappy' })).toBeUndefined()
    expect(spliceObstacle([opened], { codec: 'zstd' })).toMatch(/compressed with snappy, not zstd/)
  })

  test('more row groups than the format numbers', async () => {
    const opened = await open(handMade({ columns: [COLUMN] }))
    expect(spliceObstacle(new Array(0x8000).fill(opened))).toMatch(/row groups/)
  })
})

describe('the writer of the spliced file', () => {
  const writerOf = async (writers: readonly string[]): Promise<string> => {
    const opened = await Promise.all(writers.map((createdBy) => open(handMade({ columns: [COLUMN], createdBy }))))
    const sink = new MemorySink()
    await spliceFiles(opened, sink, { createdBy: 'alluvium version 9' })
    return (await open(sink.bytes())).createdBy ?? 'none'
  }

  test('is that of the files where they agree, whatever it is', async () => {
    expect(await writerOf(['parquet-mr version 1.8.0', 'parquet-mr version 1.8.0'])).toBe('parquet-mr version 1.8.0')
    expect(await writerOf(['', ''])).toBe('none')
  })

  test('is this library where they do not, and all can be trusted', async () => {
    expect(await writerOf(['parquet-mr version 1.12.3 (build x)', 'DuckDB version v1.4.0 (build y)'])).toBe('alluvium version 9')
  })
})

describe('damage', () => {
  const faults: Record<string, [HandMade, RegExp]> = {
    'a chunk before the file begins': [{ columns: [{ ...COLUMN, offset: 2 }] }, /claims bytes 2 to 12/],
    'a chunk that leads into the footer': [{ columns: [{ ...COLUMN, size: 11 }] }, /claims bytes 4 to 15 of 14/],
    'a chunk that leads out of the file': [{ columns: [{ ...COLUMN, offset: 2 ** 40 }] }, /claims bytes/],
    'chunks that overlap': [{ columns: [COLUMN, { name: 'b', offset: 13 }], bodyBytes: 40 }, /share the bytes 13 to 14/],
    'the same chunk twice': [{ columns: [COLUMN, { name: 'b', offset: 4 }], bodyBytes: 40 }, /share the bytes/],
    'a chunk of another type than the schema has': [{ columns: [{ ...COLUMN, claimedType: 2 }] }, /changes its physical type/],
    'a chunk of another column': [{ columns: [{ ...COLUMN, claimedName: 'z' }] }, /stands where the schema has a/],
    'more values than rows': [{ columns: [{ ...COLUMN, numValues: 4 }] }, /4 values in a row group of 3 rows/],
  }
  test.each(Object.entries(faults))('is %s', async (_, [file, message]) => {
    await expect(open(handMade(file))).rejects.toMatchObject({ code: 'CORRUPT_DATA', message: expect.stringMatching(message) })
  })

  test('is a file that ends before its chunks do', async () => {
    const file = handMade({ columns: [COLUMN] })
    const source = { sizeBytes: file.length, read: async (at: number, length: number) => file.subarray(at, at + Math.min(length, 5)) }
    const opened = { ...(await open(file)), source }
    await expect(spliceFiles([opened], new MemorySink())).rejects.toMatchObject({ code: 'CORRUPT_DATA' })
  })
})

describe('what lies beside the chunks', () => {
  test.each([
    ['a bloom filter inside a chunk', { bloomFilter: [5, 4] as const }],
    ['a bloom filter outside the file', { bloomFilter: [1000, 4] as const }],
    ['a bloom filter of no bytes', { bloomFilter: [20, 0] as const }],
    ['an offset index that is none', { offsetIndex: [20, 4] as const }],
    ['an offset index inside a chunk', { offsetIndex: [6, 4] as const }],
    ['an offset index outside the file', { offsetIndex: [2000, 4] as const }],
  ])('%s is left behind, and no offset leads to it', async (_, beside) => {
    const opened = await open(handMade({ columns: [{ ...COLUMN, ...beside }], bodyBytes: 30 }))
    const sink = new MemorySink()
    await spliceFiles([opened], sink)
    const plain = new MemorySink()
    await spliceFiles([await open(handMade({ columns: [COLUMN], bodyBytes: 30 }))], plain)
    expect(sink.bytes()).toEqual(plain.bytes())
  })
})

describe('row groups', () => {
  const withGroups = async (groups: readonly Partial<SpliceRowGroup>[]): Promise<OpenedForSplice> => ({
    ...(await open(handMade({ columns: [COLUMN] }))),
    rowGroups: groups.map((group) => ({ numRows: 1000, compressedBytes: 1000, uncompressedBytes: 1000, ...group })),
  })

  test('of few rows and few bytes are too small', async () => {
    expect(rowGroupsTooSmall(await withGroups([{}]))).toBe(true)
  })

  test('of many bytes or many rows are not', async () => {
    expect(rowGroupsTooSmall(await withGroups([{ uncompressedBytes: 2 ** 20 }]))).toBe(false)
    expect(rowGroupsTooSmall(await withGroups([{ numRows: 200_000 }]))).toBe(false)
  })

  test('count on average, over all files, and empty ones do not', async () => {
    const large = { uncompressedBytes: 4 * 2 ** 20 }
    expect(rowGroupsTooSmall([await withGroups([large, {}]), await withGroups([{}, { numRows: 0, uncompressedBytes: 0 }])])).toBe(false)
    expect(rowGroupsTooSmall(await withGroups([{ numRows: 0 }]))).toBe(false)
    expect(rowGroupsTooSmall(await withGroups([{ uncompressedBytes: 9 }]), { minRowGroupBytes: 10 })).toBe(true)
  })
})
