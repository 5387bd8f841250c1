// The section about the simulation on the page of results, from what the last campaigns left: simulation.json.
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { specFolder } from './suite.js'

const count = z.number()

const simulationSchema = z.object({
  campaigns: z.array(
    z.object({
      date: z.string(),
      commit: z.string(),
      from: count,
      seeds: count,
      events: count,
      commits: count,
      inDoubt: count,
      crashes: count,
      compactions: count,
      vacuumed: count,
      cleaned: count,
      readings: count,
      seconds: count,
      violations: count,
      note: z.string(),
    }),
  ),
  /** By what each bug of the bank was caught when it was last tried; see test/simulation/bugs.json. */
  bank: z.array(z.object({ number: count, name: z.string(), caught: z.string() })),
})

type Table = (head: readonly string[], rows: readonly (readonly string[])[]) => string

/** Nothing where no campaign was ever run. */
export function simulationSection(table: Table): string[] {
  const file = join(specFolder, 'simulation.json')
  if (!existsSync(file)) return []
  const { campaigns, bank } = simulationSchema.parse(JSON.parse(readFileSync(file, 'utf8')))
  const sum = (of: 'seeds' | 'events' | 'violations'): number => campaigns.reduce((total, campaign) => total + campaign[of], 0)
  const head = [
    'date',
    'commit',
    'seeds',
    'events',
    'commits',
    'in doubt',
    'crashes',
    'compactions',
    'vacuumed',
    'cleaned',
    'readings',
    's',
    'violations',
    'what they were',
  ]
  return [
    '## Simulation',
    '',
    'The library on a simulated store, clock and network, driven by a seed: writers, readers and upkeep, over seconds or over days in which',
    'retentions pass, with crashes and long pauses at every step, answers that get lost and requests that land late; judged by a checker of its',
    `own. \`npm run simulate -- --seeds N --from S\`, on two processors, busy with other work, ${sum('seeds')} seeds and ${sum('events')} events so far; every violation was`,
    'a defect of the library, mended since with a test named for it, or is said here to be one of the simulation, and its seeds pass.',
    '',
    table(
      head,
      campaigns.map((one) => [
        one.date,
        one.commit,
        `${one.seeds} from ${one.from}`,
        ...[
          one.events,
          one.commits,
          one.inDoubt,
          one.crashes,
          one.compactions,
          one.vacuumed,
          one.cleaned,
          one.readings,
          one.seconds,
          one.violations,
        ].map(String),
        one.note,
      ]),
    ),
    '',
    'Faults of other implementations, planted one at a time (`npm run simulate -- --bug NAME`), and what caught them:',
    '',
    table(
      ['', 'bug', 'caught by'],
      bank.map(({ number, name, caught }) => [String(number), name, caught]),
    ),
    '',
  ]
}
