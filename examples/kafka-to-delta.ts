// From Kafka to a Delta table, exactly once: the table holds the offsets, in the same commit as the rows.
//   node scripts/run.mjs examples/kafka-to-delta.ts BROKERS TOPIC TABLE [GROUP]
import { createStreamWriter, isAlluviumError, openTable } from 'alluvium'
import { type Consumer, type EachBatchPayload, Kafka, logLevel } from 'kafkajs'

const [brokers = '127.0.0.1:9092', topic = 'events', path = './events', group = 'alluvium'] = process.argv.slice(2)
const table = await openTable(path)
const writer = await createStreamWriter(table, { appId: group, linger: { ms: 500 } })
const consumer = new Kafka({ brokers: brokers.split(','), clientId: 'alluvium', logLevel: logLevel.ERROR }).consumer({ groupId: group, sessionTimeout: 10_000 })
const owned = new Set<number>()

// Whoever is given a partition resumes it where the table stands, not where Kafka remembers the group.
async function takeOver(consumer: Consumer, partitions: readonly number[]): Promise<void> {
  const positions = await writer.assign(partitions.map((partition) => ({ source: topic, partition })))
  owned.clear()
  for (const partition of partitions) {
    const at = positions.find((position) => position.partition === partition)
    consumer.seek({ topic, partition, offset: String((at?.offset ?? -1n) + 1n) })
    owned.add(partition)
  }
}

// What was buffered for partitions that go away is committed, or dropped for their next owner to read again.
async function giveUp(): Promise<void> {
  const partitions = [...owned].map((partition) => ({ source: topic, partition }))
  owned.clear()
  await writer.revoke(partitions, { drainMs: 2000 })
}

async function eachBatch({ batch, heartbeat, isRunning, isStale }: EachBatchPayload): Promise<void> {
  if (!isRunning() || isStale() || !owned.has(batch.partition)) return
  const rows = batch.messages.map((message) => JSON.parse(String(message.value)) as Record<string, unknown>)
  const offsets = batch.messages.map((message) => message.offset)
  const ticket = await writer.write(rows, { source: topic, partition: batch.partition, offsets, lastOffset: batch.lastOffset() })
  await heartbeat()
  // Kafka's own offset follows the table, for the tools that show lag; nothing depends on it.
  ticket.committed
    .then(() => consumer.commitOffsets([{ topic, partition: batch.partition, offset: String(BigInt(batch.lastOffset()) + 1n) }]))
    .catch((error: unknown) => console.error(`commit: ${error instanceof Error ? error.message : error}`))
}

async function stop(status: number): Promise<void> {
  await consumer.disconnect().catch(() => undefined)
  await (status === 0 ? writer.close() : writer.abort())
  process.exit(status)
}

consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => {
  takeOver(consumer, payload.memberAssignment[topic] ?? []).catch((error: unknown) => fail(error))
})
consumer.on(consumer.events.REBALANCING, () => void giveUp())

// Fenced: another owner advanced a partition of ours. Ending is right; a restart resumes from the table.
function fail(error: unknown): void {
  console.error(isAlluviumError(error, 'FENCED') ? `fenced: ${error.message}` : error)
  void stop(1)
}

process.on('SIGTERM', () => void stop(0))
process.on('SIGINT', () => void stop(0))
await consumer.connect()
await consumer.subscribe({ topic, fromBeginning: true })
await consumer.run({ autoCommit: false, eachBatchAutoResolve: true, eachBatch: (payload) => eachBatch(payload).catch(fail) })
