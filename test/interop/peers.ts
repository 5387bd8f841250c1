// The peers: other engines and real servers, found by ALLUVIUM_PEERS (a folder with python.sh, kafka.sh, readers/).
// Where they are absent the suite skips and says so; where CI is set it must not.
import { execFile, execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { homedir, tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'

export const repository: string = resolve(import.meta.dirname, '../..')

/** The folder of the peers' scripts. */
export const peersFolder: string = resolve(process.env.ALLUVIUM_PEERS ?? join(repository, '../shared/peers'))

/** Why the interop tests cannot run here; undefined when they can. */
export const absent: string | undefined = existsSync(join(peersFolder, 'python.sh'))
  ? undefined
  : `no peers in ${peersFolder} (set ALLUVIUM_PEERS to a folder that holds python.sh, kafka.sh and readers/)`
if (absent !== undefined && process.env.CI !== undefined) throw new Error(`CI needs the interop tests: ${absent}`)

/** Where peers keep what they install and what their servers write. */
export const peersCache: string = process.env.ALLUVIUM_PEERS_DIR ?? join(homedir(), '.cache/alluvium-peers')

export const kafkaScript: string = join(peersFolder, 'kafka.sh')

let exported: ReadonlyMap<string, string> | undefined

/** The Python that has the engines; installs them when that was not done yet. */
export function peersPython(): string {
  return process.env.ALLUVIUM_PEERS_PYTHON ?? fromPythonScript('ALLUVIUM_PEERS_PYTHON')
}

/** The script of a reader: deltalake, duckdb, polars, chdb or spark. */
export function readerScript(name: string): string {
  return join(process.env.ALLUVIUM_PEERS_READERS ?? fromPythonScript('ALLUVIUM_PEERS_READERS'), `${name}.py`)
}

/** Runs Python source in the peers' environment; `input` goes in as JSON, the answer is the JSON it prints. */
export async function python<T>(source: string, input: unknown = null): Promise<T> {
  const scratch = mkdtempSync(join(tmpdir(), 'alluvium-python-')) // engines leave things behind
  try {
    const program = `import json, sys\ninput = json.loads(sys.argv[1])\n${source}`
    const { stdout } = await promisify(execFile)(peersPython(), ['-c', program, JSON.stringify(input)], {
      maxBuffer: 256 * 2 ** 20,
      env: { ...process.env, TMPDIR: scratch },
    })
    return JSON.parse(stdout) as T
  } finally {
    rmSync(scratch, { recursive: true, force: true })
  }
}

// What python.sh says to export, once for the process.
function fromPythonScript(name: string): string {
  exported ??= new Map(
    execFileSync('bash', [join(peersFolder, 'python.sh')], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] })
      .split('\n')
      .flatMap((line) => {
        const match = /^export (\w+)=(.*)$/.exec(line)
        return match === null ? [] : [[match[1] as string, match[2] as string] as const]
      }),
  )
  const value = exported.get(name)
  if (value === undefined) throw new Error(`python.sh did not export ${name}`)
  return value
}
