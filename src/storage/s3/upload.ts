// The requests a streamed object is made of: one PUT for a small one, a multipart upload for a large one; and the finding out
// whether an object that is in the way is our own, whose answer was lost.
// One rule: every upload carries an id of its own as metadata, so that what stands under the name can be told from what we wrote.
import { AlluviumError } from '../../errors.js'
import { type S3Call, type S3Connection, S3RequestFailed } from './connection.js'
import { type S3Failure, s3Error } from './failure.js'
import { headObject, type S3Object } from './read.js'

/** The metadata key that an upload's id is kept under. */
const ID = 'alluvium-upload'

/** A finished part of a multipart upload. */
export interface S3Part {
  readonly PartNumber: number
  readonly ETag: string | undefined
}

/** One object being uploaded. */
export class S3Upload {
  readonly #connection: S3Connection
  readonly #object: S3Object
  readonly #id: string
  readonly #call: S3Call
  #uploadId: string | undefined

  constructor(connection: S3Connection, object: S3Object, call: S3Call) {
    this.#connection = connection
    this.#object = object
    this.#call = call
    this.#id = connection.runtime.uuid()
  }

  /** Whether a multipart upload was begun. */
  get begun(): boolean {
    return this.#uploadId !== undefined
  }

  /** The whole object in one PUT, if the name is free. @throws AlluviumError `ALREADY_EXISTS` */
  async putWhole(bytes: Uint8Array): Promise<void> {
    await this.#conditionally((condition) =>
      this.#connection.send(
        (client, sdk, options) =>
          client.send(new sdk.PutObjectCommand({ ...this.#target(), Body: bytes, Metadata: { [ID]: this.#id }, ...condition }), options),
        this.#call,
      ),
    )
  }

  /** Begins a multipart upload, unless the name is taken. @throws AlluviumError `ALREADY_EXISTS` */
  async begin(): Promise<void> {
    // Asked here because not every server honours the condition of a completion (Ceph RGW overwrites). Names of data files are
    // random, so nobody takes one in between.
    const there = await headObject(this.#connection, this.#object, this.#call)
    if (there !== undefined) throw this.#taken()
    this.#uploadId = await this.#connection.request(async (client, sdk, options) => {
      const { UploadId } = await client.send(
        new sdk.CreateMultipartUploadCommand({ ...this.#target(), Metadata: { [ID]: this.#id } }),
        options,
      )
      if (UploadId === undefined || UploadId === '') throw Object.assign(new Error('no upload id came'), { code: 'NoUploadId' })
      return UploadId
    }, this.#call)
  }

  /** Sends one part; numbers begin at 1. */
  async part(number: number, bytes: Uint8Array, signal: AbortSignal): Promise<S3Part> {
    return this.#connection.request(
      async (client, sdk, options) => {
        const { ETag } = await client.send(
          new sdk.UploadPartCommand({ ...this.#target(), UploadId: this.#uploadId, PartNumber: number, Body: bytes }),
          options,
        )
        return { PartNumber: number, ETag }
      },
      { ...this.#call, signal },
    )
  }

  /** Makes the parts one object, if the name is still free. @throws AlluviumError `ALREADY_EXISTS` */
  async complete(parts: readonly S3Part[]): Promise<void> {
    await this.#conditionally((condition) =>
      this.#connection.send(
        (client, sdk, options) =>
          client.send(
            new sdk.CompleteMultipartUploadCommand({
              ...this.#target(),
              UploadId: this.#uploadId,
              MultipartUpload: { Parts: [...parts] },
              ...condition,
            }),
            options,
          ),
        this.#call,
      ),
    )
  }

  /** Drops what was sent, and the object itself where it is ours. Never throws. */
  async drop(mayBeThere: boolean): Promise<void> {
    const call: S3Call = { attempt: { ...this.#call.attempt, doing: 'drop' } }
    try {
      if (this.#uploadId !== undefined) await this.#abort(call)
      if (mayBeThere && (await this.#isOurs(call))) {
        await this.#connection.send((client, sdk, options) => client.send(new sdk.DeleteObjectCommand(this.#target()), options), call)
      }
    } catch {}
  }

  async #abort(call: S3Call): Promise<void> {
    try {
      await this.#connection.send(
        (client, sdk, options) =>
          client.send(new sdk.AbortMultipartUploadCommand({ ...this.#target(), UploadId: this.#uploadId }), options),
        call,
      )
    } catch {}
  }

  /** Sends a request that makes the object; what its failure means is found out by looking. */
  async #conditionally(send: (condition: { IfNoneMatch?: string }) => Promise<unknown>): Promise<void> {
    try {
      await send({ IfNoneMatch: '*' })
    } catch (error) {
      if (!(error instanceof S3RequestFailed)) throw error
      const { failure } = error
      // The server does not know the condition: the name is random, or was looked for before.
      if (failure.status === 501) return this.#unconditionally(send)
      if (isInTheWay(failure) || failure.applied === 'unknown' || error.outstanding) {
        if (await this.#isOurs(this.#call)) return
        if (isInTheWay(failure)) throw this.#taken()
      }
      throw s3Error(failure, this.#call.attempt)
    }
  }

  async #unconditionally(send: (condition: { IfNoneMatch?: string }) => Promise<unknown>): Promise<void> {
    if (!this.begun && (await headObject(this.#connection, this.#object, this.#call)) !== undefined) throw this.#taken()
    try {
      await send({})
    } catch (error) {
      if (!(error instanceof S3RequestFailed)) throw error
      if (await this.#isOurs(this.#call)) return
      throw s3Error(error.failure, this.#call.attempt)
    }
  }

  async #isOurs(call: S3Call): Promise<boolean> {
    return (await headObject(this.#connection, this.#object, call))?.metadata[ID] === this.#id
  }

  #target(): { Bucket: string; Key: string } {
    return { Bucket: this.#object.bucket, Key: this.#object.key }
  }

  #taken(): AlluviumError {
    const { path } = this.#object
    const { location } = this.#call.attempt
    return new AlluviumError('ALREADY_EXISTS', `'${path}' in ${location} exists already; write under a fresh name.`, { path })
  }
}

function isInTheWay({ status }: S3Failure): boolean {
  return status === 412 || status === 409 || status === 304
}
