// Runs the simulation over the sources as they are: `node scripts/simulate.mjs [--seeds N] [--from S]`. With `--bug NAME` one
// fault of other implementations is planted into a copy of the sources; the copy is what runs.
import { spawn } from 'node:child_process'
import { mkdirSync, readFileSync, rmSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..')
const args = process.argv.slice(2)
const bugs = JSON.parse(readFileSync(join(root, 'test/simulation/bugs.json'), 'utf8'))
if (args.includes('--bugs')) {
  for (const { name, about } of bugs) console.log(`${name.padEnd(28)} ${about}`)
  process.exit(0)
}
const wanted = args.includes('--bug') ? args[args.indexOf('--bug') + 1] : undefined
const bug = bugs.find(({ name }) => name === wanted)
if (wanted !== undefined && bug === undefined) {
  console.error(`simulate: no bug ${wanted}; --bugs lists them`)
  process.exit(2)
}

const planted = new Set()
const plant = {
  name: 'plant',
  setup(builder) {
    builder.onLoad({ filter: /[\\/]src[\\/].*\.ts$/ }, ({ path }) => {
      const file = relative(root, path).replaceAll('\\', '/')
      let contents = readFileSync(path, 'utf8')
      for (const [n, change] of (bug?.changes ?? []).entries()) {
        if (change.file !== file) continue
        // A change that no longer fits must not pass for one that nothing catches.
        if (contents.split(change.find).length !== 2) throw new Error(`bug ${wanted}: the text to change is not once in ${file}`)
        contents = contents.replace(change.find, () => change.replace)
        planted.add(n)
      }
      return { contents, loader: 'ts' }
    })
  },
}
mkdirSync(join(root, '.run'), { recursive: true })
const outfile = join(root, '.run', `simulation-${process.pid}.mjs`)
await build({
  entryPoints: [join(root, 'test/simulation/main.ts')],
  outfile,
  bundle: true,
  platform: 'node',
  target: 'node20',
  tsconfigRaw: {},
  format: 'esm',
  packages: 'external',
  sourcemap: 'inline',
  logLevel: 'warning',
  plugins: [plant],
})
if (bug !== undefined && planted.size !== bug.changes.length) throw new Error(`bug ${wanted} was not planted`)
const child = spawn(process.execPath, ['--enable-source-maps', outfile, ...args], { stdio: 'inherit' })
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal))
child.on('exit', (code, signal) => {
  rmSync(outfile, { force: true })
  process.exitCode = code ?? (signal === 'SIGINT' ? 130 : 1)
})
