// Starts race-child.ts in processes of its own; it is bundled once, so that no build has to run before.
import { type ChildProcess, spawn } from 'node:child_process'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { buildSync } from 'esbuild'
import { temporaryFolder } from './temporary-folder.js'

const source = fileURLToPath(new URL('./race-child.ts', import.meta.url))
let bundled: string | undefined

/** Starts the child with a task, its root and an argument. `shell` is run before it, in the same process. */
export function startChild(task: string, root: string, argument: string, shell?: string): ChildProcess {
  const args = [bundle(), task, root, argument]
  if (shell === undefined) return spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  return spawn('/bin/sh', ['-c', `${shell}; exec "$0" "$@"`, process.execPath, ...args], { stdio: ['ignore', 'pipe', 'inherit'] })
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
  bundled = path.join(temporaryFolder(), 'child.mjs')
  buildSync({ entryPoints: [source], bundle: true, platform: 'node', format: 'esm', target: 'node20', outfile: bundled, logLevel: 'error' })
  return bundled
}
