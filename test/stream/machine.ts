// The store as one process sees it: calls take time, the process can be frozen between two of them, and it can die, after
// which nothing it does has an effect and nothing it waits for arrives. What was on its way at that moment may still happen.
import type { Runtime, Storage } from 'alluvium'

export interface Machine {
  readonly storage: Storage
  /** Calls wait before they take effect, and their answers wait too. */
  freeze(): void
  thaw(): void
  kill(): void
  readonly isDead: boolean
}

const never = new Promise<never>(() => {})

/** Puts a machine between a process and `inner`. Every call takes up to `latencyMs` on either way. */
export function machine(inner: Storage, runtime: Runtime, latencyMs: number): Machine {
  let isDead = false
  let frozen: Promise<void> | undefined
  let thaw = (): void => {}

  const leg = async (): Promise<void> => {
    await runtime.sleep(runtime.random() * latencyMs)
    while (frozen !== undefined) await frozen
    if (isDead) await never
  }
  const call = async <T>(effect: () => Promise<T>): Promise<T> => {
    await leg()
    const outcome = await effect().then(
      (value) => ({ value }),
      (error: unknown) => ({ error }),
    )
    await leg()
    if ('error' in outcome) throw outcome.error
    return outcome.value
  }

  const storage: Storage = {
    location: inner.location,
    capabilities: inner.capabilities,
    read: (path, options) => call(() => inner.read(path, options)),
    readRange: (path, offset, length, options) => call(() => inner.readRange(path, offset, length, options)),
    stat: (path, options) => call(() => inner.stat(path, options)),
    list: async function* (folder, options) {
      await leg()
      yield* inner.list(folder, options)
    },
    create: (path, bytes, options) => call(() => inner.create(path, bytes, options)),
    put: (path, bytes, options) => call(() => inner.put(path, bytes, options)),
    delete: (path, options) => call(() => inner.delete(path, options)),
    write: async (path, options) => {
      const writer = await call(() => inner.write(path, options))
      return {
        write: (chunk) => call(() => writer.write(chunk)),
        close: () => call(() => writer.close()),
        abort: () => call(() => writer.abort()),
      }
    },
  }
  return {
    storage,
    freeze: () => {
      frozen ??= new Promise((resolve) => {
        thaw = resolve
      })
    },
    thaw: () => {
      frozen = undefined
      thaw()
    },
    kill: () => {
      isDead = true
    },
    get isDead() {
      return isDead
    },
  }
}
