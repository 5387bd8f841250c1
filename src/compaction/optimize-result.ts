// What an `optimize` did, counted as it goes.
import type { CommitResult } from '../log/commit/index.js'
import type { Runtime } from '../runtime.js'
import type { OptimizeOptions } from './optimize-options.js'
import type { OptimizePlan, PlannedGroup } from './optimize-plan.js'
import type { RewrittenGroup } from './rewrite-group.js'

/** Files that were rewritten together. */
export interface OptimizedGroup {
  readonly partition: Readonly<Record<string, string | null>>
  readonly mode: 'splice' | 're-encode'
  readonly filesRead: number
  readonly bytesRead: number
  readonly filesWritten: number
  readonly bytesWritten: number
  readonly rows: number
}

/** Files that stay as they are although they were to be rewritten. */
export interface SkippedGroup {
  readonly partition: Readonly<Record<string, string | null>>
  readonly files: number
  readonly reason: string
  /** Code of the error behind it. */
  readonly code: string
}

export interface OptimizeResult {
  /** The latest version that was seen or made. */
  readonly version: number
  /** The versions that were committed. */
  readonly versions: readonly number[]
  readonly filesRead: number
  readonly bytesRead: number
  readonly filesWritten: number
  readonly bytesWritten: number
  readonly filesRemoved: number
  readonly bytesRemoved: number
  /** How often the most contested commit was begun: more than once where others changed the same files, or the table itself. */
  readonly attempts: number
  /** Puts of the commit file that the most contested commit needed: more than one beside other writers. */
  readonly puts: number
  readonly seconds: number
  readonly groups: readonly OptimizedGroup[]
  readonly skipped: readonly SkippedGroup[]
}

export class OptimizeTally {
  readonly #runtime: Runtime
  readonly #startMs: number
  readonly #onProgress: OptimizeOptions['onProgress']
  readonly #versions: number[] = []
  readonly #groups: OptimizedGroup[] = []
  #skipped: SkippedGroup[] = []
  #version = -1
  #attempts = 0
  #puts = 0
  #read = { files: 0, bytes: 0 }
  #total = { groups: 0, bytes: 0 }
  #done = { groups: 0, bytes: 0 }

  constructor(runtime: Runtime, onProgress: OptimizeOptions['onProgress']) {
    this.#runtime = runtime
    this.#onProgress = onProgress
    this.#startMs = runtime.monotonicMs()
  }

  sees(version: number): void {
    this.#version = Math.max(this.#version, version)
  }

  /** A new plan takes up what the one before could not do. */
  plans({ groups, bytesToRewrite }: OptimizePlan): void {
    this.#total = { groups: this.#done.groups + groups.length, bytes: this.#done.bytes + bytesToRewrite }
    if (groups.length > 0) this.#skipped = this.#skipped.filter(({ code }) => code !== 'COMMIT_CONFLICT')
    this.#tell()
  }

  rewrote(group: PlannedGroup): void {
    this.#read = { files: this.#read.files + group.files.length, bytes: this.#read.bytes + group.sizeBytes }
    this.#isDone(group)
  }

  skipped(group: PlannedGroup, reason: string, code: string): void {
    this.#skipped.push({ partition: group.partitionValues, files: group.files.length, reason, code })
    if (code !== 'COMMIT_CONFLICT') this.#isDone(group)
  }

  committed({ version, attempts: puts }: CommitResult, groups: readonly RewrittenGroup[], attempts: number): void {
    this.#versions.push(version)
    this.sees(version)
    this.#attempts = Math.max(this.#attempts, attempts)
    this.#puts = Math.max(this.#puts, puts)
    for (const { group, mode, adds, rows } of groups) {
      this.#groups.push({
        partition: group.partitionValues,
        mode,
        filesRead: group.files.length,
        bytesRead: group.sizeBytes,
        filesWritten: adds.length,
        bytesWritten: adds.reduce((sum, { size }) => sum + size, 0),
        rows,
      })
    }
    this.#tell()
  }

  result(): OptimizeResult {
    const sum = (of: (group: OptimizedGroup) => number): number => this.#groups.reduce((total, group) => total + of(group), 0)
    return {
      version: this.#version,
      versions: this.#versions,
      filesRead: this.#read.files,
      bytesRead: this.#read.bytes,
      filesWritten: sum(({ filesWritten }) => filesWritten),
      bytesWritten: sum(({ bytesWritten }) => bytesWritten),
      filesRemoved: sum(({ filesRead }) => filesRead),
      bytesRemoved: sum(({ bytesRead }) => bytesRead),
      attempts: this.#attempts,
      puts: this.#puts,
      seconds: Math.round(this.#runtime.monotonicMs() - this.#startMs) / 1000,
      groups: this.#groups,
      skipped: this.#skipped,
    }
  }

  #isDone(group: PlannedGroup): void {
    this.#done = { groups: this.#done.groups + 1, bytes: this.#done.bytes + group.sizeBytes }
    this.#tell()
  }

  #tell(): void {
    try {
      this.#onProgress?.({
        groupsDone: this.#done.groups,
        groupsTotal: this.#total.groups,
        bytesDone: this.#done.bytes,
        bytesTotal: this.#total.bytes,
        versions: [...this.#versions],
      })
    } catch {
      // A display that fails is no reason to stop.
    }
  }
}
