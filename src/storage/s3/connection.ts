// The connection to one S3 service: the SDK loaded when it is first needed, its client, how many requests are in flight, and
// the repetition of those that may be repeated.
// One rule: the SDK itself repeats nothing; whether a request may be sent again is decided by whoever sends it.
import type { S3Client } from '@aws-sdk/client-s3'
import { AlluviumError } from '../../errors.js'
import type { Runtime } from '../../runtime.js'
import { failureOf, type S3Attempt, type S3Failure, s3Aborted, s3Error, stopIfAborted } from './failure.js'
import { follow } from './follow.js'
import type { S3Settings } from './options.js'

/** The module of the SDK. */
export type S3Sdk = typeof import('@aws-sdk/client-s3')

/** One request as it is sent: the client, the SDK's commands, and what to hand to `send`. */
export type S3Request<T> = (client: S3Client, sdk: S3Sdk, options: { readonly abortSignal?: AbortSignal }) => Promise<T>

/** How a request that failed is repeated. */
export interface S3Call {
  readonly attempt: S3Attempt
  readonly signal?: AbortSignal | undefined
  /** Sends once only, whatever comes back. */
  readonly once?: boolean
}

interface Connected {
  readonly client: S3Client
  readonly sdk: S3Sdk
  readonly service: string
}

const FIRST_PAUSE_MS = 100
const LONGEST_PAUSE_MS = 5000
const LONGEST_RETRY_AFTER_MS = 30_000
const CONNECT_TIMEOUT_MS = 5000
/** Tries against a server that has never answered: its address is likelier wrong than its state. */
const FIRST_CONNECT_ATTEMPTS = 4

/** Thrown out of a call so that its maker can tell what happened; becomes an AlluviumError before it leaves this folder. */
export class S3RequestFailed extends Error {
  readonly failure: S3Failure
  /** Whether an earlier try of the same call may have been carried out. */
  readonly outstanding: boolean

  constructor(failure: S3Failure, outstanding: boolean) {
    super(`S3: ${failure.reason}`)
    this.name = 'S3RequestFailed'
    this.failure = failure
    this.outstanding = outstanding
  }
}

export class S3Connection {
  readonly runtime: Runtime
  readonly #settings: S3Settings
  #connected: Promise<Connected> | undefined
  #hasAnswered = false
  #inFlight = 0
  readonly #waiting: (() => void)[] = []

  constructor(settings: S3Settings, runtime: Runtime) {
    this.#settings = settings
    this.runtime = runtime
  }

  /** The service's endpoint, or 'aws'. For telling services apart, never for a message. */
  async service(): Promise<string> {
    return (await this.#connect()).service
  }

  /**
   * Sends a request, again where that may help, and answers what `request` made of the answer.
   * @throws S3RequestFailed; AlluviumError `ABORTED` and whatever `request` throws of ours
   */
  async send<T>(request: S3Request<T>, call: S3Call): Promise<T> {
    const { signal, attempt } = call
    let outstanding = false
    for (let tries = 1; ; tries++) {
      stopIfAborted(signal, attempt)
      try {
        return await this.#sendOnce(request, call)
      } catch (error) {
        if (error instanceof AlluviumError) throw error
        if (signal?.aborted) throw s3Aborted(signal, attempt, 'unknown')
        const failure = failureOf(error)
        if (failure.status !== undefined) this.#hasAnswered = true
        const limit = this.#hasAnswered ? this.#settings.maxAttempts : Math.min(FIRST_CONNECT_ATTEMPTS, this.#settings.maxAttempts)
        // The SDK has learned the server's clock from this answer and signs by it from now on.
        const skewed = failure.reason === 'RequestTimeTooSkewed' && tries === 1
        if (!skewed && (call.once === true || !failure.transient || tries >= limit)) throw new S3RequestFailed(failure, outstanding)
        outstanding ||= failure.applied === 'unknown'
        if (!skewed) await this.#pause(tries, failure.retryAfterMs, signal, attempt, outstanding)
      }
    }
  }

  /** {@link send} with failures as errors of the contract. */
  async request<T>(request: S3Request<T>, call: S3Call): Promise<T> {
    try {
      return await this.send(request, call)
    } catch (error) {
      throw error instanceof S3RequestFailed ? s3Error(error.failure, call.attempt) : error
    }
  }

  async #sendOnce<T>(request: S3Request<T>, { signal, attempt }: S3Call): Promise<T> {
    const { client, sdk } = await this.#connect()
    await this.#enter()
    const followed = follow(signal)
    try {
      stopIfAborted(signal, attempt)
      const answer = await request(client, sdk, { abortSignal: followed.controller.signal })
      this.#hasAnswered = true
      return answer
    } finally {
      followed.release()
      this.#leave()
    }
  }

  async #pause(
    tries: number,
    retryAfterMs: number | undefined,
    signal: AbortSignal | undefined,
    attempt: S3Attempt,
    outstanding: boolean,
  ): Promise<void> {
    const backoffMs = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (tries - 1)) * (0.5 + this.runtime.random() / 2)
    const askedMs = Math.min(retryAfterMs ?? 0, LONGEST_RETRY_AFTER_MS) * (1 + this.runtime.random() / 4)
    const followed = follow(signal)
    try {
      await this.runtime.sleep(Math.max(backoffMs, askedMs), followed.controller.signal)
    } catch (error) {
      if (signal?.aborted) throw s3Aborted(signal, attempt, outstanding ? 'unknown' : false)
      throw error
    } finally {
      followed.release()
    }
  }

  async #enter(): Promise<void> {
    if (this.#inFlight >= this.#settings.maxRequests) await new Promise<void>((resolve) => this.#waiting.push(resolve))
    else this.#inFlight++
  }

  #leave(): void {
    const next = this.#waiting.shift()
    if (next === undefined) this.#inFlight--
    else next()
  }

  #connect(): Promise<Connected> {
    this.#connected ??= connect(this.#settings).catch((error) => {
      this.#connected = undefined
      throw error
    })
    return this.#connected
  }
}

async function connect(settings: S3Settings): Promise<Connected> {
  const { sdk, NodeHttpHandler } = await loadSdk()
  const { maxRequests, stallTimeoutMs, region, accessKeyId, secretAccessKey, sessionToken, profile } = settings
  const agent = { keepAlive: true, maxSockets: maxRequests }
  const requestHandler = new NodeHttpHandler({
    connectionTimeout: Math.min(CONNECT_TIMEOUT_MS, stallTimeoutMs),
    socketTimeout: stallTimeoutMs,
    httpAgent: agent,
    httpsAgent: settings.ca === undefined ? agent : { ...agent, ca: settings.ca },
    logger: undefined,
  } as ConstructorParameters<typeof NodeHttpHandler>[0])
  const base = {
    requestHandler,
    maxAttempts: 1,
    // With it the SDK opens a new connection for every body of 2 MiB or more, and never uses one again.
    expectContinueHeader: false,
    ...(region === undefined ? {} : { region }),
    ...(profile === undefined ? {} : { profile }),
    ...(accessKeyId === undefined || secretAccessKey === undefined
      ? {}
      : { credentials: { accessKeyId, secretAccessKey, ...(sessionToken === undefined ? {} : { sessionToken }) } }),
  }
  const { forcePathStyle } = settings
  const first = new sdk.S3Client(forcePathStyle === undefined ? base : { ...base, forcePathStyle })
  const endpoint = settings.endpoint ?? (await configuredEndpoint(first))
  if (endpoint === undefined) return { client: first, sdk, service: 'aws' }
  // Servers other than AWS: path style, and no checksums that not all of them understand. Bodies are signed with their SHA-256 anyway.
  const client = new sdk.S3Client({
    ...base,
    ...((await hasRegion(first)) ? {} : { region: 'us-east-1' }),
    endpoint,
    forcePathStyle: forcePathStyle ?? true,
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
  })
  return { client, sdk, service: endpoint }
}

/** What the environment or a profile says of the endpoint, by the SDK's own rules. */
async function configuredEndpoint(client: S3Client): Promise<string | undefined> {
  const config = client.config as { serviceConfiguredEndpoint?: () => Promise<unknown> }
  const endpoint = await config.serviceConfiguredEndpoint?.()
  return typeof endpoint === 'string' && endpoint !== '' ? endpoint : undefined
}

async function hasRegion(client: S3Client): Promise<boolean> {
  return client.config.region().then(
    () => true,
    () => false,
  )
}

async function loadSdk(): Promise<{ sdk: S3Sdk; NodeHttpHandler: typeof import('@smithy/node-http-handler')['NodeHttpHandler'] }> {
  try {
    const [sdk, { NodeHttpHandler }] = await Promise.all([import('@aws-sdk/client-s3'), import('@smithy/node-http-handler')])
    return { sdk, NodeHttpHandler }
  } catch (cause) {
    throw new AlluviumError(
      'INVALID_OPTIONS',
      'S3 tables need the AWS SDK, which is not installed: npm install @aws-sdk/client-s3 @smithy/node-http-handler',
      { packages: ['@aws-sdk/client-s3', '@smithy/node-http-handler'], applied: false },
      { cause },
    )
  }
}
