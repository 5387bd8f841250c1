// A vacuum announces itself with a commit. Whoever commits after it must not add a file that it may be deleting.
import { describe, expect, test } from 'vitest'
import type { Action, AddFile, CommitInfo, Metadata, Protocol, RemoveFile } from '../../../src/log/actions.js'
import { checkConflict } from '../../../src/log/commit/index.js'

const HOUR_MS = 3_600_000
const NOW = Date.UTC(2026, 0, 10)
const protocol: Protocol = { kind: 'protocol', minReaderVersion: 1, minWriterVersion: 2 }
const metadata: Metadata = {
  kind: 'metaData',
  id: 'm',
  format: { provider: 'parquet', options: {} },
  schemaString: '{"type":"struct","fields":[]}',
  partitionColumns: [],
  configuration: {},
}
const base = { protocol, metadata, isolationLevel: 'SnapshotIsolation' as const }

function add(modificationTime: number): AddFile {
  return { kind: 'add', path: 'a.parquet', partitionValues: {}, size: 1, modificationTime, dataChange: true }
}

function announced(parameters: Record<string, string>, operation = 'VACUUM START'): Action[] {
  return [{ kind: 'commitInfo', info: { timestamp: NOW, operation, operationParameters: parameters } } as unknown as CommitInfo]
}

function ruling(own: readonly Action[], winner: readonly Action[]): string {
  const decision = checkConflict({ appIds: [] }, own, [{ version: 7, actions: winner }], base)
  return decision.kind === 'conflict' ? `${decision.rule} ${decision.version}` : decision.kind
}

describe('a commit that meets the announcement of a vacuum', () => {
  const aDay = { specifiedRetentionMillis: String(24 * HOUR_MS), defaultRetentionMillis: String(168 * HOUR_MS) }

  test('is made with files that were just written', () => {
    expect(ruling([add(NOW - HOUR_MS)], announced(aDay))).toBe('rebase')
  })

  test('is a conflict with files as old as those that it deletes', () => {
    expect(ruling([add(NOW - 25 * HOUR_MS)], announced(aDay))).toBe('vacuum 7')
    expect(ruling([add(NOW - 13 * HOUR_MS)], announced(aDay))).toBe('vacuum 7')
  })

  test('goes by the retention of the table where the vacuum names no other', () => {
    const { defaultRetentionMillis } = aDay
    expect(ruling([add(NOW - 25 * HOUR_MS)], announced({ defaultRetentionMillis }))).toBe('rebase')
    expect(ruling([add(NOW - 100 * HOUR_MS)], announced({ defaultRetentionMillis }))).toBe('vacuum 7')
  })

  test('is a conflict with whatever was written before a vacuum that keeps nothing', () => {
    expect(ruling([add(NOW - 1)], announced({ specifiedRetentionMillis: '0' }))).toBe('vacuum 7')
    expect(ruling([add(NOW)], announced({ specifiedRetentionMillis: '0' }))).toBe('rebase')
  })

  test('may say more of an old file that the table has', () => {
    const remove: RemoveFile = { kind: 'remove', path: 'a.parquet', dataChange: true }
    expect(ruling([remove, add(NOW - 100 * HOUR_MS)], announced(aDay))).toBe('rebase')
  })

  test('is made where the vacuum has come to its end, and where nobody can tell what it keeps', () => {
    expect(ruling([add(NOW - 100 * HOUR_MS)], announced(aDay, 'VACUUM END'))).toBe('rebase')
    expect(ruling([add(NOW - 100 * HOUR_MS)], announced({}))).toBe('rebase')
  })
})
