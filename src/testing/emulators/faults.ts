// What can go wrong with a request, and which requests it happens to. Plain data and pure functions.
// One rule: a fault is what a real server, proxy or network can do; the stores behind them stay what they promise to be.

/** What the client gets to see. */
export type FaultyAnswer =
  /** The true answer. */
  | 'truth'
  /** The connection is reset. */
  | 'reset'
  /** Nothing, on an open connection, until the client gives up. */
  | 'silence'
  /** The true answer, its head at once and its body in pieces. */
  | 'slow'
  /** The true answer's head and half of its body (half of the head, where there is no body), then a closed connection. */
  | 'truncated'
  /** For listings: the true answer as it was some changes ago. Stores that are only eventually consistent do this. */
  | 'stale'
  /** For listings: a true page with fewer entries than were asked for, which says that more follow. */
  | 'short'
  /** An error of the server. */
  | { readonly status: number; readonly code: string; readonly retryAfterSeconds?: number }

/** What becomes of what the request asks for. */
export type FaultyEffect =
  /** Nothing. */
  | 'none'
  /** The request's body breaks off half way, with what that leaves (nothing in S3, a short file in HDFS). */
  | 'partial'
  | 'once'
  /** It happens after the answer, when some later requests have come. */
  | 'late'
  /** It happens, and a copy of the request comes at once (a proxy or an SDK that repeats): the client sees the second answer. */
  | 'twice'
  /** It happens, and once more when some later requests have come. */
  | 'echo'

/** One fault: what happens, and what is answered. */
export interface EmulatedFault {
  readonly answer: FaultyAnswer
  readonly effect: FaultyEffect
  /** For `late` and `echo`: how many later requests come first. 3 by default; `Infinity` leaves it to `land()`. */
  readonly landAfterRequests?: number
}

const internal = { status: 500, code: 'InternalError' } as const
const slowDown = { status: 503, code: 'SlowDown' } as const

/** The names of {@link FAULTS}. */
export type FaultName =
  | 'reset-before'
  | 'reset-during'
  | 'reset-after'
  | 'silence-before'
  | 'silence-after'
  | '500-before'
  | '500-after'
  | '503-before'
  | '503-after'
  | 'retry-after'
  | '409-before'
  | '412-after'
  | 'late-500'
  | 'late-reset'
  | 'late-silence'
  | 'twice'
  | 'echo'
  | 'slow'
  | 'truncated'
  | 'stale-listing'
  | 'short-listing'

/**
 * The faults by name: when the request is lost, what is answered, and what became of it.
 * `-before`: nothing happened. `-during`: the body broke off. `-after`: it happened. `late-`: it happens after the answer.
 */
export const FAULTS: Readonly<Record<FaultName, EmulatedFault>> = {
  'reset-before': { answer: 'reset', effect: 'none' },
  'reset-during': { answer: 'reset', effect: 'partial' },
  'reset-after': { answer: 'reset', effect: 'once' },
  'silence-before': { answer: 'silence', effect: 'none' },
  'silence-after': { answer: 'silence', effect: 'once' },
  '500-before': { answer: internal, effect: 'none' },
  '500-after': { answer: internal, effect: 'once' },
  '503-before': { answer: slowDown, effect: 'none' },
  '503-after': { answer: slowDown, effect: 'once' },
  'retry-after': { answer: { ...slowDown, retryAfterSeconds: 1 }, effect: 'none' },
  '409-before': { answer: { status: 409, code: 'ConditionalRequestConflict' }, effect: 'none' },
  '412-after': { answer: { status: 412, code: 'PreconditionFailed' }, effect: 'once' },
  'late-500': { answer: internal, effect: 'late' },
  'late-reset': { answer: 'reset', effect: 'late' },
  'late-silence': { answer: 'silence', effect: 'late' },
  twice: { answer: 'truth', effect: 'twice' },
  echo: { answer: 'truth', effect: 'echo' },
  slow: { answer: 'slow', effect: 'once' },
  truncated: { answer: 'truncated', effect: 'once' },
  'stale-listing': { answer: 'stale', effect: 'once' },
  'short-listing': { answer: 'short', effect: 'once' },
}

/** What a fault plan knows of a request. */
export interface RequestFacts {
  /** 1 for the emulator's first request. */
  readonly ordinal: number
  /** Which server it reached: `s3`, `namenode`, `datanode` or `httpfs`. */
  readonly role: string
  readonly method: string
  /** Decoded: bucket and key, or the file's path. */
  readonly path: string
  /** The operation: `PutObject`, `ListObjectsV2`, `CREATE`, `RENAME`, … */
  readonly kind: string
  /** It asks for a change. */
  readonly changes: boolean
  /** Its change depends on what is there: a put if absent, a rename that must not overwrite. */
  readonly conditional: boolean
  /** It has a body whose breaking off matters. */
  readonly hasBody: boolean
}

/** Decides the fault of a request; undefined for none. */
export type FaultPlan = (request: RequestFacts) => FaultName | EmulatedFault | undefined

/** How {@link seededFaults} chooses. */
export interface SeededFaultOptions {
  readonly seed: number
  /** Chance of a fault per request, 0 to 1. */
  readonly rate: number
  /** Faults to choose from; a request gets only those it can have. All by default. */
  readonly faults?: readonly FaultName[]
  /** Requests that may fail; all by default. */
  readonly only?: (request: RequestFacts) => boolean
  /** `late-…` and `echo` land after 1 to this many later requests; 6 by default. */
  readonly landWithinRequests?: number
}

/**
 * Random faults from a seed: a pure function of the seed and the request, so that the same requests in the same order
 * meet the same faults.
 *
 * @example
 * const s3 = await startS3Emulator({ faults: seededFaults({ seed: 7, rate: 0.1, faults: ['reset-after', '503-before'] }) })
 */
export function seededFaults(options: SeededFaultOptions): FaultPlan {
  const { seed, rate, only, landWithinRequests = 6 } = options
  const names = options.faults ?? (Object.keys(FAULTS) as FaultName[])
  return (request) => {
    if (only?.(request) === false) return undefined
    const draw = draws(seed, request.ordinal)
    if (draw() >= rate) return undefined
    const possible = names.filter((name) => canHave(request, FAULTS[name]))
    if (possible.length === 0) return undefined
    const fault: EmulatedFault = FAULTS[possible[Math.floor(draw() * possible.length)] as FaultName]
    return { ...fault, landAfterRequests: 1 + Math.floor(draw() * landWithinRequests) }
  }
}

/** Whether a fault can happen to a request: only changes come late or twice, only listings are stale. */
export function canHave(request: RequestFacts, fault: EmulatedFault): boolean {
  const { answer, effect } = fault
  if (effect === 'partial') return request.hasBody
  if (effect === 'late' || effect === 'twice' || effect === 'echo') return request.changes
  if (answer === 'stale') return request.kind === 'ListObjectsV2'
  if (answer === 'short') return request.kind === 'ListObjectsV2' || (request.kind === 'LISTSTATUS_BATCH' && request.role === 'namenode')
  if (typeof answer === 'object' && (answer.status === 409 || answer.status === 412)) return request.conditional && request.role === 's3'
  return true
}

/** Faults for chosen requests, in a test's own words. */
export interface FaultRule {
  readonly fault: FaultName | EmulatedFault
  readonly kind?: string | readonly string[]
  readonly path?: string | RegExp
  /** Matching requests let through first; 0 by default. */
  readonly skip?: number
  /** How many then fail; 1 by default. */
  readonly times?: number
}

/** Rules, tried in order; the first that matches a request that can have its fault, and is not used up, decides. */
export class FaultRules {
  #rules: { readonly rule: FaultRule; skip: number; left: number }[] = []

  add(rule: FaultRule): void {
    this.#rules.push({ rule, skip: rule.skip ?? 0, left: rule.times ?? 1 })
  }

  clear(): void {
    this.#rules = []
  }

  faultOf(request: RequestFacts): FaultName | EmulatedFault | undefined {
    for (const each of this.#rules) {
      if (each.left <= 0 || !matches(each.rule, request) || !canHave(request, faultOf(each.rule.fault))) continue
      if (each.skip > 0) {
        each.skip--
        continue
      }
      each.left--
      return each.rule.fault
    }
    return undefined
  }
}

/** The fault of a name. */
export function faultOf(fault: FaultName | EmulatedFault): EmulatedFault {
  return typeof fault === 'string' ? FAULTS[fault] : fault
}

function matches({ kind, path }: FaultRule, request: RequestFacts): boolean {
  if (kind !== undefined && !(typeof kind === 'string' ? kind === request.kind : kind.includes(request.kind))) return false
  if (path === undefined) return true
  return typeof path === 'string' ? request.path === path : path.test(request.path)
}

/** Uniform numbers from two numbers (Mulberry's 32-bit generator over their mix). */
function draws(seed: number, ordinal: number): () => number {
  let state = (Math.imul(seed ^ 0x9e3779b9, 0x85ebca6b) ^ Math.imul(ordinal + 1, 0xc2b2ae35)) >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
