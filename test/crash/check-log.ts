// The table as its files say, followed from commit to commit by code that shares nothing with the library's log: JSON as it
// stands, data files by their Parquet reader. One rule: a commit is looked at once, before anybody may clean it away.
import fs from 'node:fs'
import path from 'node:path'
import { bytesSource, openParquet } from '../../src/parquet/index.js'

export interface LiveFile {
  readonly ids: readonly number[]
  readonly partition: string | null
}

export interface SeenCommit {
  readonly version: number
  readonly operation: string
  /** Files that went with their rows. */
  readonly removed: ReadonlySet<string>
  /** What is left in the partition that is overwritten, where the commit touches it. */
  readonly overwritten?: readonly number[]
}

interface Line {
  readonly add?: { path: string; partitionValues: Record<string, string | null>; size: number; dataChange: boolean }
  readonly remove?: { path: string; dataChange: boolean }
  readonly txn?: { appId: string; version: number }
  readonly commitInfo?: { txnId?: string; operation?: string }
}

export class CheckedLog {
  readonly faults: string[] = []
  readonly commits = new Map<number, SeenCommit>()
  readonly live = new Map<string, LiveFile>()
  /** The version that brought each row. */
  readonly broughtBy = new Map<number, number>()
  readonly everAdded = new Set<string>()
  /** Every state of every application's position, in order. */
  readonly positions = new Map<string, { readonly version: number; readonly position: number }[]>()
  version = -1
  readonly #root: string
  readonly #txnIds = new Set<string>()

  constructor(root: string) {
    this.#root = root
  }

  get ids(): number[] {
    return [...this.live.values()].flatMap(({ ids }) => ids)
  }

  /** Follows the log to its end: whoever was told of a commit before this ends finds it here. */
  async advance(): Promise<void> {
    for (let before = -2; before !== this.version; ) {
      before = this.version
      await this.#follow()
    }
  }

  /** The oldest commit that is still there. */
  oldest(): number {
    return this.#versions()[0] ?? -1
  }

  #versions(): number[] {
    return fs
      .readdirSync(path.join(this.#root, '_delta_log'))
      .flatMap((name) => (/^\d{20}\.json$/.test(name) ? [Number(name.slice(0, 20))] : []))
      .sort((a, b) => a - b)
  }

  async #follow(): Promise<void> {
    const versions = this.#versions().filter((version) => version > this.version)
    for (const version of versions) {
      if (version !== this.version + 1) this.faults.push(`version ${this.version + 1} is missing before ${version}`)
      await this.#commit(version)
    }
  }

  async #commit(version: number): Promise<void> {
    this.version = version
    const text = fs.readFileSync(path.join(this.#root, '_delta_log', `${String(version).padStart(20, '0')}.json`), 'utf8')
    let lines: Line[]
    try {
      if (!text.endsWith('\n')) throw new Error('it does not end with a line')
      lines = text
        .split('\n')
        .filter(Boolean)
        .map((line) => JSON.parse(line) as Line)
    } catch (error) {
      this.faults.push(`version ${version} is torn: ${error}`)
      return
    }
    this.#info(version, lines)
    const removed = this.#removes(version, lines)
    for (const { add } of lines) if (add !== undefined) await this.#add(version, add)
    this.#rearranged(version, lines, removed)
    for (const { txn } of lines) if (txn !== undefined) this.#position(version, txn)
    const touched = [...removed.keys(), ...lines.flatMap(({ add }) => add?.path ?? [])].some((each) => each.startsWith('p=o/'))
    this.commits.set(version, {
      version,
      operation: lines[0]?.commitInfo?.operation ?? 'unknown',
      removed: new Set(lines.flatMap(({ remove }) => (remove?.dataChange === true ? [remove.path] : []))),
      ...(touched ? { overwritten: [...this.live.values()].filter(({ partition }) => partition === 'o').flatMap(({ ids }) => ids) } : {}),
    })
  }

  #info(version: number, lines: readonly Line[]): void {
    const txnId = lines[0]?.commitInfo?.txnId
    if (txnId === undefined) this.faults.push(`version ${version} does not begin with a commitInfo that has a txnId`)
    else if (this.#txnIds.has(txnId)) this.faults.push(`version ${version} is a commit that is in the table already`)
    else this.#txnIds.add(txnId)
  }

  #removes(version: number, lines: readonly Line[]): Map<string, LiveFile> {
    const removed = new Map<string, LiveFile>()
    for (const { remove } of lines) {
      if (remove === undefined) continue
      const file = this.live.get(remove.path)
      if (file === undefined) this.faults.push(`version ${version} removes ${remove.path}, which is not in the table`)
      else removed.set(remove.path, file)
      this.live.delete(remove.path)
    }
    return removed
  }

  async #add(version: number, { path: name, partitionValues, size, dataChange }: NonNullable<Line['add']>): Promise<void> {
    if (this.everAdded.has(name)) this.faults.push(`version ${version} adds ${name} again`)
    this.everAdded.add(name)
    const ids = await this.#idsOf(version, name, size)
    this.live.set(name, { ids, partition: partitionValues.p ?? null })
    if (!dataChange) return
    for (const id of ids) {
      const before = this.broughtBy.get(id)
      if (before !== undefined) this.faults.push(`row ${id} came in version ${before} and again in ${version}`)
      this.broughtBy.set(id, version)
    }
  }

  // What only moves rows brings as many as it takes, and the same.
  #rearranged(version: number, lines: readonly Line[], removed: ReadonlyMap<string, LiveFile>): void {
    const sum = (files: readonly (LiveFile | undefined)[]): string =>
      files
        .flatMap((file) => file?.ids ?? [])
        .sort((a, b) => a - b)
        .join()
    const gone = sum(lines.flatMap(({ remove }) => (remove?.dataChange === false ? [removed.get(remove.path)] : [])))
    const kept = sum(lines.flatMap(({ add }) => (add?.dataChange === false ? [this.live.get(add.path)] : [])))
    if (gone !== kept) this.faults.push(`version ${version} says that it changes no rows, and does`)
  }

  #position(version: number, { appId, version: position }: NonNullable<Line['txn']>): void {
    const states = this.positions.get(appId) ?? []
    const before = states.at(-1)
    if (before !== undefined && position <= before.position)
      this.faults.push(`version ${version} takes ${appId} from ${before.position} to ${position}`)
    states.push({ version, position })
    this.positions.set(appId, states)
  }

  async #idsOf(version: number, logPath: string, size: number): Promise<number[]> {
    const name = path.join(this.#root, decodeURIComponent(logPath))
    if (!fs.existsSync(name)) {
      this.faults.push(`version ${version} names ${logPath}, which is not there`)
      return []
    }
    const bytes = fs.readFileSync(name)
    if (bytes.length !== size) this.faults.push(`version ${version} names ${logPath} of ${size} bytes, which has ${bytes.length}`)
    const ids: number[] = []
    try {
      const file = await openParquet(bytesSource(bytes), { name: logPath })
      for await (const batch of file.read({ columns: ['id'] }))
        for (const id of (batch.getChildAt(0)?.toArray() ?? []) as BigInt64Array) ids.push(Number(id))
    } catch (error) {
      this.faults.push(`version ${version} names ${logPath}, which cannot be read: ${error}`)
    }
    return ids
  }
}
