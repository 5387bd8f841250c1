// What a builder refuses, and how it says so: every fault by row, column and value, and every good row kept.
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { BatchBuilder, createColumnBuilder, printValue, type RowFault, rowsOf } from '../../src/arrow/index.js'
import { jsonObject } from '../../src/json.js'
import { type DataType, type Field, parseColumns, type StructType } from '../../src/schema/index.js'
import { anySample, ownMembers, show } from './rows-arbitrary.js'

function faultsOf(ddl: string, rows: readonly unknown[], ignoreUnknown = false): RowFault[] {
  return new BatchBuilder(parseColumns(ddl)).appendRows(rows as object[], { ignoreUnknown })
}

describe('values that no type takes', () => {
  const cases: readonly [type: string, value: unknown, problem: RegExp][] = [
    ['long', 1.5, /not a whole number/],
    ['long', 2 ** 53, /beyond 2\^53.*bigint/],
    ['long', -(2 ** 60), /beyond 2\^53/],
    ['long', Number.NaN, /not a whole number/],
    ['long', 2n ** 63n, /outside the range of long/],
    ['long', -(2n ** 63n) - 1n, /outside the range of long/],
    ['long', '1', /expected a bigint or a whole number, got a string/],
    ['long', true, /got a boolean/],
    ['int', 2 ** 31, /outside the range of integer/],
    ['int', -(2 ** 31) - 1, /outside the range of integer/],
    ['int', 0.5, /not a whole number/],
    ['int', 1n, /expected a number, got a bigint/],
    ['smallint', 32768, /outside the range of short/],
    ['tinyint', -129, /outside the range of byte/],
    ['tinyint', Number.POSITIVE_INFINITY, /not a whole number/],
    ['float', 1e39, /outside the range of float/],
    ['float', '1', /expected a number/],
    ['double', 1n, /expected a number, got a bigint/],
    ['double', new Date(0), /got a Date/],
    ['boolean', 1, /expected true or false, got a number/],
    ['boolean', 'true', /got a string/],
    ['string', 1, /expected a string, got a number/],
    ['string', 'a\ud800', /unpaired surrogate/],
    ['string', '\udc00', /unpaired surrogate/],
    ['string', `${'x'.repeat(100)}\ud83d`, /unpaired surrogate/],
    ['binary', 'YQ==', /expected a Uint8Array, got a string/],
    ['binary', [1, 2], /got an array/],
    ['date', '2024-02-30', /not a date/],
    ['date', '', /not a date/],
    ['date', new Date('2024-02-28T01:00:00Z'), /not midnight UTC/],
    ['date', new Date(Number.NaN), /midnight UTC/],
    ['date', 19000, /expected a text YYYY-MM-DD/],
    ['timestamp', '2024-02-28T01:00:00', /with a zone/],
    ['timestamp', '2024-02-28T01:00:00.1234567Z', /at most microseconds/],
    ['timestamp', '', /with a zone/],
    ['timestamp', 'é'.repeat(20), /with a zone/],
    ['timestamp', 1.7e12, /expected a Date/],
    ['timestamp', new Date(Number.NaN), /invalid Date/],
    ['timestamp', 2n ** 63n, /64-bit/],
    ['timestamp_ntz', '2024-02-28T01:00:00Z', /without a zone/],
    ['timestamp_ntz', new Date(0), /got a Date/],
    ['decimal(5,2)', '1000', /does not fit decimal\(5,2\) exactly/],
    ['decimal(5,2)', '1.005', /does not fit/],
    ['decimal(5,2)', 1000, /does not fit/],
    ['decimal(5,2)', -1000n, /does not fit/],
    ['decimal(5,2)', 1.5, /pass decimals as text/],
    ['decimal(5,2)', 'abc', /does not fit/],
    ['decimal(38,38)', 1, /does not fit/],
    ['array<int>', 'abc', /expected an array, got a string/],
    ['array<int>', new Map(), /got a Map/],
    ['map<string,int>', 5, /expected a Map/],
    ['map<string,int>', [['a', 1, 2]], /expected pairs/],
    [
      'map<string,int>',
      [
        ['a', 1],
        ['a', 2],
      ],
      /stands twice/,
    ],
    ['map<int,int>', { 1: 2 }, /text keys only/],
    [
      'map<long,int>',
      new Map<unknown, number>([
        [1, 1],
        [1n, 2],
      ]),
      /stands twice/,
    ],
    ['struct<a:int>', [1], /expected an object, got an array/],
    ['struct<a:int>', 'x', /got a string/],
    ['struct<a:int>', new Date(0), /got a Date/],
  ]

  test.each(cases)('%s refuses %o', (type, value, problem) => {
    const faults = faultsOf(`a ${type}`, [{ a: value }])
    expect(faults).toEqual([{ row: 0, column: 'a', value: printValue(value), problem: expect.stringMatching(problem) as string }])
  })

  test.each(cases)('%s appends nothing for %o, and its builder goes on', (type, value) => {
    const field = parseColumns(`a ${type}`).fields[0] as Field
    const column = createColumnBuilder(field)
    column.append(null)
    expect(column.append(value)).toBeTypeOf('string')
    expect(column.length).toBe(1)
    column.append(null)
    expect(column.finish().length).toBe(2)
  })
})

describe('null where the schema says NOT NULL', () => {
  test.each([null, undefined])('%s is a fault in a top-level column, a missing key too', (value) => {
    expect(faultsOf('a int not null', [{ a: value }, {}])).toEqual([
      { row: 0, column: 'a', value: `${value}`, problem: 'null in a NOT NULL column' },
      { row: 1, column: 'a', value: 'undefined', problem: 'null in a NOT NULL column' },
    ])
  })

  test('nested fields are named by their dotted path', () => {
    const struct: StructType = {
      type: 'struct',
      fields: [
        field('s', { type: 'struct', fields: [field('x', { type: 'integer' }, false)] }),
        field('l', { type: 'array', elementType: { type: 'integer' }, containsNull: false }),
        field('m', { type: 'map', keyType: { type: 'string' }, valueType: { type: 'integer' }, valueContainsNull: false }),
      ],
    }
    const row = {
      s: { x: null },
      l: [1, null],
      m: new Map<unknown, unknown>([
        ['a', null],
        [null, 1],
      ]),
    }
    expect(new BatchBuilder(struct).appendRows([row, { s: null, l: null, m: null }]).map((fault) => fault.column)).toEqual([
      's.x',
      'l.element',
      'm.value',
      'm.key',
    ])
  })

  test('a null struct hides its NOT NULL members', () => {
    const struct: StructType = {
      type: 'struct',
      fields: [field('s', { type: 'struct', fields: [field('x', { type: 'integer' }, false)] })],
    }
    const builder = new BatchBuilder(struct)
    expect(builder.appendRows([{ s: null }, { s: { x: 7 } }])).toEqual([])
    const batch = builder.finish()
    expect(rowsOf(batch, struct)).toEqual([{ s: null }, { s: { x: 7 } }])
    expect(batch.data.children[0]?.children[0]?.nullCount).toBe(0)
  })
})

describe('unknown keys', () => {
  test('each is a fault with its value, unless they are ignored', () => {
    const rows = [{ a: 1, b: 'x', c: [1] }]
    expect(faultsOf('a int', rows)).toEqual([
      { row: 0, column: 'b', value: '"x"', problem: 'no such column in the schema' },
      { row: 0, column: 'c', value: '[1]', problem: 'no such column in the schema' },
    ])
    expect(faultsOf('a int', rows, true)).toEqual([])
  })

  test('inside a struct they are named by their path', () => {
    expect(faultsOf('s struct<a:int>', [{ s: { a: 1, z: 2 } }])).toEqual([
      { row: 0, column: 's.z', value: '2', problem: 'no such field in the schema' },
    ])
    expect(faultsOf('s struct<a:int>', [{ s: { a: 1, z: 2 } }], true)).toEqual([])
  })

  test('an unknown key among rows of other key orders and missing keys is found', () => {
    const faults = faultsOf('a int, b int, c int', [{ c: 1, a: 2 }, { b: 1 }, {}, { c: 3, b: 2, a: 1 }, { a: 1, A: 2, c: 3 }])
    expect(faults.map((fault) => [fault.row, fault.column])).toEqual([[4, 'A']])
  })

  test('names that every object inherits are columns only where the row owns them', () => {
    const struct = parseColumns('`__proto__` string, constructor string, toString string')
    const builder = new BatchBuilder(struct)
    const own = ownMembers([
      ['__proto__', 'p'],
      ['constructor', 'c'],
      ['toString', 't'],
    ])
    expect(builder.appendRows([{}, own, JSON.parse('{"__proto__":"q"}') as object])).toEqual([])
    const rows = rowsOf(builder.finish(), struct)
    expect(rows.map(show)).toEqual([
      '{"__proto__":null,"constructor":null,"toString":null}',
      '{"__proto__":"p","constructor":"c","toString":"t"}',
      '{"__proto__":"q","constructor":null,"toString":null}',
    ])
    expect(Object.getPrototypeOf(rows[1])).toBe(Object.prototype)
  })

  test('a key that only a prototype has is not a key of the row', () => {
    expect(faultsOf('a int', [Object.assign(Object.create({ inherited: 1 }) as object, { a: 1 })])).toEqual([])
    expect(faultsOf('a int', [Object.assign(Object.create(null) as object, { a: 1, b: 2 })]).length).toBe(1)
  })

  test.each([null, undefined, 5, 'text', [1], new Date(0), new Map()])('%o is no row', (row) => {
    expect(faultsOf('a int', [{ a: 1 }, row])).toEqual([
      { row: 1, column: '', value: printValue(row), problem: expect.stringMatching(/a row must be an object/) as string },
    ])
  })
})

describe('many rows', () => {
  test('all faults of all rows are listed, and the good rows stay in order', () => {
    const builder = new BatchBuilder(parseColumns('id long not null, name string, n int'))
    const rows = Array.from({ length: 5000 }, (_, i) => ({
      id: i % 1000 === 7 ? null : BigInt(i),
      name: i % 1000 === 8 ? i : `n${i}é`,
      n: i % 1000 === 7 ? 'x' : i,
    }))
    const faults = builder.appendRows(rows, { firstRow: 100 })
    expect(faults.map((fault) => `${fault.row} ${fault.column}`)).toEqual(
      [0, 1, 2, 3, 4].flatMap((k) => [`${107 + k * 1000} id`, `${107 + k * 1000} n`, `${108 + k * 1000} name`]),
    )
    const good = rows.filter((_, i) => i % 1000 !== 7 && i % 1000 !== 8)
    expect(builder.rowCount).toBe(4990)
    expect(rowsOf(builder.finish(), parseColumns('id long not null, name string, n int'))).toEqual(good)
  })

  test('bad rows anywhere leave no trace in the good ones', () => {
    fc.assert(
      fc.property(anySample(25), fc.array(fc.nat(24)), (sample, bad) => {
        const builder = new BatchBuilder(sample.struct)
        const last = sample.struct.fields.at(-1) as Field
        const spoil = (row: object): object =>
          ownMembers([...Object.entries(row).filter(([name]) => name !== last.name), [last.name, Symbol('bad')]])
        const rows = sample.rows.map((row, i) => (bad.includes(i) ? spoil(row) : row))
        const faults = builder.appendRows(rows)
        expect(faults.map((fault) => fault.row)).toEqual(sample.rows.map((_, i) => i).filter((i) => bad.includes(i)))
        const kept = sample.expected.filter((_, i) => !bad.includes(i))
        expect(rowsOf(builder.finish(), sample.struct, { timestamps: 'micros' }).map(show)).toEqual(kept.map(show))
      }),
      { numRuns: 150 },
    )
  })

  test('an exception from a getter of a row leaves the builder as it was', () => {
    const struct = parseColumns('a int, b string')
    const builder = new BatchBuilder(struct)
    builder.appendRows([{ a: 1, b: 'x' }])
    const broken = {
      a: 2,
      get b(): string {
        throw new Error('broken getter')
      },
    }
    expect(() => builder.appendRows([{ a: 3, b: 'y' }, broken])).toThrow('broken getter')
    expect(builder.rowCount).toBe(1)
    builder.appendRows([{ a: 4, b: 'z' }])
    expect(rowsOf(builder.finish(), struct)).toEqual([
      { a: 1, b: 'x' },
      { a: 4, b: 'z' },
    ])
  })
})

describe('values in messages', () => {
  test('are short, printable, and never call what they bring along', () => {
    expect(printValue('x'.repeat(10_000)).length).toBeLessThan(100)
    expect(printValue('a\nb\u0000')).toBe('"a\\nb\\u0000"')
    expect(
      printValue({
        get secret() {
          throw new Error('called')
        },
        toString: () => {
          throw new Error('called')
        },
      }),
    ).toContain('[getter]')
    const loop: unknown[] = []
    loop.push(loop)
    expect(printValue(loop)).toBe('[[[…]]]')
    expect(printValue(new Uint8Array(5))).toBe('[5 bytes]')
    expect(printValue(-0)).toBe('-0')
    expect(printValue(Symbol('s'))).toBe('[symbol]')
    expect(printValue('😀'.repeat(60))).not.toMatch(/[\ud800-\udbff]…/)
  })
})

function field(name: string, dataType: DataType, nullable = true): Field {
  return { name, dataType, nullable, metadata: jsonObject() }
}
