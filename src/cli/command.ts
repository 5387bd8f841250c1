// What a command is: its options declared once, from which parsing, checking and --help follow.
import { parseArgs } from 'node:util'
import { AlluviumError } from '../errors.js'
import { nearestName } from '../storage/options.js'
import type { Output } from './output.js'

export interface OptionSpec {
  readonly type: 'string' | 'boolean'
  /** May be given several times. */
  readonly multiple?: boolean
  /** What stands for the value in --help. */
  readonly value?: string
  readonly help: string
}

export type OptionValues = Readonly<Record<string, string | boolean | readonly string[] | undefined>>

export interface CommandInput {
  readonly positionals: readonly string[]
  readonly options: OptionValues
  readonly output: Output
  /** Fires on SIGINT and SIGTERM: stop cleanly. */
  readonly signal: AbortSignal
}

export interface Command {
  readonly name: string
  /** Words after the name, for the usage line. */
  readonly usage: string
  readonly summary: string
  readonly description?: string
  readonly options: Readonly<Record<string, OptionSpec>>
  readonly examples: readonly string[]
  /** How many words: [least, most]. */
  readonly positionals: readonly [number, number]
  run(input: CommandInput): Promise<void>
}

/** Options that every command has. */
export const COMMON_OPTIONS: Readonly<Record<string, OptionSpec>> = {
  storage: { type: 'string', multiple: true, value: 'KEY=VALUE', help: 'an option of the store (repeatable)' },
  json: { type: 'boolean', help: 'machine-readable result on stdout, errors as JSON on stderr' },
  quiet: { type: 'boolean', help: 'no progress, no notes' },
  debug: { type: 'boolean', help: 'stack traces of errors' },
  help: { type: 'boolean', help: 'this text' },
}

/** A mistake in the command line: exit status 2. */
export function usageError(message: string, facts: Record<string, unknown> = {}): AlluviumError {
  return new AlluviumError('INVALID_OPTIONS', message, { ...facts, usage: true })
}

/** Parses the words after a command's name. @throws AlluviumError `INVALID_OPTIONS` for words it does not know. */
export function parseWords(command: Command, words: readonly string[]): { positionals: string[]; options: OptionValues } {
  const specs = { ...COMMON_OPTIONS, ...command.options }
  const options = Object.fromEntries(
    Object.entries(specs).map(([name, spec]) => [name, { type: spec.type, ...(spec.multiple === true ? { multiple: true } : {}) }]),
  )
  let parsed: { positionals: string[]; values: Record<string, unknown> }
  try {
    parsed = parseArgs({ args: [...words], options, allowPositionals: true, strict: true })
  } catch (error) {
    throw usageError(explainParse(error, Object.keys(specs), command.name))
  }
  const [least, most] = command.positionals
  if (parsed.values.help !== true && (parsed.positionals.length < least || parsed.positionals.length > most)) {
    throw usageError(`usage: alluvium ${command.name} ${command.usage}\nSee 'alluvium ${command.name} --help'.`)
  }
  return { positionals: parsed.positionals, options: parsed.values as OptionValues }
}

function explainParse(error: unknown, names: readonly string[], command: string): string {
  const message = error instanceof Error ? (error.message.split('. To specify')[0] as string) : String(error)
  const unknown = /Unknown option '--?([^']+)'/.exec(message)?.[1]
  if (unknown === undefined) return `${message}. See 'alluvium ${command} --help'.`
  const near = nearestName(unknown, names)
  return `unknown option --${unknown}${near === undefined ? '' : `; did you mean --${near}?`} See 'alluvium ${command} --help'.`
}

/** The --help text of one command. */
export function helpOf(command: Command): string {
  const lines = [`alluvium ${command.name} ${command.usage}`, '', command.summary]
  if (command.description !== undefined) lines.push('', command.description)
  lines.push('', 'Options:')
  const entries = Object.entries({ ...command.options, ...COMMON_OPTIONS }).map(
    ([name, spec]) => [`--${name}${spec.type === 'string' ? ` ${spec.value ?? 'TEXT'}` : ''}`, spec.help] as const,
  )
  const width = Math.max(...entries.map(([left]) => left.length))
  for (const [left, help] of entries) lines.push(`  ${left.padEnd(width)}  ${help}`)
  lines.push('', 'Examples:', ...command.examples.map((example) => `  ${example}`))
  return `${lines.join('\n')}\n`
}

/** The text of an option, or undefined. */
export function textOption(options: OptionValues, name: string): string | undefined {
  const value = options[name]
  return typeof value === 'string' ? value : undefined
}

/** A whole number from 0. @throws AlluviumError `INVALID_OPTIONS`. */
export function numberOption(options: OptionValues, name: string): number | undefined {
  const text = textOption(options, name)
  if (text === undefined) return undefined
  const value = Number(text)
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(value)) throw usageError(`--${name} must be a whole number, not ${JSON.stringify(text)}`)
  return value
}

/** A comma-separated list of names; backticks and spaces around them are dropped. */
export function listOption(options: OptionValues, name: string): string[] | undefined {
  const text = textOption(options, name)
  if (text === undefined) return undefined
  const names = (text.match(/`(?:[^`]|``)*`|[^,]+/g) ?? [])
    .map((part) => part.trim())
    .map((part) => (part.startsWith('`') ? part.slice(1, -1).replaceAll('``', '`') : part))
  const empty = names.length === 0 || names.some((part) => part === '')
  if (empty && text !== '') throw usageError(`--${name} must be names separated by commas, not ${JSON.stringify(text)}`)
  return text === '' ? [] : names
}

const SIZE_UNITS: Readonly<Record<string, number>> = {
  '': 1,
  b: 1,
  kb: 2 ** 10,
  k: 2 ** 10,
  mb: 2 ** 20,
  m: 2 ** 20,
  gb: 2 ** 30,
  g: 2 ** 30,
}

/** A size like `64mb` or plain bytes. @throws AlluviumError `INVALID_OPTIONS`. */
export function bytesOption(options: OptionValues, name: string): number | undefined {
  const text = textOption(options, name)
  if (text === undefined) return undefined
  const match = /^(\d+(?:\.\d+)?)\s*([a-z]*)$/i.exec(text)
  const unit = match === null ? undefined : SIZE_UNITS[(match[2] as string).toLowerCase()]
  if (match === null || unit === undefined) throw usageError(`--${name} must be a size like 64mb, not ${JSON.stringify(text)}`)
  return Math.floor(Number(match[1]) * unit)
}

/** `KEY=VALUE` options as a record. Values are never echoed: they may be secrets. */
export function pairsOption(options: OptionValues, name: string): Record<string, string> {
  const pairs = Object.create(null) as Record<string, string>
  for (const text of (options[name] as readonly string[] | undefined) ?? []) {
    const at = text.indexOf('=')
    if (at <= 0) throw usageError(`--${name} wants KEY=VALUE`)
    pairs[text.slice(0, at)] = text.slice(at + 1)
  }
  return pairs
}
