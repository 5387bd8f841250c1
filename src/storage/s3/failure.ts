// What a failed request means: which error of ours, whether anything may have been done, whether trying again can help.
// One rule: only the code and the status decide, never a message; and nothing of the SDK's error objects is kept, because
// they carry headers and answers in which credentials can stand.
import { AlluviumError, type ErrorCode } from '../../errors.js'

/** A failed request, understood. */
export interface S3Failure {
  readonly code: ErrorCode
  readonly text: string
  /** The service's or the system's own name for it, for facts. */
  readonly reason: string
  readonly status: number | undefined
  /** `false` when the request was surely not carried out and will not be. */
  readonly applied: false | 'unknown'
  /** The same request may succeed later. */
  readonly transient: boolean
  /** What the server asked to wait, milliseconds. */
  readonly retryAfterMs: number | undefined
}

/** What was being done, for messages and facts. */
export interface S3Attempt {
  /** As in "could not {doing} 'path'". */
  readonly doing: string
  readonly path: string
  readonly location: string
}

interface RawError {
  readonly name?: unknown
  readonly Code?: unknown
  readonly code?: unknown
  readonly message?: unknown
  readonly syscall?: unknown
  readonly Region?: unknown
  readonly $metadata?: { readonly httpStatusCode?: number }
  readonly $response?: { readonly statusCode?: number; readonly headers?: Readonly<Record<string, string>> }
}

type Verdict = Pick<S3Failure, 'code' | 'text' | 'transient'> & { readonly applied?: 'unknown' }

const DENIED = (why: string): Verdict => ({ code: 'PERMISSION_DENIED', text: why, transient: false })
const AWAY = (why: string): Verdict => ({ code: 'STORAGE_UNAVAILABLE', text: why, transient: true, applied: 'unknown' })
const LASTING = (why: string): Verdict => ({ code: 'STORAGE_UNAVAILABLE', text: why, transient: false })
const FULL: Verdict = { code: 'STORAGE_FULL', text: 'the store has no room left. Free some space or raise the quota', transient: false }
const ELSEWHERE: Verdict = {
  code: 'INVALID_OPTIONS',
  text: 'the bucket is in another region than the request was signed for. Set the region option or AWS_REGION',
  transient: false,
}
const KEYS = 'Check the access key, the secret and the session token'

/** Codes of the service, and what they mean to us. A status alone decides for all others. */
const BY_NAME: Readonly<Record<string, Verdict>> = {
  AccessDenied: DENIED(
    'access is denied. Allow the credentials in use to get, put, list and delete there (S3 answers so for a missing object too, unless s3:ListBucket is allowed)',
  ),
  AllAccessDisabled: DENIED('all access to the bucket is disabled'),
  InvalidAccessKeyId: DENIED(`the access key is not known there. ${KEYS}`),
  XAdminUserNotFound: DENIED(`the access key is not known there. ${KEYS}`),
  SignatureDoesNotMatch: DENIED(`the signature does not match: the secret is another one. ${KEYS}`),
  ExpiredToken: DENIED('the session token has expired. Get a new one'),
  TokenRefreshRequired: DENIED('the session token has expired. Get a new one'),
  InvalidToken: DENIED(`the session token is not valid there. ${KEYS}`),
  InvalidTokenId: DENIED(`the session token is not valid there. ${KEYS}`),
  RequestTimeTooSkewed: DENIED("this machine's clock differs too much from the server's. Set it right"),
  CredentialsProviderError: DENIED(
    'no credentials were found. Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, a profile, or the storage options accessKeyId and secretAccessKey',
  ),
  NoSuchBucket: LASTING('the bucket does not exist. Make it first, or check its name'),
  PermanentRedirect: ELSEWHERE,
  TemporaryRedirect: ELSEWHERE,
  AuthorizationHeaderMalformed: ELSEWHERE,
  IllegalLocationConstraintException: ELSEWHERE,
  QuotaExceeded: FULL,
  StorageFull: FULL,
  XMinioStorageFull: FULL,
  InsufficientStorage: FULL,
  NotImplemented: LASTING('the server does not know this kind of request'),
  // The client never finished sending; a server that cuts a request short does not carry it out, but who knows.
  RequestTimeout: AWAY('the server waited too long for the request'),
  SlowDown: AWAY('the server asks to slow down'),
  ServiceUnavailable: AWAY('the server is not available'),
  InternalError: AWAY('the server failed'),
  OperationAborted: AWAY('another operation on the same object is under way'),
  ConditionalRequestConflict: AWAY('another operation on the same object is under way'),
  // versitygw answers so, now and then, on a connection it kept alive.
  BadRequest: { ...LASTING('the server could not read the request'), transient: true },
}

/** Failures before a request left this machine. */
const NEVER_SENT: ReadonlySet<string> = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH', 'EHOSTDOWN'])
/** TLS that will not come about by trying again. */
const TLS = /^(?:ERR_TLS|ERR_SSL|CERT_|EPROTO|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO_|HOSTNAME_MISMATCH)/

/** What the SDK calls an error whose text it could not make sense of. */
const UNREADABLE: ReadonlySet<string> = new Set(['', 'Error', 'SyntaxError', 'unknown', 'Unknown', 'UnknownError'])

/** Understands what a request threw. */
export function failureOf(error: unknown): S3Failure {
  const raw = (typeof error === 'object' && error !== null ? error : {}) as RawError
  const status = raw.$metadata?.httpStatusCode ?? raw.$response?.statusCode
  const reason = reasonOf(raw)
  const verdict = status === undefined ? withoutAnswer(raw, reason) : (BY_NAME[reason] ?? byStatus(status, reason))
  return {
    code: verdict.code,
    text: verdict.text,
    reason,
    status,
    applied: verdict.applied ?? false,
    transient: verdict.transient,
    retryAfterMs: retryAfterOf(raw),
  }
}

/** The error for a caller. `applied` only where the contract asks for it. */
export function s3Error(failure: S3Failure, attempt: S3Attempt, applied?: false | 'unknown'): AlluviumError {
  const { doing, path, location } = attempt
  const { code, text, reason, status, transient, retryAfterMs } = failure
  const facts = {
    path,
    location,
    reason,
    ...(status === undefined ? {} : { status }),
    ...(applied === undefined ? {} : { applied }),
    ...(transient ? {} : { lasting: true }),
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  }
  const answered = status === undefined ? reason : `${status} ${reason}`
  const cause = Object.assign(new Error(`S3: ${answered}`), { name: 'S3Failure' })
  return new AlluviumError(code, `could not ${doing} '${path}' in ${location}: ${text} (${answered}).`, facts, { cause })
}

/** The caller's signal fired. */
export function s3Aborted(signal: AbortSignal, attempt: S3Attempt, applied?: false | 'unknown'): AlluviumError {
  const { doing, path, location } = attempt
  const outcome = applied === 'unknown' ? 'it may be in place or may still land' : 'nothing was put in place'
  return new AlluviumError(
    'ABORTED',
    `the caller aborted an attempt to ${doing} '${path}' in ${location}; ${outcome}.`,
    { path, location, applied: applied ?? false },
    { cause: signal.reason },
  )
}

/** Throws {@link s3Aborted} when the signal has fired before anything was sent. */
export function stopIfAborted(signal: AbortSignal | undefined, attempt: S3Attempt): void {
  if (signal?.aborted) throw s3Aborted(signal, attempt, false)
}

function withoutAnswer(raw: RawError, reason: string): Verdict {
  if (reason === 'CredentialsProviderError' || reason === 'TokenProviderError') return BY_NAME.CredentialsProviderError as Verdict
  if (typeof raw.message === 'string' && raw.message === 'Region is missing') {
    return { code: 'INVALID_OPTIONS', text: 'no region is set. Set AWS_REGION or the storage option region', transient: false }
  }
  if (NEVER_SENT.has(reason) || raw.syscall === 'connect') {
    return { ...LASTING('no connection could be made. Check the endpoint and that the server runs'), transient: true }
  }
  if (TLS.test(reason)) return LASTING('no secure connection could be made. Check the endpoint (http or https) and its certificate')
  if (reason === 'ConnectTimeout') return { ...LASTING('no connection was made in time. Check the endpoint'), transient: true }
  if (reason === 'TimeoutError' || reason === 'ETIMEDOUT') return AWAY('the server did not answer in time')
  return AWAY('the connection broke')
}

function byStatus(status: number, reason: string): Verdict {
  if (status === 401 || status === 403) return DENIED(`access is denied. ${KEYS}, and what they allow`)
  if (status === 301 || status === 307) return ELSEWHERE
  if (status === 507) return FULL
  if (status === 408 || status === 429 || (status >= 500 && status !== 501)) return AWAY('the server is not available')
  if (status === 501) return BY_NAME.NotImplemented as Verdict
  // An answer that cannot be read: a proxy's page, a cut text. That something is missing is said by a code, or not said.
  if (status < 300 || (status === 404 && UNREADABLE.has(reason))) return AWAY('the answer could not be read')
  return LASTING(`the server refused it${reason === '' ? '' : ` as ${reason}`}`)
}

function reasonOf(raw: RawError): string {
  const timedOut = raw.name === 'TimeoutError' && typeof raw.message === 'string' && raw.message.includes('did not establish a connection')
  if (timedOut) return 'ConnectTimeout'
  const text = (value: unknown): string => (typeof value === 'string' && /^\w{1,60}$/.test(value) ? value : '')
  if (raw.$metadata?.httpStatusCode !== undefined || raw.$response !== undefined) return text(raw.Code) || text(raw.name) || 'unknown'
  return text(raw.code) || text(raw.name) || 'unknown'
}

function retryAfterOf(raw: RawError): number | undefined {
  const value = raw.$response?.headers?.['retry-after']
  if (value === undefined || !/^\d{1,5}$/.test(value)) return undefined
  return Number(value) * 1000
}
