// Random schemas' worth of rows and filters: values come from small pools, so that filters hit often, with the edges of
// every type among them.
import fc from 'fast-check'
import type { Column, CompareOp, Expression, Literal, LiteralType } from '../../src/filter/index.js'
import type { DataType } from '../../src/schema/index.js'
import { type Cell, type Row, struct } from './batches.js'

const MEMBER_TYPES: Readonly<Record<string, DataType>> = {
  n: { type: 'integer' },
  t: { type: 'string' },
  inner: struct({ d: { type: 'double' } }),
}

/** Every type that can be compared, with names that need quoting among them. */
export const COLUMNS: Readonly<Record<string, DataType>> = {
  b: { type: 'byte' },
  s: { type: 'short' },
  i: { type: 'integer' },
  l: { type: 'long' },
  l2: { type: 'long' },
  f: { type: 'float' },
  d: { type: 'double' },
  d2: { type: 'double' },
  small: { type: 'decimal', precision: 9, scale: 2 },
  big: { type: 'decimal', precision: 38, scale: 10 },
  whole: { type: 'decimal', precision: 20, scale: 0 },
  t: { type: 'string' },
  'odd `name`': { type: 'string' },
  flag: { type: 'boolean' },
  bytes: { type: 'binary' },
  day: { type: 'date' },
  at: { type: 'timestamp' },
  ntz: { type: 'timestamp_ntz' },
  st: struct(MEMBER_TYPES),
  __proto__x: { type: 'integer' },
}

export const SCHEMA = struct(COLUMNS)

/** Columns that a leaf of a filter can name, with their types. */
export const LEAVES: readonly (readonly [readonly string[], DataType])[] = [
  ...Object.entries(COLUMNS)
    .filter(([, type]) => type.type !== 'struct')
    .map(([name, type]) => [[name], type] as const),
  [['st', 'n'], { type: 'integer' }],
  [['st', 't'], { type: 'string' }],
  [['st', 'inner', 'd'], { type: 'double' }],
]

const INTS = [0, 1, -1, 2, 5, 100, 127, -128]
const LONGS = [
  0n,
  1n,
  -1n,
  5n,
  2n ** 31n,
  -(2n ** 32n),
  9007199254740993n,
  9007199254740992n,
  2n ** 63n - 1n,
  -(2n ** 63n),
  4294967296n,
  4294967295n,
]
const DOUBLES = [
  0,
  -0,
  1,
  -1,
  0.1,
  1.5,
  2.5e10,
  Number.MAX_VALUE,
  5e-324,
  Number.NaN,
  Number.POSITIVE_INFINITY,
  Number.NEGATIVE_INFINITY,
  9007199254740992,
]
const TEXTS = [
  '',
  'a',
  'ab',
  'abc',
  'b',
  'ä',
  '\u{ff5e}',
  '\u{1f600}',
  '\u{1f600}a',
  'a%b',
  'a_b',
  'a\\b',
  "it's",
  'x'.repeat(40),
  `${'x'.repeat(40)}y`,
  'aab',
  'aaab',
]

export function cell(type: DataType): fc.Arbitrary<Cell> {
  return fc.oneof({ weight: 5, arbitrary: value(type) }, { weight: 1, arbitrary: fc.constant(null) })
}

function value(type: DataType): fc.Arbitrary<Cell> {
  switch (type.type) {
    case 'byte':
    case 'short':
    case 'integer':
      return fc.constantFrom(...INTS)
    case 'date':
      return fc.constantFrom(0, 1, -1, 18262, 20000, -719528)
    case 'long':
      return fc.constantFrom(...LONGS)
    case 'timestamp':
    case 'timestamp_ntz':
      return fc.constantFrom(0n, 1n, -1n, 1_577_836_800_000_000n, 1_577_836_800_123_456n, -62_135_596_800_000_000n)
    case 'float':
      return fc.constantFrom(...DOUBLES.map(Math.fround))
    case 'double':
      return fc.constantFrom(...DOUBLES)
    case 'decimal': {
      const max = 10n ** BigInt(type.precision) - 1n
      return fc.constantFrom(0n, 1n, -1n, 100n, 150n, -150n, 10n ** BigInt(type.scale), max, -max, max - 1n)
    }
    case 'string':
      return fc.constantFrom(...TEXTS)
    case 'boolean':
      return fc.boolean()
    case 'binary':
      return fc.constantFrom(new Uint8Array(), new Uint8Array([0]), new Uint8Array([0, 255]), new Uint8Array([255]))
    case 'struct':
      return fc.record(Object.fromEntries(type.fields.map((field) => [field.name, cell(field.dataType)]))) as fc.Arbitrary<Cell>
    default:
      return fc.constant(null)
  }
}

export function rows(maxLength = 40): fc.Arbitrary<Row[]> {
  return fc.array(fc.record(Object.fromEntries(Object.entries(COLUMNS).map(([name, type]) => [name, cell(type)]))) as fc.Arbitrary<Row>, {
    maxLength,
  })
}

function lit(type: LiteralType, text: string): Literal {
  return { kind: 'literal', type, text }
}

/** A literal that goes with the type, often one of its values, sometimes between or beyond them. */
export function literalFor(type: DataType): fc.Arbitrary<Literal> {
  const nothing = fc.constant(lit('null', 'null'))
  return fc.oneof({ weight: 12, arbitrary: nonNullLiteral(type) }, { weight: 1, arbitrary: nothing })
}

const NUMBERS = fc.oneof(
  fc.constantFrom(
    '0',
    '-0',
    '1',
    '-1',
    '1.5',
    '.5',
    '-1.5',
    '1e2',
    '1.50',
    '0.1',
    '9007199254740993',
    '9007199254740992.5',
    '9223372036854775807',
    '9223372036854775808',
  ),
  fc.constantFrom(
    '-9223372036854775809',
    '1e400',
    '-1e400',
    '1e-400',
    '99999999999999999999999999999999999999999999999',
    '127',
    '128',
    '-128',
    '2147483648',
    '9999999.99',
  ),
  fc.integer({ min: -200, max: 200 }).map(String),
)
const SPECIAL = fc.constantFrom('NaN', 'Infinity', '-Infinity')

function nonNullLiteral(type: DataType): fc.Arbitrary<Literal> {
  switch (type.type) {
    case 'string':
      return fc.constantFrom(...TEXTS, 'aa', 'B', '\u{ffff}', 'zzz').map((text) => lit('string', text))
    case 'boolean':
      return fc.constantFrom('true', 'false').map((text) => lit('boolean', text))
    case 'binary':
      return fc.constantFrom('', '00', '00ff', 'FF', '01').map((text) => lit('binary', text))
    case 'date':
      return fc.constantFrom('1970-01-01', '1970-01-02', '1969-12-31', '2020-01-01', '0001-01-01').map((text) => lit('date', text))
    case 'timestamp':
      return fc
        .constantFrom('1970-01-01T00:00:00Z', '2020-01-01T00:00:00Z', '2020-01-01T00:00:00.123Z', '0001-01-01T00:00:00')
        .map((text) => lit('timestamp', text))
    case 'timestamp_ntz':
      return fc.constantFrom('1970-01-01T00:00:00', '2020-01-01T00:00:00', '2020-01-01T00:00:00.124').map((text) => lit('timestamp', text))
    case 'float':
    case 'double':
      return fc.oneof(
        { weight: 4, arbitrary: NUMBERS.map((text) => lit('number', text)) },
        { weight: 1, arbitrary: SPECIAL.map((text) => lit('double', text)) },
      )
    default:
      return NUMBERS.map((text) => lit('number', text))
  }
}

const OPS = fc.constantFrom<CompareOp[]>('=', '!=', '<', '<=', '>', '>=')
const PATTERNS = fc
  .array(fc.constantFrom('a', 'b', 'x', '%', '_', 'ab', '\\%', '\\_', '\\\\', '\u{1f600}', 'ä'), { maxLength: 6 })
  .map((parts) => parts.join(''))

function column(path: readonly string[]): Column {
  return { kind: 'column', path }
}

function family(type: DataType): string {
  return ['byte', 'short', 'integer', 'long', 'float', 'double', 'decimal'].includes(type.type) ? 'number' : type.type
}

function leaf(leaves: typeof LEAVES): fc.Arbitrary<Expression> {
  return fc.constantFrom(...leaves).chain(([path, type]) => {
    const operand = column(path)
    const literal = literalFor(type)
    const peers = leaves.filter(([, other]) => family(other) === family(type))
    const choices: fc.Arbitrary<Expression>[] = [
      fc.record({ kind: fc.constant('compare' as const), op: OPS, left: fc.constant(operand), right: literal }),
      fc.record({ kind: fc.constant('compare' as const), op: OPS, left: fc.constant(operand), right: literal }),
      fc.record({ kind: fc.constant('compare' as const), op: OPS, left: literal, right: fc.constant(operand) }),
      fc.record({
        kind: fc.constant('in' as const),
        operand: fc.constant(operand),
        values: fc.array(literal, { minLength: 1, maxLength: 12 }),
        negated: fc.boolean(),
      }),
      fc.record({
        kind: fc.constant('between' as const),
        operand: fc.constant(operand),
        low: literal,
        high: literal,
        negated: fc.boolean(),
      }),
      fc.record({ kind: fc.constant('isNull' as const), operand: fc.constant(operand), negated: fc.boolean() }),
      fc.record({
        kind: fc.constant('compare' as const),
        op: OPS,
        left: fc.constant(operand),
        right: fc.constantFrom(...peers.map(([peer]) => column(peer))),
      }),
    ]
    if (type.type === 'string')
      choices.push(
        fc.record({ kind: fc.constant('like' as const), operand: fc.constant(operand), pattern: PATTERNS, negated: fc.boolean() }),
      )
    if (type.type === 'boolean') choices.push(fc.constant(operand))
    return fc.oneof(...choices)
  })
}

/** A filter over {@link SCHEMA} that binds without a fault. */
export function expression(leaves: typeof LEAVES = LEAVES): fc.Arbitrary<Expression> {
  return fc.letrec<{ node: Expression; leaf: Expression }>((tie) => ({
    node: fc.oneof(
      { maxDepth: 4, withCrossShrink: true },
      { weight: 3, arbitrary: tie('leaf') },
      {
        weight: 2,
        arbitrary: fc.record({
          kind: fc.constantFrom('and' as const, 'or' as const),
          operands: fc.array(tie('node'), { minLength: 2, maxLength: 3 }),
        }) as fc.Arbitrary<Expression>,
      },
      { weight: 1, arbitrary: fc.record({ kind: fc.constant('not' as const), operand: tie('node') }) },
    ),
    leaf: fc.oneof(
      { weight: 20, arbitrary: leaf(leaves) },
      { weight: 1, arbitrary: fc.constantFrom('true', 'false').map((text) => lit('boolean', text)) },
      { weight: 1, arbitrary: fc.constant(lit('null', 'null')) },
    ),
  })).node
}
