// A real Kafka broker of our own: a free port, a name that nobody else has, gone when the test is.
import { execFile } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { kafkaScript, peersCache } from './peers.js'

export interface KafkaBroker extends AsyncDisposable {
  /** `host:port`. */
  readonly bootstrap: string
}

/** Starts a broker and waits until it answers. */
export async function startBroker(): Promise<KafkaBroker> {
  const name = `alluvium-${randomUUID().slice(0, 8)}`
  const run = (...args: string[]): Promise<{ stdout: string }> => promisify(execFile)('bash', [kafkaScript, ...args, '--name', name])
  const stop = async (): Promise<void> => {
    await run('kill')
    rmSync(join(peersCache, 'run', name), { recursive: true, force: true })
  }
  try {
    const { stdout } = await run('start', '--free-ports')
    const bootstrap = /^bootstrap=(.*)$/m.exec(stdout)?.[1]
    if (bootstrap === undefined) throw new Error(`kafka.sh did not say where it listens: ${stdout}`)
    return { bootstrap, [Symbol.asyncDispose]: stop }
  } catch (error) {
    await stop()
    throw error
  }
}
