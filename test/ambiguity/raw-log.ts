// An independent reading of a Delta log: JSON.parse and the words of PROTOCOL.md ("Action Reconciliation"), nothing of the library.

export interface RawAdd {
  readonly path: string
  readonly size: number
}

/** One commit, as it stands in its file. */
export interface RawCommit {
  readonly adds: readonly RawAdd[]
  readonly removes: readonly string[]
  readonly txnId: string | undefined
  readonly operation: string | undefined
}

export function parseRawCommit(bytes: Uint8Array): RawCommit {
  const adds: RawAdd[] = []
  const removes: string[] = []
  let txnId: string | undefined
  let operation: string | undefined
  for (const line of new TextDecoder().decode(bytes).split('\n')) {
    if (line === '') continue
    const action = JSON.parse(line) as {
      add?: { path: string; size: number }
      remove?: { path: string }
      commitInfo?: { txnId?: string; operation?: string }
    }
    if (action.add !== undefined) adds.push({ path: decodeURIComponent(action.add.path), size: action.add.size })
    if (action.remove !== undefined) removes.push(decodeURIComponent(action.remove.path))
    if (action.commitInfo !== undefined) ({ txnId, operation } = action.commitInfo)
  }
  return { adds, removes, txnId, operation }
}

export function logName(version: number): string {
  return `_delta_log/${String(version).padStart(20, '0')}.json`
}

/** The files that are live after the commits, in order. */
export function liveFiles(commits: readonly RawCommit[]): Map<string, RawAdd> {
  const live = new Map<string, RawAdd>()
  for (const { adds, removes } of commits) {
    for (const path of removes) live.delete(path)
    for (const add of adds) live.set(add.path, add)
  }
  return live
}

/** What a rival commits that removes every row; or nothing at all. */
export function rivalCommit(live: Iterable<RawAdd>, what: 'deletes' | 'nothing'): Uint8Array {
  const timestamp = Date.now()
  const lines: object[] = [{ commitInfo: { timestamp, operation: 'DELETE', isBlindAppend: false, txnId: `rival-${Math.random()}` } }]
  if (what === 'deletes') {
    for (const { path } of live) {
      lines.push({ remove: { path: encodeURI(path), deletionTimestamp: timestamp, dataChange: true, extendedFileMetadata: false } })
    }
  }
  return new TextEncoder().encode(`${lines.map((line) => JSON.stringify(line)).join('\n')}\n`)
}
