// The WebHDFS protocol: one call to whichever namenode is active, and the second step of OPEN and CREATE at a datanode.
// One rule: the body decides, not the status. A RemoteException is a fault at any status, and what is neither JSON nor empty is no answer.
import http from 'node:http'
import https from 'node:https'
import type { LookupFunction } from 'node:net'
import { decodeUtf8 } from '../../bytes.js'
import type { Credentials } from './credentials.js'
import { type Answer, Exchange, type HttpCall, type Wire } from './exchange.js'
import { nonsense, stopIfAborted, WebHdfsFault } from './fault.js'
import { checkHop, guardedLookup, type Hop, isLoopback } from './hosts.js'
import type { Patience } from './patience.js'

/** One operation on one path. */
export interface Operation {
  readonly method: HttpCall['method']
  /** The path of the request: base and encoded path. */
  readonly path: string
  readonly op: string
  readonly query?: readonly (readonly [string, string])[]
  readonly signal?: AbortSignal | undefined
}

/** What a namenode said: JSON (`undefined` for an empty body), or where to go. */
export type Reply = { readonly kind: 'json'; readonly value: unknown } | { readonly kind: 'data'; readonly answer: Answer } | Onward

/** Where a namenode sends us for the data. */
export interface Onward {
  readonly kind: 'onward'
  readonly hop: Hop
  /** It is the server that was asked. */
  readonly own: boolean
  readonly fromLoopback: boolean
  /** Which namenode said so. */
  readonly asked: number
}

/** The second step of an operation, under way. */
export interface SecondStep {
  readonly exchange: Exchange
  readonly asked: number
  /** Of a CREATE: the folder that must be there. */
  readonly folder?: string
}

/** Of an error's body as much is read. */
const ERROR_BYTES = 256 * 1024
/** A listing of a million names, from servers that do not list in pages. */
const JSON_BYTES = 512 * 2 ** 20

export class HdfsClient {
  readonly #wire: Wire
  readonly #namenodes: readonly string[]
  readonly #credentials: Credentials
  readonly #hostMap: ReadonlyMap<string, string>
  readonly #agents: { readonly http: http.Agent; readonly https: https.Agent }
  readonly #lookups: { readonly any: LookupFunction; readonly remote: LookupFunction }
  #current = 0

  constructor(
    wire: Wire,
    namenodes: readonly string[],
    credentials: Credentials,
    hostMap: ReadonlyMap<string, string>,
    maxRequests: number,
  ) {
    this.#wire = wire
    this.#namenodes = namenodes
    this.#credentials = credentials
    this.#hostMap = hostMap
    // An idle connection is dropped before servers do it: one that they close while we send is an answer lost.
    const pool = { keepAlive: true, maxSockets: maxRequests, maxFreeSockets: maxRequests, timeout: 4000 }
    this.#agents = { http: new http.Agent(pool), https: new https.Agent(pool) }
    this.#lookups = { any: guardedLookup(true), remote: guardedLookup(false) }
  }

  /** How many namenodes there are to ask. */
  get servers(): number {
    return this.#namenodes.length
  }

  /** Asks until a namenode answers, within what patience allows. Only for operations that may be repeated. */
  async ask(operation: Operation, patience: Patience): Promise<Reply> {
    for (;;) {
      try {
        return await this.askOnce(operation)
      } catch (error) {
        await patience.orGiveUp(error, this.servers)
      }
    }
  }

  /** Asks the namenode that answered last, once. After a fault that another may not have, the next is asked next. */
  async askOnce(operation: Operation): Promise<Reply> {
    const asked = this.#current
    try {
      return await this.#askAt(asked, operation)
    } catch (error) {
      if (error instanceof WebHdfsFault && error.passing) this.#moveOn(asked)
      throw error
    }
  }

  /** JSON, or nothing, as an answer; a redirect is none. */
  async json(operation: Operation, patience: Patience): Promise<unknown> {
    return jsonOf(await this.ask(operation, patience))
  }

  /** As {@link json}, once. */
  async jsonOnce(operation: Operation): Promise<unknown> {
    return jsonOf(await this.askOnce(operation))
  }

  /** The second step: goes where the namenode sent us, with nothing of ours but what its URL has (unless it is itself). */
  onward({ hop, own, fromLoopback, asked }: Onward, call: Pick<HttpCall, 'method' | 'body' | 'signal'>): SecondStep {
    const exchange = new Exchange(this.#wire, {
      ...hop,
      ...call,
      agent: own ? this.#agentFor(hop.url) : undefined,
      headers: {
        ...(call.method === 'PUT' ? { 'content-type': 'application/octet-stream' } : {}),
        ...(own ? this.#credentials.headers(hop.url.origin) : {}),
      },
      lookup: fromLoopback || hop.connect !== undefined ? this.#lookups.any : this.#lookups.remote,
    })
    return { exchange, asked }
  }

  /** A fault of a second step may say that the namenode asked in the first is not the active one: it does not refuse a CREATE. */
  noteFault(error: unknown, asked: number): void {
    if (error instanceof WebHdfsFault && error.isStandby) this.#moveOn(asked)
  }

  #moveOn(from: number): void {
    if (this.#current === from) this.#current = (from + 1) % this.#namenodes.length
  }

  async #askAt(asked: number, operation: Operation): Promise<Reply> {
    stopIfAborted(operation.signal)
    const url = new URL(`${this.#namenodes[asked]}${operation.path}`)
    const query = new URLSearchParams(
      [['op', operation.op], ...(operation.query ?? []), ...this.#credentials.query].map(([k, v]) => [k, v]),
    )
    // '+' for a space is understood by all servers in a query, but %20 is beyond doubt.
    url.search = query.toString().replaceAll('+', '%20')
    const answer = await this.#prove(url, operation)
    const onward = answer.status >= 300 && answer.status < 400
    if (onward) {
      answer.drop()
      const hop = checkHop(answer.headers.location, { url, address: answer.address }, this.#hostMap)
      this.#credentials.noteHop(hop.url)
      return { kind: 'onward', hop, own: hop.url.origin === url.origin, fromLoopback: isLoopback(answer.address), asked }
    }
    if (operation.op === 'OPEN' && answer.status === 200 && !isJson(answer)) return { kind: 'data', answer }
    return { kind: 'json', value: await readJson(answer) }
  }

  /** Sends the request; where the server asks for a proof, once more with one. */
  async #prove(url: URL, { method, signal }: Operation): Promise<Answer> {
    const answer = await this.#send(url, method, this.#credentials.headers(url.origin), signal)
    if (answer.status !== 401) return answer
    const challenge = answer.headers['www-authenticate']
    await discardBody(answer)
    const proof = await this.#credentials.prove(url, challenge)
    if (proof === undefined) throw unauthorized(challenge)
    const second = await this.#send(url, method, { authorization: `Negotiate ${proof.token}` }, signal)
    if (second.status === 401) {
      second.drop()
      throw unauthorized(challenge)
    }
    try {
      await this.#credentials.accepted(url, proof, second.headers['www-authenticate'], second.headers['set-cookie'] ?? [])
    } catch (error) {
      second.drop()
      throw error
    }
    return second
  }

  #send(url: URL, method: HttpCall['method'], headers: Record<string, string>, signal: AbortSignal | undefined): Promise<Answer> {
    return new Exchange(this.#wire, { url, method, headers, agent: this.#agentFor(url), lookup: this.#lookups.any, signal }).answer
  }

  #agentFor(url: URL): http.Agent {
    return url.protocol === 'https:' ? this.#agents.https : this.#agents.http
  }
}

/** The answer of a second step as a fault, unless it is what was asked for. */
export async function refuseUnless(answer: Answer, status: number): Promise<void> {
  if (answer.status === status && !isJson(answer)) return answer.drop()
  const value = await readJson(answer)
  // HttpFS answers 201 with a JSON body that is no exception.
  if (answer.status !== status)
    throw nonsense(`status ${answer.status} where ${status} was due${value === undefined ? '' : ', with a body of JSON'}`)
}

/** Reads an answer's JSON and throws the exception it may hold, at whatever status. */
async function readJson(answer: Answer): Promise<unknown> {
  const ok = answer.status >= 200 && answer.status < 300
  const bytes = await answer.bytes(ok ? JSON_BYTES : ERROR_BYTES)
  const value = parseBody(bytes)
  const exception = remoteException(value)
  if (exception !== undefined) throw exception
  if (!ok) throw httpFault(answer)
  if (value === undefined && bytes.length > 0) throw nonsense(`status ${answer.status} with a body that is not JSON`)
  return value
}

/** An agent keeps a connection only when the body was read. */
async function discardBody(answer: Answer): Promise<void> {
  await answer.bytes(ERROR_BYTES).catch(() => {})
}

function jsonOf(reply: Reply): unknown {
  if (reply.kind === 'json') return reply.value
  if (reply.kind === 'data') reply.answer.drop()
  const where = reply.kind === 'onward' ? `it sends on to ${reply.hop.url.origin}; give that address` : 'it sends data'
  throw new WebHdfsFault({ kind: 'refused', name: 'no WebHDFS', message: `the server does not answer as a namenode does: ${where}` })
}

/** The fields of a JSON object. */
export function fieldsOf(value: unknown): Readonly<Record<string, unknown>> | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : undefined
}

function isJson(answer: Answer): boolean {
  return /^application\/json\b/i.test(answer.headers['content-type'] ?? '')
}

function parseBody(bytes: Uint8Array): unknown {
  if (bytes.length === 0) return undefined
  try {
    return JSON.parse(decodeUtf8(bytes))
  } catch {
    return undefined
  }
}

function remoteException(value: unknown): WebHdfsFault | undefined {
  const remote = fieldsOf(fieldsOf(value)?.RemoteException)
  if (remote === undefined) return undefined
  const { exception, javaClassName, message } = remote
  const named =
    typeof exception === 'string' && exception !== 'RemoteException'
      ? exception
      : typeof javaClassName === 'string'
        ? javaClassName
        : 'RemoteException'
  const name = named.slice(named.lastIndexOf('.') + 1)
  return new WebHdfsFault({ kind: 'exception', name, message: typeof message === 'string' ? message : 'the server gave no reason' })
}

function httpFault(answer: Answer): WebHdfsFault {
  return new WebHdfsFault({
    kind: 'answer',
    name: `HTTP ${answer.status}`,
    message: 'the server gave no reason that a Hadoop client knows',
  })
}

function unauthorized(challenge: string | undefined): WebHdfsFault {
  const wants = /\bnegotiate\b/i.test(challenge ?? '')
    ? 'a Kerberos ticket (storage option kerberos) or a delegationToken'
    : 'a user or a token'
  return new WebHdfsFault({ kind: 'answer', name: 'HTTP 401', message: `the server wants ${wants}` })
}
