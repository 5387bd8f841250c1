// The S3 emulator answers what real servers answer: AWS's documentation, and what Ceph RGW 16.2.15, MinIO (February 2026) and Versity
// S3 Gateway 1.8.0 were seen to answer to the same requests.
import { createHash } from 'node:crypto'
import { Readable } from 'node:stream'
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  HeadBucketCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  type ListObjectsV2CommandInput,
  PutObjectCommand,
  type PutObjectCommandInput,
  type S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { AWKWARD_NAMES, type S3Emulator, type S3FlavourName, startS3Emulator } from '../../src/testing/index.js'
import { outcome, sdkClient } from './sdk.js'

const open: { s3: S3Emulator; client: S3Client }[] = []
async function start(flavour: S3FlavourName = 'aws'): Promise<{ s3: S3Emulator; client: S3Client }> {
  const s3 = await startS3Emulator({ flavour })
  const client = sdkClient(s3)
  open.push({ s3, client })
  return { s3, client }
}

afterAll(async () => {
  for (const { s3, client } of open) {
    client.destroy()
    await s3.stop()
  }
})

const at = (Key: string) => ({ Bucket: 'tables', Key })
const put = (client: S3Client, key: string, body: string, more: Partial<PutObjectCommandInput> = {}) =>
  client.send(new PutObjectCommand({ ...at(key), Body: body, ...more }))
const textOf = async (client: S3Client, key: string, more: object = {}): Promise<string> =>
  (await client.send(new GetObjectCommand({ ...at(key), ...more }))).Body?.transformToString() ?? ''
const list = (client: S3Client, more: Partial<ListObjectsV2CommandInput> = {}) =>
  client.send(new ListObjectsV2Command({ Bucket: 'tables', ...more }))

describe('what all servers do alike', () => {
  let s3: S3Emulator
  let client: S3Client
  beforeAll(async () => {
    ;({ s3, client } = await start())
  })

  test('a put if absent of a name in use is 412, and the object stays', async () => {
    expect(await outcome(put(client, 'absent', 'first', { IfNoneMatch: '*' }))).toBe('200')
    expect(await outcome(put(client, 'absent', 'second', { IfNoneMatch: '*' }))).toBe('412 PreconditionFailed')
    expect(await textOf(client, 'absent')).toBe('first')
    await client.send(new DeleteObjectCommand(at('absent')))
    expect(await outcome(put(client, 'absent', 'third', { IfNoneMatch: '*' }))).toBe('200')
  })

  test('of 20 racers for a key one gets 200 and has its bytes there, 19 get 412', async () => {
    const outcomes = await Promise.all(Array.from({ length: 20 }, (_, n) => outcome(put(client, 'raced', `${n}`, { IfNoneMatch: '*' }))))
    expect(outcomes.filter((each) => each === '200')).toHaveLength(1)
    expect(outcomes.filter((each) => each === '412 PreconditionFailed')).toHaveLength(19)
    expect(await textOf(client, 'raced')).toBe(String(outcomes.indexOf('200')))
  })

  test('an ETag is the MD5 of what was put at once, and a stale one does not match', async () => {
    const { ETag } = await put(client, 'tagged', 'one')
    expect(ETag).toBe(`"${createHash('md5').update('one').digest('hex')}"`)
    await put(client, 'tagged', 'two')
    expect(await outcome(put(client, 'tagged', 'three', { IfMatch: ETag as string }))).toBe('412 PreconditionFailed')
    expect(await outcome(client.send(new GetObjectCommand({ ...at('tagged'), IfMatch: ETag as string })))).toBe('412 PreconditionFailed')
    const now = (await client.send(new HeadObjectCommand(at('tagged')))).ETag as string
    expect(await outcome(client.send(new GetObjectCommand({ ...at('tagged'), IfNoneMatch: now })))).toMatch(/^304/)
  })

  test('what is missing is NoSuchKey, NoSuchBucket, a bare 404 to HEAD; deleting it is 204', async () => {
    expect(await outcome(client.send(new GetObjectCommand(at('missing'))))).toBe('404 NoSuchKey')
    expect(await outcome(client.send(new HeadObjectCommand(at('missing'))))).toBe('404 NotFound')
    expect(await outcome(client.send(new GetObjectCommand({ Bucket: 'nowhere', Key: 'x' })))).toBe('404 NoSuchBucket')
    expect(await outcome(client.send(new DeleteObjectCommand(at('missing'))))).toBe('204')
    expect(await outcome(client.send(new CreateBucketCommand({ Bucket: 'made' })))).toBe('200')
    expect(await outcome(client.send(new HeadBucketCommand({ Bucket: 'made' })))).toBe('200')
  })

  test('ranges: from, from-to, beyond the end, suffixes also longer than the object; 416 past the end', async () => {
    await put(client, 'ranged', '0123456789')
    const range = (Range: string): Promise<string> => textOf(client, 'ranged', { Range })
    expect(await range('bytes=3-6')).toBe('3456')
    expect(await range('bytes=7-')).toBe('789')
    expect(await range('bytes=8-100')).toBe('89')
    expect(await range('bytes=-2')).toBe('89')
    expect(await range('bytes=-100')).toBe('0123456789')
    expect((await client.send(new GetObjectCommand({ ...at('ranged'), Range: 'bytes=3-6' }))).ContentRange).toBe('bytes 3-6/10')
    expect(await outcome(client.send(new GetObjectCommand({ ...at('ranged'), Range: 'bytes=10-12' })))).toBe('416 InvalidRange')
  })

  test('user metadata and the time of the object come back, the time in whole seconds and alike in HEAD and LIST', async () => {
    await put(client, 'described', 'x', { Metadata: { put: 'abc' } })
    const head = await client.send(new HeadObjectCommand(at('described')))
    expect(head.Metadata).toEqual({ put: 'abc' })
    expect(head.ContentLength).toBe(1)
    const [entry] = (await list(client, { Prefix: 'described' })).Contents ?? []
    expect(entry?.LastModified).toEqual(head.LastModified)
    expect((head.LastModified as Date).getTime() % 1000).toBe(0)
  })

  test('a copy is a new object with the bytes of the old', async () => {
    await put(client, 'a key+with %', 'copied')
    await client.send(new CopyObjectCommand({ ...at('copy'), CopySource: `tables/${encodeURIComponent('a key+with %')}` }))
    expect(await textOf(client, 'copy')).toBe('copied')
  })

  test('awkward keys come back as they are, from GET, LIST and DeleteObjects', async () => {
    const keys = AWKWARD_NAMES.map((name) => `awkward/${name}`)
    for (const key of keys) await put(client, key, key)
    for (const key of keys) expect(await textOf(client, key)).toBe(key)
    const listed = (await list(client, { Prefix: 'awkward/', EncodingType: 'url' })).Contents ?? []
    expect(listed.map(({ Key }) => decodeURIComponent(Key as string)).sort()).toEqual([...keys].sort())
    const Objects = keys.map((Key) => ({ Key }))
    await client.send(new DeleteObjectsCommand({ Bucket: 'tables', Delete: { Objects, Quiet: true } }))
    expect(s3.keys('tables', 'awkward/')).toEqual([])
  })

  test('more than 1,000 keys in one DeleteObjects are refused', async () => {
    const Objects = Array.from({ length: 1001 }, (_, i) => ({ Key: `k${i}` }))
    expect(await outcome(client.send(new DeleteObjectsCommand({ Bucket: 'tables', Delete: { Objects } })))).toBe('400 MalformedXML')
  })

  test('a wrong MD5 is refused', async () => {
    const wrong = createHash('md5').update('other').digest('base64')
    expect(await outcome(put(client, 'md5', 'x', { ContentMD5: wrong }))).toBe('400 BadDigest')
    expect(s3.object('tables', 'md5')).toBeUndefined()
  })

  test('a stream in aws-chunked encoding with a trailing checksum is stored as its bytes', async () => {
    const Body = Readable.from([Buffer.from('streamed '), Buffer.from('in pieces')])
    await client.send(new PutObjectCommand({ ...at('streamed'), Body, ContentLength: 18, ChecksumAlgorithm: 'SHA256' }))
    expect(await textOf(client, 'streamed')).toBe('streamed in pieces')
  })

  test('only who signs with the secret may ask', async () => {
    const { accessKeyId } = s3.credentials
    const forged = sdkClient(s3, { credentials: { accessKeyId, secretAccessKey: 'another' } })
    expect(await outcome(list(forged))).toBe('403 SignatureDoesNotMatch')
    const unknown = sdkClient(s3, { credentials: { accessKeyId: 'nobody', secretAccessKey: 'x' } })
    expect(await outcome(list(unknown))).toBe('403 InvalidAccessKeyId')
    expect((await fetch(`${s3.endpoint}/tables?list-type=2`)).status).toBe(403)
    for (const each of [forged, unknown]) each.destroy()
  })
})

describe('listings', () => {
  test('are sorted by UTF-8 bytes, in pages of 1,000, an exactly full page not being truncated', async () => {
    const { s3, client } = await start()
    s3.load(
      'tables',
      Array.from({ length: 2001 }, (_, i) => [`many/${String(i).padStart(6, '0')}`, new Uint8Array(1)] as const),
    )
    const first = await list(client, { Prefix: 'many/' })
    expect([first.KeyCount, first.IsTruncated]).toEqual([1000, true])
    const second = await list(client, { Prefix: 'many/', ContinuationToken: first.NextContinuationToken as string })
    const third = await list(client, { Prefix: 'many/', ContinuationToken: second.NextContinuationToken as string })
    expect([third.KeyCount, third.IsTruncated]).toEqual([1, false])
    const full = await list(client, { Prefix: 'many/', StartAfter: 'many/001000' })
    expect([full.KeyCount, full.IsTruncated]).toEqual([1000, false])
    for (const key of ['\u{1f600}', '\u{ffee}', 'é', 'z', 'B']) await put(client, `order/${key}`, 'x')
    // UTF-8 puts U+FFEE before U+1F600, UTF-16 the other way round.
    expect((await list(client, { Prefix: 'order/' })).Contents?.map(({ Key }) => Key?.slice(6))).toEqual([
      'B',
      'z',
      'é',
      '\u{ffee}',
      '\u{1f600}',
    ])
  })

  test('start after a key, exclusively, whether or not it exists', async () => {
    const { client } = await start()
    for (const key of ['a', 'b', 'd']) await put(client, key, key)
    const following = async (StartAfter: string) => ((await list(client, { StartAfter })).Contents ?? []).map(({ Key }) => Key)
    expect(await following('a')).toEqual(['b', 'd'])
    expect(await following('c')).toEqual(['d'])
    expect(await following('d')).toEqual([])
  })

  test('roll keys up to the delimiter, a common prefix counting as one entry and coming once', async () => {
    const { client } = await start()
    for (const key of ['t/a', 't/b/1', 't/b/2', 't/b-c', 't/c/d/e', 't/z', 'u']) await put(client, key, key)
    const entries: string[] = []
    let ContinuationToken: string | undefined
    do {
      const page = await list(client, {
        Prefix: 't/',
        Delimiter: '/',
        MaxKeys: 2,
        ...(ContinuationToken === undefined ? {} : { ContinuationToken }),
      })
      expect(page.KeyCount).toBeLessThanOrEqual(2)
      entries.push(
        ...(page.Contents ?? []).map(({ Key }) => Key as string),
        ...(page.CommonPrefixes ?? []).map(({ Prefix }) => Prefix as string),
      )
      ContinuationToken = page.NextContinuationToken
    } while (ContinuationToken !== undefined)
    expect(entries.sort()).toEqual(['t/a', 't/b-c', 't/b/', 't/c/', 't/z'])
  })
})

describe('multipart uploads', () => {
  const MIB5 = 5 * 1024 * 1024
  const upload = async (client: S3Client, key: string, sizes: readonly number[]) => {
    const { UploadId } = await client.send(new CreateMultipartUploadCommand({ ...at(key), Metadata: { put: 'm' } }))
    const Parts = []
    for (const [n, size] of sizes.entries()) {
      const { ETag } = await client.send(
        new UploadPartCommand({ ...at(key), UploadId, PartNumber: n + 1, Body: new Uint8Array(size).fill(n + 1) }),
      )
      Parts.push({ PartNumber: n + 1, ETag })
    }
    return { UploadId, complete: { ...at(key), UploadId, MultipartUpload: { Parts } } }
  }

  test('become an object when completed, with an ETag that counts the parts, and are nothing before', async () => {
    const { s3, client } = await start()
    const { complete } = await upload(client, 'big', [MIB5, 10])
    expect(s3.object('tables', 'big')).toBeUndefined()
    expect((await client.send(new ListMultipartUploadsCommand({ Bucket: 'tables' }))).Uploads).toHaveLength(1)
    const { ETag } = await client.send(new CompleteMultipartUploadCommand(complete))
    expect(ETag).toMatch(/^"[0-9a-f]{32}-2"$/)
    const { bytes } = s3.object('tables', 'big') ?? { bytes: new Uint8Array() }
    expect([bytes.length, bytes[MIB5 - 1], bytes[MIB5]]).toEqual([MIB5 + 10, 1, 2])
    expect(s3.openUploads).toEqual([])
    expect(await outcome(client.send(new CompleteMultipartUploadCommand(complete)))).toBe('404 NoSuchUpload')
  })

  test('are refused with a small part that is not the last, and leave nothing when aborted', async () => {
    const { s3, client } = await start()
    const { UploadId, complete } = await upload(client, 'small', [100, 10])
    expect(await outcome(client.send(new CompleteMultipartUploadCommand(complete)))).toBe('400 EntityTooSmall')
    expect(await outcome(client.send(new AbortMultipartUploadCommand({ ...at('small'), UploadId })))).toBe('204')
    expect([s3.openUploads, s3.keys('tables')]).toEqual([[], []])
  })

  // The fact that forbids committing by a multipart upload.
  test.each([
    ['aws', '412 PreconditionFailed', 'first'],
    ['minio', '412 PreconditionFailed', 'first'],
    ['versitygw', '412 PreconditionFailed', 'first'],
    ['ceph', '200', '\x01'],
  ] as const)('completed with If-None-Match on an existing key: %s answers %s', async (flavour, expected, content) => {
    const { client } = await start(flavour)
    await put(client, 'taken', 'first')
    const { complete } = await upload(client, 'taken', [1])
    expect(await outcome(client.send(new CompleteMultipartUploadCommand({ ...complete, IfNoneMatch: '*' })))).toBe(expected)
    expect(await textOf(client, 'taken')).toBe(content)
  })
})

describe('where servers differ', () => {
  const flavours = ['ceph', 'minio', 'versitygw'] as const
  const differences: readonly [string, readonly [string, string, string], (client: S3Client, s3: S3Emulator) => Promise<string>][] = [
    [
      'PUT If-Match with the ETag as given',
      ['412 PreconditionFailed', '200', '200'],
      async (client) => outcome(put(client, 'k', 'b', { IfMatch: (await put(client, 'k', 'a')).ETag as string })),
    ],
    [
      'PUT If-Match with the quotes taken off',
      ['200', '200', '200'],
      async (client) => outcome(put(client, 'k', 'b', { IfMatch: ((await put(client, 'k', 'a')).ETag as string).replaceAll('"', '') })),
    ],
    [
      'PUT If-Match on a missing key',
      ['412 PreconditionFailed', '404 NoSuchKey', '404 NoSuchKey'],
      (client) => outcome(put(client, 'none', 'b', { IfMatch: '"0"' })),
    ],
    [
      'DELETE If-Match with a wrong ETag',
      ['204', '204', '412 PreconditionFailed'],
      async (client) => {
        await put(client, 'k', 'a')
        return outcome(client.send(new DeleteObjectCommand({ ...at('k'), IfMatch: '"0"' })))
      },
    ],
    [
      'a stream as the SDK sends it by default',
      ['411 MissingContentLength', '200', '200'],
      (client) => outcome(client.send(new PutObjectCommand({ ...at('k'), Body: Readable.from([Buffer.from('abc')]), ContentLength: 3 }))),
    ],
    [
      'a wrong x-amz-checksum-crc32',
      ['200', '400 XAmzContentChecksumMismatch', '400 BadDigest'],
      (client) => outcome(put(client, 'k', 'a', { ChecksumCRC32: 'AAAAAA==' })),
    ],
    [
      'the checksum of a GET with ChecksumMode',
      ['none', 'FULL_OBJECT', 'FULL_OBJECT'],
      async (client) => {
        await put(client, 'k', 'a')
        return (await client.send(new GetObjectCommand({ ...at('k'), ChecksumMode: 'ENABLED' }))).ChecksumType ?? 'none'
      },
    ],
    [
      'a key below another, as it is put and as it is listed',
      ['200: x,x/y', '200: x', '409 ObjectParentIsFile: x'],
      async (client) => {
        await put(client, 'x', 'a')
        const below = await outcome(put(client, 'x/y', 'b'))
        return `${below}: ${(await list(client, { Prefix: 'x' })).Contents?.map(({ Key }) => Key)}`
      },
    ],
    ['a key with an empty part', ['200', '400 XMinioInvalidObjectName', '200'], (client) => outcome(put(client, 'x//y', 'b'))],
    [
      'a listing asked for with EncodingType url',
      ['url e%20%25', 'url e%20%25', 'undefined e %'],
      async (client) => {
        await put(client, 'e %', 'a')
        const page = await list(client, { EncodingType: 'url' })
        return `${page.EncodingType} ${page.Contents?.[0]?.Key}`
      },
    ],
    [
      'a suffix range of an empty object',
      ['416 InvalidRange', '206', '200'],
      async (client) => {
        await put(client, 'empty', '')
        return outcome(client.send(new GetObjectCommand({ ...at('empty'), Range: 'bytes=-8' })))
      },
    ],
    [
      'an unknown access key',
      ['403 InvalidAccessKeyId', '403 InvalidAccessKeyId', '404 XAdminUserNotFound'],
      async (_, s3) => {
        const unknown = sdkClient(s3, { credentials: { accessKeyId: 'nobody', secretAccessKey: 'x' } })
        return outcome(list(unknown)).finally(() => unknown.destroy())
      },
    ],
  ]

  for (const [name, expected, ask] of differences) {
    test(name, async () => {
      const seen: string[] = []
      for (const flavour of flavours) {
        const { s3, client } = await start(flavour)
        seen.push(await ask(client, s3))
      }
      expect(seen).toEqual(expected)
    })
  }

  test('CoreWeave answers 409 to the loser of two creates that were under way together, 412 to one that came later', async () => {
    const { s3, client } = await start('coreweave')
    s3.setLatency(30)
    const racers = await Promise.all([1, 2].map((n) => outcome(put(client, 'k', `${n}`, { IfNoneMatch: '*' }))))
    expect(racers.sort()).toEqual(['200', '409 ConditionalRequestConflict'])
    expect(await outcome(put(client, 'k', 'late', { IfNoneMatch: '*' }))).toBe('412 PreconditionFailed')
  })

  test('a store without conditions takes If-None-Match and overwrites', async () => {
    const { client } = await start('unconditional')
    await put(client, 'k', 'first')
    expect(await outcome(put(client, 'k', 'second', { IfNoneMatch: '*' }))).toBe('200')
    expect(await textOf(client, 'k')).toBe('second')
  })
})
