// Row ids of a commit (PROTOCOL.md, "Writer Requirements for Row Tracking"): every new file gets ids above all that were
// ever given, and the version that it is committed at. Both depend on the version a commit is tried at, so they are
// given anew for every try.
// Promises: C9 of spec/invariants.md.
import { AlluviumError } from '../../errors.js'
import { isJsonObject, type JsonObject, jsonObject, parseJson } from '../../json.js'
import type { Action, AddFile, DomainMetadata, RemoveFile } from '../actions.js'
import { hasFeature, property, unsupported } from '../features.js'
import type { LogView } from '../log-view.js'
import { fileKey } from './file-key.js'
import type { TableShape } from './in-commit-timestamp.js'

/** The domain that says how far row ids have been given. */
export const ROW_TRACKING_DOMAIN = 'delta.rowTracking'
const HIGH_WATER_MARK = 'rowIdHighWaterMark'
const PRESERVED_TAG = 'delta.rowTracking.preserved'

/** Whether commits of this table must give row ids: supported, and not suspended. */
export function givesRowIds({ protocol, metadata }: TableShape): boolean {
  return hasFeature(protocol, 'rowTracking') && !isTrue(property(metadata, 'delta.rowTrackingSuspended'))
}

/** One try of a commit. */
export interface RowIdInput {
  readonly actions: readonly Action[]
  /** The snapshot that the commit is tried on top of; undefined where it makes the table. */
  readonly before: LogView | undefined
  readonly after: TableShape
  readonly version: number
  /** The files that copy rows carry the ids of those rows in columns of their own. */
  readonly keepsRowIds?: boolean
}

/** The actions of one try, and the tags that its `commitInfo` gets. */
export interface NumberedActions {
  readonly actions: readonly Action[]
  readonly tags?: JsonObject
}

/**
 * Gives ids to the files of a commit where the table tracks rows; else answers the actions as they are.
 * @throws AlluviumError `CONSTRAINT_VIOLATED` for a file that does not say how many rows it has, `UNSUPPORTED_FEATURE` for files
 * that rearrange rows and would lose their ids, `CORRUPT_LOG` for a high-water mark that is no number.
 */
export function giveRowIds(input: RowIdInput): NumberedActions {
  const { actions, before, after } = input
  if (!givesRowIds(after)) return { actions }
  const mark = before === undefined ? -1n : highWaterMark(before)
  const numbering = new Numbering(input, mark)
  const numbered = actions.map((action) => {
    if (action.kind === 'add') return numbering.add(action)
    return action.kind === 'remove' ? numbering.remove(action) : action
  })
  if (numbering.mark > mark) numbered.push(markAction(numbering.mark))
  const tags = jsonObject()
  tags[PRESERVED_TAG] = String(input.keepsRowIds === true || !numbering.mayCopy)
  return { actions: numbered, tags }
}

/** The highest row id given so far; -1 before the first. @throws AlluviumError `CORRUPT_LOG` */
export function highWaterMark(view: LogView): bigint {
  const domain = view.domains.get(ROW_TRACKING_DOMAIN)
  if (domain === undefined) return -1n
  const mark = numberOf(domain.configuration, HIGH_WATER_MARK)
  if (mark !== undefined) return mark
  throw new AlluviumError(
    'CORRUPT_LOG',
    `the metadata domain ${ROW_TRACKING_DOMAIN} of version ${view.version} does not say how far row ids have been given, so no more can be`,
    { domain: ROW_TRACKING_DOMAIN, version: view.version },
  )
}

class Numbering {
  mark: bigint
  /** Rows may have been copied from a file into another. */
  mayCopy = false
  readonly #input: RowIdInput
  /** What the files that this commit removes were when they were added, by path. */
  readonly #removed = new Map<string, AddFile>()
  readonly #removes: boolean

  constructor(input: RowIdInput, mark: bigint) {
    this.#input = input
    this.mark = mark
    this.#removes = input.actions.some((action) => action.kind === 'remove')
    for (const action of input.actions) {
      const live = action.kind === 'remove' ? this.#live(action) : undefined
      if (live !== undefined) this.#removed.set(fileKey(live.path), live)
    }
  }

  add(file: AddFile): AddFile {
    const known = this.#removed.get(fileKey(file.path)) ?? this.#live(file)
    if (known === undefined) this.#checkRearranged(file)
    if (known?.baseRowId !== undefined) return withIds(file, known)
    const numRecords = numberOf(file.stats ?? known?.stats, 'numRecords')
    if (numRecords === undefined || numRecords < 0n) throw uncounted(file)
    // A file that was in the table before, and comes back, keeps the ids of its rows.
    const first = file.baseRowId === undefined ? this.mark + 1n : BigInt(file.baseRowId)
    const last = first + numRecords - 1n
    if (last > this.mark) this.mark = last
    return {
      ...file,
      baseRowId: file.baseRowId ?? exact(first),
      defaultRowCommitVersion: file.defaultRowCommitVersion ?? this.#input.version,
    }
  }

  remove(file: RemoveFile): RemoveFile {
    const live = this.#removed.get(fileKey(file.path))
    return live === undefined ? file : withIds(file, live)
  }

  #checkRearranged({ path, dataChange, baseRowId }: AddFile): void {
    const { after, keepsRowIds } = this.#input
    if (this.#removes || !dataChange) this.mayCopy = true
    if (dataChange || baseRowId !== undefined) return
    if (keepsRowIds === true || !isTrue(property(after.metadata, 'delta.enableRowTracking'))) return
    throw unsupported('write', [`rowTracking (${path} rearranges rows and would lose their ids)`], after.protocol)
  }

  #live(file: AddFile | RemoveFile): AddFile | undefined {
    const files = this.#input.before?.files
    const row = files?.find(file.path, file.deletionVector) ?? -1
    return row < 0 ? undefined : files?.add(row)
  }
}

function withIds<F extends AddFile | RemoveFile>(file: F, { baseRowId, defaultRowCommitVersion }: AddFile): F {
  return {
    ...file,
    ...(baseRowId === undefined ? {} : { baseRowId }),
    ...(defaultRowCommitVersion === undefined ? {} : { defaultRowCommitVersion }),
  }
}

function markAction(mark: bigint): DomainMetadata {
  return { kind: 'domainMetadata', domain: ROW_TRACKING_DOMAIN, configuration: `{"${HIGH_WATER_MARK}":${mark}}`, removed: false }
}

function uncounted({ path }: AddFile): AlluviumError {
  return new AlluviumError(
    'CONSTRAINT_VIOLATED',
    `${path} does not say in its statistics how many rows it has (numRecords), which a table that tracks rows must know; write it with statistics`,
    { path, feature: 'rowTracking' },
  )
}

function numberOf(json: string | undefined, key: string): bigint | undefined {
  try {
    const value = json === undefined ? undefined : parseJson(json)
    const number = isJsonObject(value) ? value[key] : undefined
    if (typeof number === 'bigint') return number
    return typeof number === 'number' && Number.isSafeInteger(number) ? BigInt(number) : undefined
  } catch {
    return undefined
  }
}

function exact(id: bigint): number | bigint {
  return id <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(id) : id
}

function isTrue(text: string | undefined): boolean {
  return text?.toLowerCase() === 'true'
}
