// What a writer of a table remembers of its rivals from one commit to the next. Whoever has just won knows the newest version
// before everybody else, and would win again and again; so under rivalry it lets others have their turn first.
// One rule: without rivals nothing waits, and a writer that finds none any more stops waiting at once.
import type { Runtime } from '../../runtime.js'
import type { Committer } from './committer.js'

/**
 * Of the versions that rivals made while the last commit stood in line, so many pass until the next one is tried. The rest of them try
 * at the same time: the more they are, the sooner after a version comes the next, and the more puts are lost.
 */
const SHARE = 0.4
const MAX_RIVALS = 64
/** Rivals are looked for after the time in which so many of their commits should have come. */
const LOOK_AFTER_COMMITS = 3
/** A commit that begins within so many of the table's paces after the last one comes right after it. */
const RIGHT_AFTER = 2
/** What was learnt so many paces ago is not true any more. */
const LONG_AGO = 20
/** Who wins every time cannot know whether others lose every time: after so many such commits it lets one pass, if there is one. */
const FIRST_PROBE = 2
/** And after so many times as many the next time, while nobody comes; each costs a request. */
const PROBE_GROWTH = 4
const LAST_PROBE = 128

export class Rivalry {
  readonly #runtime: Runtime
  /** The table is let come to this version before the next commit is tried. */
  #turn = 0
  /** Between one version of the table and the next. */
  #paceMs = 0
  #isKnown = false
  /** Commits in a row that met nobody, one right after the other. */
  #alone = 0
  /** After so many of them one is let pass. */
  #probeAfter = FIRST_PROBE
  #wonMs = Number.NEGATIVE_INFINITY

  constructor(runtime: Runtime) {
    this.#runtime = runtime
  }

  /** The last commit met rivals. */
  get isKnown(): boolean {
    return this.#isKnown
  }

  /** A commit became `version`, after it had stood in line since `startMs` while rivals made so many versions. */
  committed(version: number, startMs: number, rivals: number): void {
    const now = this.#runtime.monotonicMs()
    this.#paceMs = (now - startMs) / (rivals + 1)
    this.#isKnown = rivals > 0
    this.#alone = rivals > 0 || startMs - this.#wonMs > this.#paceMs * RIGHT_AFTER ? 0 : this.#alone + 1
    this.#wonMs = now
    if (rivals > 0) this.#probeAfter = FIRST_PROBE
    const probes = this.#alone >= this.#probeAfter
    if (probes) this.#probeAfter = Math.min(this.#probeAfter * PROBE_GROWTH, LAST_PROBE)
    if (probes) this.#alone = 0
    this.#turn = version + (probes ? 1 : Math.round(SHARE * Math.min(rivals, MAX_RIVALS)))
  }

  /** Nobody came for a while. */
  alone(): void {
    this.#turn = 0
    this.#isKnown = false
  }

  /** What to do at a version: wait so long and then look for so many of their commits. Undefined to begin. */
  waiting(version: number): { readonly ms: number; readonly commits: number } | undefined {
    const commits = Math.min(this.#turn - version, LOOK_AFTER_COMMITS)
    if (commits <= 0 || this.#runtime.monotonicMs() - this.#wonMs > this.#paceMs * LONG_AGO) return undefined
    const ms = commits * this.#paceMs * (0.75 + this.#runtime.random() / 2)
    return ms === 0 ? undefined : { ms, commits }
  }
}

const rivalries = new WeakMap<Committer, Rivalry>()

/** The rivalry of whoever writes through this committer. */
export function rivalryOf(committer: Committer, runtime: Runtime): Rivalry {
  const known = rivalries.get(committer)
  if (known !== undefined) return known
  const made = new Rivalry(runtime)
  rivalries.set(committer, made)
  return made
}
