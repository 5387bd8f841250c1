// One life of a writer: a process that opens the table and works on it until it is killed. What it was doing in the life before
// it is not told, except for the numbers that it has used up: it finds out what became of its work as a program would.
import fs from 'node:fs'
import { optimize, vacuum } from '../../src/compaction/index.js'
import { isAlluviumError } from '../../src/errors.js'
import { CommitStateUnknownError } from '../../src/log/commit/index.js'
import type { AddFile } from '../../src/log/index.js'
import { parseColumns } from '../../src/schema/index.js'
import { localStorageOn } from '../../src/storage/local.js'
import { memoryStorage } from '../../src/storage/memory.js'
import { createStreamWriter } from '../../src/stream/index.js'
import { createTable, openTable, type Table } from '../../src/table/index.js'
import { randomOf } from '../fuzz/random.js'
import { type Defect, damaged } from './defects.js'
import { IDS_PER_WRITER, LedgerFile, type Rows, streamId } from './ledger.js'
import { type Kill, markedFs } from './marked-fs.js'

export type Role = 'appender' | 'retrier' | 'streamer' | 'overwriter' | 'deleter' | 'checkpointer' | 'compactor' | 'cleaner'

/** What a life is told. */
export interface Life {
  readonly root: string
  readonly ledger: string
  readonly marker: string
  readonly role: Role
  readonly seed: number
  readonly writer: number
  /** Numbers from here on are new: of operations, and of row ids within the writer's range. */
  readonly nextOp: number
  readonly nextRow: number
  /** An operation whose end the life before did not learn. */
  readonly open?: { readonly op: number; readonly rows: Rows; readonly txn?: number }
  readonly kill?: Kill
  /** Ends by itself after so many operations; streams go on to `streamGoal`. */
  readonly operations?: number
  readonly streamGoal?: number
  readonly defect?: Defect
}

type Row = { id: bigint; p: string; pad: string }

const life = JSON.parse(process.argv[2] as string) as Life
const ledger = new LedgerFile(life.ledger)
const marked = markedFs(life.root, life.marker, life.kill)
const storage = damaged(localStorageOn(marked.fs, life.root), life)
const random = randomOf(life.seed, life.nextRow)
let op = life.nextOp
let row = life.nextRow
let done = 0

const ROLES: Readonly<Record<Role, (table: Table<Row, Row>) => Promise<void>>> = {
  appender: async (table) => {
    if (life.defect === 'retries blindly' && life.open !== undefined) await append(table, life.open.rows)
    // Now and then two at once, which may share a commit.
    await Promise.all(Array.from({ length: random.below(5) === 0 ? 2 : 1 }, () => append(table, newRows(1 + random.below(6)))))
  },

  // The same rows again under the same transaction until the library says that they are in, over any number of lives.
  retrier: async (table) => {
    const again = done === 0 ? life.open : undefined
    const rows = again?.rows ?? newRows(1 + random.below(4))
    const txn = again?.txn ?? op
    await attempt({ rows, txn }, async () => {
      const { version, skipped } = await table.append(rowsOf(rows, 'r'), { txn: { appId: `retrier-${life.writer}`, version: BigInt(txn) } })
      return skipped ? undefined : version
    })
  },

  streamer: async (table) => {
    const writer = await createStreamWriter(table, { appId: `stream-${life.writer}`, linger: { ms: 3, rows: 1 + random.below(40) } })
    const next = new Map([0, 1].map((partition) => [partition, resumed(writer.positionOf('topic', partition), partition)]))
    const settled: Promise<unknown>[] = []
    const goal = life.streamGoal ?? Number.POSITIVE_INFINITY
    for (let writes = 0; writes < 60; writes++) {
      const unfinished = [0, 1].filter((each) => (next.get(each) as number) <= goal)
      if (unfinished.length === 0) break
      const partition = random.pick(unfinished)
      const firstOffset = next.get(partition) as number
      const lastOffset = Math.min(firstOffset + random.below(12), goal)
      const rows = Array.from({ length: lastOffset - firstOffset + 1 }, (_, i) =>
        rowOf(streamId(life.writer, partition, firstOffset + i), 's'),
      )
      const ticket = await writer.write(rows, { source: 'topic', partition, firstOffset, lastOffset })
      const told = ({ version }: { version: number }): void => ledger.note({ kind: 'stream', partition, offset: lastOffset, version })
      if (life.defect === 'acks early') told({ version: 0 })
      else settled.push(ticket.committed.then(told))
      next.set(partition, lastOffset + 1)
      if (life.defect === 'keeps positions beside') keepBeside(partition, lastOffset)
    }
    await writer.close()
    await Promise.all(settled)
  },

  overwriter: async (table) => {
    const transaction = await table.transaction()
    await transaction.removeWhere("p = 'o'")
    const rows = newRows(1 + random.below(8))
    await transaction.append(rowsOf(rows, 'o'))
    await attempt({ rows, partition: 'o' }, async () => (await transaction.commit()).version)
  },

  deleter: async (table) => {
    const transaction = await table.transaction()
    const { files } = transaction.base
    const live = [...files.liveRows()].map((each) => files.add(each))
    const chosen: AddFile[] = live.filter(({ path }) => !path.startsWith('p=o/') && random.below(live.length > 80 ? 3 : 12) === 0)
    if (chosen.length === 0) return
    await attempt({ paths: chosen.map(({ path }) => path) }, async () => {
      const { version } = await transaction.removeFiles(chosen).commit({ operation: 'DELETE', operationParameters: {} })
      return version
    })
  },

  checkpointer: async (table) => {
    await append(table, newRows(2))
    const { version } = await table.checkpoint()
    ledger.note({ kind: 'upkeep', what: `checkpoint`, removed: version })
  },

  compactor: async (table) => {
    const { filesRemoved } = await optimize(table)
    ledger.note({ kind: 'upkeep', what: 'optimize', removed: filesRemoved })
    await rest(20)
  },

  cleaner: async (table) => {
    const { paths } = await vacuum(table)
    ledger.note({ kind: 'upkeep', what: 'vacuum', removed: paths.length })
    const cleaned = await table.cleanup()
    ledger.note({ kind: 'upkeep', what: 'cleanup', removed: cleaned.paths.length })
    const leftovers = await storage.cleanLeftovers(86_400_000)
    ledger.note({ kind: 'upkeep', what: 'leftovers', removed: leftovers })
    await rest(100)
  },
}

await main()

async function main(): Promise<void> {
  try {
    const table = await openTable<Row, Row>(storage, {
      onUpkeep: (report) => {
        if (report.kind === 'failure')
          ledger.note({ kind: 'fault', what: `upkeep: ${report.what} of ${report.version}: ${report.error.stack}` })
      },
    })
    await warmUp()
    fs.writeSync(1, 'ready\n')
    marked.arm()
    for (; done < (life.operations ?? Number.POSITIVE_INFINITY); done++) await expected(() => ROLES[life.role](table))
    await table.settled()
  } catch (error) {
    ledger.note({ kind: 'fault', what: textOf(error) })
  }
}

// The first commit of a process takes several times as long as the next, for what has to be loaded: kills are to fall elsewhere.
async function warmUp(): Promise<void> {
  const table = await createTable(memoryStorage(), { schema: parseColumns('id long') })
  await table.append([{ id: 1n }])
}

function append(table: Table<Row, Row>, rows: Rows): Promise<void> {
  return attempt({ rows }, async () => (await table.append(rowsOf(rows, 'ab'[random.below(2)] as string))).version)
}

async function attempt(
  what: { readonly rows?: Rows; readonly paths?: readonly string[]; readonly partition?: string; readonly txn?: number },
  run: () => Promise<number | undefined>,
): Promise<void> {
  const number = op++
  const began = performance.now()
  ledger.note({ kind: 'begin', op: number, ...what })
  if (life.defect === 'acks early') ledger.note({ kind: 'acked', op: number, version: undefined, ms: 1 })
  try {
    const version = await run()
    if (life.defect !== 'acks early') ledger.note({ kind: 'acked', op: number, version, ms: performance.now() - began })
  } catch (error) {
    if (error instanceof CommitStateUnknownError) ledger.note({ kind: 'unknown', op: number })
    else if (isAlluviumError(error, 'COMMIT_CONFLICT')) ledger.note({ kind: 'failed', op: number, code: error.code })
    else throw error
  }
}

// Other writers' changes may well be a conflict while a transaction is prepared.
async function expected(run: () => Promise<void>): Promise<void> {
  try {
    await run()
  } catch (error) {
    if (!isAlluviumError(error, 'COMMIT_CONFLICT')) throw error
  }
}

function rest(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}

function resumed(position: bigint | undefined, partition: number): number {
  if (life.defect === 'keeps positions beside') return keptBeside(partition) + 1
  return Number(position ?? -1n) + 1
}

function besidePath(partition: number): string {
  return `${life.root}-positions-${life.writer}-${partition}`
}

function keepBeside(partition: number, offset: number): void {
  fs.writeFileSync(besidePath(partition), String(offset))
}

function keptBeside(partition: number): number {
  return fs.existsSync(besidePath(partition)) ? Number(fs.readFileSync(besidePath(partition), 'utf8') || -1) : -1
}

function newRows(count: number): Rows {
  const from = life.writer * IDS_PER_WRITER + row
  row += count
  return { from, count }
}

function rowsOf({ from, count }: Rows, p: string): Row[] {
  return Array.from({ length: count }, (_, i) => rowOf(from + i, p))
}

function rowOf(id: number, p: string): Row {
  return { id: BigInt(id), p, pad: `${id} `.repeat(20) }
}

function textOf(error: unknown): string {
  return error instanceof Error ? `${isAlluviumError(error) ? error.code : ''} ${error.stack}` : String(error)
}
