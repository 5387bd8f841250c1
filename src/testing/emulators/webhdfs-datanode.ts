// A datanode's WebHDFS: bytes, by the address of the namenode that stands in the request.
// One rule: as a real one it sends an unasked `100 Continue` before whatever it answers to a CREATE or APPEND, and closes the connection.
import type { IncomingHttpHeaders } from 'node:http'
import { concatBytes } from '../../bytes.js'
import { exceptionAnswer } from './hdfs-answers.js'
import { type HdfsCluster, operationOf, pathOf, userOf } from './hdfs-cluster.js'
import { HdfsException, type HdfsNode, illegalArgument, notFound } from './hdfs-tree.js'
import type { EmulatedService, ServiceAnswer, ServiceRequest } from './server.js'
import { describeWebHdfs, webHdfsFailure } from './webhdfs-namenode.js'

const CLOSES = { connection: 'close' }

export class DatanodeService implements EmulatedService {
  readonly failure: EmulatedService['failure'] = webHdfsFailure
  readonly #cluster: HdfsCluster
  /** Files being written, by the request that writes them. */
  readonly #writing = new Map<number, HdfsNode>()

  constructor(cluster: HdfsCluster) {
    this.#cluster = cluster
  }

  describe(method: string, rawPath: string, query: URLSearchParams, headers: IncomingHttpHeaders): ReturnType<EmulatedService['describe']> {
    return describeWebHdfs(method, rawPath, query, headers, true)
  }

  /** The file is made before its bytes come: others see it, empty and open. */
  begin(request: ServiceRequest): ServiceAnswer | undefined {
    if (operationOf(request.query) !== 'CREATE') return undefined
    return this.#answering(request, () => {
      if (this.#cluster.reaches(rpcAddressOf(request)) === 'none') return { status: 0, continueFirst: true, hangs: true }
      this.#writing.set(request.facts.ordinal, this.#create(request))
      return undefined
    })
  }

  handle(request: ServiceRequest): ServiceAnswer {
    const path = pathOf(request.rawPath)
    const answer = this.#answering(request, () => {
      switch (operationOf(request.query)) {
        case 'CREATE': {
          const file = this.#writing.get(request.facts.ordinal) ?? this.#create(request)
          this.#writing.delete(request.facts.ordinal)
          this.#cluster.tree.complete(path, file, request.body)
          return { status: 201, headers: { ...CLOSES, location: `hdfs://${rpcAddressOf(request)}${path}` }, continueFirst: true }
        }
        case 'APPEND': {
          const file = this.#cluster.tree.find(path)
          if (file === undefined || file.folder) throw notFound(`File does not exist: ${path}`)
          this.#cluster.tree.complete(path, file, concatBytes([file.bytes, request.body]))
          return { status: 200, headers: CLOSES, continueFirst: true }
        }
        case 'OPEN':
          return this.#open(request, path)
        default:
          throw illegalArgument(`Invalid operation ${operationOf(request.query)}`)
      }
    })
    return answer ?? { status: 500 }
  }

  /** The datanode closes the file with what it got, without a word. */
  broken(request: ServiceRequest): void {
    const file = this.#writing.get(request.facts.ordinal)
    this.#writing.delete(request.facts.ordinal)
    if (file !== undefined && !file.gone) this.#cluster.tree.complete(pathOf(request.rawPath), file, request.body)
  }

  #create(request: ServiceRequest): HdfsNode {
    const path = pathOf(request.rawPath)
    const user = userOf(request, this.#cluster) ?? 'dr.who'
    if (this.#cluster.staleConnection) {
      this.#cluster.staleConnection = false
      throw new HdfsException(
        'java.io.EOFException',
        'End of File Exception between local host is: "127.0.0.1"; destination host is: "127.0.0.1"',
      )
    }
    if (this.#cluster.reaches(rpcAddressOf(request)) === 'standby') {
      const message = 'Operation category WRITE is not supported in state standby. Visit https://s.apache.org/sbnn-error'
      throw new HdfsException('org.apache.hadoop.ipc.StandbyException', message)
    }
    this.#cluster.checkName(path)
    this.#cluster.checkNotSafe('create file', path)
    this.#cluster.checkMayWrite(user, path)
    return this.#cluster.tree.create(path, request.query.get('overwrite') === 'true', user)
  }

  #open({ query }: ServiceRequest, path: string): ServiceAnswer {
    const file = this.#cluster.tree.find(path)
    if (file === undefined) throw notFound(`File does not exist: ${path}`)
    if (file.folder) throw notFound(`Path is not a file: ${path}`)
    const offset = Number(query.get('offset') ?? 0)
    const end = query.has('length') ? offset + Number(query.get('length')) : file.bytes.length
    const body = file.bytes.subarray(offset, end)
    const headers = { ...CLOSES, 'content-type': 'application/octet-stream' }
    return { status: 200, headers, body, ...(this.#cluster.corrupt.has(file) ? { bodyBreaksAt: 0 } : {}) }
  }

  #answering(request: ServiceRequest, work: () => ServiceAnswer | undefined): ServiceAnswer | undefined {
    try {
      return work()
    } catch (error) {
      if (!(error instanceof HdfsException)) throw error
      const answer = exceptionAnswer(error, { trace: true })
      return { ...answer, headers: { ...answer.headers, ...CLOSES }, continueFirst: operationOf(request.query) !== 'OPEN' }
    }
  }
}

function rpcAddressOf({ query }: ServiceRequest): string {
  return query.get('namenoderpcaddress') ?? ''
}
