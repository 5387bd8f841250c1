// The section about interleavings on the page of results, from what the last campaign left: interleavings.json.
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { specFolder } from './suite.js'

const campaignSchema = z.object({
  date: z.string(),
  commit: z.string(),
  seconds: z.number(),
  scenes: z.number(),
  violations: z.number(),
  parts: z.array(z.object({ part: z.string(), scenes: z.number(), schedules: z.number(), distinct: z.number(), withFaults: z.number() })),
  /** Distinct schedules by `FIRST|SECOND`. */
  pairs: z.record(z.string(), z.number()),
  matrix: z.object({ cells: z.number(), disagreements: z.number(), unexplained: z.number(), explained: z.record(z.string(), z.number()) }),
})

export type InterleavingsCampaign = z.infer<typeof campaignSchema>

const PARTS: Readonly<Record<string, string>> = {
  pairs: 'both hold the table already and look for news',
  opening: 'both open the table first',
  hasty: 'both put once and give up soon',
}

/** Nothing where the campaign was never run. */
export function interleavingsSection(table: (head: readonly string[], rows: readonly (readonly string[])[]) => string): string[] {
  const file = join(specFolder, 'interleavings.json')
  if (!existsSync(file)) return []
  const campaign = campaignSchema.parse(JSON.parse(readFileSync(file, 'utf8')))
  const { parts, pairs, matrix } = campaign
  const sum = (what: 'schedules' | 'distinct' | 'withFaults'): number => parts.reduce((total, part) => total + part[what], 0)
  const names = [...new Set(Object.keys(pairs).flatMap((pair) => pair.split('|')))]
  const grid = names.map((first, i) => [first, ...names.map((second, j) => (j < i ? '' : String(pairs[`${first}|${second}`] ?? '')))])
  const explained = Object.entries(matrix.explained).map(([name, count]) => `${name} ${count}`)
  return [
    '## Interleavings',
    '',
    'Two operations on one table, in every order of their steps at the store, with crashes, lost answers and late landings: what is held',
    `against what is said in [conflict-matrix.md](conflict-matrix.md). \`npm run interleavings -- --all --write-results\` on ${campaign.date}, commit`,
    `${campaign.commit}: **${sum('distinct')} distinct schedules** (${sum('schedules')} run, ${sum('withFaults')} of them with something going wrong) of`,
    `${campaign.scenes} scenes, **${campaign.violations} violations**; ${matrix.cells} cells of the matrix by variant, ${matrix.disagreements} other than Spark's and`,
    `explained (${explained.join(', ')}), **${matrix.unexplained} unexplained**; ${campaign.seconds} s on two processes.`,
    '',
    table(
      ['part', '', 'scenes', 'schedules', 'distinct', 'with faults'],
      parts.map((part) => [
        part.part,
        PARTS[part.part] ?? '',
        ...[part.scenes, part.schedules, part.distinct, part.withFaults].map(String),
      ]),
    ),
    '',
    'Distinct schedules of each pair, over all its tables:',
    '',
    table(['', ...names], grid),
    '',
  ]
}
