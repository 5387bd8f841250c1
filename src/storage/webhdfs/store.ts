// A table's folder in HDFS, over WebHDFS, HttpFS or Knox.
// One rule: every call checks its path's text here, and everything that fails leaves here as an AlluviumError without a secret.
import { AlluviumError } from '../../errors.js'
import { systemRuntime } from '../../runtime.js'
import { certificates } from '../local-certificates.js'
import { checkBytes, checkListing, checkObjectPath, checkRange, isTemporaryName, leafName } from '../path.js'
import { StagedOnce } from '../staged-once.js'
import type {
  CallOptions,
  CreateCallOptions,
  CreateOutcome,
  ObjectInfo,
  ObjectWriter,
  StagedObject,
  Storage,
  StorageCapabilities,
} from '../storage.js'
import { HdfsClient } from './client.js'
import { Credentials } from './credentials.js'
import { abortedFault, type HdfsAttempt, stopIfAborted, storageError, WebHdfsFault } from './fault.js'
import { HdfsFiles, type Trying } from './files.js'
import { kerberosNegotiator, type Negotiator } from './kerberos.js'
import { cleanHdfsLeftovers } from './leftovers.js'
import { listHdfs } from './list.js'
import { parseLocation } from './location.js'
import { type WebHdfsOptions, webhdfsSettings } from './options.js'
import { Patience } from './patience.js'
import { PlacementUnknown, placeObject, replaceObject } from './place.js'
import { dropLater, stageObject, type Work } from './stage.js'
import { HdfsWriter } from './writer.js'

/** A store in HDFS. */
export interface WebHdfsStorage extends Storage {
  stage(path: string, bytes: Uint8Array, options?: CallOptions): Promise<StagedObject>
  /**
   * Deletes temporaries of creates and writes that never ended (the process died) and were last touched at least `olderThanMs`
   * ago; answers how many. At least an hour; a day is a good value. A write that takes longer loses its own.
   */
  cleanLeftovers(olderThanMs: number, options?: CallOptions): Promise<number>
}

/** The largest object `read` takes whole; larger ones are read in ranges. */
const MAX_WHOLE_READ_BYTES = 2 ** 31 - 1

/**
 * A store rooted at a folder of HDFS, which need not exist yet: `webhdfs://namenode:9870/path`, `swebhdfs://…` with TLS, an HttpFS
 * server (`webhdfs://host:14000/path`), a Knox gateway (`swebhdfs://host:8443/gateway/default/webhdfs/v1/path`), or
 * `hdfs://name/path` with the option `namenodes`.
 *
 * An object is staged under a hidden name and renamed, never over another. Names with ':' do not exist in HDFS. What is
 * acknowledged is in the memory of the datanodes; `dfs.datanode.synconclose` on the cluster makes it wait for the disks.
 *
 * @example
 * const storage = webhdfsStorage('webhdfs://namenode:9870/tables/events', { user: 'etl' })
 * const events = await openTable(storage)
 * @throws AlluviumError `INVALID_OPTIONS` with every fault of the options.
 */
export function webhdfsStorage(url: string, options: WebHdfsOptions = {}): WebHdfsStorage {
  return webhdfsStorageWith(kerberosNegotiator, url, options)
}

/** {@link webhdfsStorage} with Kerberos proofs from elsewhere. */
export function webhdfsStorageWith(negotiator: Negotiator, url: string, options: WebHdfsOptions = {}): WebHdfsStorage {
  const settings = webhdfsSettings(options)
  const place = parseLocation(url, settings.namenodes)
  if (settings.password !== undefined && place.namenodes.some((origin) => !origin.startsWith('https:')))
    throw new AlluviumError('INVALID_OPTIONS', 'storage options of WebHDFS: a password goes over TLS only; write swebhdfs://', {
      options: ['password'],
    })
  const runtime = options.runtime ?? systemRuntime
  const { stallTimeoutMs, retryMs } = settings
  const wire = { runtime, stallTimeoutMs, ca: settings.ca === undefined ? undefined : certificates(settings.ca, 'WebHDFS') }
  const credentials = new Credentials(settings, runtime, negotiator)
  const client = new HdfsClient(wire, place.namenodes, credentials, settings.hostMap, settings.maxRequests)
  return new WebHdfsStore({ files: new HdfsFiles(client, place, settings.umask), runtime, retryMs, stallTimeoutMs }, credentials)
}

class WebHdfsStore implements WebHdfsStorage {
  readonly location: string
  readonly capabilities: StorageCapabilities = { exclusiveCreate: true, durable: true }
  readonly remote = true
  readonly #work: Work
  readonly #hide: (text: string) => string

  constructor(work: Work, credentials: Credentials) {
    this.#work = work
    this.#hide = (text) => credentials.hide(text)
    this.location = work.files.place.location
  }

  async read(path: string, options?: CallOptions): Promise<Uint8Array | undefined> {
    return this.#reading('read', path, options, (trying) => this.#work.files.read(path, undefined, MAX_WHOLE_READ_BYTES, trying))
  }

  async readRange(path: string, offset: number, length: number, options?: CallOptions): Promise<Uint8Array | undefined> {
    checkRange(offset, length)
    return this.#reading('read', path, options, async (trying) => {
      if (length > 0) return this.#work.files.read(path, { offset, length }, length, trying)
      return (await this.#fileStatus(path, trying)) === undefined ? undefined : new Uint8Array(0)
    })
  }

  async stat(path: string, options?: CallOptions): Promise<ObjectInfo | undefined> {
    return this.#reading('look up', path, options, async (trying) => {
      const status = await this.#fileStatus(path, trying)
      return status && { path, sizeBytes: status.sizeBytes, modifiedMs: status.modifiedMs }
    })
  }

  async *list(
    folder: string,
    options: CallOptions & { readonly from?: string; readonly recursive?: boolean } = {},
  ): AsyncGenerator<readonly ObjectInfo[]> {
    const { from, recursive = false, signal } = options
    checkListing(folder, from)
    if (folder.includes(':')) return
    try {
      stopIfAborted(signal)
      yield* listHdfs({ files: this.#work.files, folder, from, recursive, trying: () => this.#trying(signal) })
    } catch (error) {
      throw storageError(error, { doing: 'list', path: folder, location: this.location }, this.#hide)
    }
  }

  async create(path: string, bytes: Uint8Array, options?: CreateCallOptions): Promise<CreateOutcome> {
    checkBytes(bytes)
    return this.#placing('create', path, options, async (trying) => {
      // Nobody else makes such objects as a rule, and what is torn of them does no harm: three requests, not five.
      if (options?.mayBeLost === true) {
        const staged = await stageObject(this.#work, path, bytes, trying, { unchecked: true })
        return placeObject(this.#work, path, staged, this.#trying(options.signal), options)
      }
      // Spares staging what has lost already, and keeps servers without rename options from moving it into a folder.
      const status = await this.#work.files.status(path, trying)
      if (status?.kind === 'folder') throw new WebHdfsFault({ kind: 'exception', name: 'IOException', message: 'the name is a directory' })
      if (status !== undefined) return 'exists'
      const staged = await stageObject(this.#work, path, bytes, trying)
      return placeObject(this.#work, path, staged, this.#trying(options?.signal), options)
    })
  }

  async stage(path: string, bytes: Uint8Array, options?: CallOptions): Promise<StagedObject> {
    checkBytes(bytes)
    const staged = await this.#placing('stage', path, options, (trying) => stageObject(this.#work, path, bytes.slice(), trying))
    return new StagedOnce(
      (given) => this.#placing('create', path, given, (trying) => placeObject(this.#work, path, staged, trying, given)),
      () => dropLater(this.#work, staged.temporary),
    )
  }

  async put(path: string, bytes: Uint8Array, options?: CallOptions): Promise<void> {
    checkBytes(bytes)
    return this.#placing('put', path, options, async (trying) => {
      const staged = await stageObject(this.#work, path, bytes, trying)
      await replaceObject(this.#work, path, staged, this.#trying(options?.signal))
    })
  }

  async write(path: string, options?: CallOptions): Promise<ObjectWriter> {
    const attempt: HdfsAttempt = { doing: 'write', path, location: this.location }
    const taken = (): AlluviumError =>
      new AlluviumError('ALREADY_EXISTS', `'${path}' in ${this.location} exists already; write under a fresh name.`, { path })
    return this.#placing('write', path, options, async (trying) => {
      if ((await this.#work.files.status(path, trying)) !== undefined) throw taken()
      return new HdfsWriter({
        work: this.#work,
        path,
        trying: () => this.#trying(options?.signal),
        place: async (staged) => {
          if ((await placeObject(this.#work, path, staged, this.#trying(options?.signal))) === 'exists') throw taken()
        },
        failure: (error) => this.#failure(error, attempt),
      })
    })
  }

  async delete(path: string, options?: CallOptions): Promise<void> {
    await this.#reading('delete', path, options, async (trying) => {
      try {
        await this.#work.files.delete(path, trying)
      } catch (error) {
        // A folder with something in it, which is no object.
        if (!(error instanceof WebHdfsFault) || error.name !== 'PathIsNotEmptyDirectoryException') throw error
      }
      return undefined
    })
  }

  async cleanLeftovers(olderThanMs: number, options?: CallOptions): Promise<number> {
    try {
      return await cleanHdfsLeftovers(this.#work.files, olderThanMs, this.#work.runtime.now(), () => this.#trying(options?.signal))
    } catch (error) {
      throw storageError(error, { doing: 'clean up', path: '', location: this.location }, this.#hide)
    }
  }

  async #fileStatus(path: string, trying: Trying): ReturnType<HdfsFiles['status']> {
    const status = await this.#work.files.status(path, trying)
    return status?.kind === 'file' ? status : undefined
  }

  #trying(signal: AbortSignal | undefined): Trying {
    return { signal, patience: new Patience(this.#work.runtime, this.#work.retryMs, signal) }
  }

  /** A call that puts nothing in place. A name HDFS cannot hold is missing. */
  async #reading<T>(
    doing: string,
    path: string,
    options: CallOptions | undefined,
    step: (trying: Trying) => Promise<T | undefined>,
  ): Promise<T | undefined> {
    checkObjectPath(path)
    try {
      stopIfAborted(options?.signal)
      return path.includes(':') ? undefined : await step(this.#trying(options?.signal))
    } catch (error) {
      throw storageError(error, { doing, path, location: this.location }, this.#hide)
    }
  }

  /** A call that puts something in place. */
  async #placing<T>(doing: string, path: string, options: CallOptions | undefined, step: (trying: Trying) => Promise<T>): Promise<T> {
    checkObjectPath(path)
    this.#refuseName(path)
    try {
      stopIfAborted(options?.signal)
      return await step(this.#trying(options?.signal))
    } catch (error) {
      throw this.#failure(error, { doing, path, location: this.location, applied: false }, options?.signal)
    }
  }

  // The caller's wish comes before what a server said last.
  #failure(error: unknown, attempt: HdfsAttempt, signal?: AbortSignal): AlluviumError {
    const isDoubt = error instanceof PlacementUnknown
    const fault = isDoubt ? error.fault : error
    const given = signal?.aborted === true && fault instanceof WebHdfsFault ? abortedFault(signal) : fault
    return storageError(given, isDoubt ? { ...attempt, applied: 'unknown' } : attempt, this.#hide)
  }

  #refuseName(path: string): void {
    const temporary = isTemporaryName(leafName(path))
    if (!temporary && !path.includes(':')) return
    const problem = temporary ? 'has the form of a temporary, which listings hide' : "has a ':', which HDFS does not allow in names"
    throw new AlluviumError('INVALID_OPTIONS', `'${path}' ${problem}; use another name.`, { path, applied: false })
  }
}
