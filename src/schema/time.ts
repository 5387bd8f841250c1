// Dates and times as text, in Delta's units: days and microseconds since 1970, proleptic Gregorian calendar, no leap
// seconds, no time zone data. One rule: a text means exactly one value or it means none; nothing is rounded.
// The scanners work on bytes, so that input is read without making a string for each value.

const MICROS_PER_SECOND = 1_000_000
const MICROS_PER_MINUTE = 60 * MICROS_PER_SECOND
const MICROS_PER_DAY = 86_400 * MICROS_PER_SECOND
const MIN_INT32 = -(2 ** 31)
const MAX_INT32 = 2 ** 31 - 1
const MIN_INT64 = -(2n ** 63n)
const MAX_INT64 = 2n ** 63n - 1n

/** The longest text that can be a date or a time; longer ones are refused unread. */
const MAX_TEXT_LENGTH = 64

// Whether a text must not, may or must name its zone.
type Zone = 0 | 1 | 2
const NO_ZONE: Zone = 0
const ANY_ZONE: Zone = 1
const WITH_ZONE: Zone = 2

/**
 * Microseconds since 1970-01-01T00:00:00Z of a text that names its zone (`Z`, `+02:00`, `+0200`, `+02`):
 * `2024-02-29T12:34:56.123456Z`, also with a space for the `T`, without seconds, and with years of 4 to 7 digits and perhaps a sign.
 * Undefined for everything else: no zone, a day that is not in the calendar, hour 24, second 60, a fraction finer than
 * microseconds, beyond 64 bits.
 */
export function parseTimestampMicros(text: string): bigint | undefined {
  const length = toScratch(text)
  return length === 0 ? undefined : exactMicros(scratch, 0, length, WITH_ZONE)
}

/** Microseconds since 1970-01-01T00:00:00 of a text without a zone, otherwise as {@link parseTimestampMicros}. */
export function parseTimestampNtzMicros(text: string): bigint | undefined {
  const length = toScratch(text)
  return length === 0 ? undefined : exactMicros(scratch, 0, length, NO_ZONE)
}

/** As {@link parseTimestampMicros}; a text without a zone, or a bare date, is taken as UTC (old partition values have that form). */
export function parseTimestampMicrosAssumingUtc(text: string): bigint | undefined {
  const length = toScratch(text)
  if (length === 0) return undefined
  return exactMicros(scratch, 0, length, ANY_ZONE) ?? dateAsMicros(scratch, length)
}

/** Days since 1970-01-01 of `YYYY-MM-DD` (years of 4 to 7 digits, perhaps with a sign), within 32 bits. */
export function parseDateDays(text: string): number | undefined {
  const length = toScratch(text)
  if (length === 0) return undefined
  const days = parseDateDaysBytes(scratch, 0, length)
  return Number.isNaN(days) ? undefined : days
}

/**
 * {@link parseTimestampMicros} over `bytes[start, end)` as a double: NaN where the text is no timestamp, and where the
 * value is beyond 2^53 (after the year 2255, before 1684): ask {@link parseTimestampMicrosBytesExact} then.
 */
export function parseTimestampMicrosBytes(bytes: Uint8Array, start: number, end: number): number {
  return doubleMicros(bytes, start, end, WITH_ZONE)
}

/** {@link parseTimestampMicrosBytes} in 64 bits, undefined where the text is no timestamp. */
export function parseTimestampMicrosBytesExact(bytes: Uint8Array, start: number, end: number): bigint | undefined {
  return exactMicros(bytes, start, end, WITH_ZONE)
}

/** {@link parseTimestampNtzMicros} over bytes; NaN as in {@link parseTimestampMicrosBytes}. */
export function parseTimestampNtzMicrosBytes(bytes: Uint8Array, start: number, end: number): number {
  return doubleMicros(bytes, start, end, NO_ZONE)
}

/** {@link parseTimestampNtzMicrosBytes} in 64 bits, undefined where the text is no timestamp. */
export function parseTimestampNtzMicrosBytesExact(bytes: Uint8Array, start: number, end: number): bigint | undefined {
  return exactMicros(bytes, start, end, NO_ZONE)
}

/** {@link parseDateDays} over `bytes[start, end)`; NaN where the text is no date. */
export function parseDateDaysBytes(bytes: Uint8Array, start: number, end: number): number {
  if (scanDate(bytes, start, end) !== end) return Number.NaN
  const days = scanned[DAYS] as number
  return days >= MIN_INT32 && days <= MAX_INT32 ? days : Number.NaN
}

/** `YYYY-MM-DDTHH:MM:SS.ffffffZ`; years outside 0 to 9999 have a sign and six digits. */
export function formatTimestampMicros(micros: bigint | number): string {
  return `${formatMicros(micros, 'T')}Z`
}

/** `YYYY-MM-DDTHH:MM:SS.ffffff`, without a zone. */
export function formatTimestampNtzMicros(micros: bigint | number): string {
  return formatMicros(micros, 'T')
}

/** `YYYY-MM-DD HH:MM:SS`, with `.ffffff` only where there is a fraction: the form of partition values. */
export function formatTimestampNtzPartition(micros: bigint | number): string {
  const text = formatMicros(micros, ' ')
  return text.endsWith('.000000') ? text.slice(0, -7) : text
}

/** `YYYY-MM-DD`; years outside 0 to 9999 have a sign and at least six digits. */
export function formatDateDays(days: number): string {
  if (days === formattedDay) return formattedDayText
  const text = dayText(days)
  formattedDay = days
  formattedDayText = text
  return text
}

/** Days since 1970-01-01 of a day of the proleptic Gregorian calendar (month and day from 1; year 0 is 1 BC). */
export function daysFromCivil(year: number, month: number, day: number): number {
  // Years start in March here, so that the leap day ends a year and months follow one linear rule.
  const y = month <= 2 ? year - 1 : year
  const era = Math.floor(y / 400)
  const yearOfEra = y - era * 400
  const dayOfYear = ((153 * (month > 2 ? month - 3 : month + 9) + 2) / 5) | 0
  const dayOfEra = yearOfEra * 365 + ((yearOfEra / 4) | 0) - ((yearOfEra / 100) | 0) + dayOfYear + day - 1
  return era * 146_097 + dayOfEra - 719_468
}

// ---- scanning ----

const scratch = new Uint8Array(MAX_TEXT_LENGTH)
const FRACTION_UNITS = [0, 100_000, 10_000, 1000, 100, 10]
const DAYS_IN_MONTH = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]

// The results of the last scan. Scans are synchronous and read them at once, so no object is made for each value.
// Micros of the day may lie outside one day, moved by the zone. A typed array, because a variable would box such numbers.
const scanned = new Float64Array(2)
const DAYS = 0
const MICROS = 1
let formattedDay = Number.NaN
let formattedDayText = ''

// The text as bytes in `scratch`; its length, or 0 when it cannot be a date or a time.
function toScratch(text: string): number {
  const length = text.length
  if (length > MAX_TEXT_LENGTH) return 0
  for (let i = 0; i < length; i++) {
    const c = text.charCodeAt(i)
    if (c > 0x7f) return 0
    scratch[i] = c
  }
  return length
}

function doubleMicros(bytes: Uint8Array, start: number, end: number, zone: Zone): number {
  if (!scanTimestamp(bytes, start, end, zone)) return Number.NaN
  const micros = (scanned[DAYS] as number) * MICROS_PER_DAY + (scanned[MICROS] as number)
  return micros <= Number.MAX_SAFE_INTEGER && micros >= Number.MIN_SAFE_INTEGER ? micros : Number.NaN
}

function exactMicros(bytes: Uint8Array, start: number, end: number, zone: Zone): bigint | undefined {
  if (!scanTimestamp(bytes, start, end, zone)) return undefined
  const days = scanned[DAYS] as number
  const ofDay = scanned[MICROS] as number
  const micros = days * MICROS_PER_DAY + ofDay
  if (Number.isSafeInteger(micros)) return BigInt(micros)
  const exact = BigInt(days) * BigInt(MICROS_PER_DAY) + BigInt(ofDay)
  return exact >= MIN_INT64 && exact <= MAX_INT64 ? exact : undefined
}

function dateAsMicros(bytes: Uint8Array, length: number): bigint | undefined {
  if (scanDate(bytes, 0, length) !== length) return undefined
  const exact = BigInt(scanned[DAYS] as number) * BigInt(MICROS_PER_DAY)
  return exact >= MIN_INT64 && exact <= MAX_INT64 ? exact : undefined
}

// Sets both places of `scanned`.
function scanTimestamp(bytes: Uint8Array, start: number, end: number, zone: Zone): boolean {
  if (end - start > MAX_TEXT_LENGTH) return false
  let at = scanDate(bytes, start, end)
  if (at < 0 || at >= end) return false
  const separator = bytes[at] as number
  if (separator !== 0x54 && separator !== 0x20 && separator !== 0x74) return false
  at = scanTime(bytes, at + 1, end)
  if (at < 0) return false
  if (at === end) return zone !== WITH_ZONE
  return zone !== NO_ZONE && scanZone(bytes, at, end)
}

// `[+-]Y{4,7}-MM-DD`; answers the place after it, or -1. Years of more than four digits may come without a sign: old writers left it out.
function scanDate(bytes: Uint8Array, start: number, end: number): number {
  const first = bytes[start] as number
  const signed = first === 0x2d || first === 0x2b
  const yearStart = signed ? start + 1 : start
  let at = yearStart
  let year = 0
  while (at < end && at - yearStart < 7) {
    const digit = (bytes[at] as number) - 0x30
    if (digit < 0 || digit > 9) break
    year = year * 10 + digit
    at++
  }
  const digits = at - yearStart
  if (digits < 4) return -1
  if (first === 0x2d) {
    if (year === 0) return -1
    year = -year
  }
  if (at + 6 > end || bytes[at] !== 0x2d || bytes[at + 3] !== 0x2d) return -1
  const month = twoDigits(bytes, at + 1)
  const day = twoDigits(bytes, at + 4)
  if (month < 1 || month > 12 || day < 1 || day > lastDay(year, month)) return -1
  scanned[DAYS] = daysFromCivil(year, month, day)
  return at + 6
}

// `HH:MM[:SS[.f{1,}]]`; answers the place after it, or -1. Digits finer than microseconds must be zeros.
function scanTime(bytes: Uint8Array, start: number, end: number): number {
  if (start + 5 > end || bytes[start + 2] !== 0x3a) return -1
  const hour = twoDigits(bytes, start)
  const minute = twoDigits(bytes, start + 3)
  if (hour < 0 || hour > 23 || minute < 0 || minute > 59) return -1
  let seconds = (hour * 60 + minute) * 60
  scanned[MICROS] = seconds * MICROS_PER_SECOND
  let at = start + 5
  if (at === end || bytes[at] !== 0x3a) return at
  if (at + 3 > end) return -1
  const second = twoDigits(bytes, at + 1)
  if (second < 0 || second > 59) return -1
  seconds += second
  scanned[MICROS] = seconds * MICROS_PER_SECOND
  at += 3
  if (at === end || (bytes[at] !== 0x2e && bytes[at] !== 0x2c)) return at
  const fractionStart = ++at
  let fraction = 0
  for (; at < end; at++) {
    const digit = (bytes[at] as number) - 0x30
    if (digit < 0 || digit > 9) break
    if (at - fractionStart < 6) fraction = fraction * 10 + digit
    else if (digit !== 0) return -1
  }
  const digits = at - fractionStart
  if (digits === 0) return -1
  scanned[MICROS] = seconds * MICROS_PER_SECOND + fraction * (digits >= 6 ? 1 : (FRACTION_UNITS[digits] as number))
  return at
}

// `Z`, or `+HH`, `+HHMM`, `+HH:MM` to 18 hours, up to the end. Moves the micros to UTC.
function scanZone(bytes: Uint8Array, start: number, end: number): boolean {
  const first = bytes[start] as number
  if (first === 0x5a || first === 0x7a) return start + 1 === end
  if (first !== 0x2b && first !== 0x2d) return false
  const length = end - start
  if (length !== 3 && length !== 5 && length !== 6) return false
  const hours = twoDigits(bytes, start + 1)
  let minutes = 0
  if (length === 6 && bytes[start + 3] !== 0x3a) return false
  if (length > 3) minutes = twoDigits(bytes, end - 2)
  if (hours < 0 || minutes < 0 || minutes > 59 || hours * 60 + minutes > 18 * 60) return false
  const offset = (hours * 60 + minutes) * MICROS_PER_MINUTE
  scanned[MICROS] = (scanned[MICROS] as number) + (first === 0x2b ? -offset : offset)
  return true
}

function twoDigits(bytes: Uint8Array, at: number): number {
  const tens = (bytes[at] as number) - 0x30
  const ones = (bytes[at + 1] as number) - 0x30
  return tens >= 0 && tens <= 9 && ones >= 0 && ones <= 9 ? tens * 10 + ones : -1
}

function lastDay(year: number, month: number): number {
  if (month === 2 && year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0)) return 29
  return DAYS_IN_MONTH[month - 1] as number
}

// ---- formatting ----

const TWO_DIGITS: readonly string[] = Array.from({ length: 100 }, (_, n) => String(n).padStart(2, '0'))

function formatMicros(micros: bigint | number, separator: string): string {
  let days: number
  let ofDay: number
  const double = Number(micros)
  if (Number.isSafeInteger(double)) {
    days = Math.floor(double / MICROS_PER_DAY)
    ofDay = double - days * MICROS_PER_DAY
  } else {
    const exact = BigInt(micros)
    const perDay = BigInt(MICROS_PER_DAY)
    const remainder = ((exact % perDay) + perDay) % perDay
    days = Number((exact - remainder) / perDay)
    ofDay = Number(remainder)
  }
  const seconds = Math.floor(ofDay / MICROS_PER_SECOND)
  const fraction = ofDay - seconds * MICROS_PER_SECOND
  const minutes = (seconds / 60) | 0
  const time = `${TWO_DIGITS[(minutes / 60) | 0]}:${TWO_DIGITS[minutes % 60]}:${TWO_DIGITS[seconds % 60]}`
  return `${formatDateDays(days)}${separator}${time}.${fraction === 0 ? '000000' : String(fraction).padStart(6, '0')}`
}

function dayText(days: number): string {
  // The inverse of daysFromCivil: eras of 400 years, then years that start in March.
  const shifted = days + 719_468
  const era = Math.floor(shifted / 146_097)
  const dayOfEra = shifted - era * 146_097
  const yearOfEra = ((dayOfEra - ((dayOfEra / 1460) | 0) + ((dayOfEra / 36_524) | 0) - ((dayOfEra / 146_096) | 0)) / 365) | 0
  const dayOfYear = dayOfEra - (365 * yearOfEra + ((yearOfEra / 4) | 0) - ((yearOfEra / 100) | 0))
  const marchMonth = ((5 * dayOfYear + 2) / 153) | 0
  const day = dayOfYear - (((153 * marchMonth + 2) / 5) | 0) + 1
  const month = marchMonth < 10 ? marchMonth + 3 : marchMonth - 9
  const year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
  return `${yearText(year)}-${TWO_DIGITS[month]}-${TWO_DIGITS[day]}`
}

function yearText(year: number): string {
  if (year >= 0 && year <= 9999) return String(year).padStart(4, '0')
  return `${year < 0 ? '-' : '+'}${String(Math.abs(year)).padStart(6, '0')}`
}
