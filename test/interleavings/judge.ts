// What must hold after a schedule, whatever it was: the log is whole, what was said is true, and the table is one that the
// operations could have made one after another.
import { AlluviumError } from '../../src/errors.js'
import { mayDeleteDataFiles } from '../../src/log/commit/index.js'
import { BASE_VERSION, RESTORED_VERSION } from './base-table.js'
import {
  afterCommit,
  afterEffect,
  type Effect,
  EMPTY,
  effectOf,
  type LoggedCommit,
  readLog,
  rowsText,
  stateText,
  type TableState,
} from './model.js'
import type { OperationName } from './operations.js'
import type { Scene } from './scene.js'
import { type End, errorText, type ScheduleRun } from './schedule.js'
import type { Who } from './variant.js'

export type Verdict = 'ok' | 'conflict'

export interface Judgement {
  readonly violations: readonly string[]
  /** Where both stood on the same version and nothing went wrong: whether the later one could commit too. */
  readonly cell?: { readonly current: OperationName; readonly winner: OperationName; readonly verdict: Verdict; readonly rule: string }
  /** `later|earlier` where the table is as if the later commit had been made first. */
  readonly swap?: string | undefined
}

interface Deed {
  readonly who: Who
  readonly operation: OperationName
  readonly commit: LoggedCommit
}

export function judge(scene: Scene, run: ScheduleRun): Judgement {
  let log: LoggedCommit[]
  try {
    log = readLog(run.disk.objects)
  } catch (error) {
    return { violations: [`log: ${(error as Error).message}`] }
  }
  const states: TableState[] = []
  for (const commit of log) states.push(afterCommit(states.at(-1) ?? EMPTY, commit))
  const ours = log.slice(BASE_VERSION + 1)
  const violations = [...logViolations(scene, log, states), ...saidViolations(scene, run, ours)]
  const deeds = ours.flatMap((commit): Deed[] =>
    commit.who === undefined ? [] : [{ who: commit.who, operation: operationOf(scene, commit.who), commit }],
  )
  const serial = serialViolations(scene, deeds, states)
  violations.push(...serial.violations)
  const cell = cellOf(scene, run, deeds)
  return { violations, swap: serial.swap, ...(cell === undefined ? {} : { cell }) }
}

function operationOf(scene: Scene, who: Who): OperationName {
  return who === 'A' ? scene.first : scene.second
}

// Whatever the operations mean: no action contradicts the table that it is on top of.
function logViolations({ variant, first, second }: Scene, log: readonly LoggedCommit[], states: readonly TableState[]): string[] {
  const faults: string[] = []
  const firstIds = new Map<string, readonly [from: number, to: number, version: number | undefined]>()
  const left = new Set<string>()
  let mark = -1
  for (const commit of log) {
    const { version } = commit
    const before = states[version - 1] ?? EMPTY
    const removed = new Set(commit.removes.map(({ path }) => path))
    for (const { path, vector } of commit.removes)
      if (before.files.get(path)?.vector !== vector) faults.push(`resurrected: version ${version} removes ${path}, which is not there`)
    for (const { path } of commit.adds) {
      if (before.files.has(path) && !removed.has(path)) faults.push(`doubled: version ${version} adds ${path}, which is there`)
      if (left.has(path) && !removed.has(path) && first !== 'restore' && second !== 'restore')
        faults.push(`resurrected: version ${version} brings ${path} back`)
    }
    for (const path of removed) left.add(path)
    for (const [app, position] of Object.entries(commit.txns))
      if (position <= (before.txns[app] ?? 0)) faults.push(`positions: ${app} goes from ${before.txns[app]} to ${position}`)
    if (variant.features === 'stamped' && !((commit.inCommitTimestamp ?? 0) > (log[version - 1]?.inCommitTimestamp ?? 0)))
      faults.push(`time: version ${version} is at ${commit.inCommitTimestamp}, the one before it at ${log[version - 1]?.inCommitTimestamp}`)
    if (variant.features !== 'tracked') continue
    for (const { path, baseRowId, numRecords, commitVersion } of commit.adds) {
      if (baseRowId === undefined) {
        faults.push(`row ids: ${path} has none`)
        continue
      }
      const known = firstIds.get(path)
      if (known !== undefined && (known[0] !== baseRowId || known[2] !== commitVersion))
        faults.push(`row ids: ${path} changes from ${known[0]} of version ${known[2]} to ${baseRowId} of ${commitVersion}`)
      if (known !== undefined) continue
      if (commitVersion !== version) faults.push(`row ids: ${path} came with version ${version} and says ${commitVersion}`)
      for (const [other, [from, to]] of firstIds)
        if (baseRowId < to && from < baseRowId + numRecords) faults.push(`row ids: ${path} has ids of ${other}`)
      firstIds.set(path, [baseRowId, baseRowId + numRecords, commitVersion])
    }
    mark = commit.rowIdMark ?? mark
    const highest = Math.max(-1, ...[...firstIds.values()].map(([, to]) => to - 1))
    if (mark !== highest) faults.push(`row ids: version ${version} says ids were given to ${mark}, and they were to ${highest}`)
  }
  return faults
}

// What each was told, against what is there.
function saidViolations(scene: Scene, run: ScheduleRun, ours: readonly LoggedCommit[]): string[] {
  const faults: string[] = []
  for (const commit of ours) if (commit.who === undefined) faults.push(`version ${commit.version} is nobody's`)
  for (const who of ['A', 'B'] as const) {
    const end = run.ends[who]
    const made = ours.filter((commit) => commit.who === who)
    if (made.length > 1) faults.push(`doubled: ${who} has made the versions ${made.map(({ version }) => version)}`)
    const [version] = made.map((commit) => commit.version)
    if (end.kind === 'said' && end.version !== version && !(end.version !== undefined && isNothing(scene, end, version)))
      faults.push(`lost: ${who} was told version ${end.version}, and made ${version}`)
    if (end.kind === 'not-committed' && made.length > 0) faults.push(`false answer: ${who} was told it is not there, and made ${version}`)
    if (end.kind === 'error') faults.push(...errorViolations(scene, run, who, end.error, made))
  }
  return faults
}

// Restoring where there is nothing to restore answers the version that there is.
function isNothing(scene: Scene, end: End & { kind: 'said' }, made: number | undefined): boolean {
  return made === undefined && end.version !== undefined && [scene.first, scene.second].includes('restore')
}

function errorViolations({ variant }: Scene, run: ScheduleRun, who: Who, error: unknown, made: readonly LoggedCommit[]): string[] {
  const faults: string[] = []
  const text = errorText(error)
  if (!(error instanceof AlluviumError)) return [`broken: ${who} ended with ${text}`]
  if (made.length > 0) faults.push(`false error: ${who} was told ${text}, and made version ${made[0]?.version}`)
  const { rule, version } = error.facts as { rule?: string; version?: number }
  if (error.code === 'COMMIT_CONFLICT' && rule !== 'contention') {
    const planned = run.planned[who]
    if (planned === undefined || version === undefined || version <= planned)
      faults.push(`needless: ${who} stood on ${planned} and was told ${text}`)
    if (!mayDeleteDataFiles(error)) faults.push(`in doubt: ${who} was told ${text}, and may not delete its files`)
  } else if (variant.patience === 'hasty' && rule === 'contention') {
    if (!mayDeleteDataFiles(error)) faults.push(`in doubt: ${who} was told ${text}, and may not delete its files`)
  } else if (run.faults === 0) faults.push(`needless: ${who} was told ${text} though nothing went wrong`)
  else if (error.code !== 'STORAGE_UNAVAILABLE' && error.code !== 'COMMIT_CONFLICT') faults.push(`needless: ${who} was told ${text}`)
  return faults
}

// Which orders of the operations give this table.
function serialViolations(
  { variant, first, second }: Scene,
  deeds: readonly Deed[],
  states: readonly TableState[],
): { readonly violations: string[]; readonly swap: string | undefined } {
  const violations: string[] = []
  const { isolation } = variant
  const base = states[BASE_VERSION] as TableState
  const restored = states[RESTORED_VERSION] as TableState
  const ended = states.at(-1) as TableState
  const effect = ({ operation, who }: Deed, state: TableState): Effect | undefined => effectOf(operation, variant, who, state, restored)
  const inOrder = (order: readonly Deed[]): TableState =>
    order.reduce((state, deed) => {
      const done = effect(deed, state)
      return done === undefined ? state : afterEffect(state, done)
    }, base)
  const orders = deeds.length === 2 ? [deeds, [...deeds].reverse()] : [deeds]
  const fits = orders.map((order) => stateText(inOrder(order)) === stateText(ended))
  // Only a blind append may count as later than its version, and only where the level says so.
  const [earlier] = deeds
  const mayMove = isolation === 'WriteSerializable' && (earlier?.operation === 'append' || earlier?.operation === 'stream')
  const rowsFit = orders.map((order, i) => (i === 0 || mayMove) && rowsText(inOrder(order)) === rowsText(ended))
  const names = `${first}|${second}`
  if (isolation !== 'SnapshotIsolation') {
    if (!fits.includes(true)) violations.push(`not serial: ${names} leave ${stateText(ended)}, in order it is ${stateText(inOrder(deeds))}`)
    if (!rowsFit.includes(true))
      violations.push(`not in the order of versions: ${names} leave ${rowsText(ended)}, in order it is ${rowsText(inOrder(deeds))}`)
  }
  violations.push(...snapshotViolations(deeds, states, effect))
  const isSwapped = fits[0] === false && fits[1] === true && isolation === 'Serializable'
  return { violations, swap: isSwapped ? `${deeds[1]?.operation}|${earlier?.operation}` : undefined }
}

// The least that every level promises: each did what its snapshot says, and of two that touch one file only one did.
function snapshotViolations(
  deeds: readonly Deed[],
  states: readonly TableState[],
  effect: (deed: Deed, state: TableState) => Effect | undefined,
): string[] {
  const faults: string[] = []
  const removedAt: { readonly version: number; readonly path: string }[] = []
  for (const deed of deeds) {
    const { version, readVersion = -1 } = deed.commit
    const read = states[readVersion]
    const done = read === undefined || readVersion >= version ? undefined : effect(deed, read)
    if (done === undefined) {
      faults.push(`snapshot: version ${version} stands on version ${readVersion}, where ${deed.operation} does nothing`)
      continue
    }
    const expected = stateText(afterEffect(states[version - 1] as TableState, done))
    const is = stateText(states[version] as TableState)
    if (is !== expected) faults.push(`snapshot: ${deed.operation} of ${readVersion} makes version ${version} ${is}, should be ${expected}`)
    for (const gone of removedAt)
      if (gone.version > readVersion && [...done.reads, ...done.removes].includes(gone.path))
        faults.push(`lost update: ${deed.operation} of ${readVersion} depends on ${gone.path}, removed by version ${gone.version}`)
    for (const { path } of deed.commit.removes) removedAt.push({ version, path })
  }
  return faults
}

function cellOf(scene: Scene, run: ScheduleRun, deeds: readonly Deed[]): Judgement['cell'] {
  if (run.faults > 0 || run.planned.A !== BASE_VERSION || run.planned.B !== BASE_VERSION) return undefined
  const [winner, later] = deeds
  if (winner === undefined) return undefined
  const loser = winner.who === 'A' ? 'B' : 'A'
  const end = run.ends[loser]
  const cell = { current: operationOf(scene, loser), winner: winner.operation }
  if (later?.who === loser) return { ...cell, verdict: 'ok', rule: '' }
  if (end.kind !== 'error') return undefined
  const { facts } = end.error as AlluviumError
  return facts.rule === 'contention' ? undefined : { ...cell, verdict: 'conflict', rule: String(facts.rule) }
}
