// Files by path in HDFS: look up, read, make, rename, delete. Each speaks in one go, answers in facts, and leaves doubt as a fault.
// One rule: a number or name a server gives is checked before it is used.

import { parentFolder } from '../path.js'
import { fieldsOf, type HdfsClient, type Operation, type Reply, refuseUnless, type SecondStep } from './client.js'
import type { Answer } from './exchange.js'
import { nonsense, WebHdfsFault } from './fault.js'
import { type HdfsLocation, hdfsPath, requestPath } from './location.js'
import type { Patience } from './patience.js'

/** What a namenode says of a name. */
export interface HdfsStatus {
  readonly kind: 'file' | 'folder' | 'other'
  readonly sizeBytes: number
  readonly modifiedMs: number
  /** The number of the file, the same under every name it gets; undefined from servers that do not say. */
  readonly fileId: number | undefined
  /** The name in a listing; '' of a single status. */
  readonly name: string
}

/** What a rename said. `true` and `false` come from servers that know no rename options: both need a look. */
export type RenameAnswer = 'done' | 'true' | 'false'

/** What is needed of a call: its signal and its patience. */
export interface Trying {
  readonly signal: AbortSignal | undefined
  readonly patience: Patience
}

/** Bytes of a file: `length` from `offset`. */
export interface HdfsRange {
  readonly offset: number
  readonly length: number
}

const MOST_FOLDERS = 10_000

export class HdfsFiles {
  readonly client: HdfsClient
  readonly place: HdfsLocation
  readonly #umask: number
  /** Folders that are there, as far as known here. */
  readonly #folders = new Set<string>()

  constructor(client: HdfsClient, place: HdfsLocation, umask: string) {
    this.client = client
    this.place = place
    this.#umask = Number.parseInt(umask, 8)
  }

  async status(path: string, { signal, patience }: Trying): Promise<HdfsStatus | undefined> {
    try {
      const value = await this.client.json(this.operation('GET', path, 'GETFILESTATUS', [], signal), patience)
      return statusOf(fieldsOf(value)?.FileStatus)
    } catch (error) {
      if (error instanceof WebHdfsFault && error.isMissing) return undefined
      throw error
    }
  }

  /**
   * The bytes of a file, or of a range of it, `limit` at most. Fewer than a range asks for only where the file ends.
   * Received is compared with announced, and where that says nothing, with the file's length.
   */
  async read(path: string, range: HdfsRange | undefined, limit: number, trying: Trying): Promise<Uint8Array | undefined> {
    const query = range === undefined ? [] : [['offset', String(range.offset)] as const, ['length', String(range.length)] as const]
    const operation = this.operation('GET', path, 'OPEN', query, trying.signal)
    for (;;) {
      let reply: Reply | undefined
      try {
        reply = await this.client.askOnce(operation)
        const answer = await this.#opened(reply, trying.signal)
        const bytes = await answer.bytes(limit)
        if (range === undefined ? answer.announced === undefined : bytes.length < range.length)
          await this.#checkLength(path, range, bytes.length, trying)
        return bytes
      } catch (error) {
        if (!(error instanceof WebHdfsFault)) throw error
        if (error.isMissing) return undefined
        if (reply?.kind === 'onward') this.client.noteFault(error, reply.asked)
        // Servers refuse a range that begins at or beyond the end, each in its own words.
        if (range !== undefined && range.offset > 0 && (error.kind === 'exception' || error.kind === 'answer') && !error.isStandby) {
          const status = await this.status(path, trying)
          if (status?.kind !== 'file') return undefined
          if (range.offset >= status.sizeBytes) return new Uint8Array(0)
        }
        await trying.patience.orGiveUp(error, this.client.servers)
      }
    }
  }

  /** One try to make a file: resolves when the datanode said 201. */
  async make(path: string, bytes: Uint8Array, { signal, patience }: Trying): Promise<void> {
    await this.madeBy(await this.startMaking(path, bytes, { signal, patience }))
  }

  /** Sends a new file's bytes, or opens it for a stream of them. The outcome comes with {@link madeBy}. */
  async startMaking(path: string, body: Uint8Array | 'stream', { signal, patience }: Trying): Promise<SecondStep> {
    await this.#makeFolder(parentFolder(path), { signal, patience })
    const query = [
      // Never without `overwrite`: the namenode's default is false, HttpFS's is true.
      ['overwrite', 'false'],
      // Folders that CREATE makes by itself are open to everybody.
      ['createparent', 'false'],
      ['permission', this.#permission(0o666)],
    ] as const
    const reply = await this.client.ask(this.operation('PUT', path, 'CREATE', query, signal), patience)
    if (reply.kind === 'onward') return { ...this.client.onward(reply, { method: 'PUT', body, signal }), folder: parentFolder(path) }
    if (reply.kind === 'data') reply.answer.drop()
    throw nonsense('CREATE was not sent on to a datanode')
  }

  /** Resolves when the datanode said 201. */
  async madeBy({ exchange, asked, folder }: SecondStep): Promise<void> {
    try {
      await refuseUnless(await exchange.answer, 201)
    } catch (error) {
      exchange.cancel()
      this.client.noteFault(error, asked)
      if (!(error instanceof WebHdfsFault) || !error.isMissing || folder === undefined) throw error
      // Somebody removed the folder. It is made again by the next try.
      this.#folders.delete(folder)
      throw new WebHdfsFault({ kind: 'network', name: error.name, message: error.message })
    }
  }

  /** One try to rename. */
  async renameOnce(from: string, to: string, option: 'NONE' | 'OVERWRITE', signal: AbortSignal | undefined): Promise<RenameAnswer> {
    const destination = hdfsPath(this.place.root, to)
    // HttpFS trims the parameter, and would rename to another name; a slash at the end is dropped, by it and by namenodes.
    const kept = destination.charCodeAt(destination.length - 1) <= 0x20 ? `${destination}/` : destination
    const query = [['destination', kept] as const, ['renameoptions', option] as const]
    const value = await this.client.jsonOnce(this.operation('PUT', from, 'RENAME', query, signal))
    if (value === undefined) return 'done'
    const said = fieldsOf(value)?.boolean
    if (typeof said !== 'boolean') throw nonsense('RENAME was answered with something that is neither empty nor a boolean')
    return said ? 'true' : 'false'
  }

  /** Deletes a file, or a folder that is empty; answers whether there was one. */
  async delete(path: string, { signal, patience }: Trying): Promise<boolean> {
    try {
      const value = await this.client.json(this.operation('DELETE', path, 'DELETE', [['recursive', 'false']], signal), patience)
      const said = fieldsOf(value)?.boolean
      if (typeof said !== 'boolean') throw nonsense('DELETE was answered with something that is no boolean')
      return said
    } catch (error) {
      if (error instanceof WebHdfsFault && error.isMissing) return false
      throw error
    }
  }

  async #makeFolder(folder: string, { signal, patience }: Trying): Promise<void> {
    if (this.#folders.has(folder)) return
    const value = await this.client.json(
      this.operation('PUT', folder, 'MKDIRS', [['permission', this.#permission(0o777)]], signal),
      patience,
    )
    if (fieldsOf(value)?.boolean !== true) throw nonsense('MKDIRS was not answered with true')
    if (this.#folders.size >= MOST_FOLDERS) this.#folders.clear()
    this.#folders.add(folder)
  }

  #permission(all: number): string {
    return (all & ~this.#umask).toString(8).padStart(3, '0')
  }

  operation(
    method: Operation['method'],
    path: string,
    op: string,
    query: readonly (readonly [string, string])[],
    signal: AbortSignal | undefined,
  ): Operation {
    return { method, path: requestPath(this.place, path), op, query, signal }
  }

  async #opened(reply: Reply, signal: AbortSignal | undefined): Promise<Answer> {
    if (reply.kind === 'data') return dataOf(reply.answer)
    if (reply.kind === 'json') throw nonsense('OPEN was answered with JSON')
    const answer = await this.client.onward(reply, { method: 'GET', signal }).exchange.answer
    if (answer.status !== 200) await refuseUnless(answer, 200)
    return dataOf(answer)
  }

  async #checkLength(path: string, range: HdfsRange | undefined, received: number, trying: Trying): Promise<void> {
    const size = (await this.status(path, trying))?.sizeBytes ?? 0
    const due = range === undefined ? size : Math.max(0, Math.min(range.length, size - range.offset))
    if (received >= due) return
    throw new WebHdfsFault({ kind: 'network', name: 'short answer', message: `${received} bytes came where ${due} were due` })
  }
}

/** Reads one FileStatus. */
export function statusOf(value: unknown): HdfsStatus {
  const fields = fieldsOf(value)
  const { type, length, modificationTime, fileId, pathSuffix } = fields ?? {}
  if (typeof type !== 'string' || !isCount(length) || !isCount(modificationTime))
    throw nonsense('a file status without type, length and time')
  return {
    kind: type === 'FILE' ? 'file' : type === 'DIRECTORY' ? 'folder' : 'other',
    sizeBytes: length,
    modifiedMs: modificationTime,
    fileId: isCount(fileId) && fileId > 0 ? fileId : undefined,
    name: typeof pathSuffix === 'string' ? pathSuffix : '',
  }
}

/** Pages for people come with status 200 too, from gateways that want a login. */
function dataOf(answer: Answer): Answer {
  if (!/^text\/html\b/i.test(answer.headers['content-type'] ?? '')) return answer
  answer.drop()
  throw nonsense('a web page came in place of the data')
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0
}
