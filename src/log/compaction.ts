// The way from a checkpoint to a version, step by step: single commits, and log compaction files (PROTOCOL.md, "Log
// Compaction Files") in place of the commits they stand for. A step is taken only wholly inside the wanted range: a
// compaction that starts at or below the checkpoint, or ends above the version, would bring back what is gone.
import type { ObjectInfo } from '../storage/storage.js'

/** One file of the log and the versions it stands for: one version for a commit, several for a compaction. */
export interface LogStep {
  readonly from: number
  readonly to: number
  readonly file: ObjectInfo
}

/** What steps are chosen from. */
export interface StepFiles {
  readonly commits: ReadonlyMap<number, ObjectInfo>
  /** Compactions by the version they start at, the longest first. */
  readonly compactions: ReadonlyMap<number, readonly LogStep[]>
}

/** Whether a step stands for several commits. */
export function isCompaction(step: LogStep): boolean {
  return step.to > step.from
}

/** Compactions by the version they start at, the longest first. */
export function groupCompactions(steps: readonly LogStep[]): Map<number, LogStep[]> {
  const groups = new Map<number, LogStep[]>()
  for (const step of steps) {
    const group = groups.get(step.from)
    if (group === undefined) groups.set(step.from, [step])
    else group.push(step)
  }
  for (const group of groups.values()) group.sort((a, b) => b.to - a.to)
  return groups
}

/**
 * The steps from `start` to `end`, both included, or the first version no step could be found for. At every version
 * the longest compaction is preferred; where that leads to a hole in the log, the next shorter one, down to the commit.
 */
export function planSteps(files: StepFiles, start: number, end: number, unusable?: ReadonlySet<string>): LogStep[] | number {
  const steps: LogStep[] = []
  const deadEnds = new Set<number>()
  let missing: number | undefined
  for (let at = start; at <= end; ) {
    const step = nextStep(files, at, end, deadEnds, unusable)
    if (step !== undefined) {
      steps.push(step)
      at = step.to + 1
      continue
    }
    missing ??= at
    deadEnds.add(at)
    const back = steps.pop()
    if (back === undefined) return missing
    at = back.from
  }
  return steps
}

function nextStep(
  files: StepFiles,
  at: number,
  end: number,
  deadEnds: ReadonlySet<number>,
  unusable: ReadonlySet<string> | undefined,
): LogStep | undefined {
  for (const step of files.compactions.get(at) ?? []) {
    if (step.to <= end && !deadEnds.has(step.to + 1) && unusable?.has(step.file.path) !== true) return step
  }
  const commit = files.commits.get(at)
  return commit === undefined || deadEnds.has(at + 1) ? undefined : { from: at, to: at, file: commit }
}
