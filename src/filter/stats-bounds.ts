// The bounds that one file's statistics text gives. Rule: only the columns asked for are read; whatever is malformed,
// missing or of the wrong type is unknown, and unknown keeps the file.
import { encodeUtf8 } from '../bytes.js'
import type { PhysicalValue } from '../schema/index.js'
import { pathKey } from './bound.js'
import type { Bounds, ColumnBounds } from './bounds.js'
import { type Domain, domainOf, type Key } from './domain.js'
import { MAX, MIN, type StatsColumn, StatsScanner } from './stats-scan.js'
import { readBound } from './stats-values.js'

/** The bounds of one file; `numRecords` counts its physical rows, where that is known. */
export interface StatsBounds extends Bounds {
  readonly numRecords?: number
}

/**
 * Reads the bounds of the given columns out of a file's statistics (PROTOCOL.md, "Per-file Statistics"). Strings come as
 * UTF-8 bytes, timestamps with the millisecond added to their maximum, long decimals with the slack that rounding writers
 * need. A `nanCount` of 0 beside the other counts makes the maximum of a float or double column count for `>` too.
 */
export function parseStatsBounds(statsJson: string | undefined, columns: readonly StatsColumn[]): StatsBounds {
  const found = new Map<string, ColumnBounds>()
  const get = (path: readonly string[]): ColumnBounds | undefined => found.get(pathKey(path))
  if (statsJson === undefined) return { get }
  const bytes = encodeUtf8(statsJson)
  const scanner = scannerOf(columns)
  if (!scanner.scan(bytes, 0, bytes.length)) return { get }
  const numRecords = known(scanner.numRecords())
  columns.forEach(({ path, type }, i) => {
    const domain = domainOf(type)
    const read = (section: number): PhysicalValue | undefined => {
      const start = scanner.start(i, section)
      return start < 0
        ? undefined
        : asPhysical(domain, readBound(type, bytes, start, scanner.end(i, section), section === MIN ? 'min' : 'max'))
    }
    found.set(pathKey(path), {
      min: read(MIN),
      max: read(MAX),
      nullCount: known(scanner.nullCount(i)),
      numRecords,
      maxCoversNaN: scanner.nanCount(i) === 0,
    })
  })
  return numRecords === undefined ? { get } : { get, numRecords }
}

// Planning asks for the same columns file after file.
const scanners = new WeakMap<readonly StatsColumn[], StatsScanner>()

function scannerOf(columns: readonly StatsColumn[]): StatsScanner {
  let scanner = scanners.get(columns)
  if (scanner === undefined) {
    scanner = new StatsScanner(columns)
    scanners.set(columns, scanner)
  }
  return scanner
}

function known(count: number): number | undefined {
  return count < 0 ? undefined : count
}

// As physical values: the readers give small longs and decimals as numbers.
function asPhysical(domain: Domain | undefined, value: Key | undefined): PhysicalValue | undefined {
  if (value === undefined || typeof value !== 'number') return value
  return domain === 'boolean' ? value === 1 : domain === 'long' || domain === 'decimal' ? BigInt(value) : value
}
