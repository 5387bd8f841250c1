// The table as its files say, read without any code of the library's log: JSON as it stands, data files by their Parquet reader.
// Everything that ever lay on the store counts, also what was cleaned or vacuumed since.
import { bytesSource, openParquet } from '../../src/parquet/index.js'
import type { Disk, Placed } from './disk.js'
import { type Ledger, partitionOf } from './ledger.js'

export interface LoggedFile {
  readonly path: string
  readonly dataChange: boolean
  /** The text of its deletion vector. */
  readonly vector: string | undefined
  /** Its rows, without those that the vector takes. */
  readonly ids: readonly number[]
  readonly baseRowId: number | undefined
}

export interface LoggedRemove {
  readonly path: string
  readonly dataChange: boolean
  readonly vector: string | undefined
  readonly deletionTimestamp: number
}

export interface LoggedCommit {
  readonly version: number
  /** When its file came to be, and when it was cleaned away. */
  readonly atMs: number
  readonly goneMs: number | undefined
  readonly modifiedMs: number
  readonly adds: readonly LoggedFile[]
  readonly removes: readonly LoggedRemove[]
  readonly txns: readonly { readonly appId: string; readonly version: number }[]
  readonly info: Readonly<Record<string, unknown>>
  /** The table's properties, where the commit says what they are. */
  readonly configuration: Readonly<Record<string, string>> | undefined
}

interface RawFile {
  path: string
  dataChange: boolean
  partitionValues?: Record<string, string | null>
  stats?: string
  deletionVector?: { storageType: string; pathOrInlineDv: string }
  baseRowId?: number
  deletionTimestamp?: number
}

/** One line of a commit. */
export interface Line {
  add?: RawFile
  remove?: RawFile
  txn?: { appId: string; version: number }
  commitInfo?: Record<string, unknown>
  metaData?: { configuration: Record<string, string>; partitionColumns: string[] }
}

const COMMIT = /^_delta_log\/(\d{20})\.json$/

/** The lines of a commit file. */
export function linesOf(bytes: Uint8Array): Line[] {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
    .toString()
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Line)
}

/** The files of all commits there ever were, by version. */
export function commitFiles(disk: Disk): Placed[] {
  const files: Placed[] = []
  for (const placed of disk.placed) {
    const version = COMMIT.exec(placed.path)?.[1]
    if (version === undefined) continue
    if (files[Number(version)] !== undefined) disk.misdeeds.push(`version ${Number(version)} was committed twice`)
    files[Number(version)] = placed
  }
  return files
}

/** All commits in order. What is not right with them goes to `faults`. */
export async function readCommits(disk: Disk, ledger: Ledger, faults: string[]): Promise<LoggedCommit[]> {
  const data = new DataFiles(disk, ledger, faults)
  const files = commitFiles(disk)
  const commits: LoggedCommit[] = []
  let isPartitioned = false
  for (let version = 0; version < files.length; version++) {
    const file = files[version]
    if (file === undefined) {
      faults.push(`version ${version} is missing before ${files.length - 1}`)
      return commits
    }
    const { bytes, atMs, goneMs, modifiedMs } = file
    if (bytes.at(-1) !== 10) faults.push(`version ${version} is torn`)
    const lines = linesOf(bytes)
    const adds: LoggedFile[] = []
    const removes: LoggedRemove[] = []
    for (const { metaData } of lines) if (metaData !== undefined) isPartitioned = metaData.partitionColumns.length > 0
    for (const { add, remove } of lines) {
      if (add !== undefined) {
        const { path, dataChange, deletionVector, baseRowId } = add
        const vector = deletionVector?.pathOrInlineDv
        const ids = await data.idsOf(path, vector, isPartitioned ? add.partitionValues?.p : undefined)
        adds.push({ path, dataChange, vector, ids, baseRowId })
      }
      if (remove !== undefined) {
        const { path, dataChange, deletionVector, deletionTimestamp = 0 } = remove
        removes.push({ path, dataChange, vector: deletionVector?.pathOrInlineDv, deletionTimestamp })
      }
    }
    commits.push({
      version,
      atMs,
      goneMs,
      modifiedMs,
      adds,
      removes,
      txns: lines.flatMap(({ txn }) => (txn === undefined ? [] : [txn])),
      info: lines.find(({ commitInfo }) => commitInfo !== undefined)?.commitInfo ?? {},
      configuration: lines.find(({ metaData }) => metaData !== undefined)?.metaData?.configuration,
    })
  }
  return commits
}

// Data files never change, so each is read once.
class DataFiles {
  readonly #placed = new Map<string, Placed>()
  readonly #ids = new Map<string, readonly number[]>()
  readonly #ledger: Ledger
  readonly #faults: string[]

  constructor(disk: Disk, ledger: Ledger, faults: string[]) {
    for (const each of disk.placed) if (!each.path.startsWith('_delta_log/')) this.#placed.set(each.path, each)
    this.#ledger = ledger
    this.#faults = faults
  }

  async idsOf(logPath: string, vector: string | undefined, partition: string | null | undefined): Promise<readonly number[]> {
    const path = decodeURIComponent(logPath)
    const ids = this.#ids.get(path) ?? (await this.#read(path))
    this.#ids.set(path, ids)
    if (partition !== undefined) {
      for (const id of ids) if (partitionOf(id) !== partition) this.#faults.push(`row ${id} lies in partition ${partition}, in ${path}`)
    }
    if (vector === undefined) return ids
    const gone = this.#ledger.vectors.get(`${logPath} ${vector}`)
    if (gone === undefined) this.#faults.push(`nobody has made the deletion vector ${vector} of ${path}`)
    return ids.filter((id) => gone?.has(id) !== true)
  }

  async #read(path: string): Promise<readonly number[]> {
    const object = this.#placed.get(path)
    if (object === undefined) {
      this.#faults.push(`a commit refers to ${path}, which was never there`)
      return []
    }
    return readIds(path, object.bytes)
  }
}

/** The rows of a data file in their order. */
export async function rowIdsOf(disk: Disk, logPath: string): Promise<readonly number[]> {
  const path = decodeURIComponent(logPath)
  const object = disk.placed.find((each) => each.path === path)
  return object === undefined ? [] : readIds(path, object.bytes)
}

async function readIds(path: string, bytes: Uint8Array): Promise<number[]> {
  const ids: number[] = []
  const file = await openParquet(bytesSource(bytes), { name: path })
  for await (const batch of file.read({ columns: ['id'] })) {
    for (const id of (batch.getChildAt(0)?.toArray() ?? []) as BigInt64Array) ids.push(Number(id))
  }
  return ids
}
