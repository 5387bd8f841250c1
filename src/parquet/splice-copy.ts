// Ranges of many files copied to one sink, in order: large requests, several at once, in bounded memory. Rule: what arrives at
// the sink is in the order of the jobs, and nothing is held that was written.
import { throwIfAborted } from '../errors.js'
import { type ByteSource, type Range, readExactly } from './source.js'
import type { ByteSink } from './writer.js'

/** Ranges of one file, in ascending order and apart from each other. */
export interface CopyJob {
  readonly name: string
  readonly source: ByteSource
  readonly ranges: readonly CopyRange[]
}

/** A range that goes to the sink, or into memory instead. */
export interface CopyRange extends Range {
  readonly into?: Uint8Array
}

// One request carries at most this much; neighbours this near are read together.
const PIECE_BYTES = 4 * 2 ** 20
const MAX_GAP_BYTES = 64 * 1024
// What is read before it is written, and in how many requests.
const AHEAD_BYTES = 16 * 2 ** 20
const AHEAD_REQUESTS = 16
// Less than this goes to the sink together with what follows.
const GATHER_BYTES = 2 ** 20
const DIRECT_BYTES = 256 * 1024

interface Request extends Range {
  readonly job: CopyJob
  /** Those of the job's ranges that it meets, cut to it or not. */
  readonly ranges: readonly CopyRange[]
}

/** Copies the ranges of the jobs, one after the other. Resolves when the sink has taken everything. */
export async function copyRanges(jobs: Iterable<CopyJob>, sink: ByteSink, signal: AbortSignal | undefined): Promise<void> {
  const requests = plan(jobs)
  const gathered = new GatheringSink(sink)
  const ahead: { request: Request; bytes: Promise<Uint8Array> }[] = []
  let aheadBytes = 0
  let next = requests.next()
  for (;;) {
    while (next.done !== true && ahead.length < AHEAD_REQUESTS) {
      const request = next.value
      const size = request.end - request.start
      if (ahead.length > 0 && aheadBytes + size > AHEAD_BYTES) break
      const bytes = readExactly(request.job.source, request.job.name, request, signal)
      bytes.catch(() => undefined) // Seen in its turn.
      ahead.push({ request, bytes })
      aheadBytes += size
      next = requests.next()
    }
    const first = ahead.shift()
    if (first === undefined) break
    const bytes = await first.bytes
    throwIfAborted(signal, `copying ${first.request.job.name}`)
    await hand(first.request, bytes, gathered)
    aheadBytes -= bytes.length
  }
  await gathered.flush()
}

async function hand(request: Request, bytes: Uint8Array, sink: GatheringSink): Promise<void> {
  for (const { start, end, into } of request.ranges) {
    const from = Math.max(start, request.start)
    const part = bytes.subarray(from - request.start, Math.min(end, request.end) - request.start)
    if (into === undefined) await sink.write(part)
    else into.set(part, from - start)
  }
}

function* plan(jobs: Iterable<CopyJob>): Generator<Request, void, undefined> {
  for (const job of jobs) {
    let run: CopyRange[] = []
    for (const range of job.ranges) {
      const last = run.at(-1)
      if (last !== undefined && range.start - last.end > MAX_GAP_BYTES) {
        yield* pieces(job, run)
        run = []
      }
      if (range.end > range.start) run.push(range)
    }
    yield* pieces(job, run)
  }
}

function* pieces(job: CopyJob, run: readonly CopyRange[]): Generator<Request, void, undefined> {
  const end = run.at(-1)?.end ?? 0
  for (let at = run[0]?.start ?? 0; at < end; ) {
    // A rest that is hardly worth a request of its own goes with the last.
    const to = end - at <= PIECE_BYTES * 1.25 ? end : at + PIECE_BYTES
    const ranges = run.filter((range) => range.start < to && range.end > at)
    yield { job, start: at, end: to, ranges }
    at = to
  }
}

// Small writes become large ones.
class GatheringSink {
  readonly #sink: ByteSink
  #buffer: Uint8Array | undefined
  #filled = 0

  constructor(sink: ByteSink) {
    this.#sink = sink
  }

  async write(bytes: Uint8Array): Promise<void> {
    if (bytes.length >= DIRECT_BYTES) {
      await this.flush()
      await this.#sink.write(bytes)
      return
    }
    if (this.#filled + bytes.length > GATHER_BYTES) await this.flush()
    this.#buffer ??= new Uint8Array(GATHER_BYTES)
    this.#buffer.set(bytes, this.#filled)
    this.#filled += bytes.length
  }

  async flush(): Promise<void> {
    if (this.#buffer === undefined || this.#filled === 0) return
    const filled = this.#filled
    this.#filled = 0
    await this.#sink.write(this.#buffer.subarray(0, filled))
  }
}
