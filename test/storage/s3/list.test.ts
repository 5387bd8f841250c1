// Listings of S3: complete and in order, or an error; names as the server spells them.
import { describe, expect, test } from 'vitest'
import { quickRuntime } from './quick-runtime.js'
import { type ScriptedAnswer, type ScriptedRequest, scriptedS3 } from './scripted-server.js'

interface PageOf {
  readonly keys: readonly string[]
  readonly next?: string
  readonly truncated?: boolean
  readonly encoding?: string
}

function page({ keys, next, truncated = next !== undefined, encoding }: PageOf): ScriptedAnswer {
  const contents = keys.map(
    (key) => `<Contents><Key>${key}</Key><Size>3</Size><LastModified>2026-01-31T12:00:00.789Z</LastModified><ETag>"e"</ETag></Contents>`,
  )
  const body = [
    '<?xml version="1.0" encoding="UTF-8"?><ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">',
    `<IsTruncated>${truncated}</IsTruncated>`,
    next === undefined ? '' : `<NextContinuationToken>${next}</NextContinuationToken>`,
    encoding === undefined ? '' : `<EncodingType>${encoding}</EncodingType>`,
    ...contents,
    '</ListBucketResult>',
  ].join('')
  return { status: 200, headers: { 'content-type': 'application/xml' }, body }
}

async function listing(
  pages: readonly ScriptedAnswer[],
  from?: string,
): Promise<{ paths: string[]; requests: readonly ScriptedRequest[]; modifiedMs: number[] }> {
  let n = 0
  const server = await scriptedS3(() => pages[Math.min(n++, pages.length - 1)] as ScriptedAnswer)
  const paths: string[] = []
  const modifiedMs: number[] = []
  for await (const objects of server.storage({ runtime: quickRuntime() }).list('log', from === undefined ? {} : { from })) {
    paths.push(...objects.map(({ path }) => path))
    modifiedMs.push(...objects.map((each) => each.modifiedMs))
  }
  return { paths, requests: server.requests, modifiedMs }
}

describe('list', () => {
  test('pages follow one another by their tokens', async () => {
    const { paths, requests } = await listing([
      page({ keys: ['table/log/a', 'table/log/b'], next: 'one' }),
      page({ keys: [], next: 'two' }),
      page({ keys: ['table/log/c'] }),
    ])
    expect(paths).toEqual(['log/a', 'log/b', 'log/c'])
    expect(requests.map(({ query }) => query.get('continuation-token'))).toEqual([null, 'one', 'two'])
    expect(requests[0]?.query.get('prefix')).toBe('table/log/')
    expect(requests[0]?.query.get('delimiter')).toBe('/')
  })

  test.each<[string, readonly ScriptedAnswer[]]>([
    ['a page that is cut off without a token is no end', [page({ keys: ['table/log/a'], truncated: true })]],
    ['a token that leads to itself is no way on', [page({ keys: ['table/log/a'], next: 'one' })]],
    ['names out of order are no listing of S3', [page({ keys: ['table/log/b', 'table/log/a'] })]],
  ])('%s', async (_, pages) => {
    await expect(listing(pages)).rejects.toMatchObject({ code: 'STORAGE_UNAVAILABLE', facts: { lasting: true } })
  })

  test('a name that comes twice is given once', async () => {
    const { paths } = await listing([page({ keys: ['table/log/a'], next: 'one' }), page({ keys: ['table/log/a', 'table/log/b'] })])
    expect(paths).toEqual(['log/a', 'log/b'])
  })

  test('names are decoded only where the server says that it encoded them', async () => {
    const raw = await listing([page({ keys: ['table/log/a+b', 'table/log/p=10%3A00'] })])
    expect(raw.paths).toEqual(['log/a+b', 'log/p=10%3A00'])
    const encoded = await listing([page({ keys: ['table/log/a%20b', 'table/log/a+c', 'table/log/p%3D10%253A00'], encoding: 'url' })])
    expect(encoded.paths).toEqual(['log/a b', 'log/a c', 'log/p=10%3A00'])
  })

  test("temporaries, folders' markers and names that are no paths are passed over", async () => {
    const { paths } = await listing([
      page({ keys: ['table/log/', 'table/log/.x.0f8fad5b-d9cb-469f-a165-70867728950e.tmp', 'table/log/a//b', 'table/log/c'] }),
    ])
    expect(paths).toEqual(['log/c'])
  })

  test('times are whole seconds, as HEAD knows them', async () => {
    const { modifiedMs } = await listing([page({ keys: ['table/log/a'] })])
    expect(modifiedMs).toEqual([Date.UTC(2026, 0, 31, 12, 0, 0)])
  })

  test('a start is asked for just before itself, so that it is part of the answer', async () => {
    const from = 'log/00000000000000000010'
    const { paths, requests } = await listing([page({ keys: ['table/log/00000000000000000009.json', `table/${from}.json`] })], from)
    expect(paths).toEqual([`${from}.json`])
    const after = requests[0]?.query.get('start-after') ?? ''
    expect(after < `table/${from}`).toBe(true)
    expect(after > 'table/log/0000000000000000000999').toBe(true)
  })
})
