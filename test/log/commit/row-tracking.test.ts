// Row ids of one try of a commit: above all that were ever given, kept by files that are known, and refused where they would be lost.
// Holds C9 of spec/invariants.md.
import { describe, expect, test } from 'vitest'
import { encodeUtf8 } from '../../../src/bytes.js'
import type { Action, AddFile, DomainMetadata, Metadata, Protocol, RemoveFile } from '../../../src/log/actions.js'
import { giveRowIds, givesRowIds, highWaterMark, type NumberedActions } from '../../../src/log/commit/row-tracking.js'
import { type LogView, loadLog } from '../../../src/log/index.js'
import { memoryStorage } from '../../../src/storage/memory.js'
import { logPath } from './ledger.js'
import { METADATA } from './rig.js'

const PROTOCOL = { minReaderVersion: 3, minWriterVersion: 7, readerFeatures: ['deletionVectors'] }
const protocol: Protocol = { kind: 'protocol', ...PROTOCOL, writerFeatures: ['rowTracking', 'domainMetadata', 'deletionVectors'] }
const untracked: Protocol = { kind: 'protocol', ...PROTOCOL, writerFeatures: ['deletionVectors'] }
const DOMAIN = 'delta.rowTracking'
const ENABLED = { 'delta.enableRowTracking': 'true' }

const metadataOf = (configuration: Readonly<Record<string, string>>): Metadata => ({ kind: 'metaData', ...METADATA, configuration })
const shape = (configuration: Readonly<Record<string, string>> = {}) => ({ protocol, metadata: metadataOf(configuration) })
const counted = (numRecords: number | string): string => `{"numRecords":${numRecords}}`
const vector = (offset: number) => ({
  storageType: 'u' as const,
  pathOrInlineDv: 'ab^-aqEH.-t@S}K{vb[*k^',
  offset,
  sizeInBytes: 4,
  cardinality: 1,
})

function add(path: string, more: Partial<AddFile> = {}): AddFile {
  return { kind: 'add', path, partitionValues: {}, size: 1, modificationTime: 1, dataChange: true, stats: counted(3), ...more }
}

function remove(path: string, more: Partial<RemoveFile> = {}): RemoveFile {
  return { kind: 'remove', path, dataChange: true, deletionTimestamp: 5, ...more }
}

/** Version 0 of a table with these files, and ids given up to a mark. */
async function tableOf(files: readonly AddFile[], configuration?: string): Promise<LogView> {
  const { kind: _, ...rest } = protocol
  const domain = configuration === undefined ? [] : [{ domainMetadata: { domain: DOMAIN, configuration, removed: false } }]
  const lines: object[] = [{ protocol: rest }, { metaData: METADATA }, ...domain, ...files.map(({ kind: __, ...file }) => ({ add: file }))]
  const storage = memoryStorage()
  await storage.create(logPath(0), encodeUtf8(lines.map((line) => JSON.stringify(line)).join('\n')))
  return loadLog(storage)
}

const markAt = (mark: number | bigint): string => `{"rowIdHighWaterMark":${mark}}`

interface Numbered {
  /** Path to base row id and default commit version, of adds. */
  readonly adds: Readonly<Record<string, readonly unknown[]>>
  readonly mark: string | undefined
  readonly preserved: unknown
  readonly actions: readonly Action[]
}

function number(
  actions: readonly Action[],
  before?: LogView,
  more: { configuration?: Record<string, string>; keeps?: boolean } = {},
): Numbered {
  const version = before === undefined ? 0 : 7
  const given: NumberedActions = giveRowIds({
    actions,
    before,
    after: shape(more.configuration),
    version,
    ...(more.keeps !== undefined && { keepsRowIds: more.keeps }),
  })
  const adds = given.actions.filter((action): action is AddFile => action.kind === 'add')
  const marks = given.actions.filter((action): action is DomainMetadata => action.kind === 'domainMetadata')
  expect(marks.length).toBeLessThanOrEqual(1)
  expect(marks.every(({ domain, removed }) => domain === DOMAIN && !removed)).toBe(true)
  return {
    adds: Object.fromEntries(adds.map(({ path, baseRowId, defaultRowCommitVersion }) => [path, [baseRowId, defaultRowCommitVersion]])),
    mark: marks[0]?.configuration,
    preserved: given.tags?.['delta.rowTracking.preserved'],
    actions: given.actions,
  }
}

function failure(work: () => unknown): unknown {
  try {
    return work()
  } catch (error) {
    return error
  }
}

describe('row ids are given', () => {
  test('where the feature is there and is not suspended, whether or not it is enabled', () => {
    expect(givesRowIds(shape())).toBe(true)
    expect(givesRowIds(shape(ENABLED))).toBe(true)
    expect(givesRowIds(shape({ 'delta.rowTrackingSuspended': 'false' }))).toBe(true)
    for (const text of ['true', 'TRUE']) expect(givesRowIds(shape({ 'delta.rowTrackingSuspended': text }))).toBe(false)
    expect(givesRowIds({ protocol: untracked, metadata: metadataOf(ENABLED) })).toBe(false)
  })

  test('nowhere else: the actions are then the same object, without a tag', () => {
    const actions = [add('a')]
    const given = giveRowIds({ actions, before: undefined, after: { protocol: untracked, metadata: metadataOf({}) }, version: 0 })
    expect(given).toStrictEqual({ actions })
    expect(given.actions).toBe(actions)
  })
})

describe('new files', () => {
  test('of the first commit count from 0, and the commit says how far they got', () => {
    const { adds, mark, actions, preserved } = number([add('a'), add('b', { stats: counted(2) }), { kind: 'txn', appId: 'x', version: 1n }])
    expect(adds).toEqual({ a: [0, 0], b: [3, 0] })
    expect(mark).toBe(markAt(4))
    expect(actions.map(({ kind }) => kind)).toEqual(['add', 'add', 'txn', 'domainMetadata'])
    expect(preserved).toBe('true')
  })

  test('go on above the mark of the table, at the version of the try', async () => {
    const { adds, mark } = number([add('a'), add('b')], await tableOf([], markAt(9)))
    expect(adds).toEqual({ a: [10, 7], b: [13, 7] })
    expect(mark).toBe(markAt(15))
  })

  test('count from 0 in a table that has given none', async () => {
    expect(number([add('a')], await tableOf([])).adds).toEqual({ a: [0, 7] })
  })

  test('without rows have a first id that nobody gets from them, and move no mark', async () => {
    const { adds, mark } = number([add('none', { stats: counted(0) })], await tableOf([], markAt(9)))
    expect(adds).toEqual({ none: [10, 7] })
    expect(mark).toBeUndefined()
  })

  test('have exact ids beyond 2^53', async () => {
    const last = 2n ** 53n - 2n
    const one = { stats: counted(1) }
    const { adds, mark } = number([add('a', one), add('b', one), add('c', one)], await tableOf([], markAt(last)))
    expect(adds).toEqual({ a: [Number.MAX_SAFE_INTEGER, 7], b: [2n ** 53n, 7], c: [2n ** 53n + 1n, 7] })
    expect(mark).toBe('{"rowIdHighWaterMark":9007199254740993}')
    expect(number([add('a', { stats: counted('9007199254740993') })]).mark).toBe('{"rowIdHighWaterMark":9007199254740992}')
  })

  test.each([
    undefined,
    '',
    'no json',
    'null',
    '[]',
    '{}',
    '{"numRecords":"3"}',
    '{"numRecords":1.5}',
    '{"numRecords":-1}',
    '{"numRecords":null}',
  ])('that do not say how many rows they have are refused: %j', (stats) => {
    const { stats: _, ...file } = add('a')
    const error = failure(() => number([stats === undefined ? file : { ...file, stats }]))
    expect(error).toMatchObject({ code: 'CONSTRAINT_VIOLATED', facts: { path: 'a', feature: 'rowTracking' } })
    expect((error as Error).message).toMatch(/^a does not say .*numRecords/)
  })
})

describe('the mark of a table', () => {
  test('is the highest id given, or -1', async () => {
    expect(highWaterMark(await tableOf([]))).toBe(-1n)
    expect(highWaterMark(await tableOf([], markAt(-1)))).toBe(-1n)
    expect(highWaterMark(await tableOf([], markAt(12)))).toBe(12n)
    expect(highWaterMark(await tableOf([], '{"rowIdHighWaterMark":9007199254740993}'))).toBe(9007199254740993n)
  })

  test.each(['', 'no json', '7', '{}', '{"rowIdHighWaterMark":"12"}', '{"rowIdHighWaterMark":1.5}'])(
    'that cannot be read is a corrupt log: nothing is numbered on top of %j',
    async (configuration) => {
      const before = await tableOf([], configuration)
      const error = failure(() => number([add('a')], before))
      expect(error).toMatchObject({ code: 'CORRUPT_LOG', facts: { domain: DOMAIN, version: 0 } })
      expect((error as Error).message).toContain('the metadata domain delta.rowTracking of version 0')
    },
  )
})

describe('files that the table has', () => {
  const known = add('k', { baseRowId: 4, defaultRowCommitVersion: 2 })

  test('take their ids with them when they are removed', async () => {
    const before = await tableOf([known], markAt(6))
    expect(number([remove('k'), remove('stranger')], before).actions).toStrictEqual([
      remove('k', { baseRowId: 4, defaultRowCommitVersion: 2 }),
      remove('stranger'),
    ])
  })

  test('from before rows were tracked are removed as they are', async () => {
    expect(number([remove('old')], await tableOf([add('old')], markAt(6))).actions).toStrictEqual([remove('old')])
  })

  test('keep their ids when they are added again, and need no statistics for it', async () => {
    const before = await tableOf([known], markAt(6))
    const { stats: _, ...again } = add('k', { dataChange: false })
    const { adds, mark, preserved } = number([again], before, { configuration: ENABLED })
    expect(adds).toEqual({ k: [4, 2] })
    expect(mark).toBeUndefined()
    expect(preserved).toBe('true')
  })

  test('keep them under a new deletion vector, in either order and under any spelling of the path', async () => {
    const before = await tableOf([add('a b', { deletionVector: vector(1), baseRowId: 4, defaultRowCommitVersion: 2 })], markAt(6))
    const gone = remove('a b', { deletionVector: vector(1) })
    for (const path of ['a b', 'a%20b']) {
      const back = add(path, { deletionVector: vector(9) })
      for (const actions of [
        [gone, back],
        [back, gone],
      ]) {
        const { adds, mark, preserved } = number(actions, before)
        expect(adds).toEqual({ [path]: [4, 2] })
        expect(mark).toBeUndefined()
        expect(preserved).toBe('true')
      }
    }
  })

  test('that have none yet are given some, by the rows that the table knows of', async () => {
    const before = await tableOf([add('old', { stats: counted(5) })])
    const { stats: _, ...again } = add('old', { dataChange: false })
    const { adds, mark } = number([again, add('new')], before)
    expect(adds).toEqual({ old: [0, 7], new: [5, 7] })
    expect(mark).toBe(markAt(7))
    expect(number([{ ...again, stats: counted(6) }], before).mark).toBe(markAt(5))
  })
})

describe('files that bring their ids', () => {
  test('keep them, and the mark is raised to the last of them only where it was lower', async () => {
    const before = await tableOf([], markAt(9))
    const back = add('back', { baseRowId: 2, defaultRowCommitVersion: 1 })
    expect(number([back, add('new')], before)).toMatchObject({ adds: { back: [2, 1], new: [10, 7] }, mark: markAt(12) })
    expect(number([back], before).mark).toBeUndefined()
    const far = number([add('far', { baseRowId: 8n }), add('new')], before)
    expect(far).toMatchObject({ adds: { far: [8n, 7], new: [11, 7] }, mark: markAt(13) })
  })
})

describe('rows that are moved into other files', () => {
  const moved = add('moved', { dataChange: false })

  test('would lose the ids that are promised: the commit is refused', async () => {
    const before = await tableOf([add('k', { baseRowId: 0 })], markAt(2))
    const error = failure(() => number([remove('k', { dataChange: false }), moved], before, { configuration: ENABLED }))
    expect(error).toMatchObject({
      code: 'UNSUPPORTED_FEATURE',
      facts: { features: ['rowTracking (moved rearranges rows and would lose their ids)'], operation: 'write' },
    })
    expect(failure(() => number([moved], before, { configuration: { 'delta.enableRowTracking': 'TRUE' }, keeps: false }))).toMatchObject({
      code: 'UNSUPPORTED_FEATURE',
    })
  })

  test('keep them where the file carries them, or says which they are', async () => {
    const before = await tableOf([add('k', { baseRowId: 0 })], markAt(2))
    expect(number([remove('k'), moved], before, { configuration: ENABLED, keeps: true })).toMatchObject({
      adds: { moved: [3, 7] },
      preserved: 'true',
    })
    expect(number([{ ...moved, baseRowId: 0 }], before, { configuration: ENABLED }).adds).toEqual({ moved: [0, 7] })
  })

  test('may lose them where they are not promised, and the commit says so', async () => {
    const before = await tableOf([add('k', { baseRowId: 0 })], markAt(2))
    for (const configuration of [{}, { 'delta.enableRowTracking': 'false' }] as Record<string, string>[])
      expect(number([moved], before, { configuration })).toMatchObject({ adds: { moved: [3, 7] }, preserved: 'false' })
  })

  test('may be those of files that the commit removes', async () => {
    const before = await tableOf([add('k', { baseRowId: 0 })], markAt(2))
    expect(number([remove('k'), add('new')], before, { configuration: ENABLED })).toMatchObject({ preserved: 'false' })
    expect(number([add('new'), remove('k')], before, { configuration: ENABLED })).toMatchObject({ preserved: 'false' })
    expect(number([remove('k')], before, { configuration: ENABLED }).preserved).toBe('true')
    expect(number([add('new')], before, { configuration: ENABLED }).preserved).toBe('true')
  })
})
