// A small namenode and datanode over HTTP, or an HttpFS server, that answer what real ones were seen to answer; and a script of
// deviations, each for so many requests of an operation. It holds its files in a map; folders are what paths go through.
import http from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { afterEach } from 'vitest'

export interface Seen {
  readonly server: 'namenode' | 'datanode'
  readonly method: string
  readonly op: string
  /** Decoded, without '/webhdfs/v1'. */
  readonly path: string
  readonly rawPath: string
  readonly query: URLSearchParams
  readonly headers: http.IncomingHttpHeaders
}

export interface ScriptedFile {
  readonly bytes: Uint8Array
  readonly fileId: number
  readonly modifiedMs: number
}

type Act = (seen: Seen, response: http.ServerResponse, usual: () => Promise<void>) => unknown

interface Deviation {
  readonly op: string
  readonly server: Seen['server']
  readonly act: Act
  skip: number
  left: number
}

const running: ScriptedHdfs[] = []
afterEach(async () => {
  for (const each of running.splice(0)) await each.stop()
})

export class ScriptedHdfs {
  readonly files = new Map<string, ScriptedFile>()
  readonly seen: Seen[] = []
  readonly #httpfs: boolean
  /** Answers without numbers of files, as old HttpFS servers give. */
  withoutIds = false
  pageObjects = 1000
  #deviations: Deviation[] = []
  #namenode: http.Server | undefined
  #datanode: http.Server | undefined
  readonly #sockets = new Set<Socket>()
  #nextId = 16385
  #clockMs = 1_700_000_000_000

  private constructor(httpfs: boolean) {
    this.#httpfs = httpfs
  }

  static async start(kind: 'namenode' | 'httpfs' = 'namenode'): Promise<ScriptedHdfs> {
    const hdfs = new ScriptedHdfs(kind === 'httpfs')
    hdfs.#namenode = await hdfs.#listen('namenode')
    hdfs.#datanode = await hdfs.#listen('datanode')
    running.push(hdfs)
    return hdfs
  }

  get url(): string {
    return `webhdfs://${this.host}/t`
  }

  get host(): string {
    return hostOf(this.#namenode)
  }

  get datanodeHost(): string {
    return hostOf(this.#datanode)
  }

  async stop(): Promise<void> {
    for (const server of [this.#namenode, this.#datanode]) server?.close()
    for (const socket of this.#sockets) socket.destroy()
  }

  /** Puts a file there, as somebody else would. */
  put(path: string, bytes: Uint8Array | string): void {
    const content = typeof bytes === 'string' ? new TextEncoder().encode(bytes) : bytes
    this.files.set(path, { bytes: content, fileId: this.#nextId++, modifiedMs: this.#clockMs++ })
  }

  text(path: string): string | undefined {
    const file = this.files.get(path)
    return file && new TextDecoder().decode(file.bytes)
  }

  /** The next requests of an operation go by `act` in place of the usual. */
  next(op: string, act: Act, { times = 1, skip = 0, server = 'namenode' as Seen['server'] } = {}): this {
    this.#deviations.push({ op, server, act, skip, left: times })
    return this
  }

  /** As {@link next}, before all that was scripted so far. */
  first(op: string, act: Act): this {
    this.#deviations.unshift({ op, server: 'namenode', act, skip: 0, left: 1 })
    return this
  }

  ops(server?: Seen['server']): string[] {
    return this.seen.filter((each) => server === undefined || each.server === server).map(({ op }) => op)
  }

  #listen(name: Seen['server']): Promise<http.Server> {
    const server = http.createServer((request, response) => void this.#serve(name, request, response))
    server.on('connection', (socket: Socket) => {
      this.#sockets.add(socket)
      socket.on('error', () => {}).on('close', () => this.#sockets.delete(socket))
    })
    return new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(server)))
  }

  async #serve(server: Seen['server'], request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
    response.on('error', () => {})
    const url = new URL(request.url ?? '/', 'http://x')
    const seen: Seen = {
      server,
      method: request.method ?? '',
      op: (url.searchParams.get('op') ?? '').toUpperCase(), // in any case, as real servers take it
      path: decodeURIComponent(url.pathname.replace(/^.*?\/webhdfs\/v1/, '')) || '/',
      rawPath: url.pathname,
      query: url.searchParams,
      headers: request.headers,
    }
    this.seen.push(seen)
    const usual = async (): Promise<void> => {
      if (server === 'datanode' || seen.query.get('data') === 'true') await this.#data(seen, request, response)
      else this.#meta(seen, response)
    }
    const deviation = this.#deviations.find((each) => each.server === server && (each.op === seen.op || each.op === '*') && each.left > 0)
    if (deviation !== undefined && deviation.skip-- <= 0) {
      deviation.left--
      await deviation.act(seen, response, usual)
    } else await usual()
  }

  async #data(seen: Seen, request: http.IncomingMessage, response: http.ServerResponse): Promise<unknown> {
    if (seen.op === 'OPEN') return this.#open(seen, response)
    response.writeContinue() // unasked, as a datanode does
    if (this.files.has(seen.path) && seen.query.get('overwrite') !== 'true') {
      const message = `${seen.path} for client 127.0.0.1 already exists\n\tat a.b`
      return exception(response, this.#httpfs ? 500 : 403, 'FileAlreadyExistsException', message)
    }
    this.put(seen.path, '') // the namenode has the file before it has bytes
    const { fileId } = this.files.get(seen.path) as ScriptedFile
    const chunks: Buffer[] = []
    try {
      for await (const chunk of request) chunks.push(chunk as Buffer)
    } catch {} // a connection that breaks off leaves a short file that looks whole
    if (this.files.get(seen.path)?.fileId !== fileId)
      return exception(response, 404, 'FileNotFoundException', `File does not exist: ${seen.path}`)
    this.files.set(seen.path, { bytes: new Uint8Array(Buffer.concat(chunks)), fileId, modifiedMs: this.#clockMs++ })
    return response.writeHead(201, { location: `hdfs://127.0.0.1:8020${seen.rawPath}`, connection: 'close' }).end()
  }

  #open(seen: Seen, response: http.ServerResponse): unknown {
    const file = this.files.get(seen.path)
    if (file === undefined) return exception(response, 404, 'FileNotFoundException', `File ${seen.path} not found.`)
    const offset = Number(seen.query.get('offset') ?? 0)
    const length = Number(seen.query.get('length') ?? file.bytes.length)
    if (offset > 0 && offset >= file.bytes.length) {
      if (!this.#httpfs)
        return exception(
          response,
          403,
          'IOException',
          `Offset=${offset} out of the range [0, ${file.bytes.length}); OPEN, path=${seen.path}`,
        )
      return response.writeHead(500, { 'content-type': 'text/html' }).end('<html>Error 500</html>')
    }
    const part = file.bytes.subarray(offset, offset + length)
    return response
      .writeHead(200, { 'content-type': 'application/octet-stream', 'content-length': part.length, connection: 'close' })
      .end(part)
  }

  #meta(seen: Seen, response: http.ServerResponse): unknown {
    const { op, path } = seen
    if (op === 'OPEN' && !this.files.has(path) && !this.#isFolder(path)) {
      return exception(response, 404, 'FileNotFoundException', `File ${path} not found.`)
    }
    if (op === 'CREATE' || (op === 'OPEN' && !this.#httpfs)) return this.#sendOn(seen, response)
    if (op === 'OPEN') return this.#open(seen, response)
    if (op === 'GETFILESTATUS') return this.#status(path, response)
    if (op === 'LISTSTATUS_BATCH') return this.#list(seen, response)
    if (op === 'RENAME') return this.#rename(seen, response)
    if (op === 'MKDIRS') return json(response, 200, { boolean: true })
    if (op !== 'DELETE') return exception(response, 400, 'IllegalArgumentException', `Invalid value for webhdfs parameter "op": ${op}`)
    if (this.files.has(path) || !this.#isFolder(path)) return json(response, 200, { boolean: this.files.delete(path) })
    return exception(response, this.#httpfs ? 500 : 403, 'PathIsNotEmptyDirectoryException', `${path} is non empty`)
  }

  #sendOn(seen: Seen, response: http.ServerResponse): unknown {
    const to = this.#httpfs ? `http://${this.host}` : `http://${this.datanodeHost}`
    const kept = [...seen.query].map(([name, value]) => `${name}=${encodeURIComponent(value)}`)
    const query = [...kept, this.#httpfs ? 'data=true' : 'namenoderpcaddress=127.0.0.1:8020'].join('&')
    return response.writeHead(307, { location: `${to}${seen.rawPath}?${query}`, 'content-length': 0 }).end()
  }

  #status(path: string, response: http.ServerResponse): unknown {
    const file = this.files.get(path)
    if (file !== undefined) return json(response, 200, { FileStatus: this.statusOf(file, '') })
    if (this.#isFolder(path)) return json(response, 200, { FileStatus: folderStatus('') })
    return exception(response, 404, 'FileNotFoundException', `File does not exist: ${path}`)
  }

  #list(seen: Seen, response: http.ServerResponse): unknown {
    const prefix = seen.path === '/' ? '/' : `${seen.path}/`
    const names = new Set(
      [...this.files.keys()].filter((path) => path.startsWith(prefix)).map((path) => path.slice(prefix.length).split('/')[0] as string),
    )
    if (names.size === 0) return exception(response, 404, 'FileNotFoundException', `File ${seen.path} does not exist.`)
    const startAfter = this.#httpfs ? undefined : (seen.query.get('startAfter') ?? undefined)
    // As a namenode orders names: bytes as signed numbers.
    const signed = [...names].sort(bySignedBytes).filter((name) => startAfter === undefined || bySignedBytes(name, startAfter) > 0)
    const page = this.#httpfs ? signed : signed.slice(0, this.pageObjects)
    const FileStatus = page.map((name) => {
      const file = this.files.get(prefix + name)
      return file === undefined ? folderStatus(name) : this.statusOf(file, name)
    })
    json(response, 200, {
      DirectoryListing: { partialListing: { FileStatuses: { FileStatus } }, remainingEntries: signed.length - page.length },
    })
  }

  #rename(seen: Seen, response: http.ServerResponse): unknown {
    // Paths are normalized, and HttpFS trims the parameter.
    const given = seen.query.get('destination') as string
    const destination = (this.#httpfs ? given.trim() : given).replace(/\/$/, '')
    const file = this.files.get(seen.path)
    if (this.#httpfs) {
      const folder = this.#isFolder(destination)
      const to = folder ? `${destination}/${seen.path.slice(seen.path.lastIndexOf('/') + 1)}` : destination
      const moved = file !== undefined && !this.files.has(to)
      if (moved && this.files.delete(seen.path)) this.files.set(to, file)
      return json(response, 200, { boolean: moved })
    }
    if (file === undefined) return exception(response, 404, 'FileNotFoundException', `rename source ${seen.path} is not found.`)
    if (this.#isFolder(destination))
      return exception(response, 403, 'IOException', `Source ${seen.path} and destination ${destination} must both be directories`)
    if (this.files.has(destination) && seen.query.get('renameoptions') !== 'OVERWRITE') {
      return exception(response, 403, 'FileAlreadyExistsException', `rename destination ${destination} already exists`)
    }
    this.files.delete(seen.path)
    this.files.set(destination, file)
    return response.writeHead(200, { 'content-type': 'application/octet-stream', 'content-length': 0 }).end()
  }

  statusOf(file: ScriptedFile, pathSuffix: string): Record<string, unknown> {
    return {
      ...(this.withoutIds ? {} : { fileId: file.fileId }),
      length: file.bytes.length,
      modificationTime: file.modifiedMs,
      pathSuffix,
      type: 'FILE',
    }
  }

  #isFolder(path: string): boolean {
    return path === '/' || [...this.files.keys()].some((each) => each.startsWith(`${path}/`))
  }
}

export function exception(response: http.ServerResponse, status: number, name: string, message: string): void {
  json(response, status, { RemoteException: { exception: name, javaClassName: `org.apache.hadoop.x.${name}`, message } })
}

export function json(response: http.ServerResponse, status: number, value: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value))
}

/** The connection ends without an answer. */
export const reset: Act = (_, response) => response.socket?.destroy()
/** The request does its work, and its answer is lost. */
export const lost: Act = async (_, response, usual) => {
  response.end = (() => response.socket?.destroy()) as never
  await usual()
}

export function says(status: number, name: string, message = 'said the server'): Act {
  return (_, response) => exception(response, status, name, message)
}

export const standby: Act = says(
  403,
  'StandbyException',
  'Operation category READ is not supported in state standby. Visit https://s.apache.org/sbnn-error',
)

function hostOf(server: http.Server | undefined): string {
  const address = server?.address() as AddressInfo | null | undefined
  return `127.0.0.1:${address?.port}`
}

function folderStatus(pathSuffix: string): Record<string, unknown> {
  return { fileId: 16386, length: 0, modificationTime: 1_700_000_000_000, pathSuffix, type: 'DIRECTORY' }
}

function bySignedBytes(a: string, b: string): number {
  const [x, y] = [new Int8Array(Buffer.from(a)), new Int8Array(Buffer.from(b))]
  for (let i = 0; i < Math.min(x.length, y.length); i++) if (x[i] !== y[i]) return (x[i] as number) - (y[i] as number)
  return x.length - y.length
}
