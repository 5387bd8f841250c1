// Column builders as a scanner of bytes drives them: typed appends, cells taken back, nested cells put together.
import type { Data } from 'apache-arrow'
import { describe, expect, test, vi } from 'vitest'
import { grownByteSize } from '../../src/arrow/base-builder.js'
import { batchOf } from '../../src/arrow/batch-builder.js'
import {
  BatchBuilder,
  type BoolBuilder,
  createColumnBuilder,
  type DateBuilder,
  type DecimalBuilder,
  emptyBatch,
  type FloatBuilder,
  type Int64Builder,
  type IntBuilder,
  type ListBuilder,
  type MapBuilder,
  type NullBuilder,
  rowsOf,
  type StructBuilder,
  type TimestampBuilder,
  type Utf8Builder,
} from '../../src/arrow/index.js'
import { toArrowSchema } from '../../src/arrow/types.js'
import { isAlluviumError } from '../../src/errors.js'
import { type Field, parseColumns } from '../../src/schema/index.js'

function fieldOf(ddl: string): Field {
  return parseColumns(`a ${ddl}`).fields[0] as Field
}

function cells(ddl: string, data: Data): unknown[] {
  const struct = parseColumns(`a ${ddl}`)
  return rowsOf(batchOf(toArrowSchema(struct), [data], data.length), struct, { timestamps: 'micros' }).map((row) => row.a)
}

describe('typed appends', () => {
  test('numbers and halves of longs', () => {
    const column = createColumnBuilder(fieldOf('bigint')) as Int64Builder
    for (const value of [0, -1, 4294967296, -4294967297, Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER]) column.appendNumber(value)
    column.appendInt64(-1, 0x7fffffff)
    column.appendInt64(0, -2147483648)
    column.appendBigInt(-5n)
    expect(cells('bigint', column.finish())).toEqual([
      0n,
      -1n,
      4294967296n,
      -4294967297n,
      2n ** 53n - 1n,
      1n - 2n ** 53n,
      2n ** 63n - 1n,
      -(2n ** 63n),
      -5n,
    ])
  })

  test('unscaled decimals', () => {
    const column = createColumnBuilder(fieldOf('decimal(38,1)')) as DecimalBuilder
    column.appendUnscaled(-(10n ** 38n - 1n))
    column.appendUnscaledNumber(-4294967297)
    column.appendUnscaledNumber(5)
    expect(cells('decimal(38,1)', column.finish())).toEqual([`-${'9'.repeat(37)}.9`, '-429496729.7', '0.5'])
  })

  test('bytes, days, microseconds, bits, floats', () => {
    const text = createColumnBuilder(fieldOf('string')) as Utf8Builder
    const source = Buffer.from('..é.. and a tail that is longer than a loop would copy byte by byte')
    text.appendUtf8(source, 2, 4)
    text.appendUtf8(source, 4, 4)
    text.appendUtf8(source, 0, source.length)
    expect(cells('string', text.finish())).toEqual(['é', '', source.toString()])
    const date = createColumnBuilder(fieldOf('date')) as DateBuilder
    date.appendDays(-1)
    expect(cells('date', date.finish())).toEqual(['1969-12-31'])
    const time = createColumnBuilder(fieldOf('timestamp')) as TimestampBuilder
    time.appendMicrosNumber(-1)
    time.appendMicros(2n ** 62n)
    expect(cells('timestamp', time.finish())).toEqual([-1n, 2n ** 62n])
    const bool = createColumnBuilder(fieldOf('boolean')) as BoolBuilder
    for (const bit of [true, false, true]) bool.appendBool(bit)
    bool.truncate(1)
    for (let i = 0; i < 70; i++) bool.appendBool(i % 3 === 0)
    expect(cells('boolean', bool.finish())).toEqual([true, ...Array.from({ length: 70 }, (_, i) => i % 3 === 0)])
  })

  test('numbers out of range are answered, not thrown, and append nothing', () => {
    const byte = createColumnBuilder(fieldOf('tinyint')) as IntBuilder
    expect([byte.appendNumber(128), byte.appendNumber(1.5), byte.appendNumber(-128)]).toEqual([
      expect.any(String),
      expect.any(String),
      undefined,
    ])
    const float = createColumnBuilder(fieldOf('float')) as FloatBuilder
    expect([float.appendNumber(1e39), float.appendNumber(Number.POSITIVE_INFINITY)]).toEqual([expect.any(String), undefined])
    expect([byte.length, float.length]).toEqual([1, 1])
  })

  test('the bytes in use are counted as they come and gone after finish', () => {
    const column = createColumnBuilder(fieldOf('string')) as Utf8Builder
    column.append('12345')
    column.append('é')
    expect(column.byteLength).toBe(5 + 2 + 2 * 4)
    column.appendNull()
    expect(column.byteLength).toBe(5 + 2 + 3 * 4 + 1)
    column.finish()
    expect([column.length, column.byteLength]).toEqual([0, 0])
  })
})

describe('cells taken back', () => {
  test('truncating forgets nulls and texts of the dropped cells', () => {
    const column = createColumnBuilder(fieldOf('string')) as Utf8Builder
    for (let i = 0; i < 200; i++) i % 2 === 0 ? column.append(`t${i}`) : column.appendNull()
    column.truncate(3)
    for (let i = 0; i < 100; i++) column.append(`u${i}`)
    const data = column.finish()
    expect(data.nullCount).toBe(1)
    expect(cells('string', data)).toEqual(['t0', null, 't2', ...Array.from({ length: 100 }, (_, i) => `u${i}`)])
  })

  test('a column without nulls has no validity bitmap, also when its nulls were taken back', () => {
    const column = createColumnBuilder(fieldOf('int'))
    column.append(1)
    column.appendNull()
    column.truncate(1)
    expect(column.finish().nullBitmap ?? new Uint8Array(0)).toHaveLength(0)
  })

  test('nested cells are built part by part, and a half-built one can be abandoned', () => {
    const ddl = 'struct<l:array<int>,m:map<string,bigint>>'
    const struct = createColumnBuilder(fieldOf(ddl)) as StructBuilder
    const [list, map] = struct.children as [ListBuilder, MapBuilder]
    const cell = (n: number): void => {
      ;(list.element as IntBuilder).appendNumber(n)
      list.endCell()
      ;(map.key as Utf8Builder).append(`k${n}`)
      ;(map.value as Int64Builder).appendNumber(n)
      map.endCell()
    }
    cell(1)
    struct.endCell()
    ;(list.element as IntBuilder).appendNumber(99)
    list.abandonCell()
    cell(2)
    struct.abandonCell()
    struct.appendNull()
    cell(3)
    ;(map.key as Utf8Builder).append('half')
    map.abandonCell()
    struct.endCell()
    expect([struct.length, list.length, map.length]).toEqual([3, 3, 3])
    struct.truncate(3)
    expect(cells(ddl, struct.finish())).toEqual([{ l: [1], m: new Map([['k1', 1n]]) }, null, { l: [3], m: new Map([['k3', 3n]]) }])
  })

  test('rows whose cells a scanner appended are counted by endRows', () => {
    const struct = parseColumns('a int, b void')
    const builder = new BatchBuilder(struct)
    const [a, b] = builder.columns as [IntBuilder, NullBuilder]
    a.appendNumber(5)
    b.appendNull()
    builder.endRows(1)
    a.appendNumber(6)
    builder.truncate(builder.rowCount)
    expect(rowsOf(builder.finish(), struct)).toEqual([{ a: 5, b: null }])
  })
})

describe('limits', () => {
  test('a byte arena doubles, ends at 2 GiB, and says so by name', () => {
    expect(grownByteSize(10, 0, 'a')).toBe(1024)
    expect(grownByteSize(3000, 2048, 'a')).toBe(4096)
    expect(grownByteSize(2 ** 31 - 1, 2 ** 30, 'a')).toBe(2 ** 31 - 1)
    expect(() => grownByteSize(2 ** 31, 2 ** 30, 'a.b')).toThrow(/column a\.b .*2 GiB/)
  })

  test('types that cannot be written are refused by name', () => {
    for (const type of [{ type: 'variant' }, { type: 'unknown', json: 'interval' }] as const) {
      try {
        createColumnBuilder({ name: 'v', dataType: type, nullable: true, metadata: {} })
        expect.unreachable()
      } catch (error) {
        expect(isAlluviumError(error, 'UNSUPPORTED_FEATURE') && error.message).toMatch(/column v.*(variant|interval)/)
      }
    }
  })

  test('a batch without rows has all its columns', () => {
    const batch = emptyBatch(parseColumns('a int, s struct<x:array<int>>'))
    expect([batch.numRows, batch.numCols]).toEqual([0, 2])
  })
})

test('without Buffer, as in a browser, texts are built and read the same', async () => {
  const values = ['', 'plain', 'é😀', 'x'.repeat(100), null, `${'y'.repeat(70_000)}é`, 'tail']
  vi.resetModules()
  vi.stubGlobal('Buffer', undefined)
  let portable: typeof import('../../src/arrow/index.js')
  try {
    portable = await import('../../src/arrow/index.js')
  } finally {
    vi.unstubAllGlobals()
  }
  const struct = parseColumns('t string')
  const builder = new portable.BatchBuilder(struct)
  expect(builder.appendRows([{ t: 'lone \ud800' }]).length).toBe(1)
  expect(builder.appendRows(values.map((t) => ({ t })))).toEqual([])
  const batch = builder.finish()
  expect(Object.prototype.toString.call(batch.data.children[0]?.values)).toBe('[object Uint8Array]')
  expect(portable.rowsOf(batch, struct).map((row) => row.t)).toEqual(values)
  expect(rowsOf(batch, struct).map((row) => row.t)).toEqual(values)
})
