// One HTTP request and its answer on node:http or node:https. Not fetch: a datanode sends an unasked `100 Continue`, on which
// fetch fails although the file is written. One rule: every wait ends, by an answer, by a stall, or by the caller's signal.
import http from 'node:http'
import https from 'node:https'
import type { LookupFunction } from 'node:net'
import { concatBytes } from '../../bytes.js'
import type { Runtime } from '../../runtime.js'
import { abortedFault, nonsense, WebHdfsFault } from './fault.js'
import { bareHost, type Hop } from './hosts.js'

/** What all requests of a store share. */
export interface Wire {
  readonly runtime: Runtime
  readonly stallTimeoutMs: number
  readonly ca: string | undefined
}

export interface HttpCall extends Hop {
  readonly method: 'GET' | 'PUT' | 'POST' | 'DELETE'
  readonly headers?: Readonly<Record<string, string>>
  /** A whole body; `'stream'` when it comes piece by piece; none by default. */
  readonly body?: Uint8Array | 'stream'
  readonly agent?: http.Agent | undefined
  readonly lookup: LookupFunction
  readonly signal?: AbortSignal | undefined
}

/** An answer whose body is still to come. It must be read or dropped. */
export interface Answer {
  readonly status: number
  readonly headers: http.IncomingHttpHeaders
  /** The address of the server. */
  readonly address: string | undefined
  /** The announced number of bytes. */
  readonly announced: number | undefined
  /** The whole body, which must not be longer than `limit` and as long as announced. */
  bytes(limit: number): Promise<Uint8Array>
  drop(): void
}

/** Nothing was listening, or the name is unknown: no server saw the request. */
const UNSENT = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH', 'EADDRNOTAVAIL', 'EREFUSEDHOST'])
/** A body up to this size is allocated on the server's word; a larger one as it comes. */
const TRUSTED_BYTES = 64 * 2 ** 20
const PIECE_BYTES = 256 * 1024

/** A request under way. */
export class Exchange {
  /** The answer's head. Also comes before the request's body has ended, when the server does not want it. */
  readonly answer: Promise<Answer>
  readonly #request: http.ClientRequest
  readonly #watch: Watch
  readonly #signal: AbortSignal | undefined
  readonly #onAbort: () => void
  #fault: WebHdfsFault | undefined
  #connected = false
  #answered = false

  constructor(wire: Wire, call: HttpCall) {
    this.#signal = call.signal
    this.#request = open(wire, call)
    this.#watch = new Watch(wire.runtime, wire.stallTimeoutMs, () => this.#fail(this.#stalled(wire.stallTimeoutMs)))
    this.#onAbort = () => this.#fail(abortedFault(call.signal as AbortSignal))
    this.answer = new Promise((resolve, reject) => {
      this.#request.once('response', (response) => {
        this.#answered = true
        this.#watch.touch()
        resolve(this.#answerOf(response))
      })
      this.#request.on('error', (error) => {
        this.#end()
        reject(this.#faultOf(error))
      })
      this.#request.on('close', () => {
        if (this.#answered) return
        this.#end()
        reject(this.#faultOf(new Error('the connection closed without an answer')))
      })
    })
    this.answer.catch(() => {}) // whoever waits hears of it; nobody has to
    this.#request.on('socket', (socket) => {
      if (!socket.connecting) this.#connected = true
      else
        socket.once(call.url.protocol === 'https:' ? 'secureConnect' : 'connect', () => {
          this.#connected = true
          this.#watch.touch()
        })
    })
    if (call.signal?.aborted) this.#onAbort()
    else call.signal?.addEventListener('abort', this.#onAbort, { once: true })
    if (call.body === undefined) this.#request.end()
    else if (call.body === 'stream') this.#request.flushHeaders()
    else void this.#sendWhole(call.body)
  }

  get answered(): boolean {
    return this.#answered
  }

  /** Sends a piece of a streamed body, which is not to be changed afterwards; resolves when there is room for more. */
  async send(bytes: Uint8Array): Promise<void> {
    if (this.#fault !== undefined) throw this.#fault
    this.#watch.resume()
    try {
      if (!this.#request.write(bytes)) await this.#drained()
    } finally {
      // The next piece may be long in coming, and that is not the server's fault.
      this.#watch.pause()
    }
  }

  #drained(): Promise<void> {
    const request = this.#request
    return new Promise<void>((resolve, reject) => {
      const end = (settle: () => void) => (): void => {
        request.off('drain', onRoom).off('response', onRoom).off('close', onClose)
        settle()
      }
      const onRoom = end(resolve)
      const onClose = end(() => reject(this.#faultOf(new Error('the connection closed while sending'))))
      request.once('drain', onRoom).once('response', onRoom).once('close', onClose)
    })
  }

  /** Ends a streamed body. */
  finish(): void {
    this.#watch.resume()
    this.#request.end()
  }

  /** Gives up: the connection is closed. */
  cancel(): void {
    this.#end()
    this.#request.destroy()
  }

  /** In pieces, so that a slow line is seen to move. Failures are the answer's. */
  async #sendWhole(body: Uint8Array): Promise<void> {
    try {
      for (let at = 0; at < body.length && !this.#answered; at += PIECE_BYTES) await this.send(body.subarray(at, at + PIECE_BYTES))
      this.finish()
    } catch {}
  }

  #answerOf(response: http.IncomingMessage): Answer {
    const announced = response.headers['content-length']
    const size = announced !== undefined && /^\d{1,15}$/.test(announced) ? Number(announced) : undefined
    response.on('error', () => {}) // reported by the reader of the body
    return {
      status: response.statusCode ?? 0,
      headers: response.headers,
      address: response.socket?.remoteAddress,
      announced: size,
      bytes: (limit) => this.#body(response, size, limit).finally(() => this.#end()),
      drop: () => {
        this.#end()
        response.destroy()
      },
    }
  }

  async #body(response: http.IncomingMessage, announced: number | undefined, limit: number): Promise<Uint8Array> {
    if (announced !== undefined && announced > limit) throw this.#tooLarge(response, announced, limit)
    const whole = announced !== undefined && announced <= TRUSTED_BYTES ? new Uint8Array(announced) : undefined
    const chunks: Uint8Array[] = []
    let received = 0
    try {
      for await (const chunk of response as AsyncIterable<Uint8Array>) {
        this.#watch.touch()
        if (received + chunk.length > (announced ?? limit)) throw this.#tooLarge(response, received + chunk.length, announced ?? limit)
        if (whole === undefined) chunks.push(chunk)
        else whole.set(chunk, received)
        received += chunk.length
      }
    } catch (error) {
      throw this.#faultOf(error)
    }
    if (this.#fault !== undefined) throw this.#fault
    if (announced !== undefined && received !== announced) {
      const problem = `the server announced ${announced} bytes and closed after ${received}`
      throw new WebHdfsFault({ kind: 'network', name: 'short answer', message: problem })
    }
    return whole ?? concatBytes(chunks)
  }

  #tooLarge(response: http.IncomingMessage, bytes: number, limit: number): WebHdfsFault {
    response.destroy()
    return new WebHdfsFault({
      kind: 'refused',
      name: 'too large',
      code: 'LIMIT_EXCEEDED',
      message: `there are ${bytes} bytes or more, and ${limit} is the limit`,
    })
  }

  #stalled(ms: number): WebHdfsFault {
    const message = this.#connected ? `nothing moved on the connection for ${ms} ms` : `no connection within ${ms} ms`
    return new WebHdfsFault({ kind: 'network', name: 'timeout', message, unsent: !this.#connected })
  }

  #fail(fault: WebHdfsFault): void {
    this.#fault ??= fault
    this.#end()
    this.#request.destroy(fault)
  }

  #faultOf(error: unknown): WebHdfsFault {
    if (this.#fault !== undefined) return this.#fault
    if (error instanceof WebHdfsFault) return error
    const { code, message } = error as NodeJS.ErrnoException
    // Failures of TLS come before the request is sent too: a certificate that is not trusted stays so.
    const certificate = code !== undefined && /^(?:CERT_|ERR_TLS_|UNABLE_TO_|DEPTH_ZERO_|SELF_SIGNED_|EPROTO$|ERR_SSL_)/.test(code)
    if (code?.startsWith('HPE_')) return nonsense(`not HTTP as it should be (${code})`)
    return new WebHdfsFault({
      kind: certificate || code === 'EREFUSEDHOST' ? 'refused' : 'network',
      name: code ?? 'connection',
      message,
      unsent: certificate || (code !== undefined && UNSENT.has(code)) || !this.#connected,
    })
  }

  #end(): void {
    this.#watch.stop()
    this.#signal?.removeEventListener('abort', this.#onAbort)
  }
}

function open(wire: Wire, { url, connect, method, headers, body, agent, lookup }: HttpCall): http.ClientRequest {
  const secure = url.protocol === 'https:'
  const host = bareHost(url.hostname)
  const length =
    body instanceof Uint8Array
      ? { 'content-length': String(body.length) }
      : body === undefined && method !== 'GET'
        ? { 'content-length': '0' }
        : {}
  const options: https.RequestOptions = {
    protocol: url.protocol,
    hostname: connect?.host ?? host,
    port: connect?.port ?? (url.port || (secure ? 443 : 80)),
    path: url.pathname + url.search,
    method,
    // Not the agent string of a browser, which would need a header against forged requests.
    headers: { host: url.host, 'user-agent': 'alluvium', accept: '*/*', ...length, ...headers },
    agent: agent ?? false,
    lookup,
    ...(secure ? { ...(wire.ca === undefined ? {} : { ca: wire.ca }), servername: /^[\d.]+$|:/.test(host) ? '' : host } : {}),
  }
  return (secure ? https : http).request(options)
}

/** Notices when nothing has moved for a while. Paused while the other side is not the one to move. */
class Watch {
  readonly #runtime: Runtime
  readonly #ms: number
  readonly #onStall: () => void
  #lastMs: number
  #timer: { cancel(): void } | undefined
  #state: 'on' | 'paused' | 'stopped' = 'on'

  constructor(runtime: Runtime, ms: number, onStall: () => void) {
    this.#runtime = runtime
    this.#ms = ms
    this.#onStall = onStall
    this.#lastMs = runtime.monotonicMs()
    this.#arm(ms)
  }

  touch(): void {
    this.#lastMs = this.#runtime.monotonicMs()
  }

  pause(): void {
    if (this.#state === 'on') this.#state = 'paused'
  }

  resume(): void {
    if (this.#state !== 'paused') return
    this.#state = 'on'
    this.touch()
  }

  stop(): void {
    this.#state = 'stopped'
    this.#timer?.cancel()
  }

  #arm(ms: number): void {
    this.#timer = this.#runtime.setTimer(ms, () => {
      if (this.#state === 'stopped') return
      if (this.#state === 'paused') this.touch()
      const leftMs = this.#lastMs + this.#ms - this.#runtime.monotonicMs()
      if (leftMs <= 0) this.#onStall()
      else this.#arm(Math.max(1, Math.ceil(leftMs)))
    })
  }
}
