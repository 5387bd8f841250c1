// The errors of this folder: what is wrong, with which file. One place, so that every thrift fault and every trap of
// the codec reaches the caller as a typed error with the file's name.
import { AlluviumError, type ErrorFacts } from '../errors.js'
import { ThriftFault } from './thrift.js'

/** `CORRUPT_DATA`: the bytes of the file contradict themselves or the format. */
export function corrupt(name: string, what: string, facts: ErrorFacts = {}, cause?: unknown): AlluviumError {
  return new AlluviumError(
    'CORRUPT_DATA',
    `cannot read ${name}: ${what}. The file is damaged or is not Parquet.`,
    { path: name, ...facts },
    { cause },
  )
}

/** `LIMIT_EXCEEDED`: reading would take more memory than is allowed; nothing was allocated. */
export function tooLarge(name: string, what: string, facts: ErrorFacts = {}): AlluviumError {
  return new AlluviumError('LIMIT_EXCEEDED', `cannot read ${name}: ${what}`, { path: name, ...facts })
}

/** `UNSUPPORTED_FEATURE`: sound Parquet, but with a feature that is not supported here. */
export function unsupported(name: string, what: string, features: readonly string[]): AlluviumError {
  return new AlluviumError('UNSUPPORTED_FEATURE', `cannot read ${name}: ${what}`, { path: name, features })
}

/** Runs a parser of the file's bytes; its faults become `CORRUPT_DATA`. */
export function guarded<T>(name: string, parse: () => T): T {
  try {
    return parse()
  } catch (error) {
    if (error instanceof ThriftFault) throw corrupt(name, error.message, {}, error)
    throw error
  }
}
