// A namenode's WebHDFS: metadata at once, and a redirect to the datanode for bytes.
// One rule: a CREATE is never refused here; whatever is wrong with it the datanode says.
import type { IncomingHttpHeaders } from 'node:http'
import { exceptionAnswer, fileStatus, htmlAnswer, jsonAnswer, listing } from './hdfs-answers.js'
import { type HdfsCluster, operationOf, pathOf, userOf } from './hdfs-cluster.js'
import { compareNames, HdfsException, type HdfsNode, illegalArgument, ioException, notFound } from './hdfs-tree.js'
import type { EmulatedService, ServiceAnswer, ServiceRequest } from './server.js'

const BATCH = 1000
const SHORT_BATCH = 3
const CHANGES = new Set(['CREATE', 'APPEND', 'RENAME', 'DELETE', 'MKDIRS'])

/** What fault plans are told of a WebHDFS request. */
export function describeWebHdfs(
  _method: string,
  rawPath: string,
  query: URLSearchParams,
  headers: IncomingHttpHeaders,
  carriesBody: boolean,
): ReturnType<EmulatedService['describe']> {
  const kind = operationOf(query)
  const conditional = kind === 'RENAME' || (kind === 'CREATE' && query.get('overwrite') === 'false')
  const length = Number(headers['content-length'] ?? (headers['transfer-encoding'] === undefined ? 0 : 1))
  return { path: pathOf(rawPath), kind, changes: CHANGES.has(kind), conditional, hasBody: carriesBody && length > 0 }
}

/** An injected failure in Hadoop's forms: a page for a 503, else a RemoteException. */
export function webHdfsFailure(_request: ServiceRequest, status: number, code: string): ServiceAnswer {
  if (status === 503) return htmlAnswer(503, 'Service Unavailable')
  const className = code === 'StandbyException' || code === 'RetriableException' ? `org.apache.hadoop.ipc.${code}` : `java.io.${code}`
  const known = code === 'InternalError' ? 'java.lang.RuntimeException' : className
  return exceptionAnswer(new HdfsException(known, 'injected', status))
}

export class NamenodeService implements EmulatedService {
  readonly failure: EmulatedService['failure'] = webHdfsFailure
  readonly #cluster: HdfsCluster
  readonly #index: number

  constructor(cluster: HdfsCluster, index: number) {
    this.#cluster = cluster
    this.#index = index
  }

  describe(method: string, rawPath: string, query: URLSearchParams, headers: IncomingHttpHeaders): ReturnType<EmulatedService['describe']> {
    const facts = describeWebHdfs(method, rawPath, query, headers, false)
    // Steps that only say where to go change nothing.
    return { ...facts, changes: facts.changes && !(facts.kind === 'CREATE' || facts.kind === 'APPEND') }
  }

  handle(request: ServiceRequest): ServiceAnswer {
    try {
      return this.#handle(request)
    } catch (error) {
      if (error instanceof HdfsException) return exceptionAnswer(error)
      throw error
    }
  }

  #handle(request: ServiceRequest): ServiceAnswer {
    const operation = operationOf(request.query)
    const path = pathOf(request.rawPath)
    const user = userOf(request, this.#cluster) ?? 'dr.who'
    if (operation === 'GETHOMEDIRECTORY') return jsonAnswer({ Path: `/user/${user}` })
    this.#cluster.checkName(path)
    // Not refused, not even by a standby or for a file that is there.
    if (operation === 'CREATE')
      return this.#redirect(request, user, `&createflag=&createparent=true&overwrite=${request.query.get('overwrite') ?? 'false'}`)
    if (this.#cluster.active !== this.#index) {
      const category = CHANGES.has(operation) ? 'WRITE' : 'READ'
      const message = `Operation category ${category} is not supported in state standby. Visit https://s.apache.org/sbnn-error`
      throw new HdfsException('org.apache.hadoop.ipc.StandbyException', message)
    }
    switch (operation) {
      case 'GETFILESTATUS':
        return jsonAnswer({ FileStatus: fileStatus(this.#need(path, `File does not exist: ${path}`), '') })
      case 'LISTSTATUS':
      case 'LISTSTATUS_BATCH':
        return this.#list(request, operation, path)
      case 'OPEN':
        return this.#open(request, user, path)
      case 'APPEND':
        this.#need(path, `File ${path} not found.`)
        return this.#redirect(request, user, '')
      case 'GETDELEGATIONTOKEN':
        return jsonAnswer({ Token: null })
      case 'RENAME':
        this.#change('rename', user, path)
        return this.#rename(request, path)
      case 'DELETE':
        this.#change('delete', user, path)
        return jsonAnswer({ boolean: this.#cluster.tree.delete(path, request.query.get('recursive') === 'true') })
      case 'MKDIRS':
        this.#change('create directory', user, path)
        this.#cluster.tree.mkdirs(path, user)
        return jsonAnswer({ boolean: true })
      default:
        throw illegalArgument(`Invalid value for webhdfs parameter "op": No enum constant ${operation}`)
    }
  }

  #change(doing: string, user: string, path: string): void {
    this.#cluster.checkNotSafe(doing, path)
    this.#cluster.checkMayWrite(user, path)
  }

  #need(path: string, message: string): HdfsNode {
    const node = this.#cluster.tree.find(path)
    if (node === undefined) throw notFound(message)
    return node
  }

  #open(request: ServiceRequest, user: string, path: string): ServiceAnswer {
    const node = this.#need(path, `File ${path} not found.`)
    if (this.#cluster.datanode === 'noticed') throw ioException('No active nodes contain this block')
    const offset = Number(request.query.get('offset') ?? 0)
    const length = node.open ? 0 : node.bytes.length
    if (!node.folder && offset > 0 && offset >= length)
      throw ioException(`Offset=${offset} out of the range [0, ${length}); OPEN, path=${path}`)
    const asked = ['offset', 'length'].flatMap((name) => (request.query.has(name) ? [`&${name}=${request.query.get(name)}`] : []))
    return this.#redirect(request, user, asked.join(''))
  }

  #redirect(request: ServiceRequest, user: string, parameters: string): ServiceAnswer {
    if (this.#cluster.datanode === 'noticed') {
      throw ioException('Failed to find datanode, suggest to check cluster health. excludeDatanodes=null')
    }
    const { query, rawPath } = request
    const token = query.get('delegation')
    const who = token === null ? `user.name=${encodeURIComponent(user)}` : `delegation=${encodeURIComponent(token)}`
    const where = `namenoderpcaddress=${this.#cluster.rpcAddress(this.#index)}`
    const location = `http://127.0.0.1:${this.#cluster.datanodePort}${rawPath}?op=${operationOf(query)}&${who}&${where}${parameters}`
    if (query.get('noredirect') === 'true') return jsonAnswer({ Location: location })
    return { status: 307, headers: { Location: location, 'Content-Type': 'application/octet-stream' } }
  }

  #list({ query, listing: cut }: ServiceRequest, operation: string, path: string): ServiceAnswer {
    const node = this.#need(path, `File ${path} does not exist.`)
    const all = this.#cluster.tree.list(node)
    if (operation === 'LISTSTATUS') return jsonAnswer({ FileStatuses: { FileStatus: listing(node, all) } })
    const startAfter = query.get('startAfter') ?? ''
    const rest = all.filter(([name]) => startAfter === '' || compareNames(name, startAfter) > 0)
    const batch = rest.slice(0, cut === 'short' ? SHORT_BATCH : BATCH)
    const statuses = { FileStatuses: { FileStatus: listing(node, batch) } }
    return jsonAnswer({ DirectoryListing: { partialListing: statuses, remainingEntries: node.folder ? rest.length - batch.length : 0 } })
  }

  #rename({ query }: ServiceRequest, path: string): ServiceAnswer {
    const destination = query.get('destination')?.replace(/(.)\/+$/, '$1') ?? null
    if (destination === null || !destination.startsWith('/'))
      throw illegalArgument(`Invalid value for webhdfs parameter "destination": "${destination}"`)
    this.#cluster.checkName(destination)
    const options = query.get('renameoptions')
    if (options === null) return jsonAnswer({ boolean: this.#cluster.tree.renamePlainly(path, destination) })
    if (!/^(NONE|OVERWRITE)$/i.test(options)) throw illegalArgument(`Invalid value for webhdfs parameter "renameoptions": ${options}`)
    this.#cluster.tree.renameOrThrow(path, destination, options.toUpperCase() === 'OVERWRITE')
    return { status: 200, headers: { 'Content-Type': 'application/octet-stream' } }
  }
}
