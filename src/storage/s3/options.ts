// What an S3 store may be told, and the URL it is opened by.
// One rule: whatever is wrong is said without repeating a value; a URL that carries credentials is refused.
import { z } from 'zod'
import { AlluviumError } from '../../errors.js'
import type { Runtime } from '../../runtime.js'
import { checkOptions, countField, flagField, textField } from '../options.js'
import { checkFolderPath } from '../path.js'

/** Options of an S3 store. What is left out the AWS SDK looks for itself: environment, profiles, instance roles. */
export interface S3Options {
  /** The server's URL, for stores other than AWS (`http://127.0.0.1:9000`). */
  readonly endpoint?: string
  readonly region?: string
  readonly accessKeyId?: string
  readonly secretAccessKey?: string
  readonly sessionToken?: string
  /** A profile of the AWS configuration files. */
  readonly profile?: string
  /** Certificates to trust for TLS in place of the system's: PEM text, or the path of a PEM file. */
  readonly ca?: string
  /** `endpoint/bucket/key` in place of `bucket.endpoint/key`. True for a custom endpoint unless said otherwise. */
  readonly forcePathStyle?: boolean
  /**
   * Declares that nobody but this process ever writes the table. Then a store that ignores `If-None-Match` can be written
   * too; with a second writer commits will be lost.
   */
  readonly singleWriter?: boolean
  /** Requests in flight at once over the whole store; 128 by default. */
  readonly maxRequests?: number
  /** Tries of one request that may be repeated; 10 by default, over about 20 seconds. */
  readonly maxAttempts?: number
  /** A connection on which nothing moves for so long is given up; 30,000 milliseconds by default. */
  readonly stallTimeoutMs?: number
  /** Size of the parts a large object is streamed in; 8 MiB by default. An object has 10,000 parts at most. */
  readonly partBytes?: number
  /** Time and randomness; the machine's own by default. */
  readonly runtime?: Runtime
}

/** The options as they are used. */
export interface S3Settings extends Omit<S3Options, 'runtime'> {
  readonly singleWriter: boolean
  readonly maxRequests: number
  readonly maxAttempts: number
  readonly stallTimeoutMs: number
  readonly partBytes: number
}

const MIB = 2 ** 20

/** The schema of {@link S3Options}, texts of a command line included. */
export const s3Options: z.ZodObject = z.strictObject({
  endpoint: textField()
    .refine(isPlainEndpoint, { error: 'must be an http:// or https:// URL without user, password, query or fragment' })
    .optional(),
  region: textField().optional(),
  accessKeyId: textField().optional(),
  secretAccessKey: textField().optional(),
  sessionToken: textField().optional(),
  profile: textField().optional(),
  ca: textField().optional(),
  forcePathStyle: flagField().optional(),
  singleWriter: flagField().default(false),
  maxRequests: countField(1, 1024).default(128),
  maxAttempts: countField(1, 100).default(10),
  stallTimeoutMs: countField(100, 3_600_000).default(30_000),
  partBytes: countField(5 * MIB, 512 * MIB).default(8 * MIB),
})

/** Checks options. @throws AlluviumError `INVALID_OPTIONS` with every fault. */
export function s3Settings(options: S3Options): S3Settings {
  const { runtime: _, ...rest } = options
  return checkOptions<S3Settings>(s3Options, rest, 'S3', relations)
}

function relations(has: (name: string) => boolean): string[] {
  const faults: string[] = []
  if (has('accessKeyId') && !has('secretAccessKey')) faults.push('secretAccessKey is missing beside accessKeyId')
  if (has('secretAccessKey') && !has('accessKeyId')) faults.push('accessKeyId is missing beside secretAccessKey')
  if (has('sessionToken') && !has('accessKeyId')) faults.push('sessionToken goes with accessKeyId and secretAccessKey')
  if (has('profile') && has('accessKeyId')) faults.push('profile and accessKeyId exclude each other')
  return faults
}

/** A bucket, and the keys in it that begin with `prefix` and a slash (all of them for ''). */
export interface S3Place {
  readonly bucket: string
  readonly prefix: string
  /** The URL without anything secret. */
  readonly location: string
}

/**
 * Takes `s3://bucket/path` apart. The path is taken as it stands, as in other tools: a key with `%20` in it is written so.
 *
 * @throws AlluviumError `INVALID_OPTIONS`
 */
export function parseS3Url(url: string): S3Place {
  const match = /^s3a?:\/\/([^/]*)(?:\/(.*))?$/is.exec(url)
  const [bucket, path] = [match?.[1] ?? '', (match?.[2] ?? '').replace(/\/+$/, '')]
  if (bucket.includes('@') || bucket.includes(':')) {
    throw invalidUrl('names a user, a password or a port where the bucket belongs; credentials and endpoint are storage options')
  }
  if (match === null || !/^[a-zA-Z0-9][a-zA-Z0-9._-]{1,253}$/.test(bucket))
    throw invalidUrl('has no valid bucket name; write s3://bucket/path')
  try {
    checkFolderPath(path)
  } catch (error) {
    throw invalidUrl(`has a path that is none below a bucket: ${(error as Error).message}`)
  }
  return { bucket, prefix: path, location: path === '' ? `s3://${bucket}` : `s3://${bucket}/${path}` }
}

function invalidUrl(problem: string): AlluviumError {
  return new AlluviumError('INVALID_OPTIONS', `the S3 URL ${problem}`, { scheme: 's3' })
}

function isPlainEndpoint(text: string): boolean {
  try {
    const { protocol, username, password, search, hash } = new URL(text)
    return (protocol === 'http:' || protocol === 'https:') && username === '' && password === '' && search === '' && hash === ''
  } catch {
    return false
  }
}
