// Files that lie, that want too much, or that use what is not supported: each a typed error that names the file, at once
// and without the memory they ask for. The bytes are made by hand, so that each has exactly one fault.
import { describe, expect, test } from 'vitest'
import { CodecFault, callCodec, codecMemoryBytes, codecReplacements, initParquet } from '../../src/parquet/engine.js'
import { bytesSource, openParquet } from '../../src/parquet/index.js'
import { BINARY, I32, STRUCT, ThriftWriter } from '../../src/parquet/thrift.js'
import { readRows, writeRows } from './files.js'

const MAGIC = [0x50, 0x41, 0x52, 0x31]

interface Page {
  readonly type?: number
  readonly uncompressed?: number
  readonly compressed?: number
  readonly numValues: number
  readonly encoding?: number
  readonly body: Uint8Array
}

interface Chunk {
  readonly name?: string
  readonly physicalType: number
  readonly typeLength?: number
  readonly repetition?: number
  readonly codec?: number
  readonly pages: readonly Page[]
  readonly numValues?: number
  readonly compressedSize?: number
  readonly offset?: number
  readonly encrypted?: boolean
  /** The physical type that the chunk claims, where it differs from the schema's. */
  readonly claimedType?: number
}

function pageBytes(page: Page): Uint8Array {
  const { type = 0, numValues, encoding = 0, body } = page
  const head = new ThriftWriter()
  head.beginStruct()
  head.int32(1, type)
  head.int32(2, page.uncompressed ?? body.length)
  head.int32(3, page.compressed ?? body.length)
  head.beginStruct(type === 2 ? 7 : 5)
  head.int32(1, numValues)
  head.int32(2, encoding)
  if (type === 0) {
    head.int32(3, 3)
    head.int32(4, 3)
  }
  head.endStruct()
  head.endStruct()
  return new Uint8Array(Buffer.concat([head.finish(), body]))
}

/** A file of one row group with one column. */
function fileOf(chunk: Chunk, numRows: number, magic: readonly number[] = MAGIC): Uint8Array {
  const body = Buffer.concat(chunk.pages.map(pageBytes))
  const hasDictionary = chunk.pages[0]?.type === 2
  const firstPage = hasDictionary ? pageBytes(chunk.pages[0]!).length : 0
  const writer = new ThriftWriter()
  writer.beginStruct()
  writer.int32(1, 1)
  writer.list(2, STRUCT, 2)
  writer.beginStruct()
  writer.text(4, 'root')
  writer.int32(5, 1)
  writer.endStruct()
  writer.beginStruct()
  writer.int32(1, chunk.physicalType)
  if (chunk.typeLength !== undefined) writer.int32(2, chunk.typeLength)
  writer.int32(3, chunk.repetition ?? 0)
  writer.text(4, chunk.name ?? 'c')
  writer.endStruct()
  writer.int64(3, numRows)
  writer.list(4, STRUCT, 1)
  writer.beginStruct()
  writer.list(1, STRUCT, 1)
  writer.beginStruct()
  writer.int64(2, 4)
  writer.beginStruct(3)
  writer.int32(1, chunk.claimedType ?? chunk.physicalType)
  writer.list(2, I32, 3)
  for (const encoding of [0, 3, 8]) writer.rawValue(Uint8Array.of(encoding * 2))
  writer.list(3, BINARY, 1)
  writer.textElement(chunk.name ?? 'c')
  writer.int32(4, chunk.codec ?? 0)
  writer.int64(5, chunk.numValues ?? numRows)
  writer.int64(6, body.length)
  writer.int64(7, chunk.compressedSize ?? body.length)
  writer.int64(9, (chunk.offset ?? 4) + firstPage)
  if (hasDictionary) writer.int64(11, chunk.offset ?? 4)
  writer.endStruct()
  if (chunk.encrypted) {
    writer.beginStruct(8)
    writer.endStruct()
  }
  writer.endStruct()
  writer.int64(2, body.length)
  writer.int64(3, numRows)
  writer.endStruct()
  writer.endStruct()
  return seal(body, writer.finish(), magic)
}

function seal(body: Uint8Array, footer: Uint8Array, magic: readonly number[] = MAGIC): Uint8Array {
  const length = Buffer.alloc(4)
  length.writeUInt32LE(footer.length)
  return new Uint8Array(Buffer.concat([Uint8Array.from(MAGIC), body, footer, length, Uint8Array.from(magic)]))
}

function int32s(...values: number[]): Uint8Array {
  return new Uint8Array(Int32Array.from(values).buffer)
}

async function failure(bytes: Uint8Array): Promise<{ code: string; message: string; facts: Record<string, unknown> }> {
  const before = codecMemoryBytes()
  const error = await openParquet(bytesSource(bytes), { name: 'bad.parquet' })
    .then(async (file) => {
      let rows = 0
      for await (const batch of file.read()) rows += batch.numRows
      return { code: `${rows} rows`, message: '', facts: {} }
    })
    .catch((e: unknown) => e as { code: string; message: string; facts: Record<string, unknown> })
  expect(codecMemoryBytes() - before).toBeLessThan(256 * 2 ** 20)
  expect(error.message).toContain('bad.parquet')
  return error
}

const SOUND: Chunk = { physicalType: 1, pages: [{ numValues: 3, body: int32s(1, 2, 3) }] }

describe('a file made by hand', () => {
  test('is read when nothing is wrong with it', async () => {
    expect(await readRows(fileOf(SOUND, 3))).toEqual([{ c: 1 }, { c: 2 }, { c: 3 }])
  })

  test('INT96 instants are right outside the years that nanoseconds can hold', async () => {
    const day = (julian: number, nanos: bigint): number[] => [Number(nanos & 0xffffffffn) | 0, Number(nanos >> 32n), julian]
    const body = int32s(...day(2_440_588, 0n), ...day(1_721_426, 86_399_999_999_000n), ...day(5_373_484, 1_000n))
    const bytes = fileOf({ physicalType: 3, pages: [{ numValues: 3, body }] }, 3)
    expect(await readRows(bytes)).toEqual([
      { c: '1970-01-01T00:00:00.000000Z' },
      { c: '0001-01-01T23:59:59.999999Z' },
      { c: '9999-12-31T00:00:00.000001Z' },
    ])
  })
})

describe('what is no Parquet file', () => {
  test.each([
    ['nothing', new Uint8Array(0)],
    ['a few bytes', Uint8Array.from(MAGIC)],
    ['other bytes', new Uint8Array(1000).fill(65)],
    ['a file without its end', fileOf(SOUND, 3).subarray(0, -5)],
    ['a footer longer than the file', seal(new Uint8Array(10), new Uint8Array(5)).map((b, i, all) => (i === all.length - 7 ? 255 : b))],
    ['an empty footer', seal(new Uint8Array(10), new Uint8Array(0))],
    ['a footer of zeros', seal(new Uint8Array(10), new Uint8Array(50))],
    [
      'a footer of random bytes',
      seal(
        new Uint8Array(10),
        Uint8Array.from({ length: 500 }, (_, i) => (i * 7919) % 251),
      ),
    ],
  ])('%s is CORRUPT_DATA', async (_, bytes) => {
    expect(await failure(bytes)).toMatchObject({ code: 'CORRUPT_DATA', facts: { path: 'bad.parquet' } })
  })

  test('a footer that claims gigabytes is refused before they are read', async () => {
    const source = {
      sizeBytes: 2 ** 33,
      read: async (_: number, length: number) => {
        const tail = new Uint8Array(length)
        tail.set([0, 0, 0, 0x7f, ...MAGIC], length - 8)
        return tail
      },
    }
    await expect(openParquet(source, { name: 'f' })).rejects.toMatchObject({ code: 'LIMIT_EXCEEDED' })
  })
})

describe('what is not supported', () => {
  test('an encrypted footer says so', async () => {
    expect(await failure(fileOf(SOUND, 3, [0x50, 0x41, 0x52, 0x45]))).toMatchObject({
      code: 'UNSUPPORTED_FEATURE',
      facts: { features: ['encryption'] },
    })
  })

  test('an encrypted column says so', async () => {
    const error = await failure(fileOf({ ...SOUND, encrypted: true }, 3))
    expect(error).toMatchObject({ code: 'UNSUPPORTED_FEATURE' })
    expect(error.message).toMatch(/column c is encrypted/)
  })

  test('LZO says so, and so does a codec nobody knows', async () => {
    expect(await failure(fileOf({ ...SOUND, codec: 3 }, 3))).toMatchObject({ code: 'UNSUPPORTED_FEATURE', facts: { features: ['lzo'] } })
    expect(await failure(fileOf({ ...SOUND, codec: 99 }, 3))).toMatchObject({ code: 'UNSUPPORTED_FEATURE' })
  })
})

describe('lies', () => {
  const one = (page: Partial<Page>, chunk: Partial<Chunk> = {}, numRows = 3) =>
    failure(fileOf({ ...SOUND, ...chunk, pages: [{ numValues: 3, body: int32s(1, 2, 3), ...page }] }, numRows))

  test.each([
    ['a chunk before the file begins', () => one({}, { offset: 0 })],
    ['a chunk beyond the file', () => one({}, { offset: 2 ** 40 })],
    ['a chunk larger than the file', () => one({}, { compressedSize: 2 ** 40 })],
    ['a page larger than its chunk', () => one({ compressed: 2 ** 30 })],
    ['a page of negative size', () => one({ compressed: -1 })],
    ['an uncompressed page that would unpack', () => one({ uncompressed: 2 ** 30 })],
    ['a snappy page beyond what snappy can do', () => one({ uncompressed: 2 ** 29 }, { codec: 1 })],
    ['fewer values than rows', () => one({}, {}, 4)],
    ['more values than rows', () => one({}, {}, 2)],
    ['more rows than values, in both counts', () => one({}, { numValues: 1000 }, 1000)],
    ['fewer bytes than values', () => one({ numValues: 100 }, { numValues: 100 }, 100)],
    ['a type that the schema does not have', () => one({}, { claimedType: 2 })],
    [
      'a dictionary with more entries than bytes',
      async () =>
        failure(
          fileOf(
            {
              physicalType: 6,
              pages: [
                { type: 2, numValues: 2 ** 30, body: int32s(1) },
                { numValues: 3, encoding: 8, body: Uint8Array.of(0) },
              ],
            },
            3,
          ),
        ),
    ],
    [
      'indexes beyond the dictionary',
      async () =>
        failure(
          fileOf(
            {
              physicalType: 1,
              pages: [
                { type: 2, numValues: 1, body: int32s(7) },
                { numValues: 3, encoding: 8, body: Uint8Array.of(3, 6, 7) },
              ],
            },
            3,
          ),
        ),
    ],
    [
      'indexes without a dictionary',
      async () => failure(fileOf({ physicalType: 1, pages: [{ numValues: 3, encoding: 8, body: Uint8Array.of(1, 6, 0) }] }, 3)),
    ],
  ])('%s: CORRUPT_DATA', async (_, make) => {
    expect(await make()).toMatchObject({ code: 'CORRUPT_DATA' })
  })

  test('a page that claims to unpack a thousandfold is LIMIT_EXCEEDED', async () => {
    expect(await one({ uncompressed: 2 ** 30 + 1 }, { codec: 6 })).toMatchObject({ code: 'LIMIT_EXCEEDED' })
    expect(await one({ uncompressed: 2 ** 29 }, { codec: 6 })).toMatchObject({ code: 'LIMIT_EXCEEDED' })
  })

  test('run lengths that stand for billions of values of one list are LIMIT_EXCEEDED', async () => {
    const pages = Array.from({ length: 4 }, () => ({ numValues: 2 ** 30, encoding: 8, body: Uint8Array.of(0) }))
    const bytes = fileOf(
      { physicalType: 1, repetition: 2, pages: [{ type: 2, numValues: 1, body: int32s(7) }, ...pages], numValues: 2 ** 32 },
      1,
    )
    expect(await failure(bytes)).toMatchObject({ code: 'LIMIT_EXCEEDED' })
  })
})

describe('a dictionary of one long text that every row repeats', () => {
  // 200,000 rows of 1 MiB are 200 GB; the file has 1 MiB.
  const long = 2 ** 20
  const entry = new Uint8Array(4 + long).fill(0x61)
  new DataView(entry.buffer).setUint32(0, long, true)
  const rows = 200_000
  const varint = (value: number): number[] => (value < 128 ? [value] : [(value & 127) | 128, ...varint(value >>> 7)])
  const indexes = Uint8Array.from([1, ...varint(rows * 2), 0])
  const bytes = fileOf(
    {
      physicalType: 6,
      pages: [
        { type: 2, numValues: 1, body: entry },
        { numValues: rows, encoding: 8, body: indexes },
      ],
    },
    rows,
  )

  test('is read in batches that fit into memory', async () => {
    const file = await openParquet(bytesSource(bytes), { name: 'f' })
    let seen = 0
    for await (const batch of file.read()) {
      expect(batch.numRows).toBeLessThanOrEqual(256)
      expect(batch.data.children[0]!.valueOffsets[1]).toBe(long)
      seen += batch.numRows
      if (seen >= 512) break
    }
    expect(codecMemoryBytes()).toBeLessThan(2 ** 30)
  })
})

describe('the codec', () => {
  test('is replaced after a trap, and reads on', async () => {
    const bytes = await writeRows('a long', [{ a: 1 }])
    await initParquet()
    const before = codecReplacements()
    let fault: unknown
    try {
      callCodec((codec) => codec.readParquet(bytes, { rowGroups: [99] }))
    } catch (error) {
      fault = error
    }
    expect(fault).toBeInstanceOf(CodecFault)
    expect(fault).toMatchObject({ trapped: true })
    expect(codecReplacements()).toBe(before + 1)
    expect(await readRows(bytes)).toEqual([{ a: 1 }])
  })

  test('holds no memory after many traps', async () => {
    const bytes = await writeRows(
      's string',
      Array.from({ length: 50_000 }, (_, i) => ({ s: `text number ${i}` })),
      { codec: 'uncompressed' },
    )
    for (let i = 0; i < 30; i++) {
      try {
        callCodec((codec) => codec.readParquet(bytes, { rowGroups: [99] }))
      } catch (error) {
        expect(error).toBeInstanceOf(CodecFault)
      }
    }
    expect(codecMemoryBytes()).toBeLessThan(20 * 2 ** 20)
  })

  test('gives every table back: memory does not grow over many reads and writes', async () => {
    const rows = Array.from({ length: 20_000 }, (_, i) => ({ a: i, s: `text ${i}`, l: [i, i] }))
    const once = async (): Promise<void> => {
      const bytes = await writeRows('a long, s string, l array<int>', rows)
      const file = await openParquet(bytesSource(bytes), { name: 'f' })
      for await (const batch of file.read({ columns: ['s', 'l'] })) expect(batch.numRows).toBe(20_000)
    }
    for (let i = 0; i < 3; i++) await once()
    const before = codecMemoryBytes()
    for (let i = 0; i < 20; i++) await once()
    expect(codecMemoryBytes()).toBe(before)
  })
})
