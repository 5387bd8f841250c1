// The peers' side of a benchmark: one case of one of the peers' own scripts, in a process of its own.
// ALLUVIUM_PEERS is the folder of their scripts, ALLUVIUM_PEERS_PYTHON a Python that has the engines.
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { homedir } from 'node:os'
import { join, resolve } from 'node:path'

/** One line that a peer's script prints. */
export interface PeerRun {
  readonly peer: string
  readonly case: string
  readonly version: string
  readonly seconds: number
  readonly cpu_seconds: number
  readonly peak_rss_mb: number
  readonly detail: Readonly<Record<string, unknown>>
}

const folder = resolve(process.env.ALLUVIUM_PEERS ?? join(process.env.ALLUVIUM_ROOT ?? '.', '../shared/peers'))
const cache = process.env.ALLUVIUM_PEERS_DIR ?? join(homedir(), '.cache/alluvium-peers')
/** A Python that has the engines, if it is there. */
export const python: string = process.env.ALLUVIUM_PEERS_PYTHON ?? join(cache, 'venv/bin/python')

/** Whether peers can be run here. */
export const peersPresent: boolean = existsSync(join(folder, 'bench')) && existsSync(python)

/** The folder in which the peers' scripts keep their data. */
export const peerData: string = join(cache, 'bench-data')

/** Runs one case, `peer/case`, of a script like `b07_ingest.py`; undefined where it cannot run, with the reason on stderr. */
export function runPeer(script: string, only: string): PeerRun | undefined {
  if (!peersPresent) return undefined
  const ran = spawnSync(python, [script, '--only', only], {
    cwd: join(folder, 'bench'),
    encoding: 'utf8',
    timeout: 1_200_000,
    maxBuffer: 2 ** 26,
  })
  for (const line of ran.stdout.split('\n')) {
    if (!line.startsWith('{')) continue
    const parsed = JSON.parse(line) as PeerRun & { skipped?: string; failed?: string }
    if (parsed.seconds !== undefined) return parsed
    console.error(`${only}: ${parsed.skipped ?? String(parsed.failed)}`)
  }
  return undefined
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN
}
