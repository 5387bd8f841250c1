// One HTTP request without any client library, so that a test sees all that a server sends.
import { request as httpRequest, type IncomingHttpHeaders } from 'node:http'

export interface RawAnswer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly text: string
  /** `100 Continue` came, asked for or not. */
  readonly continued: boolean
  /** The body was shorter than announced. */
  readonly broken: boolean
}

export interface RawRequest {
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
  /** Sends only so many bytes of the body, of which all are announced, and goes away, */
  readonly sendOnly?: number
  /** or sends the rest after this. */
  readonly restAfter?: Promise<unknown>
  readonly timeoutMs?: number
}

/** Answers 'reset' or 'silence' where no answer comes. */
export function raw(method: string, url: string, options: RawRequest = {}): Promise<RawAnswer | 'reset' | 'silence'> {
  const { body = '', sendOnly, restAfter, timeoutMs = 5000 } = options
  return new Promise((resolve) => {
    let continued = false
    const headers = {
      ...(method === 'PUT' || method === 'POST' ? { 'Content-Length': String(Buffer.byteLength(body)) } : {}),
      ...options.headers,
    }
    const sent = httpRequest(url, { method, headers, agent: false }, (answer) => {
      const chunks: Buffer[] = []
      const done = (broken: boolean): void =>
        resolve({ status: answer.statusCode ?? 0, headers: answer.headers, text: Buffer.concat(chunks).toString(), continued, broken })
      answer.on('data', (chunk: Buffer) => chunks.push(chunk))
      answer.on('end', () => done(!answer.complete))
      answer.on('error', () => done(true))
    })
    sent.on('continue', () => {
      continued = true
    })
    sent.on('error', () => resolve('reset'))
    sent.setTimeout(timeoutMs, () => {
      resolve('silence')
      sent.destroy()
    })
    if (sendOnly === undefined) sent.end(body)
    else {
      sent.write(body.slice(0, sendOnly))
      if (restAfter === undefined) setTimeout(() => sent.destroy(), 30)
      else restAfter.then(() => sent.end(body.slice(sendOnly)))
    }
  })
}

/** {@link raw} where an answer must come. */
export async function answered(method: string, url: string, options: RawRequest = {}): Promise<RawAnswer> {
  const answer = await raw(method, url, options)
  if (typeof answer === 'string') throw new Error(`${method} ${url}: ${answer}`)
  return answer
}
