// What the command line prints: results on stdout and nothing else there; notes, progress and errors on stderr.
import type { Writable } from 'node:stream'
import { type AlluviumError, isAlluviumError } from '../errors.js'
import { formatJson } from '../json.js'

export interface OutputOptions {
  readonly json: boolean
  readonly quiet: boolean
  readonly debug: boolean
}

const FLUSH_CHARS = 1 << 16

/** Buffered printing with back-pressure, quiet when a reader of the pipe went away. */
export class Output {
  readonly json: boolean
  readonly quiet: boolean
  readonly debug: boolean
  readonly #stdout: Writable
  readonly #stderr: Writable & { isTTY?: boolean }
  #buffer: string[] = []
  #chars = 0
  #progressShown = false

  constructor(stdout: Writable, stderr: Writable & { isTTY?: boolean }, options: OutputOptions) {
    this.#stdout = stdout
    this.#stderr = stderr
    this.json = options.json
    this.quiet = options.quiet
    this.debug = options.debug
  }

  /** Text for stdout, as it is. Await it in loops: it waits for a slow reader. */
  async write(text: string): Promise<void> {
    this.#buffer.push(text)
    this.#chars += text.length
    if (this.#chars >= FLUSH_CHARS) await this.flush()
  }

  async line(text: string): Promise<void> {
    await this.write(`${text}\n`)
  }

  /** One result object as a line of JSON. */
  async object(value: unknown): Promise<void> {
    await this.line(formatJson(value))
  }

  /** Hands everything to stdout. */
  async flush(): Promise<void> {
    const text = this.#buffer.join('')
    this.#buffer = []
    this.#chars = 0
    if (text === '') return
    await new Promise<void>((resolve, reject) => {
      this.#stdout.write(text, (error) => (error ? reject(error) : resolve()))
    })
  }

  /** A remark for people, on stderr. */
  note(text: string): void {
    if (this.quiet || this.json) return
    this.#clearProgress()
    this.#stderr.write(`${text}\n`)
  }

  /** A warning, also in JSON mode: it must not go unseen. */
  warn(text: string): void {
    this.#clearProgress()
    this.#stderr.write(this.json ? `${formatJson({ warning: text })}\n` : `alluvium: ${text}\n`)
  }

  /** Something that happened, as a line of JSON on stderr: for logs. */
  event(value: unknown): void {
    if (this.quiet) return
    this.#clearProgress()
    this.#stderr.write(`${formatJson(value)}\n`)
  }

  /** Whether a person looks at stderr. */
  get isTerminal(): boolean {
    return this.#stderr.isTTY === true
  }

  /** A status line that replaces the one before; only where a person looks. */
  progress(text: string): void {
    if (this.quiet || this.json || this.#stderr.isTTY !== true) return
    this.#stderr.write(`\r\u001b[2K${text}`)
    this.#progressShown = true
  }

  /** An error for people, or as JSON with its code and facts. */
  error(error: unknown): void {
    this.#clearProgress()
    if (this.json) this.#stderr.write(`${formatJson(errorObject(error))}\n`)
    else this.#stderr.write(`alluvium: ${messageOf(error)}\n`)
    if (this.debug && error instanceof Error) this.#stderr.write(`${error.stack ?? ''}\n`)
  }

  #clearProgress(): void {
    if (this.#progressShown) this.#stderr.write('\r\u001b[2K')
    this.#progressShown = false
  }
}

function errorObject(error: unknown): Record<string, unknown> {
  if (!isAlluviumError(error)) return { code: 'INTERNAL', message: messageOf(error) }
  const { usage: _, ...facts } = error.facts
  return { code: error.code, message: error.message, ...plainFacts(facts) }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

// Facts are data; anything that is not plain (a function, an error, raw bytes) stays out of the JSON.
function plainFacts(facts: AlluviumError['facts']): Record<string, unknown> {
  const plain: Record<string, unknown> = {}
  for (const [key, value] of Object.entries(facts)) {
    if (typeof value === 'function' || value instanceof Error || ArrayBuffer.isView(value)) continue
    plain[key] = value instanceof Map ? Object.fromEntries(value) : value
  }
  return plain
}

/** Rows of text as a table with aligned columns. */
export function formatTable(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = header.map((name, i) => Math.max(displayWidth(name), ...rows.map((row) => displayWidth(row[i] ?? ''))))
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, i) => cell + ' '.repeat((widths[i] as number) - displayWidth(cell)))
      .join('  ')
      .trimEnd()
  return `${[line(header), line(widths.map((width) => '-'.repeat(width))), ...rows.map(line)].join('\n')}\n`
}

// Wide East Asian characters and emoji take two cells on a terminal.
function displayWidth(text: string): number {
  let width = 0
  for (const c of text) {
    const code = c.codePointAt(0) as number
    if ((code >= 0x300 && code <= 0x36f) || code === 0x200d || (code >= 0xfe00 && code <= 0xfe0f)) continue
    width +=
      (code >= 0x1100 && code <= 0x115f) ||
      (code >= 0x2e80 && code <= 0xa4cf) ||
      (code >= 0xac00 && code <= 0xd7a3) ||
      (code >= 0xf900 && code <= 0xfaff) ||
      (code >= 0xff00 && code <= 0xff60) ||
      code >= 0x1f300
        ? 2
        : 1
  }
  return width
}
