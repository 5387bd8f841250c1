// The engines that the suite knows an adapter for, and where each is on this machine.
import { existsSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import type { EngineProcessOptions } from './engine.js'
import { repository, specFolder } from './suite.js'

export const ENGINE_NAMES = ['alluvium', 'deltalake', 'polars', 'duckdb', 'chdb', 'spark', 'trino'] as const

const DEFAULT_TIMEOUT_MS = 60_000
const SPARK_TIMEOUT_MS = 180_000

/** How to start an engine, or why it cannot be started here. */
export type Found = { readonly options: EngineProcessOptions } | { readonly absent: string }

/** Finds an engine by its name. */
export function findEngine(name: string): Found {
  const timeoutMs = name === 'spark' ? SPARK_TIMEOUT_MS : DEFAULT_TIMEOUT_MS
  const options = (command: readonly string[]): Found => ({ options: { name, command, timeoutMs, startTimeoutMs: SPARK_TIMEOUT_MS } })
  if (name === 'alluvium') {
    const main = join(repository, 'dist/cli/main.js')
    return existsSync(main) ? options([process.execPath, main, 'adapter']) : { absent: 'it is not built (npm run build)' }
  }
  // A server of its own, which is not for the suite to start.
  if (name === 'trino' && process.env.ALLUVIUM_TRINO_URL === undefined)
    return { absent: 'no server is named (set ALLUVIUM_TRINO_URL, see spec/adapters/trino.py)' }
  const script = join(specFolder, 'adapters', `${name}.py`)
  if (!existsSync(script))
    return { absent: `there is no adapter of that name; known: ${ENGINE_NAMES.join(', ')}, or give one with --adapter` }
  const python = process.env.ALLUVIUM_PEERS_PYTHON ?? join(homedir(), '.cache/alluvium-peers/venv/bin/python')
  return existsSync(python)
    ? options([python, '-W', 'ignore', script])
    : { absent: `no Python with the engines at ${python} (set ALLUVIUM_PEERS_PYTHON)` }
}

/** An engine of somebody else: a command that speaks the adapter protocol. Words are split at spaces, quotes keep them together. */
export function adapterOf(command: string): EngineProcessOptions {
  const words = (command.match(/"[^"]*"|'[^']*'|\S+/g) ?? []).map((word) => (/^(["']).*\1$/.test(word) ? word.slice(1, -1) : word))
  if (words.length === 0) throw new Error('--adapter wants a command')
  return { name: words[0] as string, command: words, timeoutMs: DEFAULT_TIMEOUT_MS, startTimeoutMs: SPARK_TIMEOUT_MS }
}
