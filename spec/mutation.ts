// The section about mutants on the page of results, from what the last runs left: mutation.json.
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { specFolder } from './suite.js'

const mutationSchema = z.object({
  date: z.string(),
  commit: z.string(),
  modules: z.array(
    z.object({
      module: z.string(),
      killed: z.number(),
      total: z.number(),
      /** Where the module was tried at another commit than the others, and is the same since. */
      commit: z.string().optional(),
      /** What is left, in a word. */
      survivors: z.string().optional(),
    }),
  ),
})

type Table = (head: readonly string[], rows: readonly (readonly string[])[]) => string

/** Nothing where no mutant was ever tried. */
export function mutationSection(table: Table): string[] {
  const file = join(specFolder, 'mutation.json')
  if (!existsSync(file)) return []
  const { date, commit, modules } = mutationSchema.parse(JSON.parse(readFileSync(file, 'utf8')))
  const sum = (of: 'killed' | 'total'): number => modules.reduce((total, module) => total + module[of], 0)
  const worst = Math.min(...modules.map(({ killed, total }) => killed / total))
  const score = (share: number): string => `${(100 * share).toFixed(1)} %`
  return [
    '## Mutants',
    '',
    'Changes planted by Stryker into the modules that decide what is committed and what a table holds, one at a time, and how many of them the',
    `tests notice: \`npm run mutation -- --mutate FILE\`, one module after the other, last on ${date}. **${sum('killed')} of ${sum('total')}**`,
    `(${score(sum('killed') / sum('total'))}), no module below ${score(worst)}. A mutant that makes no end counts as noticed.`,
    '',
    table(
      ['module', 'mutants', 'noticed', 'score', 'commit', 'left'],
      modules.map((module) => [
        `\`${module.module}\``,
        String(module.total),
        String(module.killed),
        score(module.killed / module.total),
        module.commit ?? commit,
        module.survivors ?? '',
      ]),
    ),
    '',
  ]
}
