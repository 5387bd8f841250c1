// A store that fails exactly at the commits it is told to, with a rival that strikes in between. One rig serves many tables at once.
import type { EmulatedFault, Emulator, RequestFacts, S3Emulator, WebHdfsEmulator } from 'alluvium/testing'
import { startS3Emulator, startWebHdfsEmulator } from 'alluvium/testing'
import type { Rival } from './cells.js'
import { liveFiles, logName, parseRawCommit, type RawCommit, rivalCommit } from './raw-log.js'

/** What is to happen to the next commit of a table. */
export interface Strike {
  readonly fault: EmulatedFault
  /** How many of its requests meet the fault. */
  readonly times: number
  readonly rival: Rival
}

interface Armed extends Strike {
  left: number
  hits: number
  rivalDone: boolean
}

/** Tables on one emulated store, as their bytes. */
export abstract class Rig {
  readonly emulator: Emulator
  readonly #armed = new Map<string, Armed>()

  constructor(emulator: Emulator) {
    this.emulator = emulator
    emulator.setFaults((request) => this.#plan(request))
  }

  abstract readonly url: (table: string) => string
  abstract read(table: string, path: string): Uint8Array | undefined
  /** Paths of all objects of a table. */
  abstract paths(table: string): string[]
  abstract put(table: string, path: string, bytes: Uint8Array): void
  /** The table whose commit a request is; undefined for any other request. */
  protected abstract commitOf(request: RequestFacts): { table: string; version: number } | undefined
  /** The table a request asks about, where it asks about its log. */
  protected abstract tableOf(request: RequestFacts): string | undefined

  strike(table: string, strike: Strike): void {
    this.#armed.set(table, { ...strike, left: strike.times, hits: 0, rivalDone: strike.rival === 'none' })
  }

  /** Ends what was struck; answers how many requests met it. */
  calm(table: string): number {
    const hits = this.#armed.get(table)?.hits ?? 0
    this.#armed.delete(table)
    return hits
  }

  commits(table: string): RawCommit[] {
    const commits: RawCommit[] = []
    for (let version = 0; ; version++) {
      const bytes = this.read(table, logName(version))
      if (bytes === undefined) return commits
      commits.push(parseRawCommit(bytes))
    }
  }

  #plan(request: RequestFacts): EmulatedFault | undefined {
    const commit = this.commitOf(request)
    const armed = this.#armed.get(commit?.table ?? this.tableOf(request) ?? '')
    if (armed === undefined) return undefined
    if (armed.hits > 0) this.#strikeBack(commit?.table ?? (this.tableOf(request) as string), armed)
    if (commit === undefined) return undefined
    if (armed.rival === 'takes it' && !armed.rivalDone) {
      armed.rivalDone = true
      this.#rival(commit.table, 'nothing')
    }
    if (armed.left <= 0) return undefined
    armed.left--
    armed.hits++
    return armed.fault
  }

  #strikeBack(table: string, armed: Armed): void {
    if (armed.rivalDone || armed.rival !== 'deletes after') return
    armed.rivalDone = true
    this.#rival(table, 'deletes')
  }

  #rival(table: string, what: 'deletes' | 'nothing'): void {
    const commits = this.commits(table)
    this.put(table, logName(commits.length), rivalCommit(liveFiles(commits).values(), what))
  }
}

const COMMIT = /^([^/]+)\/_delta_log\/(\d{20})\.json$/
/** A commit staged under a hidden name, which is what a rename is asked for. */
const STAGED = /^([^/]+)\/_delta_log\/\.?\.?(\d{20})\.json\.[0-9a-f-]+\.tmp$/

class S3Rig extends Rig {
  readonly #s3: S3Emulator

  constructor(s3: S3Emulator) {
    super(s3)
    this.#s3 = s3
  }

  readonly url = (table: string): string => `s3://tables/${table}`

  read(table: string, path: string): Uint8Array | undefined {
    return this.#s3.object('tables', `${table}/${path}`)?.bytes
  }

  paths(table: string): string[] {
    return this.#s3.keys('tables', `${table}/`).map((key) => key.slice(table.length + 1))
  }

  put(table: string, path: string, bytes: Uint8Array): void {
    this.#s3.load('tables', [[`${table}/${path}`, bytes]])
  }

  protected commitOf({ kind, path, conditional }: RequestFacts): { table: string; version: number } | undefined {
    const match = COMMIT.exec(path.replace(/^tables\//, ''))
    if (match === null || kind !== 'PutObject' || !conditional) return undefined
    return { table: match[1] as string, version: Number(match[2]) }
  }

  protected tableOf({ path }: RequestFacts): string | undefined {
    return COMMIT.exec(path.replace(/^tables\//, ''))?.[1]
  }
}

class HdfsRig extends Rig {
  readonly #hdfs: WebHdfsEmulator

  constructor(hdfs: WebHdfsEmulator) {
    super(hdfs)
    this.#hdfs = hdfs
  }

  readonly url = (table: string): string => `${this.#hdfs.url}/${table}`

  read(table: string, path: string): Uint8Array | undefined {
    return this.#hdfs.file(`/${table}/${path}`)
  }

  paths(table: string): string[] {
    return this.#hdfs.files(`/${table}`).map((path) => path.slice(table.length + 2))
  }

  put(table: string, path: string, bytes: Uint8Array): void {
    this.#hdfs.load([[`/${table}/${path}`, bytes]])
  }

  protected commitOf({ kind, path }: RequestFacts): { table: string; version: number } | undefined {
    const match = kind === 'RENAME' ? STAGED.exec(path.slice(1)) : null
    return match === null ? undefined : { table: match[1] as string, version: Number(match[2]) }
  }

  protected tableOf({ path }: RequestFacts): string | undefined {
    return (COMMIT.exec(path.slice(1)) ?? STAGED.exec(path.slice(1)))?.[1]
  }
}

export async function s3Rig(): Promise<{ rig: Rig; s3: S3Emulator }> {
  const s3 = await startS3Emulator()
  return { rig: new S3Rig(s3), s3 }
}

export async function hdfsRig(): Promise<{ rig: Rig; hdfs: WebHdfsEmulator }> {
  const hdfs = await startWebHdfsEmulator()
  return { rig: new HdfsRig(hdfs), hdfs }
}
