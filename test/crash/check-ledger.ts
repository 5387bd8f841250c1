// What writers were told, compared with what the table holds.
import type { CheckedLog } from './check-log.js'
import { IDS_PER_PARTITION, IDS_PER_WRITER, type Note, type Rows, streamId } from './ledger.js'

export interface Op {
  readonly op: number
  readonly rows: Rows | undefined
  readonly paths: readonly string[] | undefined
  readonly partition: string | undefined
  readonly txn: number | undefined
  outcome: 'open' | 'acked' | 'failed' | 'unknown'
  version: number | undefined
  ms: number
}

/** Everything one writer noted over all its lives. */
export class WriterRecord {
  readonly writer: number
  readonly name: string
  readonly ops = new Map<number, Op>()
  /** By partition, the newest acknowledgement. */
  readonly streamed = new Map<number, { readonly offset: number; readonly version: number }>()
  readonly faults: string[] = []
  readonly upkeep = new Map<string, { times: number; removed: number }>()
  nextOp = 0
  nextRow = 0
  /** The last operation, where its end is not known. */
  open: Op | undefined
  streamAcks = 0

  constructor(writer: number, name: string) {
    this.writer = writer
    this.name = name
  }

  take(notes: readonly Note[]): void {
    for (const note of notes) this.#note(note)
  }

  #note(note: Note): void {
    switch (note.kind) {
      case 'begin': {
        const { op, rows, paths, partition, txn } = note
        this.open = { op, rows, paths, partition, txn, outcome: 'open', version: undefined, ms: 0 }
        this.ops.set(op, this.open)
        this.nextOp = Math.max(this.nextOp, op + 1)
        if (rows !== undefined) this.nextRow = Math.max(this.nextRow, rows.from + rows.count - this.writer * IDS_PER_WRITER)
        return
      }
      case 'stream': {
        const { partition, offset, version } = note
        this.streamAcks++
        if (offset > (this.streamed.get(partition)?.offset ?? -1)) this.streamed.set(partition, { offset, version })
        return
      }
      case 'upkeep': {
        const so = this.upkeep.get(note.what) ?? { times: 0, removed: 0 }
        this.upkeep.set(note.what, { times: so.times + 1, removed: so.removed + note.removed })
        return
      }
      case 'fault':
        this.faults.push(`${this.name} met ${note.what}`)
        return
      default: {
        const op = this.ops.get(note.op) as Op
        if (this.open === op) this.open = undefined
        op.outcome = note.kind
        if (note.kind === 'acked') Object.assign(op, { version: note.version, ms: note.ms })
      }
    }
  }
}

/** All promises that the table does not keep. `allDead`: nobody is at work whose notes are not read yet. */
export function brokenPromises(log: CheckedLog, records: readonly WriterRecord[], allDead: boolean): string[] {
  const faults = [...log.faults, ...records.flatMap((record) => record.faults)]
  const asked = new Set<string>()
  for (const record of records) {
    // The same rows under one transaction may be tried by several operations: one of them is in.
    for (const op of record.ops.values()) {
      for (const path of op.paths ?? []) asked.add(path)
      faults.push(...brokenBy(log, record, op))
    }
    for (const [partition, acked] of record.streamed) faults.push(...lostFromStream(log, record, partition, acked))
  }
  faults.push(...brokenStreams(log))
  for (const { version, removed } of log.commits.values()) {
    for (const path of allDead ? removed : [])
      if (!asked.has(path) && !path.startsWith('p=o/')) faults.push(`version ${version} removes ${path}, which nobody asked for`)
  }
  return faults
}

function brokenBy(log: CheckedLog, record: WriterRecord, op: Op): string[] {
  const name = `${record.name}'s operation ${op.op}`
  const faults: string[] = []
  if (op.rows !== undefined) {
    const ids = Array.from({ length: op.rows.count }, (_, i) => (op.rows as Rows).from + i)
    const versions = new Set(ids.map((id) => log.broughtBy.get(id)))
    const [at] = versions
    if (versions.size > 1) faults.push(`${name} is in the table in part`)
    else if (op.outcome === 'acked' && at === undefined) faults.push(`${name} was acknowledged at version ${op.version}, and is lost`)
    else if (op.outcome === 'acked' && op.version !== undefined && at !== op.version)
      faults.push(`${name} is in version ${at}, not in ${op.version} as was said`)
    else if (op.outcome === 'failed' && at !== undefined) faults.push(`${name} was said to have failed, and is in version ${at}`)
    if (op.outcome === 'acked' && op.partition !== undefined && op.version !== undefined) {
      const left = [...(log.commits.get(op.version)?.overwritten ?? [])].sort((a, b) => a - b)
      if (left.join() !== ids.join()) faults.push(`${name} left ${left.length} rows in its partition, not its own ${ids.length}`)
    }
  }
  if (op.paths !== undefined && op.outcome === 'acked' && op.version !== undefined) {
    const removed = log.commits.get(op.version)?.removed
    for (const path of op.paths) if (removed?.has(path) !== true) faults.push(`${name} was to remove ${path} at ${op.version} and did not`)
    if (removed?.size !== op.paths.length) faults.push(`${name} removes ${removed?.size} files, not ${op.paths.length}`)
  }
  return faults
}

function lostFromStream(
  log: CheckedLog,
  record: WriterRecord,
  partition: number,
  { offset, version }: { readonly offset: number; readonly version: number },
): string[] {
  const at = log.broughtBy.get(streamId(record.writer, partition, offset))
  if (at !== undefined && at <= version) return []
  return [`${record.name}'s offset ${offset} of partition ${partition} was acknowledged at version ${version}, and is in ${at}`]
}

// Every offset up to the table's own position is there, in the version that moved the position past it, and none beyond it.
function brokenStreams(log: CheckedLog): string[] {
  const faults: string[] = []
  const highest = new Map<string, number>()
  for (const [appId, states] of log.positions) {
    const found = /^stream-(\d+)\/topic\/(\d+)$/.exec(appId)
    if (found === null) continue
    const [writer, partition] = [Number(found[1]), Number(found[2])]
    let offset = 0
    for (const { version, position } of states) {
      for (; offset <= position; offset++) {
        const at = log.broughtBy.get(streamId(writer, partition, offset))
        if (at !== version) faults.push(`offset ${offset} of ${appId} is in version ${at}, its position is of ${version}`)
      }
    }
    highest.set(`${writer}/${partition}`, offset - 1)
  }
  for (const [id, version] of log.broughtBy) {
    const writer = Math.floor(id / IDS_PER_WRITER)
    const partition = Math.floor((id % IDS_PER_WRITER) / IDS_PER_PARTITION)
    const end = highest.get(`${writer}/${partition}`)
    if (end !== undefined && id % IDS_PER_PARTITION > end)
      faults.push(`row ${id} of a stream came in ${version}, beyond its position ${end}`)
  }
  return faults
}
