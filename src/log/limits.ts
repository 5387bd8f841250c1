// Bounds on what a log may make us hold. Every one has a default far beyond sane tables and can be raised.
import { AlluviumError } from '../errors.js'

export interface LogLimits {
  /** Largest commit file read. Default 1 GiB; at most 2^31-1. */
  readonly maxCommitBytes: number
  /** Most distinct partition column names among a table's files. Default 512. */
  readonly maxPartitionColumns: number
}

const DEFAULTS: LogLimits = { maxCommitBytes: 2 ** 30, maxPartitionColumns: 512 }
const CEILING = 2 ** 31 - 1

/** The defaults with what the caller set. @throws RangeError for limits that are no positive integers. */
export function logLimits(limits: Partial<LogLimits> = {}): LogLimits {
  const result = { ...DEFAULTS, ...limits }
  for (const [name, value] of Object.entries(result)) {
    if (!Number.isSafeInteger(value) || value < 1 || value > CEILING)
      throw new RangeError(`limits.${name} must be an integer from 1 to ${CEILING}, not ${value}`)
  }
  return result
}

/** @throws AlluviumError `LIMIT_EXCEEDED` */
export function assertCommitSize(path: string, sizeBytes: number, limits: LogLimits): void {
  if (sizeBytes <= limits.maxCommitBytes) return
  throw new AlluviumError(
    'LIMIT_EXCEEDED',
    `${path} has ${sizeBytes} bytes, more than the ${limits.maxCommitBytes} allowed for a commit; raise limits.maxCommitBytes to read it`,
    { path, sizeBytes, limit: 'maxCommitBytes', value: limits.maxCommitBytes },
  )
}
