// Bytes of one file by ranges: what a reader needs of a store. Reads are coalesced, and a short answer is an error.
import { corrupt } from './faults.js'

/** A file that can be read in ranges. */
export interface ByteSource {
  readonly sizeBytes: number
  /** Exactly `length` bytes from `offset`; both lie within the file. */
  read(offset: number, length: number, signal?: AbortSignal): Promise<Uint8Array>
}

/** A range of a file: `[start, end)`. */
export interface Range {
  readonly start: number
  readonly end: number
}

// Two ranges nearer than this may be read as one: a request costs more than this many bytes, on disk and over HTTP.
const MAX_GAP_BYTES = 128 * 1024
// All the gaps that are read are at most this part of what is wanted, or this many bytes.
const MAX_WASTE = 0.05
const FREE_WASTE_BYTES = 4096
// One request carries at most this much unless a single range is larger.
const MAX_REQUEST_BYTES = 32 * 2 ** 20

/** A source over bytes in memory. */
export function bytesSource(bytes: Uint8Array): ByteSource {
  return {
    sizeBytes: bytes.length,
    read: async (offset, length) => bytes.subarray(offset, offset + length),
  }
}

/** A source whose last bytes are already here; reads within them cost nothing. */
export function withTail(source: ByteSource, tail: Uint8Array): ByteSource {
  const tailStart = source.sizeBytes - tail.length
  return {
    sizeBytes: source.sizeBytes,
    read: async (offset, length, signal) => {
      if (offset >= tailStart) return tail.subarray(offset - tailStart, offset - tailStart + length)
      return source.read(offset, length, signal)
    },
  }
}

/** Reads a range, with the promise that all of it came. */
export async function readExactly(source: ByteSource, name: string, range: Range, signal: AbortSignal | undefined): Promise<Uint8Array> {
  const length = range.end - range.start
  const bytes = await source.read(range.start, length, signal)
  if (bytes.length !== length) {
    throw corrupt(name, `the file ended early: ${length} bytes wanted at ${range.start}, ${bytes.length} came`, { offset: range.start })
  }
  return bytes
}

/** Reads ranges in any order with few requests; the answer has one view per range, in the order asked. */
export async function readRanges(
  source: ByteSource,
  name: string,
  ranges: readonly Range[],
  signal: AbortSignal | undefined,
): Promise<Uint8Array[]> {
  const requests = planRequests(ranges)
  const views: Uint8Array[] = new Array(ranges.length)
  await Promise.all(
    requests.map(async (request) => {
      const bytes = await readExactly(source, name, request, signal)
      for (const i of request.members) {
        const range = ranges[i] as Range
        views[i] = bytes.subarray(range.start - request.start, range.end - request.start)
      }
    }),
  )
  return views
}

interface Request {
  readonly start: number
  end: number
  readonly members: number[]
}

// Neighbours become one request, the nearest first, as long as little is read that nobody wants.
function planRequests(ranges: readonly Range[]): Request[] {
  const order = ranges.map((_, i) => i).sort((a, b) => (ranges[a] as Range).start - (ranges[b] as Range).start)
  const gaps: { at: number; bytes: number }[] = []
  let wanted = 0
  let reached = 0
  for (const [n, i] of order.entries()) {
    const { start, end } = ranges[i] as Range
    if (n > 0) gaps.push({ at: n, bytes: Math.max(0, start - reached) })
    wanted += end - start
    reached = Math.max(reached, end)
  }
  let waste = Math.max(FREE_WASTE_BYTES, wanted * MAX_WASTE)
  const joined = new Set<number>()
  for (const { at, bytes } of gaps.sort((a, b) => a.bytes - b.bytes)) {
    if (bytes > MAX_GAP_BYTES || bytes > waste) break
    waste -= bytes
    joined.add(at)
  }
  const requests: Request[] = []
  for (const [n, i] of order.entries()) {
    const { start, end } = ranges[i] as Range
    const last = requests.at(-1)
    if (last !== undefined && joined.has(n) && Math.max(end, last.end) - last.start <= MAX_REQUEST_BYTES) {
      last.end = Math.max(last.end, end)
      last.members.push(i)
    } else requests.push({ start, end, members: [i] })
  }
  return requests
}
