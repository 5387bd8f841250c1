// Rows 5 to 10 and 12 of the matrix: files. Where the answer is not Spark's, the test says so.
// Holds C1 and C3 of spec/invariants.md.
import { describe, expect, test } from 'vitest'
import type { Action, AddFile, Metadata, RemoveFile } from '../../../src/log/actions.js'
import { type ConflictBase, type ConflictRule, checkConflict } from '../../../src/log/commit/conflict.js'
import type { IsolationLevel, ReadSet } from '../../../src/log/commit/isolation.js'

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
const still = { dataChange: false }
const info = (operation: string, isBlindAppend = false): Action => ({ kind: 'commitInfo', info: { operation, isBlindAppend } })
const metadata: Metadata = {
  kind: 'metaData',
  id: 'm',
  format: { provider: 'parquet', options: {} },
  schemaString: '{}',
  partitionColumns: [],
  configuration: {},
}
const on = (isolationLevel: IsolationLevel = 'Serializable'): ConflictBase => ({
  protocol: { kind: 'protocol', minReaderVersion: 1, minWriterVersion: 2 },
  metadata,
  isolationLevel,
})
const answer = (
  readSet: Partial<ReadSet>,
  mine: readonly Action[],
  theirs: readonly Action[],
  level?: IsolationLevel,
): ConflictRule | 'rebase' => {
  const decision = checkConflict({ appIds: [], ...readSet }, mine, [{ version: 1, actions: theirs }], on(level))
  return decision.kind === 'rebase' ? 'rebase' : decision.rule
}

describe('rows that a winner added', () => {
  const reader: Partial<ReadSet> = { readsWholeTable: true }
  const blind = [info('WRITE', true), add('w')]
  const seeing = [info('WRITE'), add('w')]

  // Row 8 of the matrix: level of this commit, what the winner is, whether this commit changes the metadata.
  test.each<[IsolationLevel, string, readonly Action[], boolean, ConflictRule | 'rebase']>([
    ['Serializable', 'a blind append', blind, false, 'concurrent-append'],
    ['Serializable', 'an append that read', seeing, false, 'concurrent-append'],
    ['WriteSerializable', 'a blind append', blind, false, 'rebase'],
    ['WriteSerializable', 'a blind append', blind, true, 'concurrent-append'],
    ['WriteSerializable', 'an append that read', seeing, false, 'concurrent-append'],
    ['SnapshotIsolation', 'a blind append', blind, false, 'rebase'],
    ['SnapshotIsolation', 'an append that read', seeing, false, 'rebase'],
  ])('under %s: %s, metadata changed %4$s', (level, _, theirs, changesMetadata, expected) => {
    const mine = [add('n'), ...(changesMetadata ? [metadata] : [])]
    expect(answer(reader, mine, theirs, level)).toBe(expected)
  })

  test('matter to a reader of predicates only where one could be true for a row of them', () => {
    const mayRead = (file: AddFile): boolean => file.partitionValues.p === 'a'
    expect(answer({ mayRead }, [add('n')], [info('WRITE'), add('w', { partitionValues: { p: 'a' } })])).toBe('concurrent-append')
    expect(answer({ mayRead }, [add('n')], [info('WRITE'), add('w', { partitionValues: { p: 'b' } })])).toBe('rebase')
  })

  test('do not matter to a commit that read nothing, whatever its level', () => {
    for (const level of ['Serializable', 'WriteSerializable', 'SnapshotIsolation'] as const) {
      expect(answer({}, [add('n')], seeing, level)).toBe('rebase')
      expect(answer({}, [metadata], seeing, level)).toBe('rebase')
    }
  })

  test('do not matter to a commit that only rearranges rows: its level is SnapshotIsolation by itself', () => {
    const compaction = [remove('f1', still), remove('f2', still), add('n', still)]
    const readFiles = new Set(['f1', 'f2'])
    expect(answer({ readFiles, mayRead: () => true }, compaction, seeing)).toBe('rebase')
    // With anything that is no file in it, it has the table's level.
    expect(answer({ readFiles, mayRead: () => true }, [...compaction, { kind: 'txn', appId: 'a', version: 1n }], seeing)).toBe(
      'concurrent-append',
    )
  })
})

describe('a compaction that came first', () => {
  const compaction = [info('OPTIMIZE'), remove('x1', still), remove('x2', still), add('w', still)]

  // Spark: ConcurrentAppend, because it does not look at dataChange. The rows of w are those of x1 and x2, which were not read.
  test('does not matter to work on other files, though its new file could match', () => {
    const mine = [remove('f1'), add('n')]
    expect(answer({ readFiles: new Set(['f1']), mayRead: () => true }, mine, compaction)).toBe('rebase')
    expect(answer({ wasRead: ({ path }) => path === 'f1', mayRead: () => true }, mine, compaction)).toBe('rebase')
  })

  test('matters to whoever read one of its files, or everything', () => {
    expect(answer({ readFiles: new Set(['x1']) }, [add('n')], compaction)).toBe('delete-read')
    expect(answer({ wasRead: ({ path }) => path === 'x2' }, [add('n')], compaction)).toBe('delete-read')
    expect(answer({ readsWholeTable: true }, [add('n')], compaction)).toBe('delete-read')
  })

  test('matters to whoever removes one of its files', () => {
    expect(answer({}, [remove('x1')], compaction)).toBe('delete-delete')
    expect(answer({}, [remove('x1', still), add('n', still)], compaction)).toBe('delete-delete')
  })

  test('is none where one row came or went, or where a file only came', () => {
    const mine = [remove('f1'), add('n')]
    const readSet = { readFiles: new Set(['f1']), mayRead: () => true }
    expect(answer(readSet, mine, [...compaction, add('more')])).toBe('concurrent-append')
    expect(answer(readSet, mine, [info('OPTIMIZE'), remove('x1'), add('w', still)])).toBe('concurrent-append')
    // Writers have called appends so; the protocol does not allow it, and their rows would be missed.
    expect(answer(readSet, mine, [info('WRITE'), add('w', still)])).toBe('concurrent-append')
  })
})

describe('files that a winner removed', () => {
  test('matter when they were read, whether or not rows went', () => {
    for (const more of [{}, still]) {
      expect(answer({ readFiles: new Set(['f1']) }, [add('n')], [info('DELETE'), remove('f1', more)])).toBe('delete-read')
      expect(answer({ readFiles: new Set(['f1']) }, [add('n')], [info('DELETE'), remove('f2', more)])).toBe('rebase')
    }
  })

  test('matter when this commit removes them, whatever the vectors of both', () => {
    const vector = (pathOrInlineDv: string) => ({ storageType: 'u', pathOrInlineDv, offset: 1, sizeInBytes: 1, cardinality: 1 })
    const theirs = [info('DELETE'), remove('f1', { deletionVector: vector('a') }), add('f1', { deletionVector: vector('b') })]
    expect(answer({}, [remove('f1', { deletionVector: vector('a') })], theirs)).toBe('delete-delete')
    expect(answer({}, [remove('f1')], theirs)).toBe('delete-delete')
    const decision = checkConflict({ appIds: [] }, [remove('f1')], [{ version: 1, actions: theirs }], on())
    expect(decision).toMatchObject({ facts: { path: 'f1', deletionVector: 'ua@1' } })
  })

  test('matter under every level', () => {
    for (const level of ['Serializable', 'WriteSerializable', 'SnapshotIsolation'] as const) {
      expect(answer({ readFiles: new Set(['f1']) }, [add('n')], [info('DELETE'), remove('f1')], level)).toBe('delete-read')
      expect(answer({}, [remove('f1')], [info('DELETE'), remove('f1')], level)).toBe('delete-delete')
    }
  })
})

describe('files that a winner says more about', () => {
  test('are no new rows: row ids given later, or statistics', () => {
    for (const operation of ['ROW TRACKING BACKFILL', 'COMPUTE STATS']) {
      expect(answer({ readsWholeTable: true }, [add('n')], [info(operation), add('f1', still)])).toBe('rebase')
    }
  })

  test('may be removed, also to be added again with another vector: their row ids are taken over', () => {
    const backfill = [info('ROW TRACKING BACKFILL'), add('f1', { ...still, baseRowId: 0 })]
    expect(answer({ readFiles: new Set(['f1']) }, [remove('f1')], backfill)).toBe('rebase')
    expect(answer({ readFiles: new Set(['f1']) }, [remove('f1'), add('f1', { size: 2 })], backfill)).toBe('rebase')
    expect(answer({}, [add('f1', still)], backfill)).toBe('duplicate')
  })

  test('whose row ids were taken back must not get them again', () => {
    const back = [info('ROW TRACKING UNBACKFILL'), add('f1', still)]
    expect(answer({}, [remove('f1')], back)).toBe('row-tracking')
    expect(answer({}, [add('f1', still)], back)).toBe('row-tracking')
    expect(answer({}, [add('n')], back)).toBe('rebase')
  })
})

test('the order of the rules decides which one is named', () => {
  const theirs: Action[] = [
    info('WRITE'),
    { kind: 'txn', appId: 'a', version: 1n },
    { kind: 'domainMetadata', domain: 'd', configuration: '', removed: false },
    remove('f1'),
    remove('f2'),
    add('n'),
  ]
  const mine: Action[] = [remove('f2'), add('n'), { kind: 'domainMetadata', domain: 'd', configuration: '', removed: false }]
  const named: (ConflictRule | 'rebase')[] = []
  const reads: { -readonly [K in keyof ReadSet]?: ReadSet[K] } = { appIds: ['a'], readFiles: new Set(['f1']), mayRead: () => true }
  for (const drop of ['domainMetadata', 'txn', 'add', 'f1', 'f2'] as const) {
    named.push(answer(reads, mine, theirs))
    const at = theirs.findIndex((action) => action.kind === drop || (action.kind === 'remove' && action.path === drop))
    if (drop !== 'add') theirs.splice(at, 1)
    else reads.mayRead = () => false
  }
  named.push(answer(reads, mine, theirs))
  expect(named).toEqual(['domain', 'txn', 'concurrent-append', 'delete-read', 'delete-delete', 'duplicate'])
})
