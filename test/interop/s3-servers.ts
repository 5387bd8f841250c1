// Real S3 servers for the tests, started by test/servers/s3.sh on free ports of the loopback address; gone when a test is done,
// unless one failed: then the logs stay, and it says where.
import { execFile } from 'node:child_process'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, afterEach, beforeAll } from 'vitest'
import type { S3Options } from '../../src/storage/s3/options.js'
import { absent, peersFolder, repository } from './peers.js'

export type S3ServerName = 'minio' | 'versitygw' | 'ceph'

/** Why no S3 server can be had here; undefined when they can. Without the peers they are built, for which one has to ask. */
export const s3Absent: string | undefined =
  absent === undefined || process.env.ALLUVIUM_S3_SERVERS !== undefined
    ? undefined
    : `${absent}; or set ALLUVIUM_S3_SERVERS=1, and minio and versitygw are built with Go`

export interface S3Server {
  readonly name: S3ServerName
  readonly endpoint: string
  /** What the SDK and other engines read. */
  readonly env: Readonly<Record<string, string>>
  /** The same as options of a store. */
  readonly options: S3Options
  readonly bucket: string
  /** A place that nobody has used: `s3://bucket/…`. */
  freshUrl(): string
  /** Ends it as a crash does. */
  kill(): Promise<void>
  /** Starts it again, with what it held. */
  restart(): Promise<void>
  /** Stops it. `keepLogs` after a failure. */
  stop(keepLogs: boolean): Promise<void>
}

const script = join(repository, 'test/servers/s3.sh')

/** How a server differs from the usual one. */
export interface S3ServerPlace {
  /** A folder of test/servers/certificates.sh: it speaks https alone. */
  readonly tls?: string
  /** Where it keeps its objects. */
  readonly data?: string
}

/** Starts a server of its own for a test file. */
export async function startS3Server(name: S3ServerName, place: S3ServerPlace = {}): Promise<S3Server> {
  const port = await freePort(name === 'ceph' ? 15 : 1)
  const flags = Object.entries(place).flatMap(([flag, folder]) => [`--${flag}`, folder as string])
  const run = async (verb: string): Promise<string> => {
    const env = { ...process.env, ...(absent === undefined ? { ALLUVIUM_PEERS: peersFolder } : {}) }
    const { stdout } = await promisify(execFile)(script, [verb, name, '--port', String(port), ...flags], { env })
    return stdout
  }
  const exported = await run('start').catch(async (error) => {
    console.error(`${name} did not start, see ${await run('logs')}`)
    throw error
  })
  const env = Object.fromEntries([...exported.matchAll(/^export (\w+)=(.*)$/gm)].map((match) => [match[1] as string, match[2] as string]))
  const bucket = env.ALLUVIUM_S3_BUCKET as string
  let places = 0
  return {
    name,
    endpoint: env.AWS_ENDPOINT_URL as string,
    env,
    options: {
      endpoint: env.AWS_ENDPOINT_URL as string,
      region: env.AWS_REGION as string,
      accessKeyId: env.AWS_ACCESS_KEY_ID as string,
      secretAccessKey: env.AWS_SECRET_ACCESS_KEY as string,
    },
    bucket,
    freshUrl: () => `s3://${bucket}/${process.pid}-${Date.now().toString(36)}-${places++}`,
    kill: async () => void (await run('kill')),
    restart: async () => void (await run('start')),
    stop: async (keepLogs) => {
      if (keepLogs) console.error(`logs of ${name}: ${(await run('logs')).trim()}`)
      await run(keepLogs ? 'stop' : 'remove')
    },
  }
}

/** A server for the tests of the `describe` this is called in: started before them, stopped after them. */
export function s3ServerForSuite(
  name: S3ServerName,
  place: () => S3ServerPlace | Promise<S3ServerPlace> = () => ({}),
): { readonly current: S3Server } {
  let server: S3Server | undefined
  let failed = false
  beforeAll(async () => {
    server = await startS3Server(name, await place())
  })
  afterEach(({ task }) => {
    failed ||= task.result?.state === 'fail'
  })
  afterAll(() => server?.stop(failed))
  return {
    get current() {
      return server as S3Server
    },
  }
}

/** The first of `count` ports in a row that nobody listens on, below those the system gives to clients. */
async function freePort(count: number): Promise<number> {
  for (let tries = 0; tries < 200; tries++) {
    const first = 20_000 + Math.floor(Math.random() * 12_000)
    const free = await Promise.all(Array.from({ length: count }, (_, i) => isFree(first + i)))
    if (free.every(Boolean)) return first
  }
  throw new Error(`no ${count} free ports in a row`)
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })
}
