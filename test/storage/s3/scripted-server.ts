// An S3 server whose every answer a test writes itself, on loopback. It knows nothing of S3; the script does.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll } from 'vitest'
import { s3Storage } from '../../../src/storage/s3/index.js'
import type { S3Options } from '../../../src/storage/s3/options.js'
import type { Storage } from '../../../src/storage/storage.js'

export interface ScriptedRequest {
  readonly method: string
  /** Below the bucket, decoded. */
  readonly key: string
  readonly query: URLSearchParams
  readonly headers: IncomingMessage['headers']
  readonly body: Buffer
  /** The client's port: which connection it came over. */
  readonly port: number | undefined
}

export interface ScriptedAnswer {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string | Uint8Array
  /** Closes the connection after so many bytes of the body. */
  readonly cutAt?: number
}

/** `reset` cuts the connection instead of answering, `hang` never answers. */
export type Script = (request: ScriptedRequest) => ScriptedAnswer | 'reset' | 'hang' | Promise<ScriptedAnswer | 'reset' | 'hang'>

export interface ScriptedS3 {
  readonly endpoint: string
  /** Every request so far, the self-test's left out. */
  readonly requests: ScriptedRequest[]
  storage(options?: S3Options): Storage
}

const servers: Server[] = []
afterAll(() => {
  for (const server of servers.splice(0)) {
    server.close()
    server.closeAllConnections()
  }
})

/** XML of an error as S3 gives it. */
export function errorXml(code: string, more = ''): string {
  return `<?xml version="1.0" encoding="UTF-8"?><Error><Code>${code}</Code><Message>${code} it is</Message>${more}</Error>`
}

/** An answer that is an error. */
export function refusal(status: number, code: string, headers: Readonly<Record<string, string>> = {}): ScriptedAnswer {
  return { status, headers: { 'content-type': 'application/xml', ...headers }, body: errorXml(code) }
}

export const OK: ScriptedAnswer = { status: 200, headers: { etag: '"e"' } }

/** Starts a server. Requests of the store's self-test are answered as by a safe store, unless the script wants them. */
export async function scriptedS3(script: Script, { selfTests = false } = {}): Promise<ScriptedS3> {
  const requests: ScriptedRequest[] = []
  const probed = new Set<string>()
  const server = createServer((message, response) => {
    respond(message, response).catch((error) => response.destroy(error as Error))
  })
  const respond = async (message: IncomingMessage, response: ServerResponse): Promise<void> => {
    const chunks: Buffer[] = []
    for await (const chunk of message) chunks.push(chunk as Buffer)
    const url = new URL(message.url ?? '', 'http://localhost')
    const key = decodeURIComponent(url.pathname.replace(/^\/bucket\/?/, ''))
    const request: ScriptedRequest = {
      method: message.method ?? '',
      key,
      query: url.searchParams,
      headers: message.headers,
      body: Buffer.concat(chunks),
      port: message.socket.remotePort,
    }
    if (key.includes('.self-test.') && !selfTests) {
      const first = !probed.has(key)
      probed.add(key)
      if (message.method === 'DELETE') return send(response, { status: 204 })
      return send(response, first ? OK : refusal(412, 'PreconditionFailed'))
    }
    requests.push(request)
    const answer = await script(request)
    if (answer === 'hang') return
    if (answer === 'reset') return void message.socket.resetAndDestroy()
    send(response, answer)
  }
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  servers.push(server)
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const storage = (options: S3Options = {}): Storage =>
    s3Storage('s3://bucket/table', {
      endpoint,
      region: 'us-east-1',
      accessKeyId: 'AKIACANARY',
      secretAccessKey: 'canary-secret',
      ...options,
    })
  return { endpoint, requests, storage }
}

function send(response: ServerResponse, { status, headers = {}, body = '', cutAt }: ScriptedAnswer): void {
  const bytes = typeof body === 'string' ? Buffer.from(body) : body
  response.writeHead(status, { 'x-amz-request-id': 'r', ...(status === 204 ? {} : { 'content-length': String(bytes.length) }), ...headers })
  if (cutAt === undefined) return void response.end(status === 204 ? undefined : bytes)
  response.write(bytes.subarray(0, cutAt))
  setTimeout(() => response.socket?.resetAndDestroy(), 20)
}
