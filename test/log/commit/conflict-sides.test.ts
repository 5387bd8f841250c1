// What the rules are told of both sides: each kind of action is taken for what it is, and a vacuum that has begun for a threat to files
// that nobody has committed yet.
// Holds C1 and C3 of spec/invariants.md.
import { describe, expect, test } from 'vitest'
import type { JsonObject } from '../../../src/json.js'
import type { Action, AddFile, Metadata, Protocol, RemoveFile } from '../../../src/log/actions.js'
import { type ConflictDecision, checkConflict } from '../../../src/log/commit/conflict.js'
import type { ReadSet } from '../../../src/log/commit/isolation.js'

const add = (path: string, more: Partial<AddFile> = {}): AddFile => ({
  kind: 'add',
  path,
  partitionValues: {},
  size: 1,
  modificationTime: 1,
  dataChange: true,
  ...more,
})
const remove = (path: string, more: Partial<RemoveFile> = {}): RemoveFile => ({ kind: 'remove', path, dataChange: true, ...more })
const cdc = (dataChange: boolean): Action => ({ kind: 'cdc', path: 'c', partitionValues: {}, size: 1, dataChange }) as unknown as Action
const info = (content: object): Action => ({ kind: 'commitInfo', info: bare(content) })
const bare = (content: object): JsonObject => Object.assign(Object.create(null), content)
const still = { dataChange: false }
const protocol: Protocol = { kind: 'protocol', minReaderVersion: 1, minWriterVersion: 2 }
const metadata: Metadata = {
  kind: 'metaData',
  id: 'm',
  format: { provider: 'parquet', options: {} },
  schemaString: '{}',
  partitionColumns: [],
  configuration: {},
}
const adopted: Metadata = { ...metadata, configuration: { 'delta.enableDeletionVectors': 'true' } }

function decide(mine: readonly Action[], winners: readonly (readonly Action[])[], reads: Partial<ReadSet> = {}): ConflictDecision {
  return checkConflict(
    { appIds: [], ...reads },
    mine,
    winners.map((actions, i) => ({ version: 5 + i, actions })),
    { protocol, metadata, isolationLevel: 'Serializable' },
  )
}
const REBASE = { kind: 'rebase' }

describe('a vacuum that began meanwhile', () => {
  const retained = { specifiedRetentionMillis: 100_000, defaultRetentionMillis: 9_000_000 }
  const vacuum = (parameters: object | undefined, more: object = {}): Action[] => [
    info({
      operation: 'VACUUM START',
      timestamp: 1_000_000,
      ...(parameters === undefined ? {} : { operationParameters: bare(parameters) }),
      ...more,
    }),
  ]
  const written = (modificationTime: number): AddFile => add('mine', { modificationTime })

  test('may take a file that was written longer ago than half of its retention more', () => {
    expect(decide([written(949_999)], [vacuum(retained)])).toEqual({
      kind: 'conflict',
      rule: 'vacuum',
      version: 5,
      facts: { path: 'mine' },
    })
    expect(decide([written(950_000)], [vacuum(retained)])).toEqual(REBASE)
  })

  test('takes no file that this commit only says more about', () => {
    expect(decide([remove('mine'), written(1)], [vacuum(retained)])).toEqual(REBASE)
    expect(decide([remove('other'), written(1)], [vacuum(retained)])).toMatchObject({ rule: 'vacuum' })
  })

  test('goes by the retention that it was told, else by the one of the table, also written as text', () => {
    expect(decide([written(949_999)], [vacuum({ defaultRetentionMillis: '100000' })])).toMatchObject({ rule: 'vacuum' })
    expect(decide([written(950_000)], [vacuum({ defaultRetentionMillis: '100000' })])).toEqual(REBASE)
    expect(decide([written(999_999)], [vacuum({ specifiedRetentionMillis: 0 })])).toMatchObject({ rule: 'vacuum' })
    expect(decide([written(1_000_000)], [vacuum({ specifiedRetentionMillis: 0 })])).toEqual(REBASE)
  })

  test.each<[string, Action[]]>([
    ['is at its end', [info({ operation: 'VACUUM END', timestamp: 1_000_000, operationParameters: bare(retained) })]],
    ['does not say when it is', vacuum(retained, { timestamp: '1000000' })],
    ['does not say what it keeps', vacuum({})],
    ['has no parameters', vacuum(undefined)],
    ['keeps less than nothing', vacuum({ specifiedRetentionMillis: -1 })],
  ])('and %s threatens nobody', (_, theirs) => {
    expect(decide([written(1)], [theirs])).toEqual(REBASE)
  })
})

describe('actions of this commit', () => {
  test('that are about changes of rows are no metadata', () => {
    expect(decide([add('n'), cdc(false)], [[adopted]])).toEqual(REBASE)
  })

  test('that give the table a longer schema may follow a commit that leaves it', () => {
    expect(decide([{ ...metadata, schemaString: '{"type":"struct","fields":[]}' }], [[info({ operation: 'WRITE' }), add('w')]])).toEqual(
      REBASE,
    )
  })
})

describe('actions of a winner', () => {
  test('leave protocol and metadata as they were where they do not change them', () => {
    expect(decide([add('n')], [[add('w')], [adopted], [{ ...protocol }]])).toEqual(REBASE)
  })

  test('that both change the protocol say so', () => {
    expect(decide([protocol], [[protocol]])).toMatchObject({ rule: 'protocol', facts: { reason: 'both commits change the protocol' } })
  })

  test('that tell of changed rows are none that only rearrange', () => {
    const moved = [info({ operation: 'OPTIMIZE' }), remove('x', still), add('w', still)]
    const reads = { mayRead: () => true }
    expect(decide([add('n')], [[...moved, cdc(false)]], reads)).toEqual(REBASE)
    expect(decide([add('n')], [[...moved, cdc(true)]], reads)).toMatchObject({ rule: 'concurrent-append' })
  })

  test('that take row ids back are no new rows', () => {
    expect(decide([add('n')], [[info({ operation: 'ROW TRACKING UNBACKFILL' }), add('f', still)]], { readsWholeTable: true })).toEqual(
      REBASE,
    )
  })

  test('that add a file are a duplicate of one added here, unless they only gave it row ids and it is removed here as well', () => {
    const mine = [remove('f'), add('f')]
    expect(decide(mine, [[info({ operation: 'WRITE' }), add('f')]])).toMatchObject({ rule: 'duplicate', facts: { path: 'f' } })
    expect(decide(mine, [[info({ operation: 'ROW TRACKING BACKFILL' }), add('f', still)]])).toEqual(REBASE)
  })
})
