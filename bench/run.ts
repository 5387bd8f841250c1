// npm run bench [-- NAME…] [--json] [more options]: the benchmarks, each side by side with its peers in one run, as ratios.
import { spawnSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'

const root = process.env.ALLUVIUM_ROOT ?? '.'
const NOT_BENCHES = ['run', 'peers']
const known = readdirSync(join(root, 'bench'))
  .filter((name) => name.endsWith('.ts'))
  .map((name) => name.slice(0, -3))
  .filter((name) => !NOT_BENCHES.includes(name))
const words = process.argv.slice(2)
const firstOption = words.findIndex((word) => word.startsWith('--'))
const names = firstOption < 0 ? words : words.slice(0, firstOption)
const options = firstOption < 0 ? [] : words.slice(firstOption)
const unknown = names.filter((name) => !known.includes(name))
if (unknown.length > 0 || options.includes('--help')) {
  console.error(`${unknown.length > 0 ? `no benchmark ${unknown.join(', ')}; ` : ''}known: ${known.join(', ')}`)
  process.exit(unknown.length > 0 ? 2 : 0)
}
let failed = 0
for (const name of names.length > 0 ? names : known) {
  if (!options.includes('--json')) console.log(`== ${name}`)
  const ran = spawnSync(process.execPath, [join(root, 'scripts/run.mjs'), join(root, 'bench', `${name}.ts`), ...options], {
    stdio: 'inherit',
  })
  if (ran.status !== 0) failed++
}
process.exitCode = failed > 0 ? 1 : 0
