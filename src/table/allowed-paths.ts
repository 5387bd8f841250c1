// Data files outside of the table's folder, as shallow clones name them: read where the caller has allowed their place, and
// nowhere else. Rule: such places are only ever read from; whatever is written or deleted is in the table's own folder.
import { AlluviumError } from '../errors.js'
import type { DataHome } from '../log/index.js'
import type { Storage } from '../storage/storage.js'

/**
 * The table's store, which also reads files below other roots by their absolute paths. What a log may name then is for
 * `resolveDataPath` to decide, which looks at `foreignRoots`.
 * @throws AlluviumError `INVALID_OPTIONS` for a root that is all there is
 */
export function withAllowedRoots(storage: Storage, roots: readonly Storage[]): Storage & DataHome {
  if (roots.length === 0) return storage
  const places = roots.map((root) => ({ root, prefix: `${root.location.replace(/\/+$/, '')}/` }))
  for (const { root, prefix } of places) {
    if (/^([a-z][a-z0-9+.-]*:\/*)?\/$/i.test(prefix)) {
      throw new AlluviumError('INVALID_OPTIONS', `allowing ${root.location} would allow every file there is; name a folder`, {
        path: root.location,
      })
    }
  }
  const readable = (path: string): { readonly store: Storage; readonly inner: string } => {
    const place = places.find(({ prefix }) => path.startsWith(prefix))
    return place === undefined ? { store: storage, inner: path } : { store: place.root, inner: path.slice(place.prefix.length) }
  }
  const routed: Pick<Storage, 'read' | 'readRange' | 'stat'> = {
    read: (path, options) => {
      const { store, inner } = readable(path)
      return store.read(inner, options)
    },
    readRange: (path, offset, length, options) => {
      const { store, inner } = readable(path)
      return store.readRange(inner, offset, length, options)
    },
    stat: async (path, options) => {
      const { store, inner } = readable(path)
      const info = await store.stat(inner, options)
      return info && { ...info, path }
    },
  }
  const foreignRoots = roots.map((root) => root.location)
  // Everything else is the store's own, whatever members it has.
  return new Proxy(storage, {
    get: (target, key) => {
      if (key === 'foreignRoots') return foreignRoots
      if (Object.hasOwn(routed, key)) return routed[key as keyof typeof routed]
      const own: unknown = Reflect.get(target, key, target)
      return typeof own === 'function' ? own.bind(target) : own
    },
  })
}
