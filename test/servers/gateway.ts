// A gateway in front of a real HDFS that does what Apache Knox does to WebHDFS: https, names and passwords, the base path
// `/gateway/default/webhdfs/v1`, and redirects rewritten so that data goes through it too, with where it really goes hidden in a
// parameter. A stand-in: Knox itself is a server that has to be installed and configured.
import { readFileSync } from 'node:fs'
import http from 'node:http'
import https from 'node:https'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'

export interface Gateway {
  /** `127.0.0.1:PORT`. */
  readonly host: string
  /** Requests that carried no name and password that are known. */
  readonly refused: number
  /** Requests for data. */
  readonly data: number
  stop(): Promise<void>
}

export interface GatewayOptions {
  /** `host:port` of the namenode. */
  readonly namenode: string
  /** A folder of certificates.sh. */
  readonly tls: string
  readonly users: Readonly<Record<string, string>>
}

const BASE = '/gateway/default/webhdfs/v1'
const DATA = '/gateway/default/webhdfs/data/v1'

/** Starts a gateway on a free port of the loopback address. */
export async function startGateway({ namenode, tls, users }: GatewayOptions): Promise<Gateway> {
  const seen = { refused: 0, data: 0 }
  const server = https.createServer(
    { cert: readFileSync(join(tls, 'server.crt')), key: readFileSync(join(tls, 'server.key')) },
    (request, response) => {
      const user = userOf(request.headers.authorization, users)
      if (user === undefined) {
        seen.refused++
        request.resume()
        response.writeHead(401, { 'www-authenticate': 'BASIC realm="application"' }).end()
        return
      }
      const url = new URL(request.url ?? '/', `https://${host()}`)
      const target = targetOf(url, namenode, user)
      if (target === undefined) return void response.writeHead(404, { 'content-type': 'text/html' }).end('<html>Not Found</html>')
      if (url.pathname.startsWith(DATA)) seen.data++
      forward(request, response, target, host())
    },
  )
  const host = (): string => `127.0.0.1:${(server.address() as AddressInfo).port}`
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    get host() {
      return host()
    },
    get refused() {
      return seen.refused
    },
    get data() {
      return seen.data
    },
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

function userOf(header: string | undefined, users: Readonly<Record<string, string>>): string | undefined {
  const [, encoded] = /^Basic (.+)$/.exec(header ?? '') ?? []
  if (encoded === undefined) return undefined
  const [name = '', ...rest] = Buffer.from(encoded, 'base64').toString('utf8').split(':')
  return users[name] === rest.join(':') ? name : undefined
}

/** Where a request goes: to the namenode as the user who proved himself, or to what a redirect of ours has hidden. */
function targetOf(url: URL, namenode: string, user: string): URL | undefined {
  if (url.pathname.startsWith(DATA)) {
    const hidden = url.searchParams.get('_')
    return hidden === null ? undefined : new URL(Buffer.from(hidden, 'base64url').toString('utf8'))
  }
  if (!url.pathname.startsWith(BASE)) return undefined
  const target = new URL(`http://${namenode}/webhdfs/v1${url.pathname.slice(BASE.length)}${url.search}`)
  target.searchParams.set('user.name', user)
  target.search = target.search.replaceAll('+', '%20')
  return target
}

function forward(request: http.IncomingMessage, response: http.ServerResponse, target: URL, own: string): void {
  const { host: _, authorization: __, connection: ___, ...headers } = request.headers
  const onward = http.request(target, { method: request.method, headers, agent: false }, (answer) => {
    const { location, ...rest } = answer.headers
    const rewritten = location?.startsWith('http://') === true ? hide(location, own) : location
    response.writeHead(answer.statusCode ?? 502, {
      ...rest,
      connection: 'close',
      ...(rewritten === undefined ? {} : { location: rewritten }),
    })
    answer.pipe(response)
    answer.on('error', () => response.destroy())
  })
  onward.on('error', () => {
    if (response.headersSent) response.destroy()
    else response.writeHead(503).end()
  })
  response.on('close', () => onward.destroy())
  request.pipe(onward)
}

function hide(location: string, own: string): string {
  const { pathname } = new URL(location)
  return `https://${own}${DATA}${pathname}?_=${Buffer.from(location).toString('base64url')}`
}
