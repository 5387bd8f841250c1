// The loop of ingest: chunks into decoded batches, batches into the stream, faults into dead letters or an error.
// One rule: a record's position is its number in the input, so that running again goes on where the table stands.
import { AlluviumError, isAlluviumError } from '../../errors.js'
import { createDecoder, type DecodedBatch, type DecoderOptions, type InputFault, openInput } from '../../formats/index.js'
import type { Runtime } from '../../runtime.js'
import type { StructType } from '../../schema/index.js'
import type { StreamWriter } from '../../stream/index.js'
import type { DeadLetters } from './dead-letters.js'
import type { IngestSource } from './source.js'

/** What became of the input so far. */
export interface IngestCounts {
  rowsRead: number
  rowsDuplicate: number
  rowsDeadLetter: number
  bytesRead: number
}

export interface IngestJob {
  readonly schema: StructType
  readonly writer: StreamWriter<never>
  readonly runtime: Runtime
  readonly decoderOptions: DecoderOptions
  /** Rows that wait in the decoder are handed on after this long without a full batch. */
  readonly idleMs: number
  readonly deadLetters: DeadLetters | undefined
  readonly signal: AbortSignal
  readonly counts: IngestCounts
  onProgress(): void
}

/**
 * Ingests one input to its end, or to the signal.
 * @throws AlluviumError `INVALID_ROW` with every fault of the batch when there are no dead letters.
 */
export async function ingestSource(job: IngestJob, source: IngestSource): Promise<void> {
  const next = Number((job.writer.positionOf(source.identity, 0) ?? -1n) + 1n)
  if (next > 0) job.counts.rowsDuplicate += next
  if (source.format === 'parquet' || source.format === 'arrow') {
    const input = await openInput(source.format, await source.bytes(), { name: source.name })
    for await (const batch of input.read(job.schema, { ...job.decoderOptions, skipTo: next, signal: job.signal })) {
      if (job.signal.aborted) return
      await take(job, source, batch)
    }
    return
  }
  await ingestText(job, source, next)
}

async function ingestText(job: IngestJob, source: IngestSource, skipTo: number): Promise<void> {
  const decoder = createDecoder(source.format, job.schema, job.decoderOptions)
  if (skipTo > 0) decoder.skipTo(skipTo)
  const chunks = source.chunks()[Symbol.asyncIterator]()
  for (;;) {
    const chunk = await nextOrIdle(job, chunks, async () => {
      for (const batch of decoder.flush()) await take(job, source, batch)
    })
    if (chunk === undefined || job.signal.aborted) break
    job.counts.bytesRead += chunk.length
    for (const batch of decoder.push(chunk)) await take(job, source, batch)
    job.onProgress()
  }
  // After an interruption the record under way is only half there: it is left for the next run.
  for (const batch of job.signal.aborted ? decoder.flush() : decoder.end()) await take(job, source, batch)
}

// The next chunk; when none comes for a while, what the decoder holds is handed on first.
async function nextOrIdle(job: IngestJob, chunks: AsyncIterator<Uint8Array>, onIdle: () => Promise<void>): Promise<Uint8Array | undefined> {
  const next = chunks.next()
  next.catch(() => undefined)
  for (;;) {
    let wake: () => void = () => {}
    const idle = new Promise<'idle'>((resolve) => {
      wake = () => resolve('idle')
    })
    const timer = job.runtime.setTimer(job.idleMs, wake)
    job.signal.addEventListener('abort', wake, { once: true })
    const first = await Promise.race([next, idle])
    timer.cancel()
    job.signal.removeEventListener('abort', wake)
    if (first !== 'idle') return first.done === true ? undefined : first.value
    if (job.signal.aborted) return undefined
    await onIdle()
  }
}

async function take(job: IngestJob, source: IngestSource, decoded: DecodedBatch): Promise<void> {
  const { batch, firstRecord, records, blanks, rows, faults } = decoded
  job.counts.rowsRead += records - blanks
  if (faults.length > 0) {
    if (job.deadLetters === undefined) throw badRecords(source, faults)
    job.counts.rowsDeadLetter += await job.deadLetters.add(source.identity, faults)
  }
  if (records === 0) return
  const position = { source: source.identity, partition: 0, firstOffset: firstRecord, lastOffset: firstRecord + records - 1 }
  const offsets = rows === undefined ? undefined : Array.from(rows, (row) => firstRecord + row)
  await job.writer.write(batch, offsets === undefined ? position : { ...position, offsets })
}

const FAULTS_SHOWN = 20
const FAULTS_LISTED = 1000

function badRecords(source: IngestSource, faults: readonly InputFault[]): AlluviumError {
  const file = source.name === '-' ? 'stdin' : source.name
  const lines = faults.slice(0, FAULTS_SHOWN).map(({ line, record, column, value, problem }) => {
    const place = line > 0 ? `${file}:${line}` : `${file}, record ${record}`
    return `  ${place}${column === '' ? '' : `, column ${column}`}: ${problem}${value === '' ? '' : `: ${value}`}`
  })
  if (faults.length > FAULTS_SHOWN) lines.push(`  … and ${faults.length - FAULTS_SHOWN} more`)
  const records = new Set(faults.map((fault) => fault.record)).size
  return new AlluviumError(
    'INVALID_ROW',
    `${records} record${records === 1 ? '' : 's'} of ${file} do not fit the table; mend the input and run again with the same --app-id, or keep them with --dead-letter TABLE\n${lines.join('\n')}`,
    {
      faults: faults
        .slice(0, FAULTS_LISTED)
        .map(({ line, record, column, value, problem }) => ({ file, line, record, column, value, problem })),
      faultCount: faults.length,
    },
  )
}

/** Adds to an error what had been committed before it. */
export function withProgress(error: unknown, progress: Record<string, unknown>): unknown {
  if (!isAlluviumError(error)) return error
  return new AlluviumError(error.code, error.message, { ...error.facts, ...progress }, { cause: error.cause ?? error })
}
