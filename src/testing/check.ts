// Checks for the contract suites: plain functions that throw, so that any test runner (or a browser page) can run the cases.
// One rule: a failure says what was promised, what was expected and what came.
import { AlluviumError, type ErrorCode } from '../errors.js'

/** Fails with a sentence unless the condition holds. */
export function check(condition: boolean, promise: string): asserts condition {
  if (!condition) throw new Error(`broken promise: ${promise}`)
}

/** Fails unless two plain values (numbers, texts, arrays and objects of them) are equal. */
export function checkEqual(actual: unknown, expected: unknown, promise: string): void {
  const [got, wanted] = [print(actual), print(expected)]
  if (got !== wanted) throw new Error(`broken promise: ${promise}: expected ${shorten(wanted)}, got ${shorten(got)}`)
}

/** Fails unless the bytes are there and equal. */
export function checkBytesEqual(actual: Uint8Array | undefined, expected: Uint8Array, promise: string): void {
  check(actual !== undefined, `${promise}: the object is there`)
  check(actual instanceof Uint8Array, `${promise}: bytes are a Uint8Array`)
  checkEqual(actual.length, expected.length, `${promise}: the number of bytes`)
  for (let at = 0; at < expected.length; at++) {
    if (actual[at] !== expected[at]) throw new Error(`broken promise: ${promise}: byte ${at} is ${actual[at]} instead of ${expected[at]}`)
  }
}

/** Fails unless the call rejects with one of the codes; answers the error. */
export async function checkRefused(call: () => Promise<unknown>, codes: readonly ErrorCode[], promise: string): Promise<AlluviumError> {
  const error = await failureOf(call, promise)
  if (error instanceof AlluviumError && codes.includes(error.code)) return error
  throw new Error(`broken promise: ${promise}: expected ${codes.join(' or ')}, got ${String(error)}`, { cause: error })
}

/** Fails unless the call rejects with an error of this class. */
export async function checkMisuse(
  call: () => Promise<unknown>,
  kind: typeof TypeError | typeof RangeError,
  promise: string,
): Promise<void> {
  const error = await failureOf(call, promise)
  if (!(error instanceof kind)) throw new Error(`broken promise: ${promise}: expected ${kind.name}, got ${String(error)}`, { cause: error })
}

async function failureOf(call: () => Promise<unknown>, promise: string): Promise<unknown> {
  let answer: unknown
  try {
    answer = await call()
  } catch (error) {
    return error
  }
  throw new Error(`broken promise: ${promise}: expected a refusal, got ${shorten(print(answer))}`)
}

function print(value: unknown): string {
  return JSON.stringify(value, (_, each) => (typeof each === 'bigint' ? `${each}n` : each)) ?? String(value)
}

function shorten(text: string): string {
  return text.length <= 500 ? text : `${text.slice(0, 500)}… (${text.length} characters)`
}
