// What killed processes leave in a table's folder, and that it can be told from the table: temporaries under hidden names, and data
// files that no commit names.
import fs from 'node:fs'
import path from 'node:path'
import { vacuum } from '../../src/compaction/index.js'
import { type Runtime, systemRuntime } from '../../src/runtime.js'
import { localStorage } from '../../src/storage/local.js'
import { openTable } from '../../src/table/index.js'
import type { CheckedLog } from './check-log.js'

const DAY_MS = 86_400_000
/** No process here takes so long over one commit. */
const SURELY_DEAD_MS = 20_000
/** Versions that writers at work may stand on. */
const RECENT_VERSIONS = 300

const TEMPORARY = /^\..+\.[0-9a-f-]{36}\.tmp$/
const KNOWN_IN_LOG = /^(\d{20}\.json|\d{20}\.crc|\d{20}\.checkpoint(\.\d{10}\.\d{10})?\.parquet|_last_checkpoint|_last_vacuum_info)$/
const DATA = /^[\w.-]+\.parquet$/

export interface StrangeFiles {
  readonly hidden: string[]
  readonly unreferenced: string[]
  readonly unknown: string[]
}

/** Files that are not the table, by their kind. */
export function strangeFiles(root: string, log: CheckedLog): StrangeFiles {
  const found: StrangeFiles = { hidden: [], unreferenced: [], unknown: [] }
  const live = new Set([...log.live.keys()].map(decodeURIComponent))
  for (const name of filesBelow(root)) {
    const leaf = path.basename(name)
    if (TEMPORARY.test(leaf)) found.hidden.push(name)
    else if (name.startsWith('_delta_log/') ? KNOWN_IN_LOG.test(leaf) : live.has(name)) continue
    else if (/^p=[abors]\/[^/]+$/.test(name) && DATA.test(leaf)) found.unreferenced.push(name)
    else found.unknown.push(name)
  }
  return found
}

/**
 * Lets time pass for what nobody can need: old versions of the log, and files of processes that are dead. Upkeep, which goes by the
 * times of files and keeps to the table's own retention, then has something to do while writers are at work.
 */
export function ageFiles(root: string, log: CheckedLog): void {
  const nowMs = Date.now()
  const age = (name: string, ms: number): void => {
    try {
      const { mtimeMs } = fs.statSync(path.join(root, name))
      if (nowMs - mtimeMs > SURELY_DEAD_MS && nowMs - mtimeMs < DAY_MS)
        fs.utimesSync(path.join(root, name), (mtimeMs - ms) / 1000, (mtimeMs - ms) / 1000)
    } catch {} // it went away
  }
  for (const name of filesBelow(root)) {
    const leaf = path.basename(name)
    const version = /^_delta_log\/(\d{20})\./.exec(name)?.[1]
    if (version !== undefined && Number(version) < log.version - RECENT_VERSIONS) age(name, 40 * DAY_MS)
    else if (TEMPORARY.test(leaf)) age(name, 2 * DAY_MS)
    else if (name.startsWith('p=') && !log.everAdded.has(name)) age(name, 8 * DAY_MS)
  }
}

/** Vacuums, as it is done after the retention has passed. Answers what went wrong. */
export async function cleanedUp(root: string): Promise<string[]> {
  const later: Runtime = { ...systemRuntime, now: () => Date.now() + 8 * DAY_MS }
  try {
    const storage = localStorage(root, { runtime: later })
    await vacuum(await openTable(storage, { runtime: later }))
    await storage.cleanLeftovers(DAY_MS)
    return []
  } catch (error) {
    return [`the table cannot be cleaned up: ${error instanceof Error ? error.stack : error}`]
  }
}

function filesBelow(root: string): string[] {
  return fs
    .readdirSync(root, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.relative(root, path.join(entry.parentPath ?? entry.path, entry.name)).replaceAll('\\', '/'))
}
