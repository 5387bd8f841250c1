// inspect as a process, and its page as text: what it says, that nothing in it is a table's markup, and no credential is in it.
// How a browser sees it is in test/interop/inspect.test.ts.
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createTable, long, schema, string } from 'alluvium'
import { startS3Emulator } from 'alluvium/testing'
import fc from 'fast-check'
import { beforeAll, describe, expect, test } from 'vitest'
import { timelineOf } from '../../src/cli/inspect/buckets.js'
import { escaped, html, type Markup, shortened } from '../../src/cli/inspect/html.js'
import { inspectPage } from '../../src/cli/inspect/page.js'
import { inspect } from '../../src/compaction/index.js'
import { alluvium, jsonLines, scratchFolder } from './cli-process.js'

let folder: string
beforeAll(async () => {
  folder = await scratchFolder()
})

test('says in lines, in JSON and in a page the same', async () => {
  const path = join(folder, 'events')
  const table = await createTable(path, { schema: schema({ id: long(), p: string() }), partitionBy: ['p'] })
  for (let n = 0; n < 3; n++)
    await table.append([{ id: BigInt(n), p: `p${n % 2}` }], { txn: { appId: 'loader', version: 2n ** 53n + BigInt(2 * n + 1) } })
  await table.settled()
  const file = join(folder, 'events.html')
  const json = await alluvium(['inspect', path, '--json', '--html', file])
  expect([json.status, json.stderr]).toEqual([0, ''])
  expect(jsonLines(json.stdout)[0]).toMatchObject({
    version: 3,
    files: { count: 3, partitionCount: 2 },
    debt: { smallFiles: 3, plan: { groups: 1, files: 2 } },
    positions: [{ appId: 'loader', version: '9007199254740997' }],
    history: { commitCount: 4 },
    html: file,
  })
  const lines = (await alluvium(['inspect', path])).stdout
  expect(lines).toContain('small:       3 files')
  expect(lines).toContain('optimize would rewrite 2 as about 1')
  const page = readFileSync(file, 'utf8')
  expect(page).toContain('9007199254740997')
  expect(page).toContain('p=p0')
})

test('with a page that cannot be written says so', async () => {
  const path = join(folder, 'unwritten')
  await createTable(path, { schema: schema({ id: long() }) })
  const ran = await alluvium(['inspect', path, '--html', join(folder, 'no/such/folder.html')])
  expect(ran.status).toBe(1)
  expect(ran.stderr).toContain('ENOENT')
  expect((await alluvium(['inspect', path, '--html='])).status).toBe(2)
})

test('of a table in a store has no credential in it', async () => {
  await using emulator = await startS3Emulator({ credentials: { accessKeyId: 'AKIACANARY', secretAccessKey: 'hunter2-secret' } })
  const storage = { endpoint: emulator.endpoint, region: emulator.region, ...emulator.credentials }
  const table = await createTable('s3://tables/events', { schema: schema({ id: long() }), storage })
  await table.append([{ id: 1n }])
  await table.settled()
  const report = await inspect(table)
  const page = inspectPage(report, 'Alluvium')
  for (const secret of ['AKIACANARY', 'hunter2-secret', emulator.endpoint]) {
    expect(page).not.toContain(secret)
    expect(JSON.stringify(report, (_, value) => (typeof value === 'bigint' ? String(value) : value))).not.toContain(secret)
  }
  expect(page).toContain('s3://tables/events')
})

describe('the page', () => {
  test('allows its own style sheet and nothing else, and refers to nothing outside', async () => {
    const path = join(folder, 'policy')
    const page = inspectPage(await inspect(await createTable(path, { schema: schema({ id: long() }) })), 'Alluvium')
    const style = /<style>([\s\S]*)<\/style>/.exec(page)?.[1] as string
    const hash = createHash('sha256').update(style).digest('base64')
    expect(page).toContain(`content="default-src &#39;none&#39;; style-src &#39;sha256-${hash}&#39;; img-src data:;`)
    expect(page).not.toMatch(/<script|\sstyle=|\son\w+=|@import|url\((?!#)/i)
    expect(
      [...page.matchAll(/(?:href|src)="([^"]*)"/g)].map((match) => match[1]).filter((target) => !/^(#|data:)/.test(target as string)),
    ).toEqual([])
  })

  test('has every value escaped, in content and in attributes', () => {
    expect(html`<p title="${`"'`}">${'</p><script>'}</p>`.text).toBe('<p title="&quot;&#39;">&lt;/p&gt;&lt;script&gt;</p>')
    expect(html`${[html`<b>${'&'}</b>`, '<']}${undefined}${false}${0}${5n}`.text).toBe('<b>&amp;</b>&lt;05')
    expect(escaped('a\u202eb\u0000c\nd')).toBe('a\\u202eb\\u0000c\\u000ad')
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const safe = escaped(text)
        expect(safe).not.toMatch(/[<>"'`]/)
        expect(safe.replace(/&(?:amp|lt|gt|quot|#39|#96);/g, '')).not.toContain('&')
      }),
    )
  })

  test('is made of markup by templates only', () => {
    const forged = { text: '<script>' } as unknown as Markup
    expect(html`${forged as never}`.text).not.toContain('<script>')
  })

  test('cuts long texts between characters', () => {
    expect(shortened('abcdef', 4)).toBe('abc…')
    expect(shortened('👩‍🚀👩‍🚀', 3)).toBe('👩‍…')
    expect(shortened('abc', 3)).toBe('abc')
  })
})

describe('the timeline', () => {
  const commit = (timeMs: number, operation: string | undefined, version = 0) => ({
    version,
    timeMs,
    operation,
    engine: undefined,
    bytes: 1,
  })

  test('has every commit in one column of one row', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.integer({ min: 0, max: 4e12 }), fc.constantFrom('WRITE', 'MERGE', undefined, ...'abcdefghij')), {
          minLength: 1,
          maxLength: 60,
        }),
        (given) => {
          const { series, ticks } = timelineOf(given.map(([time, operation]) => commit(time, operation)))
          expect(series.flatMap(({ counts }) => counts).reduce((sum, count) => sum + count, 0)).toBe(given.length)
          expect(series.length).toBeLessThanOrEqual(8)
          expect(new Set(series.map(({ counts }) => counts.length)).size).toBe(1)
          expect(series[0]?.counts.length).toBeLessThanOrEqual(140)
          for (const { bucket } of ticks) expect(bucket).toBeLessThan(series[0]?.counts.length as number)
        },
      ),
    )
  })

  test('of a few seconds names the first alone: columns are narrower than names', () => {
    const start = Date.UTC(2026, 0, 30, 8)
    const { bucketMs, ticks } = timelineOf([0, 1, 2, 4].map((seconds) => commit(start + seconds * 1000, 'WRITE')))
    expect(bucketMs).toBe(1000)
    expect(ticks).toEqual([{ bucket: 0, text: '2026-01-30 08:00:00' }])
  })

  test('of two days has columns of an hour, and says the day once', () => {
    const start = Date.UTC(2026, 0, 30, 8)
    const { bucketMs, ticks } = timelineOf([commit(start, 'WRITE'), commit(start + 47 * 3_600_000, 'WRITE')])
    expect(bucketMs).toBe(3_600_000)
    expect(ticks.map(({ text }) => text)).toEqual(['2026-01-30 08:00', '16:00', '2026-01-31 00:00', '08:00', '16:00', '2026-02-01 00:00'])
  })
})
