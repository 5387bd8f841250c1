// Files and folders as a namenode keeps them: real folders, files that are open, renames of both kinds.
// One rule: what HDFS refuses is refused here in its own words and as its own exception.

/** A refusal, as HDFS names it. */
export class HdfsException extends Error {
  override readonly name: string
  readonly javaClassName: string
  readonly status: number

  constructor(javaClassName: string, message: string, status = 403) {
    super(message)
    this.javaClassName = javaClassName
    this.name = javaClassName.slice(javaClassName.lastIndexOf('.') + 1)
    this.status = status
  }
}

export const notFound = (message: string): HdfsException => new HdfsException('java.io.FileNotFoundException', message, 404)
export const ioException = (message: string): HdfsException => new HdfsException('java.io.IOException', message)
export const illegalArgument = (message: string): HdfsException => new HdfsException('java.lang.IllegalArgumentException', message, 400)
const alreadyExists = (message: string): HdfsException => new HdfsException('org.apache.hadoop.fs.FileAlreadyExistsException', message)

/** A file or a folder. Its number stays when it is renamed. */
export interface HdfsNode {
  readonly fileId: number
  readonly folder: boolean
  modifiedMs: number
  owner: string
  /** Of a file: what it holds; of one that is being written, nothing yet. */
  bytes: Uint8Array
  open: boolean
  /** Deleted or overwritten: whoever still writes it is told so. */
  gone: boolean
  readonly children: Map<string, HdfsNode>
}

export class HdfsTree {
  readonly #root: HdfsNode
  readonly #now: () => number
  #nextId = 16_385

  constructor(now: () => number) {
    this.#now = now
    this.#root = this.#node(true, 'root')
  }

  find(path: string): HdfsNode | undefined {
    let node: HdfsNode | undefined = this.#root
    for (const part of partsOf(path)) node = node?.children.get(part)
    return node
  }

  /** Makes a folder and those above it. False where a file is in the way. */
  mkdirs(path: string, owner: string): HdfsNode {
    let node = this.#root
    let at = ''
    for (const part of partsOf(path)) {
      at += `/${part}`
      let next = node.children.get(part)
      if (next === undefined) {
        next = this.#node(true, owner)
        node.children.set(part, next)
        node.modifiedMs = this.#now()
      }
      if (!next.folder) throw new HdfsException('org.apache.hadoop.fs.ParentNotDirectoryException', `${at} (is not a directory)`)
      node = next
    }
    return node
  }

  /** A new file, open for writing. */
  create(path: string, overwrite: boolean, owner: string): HdfsNode {
    const there = this.find(path)
    if (there?.folder) throw alreadyExists(`${path} already exists as a directory`)
    if (there !== undefined && !overwrite) {
      if (!there.open) throw alreadyExists(`${path} for client 127.0.0.1 already exists`)
      throw new HdfsException(
        'org.apache.hadoop.hdfs.protocol.AlreadyBeingCreatedException',
        `Failed to CREATE_FILE ${path} for DFSClient_NONMAPREDUCE on 127.0.0.1 because this file lease is currently owned by DFSClient_NONMAPREDUCE on 127.0.0.1`,
      )
    }
    const { parent, name } = split(path)
    const folder = this.mkdirs(parent, owner)
    if (there !== undefined) there.gone = true
    const file = this.#node(false, owner)
    file.open = true
    folder.children.set(name, file)
    folder.modifiedMs = file.modifiedMs
    return file
  }

  /** The writer is done, or its connection is: the file has these bytes, also when they are not all. */
  complete(path: string, file: HdfsNode, bytes: Uint8Array): void {
    if (file.gone) {
      throw notFound(`File does not exist: ${path} (inode ${file.fileId}) Holder DFSClient_NONMAPREDUCE does not have any open files.`)
    }
    file.bytes = bytes
    file.open = false
    file.modifiedMs = this.#now()
  }

  /** The rename of `FileContext`: throws. `overwrite` replaces a file. */
  renameOrThrow(source: string, destination: string, overwrite: boolean): void {
    const node = this.find(source)
    if (node === undefined) throw notFound(`rename source ${source} is not found.`)
    if (source === destination) throw alreadyExists(`The source ${source} and destination ${destination} are the same`)
    const there = this.find(destination)
    if (there !== undefined && there.folder !== node.folder) {
      throw ioException(`Source ${source} and destination ${destination} must both be directories`)
    }
    if (there !== undefined && !overwrite) throw alreadyExists(`rename destination ${destination} already exists`)
    if (there?.folder && there.children.size > 0) throw ioException(`rename destination directory is not empty: ${destination}`)
    const parent = this.find(split(destination).parent)
    if (parent === undefined) throw notFound(`rename destination parent ${destination} not found.`)
    if (!parent.folder)
      throw new HdfsException('org.apache.hadoop.fs.ParentNotDirectoryException', `rename destination parent ${destination} is a file.`)
    if (there !== undefined) there.gone = true
    this.#move(source, destination)
  }

  /** The rename of `FileSystem`: answers false, and moves *into* a folder that has the name. */
  renamePlainly(source: string, destination: string): boolean {
    const node = this.find(source)
    if (node === undefined) return false
    if (source === destination) return true
    const there = this.find(destination)
    const target = there?.folder ? `${destination === '/' ? '' : destination}/${split(source).name}` : destination
    if (this.find(target) !== undefined || this.find(split(target).parent)?.folder !== true) return false
    this.#move(source, target)
    return true
  }

  delete(path: string, recursive: boolean): boolean {
    const node = this.find(path)
    if (node === undefined) return false
    if (node.folder && node.children.size > 0 && !recursive) {
      throw new HdfsException('org.apache.hadoop.fs.PathIsNotEmptyDirectoryException', `\`${path} is non empty': Directory is not empty`)
    }
    markGone(node)
    const { parent, name } = split(path)
    const folder = this.find(parent) as HdfsNode
    folder.children.delete(name)
    folder.modifiedMs = this.#now()
    return true
  }

  /** What is in a folder, in the namenode's order. */
  list(node: HdfsNode): [name: string, node: HdfsNode][] {
    return [...node.children].sort(([a], [b]) => compareNames(a, b))
  }

  #move(source: string, destination: string): void {
    const [from, to] = [split(source), split(destination)]
    const [fromFolder, toFolder] = [this.find(from.parent) as HdfsNode, this.find(to.parent) as HdfsNode]
    const node = fromFolder.children.get(from.name) as HdfsNode
    fromFolder.children.delete(from.name)
    toFolder.children.set(to.name, node)
    fromFolder.modifiedMs = toFolder.modifiedMs = this.#now()
  }

  #node(folder: boolean, owner: string): HdfsNode {
    const empty = { bytes: new Uint8Array(), open: false, gone: false, children: new Map<string, HdfsNode>() }
    return { fileId: this.#nextId++, folder, modifiedMs: this.#now(), owner, ...empty }
  }
}

/** The order of names in a folder: by their UTF-8 bytes as signed numbers, so that what is not ASCII comes first. */
export function compareNames(a: string, b: string): number {
  const [x, y] = [new Int8Array(Buffer.from(a)), new Int8Array(Buffer.from(b))]
  for (let at = 0; at < Math.min(x.length, y.length); at++) {
    if (x[at] !== y[at]) return (x[at] as number) - (y[at] as number)
  }
  return x.length - y.length
}

export function split(path: string): { parent: string; name: string } {
  const slash = path.lastIndexOf('/')
  return { parent: slash <= 0 ? '/' : path.slice(0, slash), name: path.slice(slash + 1) }
}

function partsOf(path: string): string[] {
  return path.split('/').filter((part) => part !== '')
}

function markGone(node: HdfsNode): void {
  node.gone = true
  for (const child of node.children.values()) markGone(child)
}
