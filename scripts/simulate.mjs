// Runs the simulation over the sources as they are: `node scripts/simulate.mjs [--seeds N] [--from S]`. With `--bug NAME` one
// fault of other implementations is planted into a copy of the sources, and what is to catch it runs over the copy: the simulation,
// or the test that the bank names. `--bugs` lists the bank, `--bank` tries all of it.
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { bundle, root, runBundle } from './bundle.mjs'
import { bugs, planted } from './plant.mjs'

const args = process.argv.slice(2)
const wanted = args.includes('--bug') ? args[args.indexOf('--bug') + 1] : undefined
const bug = bugs.find(({ name }) => name === wanted)
if (args.includes('--bugs')) listBank()
else if (args.includes('--bank')) tryBank()
else if (wanted !== undefined && bug?.changes === undefined) {
  console.error(
    bug === undefined ? `simulate: no bug ${wanted}; --bugs lists them` : `simulate: ${wanted} cannot be planted: ${bug.unplanted}`,
  )
  process.exitCode = 2
} else if (bug?.test !== undefined) process.exitCode = runTest(bug)
else await simulate()

function listBank() {
  for (const { name, number, about, test, unplanted } of bugs) {
    const where = unplanted !== undefined ? `not planted: ${unplanted}` : test === undefined ? 'simulation' : test.file
    console.log(`${String(number).padStart(2)} ${name.padEnd(28)} ${about} [${where}]`)
  }
}

async function simulate() {
  const plant = {
    name: 'plant',
    setup: (builder) =>
      builder.onLoad({ filter: /[\\/]src[\\/].*\.ts$/ }, ({ path }) => {
        const contents = planted(bug, path)
        return contents === undefined ? undefined : { contents, loader: 'ts' }
      }),
  }
  await runBundle(await bundle(join(root, 'test/simulation/main.ts'), [plant]), args)
}

// The test that is to fail, over sources with the bug.
function runTest({ name, test }) {
  const command = [
    join(root, 'node_modules/vitest/vitest.mjs'),
    'run',
    '--config',
    'test/simulation/bank.config.ts',
    test.file,
    '-t',
    test.name,
  ]
  const { status } = spawnSync(process.execPath, command, {
    cwd: root,
    stdio: 'inherit',
    env: { ...process.env, ALLUVIUM_PLANTED_BUG: name },
  })
  console.log(`simulate: ${status === 0 ? 'passed' : 'FAILED'}: ${test.file} with ${name}`)
  return status === 0 ? 0 : 1
}

// Everything that can be planted has to be caught; what catches it passes without.
function tryBank() {
  const missed = []
  const self = fileURLToPath(import.meta.url)
  const seeds = args.includes('--seeds') ? args[args.indexOf('--seeds') + 1] : '1000'
  const run = (more) => spawnSync(process.execPath, [self, ...more], { cwd: root, encoding: 'utf8' })
  for (const { name, number, changes, test, unplanted } of bugs) {
    if (changes === undefined) {
      console.log(`${number} ${name}: not planted: ${unplanted}`)
      continue
    }
    const started = performance.now()
    const { status, stdout, stderr } = run(['--bug', name, '--seeds', seeds])
    const said = stdout + stderr
    const by = (test === undefined ? /^seed \d+: .*$/m : /^.*\bFAIL\b.*$/m).exec(said)?.[0] ?? ''
    const isCaught = status === 1 && /simulate: FAILED/.test(said) && by !== ''
    console.log(
      `${number} ${name}: ${isCaught ? 'caught' : 'MISSED'} in ${((performance.now() - started) / 1000).toFixed(0)} s: ${by.slice(0, 160)}`,
    )
    if (!isCaught) missed.push(name)
  }
  console.log(`simulate: ${missed.length === 0 ? 'passed' : 'FAILED'}: ${missed.length} bugs missed ${missed.join(', ')}`)
  process.exitCode = missed.length === 0 ? 0 : 1
}
