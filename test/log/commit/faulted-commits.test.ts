// Commits over a store that fails, with a rival at the worst moments, thousands of seeds; then the same rig with known
// bugs of other writers planted, each of which it must notice. A seed that fails here replays: playSeed(seed).
import { describe, expect, test } from 'vitest'
import { type Committer, settle } from '../../../src/log/commit/index.js'
import { logPath } from './ledger.js'
import { FAULT_KINDS, OPERATIONS, type Planted, playSeed, RIVALS, type RunReport } from './rig.js'

const SEEDS = Number(process.env.ALLUVIUM_COMMIT_SEEDS ?? 3000)
const CHUNK = 500

describe('a commit over a failing store', () => {
  const totals = { commits: 0, faults: 0, conflicts: 0, unknown: 0 }
  const cells = new Set<string>()

  for (let from = 0; from < SEEDS; from += CHUNK) {
    test(`loses, doubles, resurrects nothing and never errs when it could know: seeds ${from} to ${from + CHUNK - 1}`, async () => {
      for (let seed = from; seed < from + CHUNK; seed++) {
        const report = await playSeed(seed)
        expect(report.anomalies, `seed ${seed}`).toEqual([])
        totals.commits += report.commits
        totals.faults += report.faults
        totals.conflicts += report.conflicts
        totals.unknown += report.unknown
        for (const cell of report.cells) cells.add(cell)
      }
    })
  }

  test('every fault met every operation and every rival, and every way out was taken', () => {
    const wanted = FAULT_KINDS.flatMap((fault) =>
      OPERATIONS.flatMap((operation) => RIVALS.map((rival) => `${fault} × ${operation} × ${rival}`)),
    )
    expect(wanted.filter((cell) => !cells.has(cell))).toEqual([])
    expect(totals.commits).toBe(SEEDS * 3)
    expect(totals.conflicts).toBeGreaterThan(SEEDS / 50)
    expect(totals.unknown).toBeGreaterThan(SEEDS / 500)
    console.log(`faulted commits: ${JSON.stringify(totals)}, ${cells.size} cells`)
  })

  test('a seed gives the same run again', async () => {
    for (const seed of [1, 7, 99]) expect(await playSeed(seed)).toEqual(await playSeed(seed))
  })
})

/** A committer that cannot know its own commit. */
const blindToOurs = (honest: Committer): Committer => ({
  ...honest,
  findOut: async (version, own, call) => honest.findOut(version, { ...own, txnId: 'nobody' }, call),
})
/** A committer that, finding nothing where it put, believes the version used up. */
const advancing = (honest: Committer): Committer => ({
  ...honest,
  // It believes that the version before is there, and does not look.
  propose: (proposal, call) => {
    honest.knows?.(proposal.version - 1, Number.POSITIVE_INFINITY)
    return honest.propose(proposal, call)
  },
  findOut: async (version, own, call) => {
    const found = await honest.findOut(version, own, call)
    return found.kind === 'absent' && own.bytes !== undefined
      ? { kind: 'other', bytes: new TextEncoder().encode('{"commitInfo":{}}') }
      : found
  },
})
const noCheck: NonNullable<Planted['checkConflict']> = () => ({ kind: 'rebase' })

const bugs: Record<string, { planted: Planted; symptom: RegExp }> = {
  'taking our own commit for a rival’s, and committing again': {
    planted: { committer: blindToOurs, checkConflict: noCheck },
    symptom: /^duplicated: one commit is version/,
  },
  'taking our own commit for a rival’s, and failing': {
    planted: { committer: blindToOurs },
    symptom: /^false-error/,
  },
  'looking for our own commit only while it is the newest, and bringing back what was compacted or deleted since': {
    planted: {
      committer: (honest, storage) => ({
        ...honest,
        findOut: async (version, own, call) => {
          const newest = (await storage.stat(logPath(version + 1))) === undefined
          return honest.findOut(version, newest ? own : { ...own, txnId: 'nobody' }, call)
        },
      }),
      checkConflict: noCheck,
    },
    symptom: /^resurrected/,
  },
  'moving on to the next version while a put at this one is outstanding': {
    planted: { committer: advancing },
    symptom: /^(gap|duplicated: one commit is version)/,
  },
  'giving up for lost a put that may still land': {
    planted: {
      settle: (placement, event, allowance) =>
        event.kind === 'absent' ? { placement, step: { kind: 'fail' } } : settle(placement, event, allowance),
    },
    symptom: /^false-error: (row|version)/,
  },
  'calling a commit failed that was written': {
    planted: {
      settle: (placement, event, allowance) =>
        event.kind === 'unclear' ? { placement, step: { kind: 'fail' } } : settle(placement, event, allowance),
    },
    symptom: /^false-error: (row|version)/,
  },
  'deleting the data files of a commit whose outcome is unknown': {
    planted: { mayDelete: () => true },
    symptom: /^deleted-live/,
  },
  'deleting the data files after an error, of a commit that was written': {
    planted: {
      settle: (placement, event, allowance) =>
        event.kind === 'unclear' ? { placement, step: { kind: 'fail' } } : settle(placement, event, allowance),
    },
    symptom: /^deleted-live/,
  },
  'calling every unclear put unknown, though a look would tell': {
    planted: {
      settle: (placement, event, allowance) =>
        event.kind === 'unclear'
          ? { placement: { ...placement, outstanding: true }, step: { kind: 'unknown' } }
          : settle(placement, event, allowance),
    },
    symptom: /^false-error: called unknown/,
  },
  'not minding rivals': { planted: { checkConflict: noCheck }, symptom: /^(?!broken)/ },
}

describe('planted bugs', () => {
  test.each(Object.entries(bugs))('%s is caught within 1000 seeds', async (_, { planted, symptom }) => {
    const caught = await firstSeedWith(planted, symptom)
    expect(caught).toBeLessThan(1000)
  })
})

async function firstSeedWith(planted: Planted, symptom: RegExp): Promise<number> {
  for (let seed = 0; seed < 1000; seed++) {
    const report: RunReport = await playSeed(seed, planted)
    if (report.anomalies.some((anomaly) => symptom.test(anomaly))) return seed
  }
  return Number.POSITIVE_INFINITY
}
