// The section about crashes and power loss on the page of results, from what the last campaigns left: crash.json.
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { specFolder } from './suite.js'

const crashSchema = z.object({
  crashes: z.array(
    z.object({
      date: z.string(),
      command: z.string(),
      kills: z.number(),
      phases: z.number(),
      versions: z.number(),
      acknowledged: z.number(),
      streamAcknowledged: z.number(),
      between: z.number(),
      deltaRsReadings: z.number(),
      faults: z.number(),
      seconds: z.number(),
      where: z.record(z.string(), z.number()),
    }),
  ),
  powerLosses: z.array(
    z.object({
      date: z.string(),
      command: z.string(),
      images: z.number(),
      runs: z.number(),
      versions: z.number(),
      changes: z.number(),
      syncs: z.number(),
      broken: z.number(),
      seconds: z.number(),
    }),
  ),
  syncs: z.array(z.object({ engine: z.string(), commits: z.number(), syncs: z.number() })),
})

type Table = (head: readonly string[], rows: readonly (readonly string[])[]) => string

/** Nothing where the campaigns were never run. */
export function crashSection(table: Table): string[] {
  const file = join(specFolder, 'crash.json')
  if (!existsSync(file)) return []
  const { crashes, powerLosses, syncs } = crashSchema.parse(JSON.parse(readFileSync(file, 'utf8')))
  const where = Object.entries(crashes[0]?.where ?? {}).map(([phase, count]) => [phase, String(count)])
  return [
    '## Crashes and power loss',
    '',
    'Eight writers (appends, appends with a transaction, streams with positions, overwrites of a partition, deletes, checkpoints), a compactor',
    'and a cleaner as processes on one table of a real file system, each killed by SIGKILL again and again. A fault is a row that was',
    'acknowledged and is lost, one that is there twice, a version that is torn or missing, a stream that does not go on where the table says, a',
    'file of no known kind, or a reading by a fresh process or by delta-rs that differs from the log read as plain JSON.',
    '',
    table(
      ['command', 'date', 'kills', 'faults', 'versions', 'acknowledged', 'by streams', 'killed in between', 'read by delta-rs', 'seconds'],
      crashes.map((run) => [
        `\`${run.command}\``,
        run.date,
        ...[
          run.kills,
          run.faults,
          run.versions,
          run.acknowledged,
          run.streamAcknowledged,
          run.between,
          run.deltaRsReadings,
          run.seconds,
        ].map(String),
      ]),
    ),
    '',
    'Two cores, shared with other work. Where the kills of the first fell:',
    '',
    table(['phase', 'kills'], where),
    '',
    'Power loss: every kind of commit and of upkeep is recorded on a real file system; what may be found after the power went at any of its',
    'moments is made and opened. Bytes that were not synced are dropped, torn, zeros, or there; names that were not synced are there or not, one',
    'by one, or up to a point of their order. A promise is broken where an acknowledged version is not there or reads otherwise, a commit is not',
    'whole, or a writer cannot go on.',
    '',
    table(
      ['command', 'date', 'images', 'broken promises', 'runs', 'versions', 'recorded changes', 'syncs', 'seconds'],
      powerLosses.map((run) => [
        `\`${run.command}\``,
        run.date,
        ...[run.images, run.broken, run.runs, run.versions, run.changes, run.syncs, run.seconds].map(String),
      ]),
    ),
    '',
    'What a commit on the local file system waits for, counted by strace:',
    '',
    table(
      ['engine', 'commits', 'fsync, fdatasync'],
      syncs.map(({ engine, commits, syncs: count }) => [engine, String(commits), String(count)]),
    ),
    '',
  ]
}
