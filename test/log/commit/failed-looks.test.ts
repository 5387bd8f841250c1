// A look that failed says nothing of a version, neither that it is there nor that it is not.
import { expect, test } from 'vitest'
import { AlluviumError } from '../../../src/errors.js'
import type { Committer, FindOutcome } from '../../../src/log/commit/index.js'
import type { Limits } from '../../../src/log/commit/limits.js'
import { readWinners } from '../../../src/log/commit/winners.js'

test('a version that cannot be read after one that is not there makes no gap of the log', async () => {
  const away: FindOutcome = { kind: 'unreadable', error: new AlluviumError('STORAGE_UNAVAILABLE', 'away') }
  const answers = new Map<number, FindOutcome>([[3, { kind: 'other', bytes: new Uint8Array([3]) }]])
  const committer = { findOut: async (version: number) => answers.get(version) ?? (version === 4 ? { kind: 'absent' } : away) }
  const limits = {
    call: () => ({ signal: new AbortController().signal, end: () => undefined }),
    allowance: () => ({ mayLook: false, mayPut: false }),
    pauseAfterFault: async () => undefined,
  }
  const found = await readWinners(committer as unknown as Committer, 3, 'mine', limits as unknown as Limits)
  expect(found.winners.map(({ version }) => version)).toEqual([3])
})
