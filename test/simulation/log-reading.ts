// The table as its files say, read without any code of the library's log: JSON as it stands, data files by their Parquet reader.
import { bytesSource, openParquet } from '../../src/parquet/index.js'
import type { Disk } from './disk.js'

export interface LoggedFile {
  readonly path: string
  readonly dataChange: boolean
  readonly ids: readonly number[]
}

export interface LoggedCommit {
  readonly version: number
  /** When its file came to be. */
  readonly atMs: number
  readonly modifiedMs: number
  readonly adds: readonly LoggedFile[]
  readonly removes: readonly { readonly path: string; readonly dataChange: boolean }[]
  readonly txns: readonly { readonly appId: string; readonly version: number }[]
  readonly info: Readonly<Record<string, unknown>>
}

interface Line {
  add?: { path: string; dataChange: boolean; stats?: string }
  remove?: { path: string; dataChange: boolean }
  txn?: { appId: string; version: number }
  commitInfo?: Record<string, unknown>
}

/** All commits in order. What is not right with them goes to `faults`. */
export async function readCommits(disk: Disk, faults: string[]): Promise<LoggedCommit[]> {
  const placed = new Map(disk.placed.map((each) => [each.path, each]))
  const commits: LoggedCommit[] = []
  for (const path of disk.paths) {
    const version = /^_delta_log\/(\d{20})\.json$/.exec(path)?.[1]
    if (version === undefined) continue
    if (Number(version) !== commits.length) faults.push(`version ${commits.length} is missing before ${Number(version)}`)
    const object = disk.objects.get(path)
    if (object === undefined) continue
    const text = new TextDecoder().decode(object.bytes)
    if (!text.endsWith('\n') && text !== '') faults.push(`version ${Number(version)} is torn`)
    const lines = text
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as Line)
    const adds: LoggedFile[] = []
    for (const { add } of lines) {
      if (add !== undefined) adds.push({ path: add.path, dataChange: add.dataChange, ids: await idsOf(disk, add.path, faults) })
    }
    commits.push({
      version: Number(version),
      atMs: placed.get(path)?.atMs ?? 0,
      modifiedMs: object.modifiedMs,
      adds,
      removes: lines.flatMap(({ remove }) => (remove === undefined ? [] : [remove])),
      txns: lines.flatMap(({ txn }) => (txn === undefined ? [] : [txn])),
      info: lines.find(({ commitInfo }) => commitInfo !== undefined)?.commitInfo ?? {},
    })
  }
  return commits
}

async function idsOf(disk: Disk, logPath: string, faults: string[]): Promise<number[]> {
  const path = decodeURIComponent(logPath)
  const object = disk.objects.get(path)
  if (object === undefined) {
    faults.push(`a commit refers to ${path}, which is not there`)
    return []
  }
  const ids: number[] = []
  const file = await openParquet(bytesSource(object.bytes), { name: path })
  for await (const batch of file.read({ columns: ['id'] })) {
    for (const id of (batch.getChildAt(0)?.toArray() ?? []) as BigInt64Array) ids.push(Number(id))
  }
  return ids
}
