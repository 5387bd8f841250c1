// Credentials in every form go through every way a request can fail, and must turn up nowhere: not in messages, facts, causes,
// stacks, JSON, or what `inspect` shows of a store or an error.
import { inspect } from 'node:util'
import { describe, expect, test } from 'vitest'
import { s3Storage } from '../../../src/storage/s3/index.js'
import type { Storage } from '../../../src/storage/storage.js'
import { quickRuntime } from './quick-runtime.js'
import { errorXml, refusal, type ScriptedAnswer, scriptedS3 } from './scripted-server.js'

const KEY = 'AKIACANARYCANARY'
const SECRET = 'canary+secret/canary'
const TOKEN = 'canary-session-token'
const CANARIES = [KEY, SECRET, TOKEN, encodeURIComponent(SECRET), 'Credential=', 'Signature=']

/** All that anybody could print of a value, causes and hidden properties included. */
function everything(value: unknown, seen: Set<unknown> = new Set()): string {
  if (typeof value !== 'object' || value === null || seen.has(value)) return String(value)
  seen.add(value)
  const parts = [inspect(value, { depth: 20, showHidden: true, getters: true }), JSON.stringify(value) ?? '', String(value)]
  for (const key of Reflect.ownKeys(value)) parts.push(String(key), everything(Reflect.get(value, key), seen))
  return parts.join('\n')
}

/** As AWS does: the answer repeats what was signed. */
function echoing(status: number, code: string): (headers: Record<string, unknown>) => ScriptedAnswer {
  return (headers) => ({
    status,
    headers: { 'content-type': 'application/xml', 'x-echo': TOKEN },
    body: errorXml(
      code,
      `<AWSAccessKeyId>${KEY}</AWSAccessKeyId><StringToSign>${JSON.stringify(headers).replaceAll('<', '')}</StringToSign>` +
        `<CanonicalRequest>x-amz-security-token:${TOKEN}</CanonicalRequest>`,
    ).replace(`${code} it is`, `the key ${KEY} with ${SECRET} and ${TOKEN}`),
  })
}

const CALLS: readonly [string, (storage: Storage) => Promise<unknown>][] = [
  ['read', (storage) => storage.read('object')],
  ['readRange', (storage) => storage.readRange('object', 0, 5)],
  ['stat', (storage) => storage.stat('object')],
  [
    'list',
    async (storage) => {
      for await (const _ of storage.list('')) return
    },
  ],
  ['create', (storage) => storage.create('object', new Uint8Array(3))],
  ['put', (storage) => storage.put('object', new Uint8Array(3))],
  [
    'write',
    async (storage) => {
      const writer = await storage.write('object')
      await writer.write(new Uint8Array(3))
      await writer.close()
    },
  ],
  [
    'write of parts',
    async (storage) => {
      const writer = await storage.write('object')
      await writer.write(new Uint8Array(6 * 2 ** 20))
      await writer.close()
    },
  ],
  ['delete', (storage) => storage.delete('object')],
  ['deleteAll', async (storage) => storage.deleteAll?.(['a', 'b'])],
]

const FAILURES: readonly [string, (headers: Record<string, unknown>) => ScriptedAnswer | 'reset' | 'hang'][] = [
  ['403 SignatureDoesNotMatch', echoing(403, 'SignatureDoesNotMatch')],
  ['403 InvalidAccessKeyId', echoing(403, 'InvalidAccessKeyId')],
  ['400 InvalidToken', echoing(400, 'InvalidToken')],
  ['400 AuthorizationHeaderMalformed', echoing(400, 'AuthorizationHeaderMalformed')],
  ['404 NoSuchBucket', echoing(404, 'NoSuchBucket')],
  ['409', echoing(409, 'OperationAborted')],
  ['412', echoing(412, 'PreconditionFailed')],
  ['500', echoing(500, 'InternalError')],
  ['503', echoing(503, 'SlowDown')],
  ['an error code that is a secret', () => refusal(400, TOKEN.replaceAll('-', ' '))],
  ['200 with an error inside', (headers) => ({ ...echoing(200, 'InternalError')(headers), status: 200 })],
  ['a page', () => ({ status: 502, body: `<html>${KEY} ${SECRET} ${TOKEN}</html>` })],
  ['a cut connection', () => 'reset'],
  ['a stall', () => 'hang'],
]

describe.each(FAILURES)('%s', (_, answer) => {
  test.each(CALLS)('%s tells no credential', async (_, call) => {
    const server = await scriptedS3(({ headers }) => answer(headers))
    const storage = server.storage({
      accessKeyId: KEY,
      secretAccessKey: SECRET,
      sessionToken: TOKEN,
      maxAttempts: 2,
      stallTimeoutMs: 150,
      partBytes: 5 * 2 ** 20,
      runtime: quickRuntime(),
    })
    const outcome = await call(storage).catch((error) => error)
    for (const printed of [everything(outcome), everything(storage), inspect(server.requests.length)]) {
      for (const canary of CANARIES) expect(printed).not.toContain(canary)
    }
  })
})

describe('options', () => {
  const refusedBy = (call: () => unknown): unknown => {
    try {
      call()
    } catch (error) {
      return error
    }
    throw new Error('was not refused')
  }

  test.each<[string, () => unknown]>([
    ['an unknown option', () => s3Storage('s3://bucket/table', { secretAcessKey: SECRET } as never)],
    ['options of the wrong kind', () => s3Storage('s3://bucket/table', { accessKeyId: { it: KEY }, secretAccessKey: [SECRET] } as never)],
    ['a key without its secret', () => s3Storage('s3://bucket/table', { accessKeyId: KEY, sessionToken: TOKEN })],
    ['credentials in the endpoint', () => s3Storage('s3://bucket/table', { endpoint: `http://${KEY}:canary-secret@host` })],
    ['credentials in the URL', () => s3Storage(`s3://${KEY}:${SECRET}@bucket/table`)],
    ['a flag that is a secret', () => s3Storage('s3://bucket/table', { forcePathStyle: SECRET } as never)],
  ])('%s is refused without a value', (_, call) => {
    const error = refusedBy(call)
    expect(error).toMatchObject({ code: 'INVALID_OPTIONS' })
    for (const canary of CANARIES) expect(everything(error)).not.toContain(canary)
  })
})
