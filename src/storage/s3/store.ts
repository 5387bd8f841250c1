// A table's folder in a bucket: the storage contract over the requests of the other files here.
// One rule: every call checks its path before anything is sent, and no error leaves here but as the contract has it.
import { systemRuntime } from '../../runtime.js'
import { certificates } from '../local-certificates.js'
import { checkBytes, checkListing, checkRange } from '../path.js'
import type { CallOptions, CreateCallOptions, CreateOutcome, ObjectInfo, ObjectWriter, Storage, StorageCapabilities } from '../storage.js'
import { S3Connection } from './connection.js'
import { createAlone, createObject, type S3Create, sureOf } from './create.js'
import { deleteObject, deleteObjects } from './delete.js'
import { type S3Attempt, stopIfAborted } from './failure.js'
import { keyOf, refuseTemporary } from './keys.js'
import { listS3 } from './list.js'
import { parseS3Url, type S3Options, type S3Place, type S3Settings, s3Settings } from './options.js'
import { isExclusive, unsafeStore } from './probe.js'
import { readObject, readObjectRange, type S3Object, statObject } from './read.js'
import { S3Upload } from './upload.js'
import { S3Writer } from './writer.js'

/**
 * A store in a bucket, rooted at the URL's path. Nothing is sent before the first call. Needs the package `@aws-sdk/client-s3`.
 *
 * `create` is one PUT with `If-None-Match: *`; before the first one of a process, two PUTs of a scratch object show whether
 * the service honours that. One that does not is refused with `STORAGE_UNSAFE`, unless `singleWriter` is declared.
 *
 * @example
 * const storage = s3Storage('s3://lake/events', { endpoint: 'http://127.0.0.1:9000', region: 'us-east-1' })
 * const events = await openTable(storage)
 * @throws AlluviumError `INVALID_OPTIONS` with all faults of the URL or the options.
 */
export function s3Storage(url: string, options: S3Options = {}): Storage {
  if (typeof url !== 'string') throw new TypeError('the root of an S3 store is a URL, s3://bucket/path')
  const place = parseS3Url(url)
  const given = s3Settings(options)
  const settings = given.ca === undefined ? given : { ...given, ca: certificates(given.ca, 'S3') }
  return new S3Store(place, settings, new S3Connection(settings, options.runtime ?? systemRuntime))
}

class S3Store implements Storage {
  readonly location: string
  readonly capabilities: StorageCapabilities = { exclusiveCreate: true, durable: true }
  readonly remote = true
  readonly #place: S3Place
  readonly #settings: S3Settings
  readonly #connection: S3Connection

  constructor(place: S3Place, settings: S3Settings, connection: S3Connection) {
    this.location = place.location
    this.#place = place
    this.#settings = settings
    this.#connection = connection
  }

  async read(path: string, options?: CallOptions): Promise<Uint8Array | undefined> {
    const { object, attempt, signal } = this.#begin('read', path, options)
    return readObject(this.#connection, object, { attempt, signal })
  }

  async readRange(path: string, offset: number, length: number, options?: CallOptions): Promise<Uint8Array | undefined> {
    checkRange(offset, length)
    const { object, attempt, signal } = this.#begin('read', path, options)
    return readObjectRange(this.#connection, object, offset, length, { attempt, signal })
  }

  async stat(path: string, options?: CallOptions): Promise<ObjectInfo | undefined> {
    const { object, attempt, signal } = this.#begin('look up', path, options)
    return statObject(this.#connection, object, { attempt, signal })
  }

  async *list(
    folder: string,
    options: CallOptions & { readonly from?: string; readonly recursive?: boolean } = {},
  ): AsyncGenerator<readonly ObjectInfo[]> {
    const { from, recursive = false, signal } = options
    checkListing(folder, from)
    yield* listS3(this.#connection, this.#place, { folder, from, recursive, signal })
  }

  async create(path: string, bytes: Uint8Array, options?: CreateCallOptions): Promise<CreateOutcome> {
    checkBytes(bytes)
    const call = this.#begin('create', path, options)
    refuseTemporary(path)
    // The caller may change its bytes as soon as the promise is out of its hands; a request may be sent much later.
    const create: S3Create = { ...call, bytes: bytes.slice(), isStillWanted: options?.isStillWanted }
    if (this.#settings.singleWriter) return createAlone(this.#connection, create)
    const safe = await sureOf(call.attempt, () => isExclusive(this.#connection, this.#place, call.signal))
    if (!safe) throw unsafeStore(call.attempt)
    return createObject(this.#connection, create)
  }

  async put(path: string, bytes: Uint8Array, options?: CallOptions): Promise<void> {
    checkBytes(bytes)
    const { object, attempt, signal } = this.#begin('put', path, options)
    refuseTemporary(path)
    const body = bytes.slice()
    await this.#connection.request(
      (client, sdk, how) => client.send(new sdk.PutObjectCommand({ Bucket: object.bucket, Key: object.key, Body: body }), how),
      { attempt, signal },
    )
  }

  async write(path: string, options?: CallOptions): Promise<ObjectWriter> {
    const { object, attempt, signal } = this.#begin('write', path, options)
    refuseTemporary(path)
    const upload = new S3Upload(this.#connection, object, { attempt, signal })
    return new S3Writer({ upload, attempt, partBytes: this.#settings.partBytes, signal })
  }

  async delete(path: string, options?: CallOptions): Promise<void> {
    const { object, attempt, signal } = this.#begin('delete', path, options)
    await deleteObject(this.#connection, object, { attempt, signal })
  }

  async deleteAll(paths: readonly string[], options?: CallOptions): Promise<void> {
    const objects = paths.map((path) => ({ bucket: this.#place.bucket, key: keyOf(this.#place, path), path }))
    const attempt: S3Attempt = { doing: 'delete', path: paths[0] ?? '', location: this.location }
    stopIfAborted(options?.signal, attempt)
    await deleteObjects(this.#connection, objects, { attempt, signal: options?.signal })
  }

  #begin(
    doing: string,
    path: string,
    options: CallOptions | undefined,
  ): { object: S3Object; attempt: S3Attempt; signal: AbortSignal | undefined } {
    const object: S3Object = { bucket: this.#place.bucket, key: keyOf(this.#place, path), path }
    const attempt: S3Attempt = { doing, path, location: this.location }
    stopIfAborted(options?.signal, attempt)
    return { object, attempt, signal: options?.signal }
  }
}
