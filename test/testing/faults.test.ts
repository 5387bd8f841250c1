// Faults as promises: which requests meet which, what the client sees, and what happens to the store.
import { PutObjectCommand } from '@aws-sdk/client-s3'
import fc from 'fast-check'
import { afterAll, describe, expect, test } from 'vitest'
import {
  FAULTS,
  type FaultName,
  type RequestFacts,
  type S3Emulator,
  seededFaults,
  startS3Emulator,
  startWebHdfsEmulator,
  type WebHdfsEmulator,
} from '../../src/testing/index.js'
import { type RawAnswer, raw } from './raw-http.js'
import { outcome, sdkClient } from './sdk.js'

const stops: (() => Promise<void>)[] = []
afterAll(() => Promise.all(stops.map((stop) => stop())))

async function s3Rig(): Promise<{ s3: S3Emulator; put: (key: string, body?: string) => Promise<string> }> {
  const s3 = await startS3Emulator({ slowMs: 20 })
  const client = sdkClient(s3, { timeoutMs: 250 })
  stops.push(() => s3.stop())
  const put = (key: string, body = 'a body of some length'): Promise<string> =>
    outcome(client.send(new PutObjectCommand({ Bucket: 'tables', Key: key, Body: body, IfNoneMatch: '*' })))
  return { s3, put }
}

const facts = (ordinal: number, more: Partial<RequestFacts> = {}): RequestFacts => ({
  ...{ ordinal, role: 's3', method: 'PUT', path: 'tables/a', kind: 'PutObject', changes: true, conditional: true, hasBody: true },
  ...more,
})

describe('a seeded plan', () => {
  test('is a pure function of seed and request', () => {
    fc.assert(
      fc.property(fc.integer(), fc.integer({ min: 1, max: 1e6 }), fc.boolean(), (seed, ordinal, changes) => {
        const request = facts(ordinal, { changes })
        const plan = seededFaults({ seed, rate: 0.5 })
        for (let other = 1; other < 5; other++) plan(facts(other))
        expect(plan(request)).toEqual(seededFaults({ seed, rate: 0.5 })(request))
      }),
    )
  })

  test('hits as often as it is told to, with every fault it has, and differently for another seed', () => {
    const hits = (seed: number, rate: number): string[] => {
      const plan = seededFaults({ seed, rate })
      return Array.from({ length: 10_000 }, (_, i) => JSON.stringify(plan(facts(i + 1)) ?? null)).filter((each) => each !== 'null')
    }
    expect(hits(1, 0)).toHaveLength(0)
    expect(hits(1, 1)).toHaveLength(10_000)
    expect(Math.abs(hits(1, 0.1).length - 1000)).toBeLessThan(150)
    expect(hits(1, 0.1)).not.toEqual(hits(2, 0.1))
    const kinds = new Set(hits(1, 1).map((each) => JSON.stringify([JSON.parse(each).answer, JSON.parse(each).effect])))
    // All but the two that only listings have.
    expect(kinds.size).toBe(new Set(Object.values(FAULTS).map(({ answer, effect }) => JSON.stringify([answer, effect]))).size - 2)
  })

  test('gives a request only faults it can have', () => {
    const plan = seededFaults({ seed: 3, rate: 1 })
    for (let ordinal = 1; ordinal < 2000; ordinal++) {
      const reading = plan(facts(ordinal, { method: 'GET', kind: 'GetObject', changes: false, conditional: false, hasBody: false }))
      expect(['none', 'once']).toContain((reading as { effect: string }).effect)
      expect(['stale', 'short']).not.toContain((reading as { answer: string }).answer)
    }
  })
})

describe('a faulted put to S3', () => {
  // What the client sees; whether the object is there then; whether it is there once late effects have landed.
  const expected: Readonly<Record<Exclude<FaultName, 'stale-listing' | 'short-listing'>, readonly [RegExp, boolean, boolean]>> = {
    'reset-before': [/^- (ECONNRESET|TimeoutError)/, false, false],
    'reset-during': [/^- (ECONNRESET|EPIPE|TimeoutError)/, false, false],
    'reset-after': [/^- (ECONNRESET|TimeoutError)/, true, true],
    'silence-before': [/^- TimeoutError/, false, false],
    'silence-after': [/^- TimeoutError/, true, true],
    '500-before': [/^500 InternalError/, false, false],
    '500-after': [/^500 InternalError/, true, true],
    '503-before': [/^503 SlowDown/, false, false],
    '503-after': [/^503 SlowDown/, true, true],
    'retry-after': [/^503 SlowDown/, false, false],
    '409-before': [/^409 ConditionalRequestConflict/, false, false],
    '412-after': [/^412 PreconditionFailed/, true, true],
    'late-500': [/^500 InternalError/, false, true],
    'late-reset': [/^- (ECONNRESET|TimeoutError)/, false, true],
    'late-silence': [/^- TimeoutError/, false, true],
    twice: [/^412 PreconditionFailed/, true, true],
    echo: [/^200/, true, true],
    slow: [/^200/, true, true],
    truncated: [/^- /, true, true],
  }

  test.each(Object.entries(expected))('%s', async (fault, [seen, thereNow, thereLater]) => {
    const { s3, put } = await s3Rig()
    s3.inject({ fault: fault as FaultName })
    expect(await put('a')).toMatch(seen)
    expect(s3.object('tables', 'a') !== undefined).toBe(thereNow)
    s3.land()
    expect(s3.object('tables', 'a') !== undefined).toBe(thereLater)
    expect(s3.outstanding).toBe(0)
    expect(await put('b')).toBe('200')
    expect(s3.log.map(({ kind, path }) => `${kind} ${path}`)).toEqual(['PutObject tables/a', 'PutObject tables/b'])
  })

  test('lands late after as many later requests as it was told, and then only if the name is still free', async () => {
    const { s3, put } = await s3Rig()
    s3.inject({ fault: { ...FAULTS['late-500'], landAfterRequests: 2 } })
    await put('a', 'late')
    await put('b')
    await put('c')
    expect(s3.object('tables', 'a')).toBeUndefined()
    await put('d')
    expect(new TextDecoder().decode(s3.object('tables', 'a')?.bytes)).toBe('late')
    s3.inject({ fault: 'late-500' })
    await put('e', 'late')
    expect(await put('e', 'in time')).toBe('200')
    s3.land()
    expect(new TextDecoder().decode(s3.object('tables', 'e')?.bytes)).toBe('in time')
  })

  test('is chosen by operation, path, order and number', async () => {
    const { s3, put } = await s3Rig()
    s3.inject({ fault: '500-before', kind: 'PutObject', path: /_delta_log/, skip: 1, times: 2 })
    const seen = []
    for (const key of ['_delta_log/0', 'data', '_delta_log/1', '_delta_log/2', '_delta_log/3']) seen.push((await put(key)).slice(0, 3))
    expect(seen).toEqual(['200', '200', '500', '500', '200'])
  })

  test('says Retry-After where it is told to', async () => {
    const { s3 } = await s3Rig()
    s3.inject({ fault: 'retry-after' })
    expect((await fetch(`${s3.endpoint}/tables/a`)).headers.get('retry-after')).toBe('1')
  })
})

describe('a faulted request to HDFS', () => {
  const rig = async (): Promise<WebHdfsEmulator> => {
    const hdfs = await startWebHdfsEmulator({ slowMs: 20 })
    stops.push(() => hdfs.stop())
    return hdfs
  }
  const of = (hdfs: WebHdfsEmulator, path: string, query: string): string =>
    `http://${hdfs.addresses[0]}/webhdfs/v1${path}?${query}&user.name=root`
  const create = async (hdfs: WebHdfsEmulator, path: string): Promise<RawAnswer | string> => {
    const first = await raw('PUT', of(hdfs, path, 'op=CREATE&overwrite=false'))
    if (typeof first === 'string' || first.status !== 307) return first
    return raw('PUT', first.headers.location as string, { body: '0123456789', timeoutMs: 300 })
  }

  test('a CREATE reset during its body leaves the half that came', async () => {
    const hdfs = await rig()
    hdfs.inject({ kind: 'CREATE', fault: 'reset-during' })
    expect(await create(hdfs, '/f')).toBe('reset')
    expect(new TextDecoder().decode(hdfs.file('/f'))).toBe('01234')
  })

  test('a RENAME reset after it happened has happened; one that comes late happens unless the name is taken', async () => {
    const hdfs = await rig()
    for (const path of ['/a', '/b']) await create(hdfs, path)
    hdfs.inject({ kind: 'RENAME', fault: 'reset-after' })
    expect(await raw('PUT', of(hdfs, '/a', 'op=RENAME&destination=/c&renameoptions=NONE'))).toBe('reset')
    expect(hdfs.files()).toEqual(['/b', '/c'])
    hdfs.inject({ kind: 'RENAME', fault: 'late-500' })
    expect(await raw('PUT', of(hdfs, '/b', 'op=RENAME&destination=/c&renameoptions=NONE'))).toMatchObject({ status: 500 })
    hdfs.land()
    expect(hdfs.files()).toEqual(['/b', '/c'])
  })

  test('an answer of success may be all that is cut off', async () => {
    const hdfs = await rig()
    hdfs.inject({ kind: 'CREATE', path: '/f', skip: 1, fault: 'truncated' })
    expect(await create(hdfs, '/f')).toBe('reset')
    expect(hdfs.file('/f')).toHaveLength(10)
  })
})

test('the log holds no headers, no query and no credentials', async () => {
  const s3 = await startS3Emulator({ credentials: { accessKeyId: 'CANARY-ID', secretAccessKey: 'CANARY-SECRET' } })
  stops.push(() => s3.stop())
  const client = sdkClient(s3)
  await outcome(client.send(new PutObjectCommand({ Bucket: 'tables', Key: 'a', Body: 'x' })))
  expect(s3.log).toHaveLength(1)
  expect(JSON.stringify(s3.log)).not.toContain('CANARY')
})
