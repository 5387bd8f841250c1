// The HTTP side of an emulator: listens on loopback, adds latency, injects faults, keeps a log.
// One rule: what a request does is decided by the service behind; when it happens and what the client sees of it, here.
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { concatBytes, encodeUtf8 } from '../../bytes.js'
import { systemRuntime } from '../../runtime.js'
import { canHave, type EmulatedFault, type FaultPlan, type FaultRule, FaultRules, faultOf, type RequestFacts } from './faults.js'

/** One request as a service sees it. */
export interface ServiceRequest {
  readonly role: string
  readonly method: string
  /** As sent: percent-encoded, without the query. */
  readonly rawPath: string
  /** As sent, without the question mark. */
  readonly rawQuery: string
  readonly query: URLSearchParams
  readonly headers: IncomingHttpHeaders
  readonly body: Uint8Array
  readonly facts: RequestFacts
  /** How many effects there had been when the request arrived, and which one this is. */
  readonly arrivedAtEffect: number
  readonly effect: number
  /** A listing as it was so many changes ago, or cut short. */
  readonly listing?: 'stale' | 'short'
}

export interface ServiceAnswer {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string | Uint8Array
  /** An unasked `100 Continue` goes first, as real datanodes send it. */
  readonly continueFirst?: boolean
  /** The connection is closed after this many bytes of the body, as for a corrupt block. */
  readonly bodyBreaksAt?: number
  /** No answer ever comes. */
  readonly hangs?: boolean
}

/** What answers behind the HTTP side. */
export interface EmulatedService {
  describe(
    method: string,
    rawPath: string,
    query: URLSearchParams,
    headers: IncomingHttpHeaders,
  ): Omit<RequestFacts, 'ordinal' | 'role' | 'method'>
  /** Before the body is read: an answer that ends the request there. */
  begin?(request: ServiceRequest): ServiceAnswer | undefined
  handle(request: ServiceRequest): ServiceAnswer
  /** The body broke off after `request.body`. */
  broken?(request: ServiceRequest): void
  /** An answer of this status and code in the service's own form. */
  failure(request: ServiceRequest, status: number, code: string): ServiceAnswer
}

/** One request in an emulator's log. Holds no headers and no query: credentials travel there. */
export interface LoggedRequest extends RequestFacts {
  /** The fault it met: its name, or the fault itself where a plan made one up. */
  readonly fault: EmulatedFault | undefined
  /** What was answered; 0 when nothing was. */
  status: number
  /** Milliseconds from arrival to the end of the answer. */
  durationMs: number
  /** When it arrived and when its answer ended, in ticks that count both; an answer that never ended has `Infinity`. */
  readonly arrived: number
  answered: number
}

/**
 * The longest chain of requests of which each arrived after the answer to the one before: how many round trips it took, if
 * every one of them had to wait.
 */
export function dependentRoundTrips(log: readonly LoggedRequest[]): number {
  const ends: { readonly answered: number; readonly depth: number }[] = []
  let longest = 0
  for (const { arrived, answered } of [...log].sort((a, b) => a.arrived - b.arrived)) {
    let before = 0
    for (const end of ends) if (end.answered < arrived && end.depth > before) before = end.depth
    ends.push({ answered, depth: before + 1 })
    longest = Math.max(longest, before + 1)
  }
  return longest
}

/** What every emulator offers besides its store. */
export interface EmulatorOptions {
  /** Added to every request, half before its effect and half after it. 0 by default. */
  readonly latencyMs?: number
  /** More latency, uniformly from 0 to this, drawn for each request. */
  readonly latencyJitterMs?: number
  readonly faults?: FaultPlan | undefined
  /** How long `slow` answers take; 150 ms by default. */
  readonly slowMs?: number
}

export interface Emulator extends AsyncDisposable {
  /** Every request so far, in the order of arrival. */
  readonly log: readonly LoggedRequest[]
  /** How many requests: all, of one operation, or of one operation to a path. */
  count(kind?: string, path?: string | RegExp): number
  /** Empties the log. Ordinals go on. */
  clearLog(): void
  /** Adds a fault rule; rules come before the plan. */
  inject(rule: FaultRule): void
  /** Sets or ends the fault plan. */
  setFaults(plan: FaultPlan | undefined): void
  /** Ends all faults. Late effects stay outstanding. */
  heal(): void
  /** Lets all late effects happen now; answers how many did. */
  land(): number
  /** Late effects that did not happen yet. */
  readonly outstanding: number
  /** The added latency from now on. */
  setLatency(latencyMs: number, jitterMs?: number): void
  /** Closes every connection and stops listening. */
  stop(): Promise<void>
}

interface LateEffect {
  readonly atOrdinal: number
  run(): void
}

/** Listeners, faults, latency and the log of one emulator, which may listen in several roles. */
export class EmulatorCore implements Emulator {
  readonly log: LoggedRequest[] = []
  #ordinal = 0
  #tick = 0
  #effects = 0
  #plan: FaultPlan | undefined
  readonly #rules = new FaultRules()
  #late: LateEffect[] = []
  #latencyMs: number
  #jitterMs: number
  readonly #slowMs: number
  readonly #servers = new Set<Server>()

  constructor(options: EmulatorOptions) {
    this.#plan = options.faults
    this.#latencyMs = options.latencyMs ?? 0
    this.#jitterMs = options.latencyJitterMs ?? 0
    this.#slowMs = options.slowMs ?? 150
  }

  get outstanding(): number {
    return this.#late.length
  }

  count(kind?: string, path?: string | RegExp): number {
    const fits = (each: LoggedRequest): boolean =>
      (kind === undefined || each.kind === kind) &&
      (path === undefined || (typeof path === 'string' ? each.path === path : path.test(each.path)))
    return this.log.filter(fits).length
  }

  clearLog(): void {
    this.log.length = 0
  }

  inject(rule: FaultRule): void {
    this.#rules.add(rule)
  }

  setFaults(plan: FaultPlan | undefined): void {
    this.#plan = plan
  }

  setLatency(latencyMs: number, jitterMs = 0): void {
    this.#latencyMs = latencyMs
    this.#jitterMs = jitterMs
  }

  heal(): void {
    this.#rules.clear()
    this.#plan = undefined
  }

  land(): number {
    return this.#landUpTo(Number.POSITIVE_INFINITY)
  }

  /** Starts listening in a role, on a free port of the loopback address unless one is given. */
  async listen(role: string, service: EmulatedService, port = 0): Promise<{ port: number; close(): Promise<void> }> {
    const server = createServer({ keepAlive: true, keepAliveTimeout: 60_000, requestTimeout: 0 }, (request, response) => {
      this.#serve(role, service, request, response).catch(() => request.socket.destroy())
    })
    server.on('clientError', (_, socket) => socket.destroy())
    // Whether a body is wanted is known a little later.
    server.on('checkContinue', (request, response) => server.emit('request', request, response))
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen(port, '127.0.0.1', resolve)
    })
    this.#servers.add(server)
    return { port: (server.address() as AddressInfo).port, close: () => this.#close(server) }
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#servers].map((server) => this.#close(server)))
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop()
  }

  async #close(server: Server): Promise<void> {
    if (!this.#servers.delete(server)) return
    const closed = new Promise<void>((resolve) => server.close(() => resolve()))
    server.closeAllConnections()
    await closed
  }

  async #serve(role: string, service: EmulatedService, incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const startMs = systemRuntime.monotonicMs()
    const ordinal = ++this.#ordinal
    this.#landUpTo(ordinal)
    const { method = 'GET', url = '/', headers } = incoming
    const mark = url.indexOf('?')
    const [rawPath, rawQuery] = mark < 0 ? [url, ''] : [url.slice(0, mark), url.slice(mark + 1)]
    const query = new URLSearchParams(rawQuery)
    const facts: RequestFacts = { ordinal, role, method, ...service.describe(method, rawPath, query, headers) }
    const fault = this.#faultOf(facts)
    const entry: LoggedRequest = { ...facts, fault, status: 0, durationMs: 0, arrived: ++this.#tick, answered: Number.POSITIVE_INFINITY }
    this.log.push(entry)
    const listing = fault?.answer === 'stale' ? 'stale' : fault?.answer === 'short' ? 'short' : undefined
    const head: ServiceRequest = {
      ...{ role, method, rawPath, rawQuery, query, headers, facts, body: new Uint8Array(), arrivedAtEffect: this.#effects, effect: 0 },
      ...(listing === undefined ? {} : { listing }),
    }
    response.on('close', () => {
      entry.answered = ++this.#tick
      entry.durationMs = systemRuntime.monotonicMs() - startMs
    })
    const delay = this.#delayFrom(startMs)
    await delay(0.5)
    if (fault?.answer === 'reset' && fault.effect === 'none') return reset(incoming)
    const early = fault?.effect === 'none' ? undefined : service.begin?.(head)
    if (early !== undefined) {
      incoming.resume()
      await delay(1)
      return this.#answer(early, undefined, incoming, response, entry)
    }
    if (headers.expect !== undefined) response.writeContinue()
    const { body, whole } = await readBody(incoming, fault?.effect === 'partial')
    const request = { ...head, body }
    if (!whole) {
      service.broken?.(request)
      return reset(incoming)
    }
    const answer = this.#apply(service, request, fault)
    await delay(1)
    return this.#answer(answer, fault, incoming, response, entry)
  }

  /** Lets happen what the fault lets happen, and answers what the client is to see. */
  #apply(service: EmulatedService, request: ServiceRequest, fault: EmulatedFault | undefined): ServiceAnswer {
    const run = (): ServiceAnswer => service.handle({ ...request, effect: ++this.#effects })
    const answer = fault?.answer
    const error = typeof answer === 'object' ? service.failure(request, answer.status, answer.code) : undefined
    const shown: ServiceAnswer | undefined =
      error === undefined || typeof answer !== 'object' || answer.retryAfterSeconds === undefined
        ? error
        : { ...error, headers: { ...error.headers, 'Retry-After': String(answer.retryAfterSeconds) } }
    const later = (): void => {
      this.#late.push({ atOrdinal: request.facts.ordinal + 1 + (fault?.landAfterRequests ?? 3), run })
    }
    switch (fault?.effect) {
      case 'none':
        return shown ?? { status: 500 }
      case 'late':
        later()
        return shown ?? { status: 500 }
      case 'twice':
        run()
        return run()
      case 'echo': {
        const truth = run()
        later()
        return truth
      }
      default: {
        const truth = run()
        return shown ?? truth
      }
    }
  }

  async #answer(
    answer: ServiceAnswer,
    fault: EmulatedFault | undefined,
    incoming: IncomingMessage,
    response: ServerResponse,
    entry: LoggedRequest,
  ): Promise<void> {
    const { destroyed } = incoming.socket
    if (destroyed) return
    if (fault?.answer === 'reset') return reset(incoming)
    if (answer.continueFirst === true) response.writeContinue()
    if (fault?.answer === 'silence' || answer.hangs === true) return
    const body = typeof answer.body === 'string' ? encodeUtf8(answer.body) : (answer.body ?? new Uint8Array())
    const headers = { 'Content-Length': String(body.length), ...answer.headers }
    const bodiless = entry.method === 'HEAD' || answer.status === 204 || answer.status === 304
    const breaksAt = fault?.answer === 'truncated' ? Math.floor(body.length / 2) : answer.bodyBreaksAt
    if (breaksAt !== undefined && (bodiless || body.length === 0)) {
      incoming.socket.end(`HTTP/1.1 ${answer.status} `)
      return
    }
    entry.status = answer.status
    response.writeHead(answer.status, bodiless && answer.status !== 200 ? { ...answer.headers } : headers)
    if (bodiless) return void response.end()
    if (breaksAt !== undefined) {
      response.write(body.subarray(0, breaksAt), () => incoming.socket.destroySoon())
      return
    }
    if (fault?.answer === 'slow') await this.#trickle(body, response)
    response.end(fault?.answer === 'slow' ? undefined : body)
  }

  async #trickle(body: Uint8Array, response: ServerResponse): Promise<void> {
    const pieces = 4
    response.flushHeaders()
    for (let piece = 0; piece < pieces; piece++) {
      await systemRuntime.sleep(this.#slowMs / pieces)
      const [from, to] = [(body.length * piece) / pieces, (body.length * (piece + 1)) / pieces]
      if (to > from) response.write(body.subarray(Math.floor(from), Math.floor(to)))
    }
  }

  #faultOf(facts: RequestFacts): EmulatedFault | undefined {
    const chosen = this.#rules.faultOf(facts) ?? this.#plan?.(facts)
    if (chosen === undefined) return undefined
    const fault = faultOf(chosen)
    return canHave(facts, fault) ? fault : undefined
  }

  #landUpTo(ordinal: number): number {
    const due = this.#late.filter((each) => each.atOrdinal <= ordinal)
    if (due.length === 0) return 0
    this.#late = this.#late.filter((each) => each.atOrdinal > ordinal)
    for (const each of due) each.run()
    return due.length
  }

  // Waits until so much of the request's latency is over, counted from its arrival: timers that are late do not add up.
  #delayFrom(startMs: number): (part: number) => Promise<void> {
    const latencyMs = this.#latencyMs + systemRuntime.random() * this.#jitterMs
    return async (part) => {
      const leftMs = startMs + latencyMs * part - systemRuntime.monotonicMs()
      if (leftMs > 0) await systemRuntime.sleep(leftMs)
    }
  }
}

/** The whole body; or half of it, or as much as came before the client went away. */
function readBody(incoming: IncomingMessage, breakOff: boolean): Promise<{ body: Uint8Array; whole: boolean }> {
  const announced = Number(incoming.headers['content-length'] ?? Number.NaN)
  const half = Number.isNaN(announced) ? 1 : Math.floor(announced / 2)
  const chunks: Uint8Array[] = []
  let length = 0
  return new Promise((resolve) => {
    const end = (whole: boolean, bytes?: number): void => resolve({ body: concatBytes(chunks).subarray(0, bytes), whole })
    incoming.on('data', (chunk: Uint8Array) => {
      chunks.push(chunk)
      length += chunk.length
      if (breakOff && length >= half) end(false, half)
    })
    incoming.on('end', () => end(!breakOff && incoming.complete))
    incoming.on('error', () => end(false))
    incoming.on('close', () => end(!breakOff && incoming.complete))
  })
}

function reset(incoming: IncomingMessage): void {
  incoming.socket.resetAndDestroy()
}
