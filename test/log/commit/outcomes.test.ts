// How a commit ends that did not succeed. Data files go only where it is certain; whatever is in doubt keeps them.
import { describe, expect, test } from 'vitest'
import { AlluviumError } from '../../../src/errors.js'
import { alreadyExistsError, CommitStateUnknownError, mayDeleteDataFiles, notCommitted } from '../../../src/log/commit/outcomes.js'

const unknown = (facts: object = {}): CommitStateUnknownError =>
  new CommitStateUnknownError('who knows', { txnId: 't', version: 3, ...facts }, (options) =>
    Promise.resolve({ kind: 'unknown', version: options.putAgain === true ? 1 : 0 }),
  )

describe('data files of a commit', () => {
  test('may go where it is surely not in the table', () => {
    expect(mayDeleteDataFiles(new AlluviumError('COMMIT_CONFLICT', 'x', { committed: false }))).toBe(true)
  })

  test('stay whatever else happened', () => {
    expect(mayDeleteDataFiles(new AlluviumError('COMMIT_CONFLICT', 'x', {}))).toBe(false)
    expect(mayDeleteDataFiles(new AlluviumError('CORRUPT_LOG', 'x', { committed: true }))).toBe(false)
    expect(mayDeleteDataFiles(unknown({ committed: false }))).toBe(false)
    expect(mayDeleteDataFiles(Object.assign(new Error('x'), { facts: { committed: false } }))).toBe(false)
    expect(mayDeleteDataFiles(undefined)).toBe(false)
  })
})

describe('an error of which is known that nothing was committed', () => {
  test('says so, and is otherwise what it was', () => {
    const cause = new AlluviumError('STORAGE_FULL', 'the disk is full', { path: 'p' })
    const told = notCommitted(cause) as AlluviumError
    expect(told).toMatchObject({ code: 'STORAGE_FULL', message: 'the disk is full', facts: { path: 'p', committed: false }, cause })
  })

  test('is no abort by the caller where the store gave up a request whose time was over', () => {
    expect(notCommitted(new AlluviumError('ABORTED', 'gave up'))).toMatchObject({
      code: 'STORAGE_UNAVAILABLE',
      facts: { committed: false },
    })
    const byCaller = new AlluviumError('ABORTED', 'no more', { committed: false })
    expect(notCommitted(byCaller)).toBe(byCaller)
  })

  test('is left alone where it says itself what was committed, or that nobody knows, or is none of ours', () => {
    for (const error of [
      new AlluviumError('CORRUPT_LOG', 'x', { committed: true }),
      new AlluviumError('CORRUPT_LOG', 'x', { committed: false }),
      unknown(),
      new TypeError('x'),
      'text',
    ])
      expect(notCommitted(error)).toBe(error)
  })
})

test('an error in doubt can be asked, with and without options', async () => {
  const error = unknown()
  expect(error).toMatchObject({ code: 'COMMIT_STATE_UNKNOWN', message: 'who knows', facts: { txnId: 't', version: 3 } })
  expect(await error.resolve()).toEqual({ kind: 'unknown', version: 0 })
  expect(await error.resolve({ putAgain: true })).toEqual({ kind: 'unknown', version: 1 })
})

test('a table that is there already is named, and nothing was committed', () => {
  const error = alreadyExistsError('s3://b/t')
  expect(error).toMatchObject({ code: 'ALREADY_EXISTS', facts: { location: 's3://b/t', committed: false } })
  expect(error.message).toBe('there is a table at s3://b/t already; open it, or choose another place')
})
