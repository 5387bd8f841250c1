// Reading objects: whole, in ranges, and their facts.
// One rule: only the service's own word that the key is missing makes an object missing; a status of 404 alone does not.
import type { GetObjectCommandOutput } from '@aws-sdk/client-s3'
import { AlluviumError } from '../../errors.js'
import type { ObjectInfo } from '../storage.js'
import { readBody, type S3Body } from './body.js'
import { type S3Call, type S3Connection, type S3Request, S3RequestFailed } from './connection.js'
import { type S3Failure, s3Error } from './failure.js'

/** An object to be read. */
export interface S3Object {
  readonly bucket: string
  readonly key: string
  readonly path: string
}

/** The whole object, or undefined where there is none. */
export async function readObject(connection: S3Connection, object: S3Object, call: S3Call): Promise<Uint8Array | undefined> {
  return orMissing(connection, call, async (client, sdk, options) => {
    const answer = await client.send(new sdk.GetObjectCommand({ Bucket: object.bucket, Key: object.key }), options)
    return readBody(answer.Body as S3Body | undefined, answer.ContentLength, object.path)
  })
}

/** Bytes from `offset`, fewer only at the end of the object. */
export async function readObjectRange(
  connection: S3Connection,
  object: S3Object,
  offset: number,
  length: number,
  call: S3Call,
): Promise<Uint8Array | undefined> {
  // A range has one byte at least; whether the object is there has to be asked in any case.
  const last = Math.min(Number.MAX_SAFE_INTEGER, offset + Math.max(length, 1) - 1)
  try {
    const bytes = await orMissing(connection, call, async (client, sdk, options) => {
      const answer = await client.send(
        new sdk.GetObjectCommand({ Bucket: object.bucket, Key: object.key, Range: `bytes=${offset}-${last}` }),
        options,
      )
      return rangeOf(answer, object.path, offset, last - offset + 1)
    })
    return bytes !== undefined && bytes.length > length ? bytes.slice(0, length) : bytes
  } catch (error) {
    // The object ends before the range begins.
    if (error instanceof AlluviumError && error.facts.status === 416) return new Uint8Array(0)
    throw error
  }
}

/** Size and time, or undefined where there is no object. */
export async function statObject(connection: S3Connection, object: S3Object, call: S3Call): Promise<ObjectInfo | undefined> {
  const facts = await headObject(connection, object, call)
  return facts === undefined ? undefined : { path: object.path, sizeBytes: facts.sizeBytes, modifiedMs: facts.modifiedMs }
}

/** What HEAD says of an object. */
export interface S3Head {
  readonly sizeBytes: number
  readonly modifiedMs: number
  readonly metadata: Readonly<Record<string, string>>
}

/** Answers to HEAD that mean one thing or another, depending on a code that HEAD cannot carry. */
const MUTE: ReadonlySet<number> = new Set([400, 403, 404])

/** The facts of an object, or undefined where there is none. */
export async function headObject(connection: S3Connection, object: S3Object, call: S3Call, again = false): Promise<S3Head | undefined> {
  try {
    return await connection.send(async (client, sdk, options) => {
      const answer = await client.send(new sdk.HeadObjectCommand({ Bucket: object.bucket, Key: object.key }), options)
      const modifiedMs = Math.floor((answer.LastModified?.getTime() ?? 0) / 1000) * 1000
      return { sizeBytes: answer.ContentLength ?? 0, modifiedMs, metadata: answer.Metadata ?? {} }
    }, call)
  } catch (error) {
    if (!(error instanceof S3RequestFailed)) throw error
    if (again || !MUTE.has(error.failure.status ?? 0)) throw s3Error(error.failure, call.attempt)
  }
  // An answer to HEAD has no body, so it cannot say what is missing or wrong: the object, the bucket, the key, the token (and
  // versitygw knows no unknown access key but as 404). A GET can.
  const bytes = await readObjectRange(connection, object, 0, 1, call)
  return bytes === undefined ? undefined : headObject(connection, object, call, true)
}

/** Whether a failure means that there is no such object. */
export function isMissingKey(failure: S3Failure): boolean {
  return failure.status === 404 && failure.reason === 'NoSuchKey'
}

async function orMissing<T>(connection: S3Connection, call: S3Call, request: S3Request<T>): Promise<T | undefined> {
  try {
    return await connection.send(request, call)
  } catch (error) {
    if (!(error instanceof S3RequestFailed)) throw error
    if (isMissingKey(error.failure)) return undefined
    throw s3Error(error.failure, call.attempt)
  }
}

/** The part of an answer that was asked for; a server may answer with the whole object instead. */
async function rangeOf(answer: GetObjectCommandOutput, path: string, offset: number, length: number): Promise<Uint8Array> {
  const body = answer.Body as S3Body | undefined
  const match = /^bytes (\d+)-(\d+)\//.exec(answer.ContentRange ?? '')
  if (match === null) return readBody(body, answer.ContentLength, path, { skip: offset, take: length })
  const [from, to] = [Number(match[1]), Number(match[2])]
  if (from !== offset || to - from + 1 > length || (answer.ContentLength ?? to - from + 1) !== to - from + 1) {
    body?.destroy?.()
    throw Object.assign(new Error('another range than the one asked for'), { code: 'WrongRange' })
  }
  return readBody(body, to - from + 1, path)
}
