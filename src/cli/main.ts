#!/usr/bin/env node
// The program: finds the command, parses its words, turns errors into a line and an exit status.
import { systemRuntime } from '../runtime.js'
import { nearestName } from '../storage/options.js'
import { VERSION } from '../version.js'
import { type Command, helpOf, parseWords, usageError } from './command.js'
import { adapter } from './commands/adapter.js'
import { changes } from './commands/changes.js'
import { checkpoint } from './commands/checkpoint.js'
import { cleanup } from './commands/cleanup.js'
import { clone } from './commands/clone.js'
import { convert } from './commands/convert.js'
import { create } from './commands/create.js'
import { describe } from './commands/describe.js'
import { doctor } from './commands/doctor.js'
import { files } from './commands/files.js'
import { fsck } from './commands/fsck.js'
import { history } from './commands/history.js'
import { ingest } from './commands/ingest.js'
import { inspect } from './commands/inspect.js'
import { maintain } from './commands/maintain.js'
import { optimize } from './commands/optimize.js'
import { properties } from './commands/properties.js'
import { read } from './commands/read.js'
import { restore } from './commands/restore.js'
import { schema } from './commands/schema.js'
import { vacuum } from './commands/vacuum.js'
import { exitStatusOf } from './exit-status.js'
import { Output } from './output.js'

const COMMANDS: readonly Command[] = [
  create,
  ingest,
  read,
  changes,
  describe,
  schema,
  files,
  history,
  properties,
  checkpoint,
  cleanup,
  optimize,
  vacuum,
  restore,
  fsck,
  convert,
  clone,
  maintain,
  inspect,
  doctor,
  adapter,
]

async function main(words: readonly string[]): Promise<number> {
  const output = new Output(process.stdout, process.stderr, {
    json: words.includes('--json'),
    quiet: words.includes('--quiet'),
    debug: words.includes('--debug'),
  })
  const interrupt = new AbortController()
  const stop = (): void => {
    if (interrupt.signal.aborted) process.exit(130) // asked twice: do not wait
    interrupt.abort(new Error('interrupted'))
  }
  process.on('SIGINT', stop)
  process.on('SIGTERM', stop)
  try {
    await dispatch(words, output, interrupt.signal)
    await output.flush()
    return 0
  } catch (error) {
    if (isBrokenPipe(error)) return 0 // the reader has seen enough
    await output.flush().catch(() => undefined)
    output.error(error)
    return interrupt.signal.aborted ? 130 : exitStatusOf(error)
  }
}

async function dispatch(words: readonly string[], output: Output, signal: AbortSignal): Promise<void> {
  const [name, ...rest] = words
  if (name === undefined || name === '--help' || name === 'help' || name === '-h') {
    const about = name === 'help' ? COMMANDS.find((command) => command.name === rest[0]) : undefined
    return output.write(about === undefined ? overview() : helpOf(about))
  }
  if (name === '--version') return output.line(VERSION)
  const command = COMMANDS.find((candidate) => candidate.name === name)
  if (command === undefined) {
    const near = nearestName(
      name,
      COMMANDS.map((candidate) => candidate.name),
    )
    throw usageError(`unknown command ${JSON.stringify(name)}${near === undefined ? '' : `; did you mean ${near}?`}; see 'alluvium --help'`)
  }
  if (rest.includes('--help')) return output.write(helpOf(command))
  await command.run({ ...parseWords(command, rest), output, signal })
}

function overview(): string {
  const width = Math.max(...COMMANDS.map((command) => command.name.length))
  return [
    'alluvium: Delta Lake tables from the command line',
    '',
    'usage: alluvium <command> TABLE [options]',
    '',
    'TABLE is a path or a URL (s3://bucket/path, webhdfs://host:port/path, file:///path). --storage KEY=VALUE gives an option of',
    'its store, such as endpoint.',
    '',
    'Commands:',
    ...COMMANDS.map((command) => `  ${command.name.padEnd(width)}  ${command.summary}`),
    '',
    'Exit status: 0 done; 1 failed; 2 wrong usage; 3 the table cannot be read or written by this program; 4 the input data',
    'is bad; 5 a conflict that needs you; 6 the outcome of a commit is unknown; 130 interrupted after a clean stop.',
    '',
    'Examples:',
    '  alluvium ingest ./events events.ndjson --create --app-id nightly',
    '  alluvium read ./events --where "score > 5" --limit 10',
    '  alluvium history ./events',
    '',
    "'alluvium <command> --help' tells more about one.",
    '',
  ].join('\n')
}

function isBrokenPipe(error: unknown): boolean {
  return error instanceof Error && (error as { code?: string }).code === 'EPIPE'
}

// Warnings of Node and of packages (the AWS SDK has one about old versions of Node) are for developers; with --json stderr is JSON alone.
if (!process.argv.includes('--debug')) process.removeAllListeners('warning')
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error
})
process.exitCode = await main(process.argv.slice(2))
// A stray handle (a pipe that stays open) must not keep a finished command alive, nor cut off what stdout still holds.
if (process.stdout.writableLength === 0) await systemRuntime.sleep(0)
