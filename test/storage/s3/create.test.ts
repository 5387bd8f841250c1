// What `create` says after each answer that a server can give, or not give. The rules: one conditional PUT; `created` and
// `exists` only for what is sure; everything that may have been our own request is `applied: 'unknown'`.
import { describe, expect, test } from 'vitest'
import { isAlluviumError } from '../../../src/errors.js'
import type { Storage } from '../../../src/storage/storage.js'
import { quickRuntime } from './quick-runtime.js'
import { OK, refusal, type Script, type ScriptedAnswer, scriptedS3 } from './scripted-server.js'

const PATH = '_delta_log/00000000000000000007.json'
const OURS = Buffer.from('{"commitInfo":{"txnId":"ours"}}\n')
const THEIRS = Buffer.from('{"commitInfo":{"txnId":"theirs"}}\n')

type Told = 'created' | 'exists' | { readonly code: string; readonly applied: unknown; readonly lasting: unknown }

async function told(storage: Storage, signal?: AbortSignal): Promise<Told> {
  try {
    return await storage.create(PATH, OURS, { signal })
  } catch (error) {
    if (!isAlluviumError(error)) throw error
    return { code: error.code, applied: error.facts.applied, lasting: error.facts.lasting }
  }
}

const object = (bytes: Uint8Array): ScriptedAnswer => ({ status: 200, body: bytes })
const absent = refusal(404, 'NoSuchKey')
const unknown = { code: 'STORAGE_UNAVAILABLE', applied: 'unknown', lasting: undefined }

/** PUTs get these answers in turn, the last one for ever; GETs the other. */
function answering(puts: readonly (ScriptedAnswer | 'reset' | 'hang')[], get: ScriptedAnswer = absent): Script {
  let n = 0
  return ({ method }) => (method === 'PUT' ? (puts[Math.min(n++, puts.length - 1)] as ScriptedAnswer) : get)
}

test('how long a server asks to be left alone is a fact of the failure', async () => {
  const server = await scriptedS3(answering([refusal(503, 'SlowDown', { 'retry-after': '7' })]))
  await expect(server.storage().create(PATH, OURS)).rejects.toMatchObject({ facts: { applied: 'unknown', retryAfterMs: 7000 } })
})

describe('create', () => {
  test.each<[string, readonly (ScriptedAnswer | 'reset' | 'hang')[], ScriptedAnswer, Told, number]>([
    ['200 is created', [OK], absent, 'created', 1],
    ['412 to the only PUT is exists', [refusal(412, 'PreconditionFailed')], absent, 'exists', 1],
    ['304, as R2 once said it, is exists', [{ status: 304 }], absent, 'exists', 1],
    ['500 is unknown and is not sent again', [refusal(500, 'InternalError')], absent, unknown, 1],
    ['503 is unknown, for it may come after the object', [refusal(503, 'SlowDown', { 'retry-after': '1' })], absent, unknown, 1],
    ['a page of a proxy with 502 is unknown', [{ status: 502, body: '<html>bad gateway</html>' }], absent, unknown, 1],
    ['429 is unknown', [refusal(429, 'TooManyRequests')], absent, unknown, 1],
    ['a connection cut before the answer is unknown', ['reset'], absent, unknown, 1],
    ['an answer of success that cannot be read is still success', [{ status: 200, body: '<html>' }], absent, 'created', 1],
    ['AWS: 409 with no object there is sent again, and is created', [refusal(409, 'ConditionalRequestConflict'), OK], absent, 'created', 2],
    ["CoreWeave: 409 with another's object there is exists", [refusal(409, 'OperationAborted')], object(THEIRS), 'exists', 1],
    ['409 with the same bytes there is unknown: it may be ours', [refusal(409, 'ConditionalRequestConflict')], object(OURS), unknown, 1],
    [
      '409, then 412 with the same bytes there, is unknown: the first PUT may have landed',
      [refusal(409, 'ConditionalRequestConflict'), refusal(412, 'PreconditionFailed')],
      object(OURS),
      unknown,
      1,
    ],
    ['409 without end is unknown', [refusal(409, 'ConditionalRequestConflict')], absent, unknown, 6],
    ['409, then 500, is unknown', [refusal(409, 'ConditionalRequestConflict'), refusal(500, 'InternalError')], absent, unknown, 2],
    [
      '403 is a refusal, surely without effect',
      [refusal(403, 'AccessDenied')],
      absent,
      { code: 'PERMISSION_DENIED', applied: false, lasting: true },
      1,
    ],
    [
      'a bucket that is not there is a refusal',
      [refusal(404, 'NoSuchBucket')],
      absent,
      { code: 'STORAGE_UNAVAILABLE', applied: false, lasting: true },
      1,
    ],
    [
      'a full store is STORAGE_FULL',
      [refusal(507, 'XMinioStorageFull')],
      absent,
      { code: 'STORAGE_FULL', applied: false, lasting: true },
      1,
    ],
    [
      'a server that does not know the header is unsafe',
      [refusal(501, 'NotImplemented')],
      absent,
      { code: 'STORAGE_UNSAFE', applied: false, lasting: undefined },
      1,
    ],
    [
      'versitygw: a request it could not read may be sent again',
      [refusal(400, 'BadRequest')],
      absent,
      { code: 'STORAGE_UNAVAILABLE', applied: false, lasting: undefined },
      1,
    ],
    ['a clock that is off is learned, and the request sent once more', [refusal(403, 'RequestTimeTooSkewed'), OK], absent, 'created', 2],
  ])('%s', async (_, puts, get, expected, sent) => {
    const server = await scriptedS3(answering(puts, get))
    expect(await told(server.storage({ runtime: quickRuntime() }))).toEqual(expected)
    const sentPuts = server.requests.filter(({ method }) => method === 'PUT')
    expect(sentPuts).toHaveLength(sent)
    for (const { headers, key, body } of sentPuts) {
      expect(headers['if-none-match']).toBe('*')
      expect(key).toBe(`table/${PATH}`)
      expect(body.equals(OURS)).toBe(true)
    }
  })

  test('a server that does not answer at all is unknown once the connection has stalled', async () => {
    const server = await scriptedS3(() => 'hang')
    expect(await told(server.storage({ stallTimeoutMs: 200 }))).toEqual(unknown)
    expect(server.requests).toHaveLength(1)
  })

  test('a server that cannot be reached surely did nothing', async () => {
    const server = await scriptedS3(() => OK)
    const storage = server.storage({ endpoint: 'http://127.0.0.1:1', runtime: quickRuntime() })
    expect(await told(storage)).toEqual({ code: 'STORAGE_UNAVAILABLE', applied: false, lasting: undefined })
  })

  test('a signal that fires while the PUT is on its way leaves it unknown', async () => {
    const controller = new AbortController()
    const server = await scriptedS3(() => {
      controller.abort(new Error('enough'))
      return 'hang'
    })
    expect(await told(server.storage(), controller.signal)).toEqual({ code: 'ABORTED', applied: 'unknown', lasting: undefined })
  })

  test('the bytes that are sent are those of the call, whatever the caller does with them afterwards', async () => {
    const server = await scriptedS3(() => OK)
    const bytes = new Uint8Array([1, 2, 3])
    const creating = server.storage().create('object', bytes)
    bytes.fill(9)
    await creating
    expect([...(server.requests[0]?.body ?? [])]).toEqual([1, 2, 3])
  })
})

describe('the self-test before the first create', () => {
  /** A server that overwrites, as those that ignore the header do. */
  function ignoring(objects: Map<string, Buffer>): Script {
    return ({ method, key, body }) => {
      if (method === 'PUT') objects.set(key, body)
      if (method === 'DELETE') objects.delete(key)
      if (method === 'GET' || method === 'HEAD') {
        const found = objects.get(key)
        return found === undefined ? { ...absent, ...(method === 'HEAD' ? { body: '' } : {}) } : object(found)
      }
      return method === 'DELETE' ? { status: 204 } : OK
    }
  }

  test('refuses a server that ignores If-None-Match, and leaves nothing behind', async () => {
    const objects = new Map<string, Buffer>()
    const server = await scriptedS3(ignoring(objects), { selfTests: true })
    const storage = server.storage()
    expect(await told(storage)).toEqual({ code: 'STORAGE_UNSAFE', applied: false, lasting: undefined })
    expect(await told(storage)).toMatchObject({ code: 'STORAGE_UNSAFE' })
    await expect.poll(() => objects.size).toBe(0)
    expect(server.requests.filter(({ method }) => method === 'PUT')).toHaveLength(2)
    for (const { key } of server.requests) expect(key).toMatch(/^table\/_delta_log\/\.self-test\.[0-9a-f-]{36}\.tmp$/)
  })

  test('is made once for an endpoint and bucket, whatever the number of stores, and costs two requests at once and a delete', async () => {
    const server = await scriptedS3(
      ({ method, key }) => {
        if (method === 'DELETE') return { status: 204 }
        const earlier = server.requests.filter((each) => each.method === 'PUT' && each.key === key).length
        return earlier === 1 ? OK : refusal(412, 'PreconditionFailed')
      },
      { selfTests: true },
    )
    const outcomes = await Promise.all([1, 2, 3].map((n) => server.storage().create(`object-${n}`, OURS)))
    expect(outcomes).toEqual(['created', 'created', 'created'])
    const selfTests = (): string[] => server.requests.filter(({ key }) => key.includes('self-test')).map(({ method }) => method)
    await expect.poll(selfTests).toEqual(['PUT', 'PUT', 'DELETE'])
  })

  test('that gets no answer proves nothing: the create fails as surely not applied, and the next one tries again', async () => {
    let away = true
    const server = await scriptedS3(
      ({ method, key }) => {
        if (method === 'DELETE') return { status: 204 }
        if (away) return refusal(503, 'ServiceUnavailable')
        const earlier = server.requests.filter((each) => each.method === 'PUT' && each.key === key).length
        return earlier === 1 ? OK : refusal(412, 'PreconditionFailed')
      },
      { selfTests: true },
    )
    const storage = server.storage({ runtime: quickRuntime() })
    expect(await told(storage)).toEqual({ code: 'STORAGE_UNAVAILABLE', applied: false, lasting: undefined })
    away = false
    expect(await told(storage)).toBe('created')
  })

  test('singleWriter: a server that ignores the header can be written, and of many creators in this process one wins', async () => {
    const objects = new Map<string, Buffer>()
    const server = await scriptedS3(ignoring(objects), { selfTests: true })
    const stores = [server.storage({ singleWriter: true }), server.storage({ singleWriter: true })]
    const outcomes = await Promise.all(
      Array.from({ length: 10 }, (_, n) => (stores[n % 2] as Storage).create(PATH, Buffer.from(`racer ${n}`))),
    )
    expect(outcomes.filter((outcome) => outcome === 'created')).toHaveLength(1)
    expect(objects.get(`table/${PATH}`)?.toString()).toBe(`racer ${outcomes.indexOf('created')}`)
    expect(server.requests.some(({ key }) => key.includes('self-test'))).toBe(false)
  })
})
