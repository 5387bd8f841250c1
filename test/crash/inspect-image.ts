// What is found after the power came back, and whether it keeps what was promised before. The image is put on a real disk and
// opened by the library as it is.
import fs from 'node:fs'
import path from 'node:path'
import { localStorage } from '../../src/storage/local.js'
import { createStreamWriter } from '../../src/stream/index.js'
import { openTable, type Table } from '../../src/table/index.js'
import type { Random } from '../fuzz/random.js'
import type { Image } from './image.js'
import { type ProgramResult, type ProgramRow, STREAM_APP } from './program.js'

export interface Moment {
  /** Events before the power went. */
  readonly at: number
  readonly program: ProgramResult
  /** The commit files as they were written, by version. */
  readonly commits: ReadonlyMap<number, Uint8Array>
}

const NEW_ID = 1_000_000
const KNOWN =
  /^(_delta_log|p=[abos]|p=[abos]\/[\w.-]+\.parquet|_delta_log\/(\d{20}\.(json|crc|checkpoint\.parquet)|\d{20}\.\d{20}\.compacted\.json|_last_checkpoint|_last_vacuum_info)|(.*\/)?\.[^/]+\.[0-9a-f-]{36}\.tmp)$/

/** Writes an image below `to`. `from` is where its names began. */
export function materialise(image: Image, from: string, to: string): void {
  fs.mkdirSync(to, { recursive: true })
  for (const [name, bytes] of image) {
    const target = path.join(to, path.relative(from, name))
    if (bytes === undefined) fs.mkdirSync(target, { recursive: true })
    else fs.writeFileSync(target, bytes)
  }
}

/** Every promise that the image at `root` breaks. */
export async function inspectImage(root: string, moment: Moment, random: Random): Promise<string[]> {
  const { at, program, commits } = moment
  const promised = program.acknowledged.filter((each) => each.at <= at).map(({ version }) => version)
  const least = Math.max(-1, ...promised)
  const broken: string[] = []
  for (const name of fs.existsSync(root) ? (fs.readdirSync(root, { recursive: true }) as string[]) : [])
    if (!KNOWN.test(name.replaceAll('\\', '/'))) broken.push(`${name} is of no known kind`)
  broken.push(...tornCommits(root, commits))
  // Nothing is synced from here on: the power stays.
  const storage = localStorage(root, { durability: 'none' })
  let table: Table<ProgramRow, ProgramRow>
  try {
    table = await openTable<ProgramRow, ProgramRow>(storage)
  } catch (error) {
    const isFine = least < 0 && (error as { code?: string }).code === 'NOT_A_TABLE'
    return isFine ? broken : [...broken, `the table cannot be opened, version ${least} was acknowledged: ${error}`]
  }
  try {
    const { version, view } = await table.snapshot()
    if (version < least) broken.push(`version ${least} was acknowledged, and the latest is ${version}`)
    broken.push(...(await differs(table, version, program)))
    const older = at < program.vacuumFrom ? promised.filter((each) => each < version) : []
    if (older.length > 0) broken.push(...(await differs(table, random.pick(older), program)))
    for (const [partition, expected] of (program.positions[version] ?? []).entries()) {
      const position = view.txns.get(`${STREAM_APP}/topic/${partition}`)?.version ?? -1n
      if (position !== BigInt(expected)) broken.push(`at version ${version} partition ${partition} is at ${position}, not ${expected}`)
    }
    broken.push(...(await goesOn(table, version, program, random)))
  } catch (error) {
    broken.push(`after version ${least} was acknowledged: ${error instanceof Error ? error.stack : error}`)
  }
  return broken
}

function tornCommits(root: string, commits: ReadonlyMap<number, Uint8Array>): string[] {
  const broken: string[] = []
  for (const [version, bytes] of commits) {
    const name = path.join(root, '_delta_log', `${String(version).padStart(20, '0')}.json`)
    if (fs.existsSync(name) && Buffer.compare(fs.readFileSync(name), bytes) !== 0)
      broken.push(`the commit of version ${version} is not whole`)
  }
  return broken
}

async function differs(table: Table<ProgramRow, ProgramRow>, version: number, program: ProgramResult): Promise<string[]> {
  return difference(version, await idsAt(table, version), program.states[version] ?? [])
}

function difference(version: number, read: readonly number[], expected: readonly number[]): string[] {
  const sorted = [...read].sort((a, b) => a - b)
  if (sorted.join() === expected.join()) return []
  return [`version ${version} has ${sorted.length} rows that are not its own ${expected.length}`]
}

async function idsAt(table: Table<ProgramRow, ProgramRow>, version: number): Promise<number[]> {
  const rows = await (await table.snapshot({ version })).scan().toArray()
  return rows.map(({ id }) => Number(id))
}

// Whoever finds the table goes on writing it: by an append, or by the stream from where the table says, and leaves a checkpoint.
async function goesOn(table: Table<ProgramRow, ProgramRow>, version: number, program: ProgramResult, random: Random): Promise<string[]> {
  const row = { id: BigInt(NEW_ID), p: 's', pad: 'new' }
  let next: number
  if (random.oneIn(3)) {
    const writer = await createStreamWriter(table, { appId: STREAM_APP, linger: { ms: 0 } })
    const offset = Number(writer.positionOf('topic', 0) ?? -1n) + 1
    const ticket = await writer.write([row], { source: 'topic', partition: 0, firstOffset: offset, lastOffset: offset })
    await writer.close()
    next = (await ticket.committed).version
  } else next = (await table.append([row])).version
  if (random.oneIn(4)) await table.checkpoint()
  await table.settled()
  const broken = next === version + 1 ? [] : [`the next version after ${version} is ${next}`]
  const again = await openTable<ProgramRow, ProgramRow>(table.context.storage)
  return [...broken, ...difference(next, await idsAt(again, next), [...(program.states[version] ?? []), NEW_ID])]
}
