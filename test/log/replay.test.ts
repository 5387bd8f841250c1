// Histories of random commits against the plainest replay: cold opening at any version, from any checkpoint, and
// refreshing from any version all give the same state, and no view ever changes.
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { encodeUtf8 } from '../../src/bytes.js'
import type { Action } from '../../src/log/actions.js'
import { parseCommit } from '../../src/log/commit-json.js'
import { commitPath } from '../../src/log/file-names.js'
import { loadLog, refreshLog } from '../../src/log/load.js'
import { createdView, type LogView } from '../../src/log/log-view.js'
import { memoryStorage } from '../../src/storage/memory.js'
import type { Storage } from '../../src/storage/storage.js'
import { FORMS, type Form, writeCheckpoint } from './checkpoint-writer.js'
import { FIRST_COMMIT, soundCommits } from './log-arbitrary.js'
import { filesOf, filesOfOracle, Oracle, restOf } from './oracle.js'

const histories = fc.array(soundCommits, { minLength: 1, maxLength: 8 }).map((rest) => [FIRST_COMMIT, ...rest])
const anyway = { allowUnreadable: true }

function actionsOf(history: readonly string[]): Action[][] {
  return history.map((text, version) => parseCommit(encodeUtf8(text), { version, path: commitPath(version) }))
}

/** The oracle's state at every version. */
function statesOf(history: readonly string[]): Oracle[] {
  const states: Oracle[] = []
  let state = new Oracle()
  for (const actions of actionsOf(history)) {
    state = state.copy()
    state.apply(actions)
    states.push(state)
  }
  return states
}

async function put(storage: Storage, version: number, text: string): Promise<void> {
  await storage.put(commitPath(version), encodeUtf8(text))
}

async function storageOf(history: readonly string[]): Promise<Storage> {
  const storage = memoryStorage()
  for (const [version, text] of history.entries()) await put(storage, version, text)
  return storage
}

function expectState(view: LogView, state: Oracle, whole = true): void {
  expect(filesOf(view.files, whole)).toEqual(filesOfOracle(state, whole))
  expect(restOf(view)).toEqual(restOf(state))
}

describe('replay', () => {
  test('opening at any version gives the state of that version', async () => {
    await fc.assert(
      fc.asyncProperty(histories, async (history) => {
        const storage = await storageOf(history)
        for (const [version, state] of statesOf(history).entries()) {
          const view = await loadLog(storage, { version, ...anyway })
          expect(view.version).toBe(version)
          expectState(view, state)
        }
      }),
      { numRuns: 60 },
    )
  })

  test('refreshing from any version gives the latest state, and no older view changes', async () => {
    await fc.assert(
      fc.asyncProperty(histories, fc.nat(), async (history, pick) => {
        const storage = memoryStorage()
        const states = statesOf(history)
        const views: LogView[] = []
        for (const [version, text] of history.entries()) {
          await put(storage, version, text)
          // Sometimes from the newest view, sometimes from one further back.
          const from = views[pick % 3 === 0 ? views.length - 1 : pick % Math.max(views.length, 1)]
          views.push(from === undefined ? await loadLog(storage, anyway) : await refreshLog(from, storage))
        }
        expect(views.map((view) => view.version)).toEqual(history.map((_, version) => version))
        for (const [version, view] of views.entries()) expectState(view, states[version] as Oracle)
        for (const view of views) expect(await refreshLog(view, storage)).toBe(views.at(-1))
      }),
      { numRuns: 60 },
    )
  })

  test.each(FORMS)('replay from a %s checkpoint at any version equals replay from 0', async (form) => {
    await fc.assert(
      fc.asyncProperty(histories, fc.nat(), fc.boolean(), async (history, pick, cleaned) => {
        const at = pick % history.length
        const storage = await storageOf(history)
        const states = statesOf(history)
        await writeCheckpoint(storage, at, states[at] as Oracle, form as Form)
        if (cleaned) for (let version = 0; version <= at; version++) await storage.delete(commitPath(version))
        const view = await loadLog(storage, anyway)
        expect(view.version).toBe(history.length - 1)
        await view.files.loadStats()
        expectState(view, states.at(-1) as Oracle, false)
        // And on from there.
        await put(storage, history.length, '{"remove":{"path":"a.parquet","dataChange":true}}')
        const next = (states.at(-1) as Oracle).copy()
        next.apply([{ kind: 'remove', path: 'a.parquet', dataChange: true }])
        expectState(await refreshLog(view, storage), next, false)
        expectState(view, states.at(-1) as Oracle, false)
      }),
      { numRuns: 12 },
    )
  })

  test('a checkpoint of more files than one batch holds is read whole', async () => {
    const state = new Oracle()
    state.apply(actionsOf([FIRST_COMMIT])[0] as Action[])
    for (let n = 0; n < 70_000; n++) {
      const stats = `{"numRecords":${n}}`
      state.apply([
        { kind: 'add', path: `p${n}`, partitionValues: { p: String(n % 7) }, size: n, modificationTime: n, dataChange: false, stats },
      ])
    }
    const storage = memoryStorage()
    await writeCheckpoint(storage, 4, state, 'classic')
    const { files } = await loadLog(storage)
    await files.loadStats()
    expect(files.numFiles).toBe(70_000)
    const values = files.partition('p')
    for (const row of files.liveRows()) {
      const n = files.size(row)
      if (files.path(row) !== `p${n}` || values.values[values.ids(row)] !== String(n % 7)) throw new Error(`row ${row} is mixed up`)
      if (files.stats(row) !== `{"numRecords":${n}}` || files.find(`p${n}`) !== row) throw new Error(`row ${row} is not found`)
    }
  })

  test('a view advanced by its own commits is the view that opening gives', async () => {
    await fc.assert(
      fc.asyncProperty(histories, async (history) => {
        const storage = await storageOf(history)
        const all = actionsOf(history)
        let view = await loadLog(storage, { version: 0, ...anyway })
        for (let version = 1; version < all.length; version++) view = view.applyCommit(version, all[version] as Action[])
        expectState(view, statesOf(history).at(-1) as Oracle)
      }),
      { numRuns: 50 },
    )
  })

  test('views that go different ways do not see each other', async () => {
    await fc.assert(
      fc.asyncProperty(histories, soundCommits, soundCommits, async (history, left, right) => {
        const storage = await storageOf(history)
        const base = statesOf(history).at(-1) as Oracle
        const view = await loadLog(storage, anyway)
        const version = view.version + 1
        const leftView = view.applyCommit(version, encodeUtf8(left))
        const rightView = view.applyCommit(version, encodeUtf8(right))
        for (const [side, text] of [
          [leftView, left],
          [rightView, right],
        ] as const) {
          const state = base.copy()
          state.apply(parseCommit(encodeUtf8(text), { version, path: '' }))
          expectState(side, state)
        }
        expectState(view, base)
        if (left === right) expect(rightView).toBe(leftView)
      }),
      { numRuns: 50 },
    )
  })

  test('a table of many commits is rebuilt without its dead rows, and older views stay as they were', async () => {
    const storage = memoryStorage()
    await put(storage, 0, FIRST_COMMIT)
    let view = await loadLog(storage)
    const add = (path: string): string =>
      `{"add":{"path":"${path}","partitionValues":{"p":"${path.length}"},"size":10,"modificationTime":1,"dataChange":true}}\n`
    const remove = (path: string): string => `{"remove":{"path":"${path}","dataChange":true}}\n`
    const early: { view: LogView; paths: string[] }[] = []
    const generation = (n: number): string[] => Array.from({ length: 30_000 }, (_, i) => `${n}/${i}`)
    for (let n = 1; n <= 6; n++) {
      const text =
        generation(n).map(add).join('') +
        (n > 1
          ? generation(n - 1)
              .map(remove)
              .join('')
          : '')
      view = view.applyCommit(view.version + 1, encodeUtf8(text))
      early.push({ view, paths: generation(n) })
    }
    for (const { view: old, paths } of early) {
      expect(old.files.numFiles).toBe(30_000)
      expect(old.files.sizeBytes).toBe(300_000)
      expect(Array.from(old.files.liveRows(), (row) => old.files.path(row))).toEqual(paths)
      expect(old.newest).toBe(view)
      expect(old.files.find(paths[7] as string)).toBeGreaterThanOrEqual(0)
      expect(old.files.find('nowhere')).toBe(-1)
    }
    expect(early[0]?.view.files.find('6/1')).toBe(-1)
    // A late caller that only has an early view still gets on.
    const late = (early[0] as { view: LogView }).view.applyCommit(2, encodeUtf8(add('elsewhere')))
    expect(late.files.numFiles).toBe(30_001)
    const values = view.files.partition('p')
    for (const row of view.files.liveRows()) expect(values.values[values.ids(row)]).toBe(String(view.files.path(row).length))
  })

  test('the view of a table just created is the one that opening gives', async () => {
    const [actions] = actionsOf([FIRST_COMMIT])
    const storage = await storageOf([FIRST_COMMIT])
    const created = createdView(actions as Action[], 5)
    expect(created.version).toBe(0)
    expect(created.commitModifiedMs).toBe(5)
    expect(restOf(created)).toEqual(restOf(await loadLog(storage)))
    expect(await refreshLog(created, storage)).toBe(created)
  })

  test('the later of two actions about one file in one commit wins, as in Spark', async () => {
    const add = '{"add":{"path":"a","partitionValues":{},"size":1,"modificationTime":1,"dataChange":true}}\n'
    const larger = add.replace('"size":1', '"size":2')
    const remove = '{"remove":{"path":"a","dataChange":true}}\n'
    const filesAfter = async (commit: string): Promise<number[]> => {
      const view = await loadLog(await storageOf([FIRST_COMMIT, commit]))
      return Array.from(view.files.liveRows(), (row) => view.files.size(row))
    }
    expect(await filesAfter(add + larger)).toEqual([2])
    expect(await filesAfter(add + remove)).toEqual([])
    expect(await filesAfter(remove + add)).toEqual([1])
    expect(await filesAfter(add + remove + larger)).toEqual([2])
  })
})
