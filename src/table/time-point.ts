// Points in time as callers give them, to the milliseconds that commits are dated in.
import { AlluviumError } from '../errors.js'
import { versionAtTimestamp } from '../log/index.js'
import { parseTimestampMicros } from '../schema/index.js'
import type { Storage } from '../storage/storage.js'

/**
 * The version that a caller names by its number or by a time; undefined for the latest.
 * @throws AlluviumError `INVALID_OPTIONS` for both at once and for what is no time, `VERSION_NOT_FOUND`, `CORRUPT_LOG`, storage errors
 */
export async function versionWanted(
  storage: Storage,
  point: { readonly version?: number; readonly timestamp?: Date | number | string; readonly signal?: AbortSignal },
): Promise<number | undefined> {
  const { version, timestamp, signal } = point
  if (version !== undefined && timestamp !== undefined) {
    throw new AlluviumError('INVALID_OPTIONS', 'give a version or a timestamp, not both', { version })
  }
  return timestamp === undefined ? version : versionAtTimestamp(storage, toMillis(timestamp), { signal })
}

/**
 * Milliseconds since 1970; microseconds beyond them are cut off, or counted as a whole one.
 * @throws AlluviumError `INVALID_OPTIONS` for what is no time
 */
export function toMillis(timestamp: Date | number | string, rounding: 'down' | 'up' = 'down'): number {
  const millis = timestamp instanceof Date ? timestamp.getTime() : typeof timestamp === 'number' ? timestamp : millisOf(timestamp, rounding)
  if (!Number.isFinite(millis)) {
    throw new AlluviumError(
      'INVALID_OPTIONS',
      `the timestamp ${JSON.stringify(String(timestamp))} is not a time; write ISO 8601 with a zone, like 2026-01-31T12:00:00Z`,
    )
  }
  return millis
}

function millisOf(text: string, rounding: 'down' | 'up'): number {
  const micros = parseTimestampMicros(text)
  if (micros === undefined) return Number.NaN
  // BigInt division cuts towards zero.
  const millis = micros / 1000n
  const rest = micros % 1000n
  if (rounding === 'up') return Number(rest > 0n ? millis + 1n : millis)
  return Number(rest < 0n ? millis - 1n : millis)
}
