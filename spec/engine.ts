// An engine under test: answers requests of the adapter protocol (README.md). As a process it gets one JSON line for one
// JSON line; the caller keeps the time, a process that hangs is killed, and the next request starts another.
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'

export interface Request {
  readonly op: string
  readonly [field: string]: unknown
}

export type Answer =
  | { readonly ok: true; readonly version?: number | null; readonly rows?: readonly unknown[]; readonly [field: string]: unknown }
  | { readonly ok: false; readonly code?: string; readonly message?: string }

/** What an adapter says of itself when it is greeted. */
export interface Greeting {
  readonly engine: string
  readonly version: string
  /** Its errors carry codes of this suite, so they are compared. */
  readonly codes: boolean
}

export interface Engine {
  readonly greeting: Greeting
  /** @throws EngineFailure when there is no answer: the process hung or ended. */
  ask(request: Request): Promise<Answer>
  close(): Promise<void>
}

/** No answer came. */
export class EngineFailure extends Error {
  readonly kind: 'timeout' | 'crashed'
  constructor(kind: 'timeout' | 'crashed', message: string) {
    super(message)
    this.name = 'EngineFailure'
    this.kind = kind
  }
}

export interface EngineProcessOptions {
  /** The adapter and its arguments. */
  readonly command: readonly string[]
  /** A name until the adapter has said its own. */
  readonly name: string
  readonly timeoutMs: number
  /** The first answer may take longer: some engines take half a minute to start. */
  readonly startTimeoutMs: number
}

const LAST_WORDS = 2000

/** Starts an adapter and greets it. @throws EngineFailure when it does not answer. */
export async function startEngine(options: EngineProcessOptions): Promise<Engine> {
  let running = new AdapterProcess(options)
  const greeting = await greet(running, options)
  return {
    greeting,
    ask: async (request) => {
      if (running.ended) {
        running = new AdapterProcess(options)
        await greet(running, options)
      }
      return running.ask(request, options.timeoutMs)
    },
    close: () => running.close(),
  }
}

async function greet(running: AdapterProcess, options: EngineProcessOptions): Promise<Greeting> {
  const answer = await running.ask({ op: 'hello' }, options.startTimeoutMs)
  if (!answer.ok) return { engine: options.name, version: 'unknown', codes: false }
  return { engine: String(answer.engine ?? options.name), version: String(answer.version ?? 'unknown'), codes: answer.codes === true }
}

class AdapterProcess {
  readonly #child: ChildProcessWithoutNullStreams
  readonly #exited: Promise<void>
  #waiting: { id: number; resolve: (answer: Answer) => void; reject: (error: Error) => void } | undefined
  #lastId = 0
  #stderr = ''
  ended = false

  constructor({ command }: EngineProcessOptions) {
    const [program, ...words] = command
    this.#child = spawn(program as string, words, { stdio: ['pipe', 'pipe', 'pipe'] })
    this.#child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr = (this.#stderr + text).slice(-LAST_WORDS)
    })
    this.#child.stdin.on('error', () => undefined)
    createInterface({ input: this.#child.stdout }).on('line', (line) => this.#onLine(line))
    this.#exited = new Promise((resolve) => {
      const end = (): void => {
        this.ended = true
        this.#waiting?.reject(new EngineFailure('crashed', `the adapter ended: ${this.#stderr.trim().split('\n').at(-1) ?? ''}`))
        this.#waiting = undefined
        resolve()
      }
      this.#child.once('close', end).once('error', end)
    })
  }

  async ask(request: Request, timeoutMs: number): Promise<Answer> {
    const id = ++this.#lastId
    const answer = new Promise<Answer>((resolve, reject) => {
      this.#waiting = { id, resolve, reject }
    })
    this.#child.stdin.write(`${JSON.stringify({ id, ...request })}\n`)
    const timer = setTimeout(() => {
      this.#waiting?.reject(new EngineFailure('timeout', `no answer in ${timeoutMs / 1000} s`))
      this.#waiting = undefined
      this.ended = true
      this.#child.kill('SIGKILL')
    }, timeoutMs)
    try {
      return await answer
    } finally {
      clearTimeout(timer)
    }
  }

  async close(): Promise<void> {
    this.#child.stdin.end()
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), 10_000)
    await this.#exited
    clearTimeout(timer)
  }

  // A line that is no answer to what was asked (an engine that prints) is passed over.
  #onLine(line: string): void {
    let answer: Answer & { id?: unknown }
    try {
      answer = JSON.parse(line) as Answer & { id?: unknown }
    } catch {
      return
    }
    if (this.#waiting === undefined || answer.id !== this.#waiting.id) return
    this.#waiting.resolve(answer)
    this.#waiting = undefined
  }
}
