// Streaming to S3: one PUT or parts, bounded memory, nothing left behind, and own uploads told from those of others.
import { describe, expect, test } from 'vitest'
import type { ObjectWriter, Storage } from '../../../src/storage/storage.js'
import { quickRuntime } from './quick-runtime.js'
import { OK, refusal, type ScriptedAnswer, type ScriptedRequest, type ScriptedS3, scriptedS3 } from './scripted-server.js'

const MIB = 2 ** 20
const PART = 5 * MIB
const absent = refusal(404, 'NoSuchKey')

type Step = 'head' | 'begin' | 'part' | 'complete' | 'abort' | 'put' | 'delete' | 'get'

function stepOf({ method, query }: ScriptedRequest): Step {
  if (method === 'POST') return query.has('uploads') ? 'begin' : 'complete'
  if (method === 'PUT') return query.has('partNumber') ? 'part' : 'put'
  if (method === 'DELETE') return query.has('uploadId') ? 'abort' : 'delete'
  return method === 'HEAD' ? 'head' : 'get'
}

const xml = (body: string): ScriptedAnswer => ({
  status: 200,
  headers: { 'content-type': 'application/xml' },
  body: `<?xml version="1.0"?>${body}`,
})

/** What a server answers that does as it is told. */
function plain(request: ScriptedRequest): ScriptedAnswer {
  switch (stepOf(request)) {
    case 'begin':
      return xml('<InitiateMultipartUploadResult><UploadId>u1</UploadId></InitiateMultipartUploadResult>')
    case 'complete':
      return xml('<CompleteMultipartUploadResult><ETag>"e"</ETag></CompleteMultipartUploadResult>')
    case 'part':
      return { status: 200, headers: { etag: `"${request.query.get('partNumber')}"` } }
    case 'head':
      return { status: 404 }
    case 'get':
      return absent
    case 'put':
      return OK
    default:
      return { status: 204 }
  }
}

const steps = (server: ScriptedS3): string => server.requests.map(stepOf).join(' ')
const idOf = (server: ScriptedS3): string | undefined => {
  const made = server.requests.find((request) => ['put', 'begin'].includes(stepOf(request)))
  return made?.headers['x-amz-meta-alluvium-upload'] as string | undefined
}

async function writing(storage: Storage, sizeBytes: number, signal?: AbortSignal): Promise<ObjectWriter> {
  const writer = await storage.write('part-0.parquet', { signal })
  const chunk = new Uint8Array(MIB)
  for (let at = 0; at < sizeBytes; at += MIB) {
    chunk.fill(at / MIB)
    await writer.write(chunk.subarray(0, Math.min(MIB, sizeBytes - at)))
  }
  return writer
}

/** What is under the name, as far as HEAD tells: an upload's id. */
const holding = (id: string | undefined): ScriptedAnswer => ({ status: 200, headers: { 'x-amz-meta-alluvium-upload': id ?? '' } })

describe('write', () => {
  test('a small object is one conditional PUT', async () => {
    const server = await scriptedS3(plain)
    const writer = await writing(server.storage({ partBytes: PART }), PART)
    expect(await writer.close()).toEqual({ sizeBytes: PART })
    expect(steps(server)).toBe('put')
    expect(server.requests[0]?.headers['if-none-match']).toBe('*')
    expect(server.requests[0]?.body).toHaveLength(PART)
  })

  test('a large object is looked for, then sent in parts of one size, the last one smaller', async () => {
    const server = await scriptedS3(plain)
    const writer = await writing(server.storage({ partBytes: PART }), 11 * MIB)
    expect(await writer.close()).toEqual({ sizeBytes: 11 * MIB })
    expect(server.requests.map(stepOf).sort()).toEqual(['begin', 'complete', 'get', 'head', 'part', 'part', 'part'])
    const parts = server.requests.filter((request) => stepOf(request) === 'part')
    const byNumber = new Map(parts.map(({ query, body }) => [query.get('partNumber'), body]))
    const content = Buffer.concat(['1', '2', '3'].map((number) => byNumber.get(number) as Buffer))
    expect(['1', '2', '3'].map((number) => byNumber.get(number)?.length)).toEqual([PART, PART, MIB])
    expect(Array.from({ length: 11 }, (_, n) => content[n * MIB])).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10])
    const complete = server.requests.at(-1)
    expect(complete?.headers['if-none-match']).toBe('*')
    expect(complete?.body.toString().match(/<PartNumber>\d<\/PartNumber>/g)).toHaveLength(3)
  })

  test('parts go over connections that are kept', async () => {
    const server = await scriptedS3(plain)
    await (await writing(server.storage({ partBytes: PART }), 60 * MIB)).close()
    const parts = server.requests.filter((request) => stepOf(request) === 'part')
    expect(parts).toHaveLength(12)
    expect(new Set(parts.map(({ port }) => port)).size).toBeLessThanOrEqual(5)
    for (const { headers } of parts) expect(headers.expect).toBeUndefined()
  })

  test('a writer waits while four parts are on their way, so that memory is bounded', async () => {
    const held: (() => void)[] = []
    const server = await scriptedS3(async (request) => {
      if (stepOf(request) === 'part') await new Promise<void>((resolve) => held.push(resolve))
      return plain(request)
    })
    let written = 0
    const storage = server.storage({ partBytes: PART })
    const writer = await storage.write('part-0.parquet')
    const filling = (async () => {
      for (; written < 60; written++) await writer.write(new Uint8Array(MIB))
    })()
    await expect.poll(() => held.length).toBe(4)
    await new Promise((resolve) => setTimeout(resolve, 100))
    // Four parts of 5 MiB are out, the fifth is full and waits for a place.
    expect(written).toBe(25)
    expect(held).toHaveLength(4)
    const letting = setInterval(() => {
      for (const go of held.splice(0)) go()
    }, 5)
    await filling
    await writer.close()
    clearInterval(letting)
    expect(server.requests.filter((request) => stepOf(request) === 'part')).toHaveLength(12)
  })

  test('a part that fails is sent again', async () => {
    let failures = 2
    const server = await scriptedS3((request) => (stepOf(request) === 'part' && failures-- > 0 ? refusal(503, 'SlowDown') : plain(request)))
    await (await writing(server.storage({ partBytes: PART, runtime: quickRuntime() }), 11 * MIB)).close()
    expect(server.requests.filter((request) => stepOf(request) === 'part')).toHaveLength(5)
  })

  test('after a failure that lasts the upload is aborted', async () => {
    const server = await scriptedS3((request) => (stepOf(request) === 'part' ? refusal(403, 'AccessDenied') : plain(request)))
    await expect(writing(server.storage({ partBytes: PART }), 30 * MIB).then((writer) => writer.close())).rejects.toMatchObject({
      code: 'PERMISSION_DENIED',
    })
    // A part that was given up may still reach the server after it: there is no upload then that it could belong to.
    expect(server.requests.filter((request) => stepOf(request) === 'abort')).toHaveLength(1)
  })

  test('aborting a writer and a signal that fires abort the upload', async () => {
    const server = await scriptedS3(plain)
    const storage = server.storage({ partBytes: PART })
    await (await writing(storage, 11 * MIB)).abort()
    expect(stepOf(server.requests.at(-1) as ScriptedRequest)).toBe('abort')
    const controller = new AbortController()
    const writer = await writing(storage, 11 * MIB, controller.signal)
    controller.abort(new Error('enough'))
    await expect(writer.close()).rejects.toMatchObject({ code: 'ABORTED' })
    await expect.poll(() => stepOf(server.requests.at(-1) as ScriptedRequest)).toBe('abort')
  })

  test.each<[string, number]>([
    ['one PUT', MIB],
    ['parts', 11 * MIB],
  ])('a lost answer to the last request of %s is found out: the object is ours', async (_, sizeBytes) => {
    let landed = false
    const server: ScriptedS3 = await scriptedS3((request) => {
      const step = stepOf(request)
      if (step === 'put' || step === 'complete') {
        if (landed) return step === 'put' ? refusal(412, 'PreconditionFailed') : refusal(404, 'NoSuchUpload')
        landed = true
        return 'reset'
      }
      return step === 'head' && landed ? holding(idOf(server)) : plain(request)
    })
    const writer = await writing(server.storage({ partBytes: PART, runtime: quickRuntime() }), sizeBytes)
    expect(await writer.close()).toEqual({ sizeBytes })
  })

  test.each<[string, number]>([
    ['one PUT', MIB],
    ['parts', 11 * MIB],
  ])("a name that another has taken is ALREADY_EXISTS for %s, and the other's object is not deleted", async (_, sizeBytes) => {
    let begun = false
    const server = await scriptedS3((request) => {
      const step = stepOf(request)
      begun ||= step === 'begin' || step === 'put'
      if (step === 'put' || step === 'complete') return refusal(412, 'PreconditionFailed')
      return step === 'head' && begun ? holding('of somebody else') : plain(request)
    })
    const writer = await writing(server.storage({ partBytes: PART }), sizeBytes)
    await expect(writer.close()).rejects.toMatchObject({ code: 'ALREADY_EXISTS' })
    expect(steps(server)).not.toContain('delete')
  })

  test('a large object under a name in use is refused before its parts are sent', async () => {
    const server = await scriptedS3((request) => (stepOf(request) === 'head' ? holding('of somebody else') : plain(request)))
    await expect(writing(server.storage({ partBytes: PART }), 11 * MIB)).rejects.toMatchObject({ code: 'ALREADY_EXISTS' })
    expect(steps(server)).toBe('head')
  })

  test('a server that does not know the condition gets the upload without it', async () => {
    const server = await scriptedS3((request) =>
      request.headers['if-none-match'] === undefined ? plain(request) : refusal(501, 'NotImplemented'),
    )
    await (await writing(server.storage({ partBytes: PART }), MIB)).close()
    await (await writing(server.storage({ partBytes: PART }), 11 * MIB)).close()
    expect(server.requests.filter((request) => stepOf(request) === 'complete').map(({ headers }) => headers['if-none-match'])).toEqual([
      '*',
      undefined,
    ])
  })

  test('an object beyond what 10,000 parts can hold would be LIMIT_EXCEEDED: parts are of at least 5 MiB', async () => {
    const server = await scriptedS3(plain)
    expect(() => server.storage({ partBytes: 1 * MIB })).toThrow(/partBytes must be a whole number from 5242880/)
  })
})

describe('deleteAll', () => {
  const paths = Array.from({ length: 2500 }, (_, i) => `part-${i}.parquet`)

  test('deletes a thousand objects a request', async () => {
    const server = await scriptedS3(() => xml('<DeleteResult></DeleteResult>'))
    await server.storage().deleteAll?.(paths)
    expect(server.requests.map(({ body }) => body.toString().match(/<Key>/g)?.length)).toEqual([1000, 1000, 500])
  })

  test('what a batch could not delete is tried on its own, and its failure is the failure', async () => {
    const server = await scriptedS3(({ method }) =>
      method === 'POST'
        ? xml('<DeleteResult><Error><Key>table/part-1.parquet</Key><Code>AccessDenied</Code><Message>no</Message></Error></DeleteResult>')
        : refusal(403, 'AccessDenied'),
    )
    await expect(server.storage().deleteAll?.(paths.slice(0, 3))).rejects.toMatchObject({
      code: 'PERMISSION_DENIED',
      facts: { path: 'part-1.parquet' },
    })
  })

  test('a server without such a request gets single ones', async () => {
    const server = await scriptedS3(({ method }) => (method === 'POST' ? refusal(501, 'NotImplemented') : { status: 204 }))
    await server.storage().deleteAll?.(paths.slice(0, 20))
    expect(server.requests.filter(({ method }) => method === 'DELETE')).toHaveLength(20)
  })
})
