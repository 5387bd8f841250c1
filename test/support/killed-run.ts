// Runs the built program and kills it at a random instant: after a random line of its log, and a random while. Every step is hit, as
// each says when it begins.
import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const MAIN = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url))
const MAX_LINES = 12
const MAX_DELAY_MS = 60

/** Numbers in [0, 1) from a seed. */
export function randomFrom(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = Math.imul(state ^ (state >>> 15), state | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
}

/** What was last said before the kill, and whether the process was killed at all: it may have ended before. */
export interface KilledRun {
  readonly last: string
  readonly wasKilled: boolean
}

/** Starts the program with words that make it log lines of JSON on stderr, and kills it. */
export function killedRun(words: readonly string[], random: () => number): Promise<KilledRun> {
  const wantedLine = Math.floor(random() * MAX_LINES)
  const delayMs = random() * random() * MAX_DELAY_MS
  const child = spawn(process.execPath, [MAIN, ...words], { stdio: ['ignore', 'ignore', 'pipe'] })
  let count = 0
  let text = ''
  let last = 'nothing'
  const arm = (): void => void setTimeout(() => child.kill('SIGKILL'), delayMs)
  child.stderr.on('data', (chunk: Buffer) => {
    const lines = (text + chunk.toString()).split('\n')
    text = lines.pop() as string
    for (const line of lines.filter((each) => each.startsWith('{'))) {
      const { event, step } = JSON.parse(line) as { event?: string; step?: string }
      last = [event, step].filter((word) => word !== undefined).join(' ')
      if (count++ === wantedLine) arm()
    }
  })
  return new Promise((resolve) => child.on('close', (_, signal) => resolve({ last, wasKilled: signal === 'SIGKILL' })))
}
