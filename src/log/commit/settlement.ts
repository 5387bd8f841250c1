// What to do after each answer of the store while one commit is being placed at one version: a pure decision, so
// that it can be tested row by row and explored without a store. No I/O, no clock.
//
// 1. Only `created`, or our txnId read back from the version's own file, is success.
// 2. Every other answer except "surely nothing was put in place" leaves a put outstanding: it may be there already, or
//    may still land later. Even `exists` does, because a store that repeats requests sees its own first try.
// 3. While a put at a version is outstanding the same bytes go to the same version again; no other version is tried.
// 4. Only somebody else's file at that version settles that ours is not there and never will be (create is exclusive).
// 5. What cannot be settled within the limits is reported as unknown. It is never called a failure.

/** Where a commit stands at the version it is being placed at. */
export interface Placement {
  readonly version: number
  /** A put of our bytes at `version` may be in place or may still land. */
  readonly outstanding: boolean
}

/** What the store said to a put at the version, or what a look at the version's file showed. */
export type PlacementEvent =
  /** The put made the file. */
  | { readonly kind: 'created' }
  /** The put found a file of that name. */
  | { readonly kind: 'exists' }
  /** The put surely changed nothing and never will; `transient` when trying again may help. */
  | { readonly kind: 'refused'; readonly transient: boolean }
  /** Nobody knows what the put did, or will do. */
  | { readonly kind: 'unclear' }
  /** The file at the version carries our txnId. */
  | { readonly kind: 'ours' }
  /** The file at the version is somebody else's. */
  | { readonly kind: 'other' }
  /** There is no file at the version. */
  | { readonly kind: 'absent' }
  /** The look failed, or what it showed is not a whole first line. */
  | { readonly kind: 'unreadable' }

/** What the limits of the commit (attempts, time, the caller's signal) still allow. */
export interface Allowance {
  readonly mayPut: boolean
  readonly mayLook: boolean
}

export type PlacementStep =
  /** The commit is in the table at the version. */
  | { readonly kind: 'done' }
  /** Put the same bytes at the same version, after a pause. */
  | { readonly kind: 'put' }
  /** Look at the version's file: at once, or after a pause. */
  | { readonly kind: 'look'; readonly pause: boolean }
  /** The version is somebody else's and nothing of ours is outstanding: check against the winners, try a later version. */
  | { readonly kind: 'taken' }
  /** The commit is not in the table and will not appear. */
  | { readonly kind: 'fail' }
  /** The limits are used up with a put outstanding. */
  | { readonly kind: 'unknown' }

/** The state and the next step after an event. */
export function settle(placement: Placement, event: PlacementEvent, allowance: Allowance): { placement: Placement; step: PlacementStep } {
  const { version } = placement
  switch (event.kind) {
    case 'created':
    case 'ours':
      return { placement: { version, outstanding: false }, step: { kind: 'done' } }
    case 'exists':
    case 'unclear':
      return { placement: { version, outstanding: true }, step: { kind: 'look', pause: false } }
    case 'other':
      return { placement: { version, outstanding: false }, step: { kind: 'taken' } }
    case 'refused':
      // A refusal speaks for its own try only: an earlier one at this version may still be there.
      if (placement.outstanding) return { placement, step: { kind: 'look', pause: false } }
      return { placement, step: event.transient && allowance.mayPut ? { kind: 'put' } : { kind: 'fail' } }
    case 'absent':
      return { placement, step: whenAbsent(placement, allowance) }
    case 'unreadable':
      if (allowance.mayLook) return { placement, step: { kind: 'look', pause: true } }
      return { placement, step: { kind: placement.outstanding ? 'unknown' : 'fail' } }
  }
}

function whenAbsent(placement: Placement, allowance: Allowance): PlacementStep {
  if (allowance.mayPut) return { kind: 'put' }
  if (!placement.outstanding) return { kind: 'fail' }
  return allowance.mayLook ? { kind: 'look', pause: true } : { kind: 'unknown' }
}
