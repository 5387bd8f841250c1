// In-commit timestamps rise with every version, whatever the clocks say (PROTOCOL.md, "In-Commit Timestamps").
// Holds C10 of spec/invariants.md.
import { expect, test } from 'vitest'
import { AlluviumError } from '../../../src/errors.js'
import type { Action, Metadata, Protocol } from '../../../src/log/actions.js'
import { keepsInCommitTimestamps, type StampedActions, stampActions } from '../../../src/log/commit/in-commit-timestamp.js'
import { type Committer, type FindOutcome, fileSystemCommitter, type HoldsOutcome } from '../../../src/log/commit/index.js'
import { type LogView, loadLog } from '../../../src/log/index.js'
import { memoryStorage } from '../../../src/storage/memory.js'
import type { Storage } from '../../../src/storage/storage.js'
import { logPath } from './ledger.js'
import { METADATA } from './rig.js'

const protocol: Protocol = {
  kind: 'protocol',
  minReaderVersion: 1,
  minWriterVersion: 7,
  writerFeatures: ['appendOnly', 'invariants', 'inCommitTimestamp'],
}
const enabled: Metadata = { kind: 'metaData', ...METADATA, configuration: { 'delta.enableInCommitTimestamps': 'true', other: 'kept' } }
const plain: Metadata = { kind: 'metaData', ...METADATA }
const call = { signal: new AbortController().signal }
const add: Action = { kind: 'add', path: 'f', partitionValues: {}, size: 1, modificationTime: 1, dataChange: true }

async function table(configuration: object, commitInfo: object, modifiedMs = 0): Promise<Storage> {
  const storage = memoryStorage({ runtime: { now: () => modifiedMs } as never })
  const { kind: _p, ...p } = protocol
  const lines = [{ commitInfo }, { protocol: p }, { metaData: { ...METADATA, configuration } }]
    .map((line) => JSON.stringify(line))
    .join('\n')
  await storage.create(logPath(0), new TextEncoder().encode(lines))
  return storage
}

async function stamp(storage: Storage, actions: readonly Action[], metadata: Metadata, nowMs: number): Promise<StampedActions> {
  const before = await loadLog(storage)
  return stampActions({ storage, committer: fileSystemCommitter(storage) }, { actions, before, after: { protocol, metadata } }, nowMs, call)
}

const on = { 'delta.enableInCommitTimestamps': 'true' }

test('a table without them gets none', async () => {
  const actions = [add]
  const stamped = await stamp(await table({}, {}), actions, plain, 5000)
  expect(stamped).toEqual({ actions })
  expect(stamped.actions).toBe(actions)
})

test('a clock ahead of the last commit is taken as it is', async () => {
  expect(await stamp(await table(on, { inCommitTimestamp: 4000 }), [add], enabled, 5000)).toEqual({
    actions: [add],
    inCommitTimestampMs: 5000,
  })
})

test.each([4999, 5000, 0])('a clock at %d, not past the last commit at 5000, gives one millisecond more than the last', async (nowMs) => {
  expect(await stamp(await table(on, { inCommitTimestamp: 5000 }), [add], enabled, nowMs)).toMatchObject({ inCommitTimestampMs: 5001 })
})

test('the commit that makes a table takes the clock and needs no word on when it began', async () => {
  const storage = memoryStorage()
  const commit = { actions: [protocol, enabled], before: undefined, after: { protocol, metadata: enabled } }
  expect(await stampActions({ storage, committer: fileSystemCommitter(storage) }, commit, 5000, call)).toEqual({
    actions: [protocol, enabled],
    inCommitTimestampMs: 5000,
  })
})

test('the commit that switches them on is later than the file before it, and says since when', async () => {
  const stamped = await stamp(await table({}, {}, 9000), [enabled], enabled, 5000)
  expect(stamped.inCommitTimestampMs).toBe(9001)
  expect((stamped.actions[0] as Metadata).configuration).toEqual({
    'delta.enableInCommitTimestamps': 'true',
    other: 'kept',
    'delta.inCommitTimestampEnablementVersion': '1',
    'delta.inCommitTimestampEnablementTimestamp': '9001',
  })
})

test('a snapshot that does not know its own commit reads it', async () => {
  const storage = await table(on, { inCommitTimestamp: 7000 })
  const before = Object.create(await loadLog(storage), { commitInfo: { value: undefined } }) as LogView
  const commit = { actions: [add], before, after: { protocol, metadata: enabled } }
  expect(await stampActions({ storage, committer: fileSystemCommitter(storage) }, commit, 5000, call)).toMatchObject({
    inCommitTimestampMs: 7001,
  })
})

test.each([{}, { inCommitTimestamp: 1.5 }, { inCommitTimestamp: '5' }])(
  'a last commit with %j, where the table keeps them, is a corrupt log',
  async (info) => {
    await expect(stamp(await table(on, info), [add], enabled, 5000)).rejects.toMatchObject({ code: 'CORRUPT_LOG', facts: { version: 0 } })
  },
)

test('a table keeps them where the feature is there and the property says so, in whatever letters', () => {
  const says = (value: string): Metadata => ({ ...plain, configuration: { 'delta.enableInCommitTimestamps': value } })
  for (const value of ['true', 'TRUE']) expect(keepsInCommitTimestamps({ protocol, metadata: says(value) })).toBe(true)
  expect(keepsInCommitTimestamps({ protocol, metadata: says('false') })).toBe(false)
  expect(keepsInCommitTimestamps({ protocol, metadata: plain })).toBe(false)
  expect(keepsInCommitTimestamps({ protocol: { ...protocol, writerFeatures: ['appendOnly'] }, metadata: enabled })).toBe(false)
})

test('the commit that switches them on changes nothing else of what it holds', async () => {
  const { actions } = await stamp(await table({}, {}, 9000), [add, enabled, protocol], enabled, 5000)
  expect(actions[0]).toBe(add)
  expect(actions[2]).toBe(protocol)
  expect(actions[1]).toEqual({
    ...enabled,
    configuration: {
      ...enabled.configuration,
      'delta.inCommitTimestampEnablementVersion': '1',
      'delta.inCommitTimestampEnablementTimestamp': '9001',
    },
  })
})

test('a commit that switches them on under a clock ahead of the file before it takes the clock', async () => {
  expect((await stamp(await table({}, {}, 4000), [enabled], enabled, 5000)).inCommitTimestampMs).toBe(5000)
})

test('where the time of the file before is not known it is asked for, and one that is gone holds nothing up', async () => {
  for (const [modifiedMs, isThere, expected] of [
    [9000, true, 9001],
    [9000.4, true, undefined],
    [9000, false, 5000],
  ] as const) {
    const storage = await table({}, {}, modifiedMs)
    const before = Object.create(await loadLog(storage), { commitModifiedMs: { value: undefined } }) as LogView
    if (!isThere) await storage.delete(logPath(0))
    const commit = { actions: [enabled], before, after: { protocol, metadata: enabled } }
    const { inCommitTimestampMs } = await stampActions({ storage, committer: fileSystemCommitter(storage) }, commit, 5000, call)
    // Whole milliseconds, later than the file: for a fraction either of the two that follow would do.
    if (Number.isInteger(modifiedMs)) expect(inCommitTimestampMs).toBe(expected)
    else expect(Number.isInteger(inCommitTimestampMs) && (inCommitTimestampMs as number) > modifiedMs).toBe(true)
  }
})

test('of a snapshot that does not know its own commit, that commit says when it was, or why it cannot', async () => {
  const storage = await table(on, { inCommitTimestamp: 7000 })
  const before = Object.create(await loadLog(storage), { commitInfo: { value: undefined } }) as LogView
  const commit = { actions: [add], before, after: { protocol, metadata: enabled } }
  const held: { value: HoldsOutcome } = { value: { kind: 'gone', isCleaned: false } }
  const after = (found: FindOutcome): Promise<StampedActions> =>
    stampActions(
      { storage, committer: { findOut: async () => found, holds: async () => held.value } as unknown as Committer },
      commit,
      5000,
      call,
    )
  const bytes = (text: string): FindOutcome => ({ kind: 'other', bytes: new TextEncoder().encode(text) })
  const away = new AlluviumError('STORAGE_UNAVAILABLE', 'away')
  await expect(after({ kind: 'unreadable', error: away })).rejects.toBe(away)
  for (const found of [{ kind: 'absent' } as const, { kind: 'ours' } as const, bytes('{"txn":{"appId":"a","version":1}}\n')])
    await expect(after(found)).rejects.toMatchObject({
      code: 'CORRUPT_LOG',
      message: expect.stringMatching(/^_delta_log\/00000000000000000000\.json has no inCommitTimestamp/),
      facts: { version: 0, path: '_delta_log/00000000000000000000.json' },
    })
  held.value = { kind: 'unreadable', error: away }
  await expect(after({ kind: 'absent' })).rejects.toBe(away)
  const second = '{"txn":{"appId":"a","version":1}}\n{"commitInfo":{"inCommitTimestamp":8000}}\n'
  expect(await after(bytes(second))).toEqual({ actions: [add], inCommitTimestampMs: 8001 })
})

test('of a snapshot whose commit was cleaned away meanwhile nobody can tell: the log is cleaned, not corrupt (simulation, seed 521718)', async () => {
  const storage = await table(on, { inCommitTimestamp: 4000 })
  const before = Object.create(await loadLog(storage), { commitInfo: { value: undefined } }) as LogView
  const stamped = (): Promise<unknown> =>
    stampActions(
      { storage, committer: fileSystemCommitter(storage) },
      { actions: [add], before, after: { protocol, metadata: enabled } },
      5000,
      call,
    ).catch((error: unknown) => error)
  await storage.delete(logPath(0))
  expect(await stamped()).toMatchObject({ code: 'CORRUPT_LOG', facts: { version: 0 } })
  await storage.create(logPath(7), new Uint8Array([1]))
  await storage.create('_delta_log/00000000000000000007.checkpoint.parquet', new Uint8Array([1]))
  expect(await stamped()).toMatchObject({ code: 'COMMIT_CONFLICT', facts: { rule: 'log-cleaned', version: 0 } })
})
