import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { decodeUtf8, encodeUtf8 } from '../../src/bytes.js'
import type { Action, AddFile } from '../../src/log/actions.js'
import { formatAction, formatCommit, parseAction, parseCommit } from '../../src/log/commit-json.js'
import { commits, lines } from './log-arbitrary.js'
import { plain } from './oracle.js'

const origin = { version: 3, path: '_delta_log/00000000000000000003.json' }
const parse = (text: string): Action[] => parseCommit(encodeUtf8(text), origin)
const refusal = (text: string): unknown => {
  try {
    parse(text)
  } catch (error) {
    return error
  }
  return undefined
}

describe('a commit file', () => {
  // The examples of PROTOCOL.md, "Add File and Remove File", "Transaction Identifiers", "Domain Metadata".
  test('of the protocol’s examples reads as the protocol says', () => {
    const [add, remove, txn, domain] =
      parse(`{"add":{"path":"date=2017-12-10/part-000...c000.gz.parquet","partitionValues":{"date":"2017-12-10"},"size":841454,"modificationTime":1512909768000,"dataChange":true,"baseRowId":4071,"defaultRowCommitVersion":41,"stats":"{\\"numRecords\\":1,\\"minValues\\":{\\"val\\":1}}"}}
{"remove":{"path":"part-00001-9.snappy.parquet","deletionTimestamp":1515488792485,"baseRowId":4071,"defaultRowCommitVersion":41,"dataChange":true}}
{"txn":{"appId":"3ba13872-2d47-4e17-86a0-21afd2a22395","version":364475}}
{"domainMetadata":{"domain":"delta.deltaTableFeatureX","configuration":"{\\"key1\\":\\"value1\\"}","removed":false}}`)
    expect(plain(add)).toEqual(
      plain({
        kind: 'add',
        path: 'date=2017-12-10/part-000...c000.gz.parquet',
        partitionValues: { date: '2017-12-10' },
        size: 841454,
        modificationTime: 1512909768000,
        dataChange: true,
        baseRowId: 4071,
        defaultRowCommitVersion: 41,
        stats: '{"numRecords":1,"minValues":{"val":1}}',
      }),
    )
    expect(plain(remove)).toEqual(
      plain({
        kind: 'remove',
        path: 'part-00001-9.snappy.parquet',
        deletionTimestamp: 1515488792485,
        baseRowId: 4071,
        defaultRowCommitVersion: 41,
        dataChange: true,
      }),
    )
    expect(plain(txn)).toEqual(plain({ kind: 'txn', appId: '3ba13872-2d47-4e17-86a0-21afd2a22395', version: 364475n }))
    expect(plain(domain)).toEqual(
      plain({ kind: 'domainMetadata', domain: 'delta.deltaTableFeatureX', configuration: '{"key1":"value1"}', removed: false }),
    )
  })

  test('reads what JSON.parse reads, wherever JSON.parse is exact', () => {
    fc.assert(
      fc.property(lines, (line) => {
        let parsed: Action[]
        try {
          parsed = parse(line)
        } catch {
          return // What is refused is refused; the scanner's tests look at that.
        }
        const expected = JSON.parse(line) as Record<
          string,
          { path?: string; size?: number; stats?: unknown; partitionValues?: object } | null
        >
        const kinds = Object.entries(expected).filter(([, value]) => value !== null)
        expect(parsed).toHaveLength(kinds.length)
        const add = parsed.find((action): action is AddFile => action.kind === 'add')
        if (add === undefined) return
        expect(add.path).toBe(expected.add?.path)
        expect(add.size).toBe(expected.add?.size)
        expect(add.stats).toBe(typeof expected.add?.stats === 'string' ? expected.add.stats : undefined)
        expect(Object.entries(add.partitionValues).sort()).toEqual(Object.entries(expected.add?.partitionValues ?? {}).sort())
      }),
      { numRuns: 1000 },
    )
  })

  test('printed and read again says the same', () => {
    fc.assert(
      fc.property(commits, (text) => {
        let actions: Action[]
        try {
          actions = parse(text)
        } catch {
          return
        }
        const again = actions.length === 0 ? [] : parseCommit(formatCommit(actions), origin)
        expect(again.map(plain)).toEqual(actions.map(plain))
        expect(again.map(formatAction)).toEqual(actions.map(formatAction))
      }),
      { numRuns: 1000 },
    )
  })

  test('keeps 64-bit integers exact', () => {
    const line = '{"txn":{"appId":"a","version":9223372036854775807,"lastUpdated":5}}'
    expect(parse(line)).toMatchObject([{ version: 9223372036854775807n }])
    expect(formatAction(parseAction(line))).toBe(line)
    const add = '{"add":{"path":"a","partitionValues":{},"size":1,"modificationTime":1,"dataChange":true,"baseRowId":9007199254740993}}'
    expect(formatAction(parseAction(add))).toBe(add)
    expect(refusal('{"txn":{"appId":"a","version":9223372036854775808}}')).toMatchObject({ code: 'CORRUPT_LOG' })
  })

  test('keeps unknown fields, unknown numbers and unknown actions as they are written', () => {
    for (const line of [
      '{"add":{"path":"a","partitionValues":{},"size":1,"modificationTime":1,"dataChange":true,"future":{"deep":[1,2.50001e+300,12345678901234567890]},"z":null}}',
      '{"protocol":{"minReaderVersion":1,"minWriterVersion":2,"newField":true}}',
      '{"newAction":{"a":[1,{"b":null}]}}',
      '{"newAction":"just text"}',
      '{"commitInfo":{"operation":"X","operationParameters":{"a":null,"b":[1],"c":{"d":true}},"n":0.1000000000000000055}}',
      '{"metaData":{"id":"i","format":{"provider":"parquet","options":{}},"schemaString":"s","partitionColumns":[],"configuration":{},"idOfNew":7}}',
      '{"remove":{"path":"a","dataChange":true,"deletionVector":{"storageType":"u","pathOrInlineDv":"x","sizeInBytes":1,"cardinality":1,"maxRowIndex":5}}}',
    ]) {
      expect(formatAction(parseAction(line))).toBe(line)
    }
  })

  test('takes `__proto__` and its like for names', () => {
    const line =
      '{"add":{"path":"__proto__","partitionValues":{"__proto__":"v","constructor":null,"toString":"t"},"size":1,"modificationTime":1,"dataChange":true,"tags":{"__proto__":"t"}}}'
    const add = parseAction(line) as AddFile
    expect(Object.getPrototypeOf(add.partitionValues)).toBeNull()
    expect(Object.entries(add.partitionValues)).toEqual([
      ['__proto__', 'v'],
      ['constructor', null],
      ['toString', 't'],
    ])
    expect(({} as Record<string, unknown>).v).toBeUndefined()
    expect(formatAction(add)).toBe(line)
    expect(parse('{"__proto__":{"path":"a"}}')).toMatchObject([{ kind: 'unknown', name: '__proto__' }])
    expect(parse('{"toString":{"path":"a"}}')).toMatchObject([{ kind: 'unknown', name: 'toString' }])
  })

  test('may lack its last line end, hold blank lines and Windows line ends', () => {
    const txn = '{"txn":{"appId":"a","version":1}}'
    for (const text of [txn, `${txn}\n`, `\n\n${txn}\n  \n`, `${txn}\r\n`, `\t${txn}  `]) expect(parse(text)).toHaveLength(1)
    expect(parse('\n')).toEqual([])
  })

  test('whose line ends were lost loses no action', () => {
    const txn = (n: number): string => `{"txn":{"appId":"a${n}","version":1}}`
    expect(parse(`${txn(1)}${txn(2)} ${txn(3)}\n`)).toHaveLength(3)
    // Text that is no JSON after a whole action is passed over, as Spark does, unless it could be part of an action.
    expect(parse(`${txn(1)}x\n${txn(2)}x`)).toHaveLength(2)
    expect(refusal(`${txn(1)}x${txn(2)}`)).toMatchObject({ code: 'CORRUPT_LOG', facts: { line: 1 } })
  })

  test.each([
    ['cut in a string', '{"txn":{"appId":"a'],
    ['cut before the last brace', '{"txn":{"appId":"a","version":1}'],
    ['cut in a number', '{"add":{"path":"a","size":1'],
    ['no object', '[1]'],
    ['no JSON', 'hello'],
    ['a literal', 'null'],
    ['unquoted keys', '{txn:{}}'],
    ['a trailing comma', '{"txn":{"appId":"a","version":1,}}'],
    ['a raw control character', '{"txn":{"appId":"a\u0001","version":1}}'],
    ['a bad escape', '{"txn":{"appId":"\\x","version":1}}'],
    ['a lone surrogate in a path', '{"add":{"path":"\\ud800","partitionValues":{},"size":1,"modificationTime":1,"dataChange":true}}'],
    ['no path', '{"add":{"partitionValues":{},"size":1,"modificationTime":1,"dataChange":true}}'],
    ['an empty path', '{"add":{"path":"","partitionValues":{},"size":1,"modificationTime":1,"dataChange":true}}'],
    ['a null size', '{"add":{"path":"a","partitionValues":{},"size":null,"modificationTime":1,"dataChange":true}}'],
    ['a size as text', '{"add":{"path":"a","partitionValues":{},"size":"1","modificationTime":1,"dataChange":true}}'],
    ['a size beyond 2^53', '{"add":{"path":"a","partitionValues":{},"size":9007199254740993,"modificationTime":1,"dataChange":true}}'],
    ['a negative size', '{"add":{"path":"a","partitionValues":{},"size":-1,"modificationTime":1,"dataChange":true}}'],
    ['an action that is no object', '{"add":"a"}'],
    ['a version that is no number', '{"txn":{"appId":"a","version":"1"}}'],
    ['features that are no list', '{"protocol":{"minReaderVersion":3,"minWriterVersion":7,"readerFeatures":"x"}}'],
    ['nesting without end', `{"commitInfo":${'['.repeat(100_000)}${']'.repeat(100_000)}}`],
  ])('with %s is refused by its line', (_, line) => {
    expect(refusal(`{"txn":{"appId":"a","version":1}}\n${line}`)).toMatchObject({
      code: 'CORRUPT_LOG',
      facts: { version: 3, path: origin.path, line: 2 },
    })
  })

  test('that is not UTF-8 is refused', () => {
    const bytes = encodeUtf8('{"txn":{"appId":"a?","version":1}}')
    bytes[bytes.indexOf(0x3f)] = 0xff
    expect(() => parseCommit(bytes, origin)).toThrow(expect.objectContaining({ code: 'CORRUPT_LOG' }))
  })

  test('without a byte is a torn one', () => {
    expect(refusal('')).toMatchObject({ code: 'CORRUPT_LOG', facts: { path: origin.path } })
  })

  test('is printed as one JSON object a line, each ended', () => {
    const text = decodeUtf8(formatCommit(parse('{"txn":{"appId":"a","version":1}}\n{"remove":{"path":"b","dataChange":true}}')))
    expect(text).toBe('{"txn":{"appId":"a","version":1}}\n{"remove":{"path":"b","dataChange":true}}\n')
  })
})
