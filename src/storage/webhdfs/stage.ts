// The first half of putting an object in place: a hidden temporary beside its final name, checked to be whole.
// One rule: a temporary is given out only after the namenode says it has all its bytes, unless it is worth no wait. A CREATE that
// breaks off leaves a short file that looks complete, and an answer of 201 can get lost.
import { encodeUtf8 } from '../../bytes.js'
import type { Runtime } from '../../runtime.js'
import { joinPath, leafName, parentFolder } from '../path.js'
import { nonsense, WebHdfsFault } from './fault.js'
import type { HdfsFiles, HdfsStatus, Trying } from './files.js'
import { Patience } from './patience.js'

/** A whole object under a hidden name. */
export interface HdfsStaged {
  readonly temporary: string
  readonly sizeBytes: number
  /** Undefined where the server gives files no numbers. */
  readonly fileId: number | undefined
  /** What it holds, where that is in memory anyway. */
  readonly bytes?: Uint8Array
}

/** What staging and placing share. */
export interface Work {
  readonly files: HdfsFiles
  readonly runtime: Runtime
  readonly retryMs: number
  readonly stallTimeoutMs: number
}

const MAX_NAME_BYTES = 255
/** '.', '.', a UUID and '.tmp'. */
const TEMPORARY_EXTRA_BYTES = 42
const CLEANUP_MS = 5000

/** Stages an object; leaves nothing behind on failure where that can be. `unchecked`: what the datanode says of it will do. */
export async function stageObject(
  work: Work,
  path: string,
  bytes: Uint8Array,
  trying: Trying,
  { unchecked = false }: { readonly unchecked?: boolean } = {},
): Promise<HdfsStaged> {
  for (;;) {
    const temporary = temporaryPath(path, work.runtime.uuid())
    try {
      return { ...(await stageOnce(work, temporary, bytes, trying, unchecked)), bytes }
    } catch (error) {
      dropLater(work, temporary)
      await trying.patience.orGiveUp(error).catch(async () => {
        throw await reasonOf(work, path, error, trying)
      })
    }
  }
}

/**
 * A datanode that refuses a large body closes the connection with what it has not read, and its answer is often lost with that.
 * A file of one byte gets the answer.
 */
export async function reasonOf(work: Work, path: string, error: unknown, { signal }: Trying): Promise<unknown> {
  if (!(error instanceof WebHdfsFault) || error.kind !== 'network' || error.unsent || signal?.aborted) return error
  const temporary = temporaryPath(path, work.runtime.uuid())
  try {
    await work.files.make(temporary, new Uint8Array(1), { signal, patience: new Patience(work.runtime, 0, signal) })
    return error
  } catch (reason) {
    return reason instanceof WebHdfsFault && reason.kind === 'exception' && !reason.passing ? reason : error
  } finally {
    dropLater(work, temporary)
  }
}

/** Checks that a temporary is whole. @throws WebHdfsFault when it is not, or cannot be seen. */
export async function checkWhole(files: HdfsFiles, temporary: string, sizeBytes: number, trying: Trying): Promise<HdfsStaged> {
  const status = await files.status(temporary, trying)
  if (isWhole(status, sizeBytes)) return { temporary, sizeBytes, fileId: status.fileId }
  const found = status === undefined ? 'it is not there' : `it has ${(status as HdfsStatus).sizeBytes} bytes`
  throw new WebHdfsFault({ kind: 'network', name: 'short file', message: `${sizeBytes} bytes were written, and ${found}` })
}

/** Deletes a temporary without anybody waiting; what stays is hidden, and cleaned after a day. */
export function dropLater(work: Work, temporary: string): void {
  void work.files.delete(temporary, { signal: undefined, patience: new Patience(work.runtime, CLEANUP_MS, undefined) }).catch(() => {})
}

/** Deletes a temporary, and waits for that, but not long. Never throws. */
export async function drop(work: Work, temporary: string): Promise<void> {
  await work.files.delete(temporary, { signal: undefined, patience: new Patience(work.runtime, CLEANUP_MS, undefined) }).catch(() => {})
}

/** `.{name}.{uuid}.tmp` in the same folder, the name shortened where HDFS would refuse so long a one. */
export function temporaryPath(path: string, uuid: string): string {
  let shown = leafName(path)
  while (encodeUtf8(shown).length > MAX_NAME_BYTES - TEMPORARY_EXTRA_BYTES) shown = [...shown].slice(0, -8).join('')
  return joinPath(parentFolder(path), `.${shown}.${uuid}.tmp`)
}

async function stageOnce(work: Work, temporary: string, bytes: Uint8Array, trying: Trying, unchecked: boolean): Promise<HdfsStaged> {
  try {
    await work.files.make(temporary, bytes, trying)
  } catch (error) {
    // The answer may be all that got lost; or the request came twice, and this is the answer to its copy: nobody else has the name.
    if (!(error instanceof WebHdfsFault) || (error.changedNothing && !error.isTaken) || error.kind === 'aborted') throw error
    const status = await work.files.status(temporary, trying).catch(() => undefined)
    if (!isWhole(status, bytes.length)) throw error.isTaken ? nonsense(`a name that nobody has was refused (${error.name})`) : error
    return { temporary, sizeBytes: bytes.length, fileId: status.fileId }
  }
  if (unchecked) return { temporary, sizeBytes: bytes.length, fileId: undefined }
  return checkWhole(work.files, temporary, bytes.length, trying)
}

function isWhole(status: HdfsStatus | undefined, sizeBytes: number): status is HdfsStatus {
  return status?.kind === 'file' && status.sizeBytes === sizeBytes
}
