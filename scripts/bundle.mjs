// Bundles a TypeScript file into a folder of the package, so that packages and the package itself resolve, and runs it.
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdirSync, rmSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

export const root = resolve(dirname(fileURLToPath(import.meta.url)), '..')

/** Where the bundle of a file goes, for this process alone. */
export async function bundle(file, plugins = []) {
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
    plugins,
  })
  return outfile
}

/** Runs a bundle to its end, deletes it, and ends as it ended. */
export async function runBundle(outfile, args, { nodeOptions = [], env = process.env } = {}) {
  const child = spawn(process.execPath, ['--enable-source-maps', ...nodeOptions, outfile, ...args], { stdio: 'inherit', env })
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal))
  const [code, signal] = await new Promise((done) => child.on('exit', (...how) => done(how)))
  rmSync(outfile, { force: true })
  process.exitCode = code ?? (signal === 'SIGINT' ? 130 : 1)
}
