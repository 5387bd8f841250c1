// An S3 endpoint in this process: objects in memory, over real HTTP on the loopback address.
import { S3_FLAVOURS, type S3FlavourName } from './s3-flavours.js'
import type { MultipartUpload } from './s3-multipart.js'
import { makeObject, S3Service } from './s3-service.js'
import type { S3Credentials } from './s3-signature.js'
import { S3Bucket, type S3Object } from './s3-store.js'
import { type Emulator, EmulatorCore, type EmulatorOptions } from './server.js'

export interface S3EmulatorOptions extends EmulatorOptions {
  /** Whose ways it has; `aws` by default. */
  readonly flavour?: S3FlavourName
  /** Buckets it begins with; one named `tables` by default. */
  readonly buckets?: readonly string[]
  /** Who may use it. Requests are refused unless signed with these. */
  readonly credentials?: S3Credentials
  /** A free one by default. */
  readonly port?: number
}

/** A running S3 emulator. */
export interface S3Emulator extends Emulator {
  /** `http://127.0.0.1:PORT`, for path-style requests. */
  readonly endpoint: string
  readonly region: string
  readonly credentials: S3Credentials
  /** What the AWS SDK and other engines read from the environment; with `AWS_ALLOW_HTTP` for those that ask. */
  readonly env: Readonly<Record<string, string>>
  /** An object as it is in the store; no request, no fault. */
  object(bucket: string, key: string): S3Object | undefined
  /** All keys of a bucket that begin with a prefix, in order. */
  keys(bucket: string, prefix?: string): string[]
  /** Puts objects without requests, for tables that a test begins with. */
  load(bucket: string, objects: Iterable<readonly [key: string, bytes: Uint8Array, modifiedMs?: number]>): void
  /** Multipart uploads that were neither completed nor aborted. */
  readonly openUploads: readonly MultipartUpload[]
}

/**
 * Starts an S3 endpoint in this process, with faults where asked for. Stop it when done (`await using` does).
 *
 * @example
 * await using s3 = await startS3Emulator({ latencyMs: 60, faults: seededFaults({ seed: 1, rate: 0.05 }) })
 * const client = new S3Client({ endpoint: s3.endpoint, region: s3.region, credentials: s3.credentials, forcePathStyle: true })
 * s3.inject({ kind: 'PutObject', path: /_delta_log/, fault: 'reset-after' })
 * await client.send(new PutObjectCommand({ Bucket: 'tables', Key: 'a', Body: 'x', IfNoneMatch: '*' }))
 * console.log(s3.count('PutObject'), s3.log.at(-1)?.status)
 */
export async function startS3Emulator(options: S3EmulatorOptions = {}): Promise<S3Emulator> {
  const credentials = options.credentials ?? { accessKeyId: 'emulated', secretAccessKey: 'emulated-secret' }
  const service = new S3Service(S3_FLAVOURS[options.flavour ?? 'aws'], credentials)
  for (const bucket of options.buckets ?? ['tables']) service.buckets.set(bucket, new S3Bucket())
  const emulator = new RunningS3(options, service, credentials)
  emulator.port = (await emulator.listen('s3', service, options.port)).port
  return emulator
}

class RunningS3 extends EmulatorCore implements S3Emulator {
  port = 0
  readonly region = 'us-east-1'
  readonly credentials: S3Credentials
  readonly #service: S3Service

  constructor(options: EmulatorOptions, service: S3Service, credentials: S3Credentials) {
    super(options)
    this.#service = service
    this.credentials = credentials
  }

  get endpoint(): string {
    return `http://127.0.0.1:${this.port}`
  }

  get env(): Readonly<Record<string, string>> {
    const { accessKeyId, secretAccessKey, sessionToken } = this.credentials
    return {
      AWS_ENDPOINT_URL: this.endpoint,
      AWS_ACCESS_KEY_ID: accessKeyId,
      AWS_SECRET_ACCESS_KEY: secretAccessKey,
      ...(sessionToken === undefined ? {} : { AWS_SESSION_TOKEN: sessionToken }),
      AWS_REGION: this.region,
      AWS_DEFAULT_REGION: this.region,
      AWS_ALLOW_HTTP: 'true',
    }
  }

  get openUploads(): readonly MultipartUpload[] {
    return this.#service.openUploads
  }

  object(bucket: string, key: string): S3Object | undefined {
    return this.#bucket(bucket).get(key)
  }

  keys(bucket: string, prefix = ''): string[] {
    const keys: string[] = []
    for (const key of this.#bucket(bucket).keysFrom(prefix)) {
      if (!key.startsWith(prefix)) break
      keys.push(key)
    }
    return keys
  }

  load(bucket: string, objects: Iterable<readonly [key: string, bytes: Uint8Array, modifiedMs?: number]>): void {
    const made = [...objects].map(([key, bytes, modifiedMs]) => makeObject(key, bytes, modifiedMs === undefined ? {} : { modifiedMs }))
    this.#bucket(bucket).load(made)
  }

  #bucket(name: string): S3Bucket {
    const bucket = this.#service.buckets.get(name)
    if (bucket === undefined) throw new TypeError(`the emulator has no bucket '${name}'`)
    return bucket
  }
}
