// Starts race-child.ts in processes of its own; it is bundled once, so that no build has to run before.
import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { buildSync } from 'esbuild'
import { temporaryFolder } from './temporary-folder.js'

const source = fileURLToPath(new URL('./race-child.ts', import.meta.url))
let bundled: string | undefined

/** Starts the child with a task, its root and an argument: after a shell command in the same process, or as another user. */
export function startChild(task: string, root: string, argument: string, how: { shell?: string; user?: number } = {}): ChildProcess {
  const args = [bundle(), task, root, argument]
  const options: SpawnOptions = {
    stdio: ['ignore', 'pipe', 'inherit'],
    ...(how.user === undefined ? {} : { uid: how.user, gid: how.user, cwd: '/' }),
  }
  if (how.shell === undefined) return spawn(process.execPath, args, options)
  return spawn('/bin/sh', ['-c', `${how.shell}; exec "$0" "$@"`, process.execPath, ...args], options)
}

/** All a child writes, and how it ended. */
export async function outputOf(child: ChildProcess): Promise<{ text: string; exit: number | string | null }> {
  let text = ''
  child.stdout?.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk
  })
  const exit = await new Promise<number | string | null>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code, signal) => resolve(code ?? signal))
  })
  return { text, exit }
}

function bundle(): string {
  if (bundled !== undefined) return bundled
  const folder = temporaryFolder()
  fs.chmodSync(folder, 0o755)
  bundled = path.join(folder, 'child.mjs')
  buildSync({ entryPoints: [source], bundle: true, platform: 'node', format: 'esm', target: 'node20', outfile: bundled, logLevel: 'error' })
  return bundled
}
