// Listings: pages of the service, complete and in the order of UTF-8 bytes, or an error.
// One rule: an answer that cannot be complete (cut off without saying how to go on, out of order) is never taken for the end.
import { compareText } from '../../bytes.js'
import { AlluviumError } from '../../errors.js'
import { isTemporaryName, leafName } from '../path.js'
import type { ObjectInfo } from '../storage.js'
import type { S3Connection } from './connection.js'
import type { S3Attempt } from './failure.js'
import { decodeKey, keyBefore, keyOf, pathOf, prefixOf } from './keys.js'
import type { S3Place } from './options.js'

export interface S3Listing {
  readonly folder: string
  readonly from: string | undefined
  readonly recursive: boolean
  readonly signal: AbortSignal | undefined
}

interface Page {
  readonly keys: readonly { readonly key: string; readonly sizeBytes: number; readonly modifiedMs: number }[]
  readonly next: string | undefined
}

/** The pages of a listing as the contract has them. */
export async function* listS3(connection: S3Connection, place: S3Place, listing: S3Listing): AsyncGenerator<readonly ObjectInfo[]> {
  const { folder, from, recursive } = listing
  const attempt: S3Attempt = { doing: 'list', path: folder, location: place.location }
  const prefix = prefixOf(place, folder)
  let startAfter: string | undefined
  if (from !== undefined) {
    const before = keyBefore(keyOf(place, from))
    if (before > prefix) startAfter = before
  }
  let token: string | undefined
  let last: string | undefined
  do {
    const page: Page = await readPage(connection, place, { prefix, recursive, startAfter, token, signal: listing.signal }, attempt)
    if (page.next !== undefined && page.next === token) throw brokenListing(attempt, 'it repeats the same page for ever')
    token = page.next
    const objects: ObjectInfo[] = []
    for (const { key, sizeBytes, modifiedMs } of page.keys) {
      const order = last === undefined ? 1 : compareText(key, last)
      if (order < 0) throw brokenListing(attempt, 'it is not in the order of names')
      last = key
      if (order === 0 || !key.startsWith(prefix)) continue
      const path = pathOf(place, key)
      if (path === undefined || isTemporaryName(leafName(path))) continue
      if (from !== undefined && compareText(path, from) < 0) continue
      objects.push({ path, sizeBytes, modifiedMs })
    }
    if (objects.length > 0) yield objects
  } while (token !== undefined)
}

async function readPage(
  connection: S3Connection,
  place: S3Place,
  query: {
    readonly prefix: string
    readonly recursive: boolean
    readonly startAfter: string | undefined
    readonly token: string | undefined
    readonly signal: AbortSignal | undefined
  },
  attempt: S3Attempt,
): Promise<Page> {
  const answer = await connection.request(
    (client, sdk, options) =>
      client.send(
        new sdk.ListObjectsV2Command({
          Bucket: place.bucket,
          Prefix: query.prefix,
          // Names may hold characters that XML cannot.
          EncodingType: 'url',
          ...(query.recursive ? {} : { Delimiter: '/' }),
          ...(query.token === undefined ? {} : { ContinuationToken: query.token }),
          ...(query.startAfter === undefined ? {} : { StartAfter: query.startAfter }),
        }),
        options,
      ),
    { attempt, signal: query.signal },
  )
  if (answer.IsTruncated === true && (answer.NextContinuationToken ?? '') === '') throw brokenListing(attempt, 'it ends without its end')
  const keys = (answer.Contents ?? []).map(({ Key, Size, LastModified }) => {
    if (Key === undefined || Size === undefined) throw brokenListing(attempt, 'it names an object without name or size')
    // HEAD knows whole seconds only; both should say the same.
    const modifiedMs = Math.floor((LastModified?.getTime() ?? 0) / 1000) * 1000
    return { key: decodeKey(Key, answer.EncodingType), sizeBytes: Size, modifiedMs }
  })
  return { keys, next: answer.IsTruncated === true ? answer.NextContinuationToken : undefined }
}

function brokenListing({ path, location }: S3Attempt, problem: string): AlluviumError {
  return new AlluviumError(
    'STORAGE_UNAVAILABLE',
    `could not list '${path}' in ${location}: the server's answer cannot be relied on, ${problem}. Use a store that lists as S3 does (S3 Express does not).`,
    { path, location, lasting: true },
  )
}
