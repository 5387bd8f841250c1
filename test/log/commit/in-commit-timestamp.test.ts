// In-commit timestamps rise with every version, whatever the clocks say (PROTOCOL.md, "In-Commit Timestamps").
// Holds C10 of spec/invariants.md.
import { expect, test } from 'vitest'
import type { Action, Metadata, Protocol } from '../../../src/log/actions.js'
import { type StampedActions, stampActions } from '../../../src/log/commit/in-commit-timestamp.js'
import { fileSystemCommitter } from '../../../src/log/commit/index.js'
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
