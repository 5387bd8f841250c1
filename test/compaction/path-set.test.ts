// Which paths a version needs, as a vacuum asks: none of them may ever be missing. Compared with plain sets of texts, and with what
// each path in a log stands for.
import { memoryStorage } from 'alluvium'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { encodeUtf8 } from '../../src/bytes.js'
import { PathSet } from '../../src/compaction/path-set.js'
import { neededFiles } from '../../src/compaction/table-files.js'
import { loadLog, loadTombstones } from '../../src/log/index.js'
import { formatSchema, parseColumns } from '../../src/schema/index.js'

test('a set of paths holds what was added, however many, and nothing else', () => {
  const path = fc.oneof(fc.string(), fc.string({ unit: 'binary' }), fc.constantFrom('', 'a', 'b', 'a/b'))
  fc.assert(
    fc.property(fc.array(path, { maxLength: 50 }), fc.array(path), fc.constantFrom(0, 10, 5000), (added, asked, expected) => {
      const set = new PathSet(expected)
      for (const [n, text] of added.entries()) if (n % 2 === 0) set.add(text)
      for (const [n, text] of added.entries()) if (n % 2 === 1) set.addBytes(encodeUtf8(text))
      const wanted = new Set(added.map((text) => new TextDecoder().decode(encodeUtf8(text))))
      expect(set.size).toBe(wanted.size)
      for (const text of [...added, ...asked]) expect(set.has(text)).toBe(wanted.has(new TextDecoder().decode(encodeUtf8(text))))
    }),
  )
  const many = new PathSet()
  for (let i = 0; i < 20_000; i++) many.add(`p=${i % 10}/part-${i}.parquet`)
  expect(many.size).toBe(20_000)
  for (let i = 0; i < 20_000; i++) expect(many.has(`p=${i % 10}/part-${i}.parquet`)).toBe(true)
  expect([...Array(20_000).keys()].filter((i) => many.has(`p=${i % 10}/part-${i}.parque`))).toEqual([])
})

test('a version needs each of its files under the name that the store has for it', async () => {
  const storage = memoryStorage()
  const files = [
    ['plain.parquet', 'plain.parquet'],
    ['p=1/part-0.c000.snappy.parquet', 'p=1/part-0.c000.snappy.parquet'],
    ['a%20b.parquet', 'a b.parquet'],
    ['a+b.parquet', 'a+b.parquet'],
    ['./here.parquet', 'here.parquet'],
    ['p=2//twice.parquet', 'p=2/twice.parquet'],
    ['p=3/./dot.parquet', 'p=3/dot.parquet'],
    ['_p=4/hidden.parquet', '_p=4/hidden.parquet'],
    ['p=5/_hidden.parquet', 'p=5/_hidden.parquet'],
    ['p=a%253A/colon.parquet', 'p=a%3A/colon.parquet'],
    ['p=10:00/raw.parquet', 'p=10:00/raw.parquet'],
    ['p=%C3%A9/escaped.parquet', 'p=é/escaped.parquet'],
    ['p=é/raw.parquet', 'p=é/raw.parquet'],
    ['p=6/end.parquet/', 'p=6/end.parquet'],
    [`${storage.location.replace(/\/+$/, '')}/own.parquet`, 'own.parquet'],
  ] as const
  const add = (path: string) => ({ add: { path, partitionValues: {}, size: 1, modificationTime: 1, dataChange: true } })
  const metaData = {
    id: 'needed',
    format: { provider: 'parquet', options: {} },
    schemaString: formatSchema(parseColumns('id long')),
    partitionColumns: [],
    configuration: {},
  }
  const lines = [{ protocol: { minReaderVersion: 1, minWriterVersion: 2 } }, { metaData }, ...files.map(([path]) => add(path))]
  await storage.put('_delta_log/00000000000000000000.json', encodeUtf8(lines.map((line) => `${JSON.stringify(line)}\n`).join('')))
  const view = await loadLog(storage)
  const needed = neededFiles(storage, view, await loadTombstones(storage, view, { expiredAtMs: 0 }))
  expect(files.filter(([, name]) => !needed.has(name))).toEqual([])
  expect(needed.has('another.parquet')).toBe(false)
})
