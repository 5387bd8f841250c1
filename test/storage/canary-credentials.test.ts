// Credentials in every failing path of both remote stores: whatever fails, however, nothing that a caller, a log or a debugger gets to
// see has them in it.
import { inspect } from 'node:util'
import { isAlluviumError, systemRuntime } from 'alluvium'
import { type Emulator, FAULTS, type FaultName, type RequestFacts, startS3Emulator, startWebHdfsEmulator } from 'alluvium/testing'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { s3Storage } from '../../src/storage/s3/index.js'
import type { Storage } from '../../src/storage/storage.js'
import { webhdfsStorage } from '../../src/storage/webhdfs/index.js'

const KEY_ID = 'CANARYKEYID'
const SECRET = 'CANARYSECRET/with+odd=characters'
const TOKEN = 'CANARYTOKEN%2F+&='
const CANARIES = ['CANARY', encodeURIComponent(SECRET), encodeURIComponent(TOKEN)]

/** Time that passes at once, so that a thousand failures end. */
const hasty = { ...systemRuntime, sleep: (_: number, signal?: AbortSignal) => systemRuntime.sleep(0, signal) }

const printed: string[] = []
beforeAll(() => {
  for (const method of ['log', 'info', 'warn', 'error', 'debug'] as const) {
    vi.spyOn(console, method).mockImplementation((...args: unknown[]) => void printed.push(inspect(args, { depth: 10 })))
  }
  process.on('warning', (warning) => printed.push(inspect(warning)))
})
afterAll(() => vi.restoreAllMocks())

/** Everything somebody may print of an error: all ways to look at it, and at what caused it. */
function everythingOf(error: unknown): string {
  const seen = [String(error), inspect(error, { depth: 20, showHidden: true, getters: true })]
  for (let each = error as { cause?: unknown } | undefined; each !== undefined && each !== null; each = each.cause as typeof each) {
    const { message, stack, facts } = each as unknown as { message?: unknown; stack?: unknown; facts?: unknown }
    seen.push(String(message), String(stack), JSON.stringify(facts) ?? '', JSON.stringify(each) ?? '')
    seen.push(...Reflect.ownKeys(each).map((key) => inspect(Reflect.get(each as object, key), { depth: 20 })))
  }
  return seen.join('\n')
}

const OPERATIONS: Readonly<Record<string, (storage: Storage) => Promise<unknown>>> = {
  read: (storage) => storage.read('folder/there'),
  readRange: (storage) => storage.readRange('folder/there', 1, 2),
  stat: (storage) => storage.stat('folder/there'),
  list: async (storage) => {
    for await (const _ of storage.list('folder', { recursive: true }));
  },
  create: (storage) => storage.create(`folder/made-${Math.random()}`, new Uint8Array(10)),
  put: (storage) => storage.put('folder/put', new Uint8Array(10)),
  write: async (storage) => {
    const writer = await storage.write(`folder/written-${Math.random()}`)
    await writer.write(new Uint8Array(1000))
    await writer.close()
  },
  delete: (storage) => storage.delete('folder/there'),
  stage: async (storage) => (await storage.stage?.(`folder/staged-${Math.random()}`, new Uint8Array(10)))?.place(),
}

/** Every request fails with the fault, or every one that changes something. */
const everyRequest = (fault: FaultName) => (request: RequestFacts) => (request.path === '' ? undefined : fault)

interface Rig {
  readonly emulator: Emulator
  readonly storage: Storage
}

const STATUSES = [301, 400, 401, 403, 404, 416, 429, 507]

async function failures({ emulator, storage }: Rig): Promise<string[]> {
  const shown: string[] = []
  const plans = [
    ...(Object.keys(FAULTS) as FaultName[]).filter((name) => !name.includes('silence') && name !== 'slow').map(everyRequest),
    ...STATUSES.map((status) => () => ({ answer: { status, code: 'AccessDenied' }, effect: 'none' }) as const),
  ]
  let failed = 0
  for (const plan of plans) {
    for (const operation of Object.values(OPERATIONS)) {
      emulator.heal()
      await storage.put('folder/there', new Uint8Array(5))
      emulator.setFaults(plan)
      try {
        await operation(storage)
      } catch (error) {
        expect(isAlluviumError(error), String(error)).toBe(true)
        shown.push(everythingOf(error))
        failed++
      }
    }
  }
  emulator.heal()
  expect(failed).toBeGreaterThan(plans.length * 4)
  return [...shown, inspect(storage, { depth: 20, showHidden: true }), JSON.stringify(emulator.log)]
}

function expectNoCanary(shown: readonly string[]): void {
  for (const text of [...shown, ...printed]) {
    for (const canary of CANARIES)
      if (text.includes(canary)) expect(text.slice(Math.max(0, text.indexOf(canary) - 200)).slice(0, 400)).toBe('')
  }
}

describe('S3', () => {
  const credentials = { accessKeyId: KEY_ID, secretAccessKey: SECRET, sessionToken: TOKEN }
  const open = (endpoint: string, more: object = credentials): Storage =>
    s3Storage('s3://tables/t', { endpoint, region: 'us-east-1', maxAttempts: 2, runtime: hasty, ...more })

  test('no failing request shows a key, a secret or a token', async () => {
    await using emulator = await startS3Emulator({ credentials })
    expectNoCanary(await failures({ emulator, storage: open(emulator.endpoint) }))
  }, 60_000)

  test('nor do silence, credentials that are refused, and a server that is not there', async () => {
    await using emulator = await startS3Emulator({ credentials: { accessKeyId: 'other', secretAccessKey: 'other' } })
    const shown: string[] = []
    for (const endpoint of [emulator.endpoint, 'http://127.0.0.1:1']) {
      for (const operation of Object.values(OPERATIONS))
        shown.push(everythingOf(await operation(open(endpoint)).catch((error: unknown) => error)))
    }
    emulator.setFaults(() => 'silence-before')
    for (const name of ['read', 'create', 'list'])
      shown.push(
        everythingOf(
          await OPERATIONS[name]?.(open(emulator.endpoint, { ...credentials, stallTimeoutMs: 150 })).catch((error: unknown) => error),
        ),
      )
    expectNoCanary(shown)
  }, 60_000)

  test('nor do options that are refused', () => {
    for (const wrong of [
      { ...credentials, endpoint: `http://user:${SECRET}@host` },
      { ...credentials, secretAccesKey: SECRET },
      { accessKeyId: KEY_ID },
      { sessionToken: TOKEN },
      { ...credentials, maxAttempts: SECRET },
    ]) {
      let error: unknown
      try {
        open('http://127.0.0.1:1', wrong)
      } catch (caught) {
        error = caught
      }
      expect(isAlluviumError(error, 'INVALID_OPTIONS')).toBe(true)
      expectNoCanary([everythingOf(error)])
    }
    for (const url of [`s3://${KEY_ID}:${SECRET}@tables/t`, `s3://tables:${SECRET}/t`]) {
      expectNoCanary([everythingOf(catching(() => s3Storage(url)))])
    }
  })
})

describe.each(['namenode', 'httpfs'] as const)('WebHDFS: %s', (flavour) => {
  const open = (url: string, more: object): Storage => webhdfsStorage(`${url}/tmp/t`, { retryMs: 100, runtime: hasty, ...more })

  test('no failing request shows a delegation token', async () => {
    await using emulator = await startWebHdfsEmulator({ flavour, tokens: { [TOKEN]: 'root' } })
    expectNoCanary(await failures({ emulator, storage: open(emulator.url, { delegationToken: TOKEN }) }))
  }, 60_000)

  test('nor do silence, a token that is refused, and a server that is not there', async () => {
    await using emulator = await startWebHdfsEmulator({ flavour })
    const shown: string[] = []
    for (const url of [emulator.url, 'webhdfs://127.0.0.1:1']) {
      for (const operation of Object.values(OPERATIONS)) {
        shown.push(everythingOf(await operation(open(url, { delegationToken: TOKEN })).catch((error: unknown) => error)))
      }
    }
    emulator.setFaults(() => 'silence-before')
    for (const name of ['read', 'create', 'list']) {
      const silent = open(emulator.url, { delegationToken: TOKEN, stallTimeoutMs: 150 })
      shown.push(everythingOf(await OPERATIONS[name]?.(silent).catch((error: unknown) => error)))
    }
    expectNoCanary(shown)
  }, 60_000)

  test('nor does a URL that carries one', () => {
    for (const url of [`webhdfs://user:${SECRET}@host/t`, 'webhdfs://user:CANARY@host/t', 'webhdfs://user:CANARY/t']) {
      for (const options of [{}, { namenodes: 'host:9870' }]) {
        const error = catching(() => webhdfsStorage(url, options))
        expect(isAlluviumError(error, 'INVALID_OPTIONS')).toBe(true)
        expectNoCanary([everythingOf(error)])
      }
    }
  })
})

test('WebHDFS with a password: a gateway that is not there shows none', async () => {
  const shown: string[] = []
  for (const operation of Object.values(OPERATIONS)) {
    const storage = webhdfsStorage('swebhdfs://127.0.0.1:1/t', { user: 'someone', password: SECRET, retryMs: 100, runtime: hasty })
    shown.push(everythingOf(await operation(storage).catch((error: unknown) => error)), inspect(storage, { depth: 20, showHidden: true }))
  }
  expectNoCanary([...shown, everythingOf(catching(() => webhdfsStorage('webhdfs://host/t', { user: 'someone', password: SECRET })))])
})

test('the canaries are there to be found', () => {
  expect(() => expectNoCanary([everythingOf(new Error('x', { cause: new Error(`token ${TOKEN}`) }))])).toThrow()
})

function catching(work: () => unknown): unknown {
  try {
    return work()
  } catch (error) {
    return error
  }
}
