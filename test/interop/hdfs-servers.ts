// Real HDFS clusters for the tests, started by test/servers/hdfs.sh on free ports of the loopback address; gone when a test is
// done, unless one failed: then the log stays, and it says where.
import { execFile, execFileSync } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { existsSync, mkdirSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, afterEach, beforeAll } from 'vitest'
import { repository } from './peers.js'

export type HdfsMode = 'plain' | 'ha' | 'httpfs' | 'kerberos' | 'tls'

function has(program: string): boolean {
  try {
    execFileSync(program, ['-version'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

/** Why no HDFS can be had here; undefined when it can. */
export const hdfsAbsent: string | undefined =
  has('javac') && has('mvn') ? undefined : 'HDFS needs Java 17 (javac) and Maven on the PATH; without them these tests are left out'
if (hdfsAbsent !== undefined && process.env.CI !== undefined) throw new Error(`CI needs the interop tests: ${hdfsAbsent}`)

export interface HdfsCluster {
  /** What the script said: namenode0, namenode1, httpfs, krb5conf, keytab. */
  readonly facts: Readonly<Record<string, string>>
  /** What is asked: the namenode's address, or HttpFS's. */
  readonly host: string
  /** The addresses of all namenodes. */
  readonly namenodes: readonly string[]
  /** A place that nobody has used: `webhdfs://host/tables/…`, or `swebhdfs://…`. */
  freshUrl(): string
  /** Gives the cluster a command, such as `safemode on`. */
  ctl(command: string): Promise<string>
  /** Ends it as a crash does. */
  kill(): Promise<void>
  /** Starts it again, with what it held. */
  restart(): Promise<void>
  pause(): Promise<void>
  resume(): Promise<void>
  stop(keepLogs: boolean): Promise<void>
}

const script = join(repository, 'test/servers/hdfs.sh')

/** Starts a cluster. `settings`: Hadoop's, as `key=value`. */
export async function startHdfs(mode: HdfsMode, settings: readonly string[] = []): Promise<HdfsCluster> {
  const name = `test-${mode}-${randomUUID().slice(0, 8)}`
  const run = async (...words: string[]): Promise<string> => (await promisify(execFile)(script, words)).stdout
  let facts: Record<string, string> = {}
  const start = async (): Promise<void> => {
    const said = await run('start', mode, name, ...settings)
    facts = Object.fromEntries([...said.matchAll(/^(\w+)=(.*)$/gm)].map((match) => [match[1] as string, match[2] as string]))
  }
  await start().catch(async (error) => {
    console.error(`HDFS (${mode}) did not start, see ${await run('logs', name)}`)
    throw error
  })
  let places = 0
  const host = (): string => facts.httpfs ?? (facts.namenode0 as string)
  return {
    get facts() {
      return facts
    },
    get host() {
      return host()
    },
    get namenodes() {
      return [facts.namenode0, facts.namenode1].filter((each): each is string => each !== undefined)
    },
    freshUrl: () => `${mode === 'tls' ? 'swebhdfs' : 'webhdfs'}://${mode === 'ha' ? 'alluvium' : host()}/tables/${process.pid}-${places++}`,
    ctl: (command) => run('ctl', name, ...command.split(' ')),
    kill: async () => void (await run('kill', name)),
    restart: start,
    pause: async () => void (await run('pause', name)),
    resume: async () => void (await run('resume', name)),
    stop: async (keepLogs) => {
      if (keepLogs) console.error(`log of HDFS (${mode}): ${(await run('logs', name)).trim()}`)
      await run(keepLogs ? 'stop' : 'remove', name)
    },
  }
}

/** A cluster for the tests of the `describe` this is called in: started before them, stopped after them. */
export function hdfsForSuite(mode: HdfsMode, settings: () => readonly string[] = () => []): { readonly current: HdfsCluster } {
  let cluster: HdfsCluster | undefined
  let failed = false
  beforeAll(async () => {
    cluster = await startHdfs(mode, settings())
  })
  afterEach(({ task }) => {
    failed ||= task.result?.state === 'fail'
  })
  afterAll(() => cluster?.stop(failed))
  return {
    get current() {
      return cluster as HdfsCluster
    },
  }
}

/** A folder whose node_modules has the package kerberos, which is built against libkrb5 the first time. */
export async function kerberosPackage(): Promise<string> {
  const folder = join(process.env.ALLUVIUM_SERVERS ?? join(homedir(), '.cache/alluvium-servers'), 'npm-kerberos')
  if (!existsSync(join(folder, 'node_modules/kerberos/build')) && !existsSync(join(folder, 'node_modules/kerberos/prebuilds'))) {
    mkdirSync(folder, { recursive: true })
    await promisify(execFile)('npm', ['install', '--no-audit', '--no-fund', '--prefix', folder, 'kerberos@7'])
  }
  return join(folder, 'node_modules')
}
