// One reader of another engine: a process that answers one JSON line for one JSON line. The caller keeps the time: a
// reader that does not answer is killed, and every question that waits fails.
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { peersPython, readerScript } from './peers.js'

export type ReaderName = 'deltalake' | 'duckdb' | 'polars' | 'chdb' | 'spark'

/** What a reader says of a table. */
export interface ReaderAnswer {
  readonly ok: boolean
  readonly version?: number | null
  readonly columns?: readonly { readonly name: string; readonly type: string }[]
  readonly row_count?: number
  readonly rows?: readonly Record<string, unknown>[]
  readonly error?: string
  readonly message?: string
}

interface Waiting {
  readonly resolve: (answer: ReaderAnswer) => void
  readonly reject: (error: Error) => void
}

const LAST_WORDS = 4000

/**
 * @example
 * await using reader = new ReaderProcess('deltalake')
 * const lines = await reader.rows('/path/to/table', 3)
 */
export class ReaderProcess {
  readonly name: ReaderName
  readonly #child: ChildProcessWithoutNullStreams
  readonly #scratch: string = mkdtempSync(join(tmpdir(), 'alluvium-reader-'))
  readonly #waiting = new Map<number, Waiting>()
  readonly #ended: Promise<void>
  #lastId = 0
  #stderr = ''

  constructor(name: ReaderName) {
    this.name = name
    this.#child = spawn(peersPython(), [readerScript(name)], {
      stdio: ['pipe', 'pipe', 'pipe'],
      env: { ...process.env, TMPDIR: this.#scratch },
    })
    this.#child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr = (this.#stderr + text).slice(-LAST_WORDS)
    })
    createInterface({ input: this.#child.stdout }).on('line', (line) => {
      const answer = JSON.parse(line) as ReaderAnswer & { id: number }
      this.#waiting.get(answer.id)?.resolve(answer)
      this.#waiting.delete(answer.id)
    })
    this.#ended = new Promise((resolve) => {
      const end = (why: string) => (): void => {
        for (const { reject } of this.#waiting.values()) reject(new Error(`the ${name} reader ${why}: ${this.#stderr}`))
        this.#waiting.clear()
        resolve()
      }
      this.#child.once('exit', end('ended')).once('error', end('did not start'))
    })
    this.#child.stdin.on('error', () => undefined)
  }

  /** Asks one question. */
  async ask(question: Readonly<Record<string, unknown>>, timeoutMs = 180_000): Promise<ReaderAnswer> {
    const id = ++this.#lastId
    const answer = new Promise<ReaderAnswer>((resolve, reject) => this.#waiting.set(id, { resolve, reject }))
    this.#child.stdin.write(`${JSON.stringify({ id, ...question })}\n`)
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), timeoutMs)
    try {
      return await answer
    } finally {
      clearTimeout(timer)
    }
  }

  /** The rows of a version (the latest by default) as canonical lines, sorted. `schema` is the Delta schema as JSON text. */
  async rows(path: string, version: number | null = null, schema?: string): Promise<string[]> {
    const answer = await this.ask({ op: 'read', path, version, ...(schema === undefined ? {} : { schema: JSON.parse(schema) }) })
    if (!answer.ok) throw new Error(`${this.name} cannot read ${path}: ${answer.error}: ${answer.message}`)
    return sortLines((answer.rows ?? []).map((row) => JSON.stringify(row)))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.stdin.end()
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), 10_000)
    await this.#ended
    clearTimeout(timer)
    rmSync(this.#scratch, { recursive: true, force: true })
  }
}

/** By code points, as canonical rows are sorted. */
export function sortLines(lines: readonly string[]): string[] {
  return lines
    .map((line) => [line, Buffer.from(line)] as const)
    .sort((a, b) => Buffer.compare(a[1], b[1]))
    .map(([line]) => line)
}
