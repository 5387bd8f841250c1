// Reading from S3: what was announced must come; what is missing must be said by the service; what may be repeated is repeated.
import { describe, expect, test } from 'vitest'
import type { Storage } from '../../../src/storage/storage.js'
import { quickRuntime } from './quick-runtime.js'
import { OK, refusal, type ScriptedAnswer, scriptedS3 } from './scripted-server.js'

const text = 'the whole object'
const whole: ScriptedAnswer = { status: 200, body: text }
const absent = refusal(404, 'NoSuchKey')

const read = async (storage: Storage): Promise<string | undefined> => {
  const bytes = await storage.read('object')
  return bytes && new TextDecoder().decode(bytes)
}

describe('read', () => {
  test.each<[string, readonly (ScriptedAnswer | 'reset')[], number]>([
    ['a body that is cut is asked for again', [{ ...whole, cutAt: 5 }, whole], 2],
    ['a body that ends early without a cut is asked for again', [{ ...whole, cutAt: 0 }, whole], 2],
    ['a connection that breaks is tried again', ['reset', 'reset', whole], 3],
    ['500 and 503 are tried again', [refusal(500, 'InternalError'), refusal(503, 'SlowDown'), whole], 3],
    ['a request that the server could not read is tried again', [refusal(400, 'BadRequest'), whole], 2],
    ["a proxy's page is tried again", [{ status: 502, body: '<html>' }, whole], 2],
  ])('%s', async (_, answers, sent) => {
    let n = 0
    const server = await scriptedS3(() => answers[n++] ?? absent)
    expect(await read(server.storage({ runtime: quickRuntime() }))).toBe(text)
    expect(server.requests).toHaveLength(sent)
  })

  test.each<[string, ScriptedAnswer, string, number]>([
    ['a bucket that is not there is no missing object', refusal(404, 'NoSuchBucket'), 'STORAGE_UNAVAILABLE', 1],
    ['an access key that is not known (versitygw: 404) is no missing object', refusal(404, 'XAdminUserNotFound'), 'PERMISSION_DENIED', 1],
    ['a 404 of something that is no S3 is no missing object', { status: 404, body: '<html>not found</html>' }, 'STORAGE_UNAVAILABLE', 1],
    ['a wrong signature is not tried again', refusal(403, 'SignatureDoesNotMatch'), 'PERMISSION_DENIED', 1],
    ['another region is a matter of options', refusal(301, 'PermanentRedirect'), 'INVALID_OPTIONS', 1],
    ['a server that stays away is given up after the attempts', refusal(503, 'SlowDown'), 'STORAGE_UNAVAILABLE', 4],
  ])('%s', async (_, answer, code, sent) => {
    const server = await scriptedS3(() => answer)
    await expect(read(server.storage({ runtime: quickRuntime(), maxAttempts: 4 }))).rejects.toMatchObject({ code })
    expect(server.requests).toHaveLength(sent)
  })

  test('a missing key is undefined', async () => {
    const server = await scriptedS3(() => absent)
    expect(await read(server.storage())).toBeUndefined()
  })

  test('pauses between tries grow, and are as long as the server asks', async () => {
    const runtime = quickRuntime()
    let n = 0
    const answers = [refusal(503, 'SlowDown'), refusal(503, 'SlowDown'), refusal(503, 'SlowDown', { 'retry-after': '7' }), whole]
    const server = await scriptedS3(() => answers[n++] ?? absent)
    await read(server.storage({ runtime }))
    const [first, second, third] = runtime.pausesMs as [number, number, number]
    expect(first).toBeGreaterThanOrEqual(50)
    expect(second).toBeGreaterThan(first)
    expect(third).toBeGreaterThanOrEqual(7000)
  })

  test('a body that stalls is given up and asked for again', async () => {
    let n = 0
    const server = await scriptedS3(() => (n++ === 0 ? { status: 200, headers: { 'content-length': '100' }, body: 'begun' } : whole))
    expect(await read(server.storage({ stallTimeoutMs: 300, runtime: quickRuntime() }))).toBe(text)
  })

  test('a size beyond what can be held is refused before memory is taken', async () => {
    const server = await scriptedS3(() => ({ status: 200, headers: { 'content-length': String(2 ** 40) }, body: 'x' }))
    await expect(read(server.storage())).rejects.toMatchObject({ code: 'LIMIT_EXCEEDED' })
  })

  test('a signal that fires ends a read that is under way', async () => {
    const controller = new AbortController()
    const server = await scriptedS3(() => {
      setTimeout(() => controller.abort(new Error('enough')), 10)
      return 'hang'
    })
    await expect(server.storage().read('object', { signal: controller.signal })).rejects.toMatchObject({ code: 'ABORTED' })
  })
})

describe('readRange', () => {
  const range = async (answer: ScriptedAnswer, offset: number, length: number): Promise<string | undefined> => {
    const server = await scriptedS3(() => answer)
    const bytes = await server.storage({ maxAttempts: 2, runtime: quickRuntime() }).readRange('object', offset, length)
    return bytes && new TextDecoder().decode(bytes)
  }
  const part = (contentRange: string, body: string): ScriptedAnswer => ({ status: 206, headers: { 'content-range': contentRange }, body })

  test('a part is what was asked for', async () => {
    expect(await range(part('bytes 4-8/16', 'whole'), 4, 5)).toBe('whole')
  })
  test('fewer bytes come only at the end', async () => {
    expect(await range(part('bytes 10-15/16', 'object'), 10, 50)).toBe('object')
  })
  test('a server that answers with the whole object is understood', async () => {
    expect(await range(whole, 4, 5)).toBe('whole')
    expect(await range(whole, 10, 50)).toBe('object')
    expect(await range(whole, 50, 5)).toBe('')
  })
  test('416 is a range beyond the end', async () => {
    expect(await range(refusal(416, 'InvalidRange'), 99, 5)).toBe('')
  })
  test('another part than the one asked for is never handed out', async () => {
    await expect(range(part('bytes 0-4/16', 'the w'), 4, 5)).rejects.toMatchObject({ code: 'STORAGE_UNAVAILABLE' })
    await expect(range(part('bytes 4-9/16', 'whole '), 4, 5)).rejects.toMatchObject({ code: 'STORAGE_UNAVAILABLE' })
  })
})

describe('stat', () => {
  test('a bare 404 to HEAD says nothing: a GET asks what is missing', async () => {
    const server = await scriptedS3(({ method }) => (method === 'HEAD' ? { status: 404 } : refusal(404, 'NoSuchBucket')))
    await expect(server.storage().stat('object')).rejects.toMatchObject({ code: 'STORAGE_UNAVAILABLE' })
    const missing = await scriptedS3(({ method }) => (method === 'HEAD' ? { status: 404 } : absent))
    expect(await missing.storage().stat('object')).toBeUndefined()
  })
  test('a bare 400 or 403 to HEAD is told by its code, which a GET brings', async () => {
    for (const [status, code] of [
      [400, 'ExpiredToken'],
      [403, 'InvalidAccessKeyId'],
    ] as const) {
      const server = await scriptedS3(({ method }) => (method === 'HEAD' ? { status } : refusal(status, code)))
      await expect(server.storage().stat('object')).rejects.toMatchObject({ code: 'PERMISSION_DENIED', facts: { reason: code } })
    }
  })
  test('a HEAD that contradicts the GET for ever is an error, not a loop', async () => {
    const server = await scriptedS3(({ method }) => (method === 'HEAD' ? { status: 404 } : whole))
    await expect(server.storage().stat('object')).rejects.toMatchObject({ code: 'STORAGE_UNAVAILABLE' })
  })
})

describe('requests', () => {
  test('many requests on one signal are one listener on it, and all end with it', async () => {
    const warnings: Error[] = []
    const onWarning = (warning: Error): void => void warnings.push(warning)
    process.on('warning', onWarning)
    const server = await scriptedS3(() => 'hang')
    const controller = new AbortController()
    const storage = server.storage({ maxRequests: 30 })
    const reads = Array.from({ length: 60 }, (_, i) =>
      storage.read(`object-${i}`, { signal: controller.signal }).catch((error) => error.code),
    )
    await expect.poll(() => server.requests.length).toBe(30)
    controller.abort(new Error('enough'))
    expect(new Set(await Promise.all(reads))).toEqual(new Set(['ABORTED']))
    process.off('warning', onWarning)
    expect(warnings.filter(({ name }) => name === 'MaxListenersExceededWarning')).toEqual([])
  })

  test('no more than maxRequests are in flight at once', async () => {
    let [now, most] = [0, 0]
    const server = await scriptedS3(async () => {
      most = Math.max(most, ++now)
      await new Promise((resolve) => setTimeout(resolve, 5))
      now--
      return whole
    })
    const storage = server.storage({ maxRequests: 3 })
    await Promise.all(Array.from({ length: 20 }, (_, i) => storage.read(`object-${i}`)))
    expect(server.requests).toHaveLength(20)
    expect(most).toBe(3)
  })

  test('a server that was never reached is given up sooner than one that went away', async () => {
    const runtime = quickRuntime()
    const server = await scriptedS3(() => OK)
    await expect(server.storage({ endpoint: 'http://127.0.0.1:1', runtime }).read('object')).rejects.toMatchObject({
      code: 'STORAGE_UNAVAILABLE',
      facts: { reason: 'ECONNREFUSED' },
    })
    expect(runtime.pausesMs.length).toBeLessThanOrEqual(3)
  })
})
