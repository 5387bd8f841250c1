// Defects that a campaign can be run with, to see that it would notice: in what a writer does, and in what its store does.
import fs from 'node:fs'
import path from 'node:path'
import type { LocalStorage } from '../../src/storage/local.js'

export const DEFECTS = ['acks early', 'retries blindly', 'keeps positions beside', 'creates in place', 'creates over others'] as const

export type Defect = (typeof DEFECTS)[number]

/** The store of a life, with the defect that its storage is to have. */
export function damaged(storage: LocalStorage, { root, defect }: { readonly root: string; readonly defect?: Defect }): LocalStorage {
  if (defect !== 'creates in place' && defect !== 'creates over others') return storage
  const without: LocalStorage = Object.create(storage, {
    location: { value: storage.location },
    capabilities: { value: storage.capabilities },
    stage: { value: undefined },
    create: {
      value: async (name: string, bytes: Uint8Array) => {
        const absolute = path.join(root, name)
        fs.mkdirSync(path.dirname(absolute), { recursive: true })
        if (defect === 'creates over others') {
          // Looks first, then replaces: whoever comes between is lost.
          if (fs.existsSync(absolute)) return 'exists'
          await new Promise((resolve) => setTimeout(resolve, 2))
          fs.writeFileSync(`${absolute}.${process.pid}`, bytes)
          fs.renameSync(`${absolute}.${process.pid}`, absolute)
          return 'created'
        }
        // Exclusive, but under its own name from the first byte on.
        const fd = await fs.promises.open(absolute, 'wx').catch((error) => {
          if (error.code === 'EEXIST') return undefined
          throw error
        })
        if (fd === undefined) return 'exists'
        const half = bytes.length >> 1
        await fd.write(bytes.subarray(0, half))
        await new Promise((resolve) => setTimeout(resolve, 2))
        await fd.write(bytes.subarray(half))
        await fd.close()
        return 'created'
      },
    },
  })
  for (const name of ['read', 'readRange', 'stat', 'list', 'put', 'write', 'writeWhole', 'delete', 'cleanLeftovers'] as const)
    Object.defineProperty(without, name, { value: (storage[name] as (...args: unknown[]) => unknown).bind(storage) })
  return without
}
