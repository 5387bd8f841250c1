// May files be spliced, and are they worth it? Rule: the answer is yes only where nothing is in doubt; who hears no re-encodes,
// which is always right.
import type { WriteCodec } from './encode.js'
import { CODEC_NAMES, type Footer, parseFooter } from './footer.js'
import type { SchemaNode } from './schema-tree.js'
import { type FooterFields, keyValues, type OpenedForSplice, sameBytes, schemaBytes } from './splice-open.js'
import { ThriftReader } from './thrift.js'
import { int32At } from './thrift-values.js'

/** What the files are held against, besides each other. */
export interface SpliceRules {
  /** The codec that the spliced file is to have; default: whatever the files have. */
  readonly codec?: WriteCodec
}

/** What makes a row group too small to be carried along. */
export interface SmallRowGroups {
  /** Bytes before compression that a row group has on average; default 512 KiB. */
  readonly minRowGroupBytes?: number
  /** A row group of so many rows is large enough whatever its bytes; default 100,000. */
  readonly minRowGroupRows?: number
}

/** A footer numbers its row groups with 16 bits. */
const MAX_ROW_GROUPS = 0x7fff
const MAX_FILE_BYTES = 2 ** 50
const DEFAULT_MIN_BYTES = 512 * 1024
const DEFAULT_MIN_ROWS = 100_000

// Writers whose statistics every reader may trust, from a version on. Where the files of one splice were written by different
// ones, the spliced file names another, and readers decide by that name what to believe.
const TRUSTED: readonly (readonly [pattern: RegExp, major: number, minor: number])[] = [
  [/^alluvium version (\d+)\.(\d+)/, 0, 0],
  [/^parquet-mr version (\d+)\.(\d+)/, 1, 11],
  [/^parquet-cpp-arrow version (\d+)\.(\d+)/, 10, 0],
  [/^parquet-rs version (\d+)\.(\d+)/, 20, 0],
  [/^DuckDB version v?(\d+)\.(\d+)/, 1, 0],
  [/^delta-rs version (?:py-|rust-)?(\d+)\.(\d+)/, 0, 15],
]
// Sizes of chunks in footers of older ones lack the header of the dictionary page.
const WRONG_SIZES = /^parquet-mr version (\d+)\.(\d+)\.(\d+)/
// Remarks of a writer on one file, which nothing that reads Parquet depends on.
const REMARKS: ReadonlySet<string> = new Set(['pandas'])

/**
 * Why these files cannot be concatenated without decoding, as a sentence that names the file; undefined where they can. Looks at
 * the footers only.
 */
export function spliceObstacle(inputs: readonly OpenedForSplice[], options: SpliceRules = {}): string | undefined {
  const [first] = inputs
  if (first === undefined) return 'there are no files'
  for (const { name, obstacle, createdBy } of inputs) {
    if (obstacle !== undefined) return `${name}: ${obstacle}`
    if (hasWrongSizes(createdBy)) return `${name}: its writer (${createdBy}) counted the sizes of column chunks wrongly`
  }
  if (inputs.reduce((sum, { rowGroups }) => sum + rowGroups.length, 0) > MAX_ROW_GROUPS)
    return `they have more than ${MAX_ROW_GROUPS} row groups`
  if (inputs.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0) > MAX_FILE_BYTES) return 'they are too large together'
  const compare = differenceFrom(first)
  for (const other of inputs.slice(1)) {
    const difference = compare(other)
    if (difference !== undefined) return `${first.name} and ${other.name} ${difference}`
  }
  return codecObstacle(inputs, options) ?? writerObstacle(inputs)
}

/** Whether the row groups are so small that a file of them would be bad to read: then they are to be encoded anew. */
export function rowGroupsTooSmall(opened: OpenedForSplice | readonly OpenedForSplice[], options: SmallRowGroups = {}): boolean {
  const { minRowGroupBytes = DEFAULT_MIN_BYTES, minRowGroupRows = DEFAULT_MIN_ROWS } = options
  const files = 'rowGroups' in opened ? [opened] : opened
  let groups = 0
  let rows = 0
  let bytes = 0
  for (const { rowGroups } of files) {
    for (const { numRows, uncompressedBytes } of rowGroups) {
      if (numRows === 0) continue
      groups++
      rows += numRows
      bytes += uncompressedBytes
    }
  }
  return groups > 0 && bytes < minRowGroupBytes * groups && rows < minRowGroupRows * groups
}

/** What a spliced file says of its writer: the files' own word where they agree. Undefined for none; for files without an obstacle. */
export function writerOf(inputs: readonly OpenedForSplice[], createdBy: string): string | undefined {
  const first = inputs[0]?.createdBy
  return inputs.every((input) => input.createdBy === first) ? first : createdBy
}

/** The key-value metadata that files have in common. */
export function commonKeyValues(inputs: readonly OpenedForSplice[]): Map<string, string | undefined> {
  const [first, ...others] = inputs.map((input) => keyValues(fieldsOf(input)) ?? new Map<string, string>())
  const common = new Map<string, string | undefined>()
  for (const [key, value] of first ?? []) if (others.every((other) => other.has(key) && other.get(key) === value)) common.set(key, value)
  return common
}

// Everything besides the row groups that two footers must agree in.
function differenceFrom(first: OpenedForSplice): (other: OpenedForSplice) => string | undefined {
  const [schema, orders] = schemaBytes(fieldsOf(first)) as [Uint8Array, Uint8Array]
  const version = versionOf(fieldsOf(first))
  const values = keyValues(fieldsOf(first))
  return (other) => {
    const theirs = fieldsOf(other)
    const [theirSchema, theirOrders] = schemaBytes(theirs) as [Uint8Array, Uint8Array]
    if (!sameBytes(schema, theirSchema)) return `have different schemas: ${schemaDifference(first, other)}`
    if (!sameBytes(orders, theirOrders)) return 'order the values of their columns differently'
    if (version !== versionOf(theirs)) return `have different format versions, ${version} and ${versionOf(theirs)}`
    return keyValueDifference(values, keyValues(theirs))
  }
}

function fieldsOf({ footerBytes }: OpenedForSplice): FooterFields {
  return { bytes: footerBytes, fields: new ThriftReader(footerBytes).fields() }
}

function versionOf({ bytes, fields }: FooterFields): number {
  return (
    int32At(
      bytes,
      fields.find(({ id }) => id === 1),
    ) ?? 1
  )
}

function keyValueDifference(
  mine: ReadonlyMap<string, string | undefined> | undefined,
  theirs: ReadonlyMap<string, string | undefined> | undefined,
): string | undefined {
  if (mine === undefined || theirs === undefined) return 'have key-value metadata that is not understood'
  for (const key of new Set([...mine.keys(), ...theirs.keys()])) {
    if (REMARKS.has(key)) continue
    if (!mine.has(key) || !theirs.has(key) || mine.get(key) !== theirs.get(key)) return `differ in the key-value metadata ${key}`
  }
  return undefined
}

function codecObstacle(inputs: readonly OpenedForSplice[], { codec: wanted }: SpliceRules): string | undefined {
  const known = inputs.find(({ codecs }) => codecs.length > 0)
  if (known === undefined) return undefined
  for (const { name, codecs } of inputs) {
    if (codecs.length === 0) continue
    if (codecs.some((codec, i) => codec !== known.codecs[i])) return `${known.name} and ${name} are compressed with different codecs`
  }
  const other = known.codecs.find((codec) => wanted !== undefined && CODEC_NAMES[codec] !== wanted)
  return other === undefined ? undefined : `${known.name} is compressed with ${CODEC_NAMES[other]}, not ${wanted}`
}

function writerObstacle(inputs: readonly OpenedForSplice[]): string | undefined {
  const [first, ...others] = inputs as [OpenedForSplice, ...OpenedForSplice[]]
  if (others.every(({ createdBy }) => createdBy === first.createdBy)) return undefined
  const doubtful = inputs.find(({ createdBy }) => !isTrusted(createdBy))
  if (doubtful === undefined) return undefined
  return `they have different writers, and how far the statistics of ${doubtful.name} (${doubtful.createdBy ?? 'without a writer'}) can be trusted depends on it`
}

function isTrusted(createdBy: string | undefined): boolean {
  return TRUSTED.some(([pattern, major, minor]) => {
    const found = pattern.exec(createdBy ?? '')
    if (found === null) return false
    const [, haveMajor, haveMinor] = found.map(Number) as [number, number, number]
    return haveMajor > major || (haveMajor === major && haveMinor >= minor)
  })
}

function hasWrongSizes(createdBy: string | undefined): boolean {
  const found = WRONG_SIZES.exec(createdBy ?? '')
  if (found === null) return false
  const [, major, minor, patch] = found.map(Number) as [number, number, number, number]
  return major < 1 || (major === 1 && (minor < 2 || (minor === 2 && patch < 9)))
}

// The first element that differs, in words; a difference that is none of these is in a detail such as a logical type.
function schemaDifference(first: OpenedForSplice, other: OpenedForSplice): string {
  const [mine, theirs] = [first, other].map(({ footerBytes, name }) => parseFooter(footerBytes, name)) as [Footer, Footer]
  const compare = (a: SchemaNode, b: SchemaNode, path: readonly string[]): string | undefined => {
    const at = path.length === 0 ? 'the root' : `column ${path.join('.')}`
    if (a.name !== b.name) return `${a.name} stands where the other has ${b.name}`
    if (a.repetition !== b.repetition) return `${at} may be null or repeated in one of them only`
    if (a.physicalType !== b.physicalType || a.typeLength !== b.typeLength) return `${at} has different physical types`
    if (a.fieldId !== b.fieldId) return `${at} has different field ids`
    if (a.children.length !== b.children.length) return `${at} has ${a.children.length} and ${b.children.length} children`
    for (const [i, child] of a.children.entries()) {
      const other = b.children[i] as SchemaNode
      const found = compare(child, other, [...path, child.name])
      if (found !== undefined) return found
    }
    const same = sameBytes(mine.bytes.subarray(a.start, a.end), theirs.bytes.subarray(b.start, b.end))
    return same ? undefined : `${at} has different logical types or annotations`
  }
  return compare(mine.root, theirs.root, []) ?? 'in how they are written'
}
