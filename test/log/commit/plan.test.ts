// One logical commit, as the loop sees it: refused before it is tried where it cannot stand, and moved on top of winners only after a check.
import { describe, expect, test } from 'vitest'
import { encodeUtf8 } from '../../../src/bytes.js'
import type { Action, Metadata, Protocol } from '../../../src/log/actions.js'
import type { ConflictBase, ConflictDecision, checkConflict, Winner } from '../../../src/log/commit/conflict.js'
import type { ReadSet } from '../../../src/log/commit/isolation.js'
import { checkRequest, SingleCommit } from '../../../src/log/commit/plan.js'
import type { CommitRequest } from '../../../src/log/commit/request.js'
import { type LogView, loadLog } from '../../../src/log/index.js'
import { memoryStorage } from '../../../src/storage/memory.js'
import type { Storage } from '../../../src/storage/storage.js'
import { logPath } from './ledger.js'
import { METADATA } from './rig.js'
import { add, creation } from './scene.js'

const storage: Storage = memoryStorage()
const place = storage.location
const OLD: Protocol = { kind: 'protocol', minReaderVersion: 1, minWriterVersion: 2 }
const STRANGE: Protocol = { kind: 'protocol', minReaderVersion: 1, minWriterVersion: 7, writerFeatures: ['fromTheFuture'] }
const metadataOf = (configuration: Metadata['configuration']): Metadata => ({ kind: 'metaData', ...METADATA, configuration })
const remove = (path: string): Action => ({ kind: 'remove', path, dataChange: true, deletionTimestamp: 1 })

/** A table of one commit. */
async function tableOf(
  paths: readonly string[],
  { protocol = OLD, configuration = {} }: { protocol?: Protocol; configuration?: Metadata['configuration'] } = {},
): Promise<LogView> {
  const table = memoryStorage()
  const actions: Action[] = [protocol, metadataOf(configuration), ...paths.map(add)]
  const lines = actions.map(({ kind, ...rest }) => JSON.stringify({ [kind]: rest }))
  await table.create(logPath(0), encodeUtf8(lines.join('\n')))
  return loadLog(table)
}

function request(base: LogView | undefined, actions: readonly Action[], more: Partial<CommitRequest> = {}): CommitRequest {
  return { base, actions, operation: 'WRITE', operationParameters: { mode: 'Append' }, readSet: { appIds: [] }, ...more }
}

interface Asked {
  readonly readSet: ReadSet
  readonly actions: readonly Action[]
  readonly winners: readonly Winner[]
  readonly base: ConflictBase
}

/** A check that answers what it is told to, and what it was asked. */
function check(decision: ConflictDecision = { kind: 'rebase' }): { asked: Asked[]; check: typeof checkConflict } {
  const asked: Asked[] = []
  const answer = (...[readSet, actions, winners, base]: Parameters<typeof checkConflict>): ConflictDecision => {
    asked.push({ readSet, actions, winners, base })
    return decision
  }
  return { asked, check: answer as typeof checkConflict }
}

const plan = (one: CommitRequest, by = check()): SingleCommit => new SingleCommit(one, storage, by.check)

describe('a plan of one commit', () => {
  test('says what is done and where, and what it is tried on top of', async () => {
    const base = await tableOf([])
    const ready = Promise.resolve()
    const one = plan(request(base, [add('f')], { ready }))
    expect(one.what).toBe(`WRITE on ${place}`)
    expect(one.base).toBe(base)
    expect(one.ready).toBe(ready)
    expect(plan(request(base, [add('f')])).ready).toBeUndefined()
  })

  test('puts what was asked for, read at the version of its base, and the same object every time', async () => {
    const asked = request(await tableOf([]), [add('f')], { keepsRowIds: true, userMetadata: 'mine' })
    const one = plan(asked)
    expect(one.contents()).toStrictEqual({ ...asked, readVersion: 0 })
    expect(one.contents()).toBe(one.contents())
    expect(plan(request(undefined, creation)).contents().readVersion).toBeUndefined()
  })

  test('of actions that no commit can hold is a fault of the caller', async () => {
    const base = await tableOf([])
    expect(() => plan(request(base, [add('f'), add('f')]))).toThrow(TypeError)
    expect(() => plan(request(undefined, [add('f')]))).toThrow(TypeError)
    expect(() => plan(request(undefined, creation))).not.toThrow()
    expect(() => plan(request(base, [add('f')]))).not.toThrow()
  })
})

describe('before the first try', () => {
  const start = (base: LogView | undefined, actions: readonly Action[]): void => plan(request(base, actions)).start()

  test('a commit that can stand passes', async () => {
    expect(() => start(undefined, creation)).not.toThrow()
    const base = await tableOf(['g'])
    expect(() => start(base, [add('f'), remove('g')])).not.toThrow()
  })

  test('a table that this library may not write is refused, and so is one that it would make so', async () => {
    const strange = await tableOf([], { protocol: STRANGE })
    const refused = expect.objectContaining({
      code: 'UNSUPPORTED_FEATURE',
      facts: expect.objectContaining({ features: ['fromTheFuture'] }),
    })
    expect(() => start(strange, [add('f')])).toThrow(refused)
    // Not even in order to make it one that can be written.
    expect(() => start(strange, [OLD])).toThrow(refused)
    expect(() => start(undefined, [STRANGE, metadataOf({})])).toThrow(refused)
    const base = await tableOf([])
    expect(() => start(base, [STRANGE])).toThrow(refused)
  })

  test('rows of an append-only table stay, by the words of where the table is', async () => {
    const base = await tableOf(['g'], { configuration: { 'delta.appendOnly': 'true' } })
    expect(() => start(base, [add('f')])).not.toThrow()
    expect(() => start(base, [remove('g')])).toThrow(
      expect.objectContaining({ code: 'CONSTRAINT_VIOLATED', message: expect.stringContaining(`${place} has delta.appendOnly=true`) }),
    )
  })

  test('a commit removes what is there, and adds as new what is not', async () => {
    const base = await tableOf(['g'])
    expect(() => start(base, [remove('nowhere')])).toThrow(TypeError)
    expect(() => start(base, [add('g')])).toThrow(TypeError)
  })

  test('on top of another snapshot than its base it may miss what it removes: that is for the check against winners', async () => {
    const base = await tableOf(['g'])
    const newer = base.applyCommit(1, encodeUtf8('{"remove":{"path":"g","dataChange":true}}\n'))
    const one = request(base, [remove('g')])
    expect(() => checkRequest(one, base, place)).not.toThrow()
    expect(() => checkRequest(one, newer, place)).not.toThrow()
    expect(() => checkRequest(request(newer, [remove('g')]), newer, place)).toThrow(TypeError)
  })
})

describe('on top of winners', () => {
  const winners: Winner[] = [{ version: 1, actions: [add('theirs')] }]
  const next = (base: LogView, ...lines: object[]): LogView =>
    base.applyCommit(1, encodeUtf8(lines.map((line) => JSON.stringify(line)).join('\n')))
  const theirs = { add: { path: 'theirs', partitionValues: {}, size: 1, modificationTime: 1, dataChange: true } }

  test('a commit is checked by what it read and does, and by what the table was before them', async () => {
    const base = await tableOf([], { configuration: { 'delta.isolationLevel': 'Serializable' } })
    const newer = next(base, theirs)
    const by = check()
    const readSet = { appIds: ['a'], readsWholeTable: true }
    const actions = [add('f')]
    plan(request(base, actions, { readSet }), by).meet(winners, base, newer, 't')
    plan(request(base, actions, { readSet, isolation: 'SnapshotIsolation' }), by).meet(winners, base, newer, 't')
    const { protocol, metadata } = base
    expect(by.asked.map(({ base: asked }) => asked)).toEqual([
      { protocol, metadata, isolationLevel: 'Serializable' },
      { protocol, metadata, isolationLevel: 'SnapshotIsolation' },
    ])
    for (const asked of by.asked) expect([asked.readSet, asked.actions, asked.winners]).toEqual([readSet, actions, winners])
    // The level is that of the table before the winners, which they may have changed.
    const lax = await tableOf([], { configuration: { 'delta.isolationLevel': 'WriteSerializable' } })
    plan(request(lax, actions), by).meet(winners, lax, base, 't')
    expect(by.asked[2]?.base).toMatchObject({ metadata: lax.metadata, isolationLevel: 'WriteSerializable' })
  })

  test('that break a rule it ends, in words that name the commit, the place and the version', async () => {
    const base = await tableOf([])
    const seen: LogView[] = []
    const by = check({ kind: 'conflict', rule: 'duplicate', version: 1, facts: { path: 'f' } } as ConflictDecision)
    const one = plan(request(base, [add('f')], { onRebase: (view) => seen.push(view) }), by)
    expect(() => one.meet(winners, base, next(base, theirs), 'my-txn')).toThrow(
      expect.objectContaining({
        code: 'COMMIT_CONFLICT',
        message: expect.stringContaining(`WRITE on ${place} was not committed: version 1`),
        facts: expect.objectContaining({ rule: 'duplicate', version: 1, path: 'f', txnId: 'my-txn', committed: false }),
      }),
    )
    expect(seen).toEqual([])
  })

  test('that let it pass it is shown to its maker, once, with the newest snapshot', async () => {
    const base = await tableOf([])
    const newer = next(base, theirs)
    const seen: LogView[] = []
    plan(request(base, [add('f')], { onRebase: (view) => seen.push(view) })).meet(winners, base, newer, 't')
    expect(seen).toEqual([newer])
    const stop = new Error('positions have moved')
    const refusing = request(base, [add('f')], {
      onRebase: () => {
        throw stop
      },
    })
    expect(() => plan(refusing).meet(winners, base, newer, 't')).toThrow(stop)
  })

  test('that made the table one that may not be written it ends, whatever the check says of them', async () => {
    const base = await tableOf([])
    const { kind: _, ...strange } = STRANGE
    const by = check()
    // It would even take the feature back.
    expect(() => plan(request(base, [OLD]), by).meet(winners, base, next(base, { protocol: strange }), 't')).toThrow(
      expect.objectContaining({ code: 'UNSUPPORTED_FEATURE' }),
    )
    expect(by.asked).toEqual([])
  })

  test('that made the table append-only its removals end', async () => {
    const base = await tableOf(['g'])
    const newer = next(base, { metaData: { ...METADATA, configuration: { 'delta.appendOnly': 'true' } } })
    expect(() => plan(request(base, [remove('g')])).meet(winners, base, newer, 't')).toThrow(
      expect.objectContaining({ code: 'CONSTRAINT_VIOLATED', message: expect.stringContaining(place) }),
    )
  })
})
