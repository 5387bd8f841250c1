// What a server or a connection did that is no answer, and what it means: try elsewhere, try again, or give in.
// One rule: a fault has only texts that passed `plainText`, so that no token, cookie or stack of a server gets out through it.
import { AlluviumError, type ErrorCode } from '../../errors.js'

/** Why there is no answer. */
export type FaultKind =
  /** The server said so: a Java exception in JSON. */
  | 'exception'
  /** The server answered something else: a status without an exception, or a body that makes no sense. */
  | 'answer'
  /** No answer at all, or half of one. */
  | 'network'
  /** We refuse: a redirect to where we do not go, an answer larger than memory. */
  | 'refused'
  /** The caller's signal. */
  | 'aborted'

export interface FaultDetails {
  readonly kind: FaultKind
  /** The Java class without its package, 'HTTP 502', or the system's code. */
  readonly name: string
  readonly message: string
  /** The request surely never reached a server that would act on it. */
  readonly unsent?: boolean
  readonly code?: ErrorCode
  readonly cause?: unknown
}

/** Thrown inside this folder only; {@link storageError} makes of it what callers get. */
export class WebHdfsFault extends Error {
  readonly kind: FaultKind
  readonly unsent: boolean
  readonly code: ErrorCode | undefined

  constructor({ kind, name, message, unsent = false, code, cause }: FaultDetails) {
    super(plainText(message), cause === undefined ? {} : { cause })
    this.name = plainText(name)
    this.kind = kind
    this.unsent = unsent
    this.code = code
  }

  /** Another server, or the same a moment later, may well do it. */
  get passing(): boolean {
    if (this.kind === 'network') return true
    if (this.kind === 'answer') return /^HTTP (?:408|429|5\d\d)$/.test(this.name) || this.name === 'nonsense'
    return (
      this.kind === 'exception' && (PASSING.has(this.name) || this.isSafeMode || STANDBY_TEXT.test(this.message) || this.lacksDatanodes)
    )
  }

  /** An I/O failure that the cluster may overcome; worth a few tries, not a wait. */
  get maybePassing(): boolean {
    return (
      this.kind === 'exception' && !CERTAIN.has(this.name) && !this.passing && this.storageCode === 'STORAGE_UNAVAILABLE' && !this.isFolder
    )
  }

  /** The namenode asked is not the one that answers now. */
  get isStandby(): boolean {
    return this.kind === 'exception' && (this.name === 'StandbyException' || STANDBY_TEXT.test(this.message))
  }

  /** No datanode is up, or none has reported the block yet, as after a restart. */
  get lacksDatanodes(): boolean {
    return (
      this.kind === 'exception' &&
      /Failed to find datanode|No active nodes contain|There are 0 datanode|[1-9]\d* node\(s\) are excluded/i.test(this.message)
    )
  }

  get isSafeMode(): boolean {
    return this.kind === 'exception' && (this.name === 'SafeModeException' || /\bin safe mode\b/i.test(this.message))
  }

  get isMissing(): boolean {
    return this.kind === 'exception' && (MISSING.has(this.name) || this.isBelowFile)
  }

  /** A part of the path is a file. For users who are not superusers HDFS says so as a matter of permissions. */
  get isBelowFile(): boolean {
    return (
      this.name === 'ParentNotDirectoryException' || (this.name === 'AccessControlException' && /\(is not a directory\)/.test(this.message))
    )
  }

  get isTaken(): boolean {
    return this.kind === 'exception' && this.name === 'FileAlreadyExistsException'
  }

  /** The name belongs to a folder. */
  get isFolder(): boolean {
    return this.kind === 'exception' && /must both be (?:files|directories)|is a directory\b/i.test(this.message)
  }

  /** Whether the request surely changed nothing: it never got there, or a namenode refused it by itself. */
  get changedNothing(): boolean {
    if (this.unsent || this.kind === 'refused') return true
    if (this.kind !== 'exception') return false
    return (
      CERTAIN.has(this.name) ||
      this.isStandby ||
      this.isSafeMode ||
      this.isFolder ||
      this.isBelowFile ||
      this.storageCode === 'STORAGE_FULL'
    )
  }

  get storageCode(): ErrorCode {
    if (this.code !== undefined) return this.code
    if (this.kind === 'aborted') return 'ABORTED'
    if (this.name === 'HTTP 401' || this.name === 'HTTP 403') return 'PERMISSION_DENIED'
    if (this.kind !== 'exception' || this.isBelowFile) return 'STORAGE_UNAVAILABLE'
    if (DENIED.has(this.name)) return 'PERMISSION_DENIED'
    if (FULL.has(this.name) || (FULL_TEXT.test(this.message) && !this.lacksDatanodes)) return 'STORAGE_FULL'
    return 'STORAGE_UNAVAILABLE'
  }
}

/** What was being done, for the message and the facts. */
export interface HdfsAttempt {
  /** As in "could not {doing} 'path'". */
  readonly doing: string
  readonly path: string
  readonly location: string
  /** Of calls that put something in place. */
  readonly applied?: false | 'unknown' | undefined
}

const PASSING = new Set([
  'StandbyException',
  'RetriableException',
  'ObserverRetryOnActiveException',
  'ServerTooBusyException',
  // Between a datanode or HttpFS and the namenode: its connection ended, or nothing listens while the namenode restarts.
  'EOFException',
  'ConnectException',
  'ConnectTimeoutException',
  'SocketException',
  'SocketTimeoutException',
  'NoRouteToHostException',
  'ClosedChannelException',
  'ClosedByInterruptException',
])
const STANDBY_TEXT = /not supported in state standby/i
const MISSING = new Set(['FileNotFoundException', 'PathNotFoundException', 'PathIsNotDirectoryException', 'NotDirectoryException'])
const DENIED = new Set([
  'AccessControlException',
  'AuthorizationException',
  'AuthenticationException',
  'SecurityException',
  'InvalidToken',
  'InvalidEncryptionKeyException',
])
const FULL = new Set([
  'QuotaExceededException',
  'NSQuotaExceededException',
  'DSQuotaExceededException',
  'QuotaByStorageTypeExceededException',
  'DiskOutOfSpaceException',
])
const FULL_TEXT = /\b(?:quota of .* is exceeded|Out of space|No space left on device|could only be written to 0 of)\b/i
/** Exceptions a namenode throws before it changes anything. Others may come from a call whose answer it did not get either. */
const CERTAIN = new Set([
  ...DENIED,
  ...FULL,
  ...MISSING,
  'FileAlreadyExistsException',
  'ParentNotDirectoryException',
  'PathIsNotEmptyDirectoryException',
  'IllegalArgumentException',
  'InvalidPathException',
  'UnsupportedOperationException',
  'HadoopIllegalArgumentException',
  'PathComponentTooLongException',
  'MaxDirectoryItemsExceededException',
  'SafeModeException',
  'StandbyException',
  'RetriableException',
  'ObserverRetryOnActiveException',
])

/** What each code asks of the reader of a message. */
const ADVICE: Readonly<Partial<Record<ErrorCode, string>>> = {
  PERMISSION_DENIED: 'Check the user, the token or ticket, and the permissions of the folder',
  STORAGE_FULL: 'Free some space or raise the quota and try again',
  LIMIT_EXCEEDED: 'Read it in ranges',
  INVALID_OPTIONS: 'Then try again',
  STORAGE_UNAVAILABLE: 'Check the namenodes and datanodes and try again',
}

/**
 * Turns whatever was thrown into an {@link AlluviumError}; passes ours and callers' own mistakes through. The cause is made anew:
 * `hide` takes the secrets of this store out of all texts that leave.
 */
export function storageError(error: unknown, attempt: HdfsAttempt, hide: (text: string) => string): AlluviumError {
  if (error instanceof AlluviumError) return error
  if (error instanceof TypeError || error instanceof RangeError) throw error
  const { doing, path, location, applied } = attempt
  const what = `could not ${doing} '${path}' in ${location}`
  if (!(error instanceof WebHdfsFault)) {
    return new AlluviumError('STORAGE_UNAVAILABLE', `${what}: ${hide(plainText(String(error)))}.`, factsOf(attempt))
  }
  if (error.kind === 'aborted') {
    const outcome = applied === 'unknown' ? '; it may have been put in place' : applied === false ? '; nothing was put in place' : ''
    const problem = `the caller aborted an attempt to ${doing} '${path}' in ${location}${outcome}.`
    return new AlluviumError('ABORTED', problem, factsOf(attempt), { cause: error.cause })
  }
  const code = error.storageCode
  const [name, message] = [hide(error.name), hide(error.message)]
  const lasting = code === 'STORAGE_UNAVAILABLE' && !error.passing && !error.maybePassing && error.kind !== 'answer'
  const facts = { ...factsOf(attempt), reason: name, ...(lasting ? { lasting: true } : {}) }
  const cause = Object.assign(new Error(message), { name })
  return new AlluviumError(code, `${what}: ${sentence(`${name}: ${message}`)} ${adviceFor(error)}.`, facts, { cause })
}

/** The fault of a signal that fired. */
export function abortedFault(signal: AbortSignal): WebHdfsFault {
  return new WebHdfsFault({ kind: 'aborted', name: 'aborted', message: 'the caller aborted', cause: signal.reason })
}

/** Throws {@link abortedFault} when the signal has fired. */
export function stopIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw abortedFault(signal)
}

/** An answer that is not what the protocol says. */
export function nonsense(problem: string): WebHdfsFault {
  return new WebHdfsFault({ kind: 'answer', name: 'nonsense', message: problem })
}

/** The first line of a text, short, without control characters and without what looks like a token or a cookie. */
export function plainText(text: string): string {
  const line = (text.split(/[\r\n]/, 1)[0] as string).replace(/\p{Cc}/gu, ' ').trim()
  const plain = line.replace(
    /((?:delegation|token|hadoop\.auth|signature|password|negotiate|bearer|basic)["']?\s*[=: ]\s*)[^\s&;,)]+/gi,
    '$1…',
  )
  return plain.length > 500 ? `${plain.slice(0, 500)}…` : plain
}

function adviceFor(fault: WebHdfsFault): string {
  if (fault.isFolder) return 'A folder has this name; remove it or use another path'
  if (fault.lacksDatanodes) return 'Check that datanodes are up and have room, and try again'
  if (fault.isSafeMode) return 'It ends by itself or by hdfs dfsadmin -safemode leave'
  return ADVICE[fault.storageCode] ?? 'Try again'
}

function factsOf({ path, location, applied }: HdfsAttempt): Record<string, unknown> {
  return { path, location, ...(applied === undefined ? {} : { applied }) }
}

function sentence(text: string): string {
  return /[.!?…]$/.test(text) ? text : `${text}.`
}
