// Random actions and random ways of writing them down.
import fc from 'fast-check'

/** JSON as a tree that may hold duplicate keys and numbers of any length. */
export type Tree =
  | { readonly raw: string }
  | { readonly text: string }
  | { readonly list: readonly Tree[] }
  | { readonly members: readonly (readonly [string, Tree])[] }

export const raw = (text: string): Tree => ({ raw: text })
export const text = (value: string): Tree => ({ text: value })
export const object = (members: readonly (readonly [string, Tree])[]): Tree => ({ members })

/** How a text is printed: blanks between tokens, and which characters are escaped though they need not be. */
export interface Style {
  readonly blank: string
  /** Escape every n-th character as \uXXXX; 0 for none. */
  readonly escapeEvery: number
}

export function print(tree: Tree, style: Style): string {
  const { blank } = style
  if ('raw' in tree) return tree.raw
  if ('text' in tree) return printText(tree.text, style)
  if ('list' in tree) return `[${blank}${tree.list.map((item) => print(item, style)).join(`${blank},`)}${blank}]`
  const members = tree.members.map(([key, value]) => `${printText(key, style)}${blank}:${blank}${print(value, style)}`)
  return `{${blank}${members.join(`${blank},${blank}`)}${blank}}`
}

function printText(value: string, style: Style): string {
  if (style.escapeEvery === 0) return JSON.stringify(value)
  let printed = ''
  for (let i = 0; i < value.length; i++) {
    const unit = value.charCodeAt(i)
    printed += i % style.escapeEvery === 0 ? `\\u${unit.toString(16).padStart(4, '0')}` : JSON.stringify(value[i]).slice(1, -1)
  }
  // Characters beyond the first plane must stay whole or be escaped whole.
  return /[\ud800-\udfff]/.test(value) ? JSON.stringify(value) : `"${printed}"`
}

export const styles: fc.Arbitrary<Style> = fc.oneof(
  { weight: 4, arbitrary: fc.constant({ blank: '', escapeEvery: 0 }) },
  fc.record({ blank: fc.constantFrom('', ' ', '\t ', '\r'), escapeEvery: fc.constantFrom(0, 0, 1, 3) }),
)

// Few paths, so that actions meet; some awkward ones.
export const paths: fc.Arbitrary<string> = fc.constantFrom(
  'a.parquet',
  'b.parquet',
  'p=1/c.parquet',
  'p=%2F/d%20e.parquet',
  'ü/日本.parquet',
  'x"y\\z/f.parquet',
  '{"add":{',
  'tab\t/g',
  '😀.parquet',
  'long/'.repeat(40),
)
const names = fc.constantFrom('p', 'q', '__proto__', 'día', 'na"me', 'toString', '')
const values = fc.option(
  fc.constantFrom('1', '12', '1', '', 'été', 'a\\b', 'a\b', 'x"', '{}', '__HIVE_DEFAULT_PARTITION__', '0.10', '\u0001'),
  { nil: null },
)

const optionalText = (value: string | null): Tree => (value === null ? raw('null') : text(value))
const integers = fc.constantFrom('0', '1', '1024', '999999999999999', '1024.0', '1e3', '9007199254740991').map(raw)
const oddNumbers = fc
  .constantFrom('-1', '9007199254740993', '1.5', '007', '12345678901234567890', '"5"', 'true', 'null', '{}', '1e400')
  .map(raw)
const stats = fc.oneof(
  fc.constantFrom('', '{}', '{"numRecords":3}', '{"numRecords":1,"minValues":{"s":"a\\"b"}}', 'ﾃ', '}').map(text),
  fc.constantFrom('null', '{"numRecords":3}', '7').map(raw),
)
const tags = fc.oneof(
  fc
    .dictionary(names, fc.constantFrom('v', '', 'ÿ'))
    .map((map) => object(Object.entries(map).map(([key, value]) => [key, text(value)] as const))),
  fc.constantFrom('null', '{"t":null}', '{"t":5}', '[]', '{"t":{"u":1}}').map(raw),
)
const partitionValues: fc.Arbitrary<Tree> = fc
  .array(fc.tuple(names, values), { maxLength: 4 })
  .map((pairs) => object(pairs.map(([key, value]) => [key, optionalText(value)] as const)))
const vectors = fc.oneof(
  fc
    .record({
      id: fc.constantFrom('ab^-aqEH.-t@S}K{vb[*k^', 'x"y'),
      offset: fc.constantFrom(undefined, '1', '4'),
      kind: fc.constantFrom('u', 'i', 'p'),
    })
    .map(({ id, offset, kind }) =>
      object([
        ['storageType', text(kind)],
        ['pathOrInlineDv', text(id)],
        ...(offset === undefined ? [] : ([['offset', raw(offset)]] as const)),
        ['sizeInBytes', raw('40')],
        ['cardinality', raw('6')],
      ]),
    ),
  fc.constantFrom('null', 'null', '{}', '5').map(raw),
)
const unknownMembers = fc.tuple(
  fc.constantFrom('future', 'pathy', 'sizeInBytes', '__proto__', 'p', 's', 'd'),
  fc.constantFrom('null', '{"a":[1,{"b":"}]"}]}', '"\\u007d"', '123456789012345678901234567890', '[]', 'false').map(raw),
)

type Member = readonly [string, Tree]
const some = (name: string, value: fc.Arbitrary<Tree>): fc.Arbitrary<readonly Member[]> =>
  fc.option(
    value.map((tree) => [[name, tree] as const]),
    { nil: [] as readonly Member[] },
  )
const always = (name: string, value: fc.Arbitrary<Tree>): fc.Arbitrary<readonly Member[]> => value.map((tree) => [[name, tree] as const])

const assemble = (...parts: fc.Arbitrary<readonly Member[]>[]): fc.Arbitrary<Tree> =>
  fc
    .tuple(fc.tuple(...parts), fc.option(unknownMembers, { nil: undefined }), fc.option(fc.integer({ min: 0, max: 1000 }), { nil: 0 }))
    .map(([members, unknown, turn]) => {
      const all = [...members.flat(), ...(unknown === undefined ? [] : [unknown])]
      // Any order, not only the usual one; now and then a key twice.
      const turned = all.map((_, i) => all[(i + (turn ?? 0)) % all.length] as Member)
      return object(turn !== null && turn % 17 === 16 ? [...turned, turned[0] as Member] : turned)
    })

/** Objects for `add`; most are sound. */
export const adds: fc.Arbitrary<Tree> = assemble(
  always('path', paths.map(text)),
  always('partitionValues', partitionValues),
  always('size', fc.oneof({ weight: 20, arbitrary: integers }, oddNumbers)),
  always('modificationTime', fc.oneof({ weight: 20, arbitrary: integers }, oddNumbers)),
  some('dataChange', fc.constantFrom('true', 'false', 'null').map(raw)),
  some('stats', stats),
  some('tags', fc.oneof(fc.constant(raw('null')), tags)),
  some('deletionVector', fc.oneof({ weight: 3, arbitrary: fc.constant(raw('null')) }, vectors)),
  some('baseRowId', fc.oneof(integers, fc.constant(raw('9223372036854775807')))),
)

export const removes: fc.Arbitrary<Tree> = assemble(
  always('path', paths.map(text)),
  some('deletionTimestamp', integers),
  some('dataChange', fc.constantFrom('true', 'false').map(raw)),
  some('extendedFileMetadata', fc.constantFrom('true', 'null').map(raw)),
  some('partitionValues', partitionValues),
  some('size', integers),
  some('tags', tags),
  some('stats', stats),
  some('deletionVector', fc.oneof({ weight: 3, arbitrary: fc.constant(raw('null')) }, vectors)),
)

const apps = fc.constantFrom('app-0', 'app-1', '__proto__')
const others: fc.Arbitrary<Tree> = fc.oneof(
  fc.tuple(apps, fc.bigInt({ min: 0n, max: 2n ** 63n - 1n })).map(([app, version]) =>
    object([
      [
        'txn',
        object([
          ['appId', text(app)],
          ['version', raw(String(version))],
        ]),
      ],
    ]),
  ),
  fc.tuple(apps, fc.boolean()).map(([name, removed]) =>
    object([
      [
        'domainMetadata',
        object([
          ['domain', text(name)],
          ['configuration', text('{}')],
          ['removed', raw(String(removed))],
        ]),
      ],
    ]),
  ),
  fc.constantFrom(1, 2).map((version) =>
    object([
      [
        'protocol',
        object([
          ['minReaderVersion', raw('1')],
          ['minWriterVersion', raw(String(version))],
        ]),
      ],
    ]),
  ),
  fc.constantFrom('id-0', 'id-1').map((id) =>
    object([
      [
        'metaData',
        object([
          ['id', text(id)],
          ['format', raw('{"provider":"parquet","options":{}}')],
          ['schemaString', text('{"type":"struct","fields":[]}')],
          ['partitionColumns', raw('[]')],
          ['configuration', raw('{}')],
        ]),
      ],
    ]),
  ),
  fc.constantFrom(
    raw('{"commitInfo":{"operation":"WRITE","nested":{"a":[1,2]}}}'),
    raw('{"commitInfo":5}'),
    raw('{}'),
    raw('{"add":null}'),
    raw('{"unheardOf":[1]}'),
    raw('{"add":{"path":"a.parquet","partitionValues":{"p":"stale","q":"stale"},"size":1,"modificationTime":1},"add":null}'),
    raw('{"add":{"path":"con\u0001trol","partitionValues":{},"size":1,"modificationTime":1}}'),
    raw('{"cdc":{"path":"c","partitionValues":{},"size":1,"dataChange":false}}'),
  ),
)

/** One line of a commit: mostly an add or a remove. */
export const lines: fc.Arbitrary<string> = fc
  .tuple(
    fc.oneof(
      { weight: 5, arbitrary: adds.map((add) => object([['add', add]])) },
      { weight: 3, arbitrary: removes.map((remove) => object([['remove', remove]])) },
      { weight: 2, arbitrary: others },
    ),
    styles,
  )
  .map(([tree, style]) => print(tree, style))

/** Whole commits, line ends and blank lines included. */
export const commits: fc.Arbitrary<string> = fc
  .tuple(fc.array(lines, { minLength: 1, maxLength: 8 }), fc.constantFrom('\n', '\n', '\r\n', '\n\n'), fc.boolean())
  .map(([all, end, ended]) => all.join(end) + (ended ? end : ''))

const good: fc.Arbitrary<Tree> = fc
  .record({
    path: paths,
    values: fc.dictionary(fc.constantFrom('p', '__proto__'), values),
    size: fc.nat(),
    stats: fc.option(fc.constantFrom('{"numRecords":3}', 'ö'), { nil: undefined }),
    vector: fc.constantFrom(undefined, undefined, undefined, 'v1', 'v2'),
  })
  .map((add) =>
    object([
      ['path', text(add.path)],
      ['partitionValues', object(Object.entries(add.values).map(([key, value]) => [key, optionalText(value)] as const))],
      ['size', raw(String(add.size))],
      ['modificationTime', raw('1700000000000')],
      ['dataChange', raw('false')],
      ...(add.stats === undefined ? [] : ([['stats', text(add.stats)]] as const)),
      ...(add.vector === undefined ? [] : ([['deletionVector', vectorTree(add.vector)]] as const)),
    ]),
  )
const vectorTree = (id: string): Tree =>
  object([
    ['storageType', text('u')],
    ['pathOrInlineDv', text(id)],
    ['offset', raw('1')],
    ['sizeInBytes', raw('40')],
    ['cardinality', raw('6')],
  ])
const goodRemoves: fc.Arbitrary<Tree> = fc
  .record({ path: paths, vector: fc.constantFrom(undefined, undefined, undefined, 'v1', 'v2') })
  .map(({ path, vector }) =>
    object([
      ['path', text(path)],
      ['dataChange', raw('true')],
      ...(vector === undefined ? [] : ([['deletionVector', vectorTree(vector)]] as const)),
    ]),
  )

/** Commits that are all sound, for histories. */
export const soundCommits: fc.Arbitrary<string> = fc
  .array(
    fc.oneof(
      { weight: 5, arbitrary: good.map((add) => object([['add', add]])) },
      { weight: 3, arbitrary: goodRemoves.map((remove) => object([['remove', remove]])) },
      { weight: 1, arbitrary: others.filter((tree) => !('raw' in tree)) },
    ),
    { minLength: 1, maxLength: 12 },
  )
  .map((trees) => trees.map((tree) => `${print(tree, { blank: '', escapeEvery: 0 })}\n`).join(''))

/** The first commit of a table. */
export const FIRST_COMMIT = `{"protocol":{"minReaderVersion":1,"minWriterVersion":2}}
{"metaData":{"id":"id-0","format":{"provider":"parquet","options":{}},"schemaString":"{\\"type\\":\\"struct\\",\\"fields\\":[]}","partitionColumns":[],"configuration":{},"createdTime":1}}
`
