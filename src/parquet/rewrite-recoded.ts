// Rewriting without Arrow: the chunks of some row groups become one chunk a column, made by the recoding kernel. Rule: a row group
// of the new file is made of whole ones of the files; where the kernel leaves a column of it, all of it goes through the decoder.
import { throwIfAborted } from '../errors.js'
import type { StructType } from '../schema/index.js'
import { corrupt, guarded } from './faults.js'
import { fileSchema } from './file-schema.js'
import { type ChunkInfo, type Footer, parseFooter, type RowGroupInfo } from './footer.js'
import { ordinaryMemory } from './ipc.js'
import type { RecodedChunk, RecodePart } from './kernel/recode.js'
import { extremesBatch, isRecodable, type RecodeColumn, type RecodeSource, recodeColumns, sourcesOf } from './recode-columns.js'
import { writeRecodedGroup } from './recode-group.js'
import type { Recoder } from './recode-thread.js'
import { decodedGroup } from './rewrite-decoded.js'
import type { RewriteOptions, Rewritten } from './rewrite-options.js'
import { SharedMemory } from './shared-memory.js'
import { knownLayout, learnLayout } from './small-file.js'
import { readRanges } from './source.js'
import { type OpenedForSplice, sameBytes, schemaBytes } from './splice-open.js'
import { StatisticsCollector } from './statistics.js'
import { bodyRange, FooterStitcher } from './stitch.js'
import { type ByteSink, CREATED_BY } from './writer.js'

/** How files are to be recoded. */
export interface RecodePlan {
  /** The footer of an empty file of the new schema. */
  readonly layout: Footer
  readonly columns: readonly RecodeColumn[]
  /** By file, where it has the columns. */
  readonly sources: readonly (readonly RecodeSource[])[]
}

// What a row group of the new file has before compression, about: as much as keeps a process that rewrites 1,000 files below 300 MB.
const DEFAULT_ROW_GROUP_BYTES = 7 * 2 ** 20
const DEFAULT_ROW_GROUP_ROWS = 1024 * 1024
// A row group of a file that is larger than this is decoded piece by piece instead.
const MAX_UNIT_BYTES = 192 * 2 ** 20
const MAX_UNIT_ROWS = 4 * 2 ** 20
// What is read of the files for one row group, whatever their footers say of it.
const MAX_READ_BYTES = 512 * 2 ** 20
const READS_AT_ONCE = 16
// Row groups that are on their way: while one is written, the next is made and the one after it read.
const UNITS_AT_ONCE = 2
const MAGIC = Uint8Array.of(0x50, 0x41, 0x52, 0x31)

/** Whether and how files can be recoded; undefined where a column of the new file, or of one of the files, does not allow it. */
export async function planRecoding(inputs: readonly OpenedForSplice[], options: RewriteOptions): Promise<RecodePlan | undefined> {
  const schema = fileSchema(options.schema)
  const layout = knownLayout(schema) ?? (await learnLayout(schema))
  if (layout === 'nested') return undefined
  const columns = recodeColumns(layout.footer, options.codec)
  if (columns === undefined) return undefined
  const known = new Map<string, { readonly schema: readonly Uint8Array[]; readonly sources: readonly RecodeSource[] }>()
  const sources: (readonly RecodeSource[])[] = []
  for (const { name, footerBytes, schemaFingerprint, rowGroups } of inputs) {
    if (rowGroups.some(({ numRows, uncompressedBytes }) => numRows > MAX_UNIT_ROWS || uncompressedBytes > MAX_UNIT_BYTES)) return undefined
    const footer = guarded(name, () => parseFooter(footerBytes, name))
    const own = schemaBytes(footer)
    let found = known.get(schemaFingerprint)
    if (found === undefined || !own.every((bytes, i) => sameBytes(bytes, found?.schema[i] as Uint8Array))) {
      const places = sourcesOf(columns, footer, name)
      if (places === undefined) return undefined
      found = { schema: own, sources: places }
      known.set(schemaFingerprint, found)
    }
    sources.push(found.sources)
  }
  return { layout: layout.footer, columns, sources }
}

/** Writes the new file. */
export async function rewriteRecoded(
  inputs: readonly OpenedForSplice[],
  sink: ByteSink,
  plan: RecodePlan,
  options: RewriteOptions,
  recoder: Recoder,
): Promise<Rewritten> {
  const file = new RecodedFile(sink, plan, options)
  const memory = recoder.isShared ? new SharedMemory() : ordinaryMemory
  const making: Promise<Made>[] = []
  const next = async (): Promise<void> => {
    const made = await (making.shift() as Promise<Made>)
    throwIfAborted(options.signal, 'rewriting files')
    await file.add(made)
  }
  try {
    await file.begin()
    for (const unit of unitsOf(inputs, options)) {
      throwIfAborted(options.signal, 'rewriting files')
      if (making.length === UNITS_AT_ONCE) await next()
      const made = make(unit, inputs, plan, { options, recoder, memory, statistics: file.statistics })
      made.catch(() => undefined) // Seen in its turn.
      making.push(made)
    }
    while (making.length > 0) await next()
    return await file.finish(inputs.reduce((sum, { numRows }) => sum + numRows, 0))
  } finally {
    // Nothing of this call goes on behind the caller's back.
    await Promise.allSettled(making)
  }
}

/** Row groups of files that become one. */
interface Unit {
  readonly members: readonly { readonly file: number; readonly group: number }[]
  readonly numRows: number
}

function* unitsOf(inputs: readonly OpenedForSplice[], options: RewriteOptions): Generator<Unit, void, undefined> {
  const { rowGroupBytes = DEFAULT_ROW_GROUP_BYTES, rowGroupRows = DEFAULT_ROW_GROUP_ROWS } = options
  let members: { file: number; group: number }[] = []
  let rows = 0
  let bytes = 0
  for (const [file, { rowGroups }] of inputs.entries()) {
    for (const [group, { numRows, uncompressedBytes }] of rowGroups.entries()) {
      if (numRows === 0) continue
      if (members.length > 0 && (rows + numRows > rowGroupRows || bytes + uncompressedBytes > rowGroupBytes)) {
        yield { members, numRows: rows }
        members = []
        rows = bytes = 0
      }
      members.push({ file, group })
      rows += numRows
      bytes += uncompressedBytes
    }
  }
  if (members.length > 0) yield { members, numRows: rows }
}

interface Making {
  readonly options: RewriteOptions
  readonly recoder: Recoder
  readonly memory: SharedMemory | typeof ordinaryMemory
  readonly statistics: StatisticsCollector | undefined
}

/** A row group of the new file: its chunks, or a whole file that has it. */
interface Made {
  readonly numRows: number
  readonly chunks?: readonly RecodedChunk[]
  readonly file?: Uint8Array
}

async function make(unit: Unit, inputs: readonly OpenedForSplice[], plan: RecodePlan, making: Making): Promise<Made> {
  const { options, recoder, memory, statistics } = making
  const { numRows } = unit
  const members = unit.members.map(({ file, group }) => ({ input: inputs[file] as OpenedForSplice, file, group }))
  const located = locate(members, plan)
  if (located !== undefined) {
    const bytes = memory.take(Math.max(1, located.size))
    try {
      await readInto(bytes, located.reads, options)
      const chunks = await Promise.all(plan.columns.map(({ task }, i) => recoder.column(bytes, task, located.parts[i] as RecodePart[])))
      if (chunks.every((chunk) => chunk !== undefined)) return { numRows, chunks }
    } finally {
      memory.give(bytes)
    }
  }
  return { numRows, file: await decodedGroup(members, options, statistics) }
}

interface Member {
  readonly input: OpenedForSplice
  readonly file: number
  readonly group: number
}

interface Read {
  readonly input: OpenedForSplice
  readonly ranges: readonly { readonly start: number; readonly end: number; readonly to: number }[]
}

// Where everything is read from, and put: column by column, so that a column's parts lie together. Undefined where a chunk is of a
// form that the kernel leaves.
function locate(
  members: readonly Member[],
  { columns, sources }: RecodePlan,
): { readonly reads: readonly Read[]; readonly parts: readonly RecodePart[][]; readonly size: number } | undefined {
  const groups: { readonly member: Member; readonly info: RowGroupInfo; readonly leaves: readonly RecodeSource[] }[] = []
  let footer: Footer | undefined
  let of: OpenedForSplice | undefined
  for (const member of members) {
    const { input, file, group } = member
    if (of !== input) footer = guarded(input.name, () => parseFooter(input.footerBytes, input.name))
    of = input
    const info = (footer as Footer).rowGroups[group] as RowGroupInfo
    const leaves = sources[file] as readonly RecodeSource[]
    if (!isRecodable(leaves, info)) return undefined
    groups.push({ member, info, leaves })
  }
  const reads: (Read & { readonly ranges: { start: number; end: number; to: number }[] })[] = groups.map(({ member }) => ({
    input: member.input,
    ranges: [],
  }))
  let size = 0
  const parts = columns.map((_, column) =>
    groups.map(({ info, leaves }, i) => {
      const { leaf, flat } = leaves[column] as RecodeSource
      const { offset, compressedSize, codec } = info.columns[leaf] as ChunkInfo
      const at = size
      reads[i]?.ranges.push({ start: offset, end: offset + compressedSize, to: at })
      size += compressedSize
      return { at, size: compressedSize, codec, typeLength: flat.typeLength, maxLevel: flat.maxLevel, numRows: info.numRows }
    }),
  )
  return size > MAX_READ_BYTES ? undefined : { reads, parts, size }
}

async function readInto(bytes: Uint8Array, reads: readonly Read[], { signal }: RewriteOptions): Promise<void> {
  let next = 0
  let failed = false
  const work = async (): Promise<void> => {
    while (next < reads.length && !failed) {
      const { input, ranges } = reads[next++] as Read
      const views = await readRanges(input.source, input.name, ranges, signal)
      throwIfAborted(signal, `reading ${input.name}`)
      for (const [i, view] of views.entries()) bytes.set(view, ranges[i]?.to)
    }
  }
  const workers = Array.from({ length: Math.min(READS_AT_ONCE, reads.length) }, () =>
    work().catch((error: unknown) => {
      failed = true
      throw error
    }),
  )
  // All of them, so that none writes into memory that has been given back.
  for (const ended of await Promise.allSettled(workers)) if (ended.status === 'rejected') throw ended.reason
}

// The new file as it grows.
class RecodedFile {
  /** What the log will say, if that is wanted. */
  readonly statistics: StatisticsCollector | undefined
  readonly #sink: ByteSink
  readonly #plan: RecodePlan
  // What the footer says.
  readonly #bounds: StatisticsCollector
  readonly #stitcher: FooterStitcher
  #written = 0

  constructor(
    sink: ByteSink,
    plan: RecodePlan,
    { schema, statistics }: { readonly schema: StructType } & Pick<RewriteOptions, 'statistics'>,
  ) {
    this.#sink = sink
    this.#plan = plan
    this.statistics = statistics && new StatisticsCollector(schema, statistics)
    this.#bounds = new StatisticsCollector(schema, { numIndexedCols: -1 })
    this.#stitcher = new FooterStitcher(plan.layout, { createdBy: CREATED_BY })
  }

  begin(): Promise<void> {
    return this.#write(MAGIC)
  }

  async add({ numRows, chunks, file }: Made): Promise<void> {
    if (file !== undefined) return this.#addFile(file)
    const { columns } = this.#plan
    const made = chunks as readonly RecodedChunk[]
    const extremes = extremesBatch(columns, made)
    const nulls = new Map(columns.map(({ node }, i) => [node.name, (made[i] as RecodedChunk).nullCount]))
    this.statistics?.addExtremes(extremes, numRows, nulls)
    this.#bounds.addExtremes(extremes, numRows, nulls)
    const bounds = this.#bounds.endRowGroup()
    const at = this.#written
    this.#stitcher.addGroup((ordinal) => writeRecodedGroup({ columns, chunks: made, bounds, numRows, at, ordinal }), numRows)
    for (const { bytes } of made) await this.#write(bytes)
  }

  // Row groups that were made elsewhere.
  async #addFile(file: Uint8Array): Promise<void> {
    const length = new DataView(file.buffer, file.byteOffset, file.length).getUint32(file.length - 8, true)
    const footer = parseFooter(file.slice(file.length - 8 - length, file.length - 8), 'a row group')
    const body = bodyRange(footer)
    this.#stitcher.add(footer, this.#written - body.start)
    await this.#write(file.subarray(body.start, body.end))
  }

  async finish(numRows: number): Promise<Rewritten> {
    const found = this.#stitcher.numRows
    if (found !== numRows) throw corrupt('the files', `${numRows} rows announced, ${found} found`)
    await this.#write(this.#stitcher.finish())
    return { sizeBytes: this.#written, numRows, ...(this.statistics === undefined ? {} : { stats: this.statistics.finish() }) }
  }

  async #write(bytes: Uint8Array): Promise<void> {
    await this.#sink.write(bytes)
    this.#written += bytes.length
  }
}
