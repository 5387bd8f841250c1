// Power losses: a program is recorded on the real file system, and what may be found after the power went at any of its moments is
// made and looked at, one image after the other. The same seed makes the same choices.
import fs from 'node:fs'
import path from 'node:path'
import { localStorageOn } from '../../src/storage/local.js'
import { randomOf } from '../fuzz/random.js'
import { type Image, imageOf, type NamesModel } from './image.js'
import { inspectImage, materialise } from './inspect-image.js'
import { type ProgramResult, runProgram } from './program.js'
import { type Event, recordingFs, type SyncDefect } from './recording-fs.js'

export interface PowerLossOptions {
  readonly images: number
  readonly seed: number
  /** An empty folder. */
  readonly folder: string
  readonly defect?: SyncDefect
  /** Stops at the first image that breaks a promise. */
  readonly stopAtFirst?: boolean
  readonly onProgress?: (text: string) => void
}

export interface PowerLossResult {
  readonly images: number
  readonly runs: number
  readonly events: number
  readonly syncs: number
  readonly commits: number
  /** Images in which anything at all was missing, torn or back, compared with the moment before. */
  readonly damaged: number
  readonly byModel: Readonly<Record<NamesModel, number>>
  readonly broken: readonly { readonly run: number; readonly image: number; readonly at: number; readonly what: readonly string[] }[]
}

/** Images of one recording. */
const IMAGES_PER_RUN = 500

export async function losePower(options: PowerLossOptions): Promise<PowerLossResult> {
  const total = { images: 0, runs: 0, events: 0, syncs: 0, commits: 0, damaged: 0, byModel: { posix: 0, journal: 0 } }
  const broken: PowerLossResult['broken'][number][] = []
  while (total.images < options.images && !(options.stopAtFirst && broken.length > 0)) {
    const run = total.runs++
    const folder = path.join(options.folder, `run-${run}`)
    const { events, program, commits, base } = await record(folder, options, run)
    total.events += events.length
    total.syncs += events.filter(({ kind }) => kind === 'sync').length
    total.commits += program.states.length
    const count = Math.min(IMAGES_PER_RUN, options.images - total.images)
    for (let n = 0; n < count && !(options.stopAtFirst && broken.length > 0); n++) {
      const random = randomOf(options.seed, run * IMAGES_PER_RUN + n)
      // Every part of the run gets its share.
      const at = Math.min(events.length, Math.floor(((n + random.below(1000) / 1000) / count) * (events.length + 1)))
      const names: NamesModel = random.oneIn(2) ? 'posix' : 'journal'
      const image = imageOf(events, at, names, () => random.below(2 ** 30) / 2 ** 30)
      if (!isSame(image, imageOf(events, at, names))) total.damaged++
      const root = path.join(folder, `image-${n}`)
      materialise(image, base, root)
      const what = await inspectImage(path.join(root, 'table'), { at, program, commits }, random)
      fs.rmSync(root, { recursive: true, force: true })
      if (what.length > 0) broken.push({ run, image: n, at, what })
      total.images++
      total.byModel[names]++
      if (total.images % 250 === 0) options.onProgress?.(`${total.images} images, ${broken.length} break a promise`)
    }
    fs.rmSync(folder, { recursive: true, force: true })
  }
  return { ...total, broken }
}

interface Recorded {
  readonly events: readonly Event[]
  readonly program: ProgramResult
  readonly commits: ReadonlyMap<number, Uint8Array>
  readonly base: string
}

async function record(folder: string, { seed, defect }: PowerLossOptions, run: number): Promise<Recorded> {
  const base = path.join(folder, 'disk')
  fs.mkdirSync(base, { recursive: true })
  const root = path.join(base, 'table')
  const recording = recordingFs(root, defect)
  const program = await runProgram(localStorageOn(recording.fs, root), recording.events, randomOf(seed, run))
  const { events } = recording
  assertComplete(events, base)
  return { events, program, commits: commitsOf(events), base }
}

/** The record, played back, must be what lies on the disk: then nothing went past it. */
export function assertComplete(events: readonly Event[], base: string): void {
  const image = imageOf(events, events.length, 'posix')
  const names = (fs.readdirSync(base, { recursive: true }) as string[]).map((name) => path.join(base, name)).sort()
  const recorded = [...image.keys()].sort()
  if (names.join('\n') !== recorded.join('\n'))
    throw new Error(`the record has other names than the disk:\n${recorded.join('\n')}\n\n${names.join('\n')}`)
  for (const [name, bytes] of image) {
    if (bytes === undefined ? !fs.statSync(name).isDirectory() : Buffer.compare(fs.readFileSync(name), bytes) !== 0)
      throw new Error(`the record has other bytes of ${name} than the disk`)
  }
}

// Every commit as it was meant, whether it is still there in the end or was cleaned away.
function commitsOf(events: readonly Event[]): Map<number, Uint8Array> {
  const bytes = new Map<number, Uint8Array[]>()
  const commits = new Map<number, Uint8Array>()
  for (const event of events) {
    if (event.kind === 'write') bytes.set(event.inode, [...(bytes.get(event.inode) ?? []), event.bytes])
    const version = event.kind === 'link' ? /\/(\d{20})\.json$/.exec(event.path)?.[1] : undefined
    if (event.kind === 'link' && version !== undefined) commits.set(Number(version), Buffer.concat(bytes.get(event.inode) ?? []))
  }
  return commits
}

function isSame(a: Image, b: Image): boolean {
  if (a.size !== b.size) return false
  for (const [name, bytes] of a) {
    const other = b.get(name)
    if (!b.has(name) || (bytes === undefined) !== (other === undefined)) return false
    if (bytes !== undefined && other !== undefined && Buffer.compare(bytes, other) !== 0) return false
  }
  return true
}
