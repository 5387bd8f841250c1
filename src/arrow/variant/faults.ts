// What can be wrong with a variant's bytes.
import { AlluviumError } from '../../errors.js'

/** Deepest nesting that is read: values are read by recursion. */
export const MAX_VARIANT_DEPTH = 500

/** `CORRUPT_DATA`: the bytes are no variant. */
export function variantFault(what: string): AlluviumError {
  return new AlluviumError('CORRUPT_DATA', `a variant value is damaged: ${what}`)
}

/** `UNSUPPORTED_FEATURE`: the bytes are of a later version of the encoding. */
export function unknownVariant(what: string): AlluviumError {
  return new AlluviumError('UNSUPPORTED_FEATURE', `a variant value uses ${what}, which this library does not know`, {
    features: [`variantType ${what}`],
  })
}

/** `LIMIT_EXCEEDED`. */
export function tooDeep(): AlluviumError {
  return new AlluviumError('LIMIT_EXCEEDED', `a variant value is nested deeper than ${MAX_VARIANT_DEPTH} levels`)
}
