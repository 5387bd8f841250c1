// Whether a service honours `If-None-Match: *`, tried before the first create of a process goes through it: some servers take
// the header and ignore it, and there two writers would overwrite each other's commits without a word.
// One rule: only a race that exactly one of two PUTs won is taken for safe; no answer is no proof of either.
import { encodeUtf8 } from '../../bytes.js'
import { AlluviumError } from '../../errors.js'
import type { S3Connection } from './connection.js'
import { type ConditionalPut, putIfAbsent, type S3Create } from './create.js'
import { type S3Attempt, s3Error } from './failure.js'
import type { S3Place } from './options.js'

/** What was found of services, for the rest of the process: by endpoint and bucket, true for safe. */
const verdicts = new Map<string, Promise<boolean>>()
const ROUNDS = 5

/**
 * Whether creates are exclusive there. Costs two requests at once and one to clean up, the first time; nothing stays behind.
 * @throws AlluviumError when no answer can be had
 */
export async function isExclusive(connection: S3Connection, place: S3Place, signal: AbortSignal | undefined): Promise<boolean> {
  const name = `${await connection.service()} ${place.bucket}`
  const known = verdicts.get(name)
  if (known !== undefined) return known
  // Shared by all who wait for it, so that no one caller's signal ends it for the others.
  const probing = probe(connection, place)
  verdicts.set(name, probing)
  probing.then(
    () => {},
    () => verdicts.delete(name),
  )
  return signal === undefined ? probing : unlessAborted(probing, signal, place)
}

/** Forgets what was found, for tests that change a server's mind. */
export function forgetProbes(): void {
  verdicts.clear()
}

/** The refusal of a store that failed. */
export function unsafeStore({ path, location }: S3Attempt): AlluviumError {
  const problem =
    `could not create '${path}' in ${location}: this store ignores If-None-Match, so two writers could overwrite each other's commits ` +
    'and lose them. Use a store that honours it, or the storage option singleWriter if nobody else ever writes this table.'
  return new AlluviumError('STORAGE_UNSAFE', problem, { path, location, applied: false })
}

async function probe(connection: S3Connection, place: S3Place): Promise<boolean> {
  for (let round = 1; ; round++) {
    // Beside the table's own files, because rights may end there; hidden from every listing.
    const path = `_delta_log/.self-test.${connection.runtime.uuid()}.tmp`
    const key = place.prefix === '' ? path : `${place.prefix}/${path}`
    const attempt: S3Attempt = { doing: 'try a conditional create of', path, location: place.location }
    const puts = ['a', 'b'].map((text): S3Create => {
      return { object: { bucket: place.bucket, key, path }, bytes: encodeUtf8(text), attempt, signal: undefined }
    })
    const answers = await race(connection, puts as [S3Create, S3Create], round)
    const won = answers.filter((answer) => answer.kind === 'created').length
    if (won > 0 || answers.some((answer) => answer.kind === 'failed' && answer.failure.applied === 'unknown'))
      remove(connection, place, key, attempt)
    if (won === 2) return false
    if (won === 1 && answers.some(isRefusal)) return true
    const failed = answers.find((answer) => answer.kind === 'failed')
    if (failed !== undefined && failed.failure.status === 501) return false
    if (failed !== undefined && (!failed.failure.transient || round >= ROUNDS)) throw s3Error(failed.failure, attempt, false)
    if (round >= ROUNDS) throw unclear(attempt)
    await connection.runtime.sleep(50 * 2 ** round * (0.5 + connection.runtime.random()))
  }
}

/** At once, which also shows a server that looks first and puts later; one after the other where that led to nothing. */
async function race(connection: S3Connection, [one, two]: [S3Create, S3Create], round: number): Promise<ConditionalPut[]> {
  if (round === 1) return Promise.all([putIfAbsent(connection, one), putIfAbsent(connection, two)])
  return [await putIfAbsent(connection, one), await putIfAbsent(connection, two)]
}

function unclear({ path, location }: S3Attempt): AlluviumError {
  const problem = `could not find out whether creates in ${location} are exclusive: the server gave no clear answer. Try again.`
  return new AlluviumError('STORAGE_UNAVAILABLE', problem, { path, location, applied: false })
}

function isRefusal(answer: ConditionalPut): boolean {
  return answer.kind === 'exists' || answer.kind === 'conflict'
}

/** In the background: nobody waits for it, and what a failure leaves is one hidden byte. */
function remove(connection: S3Connection, place: S3Place, key: string, attempt: S3Attempt): void {
  connection
    .send((client, sdk, options) => client.send(new sdk.DeleteObjectCommand({ Bucket: place.bucket, Key: key }), options), { attempt })
    .catch(() => {})
}

function unlessAborted(probing: Promise<boolean>, signal: AbortSignal, { location }: S3Place): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const stop = (): void =>
      reject(
        new AlluviumError(
          'ABORTED',
          `the caller aborted the self-test of ${location}; nothing was put in place.`,
          { location, applied: false },
          { cause: signal.reason },
        ),
      )
    if (signal.aborted) stop()
    else signal.addEventListener('abort', stop, { once: true })
    probing.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop))
  })
}
