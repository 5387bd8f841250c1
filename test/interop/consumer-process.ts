// An instance of examples/kafka-to-delta.ts as its operator runs it: a process of its own that is started again whenever
// it ends, unless it was told to stop.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { build } from 'esbuild'
import { repository } from './peers.js'

/** Bundles the example with the library of this tree, so that a signal meets the real process. Answers the file, below `folder`. */
export async function bundleExample(name: string, folder: string): Promise<string> {
  const outfile = join(folder, `${name}.mjs`)
  // Where the packages are that stay outside of the bundle.
  symlinkSync(join(repository, 'node_modules'), join(folder, 'node_modules'), 'junction')
  await build({
    entryPoints: [join(repository, 'examples', `${name}.ts`)],
    outfile,
    bundle: true,
    platform: 'node',
    target: 'node20',
    format: 'esm',
    // Packages stay outside; `alluvium` is the source, by way of the paths in tsconfig.json.
    external: ['apache-arrow', 'parquet-wasm', 'zod', 'kafkajs'],
    sourcemap: 'inline',
    logLevel: 'warning',
  })
  return outfile
}

export class ConsumerProcess {
  readonly name: string
  /** How often it ended by itself. */
  crashes = 0
  /** What it printed. */
  output = ''
  readonly #args: readonly string[]
  #child: ChildProcess | undefined
  #wanted = false

  constructor(name: string, args: readonly string[]) {
    this.name = name
    this.#args = args
  }

  start(): void {
    this.#wanted = true
    const child = spawn(process.execPath, ['--enable-source-maps', ...this.#args], { stdio: ['ignore', 'pipe', 'pipe'] })
    this.#child = child
    const note = (text: string): void => {
      this.output = (this.output + text).slice(-100_000)
    }
    child.stdout.setEncoding('utf8').on('data', note)
    child.stderr.setEncoding('utf8').on('data', note)
    child.once('exit', (code, signal) => {
      note(`[${this.name} ended: ${code ?? signal}]\n`)
      if (!this.#wanted || this.#child !== child) return
      this.crashes++
      setTimeout(() => this.#wanted && this.#child === child && this.start(), 500)
    })
  }

  /** Sends a signal and leaves it to the process what comes of it. */
  signal(signal: 'SIGSTOP' | 'SIGCONT'): void {
    this.#child?.kill(signal)
  }

  /** Ends it for good by a signal; answers its exit status, or the signal that ended it. */
  async end(signal: 'SIGKILL' | 'SIGTERM'): Promise<number | NodeJS.Signals> {
    this.#wanted = false
    const child = this.#child
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return child?.exitCode ?? 'SIGKILL'
    const exit = once(child, 'exit') as Promise<[number | null, NodeJS.Signals | null]>
    child.kill(signal)
    const [code, by] = await exit
    return code ?? (by as NodeJS.Signals)
  }
}
