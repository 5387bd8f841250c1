// When versions were committed, by the rules of PROTOCOL.md, "In-Commit Timestamps", and monotone file times.
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { encodeUtf8 } from '../../src/bytes.js'
import { commitPath } from '../../src/log/file-names.js'
import { commitTimestamp, commitTimestamps, readHistory, versionAtTimestamp } from '../../src/log/history.js'
import { memoryStorage } from '../../src/storage/memory.js'
import type { Storage } from '../../src/storage/storage.js'
import { FIRST_COMMIT } from './log-arbitrary.js'

interface Commit {
  /** Modification time of the file. */
  readonly at: number
  readonly ict?: number
}

/** A table whose commits were written at the given times; the properties stand in its last commit. */
async function tableOf(commits: readonly Commit[], properties: Record<string, string> = {}): Promise<Storage> {
  const clock = { at: 0 }
  const storage = memoryStorage({ runtime: { now: () => clock.at } as never })
  for (const [version, { at, ict }] of commits.entries()) {
    clock.at = at
    const info = JSON.stringify({
      commitInfo: { operation: `OP ${version}`, timestamp: 1, ...(ict === undefined ? {} : { inCommitTimestamp: ict }) },
    })
    const first = version === 0 ? FIRST_COMMIT : ''
    const last =
      version === commits.length - 1 ? FIRST_COMMIT.replace('"configuration":{}', `"configuration":${JSON.stringify(properties)}`) : ''
    await storage.put(commitPath(version), encodeUtf8(`${info}\n${first}${last}`))
  }
  return storage
}

const times = async (storage: Storage): Promise<number[]> => [...(await commitTimestamps(storage)).values()]

describe('commit times', () => {
  test('are the files’ modification times', async () => {
    expect(await times(await tableOf([{ at: 100 }, { at: 200 }, { at: 300 }]))).toEqual([100, 200, 300])
  })

  test('rise from version to version though clocks stand still or go back', async () => {
    expect(await times(await tableOf([{ at: 100 }, { at: 100 }, { at: 50 }, { at: 300 }, { at: 299 }]))).toEqual([100, 101, 102, 300, 301])
  })

  test('are the in-commit timestamps where the table keeps them, whatever the files say', async () => {
    const storage = await tableOf(
      [
        { at: 900, ict: 10 },
        { at: 800, ict: 20 },
        { at: 700, ict: 30 },
      ],
      { 'delta.enableInCommitTimestamps': 'true' },
    )
    expect(await times(storage)).toEqual([10, 20, 30])
    expect(await commitTimestamp(storage, 1)).toBe(20)
  })

  test('switch to in-commit timestamps at the version that enabled them', async () => {
    const enabled = {
      'delta.enableInCommitTimestamps': 'true',
      'delta.inCommitTimestampEnablementVersion': '2',
      'delta.inCommitTimestampEnablementTimestamp': '300',
    }
    const storage = await tableOf([{ at: 100 }, { at: 200 }, { at: 999, ict: 300 }, { at: 999, ict: 310 }], enabled)
    expect(await times(storage)).toEqual([100, 200, 300, 310])
    expect(await versionAtTimestamp(storage, 299)).toBe(1)
    expect(await versionAtTimestamp(storage, 300)).toBe(2)
    expect(await versionAtTimestamp(storage, 309)).toBe(2)
    expect(await versionAtTimestamp(storage, 10_000)).toBe(3)
  })

  test('from before the enablement never reach beyond it, even where files were copied later', async () => {
    const enabled = {
      'delta.enableInCommitTimestamps': 'true',
      'delta.inCommitTimestampEnablementVersion': '2',
      'delta.inCommitTimestampEnablementTimestamp': '300',
    }
    const storage = await tableOf([{ at: 5000 }, { at: 6000 }, { at: 7000, ict: 300 }, { at: 8000, ict: 310 }], enabled)
    expect(await versionAtTimestamp(storage, 5500)).toBe(3)
    expect(await versionAtTimestamp(storage, 305)).toBe(2)
    await expect(versionAtTimestamp(storage, 299)).rejects.toMatchObject({ code: 'VERSION_NOT_FOUND' })
  })

  test('are not taken from commits once a table has given its in-commit timestamps up', async () => {
    const storage = await tableOf([{ at: 100, ict: 7 }, { at: 200 }], { 'delta.enableInCommitTimestamps': 'false' })
    expect(await times(storage)).toEqual([100, 200])
  })

  test('that a table promises and a commit lacks are a fault of the log', async () => {
    const storage = await tableOf([{ at: 100, ict: 10 }, { at: 200 }, { at: 300, ict: 30 }], { 'delta.enableInCommitTimestamps': 'true' })
    await expect(commitTimestamps(storage)).rejects.toMatchObject({ code: 'CORRUPT_LOG', facts: { version: 1 } })
  })
})

describe('the version at a time', () => {
  test('is the latest committed at or before it', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 0, max: 50 }), { minLength: 1, maxLength: 12 }),
        fc.integer({ min: -2, max: 70 }),
        async (at, wanted) => {
          const storage = await tableOf(at.map((time) => ({ at: time })))
          const known = await times(storage)
          const expected = known.filter((time) => time <= wanted).length - 1
          if (expected < 0)
            await expect(versionAtTimestamp(storage, wanted)).rejects.toMatchObject({
              code: 'VERSION_NOT_FOUND',
              facts: { earliestTimestampMs: known[0] },
            })
          else expect(await versionAtTimestamp(storage, wanted)).toBe(expected)
        },
      ),
      { numRuns: 200 },
    )
  })

  test('counts only versions after a hole in the log', async () => {
    const storage = await tableOf([{ at: 100 }, { at: 200 }, { at: 300 }, { at: 400 }])
    await storage.delete(commitPath(1))
    await expect(versionAtTimestamp(storage, 150)).rejects.toMatchObject({ code: 'VERSION_NOT_FOUND', facts: { earliestVersion: 2 } })
    expect(await versionAtTimestamp(storage, 350)).toBe(2)
  })
})

describe('the history', () => {
  test('lists versions newest first with what they say of themselves', async () => {
    const history = await readHistory(await tableOf([{ at: 100 }, { at: 200 }, { at: 300 }]))
    expect(history.map(({ version, timestampMs, info }) => [version, timestampMs, info?.operation])).toEqual([
      [2, 300, 'OP 2'],
      [1, 200, 'OP 1'],
      [0, 100, 'OP 0'],
    ])
  })

  test('is cut at the limit', async () => {
    const storage = await tableOf(Array.from({ length: 40 }, (_, n) => ({ at: n * 10 })))
    expect((await readHistory(storage, { limit: 3 })).map((entry) => entry.version)).toEqual([39, 38, 37])
    expect(await readHistory(storage, { limit: 0 })).toEqual([])
    expect(await readHistory(storage)).toHaveLength(40)
    await expect(readHistory(storage, { limit: -1 })).rejects.toBeInstanceOf(RangeError)
  })

  test('has no info where a commit says nothing of itself', async () => {
    const storage = await tableOf([{ at: 100 }])
    await storage.put(commitPath(1), encodeUtf8('{"txn":{"appId":"a","version":1}}'))
    expect((await readHistory(storage))[0]).toMatchObject({ version: 1, info: undefined })
  })

  test('finds commit information that is not in the first line', async () => {
    const storage = await tableOf([{ at: 100 }])
    await storage.put(commitPath(1), encodeUtf8('{"txn":{"appId":"a","version":1}}\n{"commitInfo":{"operation":"LAST"}}'))
    expect((await readHistory(storage))[0]?.info).toMatchObject({ operation: 'LAST' })
  })

  test('of a folder that is no table says so', async () => {
    await expect(readHistory(memoryStorage())).rejects.toMatchObject({ code: 'NOT_A_TABLE' })
    await expect(versionAtTimestamp(memoryStorage(), 5)).rejects.toMatchObject({ code: 'NOT_A_TABLE' })
  })
})
