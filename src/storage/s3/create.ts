// Put if absent: one PUT with `If-None-Match: *`, which the service decides in one place. Never the completion of a multipart
// upload: Ceph RGW takes the condition there, ignores it and overwrites.
// One rule: an answer is only taken for what it surely means. `exists` is said for a 412 to the only request that was sent, or
// for an object seen to hold other bytes than ours; everything that may have been our own request is unknown.
import { AlluviumError } from '../../errors.js'
import type { CreateOutcome } from '../storage.js'
import { isWithdrawn, withdrawnError } from '../withdrawn.js'
import { type S3Connection, S3RequestFailed } from './connection.js'
import { type S3Attempt, type S3Failure, s3Aborted, s3Error, stopIfAborted } from './failure.js'
import { follow } from './follow.js'
import { headObject, readObject, type S3Object } from './read.js'

/** A create under way. */
export interface S3Create {
  readonly object: S3Object
  readonly bytes: Uint8Array
  readonly attempt: S3Attempt
  readonly signal: AbortSignal | undefined
  readonly isStillWanted?: (() => boolean) | undefined
}

/** What a conditional PUT was told. */
export type ConditionalPut =
  | { readonly kind: 'created' }
  /** 412: an object has the name. 304 was R2's way to say so. */
  | { readonly kind: 'exists' }
  /** 409: AWS wants it sent again; for CoreWeave it is how a lost race looks. */
  | { readonly kind: 'conflict'; readonly failure: S3Failure }
  | { readonly kind: 'failed'; readonly failure: S3Failure }

const CONFLICT_ATTEMPTS = 6
const CONFLICT_PAUSE_MS = 30

/** One PUT with `If-None-Match: *`, sent once. @throws AlluviumError `ABORTED` */
export async function putIfAbsent(connection: S3Connection, { object, bytes, attempt, signal }: S3Create): Promise<ConditionalPut> {
  try {
    await connection.send(
      (client, sdk, options) =>
        client.send(new sdk.PutObjectCommand({ Bucket: object.bucket, Key: object.key, Body: bytes, IfNoneMatch: '*' }), options),
      { attempt, signal, once: true },
    )
    return { kind: 'created' }
  } catch (error) {
    if (!(error instanceof S3RequestFailed)) throw error
    const { failure } = error
    if (failure.status === 412 || failure.status === 304) return { kind: 'exists' }
    if (failure.status === 409) return { kind: 'conflict', failure }
    return { kind: 'failed', failure }
  }
}

/**
 * Creates an object exclusively.
 * @throws AlluviumError with the fact `applied`
 */
export async function createObject(connection: S3Connection, create: S3Create): Promise<CreateOutcome> {
  const { attempt, signal } = create
  let outstanding = false
  for (let tries = 1; ; tries++) {
    if (signal?.aborted) throw s3Aborted(signal, attempt, outstanding ? 'unknown' : false)
    if (isWithdrawn(create)) throw withdrawnError(attempt.path, attempt.location, outstanding ? 'unknown' : false)
    const put = await sendOrSay(connection, create, outstanding)
    if (put.kind === 'created') return 'created'
    if (put.kind === 'failed') throw createError(put.failure, attempt, outstanding)
    if (put.kind === 'exists' && !outstanding) return 'exists'
    // From here on the object that is there may be ours: looking at its bytes tells, unless somebody wrote the same.
    outstanding = true
    const seen = await look(connection, create)
    if (seen === 'other') return 'exists'
    if (seen === 'same') throw unknownOutcome(attempt, 'an object with the same bytes is there, perhaps from this very attempt')
    if (tries >= CONFLICT_ATTEMPTS) throw unknownOutcome(attempt, 'the server keeps answering that another operation is under way')
    await pause(connection, create, tries)
  }
}

/** Puts that are being made by this process for a store whose only writer it is, by service, bucket and key. */
const claimed = new Map<string, Promise<unknown>>()

/**
 * Creates an object where only this process writes: looks first, then puts, one create of a name at a time.
 * @throws AlluviumError with the fact `applied`
 */
export async function createAlone(connection: S3Connection, create: S3Create): Promise<CreateOutcome> {
  const { object, attempt, signal } = create
  const name = `${await connection.service()} ${object.bucket} ${object.key}`
  const before = claimed.get(name) ?? Promise.resolve()
  const turn = before.then(async (): Promise<CreateOutcome> => {
    stopIfAborted(signal, attempt)
    const there = await sureOf(attempt, () => headObject(connection, object, { attempt, signal }))
    if (there !== undefined) return 'exists'
    return createObject(connection, create)
  })
  const settled = turn.catch(() => {})
  claimed.set(name, settled)
  try {
    return await turn
  } finally {
    if (claimed.get(name) === settled) claimed.delete(name)
  }
}

/** Runs a step before anything is put: its failure says so. */
export async function sureOf<T>(attempt: S3Attempt, step: () => Promise<T>): Promise<T> {
  try {
    return await step()
  } catch (error) {
    if (!(error instanceof AlluviumError)) throw error
    throw new AlluviumError(error.code, error.message, { ...error.facts, path: attempt.path, applied: false }, { cause: error.cause })
  }
}

async function sendOrSay(connection: S3Connection, create: S3Create, outstanding: boolean): Promise<ConditionalPut> {
  try {
    return await putIfAbsent(connection, create)
  } catch (error) {
    if (!outstanding || !(error instanceof AlluviumError) || error.facts.applied !== false) throw error
    throw new AlluviumError(error.code, error.message, { ...error.facts, applied: 'unknown' }, { cause: error.cause })
  }
}

async function look(connection: S3Connection, { object, bytes, attempt, signal }: S3Create): Promise<'absent' | 'same' | 'other'> {
  try {
    const there = await readObject(connection, object, { attempt, signal })
    if (there === undefined) return 'absent'
    return there.length === bytes.length && there.every((byte, i) => byte === bytes[i]) ? 'same' : 'other'
  } catch (error) {
    if (!(error instanceof AlluviumError)) throw error
    throw new AlluviumError(error.code, error.message, { ...error.facts, applied: 'unknown' }, { cause: error.cause })
  }
}

async function pause(connection: S3Connection, { attempt, signal }: S3Create, tries: number): Promise<void> {
  const { runtime } = connection
  const followed = follow(signal)
  try {
    await runtime.sleep(CONFLICT_PAUSE_MS * 2 ** (tries - 1) * (0.5 + runtime.random()), followed.controller.signal)
  } catch (error) {
    throw signal?.aborted ? s3Aborted(signal, attempt, 'unknown') : error
  } finally {
    followed.release()
  }
}

function createError(failure: S3Failure, attempt: S3Attempt, outstanding: boolean): AlluviumError {
  const applied = outstanding ? 'unknown' : failure.applied
  if (failure.status !== 501) return s3Error(failure, attempt, applied)
  const { path, location } = attempt
  const problem =
    `could not create '${path}' in ${location}: the server does not know If-None-Match, so two writers could overwrite each other's ` +
    'commits. Use a store that has it, or the storage option singleWriter if nobody else ever writes this table.'
  return new AlluviumError('STORAGE_UNSAFE', problem, { path, location, status: 501, applied })
}

function unknownOutcome({ doing, path, location }: S3Attempt, problem: string): AlluviumError {
  return new AlluviumError(
    'STORAGE_UNAVAILABLE',
    `could not ${doing} '${path}' in ${location} for sure: ${problem}. Look at the object before trying again.`,
    { path, location, applied: 'unknown' },
  )
}
