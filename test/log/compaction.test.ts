// Log compaction files in place of the commits they stand for: the state is the same, whichever files are read.
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { encodeUtf8 } from '../../src/bytes.js'
import { parseCommit } from '../../src/log/commit-json.js'
import { type LogStep, planSteps } from '../../src/log/compaction.js'
import { commitPath, padVersion } from '../../src/log/file-names.js'
import { loadLog, readCommitBytes, readHistory, refreshLog } from '../../src/log/index.js'
import { findSegment } from '../../src/log/segment.js'
import { memoryStorage } from '../../src/storage/memory.js'
import type { ObjectInfo, Storage } from '../../src/storage/storage.js'
import { writeCheckpoint } from './checkpoint-writer.js'
import { FIRST_COMMIT, soundCommits } from './log-arbitrary.js'
import { filesOf, filesOfOracle, Oracle, restOf } from './oracle.js'

const anyway = { allowUnreadable: true }
const compactedPath = (from: number, to: number): string => `_delta_log/${padVersion(from)}.${padVersion(to)}.compacted.json`
const add = (path: string): string => `{"add":{"path":"${path}","partitionValues":{},"size":1,"modificationTime":1,"dataChange":true}}\n`
const remove = (path: string): string => `{"remove":{"path":"${path}","dataChange":true}}\n`

interface Line {
  readonly [kind: string]: {
    readonly path?: string
    readonly appId?: string
    readonly domain?: string
    readonly deletionVector?: { readonly storageType: string; readonly pathOrInlineDv: string; readonly offset?: number }
  }
}

/** Action reconciliation by the protocol's text, on lines: the newest line of every key, in an order of no meaning. */
function reconcile(commits: readonly string[], backwards: boolean): string {
  const newest = new Map<string, string>()
  for (const line of commits.flatMap((text) => text.split('\n').filter((part) => part !== ''))) {
    const [[kind, action] = ['', {}]] = Object.entries(JSON.parse(line) as Line)
    const { path, appId, domain, deletionVector: dv } = action
    if (kind === 'add' || kind === 'remove')
      newest.set(JSON.stringify(['file', path, dv?.storageType, dv?.pathOrInlineDv, dv?.offset]), line)
    else if (kind === 'txn' || kind === 'domainMetadata') newest.set(JSON.stringify([kind, appId, domain]), line)
    else if (kind === 'protocol' || kind === 'metaData') newest.set(kind, line)
  }
  const lines = [...newest.values()].sort()
  if (backwards) lines.reverse()
  return lines.map((line) => `${line}\n`).join('')
}

function stateOf(history: readonly string[]): Oracle {
  const state = new Oracle()
  for (const [version, text] of history.entries()) state.apply(parseCommit(encodeUtf8(text), { version, path: '' }))
  return state
}

async function storageOf(history: readonly string[]): Promise<Storage> {
  const storage = memoryStorage()
  for (const [version, text] of history.entries()) await storage.put(commitPath(version), encodeUtf8(text))
  return storage
}

async function compact(storage: Storage, history: readonly string[], from: number, to: number, backwards = false): Promise<string> {
  const path = compactedPath(from, to)
  await storage.put(path, encodeUtf8(reconcile(history.slice(from, to + 1), backwards)))
  return path
}

/** The same storage, and the files of the log that were read from it. */
function watched(storage: Storage): { storage: Storage; read: string[] } {
  const read: string[] = []
  const watching: Storage = Object.assign(Object.create(storage) as Storage, {
    read: (path: string, options?: object) => {
      read.push(path)
      return storage.read(path, options)
    },
    readRange: storage.readRange.bind(storage),
    list: storage.list.bind(storage),
  })
  return { storage: watching, read }
}

/** Six versions of one file each, and their compactions by hand. */
const six = [FIRST_COMMIT, add('f1'), add('f2') + remove('f1'), add('f3'), add('f1'), remove('f3')]
const pathsAt = async (storage: Storage, version?: number): Promise<string[]> => {
  const { files } = await loadLog(storage, version === undefined ? {} : { version })
  return Array.from(files.liveRows(), (row) => files.path(row)).sort()
}

const histories = fc.array(soundCommits, { minLength: 3, maxLength: 9 }).map((rest) => [FIRST_COMMIT, ...rest])
const ranges = fc.array(fc.tuple(fc.nat(9), fc.integer({ min: 1, max: 5 }), fc.boolean()), { minLength: 2, maxLength: 6 })

describe('log compaction', () => {
  test('replay with compactions equals replay without, at every version, from every checkpoint', async () => {
    let used = 0
    await fc.assert(
      fc.asyncProperty(histories, ranges, fc.nat(3), fc.option(fc.nat(9), { freq: 2 }), async (history, picks, back, checkpointPick) => {
        const storage = await storageOf(history)
        for (const [start, length, backwards] of picks) {
          const from = start % (history.length - 1)
          const to = Math.min(from + length, history.length - 1)
          await compact(storage, history, from, to, backwards)
        }
        if (checkpointPick !== null) {
          const at = checkpointPick % history.length
          await writeCheckpoint(storage, at, stateOf(history.slice(0, at + 1)), 'v2-json')
        }
        const version = Math.max(history.length - 1 - back, 0)
        const expected = stateOf(history.slice(0, version + 1))
        const { storage: watching, read } = watched(storage)
        const view = await loadLog(watching, { version, ...anyway })
        await view.files.loadStats()
        used += read.filter((path) => path.endsWith('.compacted.json')).length
        expect(view.version).toBe(version)
        expect(filesOf(view.files, false)).toEqual(filesOfOracle(expected, false))
        expect(restOf(view)).toEqual(restOf(expected))
        // And on from there, by commits only.
        const latest = stateOf(history)
        read.length = 0
        const refreshed = await refreshLog(view, watching)
        expect(filesOf(refreshed.files, false)).toEqual(filesOfOracle(latest, false))
        expect(restOf(refreshed)).toEqual(restOf(latest))
        expect(read.filter((path) => path.endsWith('.compacted.json'))).toEqual([])
      }),
      { numRuns: 150 },
    )
    expect(used).toBeGreaterThan(40)
  })

  test('a compaction holding removes of files from before it removes them', async () => {
    const storage = await storageOf(six)
    await compact(storage, six, 2, 3)
    expect(await pathsAt(storage, 3)).toEqual(['f2', 'f3'])
    expect(await pathsAt(storage)).toEqual(['f1', 'f2'])
  })

  test('the commits a compaction covers are not read, and need not be there', async () => {
    const storage = await storageOf(six)
    const path = await compact(storage, six, 1, 4)
    const { storage: watching, read } = watched(storage)
    expect(await pathsAt(watching)).toEqual(['f1', 'f2'])
    expect(read).toEqual([commitPath(0), path, commitPath(5)])
    for (const version of [1, 2, 3, 4]) await storage.delete(commitPath(version))
    expect(await pathsAt(storage)).toEqual(['f1', 'f2'])
    await expect(loadLog(storage, { version: 3 })).rejects.toMatchObject({ code: 'CORRUPT_LOG', facts: { version: 1 } })
  })

  test('the whole log may be one compaction, and its end counts as a version', async () => {
    const storage = await storageOf(six)
    await compact(storage, six, 0, 5)
    for (let version = 0; version < 6; version++) await storage.delete(commitPath(version))
    const view = await loadLog(storage)
    expect(view.version).toBe(5)
    expect(await pathsAt(storage)).toEqual(['f1', 'f2'])
    expect(view.commitInfo).toBeUndefined()
    // Damaged, it still says that there was a version 5: nothing older passes for the latest.
    await storage.put(compactedPath(0, 5), encodeUtf8('{"add":{"pa'))
    await storage.put(commitPath(0), encodeUtf8(FIRST_COMMIT))
    await expect(loadLog(storage)).rejects.toMatchObject({ code: 'CORRUPT_LOG', facts: { path: compactedPath(0, 5) } })
  })

  test('a compaction that starts at or below the checkpoint is not used', async () => {
    // Each would bring back f2, which the checkpoint of version 3 has seen removed.
    const history = [FIRST_COMMIT, add('f1'), add('f2'), remove('f2'), add('f4'), add('f5')]
    for (const [from, to] of [
      [1, 4],
      [2, 4],
      [3, 5],
      [0, 5],
    ] as const) {
      const storage = await storageOf(history)
      await writeCheckpoint(storage, 3, stateOf(history.slice(0, 4)), 'classic')
      await storage.put(compactedPath(from, to), encodeUtf8(add('f2')))
      expect(await pathsAt(storage), `${from} to ${to}`).toEqual(['f1', 'f4', 'f5'])
    }
  })

  test('a compaction that ends above the wanted version is not used', async () => {
    const storage = await storageOf(six)
    await compact(storage, six, 1, 4)
    expect(await pathsAt(storage, 3)).toEqual(['f2', 'f3'])
  })

  test.each([
    ['is torn in a line', (text: string) => text.slice(0, -20)],
    ['is no JSON', () => 'PAR1'],
    ['is empty', () => ''],
    ['adds and removes one file', (text: string) => `${text}${remove('f2')}`],
    ['removes and adds one file', (text: string) => `${remove('f2')}${text}`],
    ['adds one file twice', (text: string) => `${text}${add('f2')}`],
    ['has two metaData', (text: string) => `${text}${(FIRST_COMMIT.split('\n')[1] as string).repeat(2).replace('}}{', '}}\n{')}\n`],
    ['has two positions of one application', (text: string) => `${text}${'{"txn":{"appId":"a","version":1}}\n'.repeat(2)}`],
    [
      'has two of one domain',
      (text: string) => `${text}${'{"domainMetadata":{"domain":"d","configuration":"","removed":true}}\n'.repeat(2)}`,
    ],
    ['has an action that is none', (text: string) => `${text}{"add":{"path":7}}\n`],
  ])('where a compaction %s, its commits are read instead', async (_, damage) => {
    const storage = await storageOf(six)
    await storage.put(compactedPath(1, 4), encodeUtf8(damage(reconcile(six.slice(1, 5), false))))
    // The next shorter one is as good as ever.
    const shorter = await compact(storage, six, 1, 3)
    const { storage: watching, read } = watched(storage)
    const view = await loadLog(watching)
    expect(Array.from(view.files.liveRows(), (row) => view.files.path(row)).sort()).toEqual(['f1', 'f2'])
    expect(view.files.sizeBytes).toBe(2)
    expect(view.txns.size + view.domains.size).toBe(0)
    expect(read).toContain(shorter)
  })

  test('where the damaged compaction is all that is left of its commits, it is named', async () => {
    const storage = await storageOf(six)
    await storage.put(compactedPath(1, 4), encodeUtf8('nothing of use'))
    await storage.delete(commitPath(2))
    await expect(loadLog(storage)).rejects.toMatchObject({ code: 'CORRUPT_LOG', facts: { path: compactedPath(1, 4) } })
  })

  test('a compaction beyond the size limit gives way to its commits', async () => {
    const storage = await storageOf(six)
    await storage.put(compactedPath(1, 4), encodeUtf8(`${reconcile(six.slice(1, 5), false)}${' '.repeat(4000)}`))
    const view = await loadLog(storage, { limits: { maxCommitBytes: 1000 } })
    expect(view.files.numFiles).toBe(2)
  })

  test('a file added with a new deletion vector and removed with the old one is one thing each', async () => {
    const withVector = (line: string, id: string): string =>
      line.replace('}}\n', `,"deletionVector":{"storageType":"u","pathOrInlineDv":"${id}","sizeInBytes":1,"cardinality":1}}}\n`)
    const history = [
      FIRST_COMMIT,
      add('f'),
      withVector(add('f'), 'v1') + remove('f'),
      withVector(add('f'), 'v2') + withVector(remove('f'), 'v1'),
    ]
    const storage = await storageOf(history)
    const path = await compact(storage, history, 1, 3)
    const { storage: watching, read } = watched(storage)
    const { files } = await loadLog(watching, anyway)
    expect(read).toEqual([commitPath(0), path])
    expect(Array.from(files.liveRows(), (row) => files.deletionVector(row)?.pathOrInlineDv)).toEqual(['v2'])
  })

  test('history and single commits are those of the commits', async () => {
    const storage = await storageOf(six)
    await compact(storage, six, 0, 5)
    expect((await readHistory(storage)).map(({ version }) => version)).toEqual([5, 4, 3, 2, 1, 0])
    expect(await readCommitBytes(storage, 3)).toEqual(encodeUtf8(six[3] as string))
  })
})

describe('the steps to a version', () => {
  const file = (path: string): ObjectInfo => ({ path, sizeBytes: 1, modifiedMs: 0 })
  const commits = (...versions: number[]): Map<number, ObjectInfo> => new Map(versions.map((version) => [version, file(`${version}`)]))
  const compactions = (...list: [number, number][]): Map<number, LogStep[]> => {
    const groups = new Map<number, LogStep[]>()
    for (const [from, to] of list.sort(([, a], [, b]) => b - a)) {
      groups.set(from, [...(groups.get(from) ?? []), { from, to, file: file(`${from}-${to}`) }])
    }
    return groups
  }
  const plan = (c: Map<number, ObjectInfo>, l: Map<number, LogStep[]>, start: number, end: number, unusable?: Set<string>): unknown => {
    const steps = planSteps({ commits: c, compactions: l }, start, end, unusable)
    return typeof steps === 'number' ? steps : steps.map((step) => step.file.path).join(' ')
  }

  test('take the longest compaction that fits', () => {
    const all = commits(0, 1, 2, 3, 4, 5)
    expect(plan(all, compactions([1, 2], [1, 4], [1, 9], [2, 5]), 0, 5)).toBe('0 1-4 5')
    expect(plan(all, compactions([1, 2], [1, 4]), 0, 3)).toBe('0 1-2 3')
    expect(plan(all, compactions([0, 5]), 1, 5)).toBe('1 2 3 4 5')
    expect(plan(all, compactions([1, 2], [1, 4]), 0, 5, new Set(['1-4']))).toBe('0 1-2 3 4 5')
  })

  test('go around a hole where a shorter compaction or a commit does', () => {
    expect(plan(commits(0, 1), compactions([1, 4], [1, 2], [3, 6]), 0, 6)).toBe('0 1-2 3-6')
    expect(plan(commits(0, 1), compactions([1, 4], [2, 6]), 0, 6)).toBe('0 1 2-6')
    expect(plan(commits(0, 1, 5), compactions([1, 4], [2, 6]), 0, 7)).toBe(6)
    expect(plan(commits(0, 2), compactions(), 0, 2)).toBe(1)
  })

  test('are found, or found missing, as a search of all ways finds', () => {
    const pairs = fc.tuple(fc.nat(8), fc.integer({ min: 1, max: 8 })).map(([from, length]): [number, number] => [from, from + length])
    fc.assert(
      fc.property(fc.subarray([0, 1, 2, 3, 4, 5, 6, 7, 8]), fc.array(pairs, { maxLength: 6 }), fc.nat(8), (there, list, end) => {
        const reachable = (at: number): boolean =>
          at === end + 1 ||
          (at <= end && ((there.includes(at) && reachable(at + 1)) || list.some(([from, to]) => from === at && reachable(to + 1))))
        const steps = planSteps({ commits: commits(...there), compactions: compactions(...list) }, 0, end)
        expect(typeof steps !== 'number').toBe(reachable(0))
        if (typeof steps === 'number') return
        let next = 0
        for (const step of steps) {
          expect(step.from).toBe(next)
          next = step.to + 1
        }
        expect(next).toBe(end + 1)
      }),
      { numRuns: 500 },
    )
  })

  test('a hint leads to the compactions after its checkpoint', async () => {
    const storage = await storageOf(six)
    await writeCheckpoint(storage, 1, stateOf(six.slice(0, 2)), 'classic')
    await storage.put('_delta_log/_last_checkpoint', encodeUtf8('{"version":1,"size":1}'))
    const path = await compact(storage, six, 2, 5)
    expect((await findSegment(storage)).steps.map((step) => step.file.path)).toEqual([path])
    expect(await pathsAt(storage)).toEqual(['f1', 'f2'])
  })
})
