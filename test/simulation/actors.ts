// What the simulated processes do, with nothing but the public surface of the library. An actor notes what it means to do
// before it does it, and what it was told afterwards; a crash leaves the second out.
import { AlluviumError, isAlluviumError } from '../../src/errors.js'
import { CommitStateUnknownError } from '../../src/log/commit/index.js'
import type { AddFile } from '../../src/log/index.js'
import type { Storage } from '../../src/storage/storage.js'
import { createStreamWriter } from '../../src/stream/index.js'
import { openTable, type Table } from '../../src/table/index.js'
import { hasRow, type Ledger, type Op, streamId } from './ledger.js'
import type { SimProcess } from './process.js'

/** What an actor works with. A new process of the same role goes on with the same `memory`. */
export interface Stage {
  readonly process: SimProcess
  readonly storage: Storage
  readonly ledger: Ledger
  /** Whether no more work is to be begun. */
  isOver(): boolean
  /** Commits whose outcome was unknown, to be asked about in the end. */
  readonly doubts: { readonly op: Op; readonly error: CommitStateUnknownError; readonly process: SimProcess }[]
}

export type Role = 'appender' | 'retrier' | 'overwriter' | 'deleter' | 'streamer' | 'reader'
export type Actor = (stage: Stage) => Promise<void>

type Row = { id: bigint; w: string }

/** Codes that a store's faults, other writers and a lost answer may well lead to. Any other is a fault of the library. */
const EXPECTED = ['STORAGE_UNAVAILABLE', 'COMMIT_CONFLICT', 'COMMIT_STATE_UNKNOWN', 'FENCED'] as const

export const ACTORS: Readonly<Record<Role, Actor>> = {
  appender: async (stage) => {
    const table = await open(stage)
    if (table === undefined) return
    while (!stage.isOver()) {
      await rest(stage, 200)
      // Now and then two at once, which may share a commit.
      const times = chance(stage, 4) ? 2 : 1
      await Promise.all(
        Array.from({ length: times }, async () => {
          const op = stage.ledger.begin('append', stage.process.name, 1 + below(stage, 4))
          await attempt(stage, op, async () => (await table.append(rowsOf(stage, op.ids), patience(stage))).version)
        }),
      )
    }
  },

  // The same rows again under the same transaction until the library says that they are in, whatever it said before.
  retrier: async (stage) => {
    const table = await open(stage)
    if (table === undefined) return
    for (let n = 0n; !stage.isOver(); n++) {
      await rest(stage, 300)
      const op = stage.ledger.begin('append', stage.process.name, 1 + below(stage, 3))
      const txn = { appId: `retrier-${stage.process.name}`, version: n }
      for (;;) {
        const outcome = await attempt(stage, op, async () => {
          const { version, skipped } = await table.append(rowsOf(stage, op.ids), { txn, ...patience(stage) })
          return skipped ? undefined : version
        })
        if (outcome === 'acked') break
        // It is tried again: nothing is certain until it is in.
        op.outcome = 'open'
        if (stage.isOver()) return
        await rest(stage, 500)
      }
    }
  },

  overwriter: async (stage) => {
    const table = await open(stage)
    if (table === undefined) return
    while (!stage.isOver()) {
      await rest(stage, 3000)
      const op = stage.ledger.begin('overwrite', stage.process.name, 1 + below(stage, 5))
      await attempt(stage, op, async () => (await table.overwrite(rowsOf(stage, op.ids), patience(stage))).version)
    }
  },

  deleter: async (stage) => {
    const table = await open(stage)
    if (table === undefined) return
    while (!stage.isOver()) {
      await rest(stage, 1000)
      const transaction = await expected(stage, () => table.begin())
      if (transaction === undefined) continue
      const { files } = transaction.base
      const rows = [...files.liveRows()].filter(() => chance(stage, 3))
      if (rows.length === 0) continue
      const chosen: AddFile[] = rows.map((row) => files.add(row))
      const op = stage.ledger.begin('delete', stage.process.name, 0)
      op.paths = chosen.map(({ path }) => path)
      await attempt(stage, op, async () => {
        const { version } = await transaction.removeFiles(chosen).commit({ operation: 'DELETE', operationParameters: {} }, patience(stage))
        return version
      })
    }
  },

  streamer: async (stage) => {
    const table = await open(stage)
    if (table === undefined) return
    while (!stage.isOver()) {
      await rest(stage, 500)
      await expected(stage, () => streamFor(stage, table))
    }
  },

  reader: async (stage) => {
    const table = await open(stage)
    if (table === undefined) return
    while (!stage.isOver()) {
      await rest(stage, 800)
      const beganMs = stage.process.world.nowMs
      await expected(stage, async () => {
        const latest = await table.snapshot()
        const asked = latest.version > 0 && chance(stage, 3)
        const snapshot = asked ? await table.snapshot({ version: below(stage, latest.version + 1) }) : latest
        const rows = await snapshot.scan({ columns: ['id'] }).toArray()
        const ids = rows.map(({ id }) => Number(id as bigint))
        stage.ledger.sightings.push({ by: stage.process.name, version: snapshot.version, ids, beganMs, asked })
      })
    }
  },
}

const PARTITIONS = [0, 1]

// One life of a consumer: it resumes where the table says, sends what follows, and sometimes a part of it again.
async function streamFor(stage: Stage, table: Table<Row, Row>): Promise<void> {
  const writer = await createStreamWriter(table, { appId: 'stream', linger: { ms: 50 + below(stage, 400), rows: 1 + below(stage, 30) } })
  const next = new Map(PARTITIONS.map((partition) => [partition, Number(writer.positionOf('topic', partition) ?? -1n) + 1]))
  const settled: Promise<void>[] = []
  try {
    for (let writes = 1 + below(stage, 12); writes > 0 && !stage.isOver(); writes--) {
      const partition = PARTITIONS[below(stage, PARTITIONS.length)] as number
      const from = Math.max(0, (next.get(partition) as number) - (chance(stage, 4) ? below(stage, 4) : 0))
      const to = from + below(stage, 6)
      const offsets = Array.from({ length: to - from + 1 }, (_, i) => from + i).filter(hasRow)
      const rows = offsets.map((offset) => ({ id: BigInt(streamId(partition, offset)), w: 's' }))
      const ticket = await writer.write(rows, { source: 'topic', partition, firstOffset: from, lastOffset: to, offsets })
      next.set(partition, Math.max(next.get(partition) as number, to + 1))
      settled.push(
        ticket.committed.then(
          ({ version }) => stage.ledger.streamAcks.push(...offsets.map((offset) => ({ partition, offset, version }))) as never,
          () => undefined,
        ),
      )
      await rest(stage, 150)
    }
    if (chance(stage, 5)) await writer.abort()
    else await writer.close()
  } finally {
    await writer.abort()
    await Promise.all(settled)
  }
}

// Undefined when work is over before the network lets it happen.
async function open(stage: Stage): Promise<Table<Row, Row> | undefined> {
  while (!stage.isOver()) {
    const table = await expected(stage, () => openTable<Row, Row>(stage.storage, { runtime: stage.process.runtime }))
    if (table !== undefined) return table
    await rest(stage, 300)
  }
  return undefined
}

// Runs a commit and takes down how it ended.
async function attempt(stage: Stage, op: Op, run: () => Promise<number | undefined>): Promise<Op['outcome']> {
  try {
    op.version = await run()
    op.outcome = 'acked'
    stage.process.world.note(`${stage.process.name} ${op.kind} ${op.number} acked at ${op.version}`)
  } catch (error) {
    complain(stage, error)
    if (error instanceof CommitStateUnknownError) stage.doubts.push({ op, error, process: stage.process })
    op.outcome = isAlluviumError(error) && (error.facts.committed === false || error.code === 'COMMIT_CONFLICT') ? 'failed' : 'unknown'
    stage.process.world.note(
      `${stage.process.name} ${op.kind} ${op.number} ${op.outcome}: ${error instanceof AlluviumError ? error.code : error}`,
    )
  }
  return op.outcome
}

async function expected<T>(stage: Stage, run: () => Promise<T>): Promise<T | undefined> {
  try {
    return await run()
  } catch (error) {
    complain(stage, error)
    return undefined
  }
}

function complain(stage: Stage, error: unknown): void {
  if (isAlluviumError(error, ...EXPECTED)) return
  stage.ledger.faults.push(
    `${stage.process.name} met ${error instanceof AlluviumError ? error.code : ''} ${(error as Error)?.stack ?? error}`,
  )
}

// Some callers wait for an outcome, others soon have enough of it: those are left in doubt now and then.
function patience(stage: Stage): { timeoutMs?: number; graceMs?: number; maxAttempts?: number } {
  return chance(stage, 2) ? {} : { timeoutMs: 1 + below(stage, 3000), graceMs: 1 + below(stage, 300), maxAttempts: 1 + below(stage, 4) }
}

function rowsOf(stage: Stage, ids: readonly number[]): Row[] {
  return ids.map((id) => ({ id: BigInt(id), w: stage.process.name }))
}

function rest(stage: Stage, ms: number): Promise<void> {
  return stage.process.runtime.sleep(stage.process.world.between(1, 2 * ms))
}

function below(stage: Stage, count: number): number {
  return stage.process.world.random.below(count)
}

function chance(stage: Stage, oneIn: number): boolean {
  return stage.process.world.random.oneIn(oneIn)
}
