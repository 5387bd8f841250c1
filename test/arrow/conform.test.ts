// Batches of other producers: what is widened, what is refused, and that values never change on the way.
import {
  Field as ArrowField,
  type DataType as ArrowType,
  Binary,
  BinaryView,
  type Data,
  DateDay,
  DateMillisecond,
  Decimal,
  Dictionary,
  FixedSizeBinary,
  FixedSizeList,
  Float16,
  Float32,
  Float64,
  Int8,
  Int16,
  Int32,
  Int64,
  LargeBinary,
  LargeList,
  LargeUtf8,
  List,
  makeData,
  Null,
  RecordBatch,
  Schema,
  Struct,
  TimeMicrosecond,
  Timestamp,
  TimestampNanosecond,
  TimestampSecond,
  TimeUnit,
  Uint8,
  Uint16,
  Uint32,
  Uint64,
  Utf8,
  Utf8View,
  type Vector,
  vectorFromArray,
} from 'apache-arrow'
import { describe, expect, test } from 'vitest'
import {
  batchBytes,
  concatBatches,
  conformBatch,
  constantColumn,
  fromArrowSchema,
  nullColumn,
  rowsOf,
  take,
} from '../../src/arrow/index.js'
import { isAlluviumError } from '../../src/errors.js'
import { type DataType, type PhysicalValue, parseColumns } from '../../src/schema/index.js'

function batch(columns: Record<string, Data | Vector>): RecordBatch {
  const entries = Object.entries(columns).map(([name, column]): [string, Data] => [
    name,
    'data' in column ? (column.data[0] as Data) : column,
  ])
  const fields = entries.map(([name, data]) => new ArrowField(name, data.type, true))
  const type = new Struct(fields)
  const children = entries.map(([, data]) => data)
  return new RecordBatch(new Schema(fields), makeData({ type, children, length: children[0]?.length ?? 0, nullCount: 0 }))
}

function column(type: ArrowType, data: ArrayBufferView, nulls: readonly number[] = []): Data {
  const length = (data as Uint8Array).length
  if (nulls.length === 0) return makeData({ type, data, length, nullCount: 0 } as never) as Data
  const nullBitmap = new Uint8Array(8).fill(255)
  for (const at of nulls) nullBitmap[at >> 3] = (nullBitmap[at >> 3] as number) & ~(1 << (at & 7))
  return makeData({ type, data, length, nullCount: nulls.length, nullBitmap } as never) as Data
}

function conformed(data: Data | Vector, ddl: string, purpose: 'read' | 'write' = 'write'): unknown[] {
  const struct = parseColumns(`a ${ddl}`)
  return rowsOf(conformBatch(batch({ a: data }), struct, { purpose }), struct, { timestamps: 'micros' }).map((row) => row.a)
}

function refusal(action: () => unknown): { code: string; message: string } {
  try {
    action()
  } catch (error) {
    if (isAlluviumError(error)) return { code: error.code, message: error.message }
    throw error
  }
  throw new Error('nothing was refused')
}

describe('widening', () => {
  const cases: readonly [name: string, data: Data, ddl: string, values: unknown[]][] = [
    ['byte to short', column(new Int8(), Int8Array.of(-128, 5)), 'smallint', [-128, 5]],
    ['byte to long', column(new Int8(), Int8Array.of(-128, 5)), 'bigint', [-128n, 5n]],
    ['short to int', column(new Int16(), Int16Array.of(-32768)), 'int', [-32768]],
    ['int to long', column(new Int32(), Int32Array.of(-1, 0, 2147483647), [1]), 'bigint', [-1n, null, 2147483647n]],
    ['uint8 to short', column(new Uint8(), Uint8Array.of(255)), 'smallint', [255]],
    ['uint16 to int', column(new Uint16(), Uint16Array.of(65535)), 'int', [65535]],
    ['uint32 to long', column(new Uint32(), Uint32Array.of(4294967295)), 'bigint', [4294967295n]],
    ['uint64 to long', column(new Uint64(), BigUint64Array.of(2n ** 63n - 1n)), 'bigint', [2n ** 63n - 1n]],
    ['uint64 to decimal', column(new Uint64(), BigUint64Array.of(2n ** 64n - 1n)), 'decimal(20,0)', ['18446744073709551615']],
    ['int to double', column(new Int32(), Int32Array.of(-7)), 'double', [-7]],
    ['float to double', column(new Float32(), Float32Array.of(0.5, -0)), 'double', [0.5, -0]],
    [
      'float16 to float',
      column(new Float16(), Uint16Array.of(0x3c00, 0xc000, 0x0001, 0x7c00, 0xfbff)),
      'float',
      [1, -2, 2 ** -24, Number.POSITIVE_INFINITY, -65504],
    ],
    ['int to decimal', column(new Int32(), Int32Array.of(-7, 0), [1]), 'decimal(12,2)', ['-7.00', null]],
    [
      'date to timestamp_ntz',
      column(new DateDay(), Int32Array.of(-1, 19000)),
      'timestamp_ntz',
      ['1969-12-31T00:00:00.000000', '2022-01-08T00:00:00.000000'],
    ],
    ['date in ms to date', column(new DateMillisecond(), BigInt64Array.of(-86400000n)), 'date', ['1969-12-31']],
    ['seconds', column(new TimestampSecond(), BigInt64Array.of(-1n)), 'timestamp', [-1000000n]],
    ['another zone', column(new Timestamp(TimeUnit.MICROSECOND, 'Europe/Berlin'), BigInt64Array.of(5n)), 'timestamp', [5n]],
    [
      'whole microseconds in ns',
      column(new TimestampNanosecond(), BigInt64Array.of(-5000n)),
      'timestamp_ntz',
      ['1969-12-31T23:59:59.999995'],
    ],
    ['null to anything', makeData({ type: new Null(), length: 2 } as never) as Data, 'array<struct<x:int>>', [null, null]],
  ]
  test.each(cases)('%s', (_name, data, ddl, values) => {
    expect(conformed(data, ddl)).toEqual(values)
    expect(conformed(data.slice(1, data.length - 1), ddl)).toEqual(values.slice(1))
  })

  test('decimals of any width and smaller precision', () => {
    const wide = (type: Decimal, values: bigint[]): Data => {
      const words = new Uint32Array((values.length * type.bitWidth) / 32)
      values.forEach((value, i) => {
        for (let w = 0; w < type.bitWidth / 32; w++)
          words[(i * type.bitWidth) / 32 + w] = Number(BigInt.asUintN(32, value >> BigInt(32 * w)))
      })
      return makeData({ type, data: words, length: values.length, nullCount: 0 } as never) as Data
    }
    const values = [-1234n, 99999n, 0n]
    for (const bits of [32, 64, 128, 256]) {
      expect(conformed(wide(new Decimal(2, 5, bits), values), 'decimal(9,4)')).toEqual(['-12.3400', '999.9900', '0.0000'])
      expect(conformed(wide(new Decimal(2, 5, bits), values), 'decimal(5,2)')).toEqual(['-12.34', '999.99', '0.00'])
    }
    expect(refusal(() => conformed(wide(new Decimal(2, 5), values), 'decimal(5,3)'))).toMatchObject({
      code: 'INVALID_ROW',
      message: expect.stringContaining('999.99 does not fit') as string,
    })
    expect(refusal(() => conformed(wide(new Decimal(2, 5), values), 'decimal(5,1)')).code).toBe('SCHEMA_MISMATCH')
    expect(conformed(wide(new Decimal(0, 38), [10n ** 38n - 1n]), 'decimal(38,0)')).toEqual(['99999999999999999999999999999999999999'])
  })
})

describe('other layouts', () => {
  const texts = ['first', 'short', 'é😀 and much longer than twelve bytes', null, 'twelve bytes', '']
  const dictionaryOf = (index: Int8 | Int32): Vector => vectorFromArray(texts, new Dictionary(new Utf8(), index as Int32))

  test.each([
    ['dictionary of int32', dictionaryOf(new Int32())],
    ['dictionary of int8', dictionaryOf(new Int8())],
    ['large text', vectorFromArray(texts, new LargeUtf8())],
    ['text views', vectorFromArray(texts, new Utf8View())],
  ])('%s, sliced or not', (_name, vector) => {
    const data = vector.data[0] as Data
    expect(conformed(data, 'string')).toEqual(texts)
    expect(conformed(data.slice(1, 3), 'string')).toEqual(texts.slice(1, 4))
    const struct = parseColumns('a string')
    const taken = take(batch({ a: data.slice(1, 4) }), Int32Array.of(3, 0, 2))
    expect(rowsOf(taken, struct).map((row) => row.a)).toEqual(['twelve bytes', 'short', null])
    const joined = concatBatches([batch({ a: data.slice(1, 2) }), batch({ a: data })])
    expect(rowsOf(joined, struct).map((row) => row.a)).toEqual([...texts.slice(1, 3), ...texts])
  })

  test('dictionaries that differ are concatenated by their values', () => {
    const [a, b] = [
      ['x', 'y'],
      ['y', 'z', null],
    ].map((values) => batch({ a: vectorFromArray(values, new Dictionary(new Utf8(), new Int32())) }))
    expect(rowsOf(concatBatches([a as RecordBatch, b as RecordBatch]), parseColumns('a string')).map((row) => row.a)).toEqual([
      'x',
      'y',
      'y',
      'z',
      null,
    ])
  })

  test('binary in every layout', () => {
    const values = [Uint8Array.of(1, 2), Uint8Array.of(3, 4)]
    for (const type of [new Binary(), new LargeBinary(), new BinaryView(), new FixedSizeBinary(2)]) {
      expect(conformed(vectorFromArray(values, type as Binary), 'binary')).toEqual(values)
    }
  })

  test('lists in every layout', () => {
    const child = column(new Int32(), Int32Array.of(1, 2, 3, 4, 5, 6))
    const item = new ArrowField('item', new Int32(), true)
    const large = makeData({
      type: new LargeList(item),
      valueOffsets: BigInt64Array.of(0n, 2n, 2n, 6n),
      child,
      length: 3,
      nullCount: 0,
    } as never) as Data
    const fixed = makeData({ type: new FixedSizeList(2, item), child, length: 3, nullCount: 0 } as never) as Data
    const plain = makeData({ type: new List(item), valueOffsets: Int32Array.of(1, 2, 6), child, length: 2, nullCount: 0 } as never) as Data
    expect(conformed(large, 'array<bigint>')).toEqual([[1n, 2n], [], [3n, 4n, 5n, 6n]])
    expect(conformed(large.slice(2, 1), 'array<int>')).toEqual([[3, 4, 5, 6]])
    expect(conformed(fixed, 'array<bigint>')).toEqual([
      [1n, 2n],
      [3n, 4n],
      [5n, 6n],
    ])
    expect(conformed(fixed.slice(1, 2), 'array<int>')).toEqual([
      [3, 4],
      [5, 6],
    ])
    expect(conformed(plain, 'array<double>')).toEqual([[2], [3, 4, 5, 6]])
    const rows = rowsOf(take(batch({ a: fixed.slice(1, 2) }), Int32Array.of(1, 0)), parseColumns('a array<int>'))
    expect(rows.map((row) => row.a)).toEqual([
      [5, 6],
      [3, 4],
    ])
  })

  test('bytes that are text become text, others are refused', () => {
    const good = vectorFromArray([Buffer.from('é'), Buffer.from('')], new Binary())
    const bad = vectorFromArray([Buffer.from('ok'), Uint8Array.of(0xff)], new Binary())
    // Each half of the é by itself is no text, though both together are.
    const split = vectorFromArray([Uint8Array.of(0xc3), Uint8Array.of(0xa9)], new Binary())
    expect(conformed(good, 'string')).toEqual(['é', ''])
    expect(refusal(() => conformed(bad, 'string', 'read'))).toMatchObject({
      code: 'CORRUPT_DATA',
      message: expect.stringMatching(/column a, value 1/) as string,
    })
    expect(refusal(() => conformed(split, 'string', 'read')).code).toBe('CORRUPT_DATA')
  })

  test('an index or a view that points outside is corrupt data, not a crash', () => {
    const dictionary = vectorFromArray(['x'], new Utf8())
    const type = new Dictionary(new Utf8(), new Int32())
    for (const index of [1, -1]) {
      const data = makeData({ type, data: Int32Array.of(index), length: 1, nullCount: 0, dictionary } as never) as Data
      expect(refusal(() => conformed(data, 'string')).code).toBe('CORRUPT_DATA')
    }
    for (const [size, buffer, offset] of [
      [100, 0, 0],
      [20, 1, 0],
      [20, 0, -1],
      [-5, 0, 0],
    ] as const) {
      const views = new Uint8Array(16)
      const access = new DataView(views.buffer)
      access.setInt32(0, size, true)
      access.setInt32(8, buffer, true)
      access.setInt32(12, offset, true)
      const data = makeData({ type: new Utf8View(), views, length: 1, variadicBuffers: [new Uint8Array(50)] } as never) as Data
      expect(refusal(() => conformed(data, 'string')).code).toBe('CORRUPT_DATA')
    }
  })
})

describe('refusals', () => {
  test('all columns that do not match are named in one error', () => {
    const given = batch({
      a: column(new Int64(), BigInt64Array.of(1n)),
      b: column(new Float64(), Float64Array.of(1)),
      c: column(new Int32(), Int32Array.of(1)),
      d: column(new TimeMicrosecond(), BigInt64Array.of(1n)),
    })
    const { code, message } = refusal(() =>
      conformBatch(given, parseColumns('a int, b float, c string, d timestamp, e int not null'), { name: 'part-1' }),
    )
    expect(code).toBe('SCHEMA_MISMATCH')
    expect(message).toMatch(/in part-1 /)
    for (const name of ['a', 'b', 'c', 'd', 'e']) expect(message).toContain(`column ${name}: `)
  })

  test.each([
    ['uint64 beyond long', column(new Uint64(), BigUint64Array.of(2n ** 63n)), 'bigint'],
    ['seconds beyond 64-bit microseconds', column(new TimestampSecond(), BigInt64Array.of(2n ** 62n)), 'timestamp'],
    ['a day beyond 64-bit microseconds', column(new DateDay(), Int32Array.of(2 ** 31 - 1)), 'timestamp_ntz'],
    ['milliseconds that are no day', column(new DateMillisecond(), BigInt64Array.of(1n)), 'date'],
    ['an int of too many digits', column(new Int32(), Int32Array.of(1000)), 'decimal(5,2)'],
    ['nanoseconds that are no microsecond', column(new TimestampNanosecond(), BigInt64Array.of(1n)), 'timestamp'],
  ])('%s is an error, and no error under a null', (_name, data, ddl) => {
    expect(refusal(() => conformed(data, ddl)).code).toBe('INVALID_ROW')
    expect(conformed(column(data.type, data.values, [0]), ddl)).toEqual([null])
  })

  test('reading takes narrow integers that a file stores wider, where they fit', () => {
    const wide = column(new Int32(), Int32Array.of(-128, 127, 5000), [2])
    expect(conformed(wide, 'tinyint', 'read')).toEqual([-128, 127, null])
    expect(refusal(() => conformed(wide, 'tinyint', 'write')).code).toBe('SCHEMA_MISMATCH')
    expect(conformed(column(new Int64(), BigInt64Array.of(-(2n ** 31n))), 'int', 'read')).toEqual([-(2 ** 31)])
    for (const value of [128, -129]) {
      expect(refusal(() => conformed(column(new Int32(), Int32Array.of(0, value)), 'tinyint', 'read'))).toMatchObject({
        code: 'CORRUPT_DATA',
        message: expect.stringContaining('value 1') as string,
      })
    }
    expect(refusal(() => conformed(column(new Int64(), BigInt64Array.of(2n ** 31n)), 'int', 'read')).code).toBe('CORRUPT_DATA')
  })

  test('reading cuts nanoseconds downwards', () => {
    expect(conformed(column(new TimestampNanosecond(), BigInt64Array.of(1999n, -1n)), 'timestamp', 'read')).toEqual([1n, -1n])
  })

  test('writing refuses columns that the schema lacks, at any depth; reading leaves them out', () => {
    const s = makeData({
      type: new Struct([new ArrowField('x', new Int32()), new ArrowField('y', new Int32())]),
      length: 1,
      nullCount: 0,
      children: [column(new Int32(), Int32Array.of(1)), column(new Int32(), Int32Array.of(2))],
    } as never) as Data
    const given = batch({ s, z: column(new Int32(), Int32Array.of(3)) })
    const struct = parseColumns('s struct<y:int>')
    expect(refusal(() => conformBatch(given, struct)).message).toMatch(/column s\.x: no such.*column z: no such/)
    expect(rowsOf(conformBatch(given, struct, { purpose: 'read' }), struct)).toEqual([{ s: { y: 2 } }])
  })

  test('reading finds a column whose name differs in case only, writing does not', () => {
    const given = batch({ Id: column(new Int32(), Int32Array.of(3)) })
    expect(rowsOf(conformBatch(given, parseColumns('id int'), { purpose: 'read' }), parseColumns('id int'))).toEqual([{ id: 3 }])
    expect(refusal(() => conformBatch(given, parseColumns('id int'))).message).toContain('column Id')
    const both = batch({ Id: column(new Int32(), Int32Array.of(3)), ID: column(new Int32(), Int32Array.of(4)) })
    expect(rowsOf(both, parseColumns('id int'))).toEqual([{ id: null }])
  })

  test('writing checks NOT NULL, where no null parent hides the null', () => {
    const child = column(new Int32(), Int32Array.of(1, 0, 3), [1])
    const struct = (nulls: boolean): Data => {
      const type = new Struct([new ArrowField('x', new Int32(), true)])
      return makeData({
        type,
        length: 3,
        nullCount: nulls ? 1 : 0,
        ...(nulls ? { nullBitmap: Uint8Array.of(0b101) } : {}),
        children: [child],
      } as never) as Data
    }
    const target = { ...parseColumns('s struct<x:int not null>') }
    expect(refusal(() => conformBatch(batch({ s: struct(false) }), target))).toMatchObject({
      code: 'INVALID_ROW',
      message: expect.stringContaining('column s.x, value 1') as string,
    })
    expect(rowsOf(conformBatch(batch({ s: struct(true) }), target), target)).toEqual([{ s: { x: 1 } }, { s: null }, { s: { x: 3 } }])
    expect(refusal(() => conformBatch(batch({ a: child }), parseColumns('a int not null'))).code).toBe('INVALID_ROW')
    expect(conformBatch(batch({ a: child }), parseColumns('a int not null'), { purpose: 'read' }).numRows).toBe(3)
  })

  test('Arrow types that Delta lacks are all named', () => {
    const schema = new Schema([
      new ArrowField('ok', new Uint32()),
      new ArrowField('t', new TimeMicrosecond()),
      new ArrowField('l', new List(new ArrowField('item', new TimeMicrosecond()))),
    ])
    const { code, message } = refusal(() => fromArrowSchema(schema))
    expect(code).toBe('SCHEMA_MISMATCH')
    expect(message).toMatch(/t \(Time64.*l\.element/)
  })
})

describe('constants', () => {
  const cases: readonly [type: DataType, value: PhysicalValue, out: unknown][] = [
    [{ type: 'string' }, 'é', 'é'],
    [{ type: 'string' }, '', ''],
    [{ type: 'binary' }, Uint8Array.of(1, 2, 3), Uint8Array.of(1, 2, 3)],
    [{ type: 'boolean' }, true, true],
    [{ type: 'boolean' }, false, false],
    [{ type: 'byte' }, -1, -1],
    [{ type: 'short' }, -300, -300],
    [{ type: 'integer' }, 70000, 70000],
    [{ type: 'date' }, 0, '1970-01-01'],
    [{ type: 'float' }, 0.5, 0.5],
    [{ type: 'double' }, 0.1, 0.1],
    [{ type: 'long' }, -(2n ** 63n), -(2n ** 63n)],
    [{ type: 'timestamp' }, -1n, -1n],
    [{ type: 'timestamp_ntz' }, 0n, '1970-01-01T00:00:00.000000'],
    [{ type: 'decimal', precision: 38, scale: 2 }, -(10n ** 37n), `-1${'0'.repeat(35)}.00`],
  ]
  test.each(cases)('%o: %s in every row, and null in every row', (dataType, value, out) => {
    const struct = { type: 'struct', fields: [{ name: 'a', dataType, nullable: true, metadata: {} }] } as const
    for (const length of [0, 1, 13, 100]) {
      const rows = (data: Data): unknown[] => rowsOf(batch({ a: data }), struct, { timestamps: 'micros' }).map((row) => row.a)
      expect(rows(constantColumn(dataType, value, length))).toEqual(new Array(length).fill(out))
      expect(rows(constantColumn(dataType, null, length))).toEqual(new Array(length).fill(null))
      expect(rows(nullColumn(dataType, length))).toEqual(new Array(length).fill(null))
    }
  })

  test('a value in another form than the physical one is a TypeError', () => {
    expect(() => constantColumn({ type: 'long' }, 1, 1)).toThrow(TypeError)
    expect(() => constantColumn({ type: 'string' }, 1n, 1)).toThrow(TypeError)
    expect(() => constantColumn({ type: 'string' }, 'x'.repeat(2 ** 20), 4096)).toThrow(RangeError)
  })
})

test('the bytes of a slice are its own only', () => {
  const whole = batch({ a: vectorFromArray(['x'.repeat(1000), 'y'], new Utf8()), b: column(new Int64(), BigInt64Array.of(1n, 2n)) })
  expect(batchBytes(whole)).toBe(1001 + 2 * 4 + 2 * 8)
  expect(batchBytes(whole.slice(1, 2))).toBe(1 + 4 + 8)
})
