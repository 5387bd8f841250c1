// Rules that are broken on purpose, to see that the schedules notice. The library's own rules are put back afterwards.
import { RULES } from '../../src/log/commit/commit.js'
import type { CommitRules } from '../../src/log/commit/index.js'
import type { OperationName } from './operations.js'

type Check = CommitRules['checkConflict']
type Settle = CommitRules['settle']

export interface Planted {
  readonly name: string
  readonly rules: Partial<CommitRules>
  /** A pair that notices, and with how many faults. */
  readonly pair: readonly [OperationName, OperationName]
  readonly faults: number
  /** True where every table is right, and only the verdict is not. */
  readonly isOnlyVerdict?: boolean
}

const { checkConflict, settle } = RULES

// A rule that is never broken.
const without =
  (...rules: string[]): Check =>
  (readSet, own, winners, base) => {
    const decision = checkConflict(readSet, own, winners, base)
    return decision.kind === 'conflict' && rules.includes(decision.rule) ? { kind: 'rebase' } : decision
  }

const settledBy =
  (change: (...args: Parameters<Settle>) => ReturnType<Settle> | undefined): Settle =>
  (...args) =>
    change(...args) ?? settle(...args)

export const PLANTED: readonly Planted[] = [
  {
    name: 'two changes of the protocol',
    rules: { checkConflict: without('protocol') },
    pair: ['upgrade', 'upgrade'],
    faults: 0,
    isOnlyVerdict: true,
  },
  { name: 'two changes of the metadata', rules: { checkConflict: without('metadata') }, pair: ['property', 'add-column'], faults: 0 },
  { name: 'two changes of a domain', rules: { checkConflict: without('domain') }, pair: ['domain', 'domain'], faults: 0 },
  { name: 'two steps of an application', rules: { checkConflict: without('txn') }, pair: ['stream', 'stream'], faults: 0 },
  { name: 'rows that were not read', rules: { checkConflict: without('concurrent-append') }, pair: ['append', 'sum-part'], faults: 0 },
  {
    name: 'rows that an overwrite did not see',
    rules: { checkConflict: without('concurrent-append') },
    pair: ['stream', 'overwrite'],
    faults: 0,
  },
  {
    name: 'rows that were read and are gone',
    rules: { checkConflict: without('delete-read', 'delete-delete') },
    pair: ['delete', 'sum-part'],
    faults: 0,
  },
  {
    name: 'files that two compactions take',
    rules: { checkConflict: without('delete-read', 'delete-delete') },
    pair: ['compact', 'compact'],
    faults: 0,
  },
  {
    name: 'a compaction of deleted rows',
    rules: { checkConflict: without('delete-read', 'delete-delete') },
    pair: ['delete', 'compact'],
    faults: 0,
  },
  {
    name: 'whatever lost a race is a conflict',
    rules: {
      checkConflict: (_, __, winners) => ({ kind: 'conflict', rule: 'concurrent-append', version: winners[0]?.version ?? 0, facts: {} }),
    },
    pair: ['append', 'stream'],
    faults: 0,
    isOnlyVerdict: true,
  },
  {
    name: 'the level of the table is not minded',
    rules: {
      checkConflict: (readSet, own, winners, base) =>
        checkConflict(readSet, own, winners, { ...base, isolationLevel: 'WriteSerializable' }),
    },
    pair: ['append', 'overwrite'],
    faults: 0,
  },
  {
    name: 'exists is taken for a rival',
    rules: {
      settle: settledBy((placement, event) => (event.kind === 'exists' ? { placement, step: { kind: 'taken' } } : undefined)),
    },
    pair: ['append', 'append'],
    faults: 1,
  },
  {
    name: 'no answer is taken for a failure',
    rules: { settle: settledBy((placement, event) => (event.kind === 'unclear' ? { placement, step: { kind: 'fail' } } : undefined)) },
    pair: ['append', 'domain'],
    faults: 1,
  },
  {
    name: 'no answer is taken for success',
    rules: { settle: settledBy((placement, event) => (event.kind === 'unclear' ? { placement, step: { kind: 'done' } } : undefined)) },
    pair: ['delete', 'property'],
    faults: 1,
  },
  {
    name: 'a file that is not there yet never will be',
    rules: {
      settle: settledBy((placement, event) =>
        event.kind === 'absent' && placement.outstanding ? { placement, step: { kind: 'fail' } } : undefined,
      ),
    },
    pair: ['stream', 'compact'],
    faults: 1,
  },
  {
    name: 'a rival in our place is our own commit',
    rules: { settle: settledBy((placement, event) => (event.kind === 'other' ? { placement, step: { kind: 'done' } } : undefined)) },
    pair: ['append', 'sum-table'],
    faults: 0,
  },
]

/** Runs with rules that are broken. Not while anything else runs. */
export async function withPlanted<T>(rules: Partial<CommitRules>, work: () => Promise<T>): Promise<T> {
  const real = RULES as { checkConflict: Check; settle: Settle }
  Object.assign(real, rules)
  try {
    return await work()
  } finally {
    Object.assign(real, { checkConflict, settle })
  }
}
