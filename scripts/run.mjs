// Runs a TypeScript file of this repository (bench, examples, test workers) on any supported Node version:
//   node scripts/run.mjs FILE [arguments…]
// The file is bundled into a folder of the package, so that packages and the package itself resolve; imports of `alluvium` use the built package.
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdirSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..')
const [file, ...rest] = process.argv.slice(2)
if (file === undefined) {
  console.error('usage: node scripts/run.mjs FILE [arguments…]')
  process.exit(2)
}
const entry = resolve(file)
const folder = join(root, '.run')
mkdirSync(folder, { recursive: true })
const outfile = join(folder, `${createHash('sha256').update(entry).digest('hex').slice(0, 16)}-${process.pid}.mjs`)
await build({
  entryPoints: [entry],
  outfile,
  bundle: true,
  platform: 'node',
  target: 'node20',
  // Not the paths of tsconfig.json, which would bundle the sources in place of the built package.
  tsconfigRaw: {},
  format: 'esm',
  packages: 'external',
  sourcemap: 'inline',
  logLevel: 'warning',
})
const child = spawn(
  process.execPath,
  ['--enable-source-maps', ...(process.env.ALLUVIUM_NODE_OPTIONS?.split(' ') ?? []), outfile, ...rest],
  {
    stdio: 'inherit',
    env: { ...process.env, ALLUVIUM_ROOT: root },
  },
)
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal))
child.on('exit', (code, signal) => {
  import('node:fs').then(({ rmSync }) => {
    rmSync(outfile, { force: true })
    process.exitCode = code ?? (signal === 'SIGINT' ? 130 : 1)
  })
})
