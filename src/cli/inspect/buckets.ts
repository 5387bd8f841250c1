// Commits by time and operation, for the timeline. Pure.
import type { CommitFacts } from '../../compaction/index.js'
import { humanTime } from '../human.js'
import { labelFits, type Series } from './charts.js'

export interface Timeline {
  readonly series: readonly Series[]
  readonly startMs: number
  readonly bucketMs: number
  readonly ticks: readonly { readonly bucket: number; readonly text: string }[]
}

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR
const WIDTHS: readonly number[] = [
  1000,
  10_000,
  MINUTE,
  5 * MINUTE,
  15 * MINUTE,
  HOUR,
  3 * HOUR,
  6 * HOUR,
  DAY,
  7 * DAY,
  30 * DAY,
  365 * DAY,
]
const MAX_BUCKETS = 84
const MAX_SERIES = 8
const MAX_TICKS = 6

/** The commits in buckets of a round width, by operation; the rarest operations together. */
export function timelineOf(commits: readonly CommitFacts[]): Timeline {
  const times = commits.map(({ timeMs }) => timeMs)
  const first = times.reduce((least, time) => Math.min(least, time), Number.POSITIVE_INFINITY)
  const last = times.reduce((most, time) => Math.max(most, time), Number.NEGATIVE_INFINITY)
  const bucketMs = WIDTHS.find((width) => (last - first) / width < MAX_BUCKETS - 1) ?? Math.ceil((last - first) / MAX_BUCKETS)
  const startMs = Math.floor(first / bucketMs) * bucketMs
  const count = commits.length === 0 ? 1 : Math.floor((last - startMs) / bucketMs) + 1
  const totals = new Map<string, number>()
  for (const { operation = 'unnamed' } of commits) totals.set(operation, (totals.get(operation) ?? 0) + 1)
  const named = [...totals].sort(([a, n], [b, m]) => m - n || (a < b ? -1 : 1)).map(([operation]) => operation)
  const shown = named.length <= MAX_SERIES ? named : named.slice(0, MAX_SERIES - 1)
  const rows = new Map(shown.map((operation) => [operation, new Array<number>(count).fill(0)]))
  const rest = new Array<number>(count).fill(0)
  for (const { operation = 'unnamed', timeMs } of commits) {
    const counts = rows.get(operation) ?? rest
    const at = Math.floor((timeMs - startMs) / bucketMs)
    counts[at] = (counts[at] as number) + 1
  }
  const series: Series[] = [...rows].map(([label, counts]) => ({ label, counts }))
  if (named.length > shown.length) series.push({ label: `${named.length - shown.length} others`, counts: rest })
  return { series, startMs, bucketMs, ticks: ticksOf(startMs, bucketMs, count) }
}

// As many as fit beside each other; the first always.
function ticksOf(startMs: number, bucketMs: number, count: number): Timeline['ticks'] {
  for (let every = Math.max(1, Math.ceil(count / MAX_TICKS)); ; every++) {
    const ticks = ticksEvery(every, startMs, bucketMs, count)
    if (ticks.slice(0, -1).every(({ text }) => labelFits(text, every, count))) return ticks
  }
}

function ticksEvery(every: number, startMs: number, bucketMs: number, count: number): Timeline['ticks'] {
  const ticks: { bucket: number; text: string }[] = []
  for (let bucket = 0; bucket < count; bucket += every) {
    const time = humanTime(startMs + bucket * bucketMs, bucketMs < MINUTE)
    const isSameDay = bucket > 0 && time.slice(0, 10) === humanTime(startMs + (bucket - every) * bucketMs).slice(0, 10)
    ticks.push({ bucket, text: bucketMs >= DAY ? time.slice(0, 10) : isSameDay ? time.slice(11) : time })
  }
  return ticks
}
