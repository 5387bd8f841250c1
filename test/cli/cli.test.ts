// The command line as scripts rely on it: exit statuses, codes, JSON forms, and nothing but results on stdout.
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { tableFromArrays, tableToIPC } from 'apache-arrow'
import { describe, expect, test } from 'vitest'
import { alluvium, jsonLines, scratchFolder } from './cli-process.js'

const COLUMNS = 'id long not null, name string, score double, tags array<string>, at timestamp'

async function newTable(words: readonly string[] = []): Promise<string> {
  const path = join(await scratchFolder(), 'table')
  expect((await alluvium(['create', path, '--columns', COLUMNS, ...words])).status).toBe(0)
  return path
}

const lines = (...rows: object[]): string => rows.map((row) => `${JSON.stringify(row)}\n`).join('')
const three = lines(
  { id: 1, name: 'kim', score: 9.5 },
  { id: 2, name: 'lee', tags: ['a', null] },
  { id: 3, at: '2026-01-31T12:00:00.000001Z' },
)

describe('help', () => {
  test('is there for the program and for every command, with examples', async () => {
    const overview = await alluvium(['--help'])
    expect(overview.status).toBe(0)
    for (const name of ['create', 'ingest', 'read', 'describe', 'schema', 'history', 'files', 'properties']) {
      expect(overview.stdout).toContain(name)
      const help = await alluvium([name, '--help'])
      expect([help.status, help.stderr]).toEqual([0, ''])
      expect(help.stdout).toContain('Examples:')
      expect(help.stdout).toContain('--json')
    }
  })

  test('mistakes of usage end with status 2, one line, and the nearest word', async () => {
    for (const [words, hint] of [
      [['raed', 'x'], 'did you mean read'],
      [['read', 'x', '--limt', '3'], 'did you mean --limit'],
      [['read'], 'usage: alluvium read'],
      [['read', 'x', '--limit', 'many'], 'whole number'],
      [['read', 'x', '--threads', 'many'], 'whole number'],
      [['read', 's3://bucket/table'], 's3://'],
      [['create', 'x'], '--columns'],
      [['create', 'x', '--columns', 'id nonsense'], 'nonsense'],
      [['describe', 'x', '--storage', 'durabilty=none'], 'did you mean durability'],
    ] as const) {
      const ran = await alluvium(words)
      expect([words, ran.status]).toEqual([words, 2])
      expect(ran.stdout).toBe('')
      expect(ran.stderr).toContain(hint)
      expect(ran.stderr).not.toMatch(/\n\s+at /)
    }
  })

  test('a wrong storage option never has its value repeated', async () => {
    const ran = await alluvium(['describe', 'x', '--storage', 'secretAccessKey=hunter2', '--json'])
    expect(ran.status).toBe(2)
    expect(ran.stderr).not.toContain('hunter2')
  })
})

describe('ingest', () => {
  test('appends NDJSON from stdin and says what it did', async () => {
    const path = await newTable()
    const ran = await alluvium(['ingest', path, '-', '--json'], { stdin: three })
    expect(ran.status).toBe(0)
    expect(jsonLines(ran.stdout)).toEqual([
      {
        rowsRead: 3,
        rowsWritten: 3,
        rowsDuplicate: 0,
        rowsDeadLetter: 0,
        bytesRead: three.length,
        firstVersion: 1,
        lastVersion: 1,
        seconds: expect.any(Number),
      },
    ])
    const read = await alluvium(['read', path, '--format', 'canonical'])
    expect(jsonLines(read.stdout)).toEqual([
      { id: 1, name: 'kim', score: 9.5, tags: null, at: null },
      { id: 2, name: 'lee', score: null, tags: ['a', null], at: null },
      { id: 3, name: null, score: null, tags: null, at: '2026-01-31T12:00:00.000001Z' },
    ])
  })

  test('with an application id takes the same input once, and an input that grew from where it was', async () => {
    const path = await newTable()
    const ingest = (stdin: string) => alluvium(['ingest', path, '-', '--app-id', 'job', '--json'], { stdin })
    expect(jsonLines((await ingest(three)).stdout)[0]).toMatchObject({ rowsWritten: 3 })
    expect(jsonLines((await ingest(three)).stdout)[0]).toMatchObject({
      rowsRead: 3,
      rowsWritten: 0,
      rowsDuplicate: 3,
      firstVersion: null,
      lastVersion: null,
    })
    const grown = await ingest(three + lines({ id: 4 }))
    expect(jsonLines(grown.stdout)[0]).toMatchObject({ rowsWritten: 1, rowsDuplicate: 3 })
    const other = await ingest(lines({ id: 10 }, { id: 11 }))
    expect(jsonLines(other.stdout)[0]).toMatchObject({ rowsWritten: 2, rowsDuplicate: 0 })
    const ids = jsonLines((await alluvium(['read', path, '--columns', 'id', '--json'])).stdout).map((row) => row.id)
    expect(ids.sort()).toEqual([1, 10, 11, 2, 3, 4])
  })

  test('takes CSV, a JSON array, Parquet and Arrow alike', async () => {
    const folder = await scratchFolder()
    const rows = [
      { id: 1, name: 'a,"b"', n: 1.5 },
      { id: 2, name: '', n: null },
    ]
    await writeFile(join(folder, 'x.csv'), 'id,name,n\r\n1,"a,""b""",1.5\r\n2,"",\r\n')
    await writeFile(join(folder, 'x.json'), JSON.stringify(rows, null, 2))
    await writeFile(join(folder, 'x.ndjson'), lines(...rows))
    const arrow = tableFromArrays({ id: BigInt64Array.from([1n, 2n]), name: ['a,"b"', ''], n: [1.5, null] })
    await writeFile(join(folder, 'x.arrow'), tableToIPC(arrow, 'file'))
    const made = await alluvium(['ingest', 'first', 'x.ndjson', '--create', '--columns', 'id long, name string, n double'], { cwd: folder })
    expect(made.status).toBe(0)
    const files = jsonLines((await alluvium(['files', 'first', '--json'], { cwd: folder })).stdout)
    const parquet = join(folder, 'x.parquet')
    await writeFile(parquet, await readFile(join(folder, 'first', files[0]?.path as string)))
    for (const file of ['x.csv', 'x.json', 'x.ndjson', 'x.arrow', 'x.parquet']) {
      const table = `from-${file}`
      const ran = await alluvium(['ingest', table, file, '--create'], { cwd: folder })
      expect([file, ran.status, ran.stderr]).toEqual([
        file,
        0,
        expect.stringMatching(/columns: id long( not null)?, name string, n double/),
      ])
      expect([file, jsonLines((await alluvium(['read', table, '--json'], { cwd: folder })).stdout)]).toEqual([file, rows])
    }
  })

  test('stops at bad records with status 4, every fault named, and nothing of the batch committed', async () => {
    const path = await newTable()
    const bad = `${lines({ id: 1 })}{"id":"x","score":"high"}\n{"name":"no id"}\nnot json\n{"id":5,"extra":1}\n`
    const ran = await alluvium(['ingest', path, '-', '--json', '--app-id', 'a'], { stdin: bad })
    expect(ran.status).toBe(4)
    expect(ran.stdout).toBe('')
    const error = jsonLines(ran.stderr)[0] as { code: string; faults: { line: number; column: string; file: string }[] }
    expect(error.code).toBe('INVALID_ROW')
    expect(error.faults.map(({ file, line, column }) => `${file}:${line} ${column}`)).toEqual([
      'stdin:2 id',
      'stdin:2 score',
      'stdin:3 id',
      'stdin:4 ',
      'stdin:5 extra',
    ])
    expect((await alluvium(['read', path, '--json'])).stdout).toBe('')
    // Mended, it goes on from what is there: nothing, here.
    const mended = await alluvium(['ingest', path, '-', '--json', '--app-id', 'a'], { stdin: lines({ id: 1 }, { id: 2 }) })
    expect(jsonLines(mended.stdout)[0]).toMatchObject({ rowsWritten: 2 })
  })

  test('keeps bad records as dead letters, once, with what is wrong and their bytes', async () => {
    const path = await newTable()
    const input = `${lines({ id: 1 })}{"id":"x"}\n${lines({ id: 2 })}`
    for (const [written, dead] of [
      [2, 1],
      [0, 0],
    ]) {
      const ran = await alluvium(['ingest', path, '-', '--json', '--app-id', 'a', '--dead-letter', `${path}-dead`], { stdin: input })
      expect(ran.status).toBe(0)
      expect(jsonLines(ran.stdout)[0]).toMatchObject({ rowsWritten: written, rowsDeadLetter: dead })
    }
    const [letter, ...more] = jsonLines((await alluvium(['read', `${path}-dead`, '--json'])).stdout)
    expect(more).toEqual([])
    expect(letter).toMatchObject({ record: 1, line: 2, raw: Buffer.from('{"id":"x"}').toString('base64') })
  })

  test('refuses a table that is not there, unless it may make one', async () => {
    const path = join(await scratchFolder(), 'none')
    const ran = await alluvium(['ingest', path, '-', '--json'], { stdin: three })
    expect([ran.status, jsonLines(ran.stderr)[0]?.code]).toEqual([3, 'NOT_A_TABLE'])
  })

  test('commits by rows, so that a long input is many versions', async () => {
    const path = await newTable()
    const many = Array.from({ length: 1000 }, (_, id) => ({ id }))
    const ran = await alluvium(['ingest', path, '-', '--json', '--flush-rows', '100', '--flush-ms', '60000'], { stdin: lines(...many) })
    expect(jsonLines(ran.stdout)[0]).toMatchObject({ rowsWritten: 1000, lastVersion: 10 })
  })
})

describe('read', () => {
  test('prints what ingest takes back, exactly', async () => {
    const folder = await scratchFolder()
    const columns =
      'l long, d decimal(38,10), f float, b binary, day date, at timestamp, ntz timestamp_ntz, m map<string,long>, s struct<ab:array<double>>, t string'
    const row =
      '{"l":9223372036854775807,"d":-1234567890123456789012345678.0123456789,"f":0.1,"b":"AAH/","day":"0001-01-01","at":"9999-12-31T23:59:59.999999Z","ntz":"2026-01-31T12:00:00","m":{"k":-9223372036854775808},"s":{"ab":[1e300,null]},"t":"\\u0000\\"\\\\ünï\u{1F600}"}\n'
    const first = await alluvium(['ingest', 'a', '-', '--create', '--columns', columns], { stdin: row, cwd: folder })
    expect([first.status, first.stderr]).toEqual([0, expect.anything()])
    for (const format of ['ndjson', 'csv']) {
      const printed = await alluvium(['read', 'a', '--format', format], { cwd: folder })
      const again = await alluvium(['ingest', `b-${format}`, '-', '--format', format, '--create', '--columns', columns], {
        stdin: printed.stdout,
        cwd: folder,
      })
      expect([format, again.status, again.stderr]).toEqual([format, 0, expect.anything()])
      const [one, two] = await Promise.all(
        ['a', `b-${format}`].map((table) => alluvium(['read', table, '--format', 'canonical'], { cwd: folder })),
      )
      expect(two?.stdout).toBe(one?.stdout)
    }
  })

  test('selects columns, rows, versions and times', async () => {
    const path = await newTable()
    await alluvium(['ingest', path, '-'], { stdin: three })
    await alluvium(['ingest', path, '-'], { stdin: lines({ id: 4, score: 1 }) })
    const read = async (...words: string[]) => jsonLines((await alluvium(['read', path, '--json', ...words])).stdout)
    expect(await read('--columns', 'id', '--where', 'score IS NOT NULL AND id <> 4')).toEqual([{ id: 1 }])
    expect((await read('--version', '1')).length).toBe(3)
    expect(await read('--version', '0')).toEqual([])
    expect((await read('--limit', '2')).length).toBe(2)
    expect(await read('--threads', '2')).toEqual(await read())
    const history = jsonLines((await alluvium(['history', path, '--json'])).stdout)
    const first = history.find((entry) => entry.version === 1)
    expect((await read('--timestamp', new Date(Number(first?.timestamp)).toISOString())).length).toBe(3)
  })

  test('as a table shows terminals no control characters', async () => {
    const path = await newTable()
    await alluvium(['ingest', path, '-'], { stdin: lines({ id: 1, name: '\u001b[31mred\n' }) })
    const { stdout } = await alluvium(['read', path])
    expect(stdout).toContain('\\u001b[31mred\\u000a')
    expect(stdout).not.toContain('\u001b')
  })

  test.each([
    ['no table', (path: string) => ['read', `${path}-none`], 3, 'NOT_A_TABLE'],
    ['no such version', (path: string) => ['read', path, '--version', '99'], 3, 'VERSION_NOT_FOUND'],
    ['no such column', (path: string) => ['read', path, '--columns', 'nope'], 2, 'INVALID_OPTIONS'],
    ['a filter that is none', (path: string) => ['read', path, '--where', 'id >'], 2, 'INVALID_OPTIONS'],
  ] as const)('with %s ends with its status and code', async (_, words, status, code) => {
    const path = await newTable()
    const ran = await alluvium([...words(path), '--json'])
    expect([ran.status, ran.stdout, jsonLines(ran.stderr)[0]?.code]).toEqual([status, '', code])
    const plain = await alluvium(words(path))
    expect(plain.stderr).toMatch(/^alluvium: /)
    expect(plain.stderr).not.toMatch(/\n\s+at /)
  })
})

describe('facts', () => {
  test('describe, schema, files, history and properties give the documented JSON', async () => {
    const path = await newTable(['--partition-by', 'name', '--property', 'delta.appendOnly=true'])
    await alluvium(['ingest', path, '-', '--app-id', 'a'], { stdin: three })
    const one = async (...words: string[]) => jsonLines((await alluvium([...words, path, '--json'])).stdout)
    expect(await one('describe')).toEqual([
      {
        version: 1,
        timestamp: expect.any(Number),
        id: expect.stringMatching(/^[0-9a-f-]{36}$/),
        name: null,
        description: null,
        protocol: { minReaderVersion: 1, minWriterVersion: 2, readerFeatures: null, writerFeatures: null },
        schema: { type: 'struct', fields: expect.any(Array) },
        partitionColumns: ['name'],
        properties: { 'delta.appendOnly': 'true' },
        numFiles: 3,
        sizeBytes: expect.any(Number),
        positions: { [Object.keys((await one('describe'))[0]?.positions as object)[0] as string]: '2' },
        clusteringColumns: [],
        domainMetadata: {},
        checksum: { state: 'valid', detail: null },
      },
    ])
    const files = await one('files')
    expect(files.map((file) => (file.partitionValues as { name: string | null }).name).sort()).toEqual(['kim', 'lee', null])
    expect(Object.keys(files[0] as object)).toEqual(['path', 'sizeBytes', 'partitionValues', 'stats', 'deletionVector'])
    const pruned = jsonLines((await alluvium(['files', path, '--where', "name = 'kim'", '--json'])).stdout)
    expect(pruned).toHaveLength(1)
    expect((await one('history')).map((entry) => entry.operation)).toEqual(['STREAMING UPDATE', 'CREATE TABLE'])
    expect(await one('properties')).toEqual([{ 'delta.appendOnly': 'true' }])
    const set = await alluvium(['properties', path, '--set', 'owner=me', '--unset', 'delta.appendOnly', '--json'])
    expect(jsonLines(set.stdout)).toEqual([{ owner: 'me' }])
    const wrong = await alluvium(['properties', path, '--set', 'delta.appendOnIy=true', '--json'])
    expect([wrong.status, jsonLines(wrong.stderr)[0]?.code]).toEqual([2, 'INVALID_OPTIONS'])
  })

  test('a checksum file is compared by describe, and is no obstacle to anything', async () => {
    const path = await newTable(['--property', 'owner=me'])
    const first = jsonLines(await readFile(join(path, '_delta_log/00000000000000000000.json'), 'utf8'))
    const [{ protocol }, { metaData }] = ['protocol', 'metaData'].map((name) => first.find((line) => name in line) ?? {}) as [
      Record<string, unknown>,
      Record<string, unknown>,
    ]
    const right = { tableSizeBytes: 0, numFiles: 0, numMetadata: 1, numProtocol: 1, metadata: metaData, protocol }
    const columns = (await alluvium(['schema', path])).stdout
    for (const [checksum, state] of [
      [JSON.stringify(right), 'valid'],
      [JSON.stringify({ ...right, numFiles: 3 }), 'mismatch'],
      ['{"numFiles":', 'unreadable'],
    ] as const) {
      await writeFile(join(path, '_delta_log/00000000000000000000.crc'), checksum)
      const told = jsonLines((await alluvium(['describe', path, '--json'])).stdout)[0]
      expect(told).toMatchObject({ version: 0, numFiles: 0, checksum: { state } })
      expect((await alluvium(['describe', path])).stdout).toMatch(new RegExp(`^checksum: +${state}`, 'm'))
      expect((await alluvium(['schema', path])).stdout).toBe(columns)
      expect(jsonLines((await alluvium(['properties', path, '--json'])).stdout)).toEqual([{ owner: 'me' }])
    }
  })

  test('a table path that is a file, or a log that is torn, is told apart from no table', async () => {
    const folder = await scratchFolder()
    await writeFile(join(folder, 'file'), 'x')
    expect((await alluvium(['describe', join(folder, 'file'), '--json'])).status).not.toBe(0)
    await mkdir(join(folder, 'torn/_delta_log'), { recursive: true })
    await writeFile(join(folder, 'torn/_delta_log/00000000000000000000.json'), '{"protocol":{"minReaderVersion":1,')
    const torn = await alluvium(['describe', join(folder, 'torn'), '--json'])
    expect([torn.status, jsonLines(torn.stderr)[0]?.code]).toEqual([3, 'CORRUPT_LOG'])
  })
})

test('the adapter answers requests line by line, errors included', async () => {
  const path = await newTable()
  await alluvium(['ingest', path, '-'], { stdin: lines({ id: 1 }) })
  const requests = [
    { id: 1, op: 'read', path, version: null },
    { id: 2, op: 'info', path, version: 0 },
    { id: 3, op: 'read', path: `${path}-none` },
    { id: 4, op: 'dance', path },
  ]
  const ran = await alluvium(['adapter'], { stdin: lines(...requests) })
  expect(jsonLines(ran.stdout)).toEqual([
    {
      id: 1,
      ok: true,
      version: 1,
      columns: expect.arrayContaining([{ name: 'id', type: 'long', nullable: false }]),
      rows: [{ id: 1, name: null, score: null, tags: null, at: null }],
    },
    { id: 2, ok: true, version: 0, columns: expect.any(Array), numFiles: 0, sizeBytes: 0, protocol: expect.any(Object) },
    { id: 3, ok: false, code: 'NOT_A_TABLE', message: expect.any(String) },
    { id: 4, ok: false, code: 'UNSUPPORTED', message: expect.any(String) },
  ])
})
