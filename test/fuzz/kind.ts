// What every kind of fuzzing has in common.
import { isAlluviumError } from '../../src/errors.js'
import type { Random } from './random.js'

/** `read`: right by the oracle, or (without one) of the right shape. `refused`: a typed error. */
export type Verdict = 'read' | 'refused'

/** One kind of input. A `run` that throws has found a defect. */
export interface Kind {
  readonly name: string
  /** Its share of the inputs. */
  readonly share: number
  prepare(): Promise<void>
  run(random: Random): Promise<Verdict>
}

/** Runs a read; a typed error of one of these codes is its answer too. Anything else is thrown on. */
export async function answerOf<T>(
  codes: readonly string[],
  read: () => Promise<T>,
): Promise<{ value: T } | { code: string; message: string }> {
  try {
    return { value: await read() }
  } catch (error) {
    if (isAlluviumError(error) && codes.includes(error.code)) return { code: error.code, message: error.message }
    throw error
  }
}

/** Fails with what differs first. */
export function mustEqual(actual: string, expected: string, what: string): void {
  if (actual === expected) return
  let at = 0
  while (actual[at] === expected[at]) at++
  const around = (text: string): string => text.slice(Math.max(0, at - 80), at + 120)
  throw new Error(`${what} differs from the oracle at character ${at}:\n  got      ${around(actual)}\n  expected ${around(expected)}`)
}
