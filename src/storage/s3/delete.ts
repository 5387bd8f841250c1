// Deleting objects: one by one, or by the thousand where the service can.
// One rule: a missing object is fine; any other object that is still there afterwards is an error.
import { AlluviumError } from '../../errors.js'
import { type S3Call, type S3Connection, S3RequestFailed } from './connection.js'
import { failureOf, s3Error } from './failure.js'
import { isMissingKey, type S3Object } from './read.js'

/** What one request of S3 takes. */
const BATCH_OBJECTS = 1000
const SINGLE_DELETES_AT_ONCE = 16

/** Deletes one object. */
export async function deleteObject(connection: S3Connection, object: S3Object, call: S3Call): Promise<void> {
  try {
    await connection.send(
      (client, sdk, options) => client.send(new sdk.DeleteObjectCommand({ Bucket: object.bucket, Key: object.key }), options),
      call,
    )
  } catch (error) {
    if (!(error instanceof S3RequestFailed)) throw error
    if (!isMissingKey(error.failure)) throw s3Error(error.failure, call.attempt)
  }
}

/** Deletes many objects, a thousand a request. Tries all of them before it fails with the first failure. */
export async function deleteObjects(connection: S3Connection, objects: readonly S3Object[], call: S3Call): Promise<void> {
  let left: readonly S3Object[] = objects
  let failure: unknown
  for (let at = 0; at < objects.length; at += BATCH_OBJECTS) {
    const batch = objects.slice(at, at + BATCH_OBJECTS)
    try {
      await deleteBatch(connection, batch, call)
    } catch (error) {
      if (error instanceof AlluviumError && error.code === 'ABORTED') throw error
      // Google's and some others have no such request.
      if (error instanceof AlluviumError && error.facts.status === 501) {
        left = objects.slice(at)
        return deleteSingly(connection, left, call)
      }
      failure ??= error
    }
  }
  if (failure !== undefined) throw failure
}

async function deleteBatch(connection: S3Connection, batch: readonly S3Object[], call: S3Call): Promise<void> {
  const [first] = batch
  if (first === undefined) return
  const failed = await connection.request(async (client, sdk, options) => {
    const answer = await client.send(
      new sdk.DeleteObjectsCommand({ Bucket: first.bucket, Delete: { Quiet: true, Objects: batch.map(({ key }) => ({ Key: key })) } }),
      options,
    )
    return (answer.Errors ?? []).filter(({ Code }) => Code !== 'NoSuchKey')
  }, call)
  if (failed.length === 0) return
  // One by one, which also tries again and says what stands in the way.
  const keys = new Set(failed.map(({ Key }) => Key))
  const again = batch.filter(({ key }) => keys.has(key))
  if (again.length > 0) return deleteSingly(connection, again, call)
  throw s3Error(failureOf({ name: failed[0]?.Code, $metadata: { httpStatusCode: 400 } }), call.attempt)
}

async function deleteSingly(connection: S3Connection, objects: readonly S3Object[], call: S3Call): Promise<void> {
  let failure: unknown
  for (let at = 0; at < objects.length; at += SINGLE_DELETES_AT_ONCE) {
    const outcomes = await Promise.allSettled(
      objects
        .slice(at, at + SINGLE_DELETES_AT_ONCE)
        .map((object) => deleteObject(connection, object, { ...call, attempt: { ...call.attempt, path: object.path } })),
    )
    failure ??= outcomes.find((outcome) => outcome.status === 'rejected')?.reason
  }
  if (failure !== undefined) throw failure
}
