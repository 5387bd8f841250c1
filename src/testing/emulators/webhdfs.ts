// A Hadoop cluster's HTTP interface in this process: one or two namenodes and a datanode, or an HttpFS server, over files in memory.
import { systemRuntime } from '../../runtime.js'
import { HdfsCluster } from './hdfs-cluster.js'
import { HttpFsService } from './httpfs.js'
import { type Emulator, EmulatorCore, type EmulatorOptions } from './server.js'
import { DatanodeService } from './webhdfs-datanode.js'
import { NamenodeService } from './webhdfs-namenode.js'

export interface WebHdfsEmulatorOptions extends EmulatorOptions {
  /** Namenodes and a datanode, or an HttpFS server; `namenode` by default. */
  readonly flavour?: 'namenode' | 'httpfs'
  /** 2 makes an HA pair, of which the first is active. 1 by default. */
  readonly namenodes?: 1 | 2
  /** The name datanodes know the namenodes by. Without it a CREATE through a standby fails in its second step. */
  readonly logicalName?: string
  /** Who may write everywhere; others may only below /tmp and /user. `root` by default. */
  readonly superuser?: string
  /** Delegation tokens that are known from the start, with their owners. */
  readonly tokens?: Readonly<Record<string, string>>
}

/** A running WebHDFS emulator. */
export interface WebHdfsEmulator extends Emulator {
  /** `127.0.0.1:PORT` of each namenode, or of the HttpFS server. */
  readonly addresses: readonly string[]
  /** `webhdfs://127.0.0.1:PORT`, of the first. */
  readonly url: string
  readonly user: string
  /** Makes this namenode the active one; none of them with undefined. */
  setActive(namenode: number | undefined): void
  setSafeMode(on: boolean): void
  /** `down`: connections are refused and the namenode has not noticed; `dead`: it has. */
  setDatanode(state: 'up' | 'down' | 'dead'): Promise<void>
  /** A namenode that does not listen, and one that does again, on the same port. */
  stopNamenode(namenode: number): Promise<void>
  startNamenode(namenode: number): Promise<void>
  /** Reading this file answers 200 and breaks off. */
  corrupt(path: string): void
  /** Puts files without requests. */
  load(files: Iterable<readonly [path: string, bytes: Uint8Array]>): void
  /** A file's bytes; no request, no fault. */
  file(path: string): Uint8Array | undefined
  /** Paths of all files below a folder, in order. */
  files(folder?: string): string[]
}

/**
 * Starts a WebHDFS endpoint in this process, with faults where asked for. Stop it when done (`await using` does).
 *
 * @example
 * await using hdfs = await startWebHdfsEmulator({ namenodes: 2, logicalName: 'cluster' })
 * hdfs.inject({ kind: 'RENAME', fault: 'reset-after' })
 * const storage = webhdfsStorage(`${hdfs.url}/tables/events`, { user: hdfs.user, namenodes: hdfs.addresses })
 * hdfs.setActive(1)
 */
export async function startWebHdfsEmulator(options: WebHdfsEmulatorOptions = {}): Promise<WebHdfsEmulator> {
  const { logicalName, superuser = 'root' } = options
  const cluster = new HdfsCluster({ logicalName, superuser, now: () => Math.floor(systemRuntime.now()) })
  for (const [token, owner] of Object.entries(options.tokens ?? {})) cluster.tokens.set(token, owner)
  const emulator = new RunningWebHdfs(options, cluster)
  await emulator.start(options.flavour ?? 'namenode', options.namenodes ?? 1)
  return emulator
}

interface Listener {
  readonly port: number
  close(): Promise<void>
}

class RunningWebHdfs extends EmulatorCore implements WebHdfsEmulator {
  readonly #cluster: HdfsCluster
  readonly #namenodes: Listener[] = []
  #datanode: Listener | undefined

  constructor(options: EmulatorOptions, cluster: HdfsCluster) {
    super(options)
    this.#cluster = cluster
  }

  async start(flavour: 'namenode' | 'httpfs', count: number): Promise<void> {
    if (flavour === 'httpfs') {
      this.#namenodes.push(await this.listen('httpfs', new HttpFsService(this.#cluster)))
      return
    }
    await this.setDatanode('up')
    for (let index = 0; index < count; index++)
      this.#namenodes.push(await this.listen('namenode', new NamenodeService(this.#cluster, index)))
  }

  get addresses(): readonly string[] {
    return this.#namenodes.map(({ port }) => `127.0.0.1:${port}`)
  }

  get url(): string {
    return `webhdfs://${this.addresses[0]}`
  }

  get user(): string {
    return this.#cluster.superuser
  }

  setActive(namenode: number | undefined): void {
    this.#cluster.active = namenode
  }

  setSafeMode(on: boolean): void {
    this.#cluster.safeMode = on
  }

  async setDatanode(state: 'up' | 'down' | 'dead'): Promise<void> {
    this.#cluster.datanode = state === 'dead' ? 'noticed' : 'up'
    if (state === 'up') {
      this.#datanode ??= await this.listen('datanode', new DatanodeService(this.#cluster), this.#cluster.datanodePort)
      this.#cluster.datanodePort = this.#datanode.port
      return
    }
    await this.#datanode?.close()
    this.#datanode = undefined
  }

  async stopNamenode(namenode: number): Promise<void> {
    await this.#namenodes[namenode]?.close()
    if (this.#cluster.active === namenode) this.#cluster.active = undefined
  }

  async startNamenode(namenode: number): Promise<void> {
    const { port } = this.#namenodes[namenode] as Listener
    this.#namenodes[namenode] = await this.listen('namenode', new NamenodeService(this.#cluster, namenode), port)
    this.#cluster.active ??= namenode
    this.#cluster.staleConnection = true
  }

  corrupt(path: string): void {
    const file = this.#cluster.tree.find(path)
    if (file === undefined || file.folder) throw new TypeError(`the emulator has no file '${path}'`)
    this.#cluster.corrupt.add(file)
  }

  load(files: Iterable<readonly [path: string, bytes: Uint8Array]>): void {
    const { tree, superuser } = this.#cluster
    for (const [path, bytes] of files) tree.complete(path, tree.create(path, true, superuser), bytes)
  }

  file(path: string): Uint8Array | undefined {
    const node = this.#cluster.tree.find(path)
    return node === undefined || node.folder ? undefined : node.bytes
  }

  files(folder = '/'): string[] {
    const found: string[] = []
    const walk = (path: string): void => {
      const node = this.#cluster.tree.find(path)
      if (node === undefined) return
      if (!node.folder) return void found.push(path)
      for (const [name] of this.#cluster.tree.list(node)) walk(`${path === '/' ? '' : path}/${name}`)
    }
    walk(folder)
    return found
  }
}
