// Processes of the S3 tests: s3-child.ts, bundled once into a folder from which packages resolve.
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { build } from 'esbuild'
import type { S3Options } from '../../src/storage/s3/options.js'
import { repository } from './peers.js'

export interface Children extends Disposable {
  start(task: string, url: string, options: S3Options, argument: string): Child
}

export interface Child {
  /** Asks it to end after what it is doing. */
  stop(): void
  /** All lines it printed so far, parsed. */
  readonly lines: readonly unknown[]
  /** Resolves when it has ended well. */
  readonly ended: Promise<void>
}

export async function childrenOf(source: string): Promise<Children> {
  mkdirSync(join(repository, '.run'), { recursive: true })
  const folder = mkdtempSync(join(repository, '.run/interop-'))
  const outfile = join(folder, 'child.mjs')
  await build({
    entryPoints: [join(repository, 'test/interop', source)],
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    packages: 'external',
    alias: { alluvium: join(repository, 'src/index.ts') },
    outfile,
    logLevel: 'error',
  })
  const running = new Set<ChildProcess>()
  return {
    start: (task, url, options, argument) => {
      const child = spawn(process.execPath, ['--no-warnings', outfile, task, url, JSON.stringify(options), argument], {
        stdio: ['pipe', 'pipe', 'inherit'],
      })
      running.add(child)
      return followed(child, () => running.delete(child))
    },
    [Symbol.dispose]: () => {
      for (const child of running) child.kill('SIGKILL')
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

function followed(child: ChildProcess, gone: () => void): Child {
  const lines: unknown[] = []
  let rest = ''
  child.stdout?.setEncoding('utf8').on('data', (chunk: string) => {
    const parts = (rest + chunk).split('\n')
    rest = parts.pop() ?? ''
    lines.push(...parts.map((line) => JSON.parse(line) as unknown))
  })
  const ended = new Promise<void>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code, signal) => {
      gone()
      if (code === 0) resolve()
      else reject(new Error(`a child process ended with ${code ?? signal}`))
    })
  })
  ended.catch(() => {})
  return { stop: () => child.stdin?.write('stop\n'), lines, ended }
}
