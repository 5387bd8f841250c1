// A store that counts its calls, and can be made to fail for good.
import type { Storage } from '../../../src/storage/storage.js'

type Call = 'read' | 'readRange' | 'stat' | 'list' | 'create' | 'put' | 'write' | 'delete'

export interface Counted {
  readonly storage: Storage
  /** Calls since the last look, by name. */
  calls(): Partial<Record<Call, number>>
  /** Replaces calls from now on. */
  replace(calls: Partial<Storage>): void
}

export function counting(inner: Storage): Counted {
  let counts: Partial<Record<Call, number>> = {}
  let replaced: Partial<Storage> = {}
  const storage = new Proxy(inner, {
    get(target, name: keyof Storage) {
      const value = replaced[name] ?? target[name]
      if (typeof value !== 'function') return value
      return (...args: unknown[]) => {
        counts[name as Call] = (counts[name as Call] ?? 0) + 1
        return (value as (...args: unknown[]) => unknown).apply(target, args)
      }
    },
  })
  return {
    storage,
    calls: () => {
      const seen = counts
      counts = {}
      return seen
    },
    replace: (calls) => {
      replaced = calls
    },
  }
}
