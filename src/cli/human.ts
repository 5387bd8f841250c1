// Sizes, counts and times for people: units of 1024 under their short names, three digits, times in UTC.

const UNITS = ['B', 'KB', 'MB', 'GB', 'TB', 'PB'] as const

/** `0 B`, `512 B`, `1.5 KB`, `128 MB`: units of 1024. */
export function humanBytes(bytes: number): string {
  let unit = 0
  let value = bytes
  while (Math.abs(value) >= 999.5 && unit < UNITS.length - 1) {
    value /= 1024
    unit++
  }
  return `${shortNumber(value, unit === 0)} ${UNITS[unit]}`
}

/** `1,234,567`. */
export function humanCount(count: number): string {
  return String(Math.round(count)).replace(/\B(?=(\d{3})+(?!\d))/g, ',')
}

/** `1 file`, `2 files`. */
export function plural(count: number, word: string, words: string = `${word}s`): string {
  return `${humanCount(count)} ${count === 1 ? word : words}`
}

/** `2026-01-31 12:00` in UTC; what no calendar has is the bare number. */
export function humanTime(ms: number, seconds = false): string {
  if (!(Math.abs(ms) <= 8.64e15)) return String(ms)
  return new Date(ms)
    .toISOString()
    .replace('T', ' ')
    .slice(0, seconds ? 19 : 16)
}

/** `45 s`, `12 min`, `3 h`, `1 day`, `7 days`. */
export function humanDuration(ms: number): string {
  const steps: readonly [number, string][] = [
    [86_400_000, 'day'],
    [3_600_000, 'h'],
    [60_000, 'min'],
    [1000, 's'],
  ]
  for (const [unit, name] of steps) {
    if (ms < unit) continue
    const value = shortNumber(ms / unit, false)
    return name === 'day' && value !== '1' ? `${value} days` : `${value} ${name}`
  }
  return `${Math.round(ms)} ms`
}

function shortNumber(value: number, whole: boolean): string {
  if (whole || Math.abs(value) >= 100) return String(Math.round(value))
  return String(Number(value.toFixed(Math.abs(value) >= 10 ? 1 : 2)))
}
