// The conflict matrix as a table: what this commit is, what a winner did, and which rule it breaks, if any.
// Expected cells are those of Spark's checker, where a table's level is Serializable, but for one thing: files that a
// compaction adds are no rows that anybody should have seen, so work on other rows does not mind one.
import { describe, expect, test } from 'vitest'
import type { Action, AddFile, Metadata, Protocol, RemoveFile } from '../../../src/log/actions.js'
import { type ConflictBase, type ConflictRule, checkConflict } from '../../../src/log/commit/conflict.js'
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
const remove = (path: string, more: Partial<RemoveFile> = {}): RemoveFile => ({
  kind: 'remove',
  path,
  dataChange: true,
  deletionTimestamp: 1,
  ...more,
})
const info = (isBlindAppend?: boolean): Action => ({
  kind: 'commitInfo',
  info: Object.assign(Object.create(null), isBlindAppend === undefined ? {} : { isBlindAppend }),
})
const txn = (appId: string, version = 1n): Action => ({ kind: 'txn', appId, version })
const domain = (name: string): Action => ({ kind: 'domainMetadata', domain: name, configuration: '{}', removed: false })
const metadata: Metadata = {
  kind: 'metaData',
  id: 'm',
  format: { provider: 'parquet', options: {} },
  schemaString: '{}',
  partitionColumns: [],
  configuration: {},
}
const appendOnly: Metadata = { ...metadata, configuration: { 'delta.appendOnly': 'true' } }
const protocol = (more: Partial<Protocol> = {}): Protocol => ({ kind: 'protocol', minReaderVersion: 1, minWriterVersion: 2, ...more })
const features = (...writerFeatures: string[]): Protocol => protocol({ minReaderVersion: 1, minWriterVersion: 7, writerFeatures })
const vector = (pathOrInlineDv: string) => ({ storageType: 'u', pathOrInlineDv, offset: 1, sizeInBytes: 10, cardinality: 1 })

interface Current {
  readonly actions: readonly Action[]
  readonly readSet: ReadSet
}

const current = {
  'blind append': { actions: [add('new')], readSet: { appIds: [] } },
  'append with txn': { actions: [add('new'), txn('app')], readSet: { appIds: ['app'] } },
  'append with txn that only writes it': { actions: [add('new'), txn('app')], readSet: { appIds: [] } },
  'full overwrite': { actions: [remove('f1'), remove('f2'), add('new')], readSet: { appIds: [], readsWholeTable: true } },
  'overwrite of an empty table': { actions: [add('new')], readSet: { appIds: [], readsWholeTable: true } },
  'compaction of f1 and f2': {
    actions: [remove('f1', { dataChange: false }), remove('f2', { dataChange: false }), add('new', { dataChange: false })],
    readSet: { appIds: [], readFiles: new Set(['f1', 'f2']) },
  },
  'delete of partition a': {
    actions: [remove('f1')],
    readSet: { appIds: [], readFiles: new Set(['f1']), mayRead: (file) => file.partitionValues.p === 'a' },
  },
  'vector update of f1': {
    actions: [remove('f1', { deletionVector: vector('old') }), add('f1', { deletionVector: vector('mine') })],
    readSet: { appIds: [], readFiles: new Set(['f1']), mayRead: () => false },
  },
  'property change': { actions: [metadata], readSet: { appIds: [] } },
  'protocol change': { actions: [protocol({ minWriterVersion: 3 })], readSet: { appIds: [] } },
  'domain change': { actions: [domain('d')], readSet: { appIds: [] } },
} satisfies Record<string, Current>

const winner = {
  'blind append': [info(true), add('w1')],
  'append that does not say it is blind': [info(), add('w1')],
  'append into partition b': [info(false), add('w1', { partitionValues: { p: 'b' } })],
  'append into partition a': [info(false), add('w1', { partitionValues: { p: 'a' } })],
  'compaction of other files': [info(false), remove('x1', { dataChange: false }), add('w1', { dataChange: false })],
  'compaction of f1': [info(false), remove('f1', { dataChange: false }), add('w1', { dataChange: false })],
  'delete of f1': [info(false), remove('f1')],
  'vector update of f1': [info(false), remove('f1', { deletionVector: vector('old') }), add('f1', { deletionVector: vector('theirs') })],
  'metadata change': [info(true), appendOnly],
  'txn of app': [info(true), add('w1'), txn('app', 5n)],
  'txn of another app': [info(true), add('w1'), txn('other')],
  'domain d': [info(false), domain('d')],
  'domain e': [info(false), domain('e')],
  'commit without actions': [info(false)],
} satisfies Record<string, readonly Action[]>

const ok = 'ok' as const
type Cell = ConflictRule | typeof ok
const M = 'metadata' as const
const A = 'concurrent-append' as const
const R = 'delete-read' as const
const D = 'delete-delete' as const

// A missing cell does not compile.
const matrix: Record<keyof typeof current, Record<keyof typeof winner, Cell>> = {
  'blind append': row([ok, ok, ok, ok, ok, ok, ok, ok, M, ok, ok, ok, ok, ok]),
  'append with txn': row([ok, ok, ok, ok, ok, ok, ok, ok, M, 'txn', ok, ok, ok, ok]),
  'append with txn that only writes it': row([ok, ok, ok, ok, ok, ok, ok, ok, M, 'txn', ok, ok, ok, ok]),
  'full overwrite': row([A, A, A, A, R, R, R, A, M, A, A, ok, ok, ok]),
  'overwrite of an empty table': row([A, A, A, A, R, R, R, A, M, A, A, ok, ok, ok]),
  'compaction of f1 and f2': row([ok, ok, ok, ok, ok, R, R, R, M, ok, ok, ok, ok, ok]),
  'delete of partition a': row([ok, ok, ok, A, ok, R, R, R, M, ok, ok, ok, ok, ok]),
  'vector update of f1': row([ok, ok, ok, ok, ok, R, R, R, M, ok, ok, ok, ok, ok]),
  'property change': row([ok, ok, ok, ok, ok, ok, ok, ok, M, ok, ok, ok, ok, ok]),
  'protocol change': row([ok, ok, ok, ok, ok, ok, ok, ok, M, ok, ok, ok, ok, ok]),
  'domain change': row([ok, ok, ok, ok, ok, ok, ok, ok, M, ok, ok, 'domain', ok, ok]),
}

function row(cells: readonly Cell[]): Record<keyof typeof winner, Cell> {
  const names = Object.keys(winner) as (keyof typeof winner)[]
  if (cells.length !== names.length) throw new Error('a row has one cell for each winner')
  return Object.fromEntries(names.map((name, i) => [name, cells[i]])) as Record<keyof typeof winner, Cell>
}

const serializable: ConflictBase = { protocol: protocol(), metadata, isolationLevel: 'Serializable' }

describe('the matrix', () => {
  const cells = Object.entries(matrix).flatMap(([mine, row]) => Object.entries(row).map(([theirs, cell]) => [mine, theirs, cell] as const))
  test.each(cells)('%s against %s: %s', (mine, theirs, cell) => {
    const { actions, readSet } = current[mine as keyof typeof current] as Current
    const decision = checkConflict(readSet, actions, [{ version: 11, actions: winner[theirs as keyof typeof winner] }], serializable)
    expect(decision.kind === 'rebase' ? ok : decision.rule).toBe(cell)
    if (decision.kind === 'conflict') expect(decision.version).toBe(11)
  })
})

describe('isolation levels', () => {
  const writeSerializable: ConflictBase = { ...serializable, isolationLevel: 'WriteSerializable' }
  const check = (mine: Current, theirs: readonly Action[], base: ConflictBase) =>
    checkConflict(mine.readSet, mine.actions, [{ version: 1, actions: theirs }], base)

  test('WriteSerializable lets a blind append pass an overwrite, Serializable does not', () => {
    expect(check(current['full overwrite'], winner['blind append'], writeSerializable)).toEqual({ kind: 'rebase' })
    expect(check(current['full overwrite'], winner['blind append'], serializable)).toMatchObject({ rule: 'concurrent-append' })
  })

  test('WriteSerializable still minds an append that read something, and one that does not say', () => {
    expect(check(current['full overwrite'], winner['append into partition a'], writeSerializable)).toMatchObject({
      rule: 'concurrent-append',
    })
    expect(check(current['full overwrite'], winner['append that does not say it is blind'], writeSerializable)).toMatchObject({
      rule: 'concurrent-append',
    })
  })

  test('an overwrite that changes metadata minds blind appends under WriteSerializable too', () => {
    const overwrite = { ...current['full overwrite'], actions: [...current['full overwrite'].actions, metadata] }
    expect(check(overwrite, winner['blind append'], writeSerializable)).toMatchObject({ rule: 'concurrent-append' })
  })
})

describe('protocol', () => {
  const append = current['blind append']
  const against = (before: Protocol, after: Protocol, mine: Current = append) =>
    checkConflict(mine.readSet, mine.actions, [{ version: 3, actions: [after] }], { ...serializable, protocol: before })

  test('a feature that leaves older commits valid may be added', () => {
    expect(against(features('appendOnly'), features('appendOnly', 'deletionVectors'))).toEqual({ kind: 'rebase' })
    expect(against(protocol(), features('appendOnly', 'invariants', 'timestampNtz'))).toEqual({ kind: 'rebase' })
  })

  test.each(['checkConstraints', 'generatedColumns', 'identityColumns', 'clustering', 'allowColumnDefaults', 'somethingNew'])(
    'adding %s is a conflict',
    (name) => {
      expect(against(features('appendOnly'), features('appendOnly', name))).toMatchObject({
        kind: 'conflict',
        rule: 'protocol',
        version: 3,
        facts: { features: [name.toLowerCase()] },
      })
    },
  )

  test('a version from before features had names that implies more is a conflict', () => {
    expect(against(protocol(), protocol({ minWriterVersion: 3 }))).toMatchObject({
      rule: 'protocol',
      facts: { features: ['checkconstraints'] },
    })
  })

  test('a dropped feature is a conflict', () => {
    expect(against(features('appendOnly', 'deletionVectors'), features('appendOnly'))).toMatchObject({
      rule: 'protocol',
      facts: { features: ['deletionvectors'] },
    })
  })

  test('the same features in other words are no change', () => {
    expect(against(protocol(), features('INVARIANTS', 'appendonly'))).toEqual({ kind: 'rebase' })
  })

  test('two protocol changes are a conflict whatever they change', () => {
    expect(against(protocol(), protocol(), current['protocol change'])).toMatchObject({ rule: 'protocol' })
  })

  test('each winner is compared with the protocol before it, not with the one read', () => {
    const winners = [
      { version: 3, actions: [features('appendOnly', 'invariants', 'deletionVectors')] },
      { version: 4, actions: [features('appendOnly', 'invariants')] },
    ]
    expect(checkConflict(append.readSet, append.actions, winners, serializable)).toMatchObject({ rule: 'protocol', version: 4 })
  })
})

describe('several winners', () => {
  test('the first broken rule of the oldest offending winner is named', () => {
    const winners = [
      { version: 5, actions: winner['blind append'] },
      { version: 6, actions: winner['txn of app'] },
      { version: 7, actions: winner['metadata change'] },
    ]
    const { actions, readSet } = current['append with txn']
    expect(checkConflict(readSet, actions, winners, serializable)).toEqual({
      kind: 'conflict',
      rule: 'txn',
      version: 6,
      facts: { appId: 'app', txnVersion: '5' },
    })
  })

  test('no winner is no conflict', () => {
    expect(checkConflict({ appIds: [] }, [], [], serializable)).toEqual({ kind: 'rebase' })
  })
})

describe('files', () => {
  test('a file added by a winner under the same name is never added twice', () => {
    expect(checkConflict({ appIds: [] }, [add('f')], [{ version: 1, actions: [info(true), add('f')] }], serializable)).toMatchObject({
      rule: 'duplicate',
      facts: { path: 'f' },
    })
  })

  test('a file that a winner removed does not come back by being added again', () => {
    expect(
      checkConflict({ appIds: [] }, [add('f', { dataChange: false })], [{ version: 1, actions: [remove('f')] }], serializable),
    ).toMatchObject({ rule: 'delete-read' })
  })

  test('two spellings of one path are one file', () => {
    const mine = current['delete of partition a']
    expect(checkConflict(mine.readSet, [remove('p=a%20b/f')], [{ version: 1, actions: [remove('p=a b/f')] }], serializable)).toMatchObject({
      rule: 'delete-delete',
    })
  })

  test('two vectors made from one file state are a conflict, so that no delete is lost', () => {
    const mine = current['vector update of f1']
    const readSet = { appIds: [] }
    expect(checkConflict(readSet, mine.actions, [{ version: 1, actions: winner['vector update of f1'] }], serializable)).toMatchObject({
      rule: D,
    })
  })
})
