// examples/kafka-to-delta.ts against a real broker: two instances that are killed, frozen, fenced, stopped and started again
// while records flow. In the end every offset is in the table once, says an engine that is not ours.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createStreamWriter, createTable, integer, isAlluviumError, long, openTable, schema, string } from 'alluvium'
import { type Admin, Kafka, logLevel, Partitioners } from 'kafkajs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { bundleExample, ConsumerProcess } from './consumer-process.js'
import { type KafkaBroker, startBroker } from './kafka-broker.js'
import { absent, python } from './peers.js'
import { ReaderProcess, sortLines } from './reader-process.js'

if (absent !== undefined) console.warn(`skipped: ${absent}`)

const PARTITIONS = 6
const RECORDS = 200_000
const CHUNK = 1000
const text = 'x'.repeat(150)

interface Group {
  readonly part: number
  readonly rows: number
  readonly offsets: number
  readonly first: number
  readonly last: number
}

// Any engine's opinion: rows and distinct offsets by partition, and the positions that the log records.
const CHECK = `
from deltalake import DeltaTable, QueryBuilder
import pyarrow as pa
dt = DeltaTable(input["path"])
sql = "select part, count(*) as rows, count(distinct seq) as offsets, min(seq) as first, max(seq) as last from t group by part order by part"
groups = pa.table(QueryBuilder().register("t", dt).execute(sql)).to_pylist()
positions = [dt.transaction_version(app) for app in input["apps"]]
print(json.dumps({"groups": groups, "positions": positions, "version": dt.version()}))
`

describe.skipIf(absent !== undefined)('examples/kafka-to-delta.ts', () => {
  let broker: KafkaBroker
  let program: string
  let folder: string

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'alluvium-kafka-'))
    program = await bundleExample('kafka-to-delta', folder)
    broker = await startBroker()
  })
  afterAll(async () => {
    await broker?.[Symbol.asyncDispose]()
    rmSync(folder, { recursive: true, force: true })
  })

  test('two instances, each killed and started again, one frozen, one fenced, one stopped: every offset is in the table once', async () => {
    const path = join(folder, 'events')
    await createTable(path, { schema: schema({ part: integer().notNull(), seq: long().notNull(), text: string() }) })
    const kafka = new Kafka({ brokers: [broker.bootstrap], logLevel: logLevel.NOTHING })
    const admin = kafka.admin()
    await admin.connect()
    await admin.createTopics({ waitForLeaders: true, topics: [{ topic: 'events', numPartitions: PARTITIONS, replicationFactor: 1 }] })

    const instances = ['a', 'b'].map((name) => new ConsumerProcess(name, [program, broker.bootstrap, 'events', path, 'ingest']))
    const [a, b] = instances as [ConsumerProcess, ConsumerProcess]
    const progress = progressOf(path)
    try {
      for (const instance of instances) instance.start()
      await produce(kafka, disturbances(a, b, path), (settled) => progress.reaches(settled).then(() => stable(admin, instances.length)))
      expect(await a.end('SIGTERM')).toBe(0)
      expect(await b.end('SIGTERM')).toBe(0)
      expect(instances.map(({ crashes }) => crashes)).toEqual([0, 0])
    } catch (error) {
      for (const { name, output } of instances) console.error(`--- ${name}\n${output.slice(-5000)}`)
      throw error
    } finally {
      for (const instance of instances) {
        instance.signal('SIGCONT')
        await instance.end('SIGKILL')
      }
    }

    const ends = (await admin.fetchTopicOffsets('events')).sort((x, y) => x.partition - y.partition).map(({ high }) => Number(high))
    await admin.disconnect()
    expect(ends.reduce((sum, end) => sum + end, 0)).toBe(RECORDS)
    const apps = ends.map((_, partition) => `ingest/events/${partition}`)
    const { groups, positions } = await python<{ groups: Group[]; positions: number[] }>(CHECK, { path, apps })
    expect(groups).toEqual(ends.map((end, part) => ({ part, rows: end, offsets: end, first: 0, last: end - 1 })))
    expect(positions).toEqual(ends.map((end) => end - 1))
  })

  test('transactions: what was aborted is left out, and the gaps it leaves in the offsets lose nothing', async () => {
    const path = join(folder, 'payments')
    const table = await createTable(path, { schema: schema({ part: integer().notNull(), seq: long().notNull(), text: string() }) })
    const kafka = new Kafka({ brokers: [broker.bootstrap], logLevel: logLevel.NOTHING })
    const admin = kafka.admin()
    await admin.connect()
    await admin.createTopics({ waitForLeaders: true, topics: [{ topic: 'payments', numPartitions: 2, replicationFactor: 1 }] })
    await admin.disconnect()
    const instance = new ConsumerProcess('c', [program, broker.bootstrap, 'payments', path, 'ingest'])
    const producer = kafka.producer({
      createPartitioner: Partitioners.DefaultPartitioner,
      transactionalId: 'payments',
      idempotent: true,
      maxInFlightRequests: 1,
    })
    await producer.connect()
    const committed: string[] = []
    const reaches = async (rows: number): Promise<void> => {
      for (const until = Date.now() + 60_000; (await table.scan({ columns: ['seq'] }).count()) < rows; await sleep(100)) {
        if (Date.now() > until) throw new Error(`the table does not reach ${rows} rows\n${instance.output}`)
      }
    }
    try {
      instance.start()
      for (let seq = 0; seq < 30; seq++) {
        const transaction = await producer.transaction()
        const messages = Array.from({ length: 40 }, (_, i) => ({
          partition: i % 2,
          value: JSON.stringify({ part: i % 2, seq: seq * 100 + i, text: null }),
        }))
        await transaction.send({ topic: 'payments', messages })
        if (seq % 3 === 1) await transaction.abort()
        else {
          await transaction.commit()
          committed.push(...messages.map(({ value }) => value))
        }
        if (seq === 15) {
          await reaches(1)
          await instance.end('SIGKILL')
          instance.start()
        }
      }
      await producer.disconnect()
      await reaches(committed.length)
      expect(await instance.end('SIGTERM')).toBe(0)
    } finally {
      await instance.end('SIGKILL')
    }
    await using reader = new ReaderProcess('deltalake')
    expect(await reader.rows(path)).toEqual(sortLines(committed))
  })
})

/** How many offsets the table holds, by its own positions. */
function progressOf(path: string): { reaches(offsets: number): Promise<void> } {
  const table = openTable(path)
  const offsets = async (): Promise<number> => {
    const { positions } = await (await table).snapshot()
    return [...positions.values()].reduce((sum, last) => sum + Number(last) + 1, 0)
  }
  const reaches = async (wanted: number): Promise<void> => {
    for (let last = -1, since = Date.now(); ; ) {
      const now = await offsets()
      if (now >= wanted) return
      if (now !== last) since = Date.now()
      if (Date.now() - since > 60_000) throw new Error(`the table stands still at ${now} offsets, on the way to ${wanted}`)
      last = now
      await sleep(50)
    }
  }
  return { reaches }
}

type Disturbance = (produced: readonly number[]) => Promise<void>

// What happens once so many records are produced, while more follow. A dead member's partitions are given away after its
// session timed out, so kills and frost also mean two rebalances each.
function disturbances(a: ConsumerProcess, b: ConsumerProcess, path: string): ReadonlyMap<number, Disturbance> {
  const killAndRestart = async (instance: ConsumerProcess): Promise<void> => {
    await instance.end('SIGKILL')
    await sleep(1000)
    instance.start()
  }
  return new Map<number, Disturbance>([
    [
      // Of all that happens this is the first: the group is at rest, so nobody but the owner itself brings back what it loses.
      0.1 * RECORDS,
      async (produced) => {
        let intrusions = 0
        for (let part = 0; part < PARTITIONS; part++) if (await intrude(path, part, produced)) intrusions++
        expect(intrusions).toBeGreaterThan(0)
      },
    ],
    [0.3 * RECORDS, () => killAndRestart(a)],
    [0.45 * RECORDS, () => killAndRestart(b)],
    [
      // Frozen for longer than its session: when it wakes up it still has rows of partitions that are somebody else's.
      0.6 * RECORDS,
      async () => {
        a.signal('SIGSTOP')
        await sleep(13_000)
        a.signal('SIGCONT')
      },
    ],
    [
      0.85 * RECORDS,
      async () => {
        expect(await b.end('SIGTERM')).toBe(0)
        await sleep(1000)
        b.start()
      },
    ],
  ])
}

/** Waits until the group has so many members and is not rebalancing. */
async function stable(admin: Admin, members: number): Promise<void> {
  for (const until = Date.now() + 60_000; Date.now() < until; await sleep(100)) {
    const [group] = (await admin.describeGroups(['ingest'])).groups
    if (group?.state === 'Stable' && group.members.length === members) return
  }
  throw new Error(`the group does not settle with ${members} members`)
}

// A stranger with the same name commits records of a partition that another owns: the owner must notice, and go on after
// them. False when the owner was always faster.
async function intrude(path: string, part: number, produced: readonly number[]): Promise<boolean> {
  for (const until = Date.now() + 5000; Date.now() < until; ) {
    await using writer = await createStreamWriter(await openTable(path), { appId: 'ingest' })
    const first = Number(writer.positionOf('events', part) ?? -1n) + 1
    const count = Math.min(100, (produced[part] as number) - first)
    if (count <= 0) {
      await sleep(20)
      continue
    }
    const rows = Array.from({ length: count }, (_, i) => ({ part, seq: first + i, text }))
    try {
      await writer.write(rows, { source: 'events', partition: part, firstOffset: first, lastOffset: first + count - 1 })
      await writer.flush()
      return true
    } catch (error) {
      if (!isAlluviumError(error, 'FENCED')) throw error
    }
  }
  return false
}

/** Produces every record in order. Before a disturbance the last one is over, the group at rest and
 * what was produced nearly all there. */
async function produce(
  kafka: Kafka,
  disturbances: ReadonlyMap<number, Disturbance>,
  settled: (offsets: number) => Promise<void>,
): Promise<void> {
  const producer = kafka.producer({ createPartitioner: Partitioners.DefaultPartitioner, idempotent: true, maxInFlightRequests: 1 })
  await producer.connect()
  const produced = Array.from({ length: PARTITIONS }, () => 0)
  let disturbed: Promise<void> = Promise.resolve()
  for (let sent = 0; sent < RECORDS; sent += CHUNK) {
    const disturb = disturbances.get(sent)
    if (disturb !== undefined) {
      await disturbed
      await settled(sent - 2 * CHUNK)
      disturbed = disturb(produced)
      disturbed.catch(() => undefined)
    }
    const next = [...produced]
    const messages = Array.from({ length: CHUNK }, (_, i) => {
      const partition = (sent + i) % PARTITIONS
      const seq = next[partition] as number
      next[partition] = seq + 1
      return { partition, value: JSON.stringify({ part: partition, seq, text }) }
    })
    await producer.send({ topic: 'events', messages, acks: -1 })
    produced.splice(0, PARTITIONS, ...next)
  }
  await disturbed
  await settled(RECORDS)
  await producer.disconnect()
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
