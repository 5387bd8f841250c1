// An HttpFS server: the same protocol through one port, with other answers.
// One rule: it renames plainly whatever is asked, and most refusals are a 500.
import type { IncomingHttpHeaders } from 'node:http'
import { exceptionAnswer, fileStatus, htmlAnswer, jsonAnswer, listing } from './hdfs-answers.js'
import { type HdfsCluster, operationOf, pathOf, userOf } from './hdfs-cluster.js'
import { HdfsException, type HdfsNode, illegalArgument, notFound } from './hdfs-tree.js'
import type { EmulatedService, ServiceAnswer, ServiceRequest } from './server.js'
import { describeWebHdfs, webHdfsFailure } from './webhdfs-namenode.js'

const OCTETS = 'application/octet-stream'

export class HttpFsService implements EmulatedService {
  readonly failure: EmulatedService['failure'] = webHdfsFailure
  readonly #cluster: HdfsCluster
  readonly #writing = new Map<number, HdfsNode>()
  #nextToken = 1

  constructor(cluster: HdfsCluster) {
    this.#cluster = cluster
  }

  describe(method: string, rawPath: string, query: URLSearchParams, headers: IncomingHttpHeaders): ReturnType<EmulatedService['describe']> {
    const facts = describeWebHdfs(method, rawPath, query, headers, true)
    return { ...facts, changes: facts.changes && (!isStepOne(query) || !(facts.kind === 'CREATE' || facts.kind === 'APPEND')) }
  }

  begin(request: ServiceRequest): ServiceAnswer | undefined {
    const { query, headers } = request
    if (operationOf(query) !== 'CREATE' || isStepOne(query)) return undefined
    return this.#answering(() => {
      const user = userOf(request, this.#cluster)
      if (user === undefined) return unauthenticated()
      if (headers['content-type'] !== OCTETS) return { status: 400 }
      this.#writing.set(request.facts.ordinal, this.#create(request, user))
      return undefined
    })
  }

  handle(request: ServiceRequest): ServiceAnswer {
    return (
      this.#answering(() => {
        const user = userOf(request, this.#cluster)
        return user === undefined ? unauthenticated() : this.#handle(request, user)
      }) ?? { status: 500 }
    )
  }

  broken(request: ServiceRequest): void {
    const file = this.#writing.get(request.facts.ordinal)
    this.#writing.delete(request.facts.ordinal)
    if (file !== undefined && !file.gone) this.#cluster.tree.complete(pathOf(request.rawPath), file, request.body)
  }

  #handle(request: ServiceRequest, user: string): ServiceAnswer {
    const { query } = request
    const path = pathOf(request.rawPath)
    const { tree } = this.#cluster
    const operation = operationOf(query)
    switch (operation) {
      case 'CREATE': {
        if (isStepOne(query)) return toItself(request)
        const file = this.#writing.get(request.facts.ordinal) ?? this.#create(request, user)
        this.#writing.delete(request.facts.ordinal)
        tree.complete(path, file, request.body)
        return jsonAnswer({ Location: `http://${request.headers.host ?? ''}${request.rawPath}` }, 201)
      }
      case 'OPEN':
        return this.#open(request, path)
      case 'GETFILESTATUS':
        return jsonAnswer({ FileStatus: fileStatus(this.#need(path, `File does not exist: ${path}`), '') })
      case 'LISTSTATUS':
      case 'LISTSTATUS_BATCH': {
        const node = this.#need(path, `File ${path} does not exist.`)
        // The place to start after is not looked at.
        const statuses = { FileStatuses: { FileStatus: listing(node, tree.list(node)) } }
        return jsonAnswer(operation === 'LISTSTATUS' ? statuses : { DirectoryListing: { partialListing: statuses, remainingEntries: 0 } })
      }
      case 'RENAME': {
        this.#change('rename', user, path)
        // Trimmed, as every parameter is.
        const destination = query
          .get('destination')
          ?.trim()
          .replace(/(.)\/+$/, '$1')
        if (destination === undefined) throw illegalArgument('Parameter [destination] cannot be NULL')
        return jsonAnswer({ boolean: tree.renamePlainly(path, destination) })
      }
      case 'DELETE':
        this.#change('delete', user, path)
        return jsonAnswer({ boolean: tree.delete(path, query.get('recursive') === 'true') })
      case 'MKDIRS':
        this.#change('create directory', user, path)
        tree.mkdirs(path, user)
        return jsonAnswer({ boolean: true })
      case 'GETHOMEDIRECTORY':
        return jsonAnswer({ Path: `/user/${user}` })
      default:
        return this.#token(operation, request, user)
    }
  }

  #token(operation: string, { query }: ServiceRequest, user: string): ServiceAnswer {
    if (operation === 'GETDELEGATIONTOKEN') {
      const urlString = `EmulatedToken${this.#nextToken++}`
      this.#cluster.tokens.set(urlString, user)
      return jsonAnswer({ Token: { urlString } })
    }
    if (operation === 'RENEWDELEGATIONTOKEN') return jsonAnswer({ long: 1_900_000_000_000 })
    if (operation !== 'CANCELDELEGATIONTOKEN') throw illegalArgument(`Invalid HTTP ${operation} operation`)
    this.#cluster.tokens.delete(query.get('token') ?? '')
    return { status: 200 }
  }

  #create(request: ServiceRequest, user: string): HdfsNode {
    const path = pathOf(request.rawPath)
    this.#cluster.checkName(path)
    this.#change('create file', user, path)
    // True unless the request says otherwise: not what the namenode does.
    return this.#cluster.tree.create(path, request.query.get('overwrite') !== 'false', user)
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

  #open({ query }: ServiceRequest, path: string): ServiceAnswer {
    const file = this.#need(path, `File does not exist: ${path}`)
    if (file.folder) throw notFound(`Path is not a file: ${path}`)
    const offset = Number(query.get('offset') ?? 0)
    if (offset > file.bytes.length) return htmlAnswer(500, 'Server Error')
    const end = query.has('length') ? offset + Number(query.get('length')) : file.bytes.length
    const breaks = this.#cluster.corrupt.has(file) ? { bodyBreaksAt: 0 } : {}
    return { status: 200, headers: { 'Content-Type': OCTETS }, body: file.bytes.subarray(offset, end), ...breaks }
  }

  #answering(work: () => ServiceAnswer | undefined): ServiceAnswer | undefined {
    try {
      return work()
    } catch (error) {
      if (!(error instanceof HdfsException)) throw error
      const safeMode = error.name === 'SafeModeException'
      const shown = safeMode ? new HdfsException('org.apache.hadoop.ipc.RemoteException', error.message) : error
      const status = error.status === 403 && error.name !== 'SecurityException' ? 500 : error.status
      return exceptionAnswer(shown, { status })
    }
  }
}

function isStepOne(query: URLSearchParams): boolean {
  return query.get('data') !== 'true'
}

function toItself(request: ServiceRequest): ServiceAnswer {
  const location = `http://${request.headers.host ?? ''}${request.rawPath}?${request.rawQuery}&data=true`
  if (request.query.get('noredirect') === 'true') return jsonAnswer({ Location: location })
  return { status: 307, headers: { Location: location } }
}

function unauthenticated(): ServiceAnswer {
  return htmlAnswer(401, 'Authentication required', { 'WWW-Authenticate': 'PseudoAuth' })
}
