// Figures of campaigns that take too long to run with the suite: kept as JSON beside it, shown on the page of results.
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { specFolder } from './suite.js'

const ANOMALIES = ['lost', 'doubled', 'resurrected', 'false error', 'live file deleted', 'broken log'] as const

const ambiguitySchema = z.record(
  z.string(),
  z.object({
    engine: z.string(),
    version: z.string(),
    store: z.string(),
    date: z.string(),
    commits: z.number(),
    faulted: z.number(),
    committed: z.number(),
    conflicts: z.number(),
    anomalies: z.record(z.enum(ANOMALIES), z.number()),
  }),
)

/** The section about ambiguous commits; nothing where the campaign was never run. */
export function ambiguitySection(table: (head: readonly string[], rows: readonly (readonly string[])[]) => string): string[] {
  const file = join(specFolder, 'ambiguity.json')
  if (!existsSync(file)) return []
  const runs = Object.values(ambiguitySchema.parse(JSON.parse(readFileSync(file, 'utf8'))))
  runs.sort((a, b) => Number(b.engine === 'alluvium') - Number(a.engine === 'alluvium'))
  const rows = runs.map((run) => {
    const wrong = ANOMALIES.map((name) => run.anomalies[name])
    const rate = (1000 * wrong.reduce((sum, count) => sum + count, 0)) / run.commits
    return [
      ...[run.engine, run.version, run.store, run.date, run.commits, run.faulted, run.committed, run.conflicts, ...wrong].map(String),
      rate.toFixed(1),
    ]
  })
  const head = ['engine', 'version', 'store', 'date', 'commits', 'faulted', 'acknowledged', 'conflicts', ...ANOMALIES, 'per 1,000']
  return [
    '## Ambiguous commits',
    '',
    'Commits whose request meets a fault: 500, 503, a reset or silence after it was carried out, an effect that comes late, 409, 412 (in HDFS:',
    '"try again", and a request that comes twice); as an append, an append with a transaction, an overwrite; alone, against a rival that takes',
    'the version, and against one that deletes every row before the writer is back. Over an emulated store on the loopback address; judged by',
    'the log read as plain JSON and the rows read by DuckDB. A false error is one for a commit that is in the table, or that could have been. `npm run ambiguity -- --commits N --engine all --write-results`.',
    '',
    table(head, rows),
    '',
  ]
}
