// Those who add and remove rows.
import type { AddFile } from '../../../src/log/index.js'
import { createStreamWriter } from '../../../src/stream/index.js'
import { hasRow, streamId } from '../ledger.js'
import { type Actor, attempt, below, chance, expected, open, patience, rest, rowOf, rowsOf, type SimTable, type Stage } from '../stage.js'

export const appender: Actor = async (stage) => {
  const table = await open(stage)
  if (table === undefined) return
  while (!stage.isOver()) {
    await rest(stage, stage.traits.isCrowded ? 30 : 250)
    // Now and then two at once, which may share a commit.
    const times = chance(stage, 4) ? 2 : 1
    await Promise.all(
      Array.from({ length: times }, async () => {
        const op = stage.ledger.begin('append', stage.process.name, 1 + below(stage, 4))
        await attempt(stage, op, async () => (await table.append(rowsOf(stage, op.ids), patience(stage))).version)
      }),
    )
  }
}

/** The same rows again under the same transaction until the library says that they are in, whatever it said before. */
export const retrier: Actor = async (stage) => {
  const table = await open(stage)
  if (table === undefined) return
  for (let n = 0n; !stage.isOver(); n++) {
    await rest(stage, 400)
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
}

export const overwriter: Actor = async (stage) => {
  const table = await open(stage)
  if (table === undefined) return
  while (!stage.isOver()) {
    await rest(stage, 3000)
    const op = stage.ledger.begin('overwrite', stage.process.name, 1 + below(stage, 5))
    await attempt(stage, op, async () => (await table.overwrite(rowsOf(stage, op.ids), patience(stage))).version)
  }
}

export const deleter: Actor = async (stage) => {
  const table = await open(stage)
  if (table === undefined) return
  while (!stage.isOver()) {
    await rest(stage, 1000)
    if (stage.traits.isPartitioned && chance(stage, 2)) await emptyPartition(stage, table)
    else await removeSome(stage, table)
  }
}

async function removeSome(stage: Stage, table: SimTable): Promise<void> {
  const transaction = await expected(stage, () => table.begin())
  if (transaction === undefined) return
  const { files } = transaction.base
  const rows = [...files.liveRows()].filter(() => chance(stage, 3))
  if (rows.length === 0) return
  if ((await expected(stage, () => files.loadStats().then(() => true))) === undefined) return
  const chosen: AddFile[] = rows.map((row) => files.add(row))
  const op = stage.ledger.begin('delete', stage.process.name, 0)
  op.paths = chosen.map(({ path }) => path)
  await attempt(stage, op, async () => {
    const { version } = await transaction.removeFiles(chosen).commit({ operation: 'DELETE', operationParameters: {} }, patience(stage))
    return version
  })
}

async function emptyPartition(stage: Stage, table: SimTable): Promise<void> {
  const transaction = await expected(stage, () => table.begin())
  if (transaction === undefined) return
  const partition = `p${below(stage, 3)}`
  const removed = await expected(stage, () => transaction.removeWhere(`p = '${partition}'`))
  if (removed === undefined || removed.numFiles === 0) return
  const op = stage.ledger.begin('delete', stage.process.name, 0)
  op.partition = partition
  await attempt(stage, op, async () => (await transaction.commit({}, patience(stage))).version)
}

export const streamer: Actor = async (stage) => {
  const table = await open(stage)
  if (table === undefined) return
  while (!stage.isOver()) {
    await rest(stage, 500)
    await expected(stage, () => streamFor(stage, table))
  }
}

const PARTITIONS = [0, 1]

// One life of a consumer: it resumes where the table says, sends what follows, and sometimes a part of it again.
async function streamFor(stage: Stage, table: SimTable): Promise<void> {
  const writer = await createStreamWriter(table, { appId: 'stream', linger: { ms: 50 + below(stage, 400), rows: 1 + below(stage, 30) } })
  const next = new Map(PARTITIONS.map((partition) => [partition, Number(writer.positionOf('topic', partition) ?? -1n) + 1]))
  const settled: Promise<void>[] = []
  try {
    for (let writes = 1 + below(stage, 12); writes > 0 && !stage.isOver(); writes--) {
      const partition = PARTITIONS[below(stage, PARTITIONS.length)] as number
      const from = Math.max(0, (next.get(partition) as number) - (chance(stage, 4) ? below(stage, 4) : 0))
      const to = from + below(stage, 6)
      const offsets = Array.from({ length: to - from + 1 }, (_, i) => from + i).filter(hasRow)
      const rows = offsets.map((offset) => rowOf(streamId(partition, offset), 's'))
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

/** Changes what files are written under, and turns on what makes commits carry their own time. */
export const setter: Actor = async (stage) => {
  const table = await open(stage)
  if (table === undefined) return
  for (let n = 0; !stage.isOver(); n++) {
    await rest(stage, 2500)
    const later = stage.traits.inCommitTimestamps === 'later' && chance(stage, 2)
    const properties: Record<string, string> = later
      ? { 'delta.enableInCommitTimestamps': 'true' }
      : { 'simulation.note': `${stage.process.name} ${n}` }
    await expected(stage, () => table.setProperties(properties, patience(stage)))
  }
}
