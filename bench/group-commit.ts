// Group commit: eight writers of one process append one row at a time to a table on a store whose every request takes 60 ms.
// Logical commits a second, as a ratio against the same appends with a version each, measured in turns.
//   node scripts/run.mjs bench/group-commit.ts [--json] [--seconds N] [--rounds N] [--writers N] [--each N] [--latency MS]
import { createTable, long, memoryStorage, openTable, type Storage, schema, string } from 'alluvium'

const args = process.argv.slice(2)
const option = (name: string, fallback: number): number => (args.includes(name) ? Number(args[args.indexOf(name) + 1]) : fallback)
const SECONDS = option('--seconds', 5)
const ROUNDS = option('--rounds', 3)
const WRITERS = option('--writers', 8)
/** Appends that one writer has on their way at a time: what it does not wait for, as a server that answers many requests. */
const EACH = option('--each', 8)
const LATENCY_MS = option('--latency', 60)

const rows = schema({ id: long(), writer: string() })

/** Every request of the store takes as long as a round trip; the requests of one moment do not wait for one another. */
function distant(inner: Storage): Storage {
  const away = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, LATENCY_MS))
  const slow =
    <A extends unknown[], R>(call: (...args: A) => Promise<R>) =>
    async (...args: A): Promise<R> => {
      await away()
      return call(...args)
    }
  return {
    location: inner.location,
    capabilities: inner.capabilities,
    read: slow(inner.read.bind(inner)),
    readRange: slow(inner.readRange.bind(inner)),
    stat: slow(inner.stat.bind(inner)),
    async *list(...args) {
      await away()
      yield* inner.list(...args)
    },
    create: slow(inner.create.bind(inner)),
    put: slow(inner.put.bind(inner)),
    // One request: the bytes are sent when the object is closed.
    async write(path, options) {
      const writer = await inner.write(path, options)
      return {
        write: (bytes) => writer.write(bytes),
        close: slow(() => writer.close()),
        abort: () => writer.abort(),
      }
    },
    delete: slow(inner.delete.bind(inner)),
  } as Storage
}

async function run(shareCommit: boolean): Promise<{ perSecond: number; versions: number; commits: number }> {
  const storage = memoryStorage()
  await createTable(storage, { schema: rows })
  const far = distant(storage)
  const table = await openTable(far)
  let commits = 0
  const end = performance.now() + SECONDS * 1000
  const lane = async (writer: string): Promise<void> => {
    while (performance.now() < end) {
      await table.append([{ id: commits, writer }], { shareCommit })
      commits++
    }
  }
  const start = performance.now()
  await Promise.all(Array.from({ length: WRITERS * EACH }, (_, i) => lane(`w${i % WRITERS}`)))
  const seconds = (performance.now() - start) / 1000
  const read = await openTable(storage)
  const count = await read.scan().count()
  if (count !== commits) throw new Error(`${count} rows in the table, ${commits} appends were acknowledged`)
  return { perSecond: commits / seconds, versions: (await read.snapshot()).version, commits }
}

const shared: number[] = []
const alone: number[] = []
let perVersion = 0
for (let round = 0; round < ROUNDS; round++) {
  const group = await run(true)
  shared.push(group.perSecond)
  perVersion = group.commits / group.versions
  alone.push((await run(false)).perSecond)
}
const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] as number
const result = {
  bench: 'group-commit',
  writers: WRITERS,
  appendsInFlightEach: EACH,
  latencyMs: LATENCY_MS,
  sharedPerSecond: Number(median(shared).toFixed(1)),
  alonePerSecond: Number(median(alone).toFixed(1)),
  ratio: Number((median(shared) / median(alone)).toFixed(1)),
  logicalCommitsPerVersion: Number(perVersion.toFixed(1)),
  goals: { sharedPerSecond: '>= 200' },
}
console.log(args.includes('--json') ? JSON.stringify(result) : result)
