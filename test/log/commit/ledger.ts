// An independent judge of a log: plain JSON.parse over the raw files, a second replay written from the protocol alone,
// and a ledger of what writers were told. It shares no code with the library.
// Data files are JSON lists of row ids, so that a row that is lost, doubled or back from the dead can be named.
import type { Storage } from '../../../src/storage/storage.js'

export interface RawAction {
  readonly commitInfo?: { readonly txnId?: string; readonly operation?: string }
  readonly add?: { readonly path: string; readonly dataChange: boolean }
  readonly remove?: { readonly path: string; readonly dataChange: boolean }
  readonly txn?: { readonly appId: string; readonly version: number }
  readonly metaData?: unknown
  readonly protocol?: unknown
}

export const logPath = (version: number): string => `_delta_log/${String(version).padStart(20, '0')}.json`
const decode = (bytes: Uint8Array): string => new TextDecoder().decode(bytes)
const encode = (text: string): Uint8Array => new TextEncoder().encode(text)

/** Every commit from version 0; fails on a gap. */
export async function readRawLog(storage: Storage): Promise<RawAction[][]> {
  const names: string[] = []
  for await (const page of storage.list('_delta_log')) for (const { path } of page) if (path.endsWith('.json')) names.push(path)
  names.sort()
  const commits: RawAction[][] = []
  for (let version = 0; version < names.length; version++) {
    if (names[version] !== logPath(version))
      throw new Error(`the log is not contiguous: ${names[version]} where version ${version} should be`)
    const bytes = (await storage.read(logPath(version))) as Uint8Array
    commits.push(
      decode(bytes)
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line) as RawAction),
    )
  }
  return commits
}

export async function writeRows(storage: Storage, path: string, rows: readonly number[]): Promise<void> {
  await storage.put(path, encode(JSON.stringify(rows)))
}

export async function readRows(storage: Storage, path: string): Promise<number[]> {
  const bytes = await storage.read(path)
  if (bytes === undefined) throw new Error(`${path} is in the table but not in the store`)
  return JSON.parse(decode(bytes)) as number[]
}

/** The live files after a version. */
export function liveFiles(commits: readonly (readonly RawAction[])[], version: number = commits.length - 1): Set<string> {
  const live = new Set<string>()
  for (const commit of commits.slice(0, version + 1)) {
    // The actions of a commit are a set: removes of what was there, then adds.
    for (const { remove } of commit) if (remove) live.delete(remove.path)
    for (const { add } of commit) if (add) live.add(add.path)
  }
  return live
}

/** What one writer was told about one logical commit. */
export interface Told {
  readonly txnId: string | undefined
  readonly outcome: 'committed' | 'not-committed'
  readonly version?: number
  readonly rows: readonly number[]
  readonly paths: readonly string[]
}

/** Compares what writers were told with what the log holds. Answers every anomaly by kind. */
export async function judge(storage: Storage, told: readonly Told[]): Promise<string[]> {
  const anomalies: string[] = []
  let commits: RawAction[][]
  try {
    commits = await readRawLog(storage)
  } catch (error) {
    return [`gap: ${(error as Error).message}`]
  }
  anomalies.push(...judgeCommits(commits, told))
  const counts = new Map<number, number>()
  for (const path of liveFiles(commits)) {
    try {
      for (const row of await readRows(storage, path)) counts.set(row, (counts.get(row) ?? 0) + 1)
    } catch (error) {
      anomalies.push(`deleted-live: ${(error as Error).message}`)
    }
  }
  for (const [row, count] of counts) if (count > 1) anomalies.push(`duplicated: row ${row} is there ${count} times`)
  const deleted = await deletedRows(storage, commits)
  for (const row of deleted) if (counts.has(row)) anomalies.push(`resurrected: row ${row} was deleted and is back`)
  for (const { outcome, rows } of told) {
    for (const row of rows) {
      const there = counts.has(row)
      if (outcome === 'committed' && !there && !deleted.has(row)) anomalies.push(`lost: row ${row} was acknowledged`)
      if (outcome === 'not-committed' && (there || deleted.has(row))) anomalies.push(`false-error: row ${row} was called not committed`)
    }
  }
  return anomalies
}

function judgeCommits(commits: readonly RawAction[][], told: readonly Told[]): string[] {
  const anomalies: string[] = []
  const versions = new Map<string, number>()
  const added = new Map<string, number>()
  commits.forEach((commit, version) => {
    for (const { commitInfo, add } of commit) {
      if (commitInfo?.txnId !== undefined) {
        if (versions.has(commitInfo.txnId))
          anomalies.push(`duplicated: one commit is version ${versions.get(commitInfo.txnId)} and ${version}`)
        versions.set(commitInfo.txnId, version)
      }
      if (add) {
        if (added.has(add.path)) anomalies.push(`duplicated: ${add.path} is added by version ${added.get(add.path)} and ${version}`)
        added.set(add.path, version)
      }
    }
  })
  for (const { txnId, outcome, version } of told) {
    if (txnId === undefined) continue
    if (outcome === 'committed' && versions.get(txnId) !== version)
      anomalies.push(`false-ack: acknowledged as version ${version}, is ${versions.get(txnId)}`)
    if (outcome === 'not-committed' && versions.has(txnId))
      anomalies.push(`false-error: version ${versions.get(txnId)} was called not committed`)
  }
  return anomalies
}

/** Rows that a commit deleted: in the files it removed and not in those it added, unless it only rearranged. */
async function deletedRows(storage: Storage, commits: readonly (readonly RawAction[])[]): Promise<Set<number>> {
  const deleted = new Set<number>()
  for (const commit of commits) {
    const kept = new Set<number>()
    for (const { add } of commit) if (add) for (const row of await readRows(storage, add.path).catch(() => [])) kept.add(row)
    for (const { remove } of commit) {
      if (remove) for (const row of await readRows(storage, remove.path).catch(() => [])) if (!kept.has(row)) deleted.add(row)
    }
  }
  return deleted
}
