// Walks over values of a sample: JSON by the scanner, CSV by the text of fields. One rule: a value counts as what the
// decoder would read it as, so that what was inferred from a record also reads it.
import { parseDateDaysBytes, parseTimestampMicrosBytesExact, parseTimestampNtzMicrosBytesExact } from '../schema/index.js'
import type { JsonScanner } from './json-scanner.js'
import type { NumberScan } from './number-scan.js'
import { Observed } from './observed.js'

/** Takes in the JSON value at `scan.pos`, which was checked to be valid; `line` is its record's. */
export function observeJson(observed: Observed, scan: JsonScanner, line: number): void {
  const c = scan.next()
  switch (c) {
    case 0x22:
      scan.string('')
      observed.see('string', line)
      observeText(observed, scan.textBytes, scan.textStart, scan.textEnd)
      break
    case 0x7b:
      observed.see('object', line)
      observeObject(observed, scan, line)
      break
    case 0x5b:
      observed.see('array', line)
      observeArray(observed, scan, line)
      break
    case 0x6e:
      scan.word('')
      break
    case 0x74:
    case 0x66:
      scan.word('')
      observed.see('boolean', line)
      break
    default:
      scan.readNumber('')
      observed.see('number', line)
      observeNumber(observed, scan.number, scan.bytes)
  }
}

/** Takes in the field `bytes[start, end)` of a CSV record, without its quotes and not null. */
export function observeField(observed: Observed, number: NumberScan, bytes: Uint8Array, start: number, end: number, line: number): void {
  let from = start
  let to = end
  while (from < to && bytes[from] === 0x20) from++
  while (to > from && bytes[to - 1] === 0x20) to--
  // Leading zeros and a plus sign would be lost in a number, so the strict form decides.
  if (number.scan(bytes, from, to, false) === to && to > from) {
    observed.see('number', line)
    observeNumber(observed, number, bytes)
  } else if (isBoolean(bytes, from, to)) observed.see('boolean', line)
  else {
    observed.see('string', line)
    observeText(observed, bytes, from, to)
  }
}

function observeObject(observed: Observed, scan: JsonScanner, line: number): void {
  scan.pos++
  if (scan.next() === 0x7d) {
    scan.pos++
    return
  }
  do {
    scan.next()
    scan.string('')
    const member = observed.member(scan.text())
    scan.expect(0x3a, '', '')
    observeJson(member, scan, line)
  } while (scan.more(0x7d, ''))
}

function observeArray(observed: Observed, scan: JsonScanner, line: number): void {
  observed.element ??= new Observed()
  scan.pos++
  if (scan.next() === 0x5d) {
    scan.pos++
    return
  }
  do observeJson(observed.element, scan, line)
  while (scan.more(0x5d, ''))
}

function observeNumber(observed: Observed, number: NumberScan, bytes: Uint8Array): void {
  if (!number.plain) {
    observed.fractions = true
    return
  }
  if (number.digits > 15 && !exactAsDouble(number, bytes)) observed.beyondDouble = true
  if (!number.toInt64(bytes)) observed.bigDigits = Math.max(observed.bigDigits, number.digits)
}

function exactAsDouble(number: NumberScan, bytes: Uint8Array): boolean {
  // A longer one may be exact too (a power of ten times a power of two), which is not worth making it a bigint.
  return number.digits <= 22 && BigInt(number.toDouble(bytes)) === BigInt(number.text(bytes))
}

function observeText(observed: Observed, bytes: Uint8Array, start: number, end: number): void {
  observed.strings++
  // Neither form is shorter or begins otherwise: most texts need no more than this.
  const c = bytes[start] as number
  if (end - start < 10 || c > 0x39 || (c < 0x30 && c !== 0x2b && c !== 0x2d)) return
  if (!Number.isNaN(parseDateDaysBytes(bytes, start, end))) observed.dates++
  else if (parseTimestampMicrosBytesExact(bytes, start, end) !== undefined) observed.timestamps++
  else if (parseTimestampNtzMicrosBytesExact(bytes, start, end) !== undefined) observed.localTimestamps++
}

function isBoolean(bytes: Uint8Array, start: number, end: number): boolean {
  if (end - start !== 4 && end - start !== 5) return false
  const text = String.fromCharCode(...bytes.subarray(start, end))
  return ['true', 'True', 'TRUE', 'false', 'False', 'FALSE'].includes(text)
}
