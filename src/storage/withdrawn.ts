// The last word of whoever creates an object: a process may be stopped, for any time, between the steps of a create.
import { AlluviumError } from '../errors.js'
import type { PlaceCallOptions } from './storage.js'

/** Whether the caller says no to an object that is about to get its name. */
export function isWithdrawn(options: PlaceCallOptions | undefined): boolean {
  return options?.isStillWanted?.() === false
}

/** `ABORTED`. The outcome is unknown only where an earlier try of the same call is. */
export function withdrawnError(path: string, location: string, applied: false | 'unknown' = false): AlluviumError {
  const outcome = applied === false ? 'nothing was put in place' : 'an earlier try may have put it in place'
  return new AlluviumError('ABORTED', `'${path}' in ${location} was not wanted any more when it was about to get its name; ${outcome}.`, {
    path,
    location,
    applied,
  })
}
