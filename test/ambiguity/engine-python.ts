// Engines that run from Python: delta-rs and ClickHouse (chdb), in a process of their own that is told one commit a line.
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Engine } from './campaign.js'

const python =
  process.env.ALLUVIUM_PEERS_PYTHON ?? join(process.env.ALLUVIUM_PEERS_DIR ?? join(homedir(), '.cache/alluvium-peers'), 'venv/bin/python')

/** Whether a Python with the engines is there. */
export const pythonPresent: boolean = existsSync(python)

interface Answer {
  readonly version?: number
  readonly error?: string
}

/** One Python process with one engine. */
class Peer {
  readonly #child: ChildProcessWithoutNullStreams
  readonly #waiting: ((answer: Answer) => void)[] = []
  readonly greeting: Promise<Answer & { readonly engineVersion?: string }>

  constructor(engine: string, env: Readonly<Record<string, string>>) {
    const script = join(process.env.ALLUVIUM_ROOT ?? '.', 'test/ambiguity/peer.py')
    this.#child = spawn(python, [script, engine], { env: { ...process.env, ...env }, stdio: ['pipe', 'pipe', 'pipe'] })
    this.#child.stderr.resume()
    this.greeting = new Promise((resolve) => this.#waiting.push(resolve))
    createInterface({ input: this.#child.stdout }).on('line', (line) => {
      if (line.startsWith('{')) this.#waiting.shift()?.(JSON.parse(line) as Answer)
    })
    this.#child.on('exit', () => {
      for (const waiting of this.#waiting.splice(0)) waiting({ error: 'the process died' })
    })
  }

  ask(request: object): Promise<Answer> {
    return new Promise((resolve) => {
      this.#waiting.push(resolve)
      this.#child.stdin.write(`${JSON.stringify(request)}\n`)
    })
  }

  close(): Promise<void> {
    return new Promise((resolve) => {
      if (this.#child.exitCode !== null) return resolve()
      this.#child.once('exit', () => resolve())
      this.#child.stdin.end()
    })
  }
}

export async function pythonEngine(name: 'delta-rs' | 'chdb', env: Readonly<Record<string, string>>): Promise<Engine> {
  const peer = new Peer(name, env)
  const { engineVersion = '', error } = await peer.greeting
  if (error !== undefined) throw new Error(`${name}: ${error}`)
  return {
    name,
    version: engineVersion,
    operations: name === 'chdb' ? ['append'] : ['append', 'append with txn', 'overwrite'],
    parallel: 1,
    open: async (url) => ({
      commit: async (operation, id, rows) => {
        const { version, error: problem } = await peer.ask({ url, operation, id, rows })
        if (problem !== undefined) throw new Error(problem)
        return version === undefined ? {} : { version }
      },
    }),
    isConflict: (problem) => /conflict|concurrent/i.test(String(problem)),
    close: () => peer.close(),
  }
}
