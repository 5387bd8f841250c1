// The texts of table property values: intervals, sizes, flags, counts, column lists. Pure; a fault is a text that says
// what is allowed, because the caller knows which property it is.

/** A value, or why the text is none. */
export type Parsed<T> = { readonly value: T } | { readonly fault: string }

const UNIT_MS: ReadonlyMap<string, number> = new Map([
  ['week', 604_800_000],
  ['day', 86_400_000],
  ['hour', 3_600_000],
  ['minute', 60_000],
  ['second', 1000],
  ['millisecond', 1],
  ['microsecond', 0.001],
])

const SIZE_UNITS: ReadonlyMap<string, number> = new Map([
  ['', 1],
  ['b', 1],
  ['k', 1024],
  ['m', 1024 ** 2],
  ['g', 1024 ** 3],
  ['t', 1024 ** 4],
  ['p', 1024 ** 5],
])

/** `true` or `false`, in any case. */
export function parseFlag(text: string): Parsed<boolean> {
  const lower = text.trim().toLowerCase()
  if (lower === 'true') return { value: true }
  return lower === 'false' ? { value: false } : { fault: 'must be true or false' }
}

/** A whole number from `min` to `max`. */
export function parseCount(text: string, min: number, max: number = Number.MAX_SAFE_INTEGER): Parsed<number> {
  const value = /^[+-]?\d{1,17}$/.test(text.trim()) ? Number(text) : Number.NaN
  if (value >= min && value <= max) return { value: value + 0 }
  return { fault: max === Number.MAX_SAFE_INTEGER ? `must be a whole number from ${min}` : `must be a whole number from ${min} to ${max}` }
}

/**
 * A duration in milliseconds (rounded down): `interval 30 days`, `2 weeks`, `1 day 12 hours`. Months and years have no fixed length and are
 * refused, as are negative durations.
 */
export function parseIntervalMs(text: string): Parsed<number> {
  const fault = 'must be a duration such as "interval 7 days" or "1 day 12 hours" (weeks to microseconds; no months or years)'
  const words = text.trim().toLowerCase().split(/\s+/)
  if (words[0] === 'interval') words.shift()
  if (words.length === 0 || words.length % 2 !== 0) return { fault }
  let ms = 0
  for (let i = 0; i < words.length; i += 2) {
    const count = words[i] as string
    const unit = UNIT_MS.get((words[i + 1] as string).replace(/s$/, ''))
    if (unit === undefined || !/^\+?\d{1,15}(?:\.\d{1,6})?$/.test(count)) return { fault }
    ms += Number(count) * unit
  }
  return Number.isSafeInteger(Math.floor(ms)) ? { value: Math.floor(ms) } : { fault }
}

/** A size in bytes: `134217728`, `128mb`, `1g` (units of 1024). */
export function parseSizeBytes(text: string): Parsed<number> {
  const fault = 'must be a size such as 134217728, 128mb or 1g'
  const match = /^(\d{1,16})\s*([kmgtp]?)(i?b)?$/.exec(text.trim().toLowerCase())
  if (match === null) return { fault }
  const value = Number(match[1]) * (SIZE_UNITS.get(match[2] as string) as number)
  return value > 0 && Number.isSafeInteger(value) ? { value } : { fault }
}

/** Column names separated by commas, nested by dots, quoted by backticks: `a, s.b, \`x,y\`` as paths. */
export function parseColumnList(text: string): Parsed<(readonly string[])[]> {
  const fault = 'must be column names separated by commas, such as a, s.b, `odd name`'
  const paths: string[][] = []
  const token = /\s*(?:`((?:[^`]|``)+)`|([^\s`.,]+))\s*([.,]|$)/y
  let path: string[] = []
  if (text.trim() === '') return { value: [] }
  while (token.lastIndex < text.length) {
    const match = token.exec(text)
    if (match === null) return { fault }
    path.push(match[1]?.replaceAll('``', '`') ?? (match[2] as string))
    const ended = token.lastIndex === text.length
    if (match[3] === '.' && !ended) continue
    if (match[3] !== '' && ended) return { fault }
    paths.push(path)
    path = []
  }
  return { value: paths }
}

/** One of some words, in any case; answers the word as given in `words`. */
export function parseWord<W extends string>(text: string, words: readonly W[]): Parsed<W> {
  const lower = text.trim().toLowerCase()
  const word = words.find((candidate) => candidate.toLowerCase() === lower)
  return word === undefined ? { fault: `must be one of ${words.join(', ')}` } : { value: word }
}
