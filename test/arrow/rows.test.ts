// Rows out of batches: the forms that have a choice or a limit. (That rows come back as they went in: round-trip.test.ts.)
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { BatchBuilder, constantColumn, physicalReader, physicalValue, rowsOf } from '../../src/arrow/index.js'
import { type DataType, parseColumns, type StructType } from '../../src/schema/index.js'

function roundTrip(ddl: string, rows: readonly object[], options = {}): object[] {
  const struct = parseColumns(ddl)
  const builder = new BatchBuilder(struct)
  expect(builder.appendRows(rows)).toEqual([])
  return rowsOf(builder.finish(), struct, options)
}

describe('timestamps', () => {
  test('come as Dates, cut off downwards to milliseconds, before 1970 too', () => {
    expect(roundTrip('at timestamp', [{ at: 1999n }, { at: -1n }, { at: -1001n }, { at: null }])).toEqual([
      { at: new Date(1) },
      { at: new Date(-1) },
      { at: new Date(-2) },
      { at: null },
    ])
  })

  test('every Date comes back as itself, up to the last there is', () => {
    fc.assert(
      fc.property(fc.array(fc.date({ noInvalidDate: true })), (dates) => {
        expect(
          roundTrip(
            'at timestamp',
            dates.map((at) => ({ at })),
          ),
        ).toEqual(dates.map((at) => ({ at })))
      }),
    )
    const edges = [8.64e15, -8.64e15].map((ms) => ({ at: new Date(ms) }))
    expect(roundTrip('at timestamp', edges)).toEqual(edges)
  })

  test('an instant that no Date can hold is an error that names the column, and exact as microseconds', () => {
    const rows = [{ s: { at: 8_640_000_000_000_001_000n } }]
    expect(() => roundTrip('s struct<at:timestamp>', rows)).toThrow(/column s\.at .*micros/)
    expect(roundTrip('s struct<at:timestamp>', rows, { timestamps: 'micros' })).toEqual(rows)
  })
})

describe('what rows hold', () => {
  test('bytes are a copy: writing to them leaves the batch as it was', () => {
    const struct = parseColumns('b binary')
    const builder = new BatchBuilder(struct)
    builder.appendRows([{ b: Uint8Array.of(1, 2) }])
    const batch = builder.finish()
    const [row] = rowsOf(batch, struct) as [{ b: Uint8Array }]
    row.b[0] = 9
    expect(rowsOf(batch, struct)).toEqual([{ b: Uint8Array.of(1, 2) }])
  })

  test('only the columns asked for, in the order asked', () => {
    const struct = parseColumns('a int, b int, c int')
    const builder = new BatchBuilder(struct)
    builder.appendRows([{ a: 1, b: 2, c: 3 }])
    expect(rowsOf(builder.finish(), parseColumns('c int, a int')).map((row) => Object.entries(row))).toEqual([
      [
        ['c', 3],
        ['a', 1],
      ],
    ])
  })

  test('texts of any length keep their places beside each other', () => {
    const rows = Array.from({ length: 3000 }, (_, i) => ({ t: i % 700 === 3 ? 'long '.repeat(i * 10) : i % 5 === 0 ? `é${i}` : `t${i}` }))
    expect(roundTrip('t string', rows)).toEqual(rows)
  })
})

describe('physical values', () => {
  const cases: readonly [ddl: string, value: unknown, physical: unknown][] = [
    ['bigint', -5n, -5n],
    ['int', 7, 7],
    ['double', 0.1, 0.1],
    ['string', 'é', 'é'],
    ['boolean', true, true],
    ['binary', Uint8Array.of(1), Uint8Array.of(1)],
    ['date', '1970-01-02', 1],
    ['timestamp', new Date(5), 5000n],
    ['timestamp_ntz', '1970-01-01T00:00:01', 1_000_000n],
    ['decimal(38,2)', '-12.5', -1250n],
    ['decimal(38,0)', '-12345678901234567890123456789012345678', -12345678901234567890123456789012345678n],
  ]
  test.each(cases)('%s %o', (ddl, value, physical) => {
    const struct = parseColumns(`a ${ddl}`)
    const builder = new BatchBuilder(struct)
    builder.appendRows([{ a: null }, { a: value }])
    const batch = builder.finish()
    const type = struct.fields[0]?.dataType as DataType
    const vector = batch.getChild('a')
    expect(vector && [physicalValue(vector, type, 0), physicalValue(vector, type, 1)]).toEqual([null, physical])
    const again = constantColumn(type, physical as never, 3)
    expect(physicalReader(again, type)(2)).toEqual(physical)
  })

  test('nested columns have none', () => {
    const struct: StructType = parseColumns('a array<int>')
    expect(() =>
      physicalReader(new BatchBuilder(struct).finish().data.children[0] as never, struct.fields[0]?.dataType as DataType),
    ).toThrow(TypeError)
  })
})
