// Durations on the command line: `168h`, `7d`, `90m`, or an interval as table properties have it.
import { parseIntervalMs } from '../schema/property-values.js'
import { type OptionValues, textOption, usageError } from './command.js'

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 }

/** A duration in milliseconds. @throws AlluviumError `INVALID_OPTIONS`. */
export function durationOption(options: OptionValues, name: string): number | undefined {
  const text = textOption(options, name)
  if (text === undefined) return undefined
  const match = /^(\d+(?:\.\d+)?)\s*(ms|s|m|h|d|w)$/i.exec(text.trim())
  if (match !== null) return Math.floor(Number(match[1]) * (UNITS[(match[2] as string).toLowerCase()] as number))
  const interval = parseIntervalMs(text)
  if ('value' in interval) return interval.value
  throw usageError(`--${name} must be a duration like 168h or 7d, not ${JSON.stringify(text)}`)
}
