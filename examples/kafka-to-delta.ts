// From Kafka to a Delta table, exactly once: the table holds the offsets, in the same commit as the rows.
//   node scripts/run.mjs examples/kafka-to-delta.ts BROKERS TOPIC TABLE [GROUP]
import { createStreamWriter, isAlluviumError, openTable, type StreamWriter } from 'alluvium'
import { type EachBatchPayload, Kafka, logLevel } from 'kafkajs'

const [brokers = '127.0.0.1:9092', topic = 'events', path = './events', group = 'alluvium'] = process.argv.slice(2)
const table = await openTable(path)
const kafka = new Kafka({ brokers: brokers.split(','), clientId: 'alluvium', logLevel: logLevel.ERROR })
const consumer = kafka.consumer({ groupId: group, sessionTimeout: 10_000, maxWaitTimeInMs: 1000 })

// One writer for each assignment of partitions: it begins where the table stands, whatever Kafka remembers of the group.
let assigned: readonly number[] = []
let tenure: { readonly writer: StreamWriter; readonly partitions: readonly number[] } | undefined
let turn: Promise<void> = Promise.resolve()

function assign(partitions: readonly number[]): Promise<void> {
  assigned = partitions
  turn = turn.then(takeTurn).catch(fail) // one after another, however fast the group changes its mind
  return turn
}

async function takeTurn(): Promise<void> {
  const last = tenure
  tenure = undefined // from here on batches are left alone: the seek below, or the next owner, brings them again
  await last?.writer.revoke(
    last.partitions.map((partition) => ({ source: topic, partition })),
    { drainMs: 2000 },
  )
  await last?.writer.abort()
  const partitions = assigned
  if (partitions.length === 0) return
  // Kafka's own offsets follow the table, for the tools that show lag. Nothing depends on them.
  const next = (partition: number): string => String((writer.positionOf(topic, partition) ?? -1n) + 1n)
  const report = (): unknown =>
    consumer.commitOffsets(partitions.map((partition) => ({ topic, partition, offset: next(partition) }))).catch(() => undefined)
  const writer = await createStreamWriter(table, { appId: group, linger: { ms: 500 }, onCommit: report })
  for (const partition of partitions) consumer.seek({ topic, partition, offset: next(partition) })
  tenure = { writer, partitions }
}

async function eachBatch({ batch, isStale }: EachBatchPayload): Promise<void> {
  const mine = tenure
  if (mine === undefined || isStale() || !mine.partitions.includes(batch.partition)) return
  const onFailure = (error: unknown): void => {
    if (mine !== tenure) return // of an assignment that is over
    tenure = undefined
    if (isAlluviumError(error, 'FENCED'))
      void assign(assigned) // another owner was faster: go on from where the table stands now
    else fail(error)
  }
  try {
    const rows = batch.messages.map((message) => JSON.parse(String(message.value)) as Record<string, unknown>)
    const offsets = batch.messages.map((message) => message.offset)
    const ticket = await mine.writer.write(rows, { source: topic, partition: batch.partition, offsets, lastOffset: batch.lastOffset() })
    ticket.committed.catch(onFailure)
  } catch (error) {
    onFailure(error)
  }
}

// Commits what is buffered before the group hears of our leaving, so that the next owner need not read it again.
async function stop(status: number): Promise<void> {
  await assign([])
  await consumer.disconnect().catch(() => undefined)
  process.exit(status)
}

function fail(error: unknown): void {
  console.error(error)
  void stop(1)
}

consumer.on(consumer.events.REBALANCING, () => void assign([]))
consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => void assign(payload.memberAssignment[topic] ?? []))
consumer.on(consumer.events.CRASH, ({ payload }) => payload.restart || fail(payload.error))
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => void stop(0))
await consumer.connect()
await consumer.subscribe({ topic, fromBeginning: true })
await consumer.run({ autoCommit: false, eachBatch })
