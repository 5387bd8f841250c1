// A cluster's state and what every kind of its servers does with it: who may ask, which names exist, the operations on files.

import { HdfsException, type HdfsNode, HdfsTree, illegalArgument } from './hdfs-tree.js'
import type { ServiceRequest } from './server.js'

/** What the servers of an emulated cluster share. */
export class HdfsCluster {
  readonly tree: HdfsTree
  /** The namenode that serves; undefined when all are standby. */
  active: number | undefined = 0
  safeMode = false
  datanode: 'up' | 'noticed' = 'up'
  /** Stands in Locations as `namenoderpcaddress`: a logical name reaches whichever namenode is active. */
  readonly logicalName: string | undefined
  readonly superuser: string
  datanodePort = 0
  /** Files whose blocks are damaged. */
  readonly corrupt: Set<HdfsNode> = new Set()
  readonly tokens: Map<string, string> = new Map()
  /** The next CREATE finds the datanode's connection to the namenode broken, as after a restart. */
  staleConnection = false

  constructor(options: { readonly logicalName?: string | undefined; readonly superuser: string; readonly now: () => number }) {
    this.tree = new HdfsTree(options.now)
    this.logicalName = options.logicalName
    this.superuser = options.superuser
  }

  rpcAddress(namenode: number): string {
    return this.logicalName ?? `127.0.0.1:${10_000 + namenode}`
  }

  /** Whether a datanode reaches an active namenode by the address in its request. */
  reaches(rpcAddress: string): 'active' | 'standby' | 'none' {
    if (this.active === undefined) return 'none'
    return rpcAddress === this.logicalName || rpcAddress === `127.0.0.1:${10_000 + this.active}` ? 'active' : 'standby'
  }

  /** @throws HdfsException for a name HDFS cannot hold */
  checkName(path: string): void {
    if (!path.includes(':')) return
    throw new HdfsException('org.apache.hadoop.fs.InvalidPathException', `Invalid path name Invalid file name: ${path}`, 400)
  }

  /** @throws HdfsException when the user may not change what is there: only the superuser may outside /tmp and /user. */
  checkMayWrite(user: string, path: string): void {
    if (user === this.superuser || /^\/(tmp|user)(\/|$)/.test(path)) return
    throw new HdfsException(
      'org.apache.hadoop.security.AccessControlException',
      `Permission denied: user=${user}, access=WRITE, inode="/":${this.superuser}:supergroup:drwxr-xr-x`,
    )
  }

  /** @throws HdfsException in safe mode */
  checkNotSafe(doing: string, path: string): void {
    if (!this.safeMode) return
    throw new HdfsException(
      'org.apache.hadoop.hdfs.server.namenode.SafeModeException',
      `Cannot ${doing} ${path}. Name node is in safe mode.\nIt was turned on manually.`,
    )
  }
}

const USER = /^[A-Za-z_][A-Za-z0-9._-]*[$]?$/

/** Who a request is from: a token's owner, `user.name`, or nobody. @throws HdfsException for what is no user name */
export function userOf({ query }: ServiceRequest, cluster: HdfsCluster): string | undefined {
  const token = query.get('delegation')
  if (token !== null) {
    const owner = cluster.tokens.get(token)
    if (owner !== undefined) return owner
    throw new HdfsException(
      'java.lang.SecurityException',
      "Failed to obtain user group information: org.apache.hadoop.security.token.SecretManager$InvalidToken: Token for real user: , can't be found in cache",
    )
  }
  const user = query.get('user.name')
  if (user === null) return undefined
  if (!USER.test(user)) throw illegalArgument(`Invalid value: "${user}" does not belong to the domain ${USER.source}`)
  const doAs = query.get('doas')
  if (doAs === null) return user
  if (user === cluster.superuser) return doAs
  throw new HdfsException(
    'org.apache.hadoop.security.authorize.AuthorizationException',
    `User: ${user} is not allowed to impersonate ${doAs}`,
  )
}

/** The file of a request's path, decoded once. */
export function pathOf(rawPath: string): string {
  const below = rawPath.replace(/^\/webhdfs\/v1/, '') || '/'
  try {
    return decodeURIComponent(below).replace(/(.)\/+$/, '$1')
  } catch {
    return below
  }
}

/** The operation of a request. */
export function operationOf(query: URLSearchParams): string {
  return (query.get('op') ?? '').toUpperCase()
}
