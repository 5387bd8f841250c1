// A schema from the first records of an input. One rule: it is a guess made once and shown to people; records that do
// not fit it later are faults, and it never changes by itself.
import { AlluviumError } from '../errors.js'
import type { StructType } from '../schema/types.js'
import { delimiterByte, headerNames } from './csv.js'
import { CsvFields, CsvSplitter } from './csv-fields.js'
import { withoutLineEnd } from './decoder.js'
import { FaultList, RECORD_BROKEN } from './faults.js'
import type { InputFormat } from './format.js'
import { observeField, observeJson } from './infer-values.js'
import { alignedBytes, JsonScanner } from './json-scanner.js'
import { JsonSplitter } from './json-splitter.js'
import { NumberScan } from './number-scan.js'
import { Observed, TypeChooser } from './observed.js'
import { invalidUtf8At } from './string-bytes.js'

const DEFAULT_RECORDS = 1000

export interface InferOptions {
  /** Records looked at, at most. Default 1000. */
  readonly maxRecords?: number
  /** The sample is the whole input, so a record without its end at the end of the sample counts. Default false. */
  readonly complete?: boolean
  /** Columns that mix kinds of values become strings; decode with the same option then. Default false: they are an error. CSV is text anyway. */
  readonly jsonAsText?: boolean
  /** CSV: the delimiter, default a comma. */
  readonly delimiter?: string
}

export interface InferredSchema {
  readonly schema: StructType
  /** What people should know: guesses from nothing but nulls, mixtures, records left out. */
  readonly notes: readonly string[]
  /** Records that the schema was made from. */
  readonly records: number
}

/**
 * The schema of an NDJSON, JSON or CSV input, from its first bytes.
 *
 * All columns are nullable, in the order in which they first appear. Whole numbers are `long`, beyond 64 bits
 * `decimal(38,0)`; numbers with a point or exponent make the column `double`; texts that all are ISO 8601 timestamps
 * with a zone, or all dates, make it `timestamp` or `date`, others `string` (so are timestamps without a zone); objects
 * are structs, arrays arrays; nothing but nulls is `string`. In CSV a number with a leading zero or plus sign is text,
 * and mixtures are `string`; in JSON a mixture of kinds is an error, because no type would keep the values apart.
 * @throws AlluviumError `SCHEMA_MISMATCH` naming every column without a type; `INVALID_OPTIONS` where there are no
 * records, or for Parquet and Arrow, which have a schema (`openInput`).
 *
 * @example inferSchema('ndjson', encodeUtf8('{"id":1,"at":"2024-05-01T12:00:00Z"}\n')).schema // id long, at timestamp
 */
export function inferSchema(format: InputFormat, sample: Uint8Array, options: InferOptions = {}): InferredSchema {
  const { bytes, start } = alignedBytes(sample)
  const from = start + (bytes[start] === 0xef && bytes[start + 1] === 0xbb && bytes[start + 2] === 0xbf ? 3 : 0)
  const root = new Observed()
  let counts: Counts
  if (format === 'csv') counts = observeCsv(root, bytes, from, options)
  else if (format === 'ndjson' || format === 'json') counts = observeRecords(root, bytes, from, format, options)
  else throw new AlluviumError('INVALID_OPTIONS', `${format} input has a schema of its own: open it with openInput`, { format })
  if (root.members.size === 0) {
    throw new AlluviumError('INVALID_OPTIONS', 'the input has no records to infer a schema from: give the columns', {
      format,
      left: counts.left,
    })
  }
  const chooser = new TypeChooser(options.jsonAsText === true || format === 'csv')
  const schema = chooser.struct(root, '')
  const faults = [...counts.faults, ...chooser.faults]
  if (faults.length > 0) {
    throw new AlluviumError('SCHEMA_MISMATCH', `no schema can be inferred: ${faults.join('; ')}. Give the columns with their types.`, {
      faults,
    })
  }
  const { records, left } = counts
  const leftOut = left === 0 ? [] : [`${left} of the first ${records + left} records cannot be read and were left out`]
  return { schema, notes: [...chooser.notes, ...leftOut], records }
}

interface Counts {
  readonly records: number
  /** Records that cannot be read. */
  readonly left: number
  readonly faults: readonly string[]
}

function observeRecords(root: Observed, bytes: Uint8Array, from: number, format: 'ndjson' | 'json', options: InferOptions): Counts {
  const faults = new FaultList()
  const scan = new JsonScanner(faults, format === 'json')
  let records = 0
  let left = 0
  for (const { start, end, line } of jsonRecords(bytes, from, format, options.complete === true)) {
    if (records + left >= (options.maxRecords ?? DEFAULT_RECORDS)) break
    scan.attach(bytes, start, end)
    if (scan.next() === -1) continue
    const at = scan.pos
    if (!isObject(scan)) {
      faults.take()
      left++
      continue
    }
    scan.pos = at
    observeJson(root, scan, line)
    records++
  }
  return { records, left, faults: [] }
}

// Whether the record is one valid JSON object and nothing else.
function isObject(scan: JsonScanner): boolean {
  try {
    if (scan.next() !== 0x7b) return false
    scan.skip('')
    return scan.next() === -1 && scan.faults.empty
  } catch (error) {
    if (error !== RECORD_BROKEN) throw error
    return false
  }
}

interface RecordRange {
  readonly start: number
  readonly end: number
  readonly line: number
}

function* jsonRecords(bytes: Uint8Array, from: number, format: 'ndjson' | 'json', complete: boolean): Iterable<RecordRange> {
  const end = bytes.length
  let line = 1
  // Faults between values are the decoder's to report.
  const splitter = new JsonSplitter(() => {})
  for (let pos = from; pos < end; line++) {
    let next = format === 'json' ? splitter.valueEnd(bytes, pos, end) : bytes.indexOf(0x0a, pos) + 1 || -1
    if (next < 0 && (!complete || (format === 'json' && !splitter.inValue))) return
    if (next < 0) next = end
    if (format === 'ndjson') yield { start: pos, end: withoutLineEnd(bytes, pos, next), line }
    else yield { start: pos + splitter.leading, end: next, line: splitter.valueLine }
    splitter.leading = 0
    pos = next
  }
}

function observeCsv(root: Observed, bytes: Uint8Array, from: number, options: InferOptions): Counts {
  const delimiter = delimiterByte(options.delimiter)
  const splitter = new CsvSplitter(delimiter)
  const fields = new CsvFields(delimiter)
  const number = new NumberScan()
  let columns: Observed[] | undefined
  let records = 0
  let left = 0
  for (let pos = from; pos < bytes.length && records + left < (options.maxRecords ?? DEFAULT_RECORDS); ) {
    const line = splitter.lines
    let next = splitter.recordEnd(bytes, pos, bytes.length)
    // A header alone may do without a line end: there is nothing after it to wait for.
    if (next < 0 && options.complete !== true) break
    if (next < 0) next = bytes.length
    const stop = withoutLineEnd(bytes, pos, next)
    const start = pos
    pos = next
    const problem = fields.split(bytes, start, stop)
    if (columns === undefined) {
      if (problem !== undefined) throw new AlluviumError('SCHEMA_MISMATCH', `the CSV header cannot be read: ${problem}`)
      columns = headerColumns(root, fields)
      continue
    }
    if (start === stop && columns.length > 1) continue
    if (problem !== undefined || fields.count !== columns.length || invalidUtf8At(bytes, start, stop) >= 0) {
      left++
      continue
    }
    records++
    columns.forEach((column, i) => {
      if (fields.select(i)) observeField(column, number, fields.bytes, fields.start, fields.end, line)
    })
  }
  return { records, left, faults: [] }
}

// A column for each name in the header, in order.
function headerColumns(root: Observed, fields: CsvFields): Observed[] {
  const names = headerNames(fields)
  const faults = names.flatMap((name, i) => {
    if (name === '') return [`column ${i + 1} has no name`]
    return names.indexOf(name) < i ? [`column ${name} stands twice`] : []
  })
  if (faults.length > 0) throw new AlluviumError('SCHEMA_MISMATCH', `the CSV header makes no schema: ${faults.join('; ')}`, { faults })
  return names.map((name) => root.member(name))
}
