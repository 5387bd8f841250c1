// The programs that are killed: bundled once, into the package's own folder, so that its packages are found, and small, so that
// a process starts soon.
import { mkdirSync, rmSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

export interface Programs {
  readonly writer: string
  readonly reader: string
  remove(): void
}

export async function bundlePrograms(): Promise<Programs> {
  // Bundled, this file lies elsewhere.
  const root = process.env.ALLUVIUM_ROOT ?? resolve(fileURLToPath(new URL('../..', import.meta.url)))
  const folder = join(root, '.run', `crash-${process.pid}-${Date.now()}`)
  mkdirSync(folder, { recursive: true })
  await build({
    entryPoints: [join(root, 'test/crash/writer.ts'), join(root, 'test/crash/reader.ts')],
    outdir: folder,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    minify: true,
    platform: 'node',
    target: 'node20',
    tsconfigRaw: {},
    format: 'esm',
    external: ['parquet-wasm'],
    logLevel: 'error',
  })
  return {
    writer: join(folder, 'writer.mjs'),
    reader: join(folder, 'reader.mjs'),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  }
}
