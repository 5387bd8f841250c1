// The committer: who decides that a commit has a version. For plain tables that is the store's put-if-absent; a
// catalogue that ratifies commits implements the same interface. One rule: it never throws for what the store does
// and never guesses; every outcome, also "nobody knows", is a value.
import { decodeUtf8 } from '../../bytes.js'
import { AlluviumError, isAlluviumError } from '../../errors.js'
import { isJsonObject, type JsonObject, parseJson } from '../../json.js'
import { type Runtime, systemRuntime } from '../../runtime.js'
import type { CreateOutcome, PlaceCallOptions, Storage } from '../../storage/storage.js'
import { commitPath, LOG_FOLDER, parseLogName } from '../file-names.js'
import type { FindOutcome, HoldsOutcome, ProposeOutcome } from './answers.js'
import { Footing, NO_TABLE } from './footing.js'
import { assertNoTable } from './no-table.js'

/** One commit offered for one version. The bytes begin with a `commitInfo` line that carries `txnId`. */
export interface Proposal {
  readonly version: number
  readonly txnId: string
  readonly bytes: Uint8Array
}

export type { FindOutcome, HoldsOutcome, ProposeOutcome } from './answers.js'

/** A proposal whose bytes the store holds, durably where it promises that, under no name yet. */
export interface StagedProposal {
  /** As `propose`, once only. */
  place(call: CommitterCall): Promise<ProposeOutcome>
  /** Drops the bytes. Never throws. */
  discard(): Promise<void>
}

/** Calls end with the signal: a proposal as `unclear`, a look as `unreadable`, whatever the store does meanwhile. */
export interface CommitterCall {
  readonly signal: AbortSignal
}

/**
 * Decides versions. The commit loop drives it; implementations keep no state between calls.
 * `propose` may be called again with the same proposal, never with another one of the same version and txnId.
 */
export interface Committer {
  propose(proposal: Proposal, call: CommitterCall): Promise<ProposeOutcome>
  /**
   * The first half of `propose`, where a store gains by it: nothing is visible or decided before `place`. Undefined where
   * there is no such half, or where it failed; then `propose` is the way.
   */
  stage?(proposal: Proposal, call: CommitterCall): Promise<StagedProposal | undefined>
  /** Whose a version is. Also how winners are read: a catalogue answers commits that are not in the log folder yet. */
  findOut(version: number, own: Pick<Proposal, 'txnId'> & Partial<Proposal>, call: CommitterCall): Promise<FindOutcome>
  /** Whether the commit of a version is still there to build on: cleaning a log removes old ones. */
  holds(version: number, call: CommitterCall): Promise<HoldsOutcome>
  /** Tells that a version was found there by who asked at a time (of the runtime's monotonic clock): it need not be asked for again soon. */
  knows?(version: number, askedMs: number): void
  /** Makes a ratified version visible as `_delta_log/<version>.json`. A failure here never fails the commit. */
  publish(version: number, call: CommitterCall): Promise<void>
}

/**
 * The committer of tables without a catalogue: version v is whoever creates `_delta_log/<v>.json`.
 * @throws AlluviumError `STORAGE_UNSAFE` for a store whose `create` is not exclusive: two writers could both succeed.
 */
export function fileSystemCommitter(storage: Storage, runtime: Runtime = systemRuntime): Committer {
  const known = committers.get(storage)
  if (known !== undefined) return known
  if (!storage.capabilities.exclusiveCreate) {
    throw new AlluviumError(
      'STORAGE_UNSAFE',
      `${storage.location} cannot create a file only if it is absent, so two writers could overwrite each other's commits; reading is possible, writing needs a store that can`,
      { location: storage.location, capability: 'exclusiveCreate' },
    )
  }
  const footing = new Footing(runtime)
  const asking = async <T extends FindOutcome | HoldsOutcome | ProposeOutcome>(version: number, ask: () => Promise<T>): Promise<T> => {
    const askedMs = footing.nowMs()
    const found = await ask()
    if (isNewest(found)) footing.knows(version, askedMs)
    else if (found.kind === 'other' || found.kind === 'ours') footing.follows(version)
    return found
  }
  const holdsIt = (version: number, call: CommitterCall): Promise<HoldsOutcome> => asking(version, () => holds(storage, version, call))
  const put = async (
    proposal: Proposal,
    call: CommitterCall,
    create: (options: PlaceCallOptions) => Promise<CreateOutcome>,
  ): Promise<ProposeOutcome> => {
    const before = proposal.version - 1
    const refusal =
      before < 0
        ? await refusalOfFirst(storage, footing, call)
        : await footing.refusal(proposal.version, (version) => holdsIt(version, call))
    // Asked once more by the store right before its last step: a create may have several, and the process may be stopped between them.
    const isStillWanted = (): boolean => footing.isFresh(before)
    return refusal ?? asking(proposal.version, () => asOutcome(storage, proposal, { ...call, isStillWanted }, create))
  }
  const committer: Committer = {
    propose: (proposal, call) => put(proposal, call, (options) => storage.create(commitPath(proposal.version), proposal.bytes, options)),
    stage: (proposal, call) => stage(storage, proposal, call, put),
    findOut: (version, own, call) => asking(version, () => findOut(storage, version, own, call)),
    holds: holdsIt,
    knows: (version, askedMs) => footing.knows(version, askedMs),
    publish: async () => {},
  }
  committers.set(storage, committer)
  return committer
}

// The first version of a table stands on there being none.
async function refusalOfFirst(storage: Storage, footing: Footing, call: CommitterCall): Promise<ProposeOutcome | undefined> {
  while (!footing.isFresh(NO_TABLE)) {
    const askedMs = footing.nowMs()
    try {
      await orAborted(assertNoTable(storage, call), call.signal)
    } catch (cause) {
      return { kind: 'refused', error: asStorageError(cause, `looking for a table in ${storage.location}`) }
    }
    footing.knows(NO_TABLE, askedMs)
  }
  return undefined
}

// One for each store: who shares a committer may share commits.
const committers = new WeakMap<Storage, Committer>()

/** The `txnId` in a commit's first line, where writers that have one put it. Undefined for a line that says none. */
export function txnIdOf(bytes: Uint8Array): string | undefined {
  const line = firstLine(bytes)
  const info = line?.commitInfo
  return isJsonObject(info) && typeof info.txnId === 'string' ? info.txnId : undefined
}

type Put = (
  proposal: Proposal,
  call: CommitterCall,
  create: (options: PlaceCallOptions) => Promise<CreateOutcome>,
) => Promise<ProposeOutcome>

async function stage(storage: Storage, proposal: Proposal, { signal }: CommitterCall, put: Put): Promise<StagedProposal | undefined> {
  if (storage.stage === undefined) return undefined
  const staging = storage.stage(commitPath(proposal.version), proposal.bytes, { signal })
  try {
    const staged = await orAborted(staging, signal)
    return {
      place: async (call) => {
        let isTried = false
        const outcome = await put(proposal, call, (options) => {
          isTried = true
          return staged.place(options)
        })
        if (!isTried) await staged.discard()
        return outcome
      },
      discard: () => staged.discard(),
    }
  } catch {
    staging.then(
      (late) => late.discard(),
      () => {},
    )
    return undefined
  }
}

async function asOutcome(
  storage: Storage,
  { version }: Proposal,
  { signal, isStillWanted }: CommitterCall & PlaceCallOptions,
  put: (options: PlaceCallOptions) => Promise<CreateOutcome>,
): Promise<ProposeOutcome> {
  try {
    return { kind: await orAborted(put({ signal, isStillWanted }), signal) }
  } catch (cause) {
    const error = asStorageError(cause, `creating ${commitPath(version)} in ${storage.location}`)
    return { kind: error.facts.applied === false ? 'refused' : 'unclear', error }
  }
}

async function findOut(
  storage: Storage,
  version: number,
  own: Pick<Proposal, 'txnId'> & Partial<Proposal>,
  { signal }: CommitterCall,
): Promise<FindOutcome> {
  const path = commitPath(version)
  let bytes: Uint8Array | undefined
  try {
    bytes = await orAborted(storage.read(path, { signal }), signal)
  } catch (cause) {
    return { kind: 'unreadable', error: asStorageError(cause, `reading ${path} in ${storage.location}`) }
  }
  if (bytes === undefined) return { kind: 'absent' }
  // Who only reads has no txnId; somebody else's commit may say that of itself.
  if (own.txnId !== '' && txnIdOf(bytes) === own.txnId) return { kind: 'ours' }
  // Stores show whole objects or nothing, so a torn file is somebody else's. Only one that could be a piece of our own is
  // left undecided, against a store that breaks its word.
  if (own.bytes !== undefined && bytes.length > 0 && bytes.length < own.bytes.length && isPrefix(bytes, own.bytes)) {
    return {
      kind: 'unreadable',
      error: new AlluviumError('CORRUPT_LOG', `${path} in ${storage.location} is incomplete (${bytes.length} bytes)`, { path, version }),
    }
  }
  return { kind: 'other', bytes }
}

// Whether a version was there and the newest.
function isNewest(answer: FindOutcome | HoldsOutcome | ProposeOutcome): boolean {
  return answer.kind === 'created' || (answer.kind === 'held' && !answer.isFollowed)
}

async function holds(storage: Storage, version: number, { signal }: CommitterCall): Promise<HoldsOutcome> {
  try {
    return await orAborted(listFrom(storage, version, signal), signal)
  } catch (cause) {
    return { kind: 'unreadable', error: asStorageError(cause, `looking for ${commitPath(version)} in ${storage.location}`) }
  }
}

// A log that is being cleaned loses its commits in any order: one that is still there while the next is gone and later ones are not
// is as good as gone itself.
async function listFrom(storage: Storage, version: number, signal: AbortSignal): Promise<HoldsOutcome> {
  let isThere = false
  let hasLater = false
  let isCleaned = false
  for await (const page of storage.list(LOG_FOLDER, { from: commitPath(version), signal })) {
    for (const { path } of page) {
      const file = parseLogName(path.slice(LOG_FOLDER.length + 1))
      if (file === undefined || file.kind === 'last-checkpoint' || file.kind === 'checksum') continue
      if (file.kind === 'commit' && file.version === version) isThere = true
      if (file.version <= version) continue
      // The files of one version have no order that would help: its checkpoint is listed before its commit.
      if (file.kind === 'commit' && file.version === version + 1 && isThere) return { kind: 'held', isFollowed: true }
      hasLater = true
      if (file.kind !== 'commit' && file.kind !== 'compacted') isCleaned = true
      if (isCleaned && file.version > version + 1) return { kind: 'gone', isCleaned }
    }
  }
  return isThere && !hasLater ? { kind: 'held', isFollowed: false } : { kind: 'gone', isCleaned }
}

function firstLine(bytes: Uint8Array): JsonObject | undefined {
  const end = bytes.indexOf(0x0a)
  try {
    const value = parseJson(decodeUtf8(bytes, 0, end === -1 ? bytes.length : end))
    return isJsonObject(value) ? value : undefined
  } catch {
    return undefined
  }
}

function isPrefix(prefix: Uint8Array, bytes: Uint8Array): boolean {
  for (let i = 0; i < prefix.length; i++) if (prefix[i] !== bytes[i]) return false
  return true
}

/** The promise, or a rejection as soon as the signal fires, for stores that are slow to notice or never do. */
function orAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void =>
      reject(new AlluviumError('STORAGE_UNAVAILABLE', 'the store did not answer in time', {}, { cause: signal.reason }))
    if (signal.aborted) onAbort()
    else signal.addEventListener('abort', onAbort, { once: true })
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort))
  })
}

function asStorageError(cause: unknown, doing: string): AlluviumError {
  if (isAlluviumError(cause)) return cause
  return new AlluviumError(
    'STORAGE_UNAVAILABLE',
    `${doing} failed: ${cause instanceof Error ? cause.message : String(cause)}`,
    {},
    { cause },
  )
}
