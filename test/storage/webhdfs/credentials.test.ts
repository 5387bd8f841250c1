// Who we are to whom: parameters, Kerberos proofs and cookies; and that no secret gets out on any failing path.
import { inspect } from 'node:util'
import { describe, expect, test } from 'vitest'
import { systemRuntime } from '../../../src/runtime.js'
import { type WebHdfsOptions, webhdfsStorage } from '../../../src/storage/webhdfs/index.js'
import type { Negotiator } from '../../../src/storage/webhdfs/kerberos.js'
import { webhdfsStorageWith } from '../../../src/storage/webhdfs/store.js'
import { exception, lost, reset, ScriptedHdfs, says } from './scripted-hdfs.js'

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)

async function parametersOf(options: WebHdfsOptions, env: Record<string, string> = {}): Promise<string[]> {
  const hdfs = await ScriptedHdfs.start()
  await webhdfsStorage(hdfs.url, { runtime: { ...systemRuntime, env: (name) => env[name] }, ...options }).stat('a')
  return [...(hdfs.seen[0]?.query ?? [])].filter(([name]) => name !== 'op').map(([name, value]) => `${name}=${value}`)
}

describe('parameters', () => {
  test('are the user, whom it acts for, or a token in their place', async () => {
    expect(await parametersOf({ user: 'etl' })).toEqual(['user.name=etl'])
    expect(await parametersOf({ user: 'etl', doAs: 'kim lee' })).toEqual(['user.name=etl', 'doas=kim lee'])
    expect(await parametersOf({ delegationToken: 'T+/=' })).toEqual(['delegation=T+/='])
  })

  test('without a user are those of HADOOP_USER_NAME, else the system’s user', async () => {
    expect(await parametersOf({}, { HADOOP_USER_NAME: 'hadoop' })).toEqual(['user.name=hadoop'])
    expect(await parametersOf({})).toEqual([expect.stringMatching(/^user\.name=./)])
    expect(await parametersOf({ kerberos: true }, { HADOOP_USER_NAME: 'hadoop' })).toEqual([])
  })
})

describe('Kerberos', () => {
  /** Wants a proof, then takes its cookie; the datanode wants nothing of ours. */
  async function secured(): Promise<{ hdfs: ScriptedHdfs; asked: string[]; negotiator: Negotiator; finished: string[] }> {
    const hdfs = await ScriptedHdfs.start()
    hdfs.put('/t/a', 'the file')
    const asked: string[] = []
    const finished: string[] = []
    hdfs.next(
      '*',
      async (seen, response, usual) => {
        const { authorization, cookie } = seen.headers
        if (cookie === 'hadoop.auth="CANARY-COOKIE"') return usual()
        if (authorization !== 'Negotiate CANARY-PROOF') {
          return response.writeHead(401, { 'www-authenticate': 'Negotiate', 'content-type': 'text/html' }).end('<html>401</html>')
        }
        response.setHeader('www-authenticate', 'Negotiate c2VydmVy')
        response.setHeader('set-cookie', ['hadoop.auth=; Path=/', 'hadoop.auth="CANARY-COOKIE"; Path=/; HttpOnly'])
        return usual()
      },
      { times: 999 },
    )
    const negotiator: Negotiator = async (host) => {
      asked.push(host)
      return { token: 'CANARY-PROOF', finish: async (token) => void finished.push(token) }
    }
    return { hdfs, asked, negotiator, finished }
  }

  test('is proven once to the namenode, whose cookie then does; the datanode gets neither', async () => {
    const { hdfs, asked, negotiator, finished } = await secured()
    const storage = webhdfsStorageWith(negotiator, hdfs.url, { kerberos: true })
    expect(await storage.read('a')).toEqual(bytes('the file'))
    expect(await storage.create('b', bytes('x'))).toBe('created')
    expect([asked, finished]).toEqual([['127.0.0.1'], ['c2VydmVy']])
    const data = hdfs.seen.filter(({ server }) => server === 'datanode')
    expect(data.map(({ headers }) => [headers.authorization, headers.cookie])).toEqual([
      [undefined, undefined],
      [undefined, undefined],
    ])
  })

  test('is proven again when the cookie is not taken any more', async () => {
    const { hdfs, asked, negotiator } = await secured()
    const storage = webhdfsStorageWith(negotiator, hdfs.url, { kerberos: true })
    await storage.stat('a')
    await storage.stat('a')
    expect(asked).toHaveLength(1)
    hdfs.first('GETFILESTATUS', (_, response) => response.writeHead(401, { 'www-authenticate': 'Negotiate' }).end())
    expect((await storage.stat('a'))?.sizeBytes).toBe(8)
    expect(asked).toHaveLength(2)
  })

  test('a server that cannot prove itself is not believed', async () => {
    const { hdfs, negotiator } = await secured()
    const doubting: Negotiator = async (host) => ({
      ...(await negotiator(host)),
      finish: async () => {
        throw new Error('the mutual authentication failed')
      },
    })
    await expect(webhdfsStorageWith(doubting, hdfs.url, { kerberos: true }).read('a')).rejects.toMatchObject({ code: 'PERMISSION_DENIED' })
  })

  test('a server that wants a proof of somebody without one is told what it wants', async () => {
    const { hdfs } = await secured()
    const error = await webhdfsStorage(hdfs.url, { user: 'kim' })
      .read('a')
      .catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ code: 'PERMISSION_DENIED' })
    expect((error as Error).message).toContain('kerberos')
  })

  test('without the package kerberos says how to get it', async () => {
    const { hdfs } = await secured()
    const error = await webhdfsStorage(hdfs.url, { kerberos: true })
      .read('a')
      .catch((thrown: unknown) => thrown)
    // Where the package is installed there is no ticket.
    expect(['INVALID_OPTIONS', 'PERMISSION_DENIED']).toContain((error as { code: string }).code)
    expect((error as Error).message).toMatch(/npm install kerberos|kinit/)
  })
})

test('a token, a proof or a cookie is in no message, fact, cause or inspection, whatever fails', async () => {
  const canary = 'CANARY-4711'
  const echo = `token ${canary} for delegation=${canary}&x: hadoop.auth="${canary}" (Negotiate ${canary})`
  const failures: [string, (hdfs: ScriptedHdfs) => unknown][] = [
    ['an exception that repeats the token', (hdfs) => hdfs.next('*', says(403, 'InvalidToken', echo), { times: 99 })],
    [
      'one as an unknown exception',
      (hdfs) => hdfs.next('*', says(500, 'IOException', `Invalid delegation token: ${canary}\n\tat ${canary}`), { times: 99 }),
    ],
    [
      'an exception named like it',
      (hdfs) => hdfs.next('*', (_, response) => exception(response, 500, `delegation=${canary}`, 'x'), { times: 99 }),
    ],
    [
      'a page that repeats it',
      (hdfs) => hdfs.next('*', (_, response) => response.writeHead(500, { 'content-type': 'text/html' }).end(echo), { times: 99 }),
    ],
    [
      '401',
      (hdfs) =>
        hdfs.next('*', (_, response) => response.writeHead(401, { 'www-authenticate': `Negotiate ${canary}` }).end(), { times: 99 }),
    ],
    ['resets', (hdfs) => hdfs.next('*', reset, { times: 99 })],
    ['no answer', (hdfs) => hdfs.next('*', () => {}, { times: 99 })],
    [
      'a redirect to nowhere',
      (hdfs) =>
        hdfs.next(
          '*',
          (_, response) => response.writeHead(307, { location: `http://127.0.0.1:1/webhdfs/v1/t?delegation=${canary}` }).end(),
          { times: 99 },
        ),
    ],
    [
      'a redirect that is refused',
      (hdfs) =>
        hdfs.next(
          '*',
          (_, response) => response.writeHead(307, { location: `http://${canary}@dn/webhdfs/v1/t?delegation=${canary}` }).end(),
          { times: 99 },
        ),
    ],
    ['a lost rename', (hdfs) => hdfs.next('RENAME', lost).next('GETFILESTATUS', reset, { skip: 2, times: 99 })],
    ['a dead server', (hdfs) => hdfs.stop()],
  ]
  for (const [name, prepare] of failures) {
    const hdfs = await ScriptedHdfs.start()
    const storage = webhdfsStorage(hdfs.url, { delegationToken: canary, retryMs: 200, stallTimeoutMs: 150 })
    prepare(hdfs)
    const texts = [inspect(storage, { depth: 9, showHidden: true }), JSON.stringify(storage), storage.location]
    const listing = async (): Promise<void> => {
      for await (const _ of storage.list('')) break
    }
    const calls = [
      () => storage.read('a'),
      () => storage.readRange('a', 1, 2),
      () => storage.create('b', bytes('x')),
      () => storage.put('c', bytes('x')),
      listing,
      () => storage.delete('a'),
    ]
    for (const call of calls) {
      await call().catch((error: Error) =>
        texts.push(
          inspect(error, { depth: 9, showHidden: true }),
          error.message,
          error.stack ?? '',
          JSON.stringify(error),
          String(error.cause),
        ),
      )
    }
    expect(texts.length, name).toBeGreaterThan(3)
    for (const text of texts) expect(text, name).not.toContain(canary)
  }
}, 60_000)
