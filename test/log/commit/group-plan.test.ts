// Several logical commits in one plan: each is checked for itself, leaves with its own error, and the others go on without it.
import { describe, expect, test } from 'vitest'
import type { Action, AddFile } from '../../../src/log/actions.js'
import type { Proposal } from '../../../src/log/commit/committer.js'
import { checkConflict, type Winner } from '../../../src/log/commit/conflict.js'
import { GroupPlan, NobodyLeft } from '../../../src/log/commit/group-plan.js'
import type { CommitContext, CommitRequest } from '../../../src/log/commit/index.js'
import { QueuedCommit } from '../../../src/log/commit/queued-commit.js'
import { type LogView, loadLog } from '../../../src/log/index.js'
import { memoryStorage } from '../../../src/storage/memory.js'
import { manualRuntime } from '../../support/manual-runtime.js'
import { add, txn } from './group-scene.js'
import { newTable } from './rig.js'

const storage = memoryStorage()
const context = { storage, runtime: manualRuntime(), committer: {} } as unknown as CommitContext

async function table(): Promise<LogView> {
  const one = memoryStorage()
  await newTable(one)
  return loadLog(one)
}

const next = (view: LogView, actions: readonly Action[]): LogView => view.applyCommit(view.version + 1, actions)

interface Member {
  readonly queued: QueuedCommit
  /** What it ended with; undefined while it has not. */
  ended(): Promise<unknown>
}

function member(base: LogView, actions: readonly Action[], more: Partial<CommitRequest> = {}, signal?: AbortSignal): Member {
  const request = { operation: 'WRITE', operationParameters: { mode: 'Append' }, readSet: { appIds: [] }, ...more, base, actions }
  const queued = new QueuedCommit(context, request, signal === undefined ? {} : { signal }, () => {})
  queued.result.catch(() => {})
  queued.take()
  return {
    queued,
    ended: () =>
      Promise.race([queued.result.catch((error: unknown) => error), new Promise((resolve) => setImmediate(() => resolve(undefined)))]),
  }
}

function planOf(members: readonly Member[], base: LogView, known: readonly Winner[] = []): GroupPlan {
  return new GroupPlan(
    members.map(({ queued }) => queued),
    base,
    known,
    { storage, check: checkConflict },
  )
}

const paths = (actions: readonly Action[]): string[] => actions.flatMap((action) => (action.kind === 'add' ? action.path : []))
/** Refused for its own sake: the table has no deletion vectors. */
const faulty = (path: string): AddFile =>
  add(path, { deletionVector: { storageType: 'u', pathOrInlineDv: 'ab^-aqEH.-t@S}K{vb[*k^', offset: 1, sizeInBytes: 4, cardinality: 1 } })
const refused = { code: 'UNSUPPORTED_FEATURE', facts: { committed: false } }
const winner = (version: number, ...actions: Action[]): Winner => ({ version, actions })

describe('a plan of several', () => {
  test('says what is done and where, and waits for what it is told to', async () => {
    const base = await table()
    const ready = Promise.resolve()
    const { queued } = member(base, [add('a')])
    const plan = new GroupPlan([queued], base, [], { storage, check: checkConflict, ready })
    expect(plan.what).toBe(`WRITE on ${storage.location}`)
    expect(plan.base).toBe(base)
    expect(plan.ready).toBe(ready)
    expect(planOf([member(base, [add('a')])], base).ready).toBeUndefined()
  })

  test('puts all of them, and the same object as long as nobody leaves', async () => {
    const base = await table()
    const members = [member(base, [add('a')]), member(base, [txn('app', 1n), add('b')], { readSet: { appIds: ['app'] } })]
    const plan = planOf(members, base)
    plan.start()
    expect(plan.put).toEqual([])
    const contents = plan.contents()
    expect(contents.actions).toEqual([add('a'), txn('app', 1n), add('b')])
    expect(contents.readSet).toEqual({ appIds: ['app'] })
    expect(plan.contents()).toBe(contents)
    expect(plan.put).toBe(contents.actions)
    expect(plan.members).toEqual(members.map(({ queued }) => queued))
  })

  test('knows the proposal that may be in the table, until it is known not to be', async () => {
    const base = await table()
    const plan = planOf([member(base, [add('a')]), member(base, [add('b')])], base)
    const proposal: Proposal = { version: 1, txnId: 't', bytes: new Uint8Array(1) }
    expect(plan.offered).toBeUndefined()
    plan.offer(proposal)
    expect(plan.offered).toBe(proposal)
    plan.meet([winner(1, add('r'))], base, next(base, [add('r')]), 't')
    expect(plan.offered).toBeUndefined()
  })
})

describe('before the first try', () => {
  test('one that cannot stand leaves with its own error, and the others go on', async () => {
    const base = await table()
    const members = [member(base, [add('a')]), member(base, [faulty('b')]), member(base, [add('c')])]
    const plan = planOf(members, base)
    plan.start()
    expect(paths(plan.contents().actions)).toEqual(['a', 'c'])
    const [first, second, third] = await Promise.all(members.map((one) => one.ended()))
    expect(second).toMatchObject(refused)
    expect([first, third]).toEqual([undefined, undefined])
    expect(plan.members).toEqual([members[0]?.queued, members[2]?.queued])
  })

  test('where none can stand nobody is left, and each has its own error', async () => {
    const base = await table()
    const members = [member(base, [faulty('a')]), member(base, [faulty('b')])]
    expect(() => planOf(members, base).start()).toThrow(NobodyLeft)
    for (const one of members) expect(await one.ended()).toMatchObject(refused)
  })

  test('one alone fails its run in the words of the check, and is not ended here', async () => {
    const base = await table()
    const alone = member(base, [faulty('a')])
    const plan = planOf([alone], base)
    expect(() => plan.start()).toThrow(expect.objectContaining({ code: 'UNSUPPORTED_FEATURE' }))
    expect(await alone.ended()).toBeUndefined()
    expect(plan.members).toEqual([alone.queued])
  })

  test('each is checked against the commits that it has not seen, and no others', async () => {
    const base = await table()
    const first = next(base, [txn('a', 9n)])
    const second = next(first, [txn('b', 9n)])
    const known = [winner(1, txn('a', 9n)), winner(2, txn('b', 9n))]
    const moved = (appId: string, view: LogView): Member =>
      member(view, [txn(appId, 10n), add(`${appId}${view.version}`)], { readSet: { appIds: [appId] } })
    const members = [moved('a', base), moved('a', first), moved('b', first), moved('b', second), moved('c', base)]
    const plan = planOf(members, second, known)
    plan.start()
    expect(paths(plan.contents().actions)).toEqual(['a1', 'b2', 'c0'])
    const conflict = (version: number) =>
      expect.objectContaining({
        code: 'COMMIT_CONFLICT',
        facts: expect.objectContaining({ rule: 'txn', version, txnId: '', committed: false }),
      })
    expect(await members[0]?.ended()).toEqual(conflict(1))
    expect(await members[2]?.ended()).toEqual(conflict(2))
  })

  test('what all have seen is not checked at all', async () => {
    const base = await table()
    const newer = next(base, [txn('a', 9n)])
    let checks = 0
    const check: typeof checkConflict = (...args) => {
      checks++
      return checkConflict(...args)
    }
    const members = [member(newer, [txn('a', 10n)], { readSet: { appIds: ['a'] } }), member(newer, [add('b')])].map(({ queued }) => queued)
    new GroupPlan(members, newer, [winner(1, txn('a', 9n))], { storage, check }).start()
    expect(checks).toBe(0)
    const behind = [member(base, [add('a')]), member(newer, [add('b')])].map(({ queued }) => queued)
    new GroupPlan(behind, newer, [winner(1, txn('a', 9n))], { storage, check }).start()
    expect(checks).toBe(1)
  })
})

describe('before each try', () => {
  test('who does not wait any more is left out, aborted, and what is put is made anew', async () => {
    const base = await table()
    const controller = new AbortController()
    const members = [member(base, [add('a')]), member(base, [add('b')], {}, controller.signal), member(base, [add('c')])]
    const plan = planOf(members, base)
    plan.start()
    const all = plan.contents()
    expect(paths(all.actions)).toEqual(['a', 'b', 'c'])
    controller.abort()
    const rest = plan.contents()
    expect(paths(rest.actions)).toEqual(['a', 'c'])
    expect(paths(plan.put)).toEqual(['a', 'c'])
    expect(plan.contents()).toBe(rest)
    expect(await members[1]?.ended()).toMatchObject({ code: 'ABORTED', facts: { committed: false } })
    expect(await members[0]?.ended()).toBeUndefined()
  })

  test('who has ended already is left out with the error that it has', async () => {
    const base = await table()
    const members = [member(base, [add('a')]), member(base, [add('b')])]
    const plan = planOf(members, base)
    plan.start()
    const own = new Error('nobody knows')
    members[0]?.queued.fail(own)
    expect(paths(plan.contents().actions)).toEqual(['b'])
    expect(await members[0]?.ended()).toBe(own)
    members[1]?.queued.fail(own)
    expect(() => plan.contents()).toThrow(NobodyLeft)
  })

  test('one alone is put though it does not wait: that is for its run to say', async () => {
    const base = await table()
    const controller = new AbortController()
    const alone = member(base, [add('a')], {}, controller.signal)
    const plan = planOf([alone], base)
    controller.abort()
    expect(paths(plan.contents().actions)).toEqual(['a'])
    expect(await alone.ended()).toBeUndefined()
  })
})

describe('on top of winners', () => {
  test('one that they are a conflict for leaves with it, and the others are put without it', async () => {
    const base = await table()
    const members = ['a', 'b', 'c'].map((app) => member(base, [txn(app, 2n), add(app)], { readSet: { appIds: [app] } }))
    const plan = planOf(members, base)
    plan.start()
    plan.contents()
    const newer = next(base, [txn('b', 1n)])
    plan.meet([winner(1, txn('b', 1n))], base, newer, 'my-txn')
    expect(await members[1]?.ended()).toMatchObject({
      code: 'COMMIT_CONFLICT',
      message: expect.stringContaining(`WRITE on ${storage.location} was not committed: version 1`),
      facts: { rule: 'txn', version: 1, txnId: 'my-txn', committed: false },
    })
    expect(paths(plan.contents().actions)).toEqual(['a', 'c'])
    const newest = next(next(newer, [txn('a', 1n)]), [txn('c', 1n)])
    expect(() => plan.meet([winner(2, txn('a', 1n)), winner(3, txn('c', 1n))], newer, newest, 'my-txn')).toThrow(NobodyLeft)
    for (const one of members) expect(await one.ended()).toMatchObject({ code: 'COMMIT_CONFLICT' })
  })

  test('remembers all that it has met, in order', async () => {
    const base = await table()
    const plan = planOf([member(base, [add('a')]), member(base, [add('b')])], base)
    const one = next(base, [add('r')])
    plan.meet([winner(1, add('r'))], base, one, 't')
    plan.meet([winner(2, add('s')), winner(3, add('u'))], one, next(next(one, [add('s')]), [add('u')]), 't')
    expect(plan.met.map(({ version }) => version)).toEqual([1, 2, 3])
  })

  test('one alone fails its run with the conflict', async () => {
    const base = await table()
    const alone = member(base, [add('same')])
    const plan = planOf([alone], base)
    expect(() => plan.meet([winner(1, add('same'))], base, next(base, [add('same')]), 't')).toThrow(
      expect.objectContaining({ code: 'COMMIT_CONFLICT', facts: expect.objectContaining({ rule: 'duplicate', txnId: 't' }) }),
    )
    expect(await alone.ended()).toBeUndefined()
  })
})
