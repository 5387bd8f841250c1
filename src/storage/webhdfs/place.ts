// The second half: a staged object gets its final name. The rename is the commit, so what a server says of it is taken only where
// it can mean one thing; everything else is looked at. One rule: doubt is told as such, and only after the temporary, without
// which no rename can land any more, could not be taken away either.
import { leafName } from '../path.js'
import type { CreateOutcome, PlaceCallOptions } from '../storage.js'
import { isWithdrawn } from '../withdrawn.js'
import { abortedFault, nonsense, WebHdfsFault } from './fault.js'
import type { HdfsStatus, RenameAnswer, Trying } from './files.js'
import { Patience } from './patience.js'
import { drop, dropLater, type HdfsStaged, type Work } from './stage.js'

/** Thrown when nobody knows whether the object is in place, or may still come to be. */
export class PlacementUnknown extends Error {
  readonly fault: WebHdfsFault
  constructor(fault: WebHdfsFault) {
    super('the outcome of a rename is unknown')
    this.fault = fault
  }
}

const FENCE_MS = 5000

/**
 * Renames a staged object to its final name, never over another.
 * @throws PlacementUnknown; or a WebHdfsFault, after which surely nothing was or will be put in place.
 */
export async function placeObject(
  work: Work,
  path: string,
  staged: HdfsStaged,
  trying: Trying,
  options?: PlaceCallOptions,
): Promise<CreateOutcome> {
  let doubtful = false
  for (;;) {
    stopBetween(work, staged, doubtful, trying)
    stopIfWithdrawn(work, staged, doubtful, options)
    const said = await rename(work, path, staged, 'NONE', trying)
    if (said === 'done') return 'created'
    const fault = said instanceof WebHdfsFault ? said : nonsense(`RENAME was answered '${said}', and the object has neither name`)
    if (fault.kind === 'aborted') throw new PlacementUnknown(fault)
    if (!doubtful && isSure(fault, said)) {
      if (!fault.isTaken && fault.passing && (await mayGoOn(trying, fault))) continue
      await drop(work, staged.temporary)
      if (fault.isTaken) return 'exists'
      throw reasonOf(fault, trying.signal)
    }
    // 'false' and a missing source can be the second answer to a request that a gateway repeated.
    const found = await look(work, path, staged, said, trying)
    if (found !== undefined) return settled(work, staged, found)
    if (trying.signal?.aborted) throw new PlacementUnknown(abortedFault(trying.signal))
    if (fault.isMissing) throw new PlacementUnknown(fault)
    doubtful ||= said !== 'false'
    if (await mayGoOn(trying, fault)) continue
    return takeAway(work, path, staged, fault, trying.signal)
  }
}

/**
 * Renames a staged object over whatever has its final name. Servers without rename options need two steps for that: for a moment
 * there is nothing under the name.
 */
export async function replaceObject(work: Work, path: string, staged: HdfsStaged, trying: Trying): Promise<void> {
  for (;;) {
    stopBetween(work, staged, false, trying)
    const said = await rename(work, path, staged, 'OVERWRITE', trying)
    if (said === 'done') return
    const fault = said instanceof WebHdfsFault ? said : nonsense(`RENAME was answered '${said}', and the object has neither name`)
    if (fault.kind === 'aborted') throw new PlacementUnknown(fault)
    if (isSure(fault, said) && !fault.passing) {
      await drop(work, staged.temporary)
      throw fault
    }
    const found = await look(work, path, staged, said, trying)
    if (found === 'created') return
    // A plain rename never replaces; what is in its way is what was to be replaced.
    if (found === 'exists' && said === 'false') await work.files.delete(path, trying)
    else if (!(await mayGoOn(trying, fault))) throw new PlacementUnknown(fault)
  }
}

async function rename(
  work: Work,
  path: string,
  staged: HdfsStaged,
  option: 'NONE' | 'OVERWRITE',
  trying: Trying,
): Promise<RenameAnswer | WebHdfsFault> {
  try {
    return await work.files.renameOnce(staged.temporary, path, option, trying.signal)
  } catch (error) {
    if (error instanceof WebHdfsFault) return error
    throw error
  }
}

/** Whether an answer by itself says that nothing was or will be put in place. */
function isSure(fault: WebHdfsFault, said: RenameAnswer | WebHdfsFault): boolean {
  return said === fault && fault.changedNothing && !fault.isMissing
}

function stopBetween(work: Work, staged: HdfsStaged, doubtful: boolean, { signal }: Trying): void {
  if (!signal?.aborted) return
  if (doubtful) throw new PlacementUnknown(abortedFault(signal))
  dropLater(work, staged.temporary)
  throw abortedFault(signal)
}

/** The caller's last word: as if it had aborted. */
function stopIfWithdrawn(work: Work, staged: HdfsStaged, doubtful: boolean, options: PlaceCallOptions | undefined): void {
  if (!isWithdrawn(options)) return
  const fault = new WebHdfsFault({ kind: 'aborted', name: 'aborted', message: 'the caller did not want it any more' })
  if (doubtful) throw new PlacementUnknown(fault)
  dropLater(work, staged.temporary)
  throw fault
}

/** Why it was given up: the caller's wish comes before what the server said last. */
function reasonOf(fault: WebHdfsFault, signal: AbortSignal | undefined): WebHdfsFault {
  return signal?.aborted ? abortedFault(signal) : fault
}

async function mayGoOn(trying: Trying, fault: WebHdfsFault): Promise<boolean> {
  try {
    await trying.patience.orGiveUp(fault, 1)
    return true
  } catch {
    return false
  }
}

/** Whose the final name is now: undefined while it is free, or cannot be seen. */
async function look(
  work: Work,
  path: string,
  staged: HdfsStaged,
  said: RenameAnswer | WebHdfsFault,
  trying: Trying,
): Promise<CreateOutcome | undefined> {
  try {
    const there = await work.files.status(path, trying)
    if (there === undefined) return undefined
    if (there.kind === 'folder') return await takeOutOfFolder(work, path, staged, trying)
    return (await isOurs(work, path, staged, there, said, trying)) ? 'created' : 'exists'
  } catch (error) {
    if (error instanceof WebHdfsFault && !error.isFolder) return undefined
    throw error
  }
}

async function isOurs(
  work: Work,
  path: string,
  staged: HdfsStaged,
  there: HdfsStatus,
  said: RenameAnswer | WebHdfsFault,
  trying: Trying,
): Promise<boolean> {
  if (there.sizeBytes !== staged.sizeBytes) return false
  if (staged.fileId !== undefined && there.fileId !== undefined) return staged.fileId === there.fileId
  // Without numbers: our temporary is gone, and what has the name is what we wrote.
  if ((await work.files.status(staged.temporary, trying)) !== undefined) return false
  if (said === 'true') return true
  if (staged.bytes === undefined) return false
  const bytes = await work.files.read(path, undefined, staged.sizeBytes, trying)
  return bytes !== undefined && bytes.length === staged.sizeBytes && bytes.every((byte, at) => byte === staged.bytes?.[at])
}

async function settled(work: Work, staged: HdfsStaged, outcome: CreateOutcome): Promise<CreateOutcome> {
  if (outcome === 'exists') await drop(work, staged.temporary)
  return outcome
}

/** A rename without options moves an object *into* a folder of the final name. It is taken out again: it is no object there. */
async function takeOutOfFolder(work: Work, path: string, staged: HdfsStaged, trying: Trying): Promise<never> {
  await work.files.delete(`${path}/${leafName(staged.temporary)}`, trying)
  await drop(work, staged.temporary)
  throw new WebHdfsFault({ kind: 'exception', name: 'IOException', message: 'the name is a directory' })
}

/** The end of patience: deletes the temporary, so that no rename can land any more. Only where that fails there is doubt left. */
async function takeAway(
  work: Work,
  path: string,
  staged: HdfsStaged,
  fault: WebHdfsFault,
  signal: AbortSignal | undefined,
): Promise<CreateOutcome> {
  const trying: Trying = { signal, patience: new Patience(work.runtime, Math.min(FENCE_MS, work.retryMs), signal) }
  let gone: boolean
  try {
    gone = await work.files.delete(staged.temporary, trying)
  } catch (error) {
    throw error instanceof WebHdfsFault ? new PlacementUnknown(reasonOf(fault, signal)) : error
  }
  if (gone) throw reasonOf(fault, signal)
  const found = await look(work, path, staged, fault, trying)
  if (found === undefined) throw new PlacementUnknown(fault)
  return found
}
