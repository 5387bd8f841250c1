// From a URL to the servers that are asked and the folder a table has there.
// One rule: a URL is only a place. Credentials or settings in it are refused, and are not repeated.
import { AlluviumError } from '../../errors.js'
import { checkFolderPath } from '../path.js'

/** Where a table is. */
export interface HdfsLocation {
  /** The servers to ask, first choice first: origins. */
  readonly namenodes: readonly string[]
  /** What goes before a path in a request: '/webhdfs/v1', or behind a gateway '/gateway/default/webhdfs/v1'. */
  readonly basePath: string
  /** The table's folder, absolute and decoded, without a slash at its end: '' for the root. */
  readonly root: string
  /** For messages. */
  readonly location: string
}

const REST_BASE = '/webhdfs/v1'
/** Of `dfs.namenode.http-address` and `dfs.namenode.https-address`. */
const DEFAULT_PORTS = { http: 9870, https: 9871 }
const URL_PARTS = /^(s?webhdfs|hdfs):\/\/([^/?#]*)([^?#]*)(.*)$/is

/**
 * Takes apart `webhdfs://host:port/path`, `swebhdfs://…` (TLS) and `hdfs://name/path`. The path is percent-encoded as in every
 * URL. One that leads through `…/webhdfs/v1/` (HttpFS and Knox print such) begins after it.
 *
 * @throws AlluviumError `INVALID_OPTIONS`; `PATH_OUTSIDE_TABLE` for a path with '..'.
 */
export function parseLocation(url: string, namenodes: readonly string[]): HdfsLocation {
  if (typeof url !== 'string') throw new TypeError(`the URL of a WebHDFS store is a string, not ${typeof url}`)
  const parts = URL_PARTS.exec(url)
  if (parts === null) throw invalid('the URL of a WebHDFS store begins with webhdfs://, swebhdfs:// or hdfs://')
  const [, scheme, authority, rawPath, rest] = parts as unknown as [string, string, string, string, string]
  const kind = scheme.toLowerCase()
  if (authority.includes('@'))
    throw invalid(`credentials do not belong in a ${kind}:// URL; give them as storage options (user, delegationToken)`)
  if (rest !== '') {
    throw invalid(
      `a ${kind}:// URL has no query and no fragment; settings are storage options, and '?' and '#' in a name are written %3F and %23`,
    )
  }
  const secure = kind === 'swebhdfs'
  if (authority !== '' && !HOST.test(authority)) throw invalid(NO_HOST)
  const listed = namenodes.map((each) => originOf(each, secure))
  if (kind === 'hdfs' && listed.length === 0) {
    throw invalid(
      'hdfs:// is the protocol of Java clients. This library speaks WebHDFS: give the HTTP address of the namenodes as the storage ' +
        `option namenodes (host:${DEFAULT_PORTS.http}), or open webhdfs://host:${DEFAULT_PORTS.http}/path`,
    )
  }
  if (authority === '' && listed.length === 0) throw invalid(`the ${kind}:// URL names no host; write ${kind}://host:port/path`)
  const { basePath, root } = parsePath(kind, rawPath)
  const shownBase = basePath === REST_BASE ? '' : basePath
  return {
    namenodes: hostsToAsk(kind, authority, listed, secure),
    basePath,
    root,
    location: `${kind}://${authority}${shownBase}${root.split('/').map(encodeURIComponent).join('/')}`,
  }
}

/** The path of an object in requests: every part encoded once. */
export function requestPath({ basePath, root }: HdfsLocation, path: string): string {
  return basePath + hdfsPath(root, path).split('/').map(encodeURIComponent).join('/')
}

/** The path of an object in HDFS. */
export function hdfsPath(root: string, path: string): string {
  return path === '' ? root || '/' : `${root}/${path}`
}

function hostsToAsk(kind: string, authority: string, listed: readonly string[], secure: boolean): string[] {
  if (listed.length === 0) return [originOf(authority, secure)]
  // hdfs://host:8020 names the port of another protocol.
  if (kind === 'hdfs' || !/:\d+$/.test(authority)) return [...new Set(listed)]
  return [...new Set([originOf(authority, secure), ...listed])]
}

const HOST = /^(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(:\d+)?$/i
/** Without the text itself: what stands where a host belongs may be a password. */
const NO_HOST = 'what stands for the host in the URL, or in the option namenodes, is no host:port'

function originOf(host: string, secure: boolean): string {
  const given = /^(https?):\/\/(.*)$/i.exec(host)
  const protocol = (given?.[1]?.toLowerCase() ?? (secure ? 'https' : 'http')) as 'http' | 'https'
  const address = given?.[2] ?? host
  if (!HOST.test(address)) throw invalid(NO_HOST)
  const withPort = /:\d+$/.test(address) ? address : `${address}:${DEFAULT_PORTS[protocol]}`
  try {
    const url = new URL(`${protocol}://${withPort}`)
    // `origin` leaves out ports 80 and 443, which is right: so does the Host header.
    return url.origin
  } catch {
    throw invalid(NO_HOST)
  }
}

function parsePath(kind: string, rawPath: string): { basePath: string; root: string } {
  const base = /^(.*?\/webhdfs\/v1)(?=\/|$)/i.exec(rawPath)?.[1]
  const raw = base === undefined ? rawPath : rawPath.slice(base.length)
  let decoded: string
  try {
    decoded = raw.split('/').map(decodeURIComponent).join('/')
  } catch {
    throw invalid(`the path of the ${kind}:// URL has a malformed percent escape; '%' in a name is written %25`)
  }
  const parts = decoded.split('/').filter((part) => part !== '')
  checkFolderPath(parts.join('/'))
  if (parts.some((part) => part.includes(':'))) throw invalid("HDFS has no names with ':'; choose another path")
  return { basePath: base ?? REST_BASE, root: parts.map((part) => `/${part}`).join('') }
}

function invalid(problem: string): AlluviumError {
  return new AlluviumError('INVALID_OPTIONS', `${problem}.`, { store: 'WebHDFS' })
}
