// The rules of an unclear commit, row by row, and then against every world: all orders in which puts fail, land, land
// late, and a rival takes the version, explored exhaustively to a depth, with what is claimed compared to what is true.
import { describe, expect, test } from 'vitest'
import { type Allowance, type Placement, type PlacementEvent, type PlacementStep, settle } from '../../../src/log/commit/settlement.js'

const free: Allowance = { mayPut: true, mayLook: true }
const onlyLook: Allowance = { mayPut: false, mayLook: true }
const spent: Allowance = { mayPut: false, mayLook: false }
const clean: Placement = { version: 7, outstanding: false }
const doubtful: Placement = { version: 7, outstanding: true }
const event = (kind: Exclude<PlacementEvent['kind'], 'refused'>): PlacementEvent => ({ kind })
const refused = (transient: boolean): PlacementEvent => ({ kind: 'refused', transient })

describe('what follows an answer', () => {
  test.each<[string, Placement, PlacementEvent, Allowance, PlacementStep, boolean]>([
    ['a put that made the file is success', clean, event('created'), free, { kind: 'done' }, false],
    [
      'a put that made the file is success also after doubt and with the limits spent',
      doubtful,
      event('created'),
      spent,
      { kind: 'done' },
      false,
    ],
    ['our own txnId in the file is success', doubtful, event('ours'), spent, { kind: 'done' }, false],
    [
      'exists on the first try is looked at, never believed to be a rival',
      clean,
      event('exists'),
      free,
      { kind: 'look', pause: false },
      true,
    ],
    ['an unclear put is looked for, even with the limits spent', clean, event('unclear'), spent, { kind: 'look', pause: false }, true],
    ['a missing file with a put outstanding gets the same put again', doubtful, event('absent'), free, { kind: 'put' }, true],
    ['a missing file after the last put is looked at again', doubtful, event('absent'), onlyLook, { kind: 'look', pause: true }, true],
    ['a missing file at the end of all limits is unknown, not a failure', doubtful, event('absent'), spent, { kind: 'unknown' }, true],
    ['a rival in the file settles that ours is not there', doubtful, event('other'), free, { kind: 'taken' }, false],
    ['a rival in the file settles it with the limits spent too', doubtful, event('other'), spent, { kind: 'taken' }, false],
    ['a refusal without doubt is tried again when that may help', clean, refused(true), free, { kind: 'put' }, false],
    ['a refusal without doubt is a failure when trying again cannot help', clean, refused(false), free, { kind: 'fail' }, false],
    ['a refusal without doubt is a failure when the limits are spent', clean, refused(true), spent, { kind: 'fail' }, false],
    ['a refusal says nothing about an earlier unclear put', doubtful, refused(false), free, { kind: 'look', pause: false }, true],
    ['a missing file with nothing outstanding and the limits spent is a failure', clean, event('absent'), spent, { kind: 'fail' }, false],
    ['a missing file with nothing outstanding is put', clean, event('absent'), free, { kind: 'put' }, false],
    [
      'a failed look with nothing outstanding and the limits spent is a failure',
      clean,
      event('unreadable'),
      spent,
      { kind: 'fail' },
      false,
    ],
    ['a failed look is repeated', doubtful, event('unreadable'), onlyLook, { kind: 'look', pause: true }, true],
    ['a failed look at the end of all limits is unknown', doubtful, event('unreadable'), spent, { kind: 'unknown' }, true],
  ])('%s', (_, placement, given, allowance, step, outstanding) => {
    expect(settle(placement, given, allowance)).toEqual({ placement: { version: 7, outstanding }, step })
  })
})

interface World {
  readonly file: 'none' | 'ours' | 'other'
  /** Puts of ours that may still land. */
  readonly delayed: number
}

/** Everything the store may do to one put, and what it then says. */
function putOutcomes(world: World): [World, PlacementEvent][] {
  const landed: World = world.file === 'none' ? { ...world, file: 'ours' } : world
  const truth: PlacementEvent = world.file === 'none' ? event('created') : event('exists')
  return [
    [landed, truth],
    [landed, event('unclear')],
    [landed, event('exists')],
    [world, event('unclear')],
    [world, refused(true)],
    [world, refused(false)],
    [{ ...world, delayed: world.delayed + 1 }, event('unclear')],
  ].filter(([after, said]) => {
    // A store may repeat a request, and then calls its own first try `exists`; it never says so of nothing.
    return (said as PlacementEvent).kind !== 'exists' || (after as World).file !== 'none'
  }) as [World, PlacementEvent][]
}

function lookOutcomes(world: World): [World, PlacementEvent][] {
  const truth = world.file === 'none' ? event('absent') : event(world.file)
  return [
    [world, truth],
    [world, event('unreadable')],
  ]
}

/** What may happen between two steps of ours. */
function meanwhile(world: World): World[] {
  const worlds = [world]
  if (world.file === 'none') worlds.push({ ...world, file: 'other' })
  if (world.delayed > 0) worlds.push({ file: world.file === 'none' ? 'ours' : world.file, delayed: world.delayed - 1 })
  return worlds
}

const allowances: Allowance[] = [free, onlyLook, spent]

function explore(decide: typeof settle, depth: number): { ends: number; faults: Set<string> } {
  const faults = new Set<string>()
  let ends = 0
  const visit = (world: World, placement: Placement, step: PlacementStep, allowanceIndex: number, left: number): void => {
    const fault = claimFault(world, placement, step)
    if (fault !== undefined) faults.add(fault)
    if (step.kind !== 'put' && step.kind !== 'look') {
      ends++
      return
    }
    if (placement.version !== 7 || left === 0) return
    for (const before of meanwhile(world)) {
      for (const [after, said] of step.kind === 'put' ? putOutcomes(before) : lookOutcomes(before)) {
        // Limits only ever shrink.
        for (let index = allowanceIndex; index < allowances.length; index++) {
          const next = decide(placement, said, allowances[index] as Allowance)
          visit(after, next.placement, next.step, index, left - 1)
        }
      }
    }
  }
  visit({ file: 'none', delayed: 0 }, clean, { kind: 'put' }, 0, depth)
  return { ends, faults }
}

/** What a step claims, against the truth. */
function claimFault(world: World, placement: Placement, step: PlacementStep): string | undefined {
  const mayYetAppear = world.file === 'ours' || (world.file === 'none' && world.delayed > 0)
  if (step.kind === 'done' && world.file !== 'ours') return 'claims a commit that is not there'
  if (step.kind === 'taken' && world.file !== 'other') return 'moves on from a version that is not a rival’s'
  if (step.kind === 'fail' && mayYetAppear) return 'calls a commit failed that is there or may appear'
  if (step.kind === 'put' && placement.version !== 7 && mayYetAppear) return 'puts elsewhere while a put may land'
  if (step.kind === 'unknown' && !placement.outstanding) return 'claims doubt without a put outstanding'
  return undefined
}

describe('every world', () => {
  test('no claim is ever false, whatever the store and the rival do in eight steps', () => {
    const { ends, faults } = explore(settle, 8)
    expect([...faults]).toEqual([])
    expect(ends).toBeGreaterThan(100_000)
  })

  test.each<[string, typeof settle, string]>([
    [
      'taking exists for a rival',
      (placement, said, allowance) =>
        said.kind === 'exists' ? { placement, step: { kind: 'taken' } } : settle(placement, said, allowance),
      'moves on from a version that is not a rival’s',
    ],
    [
      'moving on while a put is outstanding',
      (placement, said, allowance) =>
        said.kind === 'absent' && placement.outstanding
          ? { placement: { version: 8, outstanding: false }, step: { kind: 'put' } }
          : settle(placement, said, allowance),
      'puts elsewhere while a put may land',
    ],
    [
      'calling an unclear put a failure',
      (placement, said, allowance) =>
        said.kind === 'unclear' ? { placement, step: { kind: 'fail' } } : settle(placement, said, allowance),
      'calls a commit failed that is there or may appear',
    ],
    [
      'calling a refusal after an unclear put a failure',
      (placement, said, allowance) =>
        said.kind === 'refused' ? { placement, step: { kind: 'fail' } } : settle(placement, said, allowance),
      'calls a commit failed that is there or may appear',
    ],
  ])('%s is noticed', (_, planted, fault) => {
    expect(explore(planted, 5).faults).toContain(fault)
  })
})
