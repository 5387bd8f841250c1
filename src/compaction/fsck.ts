// Checking a table against its files: data files that are gone, checksums and checkpoints that do not say what the commits
// say. Rule: without `repair` nothing is changed; with it, only what surely helps.
import { isAlluviumError } from '../errors.js'
import { commit } from '../log/commit/index.js'
import { checksumPath, LOG_FOLDER, type LogView, loadLog, parseLogName, writeCheckpoint } from '../log/index.js'
import type { ObjectInfo, Storage } from '../storage/storage.js'
import { type Table, tombstone } from '../table/index.js'
import { pathInTable, vectorInTable } from './table-files.js'

export interface FsckOptions {
  /** Removes missing files from the table, deletes checksums and checkpoints that are wrong, and writes a checkpoint in their place. */
  readonly repair?: boolean
  readonly signal?: AbortSignal | undefined
}

export type FsckFinding =
  /** A file of the table is not in its folder; its rows are lost. */
  | { readonly kind: 'missing-file'; readonly path: string }
  /** The file of a deletion vector is gone: the file it belongs to cannot be read. */
  | { readonly kind: 'missing-vector'; readonly path: string; readonly vector: string }
  | { readonly kind: 'size'; readonly path: string; readonly detail: string }
  | { readonly kind: 'checksum'; readonly path: string; readonly detail: string }
  | { readonly kind: 'checkpoint'; readonly path: string; readonly detail: string }

export interface FsckResult {
  readonly version: number
  readonly filesChecked: number
  readonly findings: readonly FsckFinding[]
  /** Whether the newest checkpoint could be compared with the commits before it; false where these are gone. */
  readonly checkpointCompared: boolean
  /** The version of the repair, where one was made. */
  readonly repairedVersion: number | undefined
}

/**
 * Looks for damage that opening a table does not show.
 * @throws AlluviumError as for opening the table, storage errors
 * @example const { findings } = await fsck(table)
 */
export async function fsck<Row, Input>(table: Table<Row, Input>, options: FsckOptions = {}): Promise<FsckResult> {
  const { signal, repair = false } = options
  const { storage } = table.context
  const { view } = await table.snapshot(signal === undefined ? {} : { signal })
  const { findings, rows } = await checkFiles(storage, view, signal)
  const checksum = await view.verifyChecksum(storage, { signal })
  const path = checksumPath(view.version)
  if (checksum.state === 'mismatch' || checksum.state === 'unreadable')
    findings.push({ kind: 'checksum', path, detail: checksum.detail ?? '' })
  const checkpoint = await checkCheckpoint(storage, view, signal)
  findings.push(...checkpoint.findings)
  const repairedVersion = repair && findings.length > 0 ? await repairTable(table, view, findings, rows, signal) : undefined
  return { version: view.version, filesChecked: view.files.numFiles, findings, checkpointCompared: checkpoint.compared, repairedVersion }
}

async function checkFiles(
  storage: Storage,
  view: LogView,
  signal: AbortSignal | undefined,
): Promise<{ findings: FsckFinding[]; rows: number[] }> {
  const sizes = new Map<string, number>()
  for await (const page of storage.list('', { recursive: true, signal }))
    for (const { path, sizeBytes } of page) if (!path.startsWith(`${LOG_FOLDER}/`)) sizes.set(path, sizeBytes)
  const findings: FsckFinding[] = []
  const rows: number[] = []
  for (const row of view.files.liveRows()) {
    const path = pathInTable(storage, view.files.path(row))
    const vector = view.files.deletionVector(row)
    const vectorPath = vector && vectorInTable(storage, vector)
    if (path === undefined) continue // of another folder
    const sizeBytes = sizes.get(path)
    if (sizeBytes === undefined) findings.push({ kind: 'missing-file', path })
    else if (vectorPath !== undefined && !sizes.has(vectorPath)) findings.push({ kind: 'missing-vector', path, vector: vectorPath })
    else {
      if (sizeBytes !== view.files.size(row))
        findings.push({ kind: 'size', path, detail: `it has ${sizeBytes} bytes, the log says ${view.files.size(row)}` })
      continue
    }
    rows.push(row)
  }
  return { findings, rows }
}

// The table once from its newest checkpoint, once without any: they must be the same.
async function checkCheckpoint(
  storage: Storage,
  view: LogView,
  signal: AbortSignal | undefined,
): Promise<{ findings: FsckFinding[]; compared: boolean }> {
  const path = await newestCheckpoint(storage, view.version, signal)
  if (path === undefined) return { findings: [], compared: false }
  const call = { version: view.version, ...(signal === undefined ? {} : { signal }) }
  const others = await loadLog(
    hiding(storage, (other) => other === path),
    call,
  ).catch(orUndefined)
  const alone = await loadLog(
    hiding(storage, (other) => isOlder(other, path)),
    call,
  ).catch((error: unknown) => error)
  if (isAlluviumError(alone)) return { findings: [{ kind: 'checkpoint', path, detail: alone.message }], compared: others !== undefined }
  if (others === undefined || !isView(alone)) return { findings: [], compared: false }
  const detail = difference(alone, others)
  return { findings: detail === undefined ? [] : [{ kind: 'checkpoint', path, detail }], compared: true }
}

function isView(value: unknown): value is LogView {
  return typeof value === 'object' && value !== null && 'files' in value
}

function orUndefined(error: unknown): undefined {
  if (isAlluviumError(error)) return undefined
  throw error
}

async function newestCheckpoint(storage: Storage, version: number, signal: AbortSignal | undefined): Promise<string | undefined> {
  let newest: { path: string; version: number } | undefined
  for await (const page of storage.list(LOG_FOLDER, { signal })) {
    for (const { path } of page) {
      const file = parseLogName(path.slice(LOG_FOLDER.length + 1))
      if (file?.kind !== 'classic' && file?.kind !== 'uuid' && file?.kind !== 'multipart') continue
      if (file.version <= version && (newest === undefined || file.version > newest.version)) newest = { path, version: file.version }
    }
  }
  return newest?.path
}

// Commits below the checkpoint, and older checkpoints: what would stand in for it.
function isOlder(path: string, checkpoint: string): boolean {
  const [file, wanted] = [path, checkpoint].map((name) => parseLogName(name.slice(LOG_FOLDER.length + 1)))
  if (file === undefined || wanted === undefined || !('version' in file) || !('version' in wanted)) return false
  return file.version < wanted.version
}

/** A store in which some files of the log are not to be seen. */
function hiding(storage: Storage, isHidden: (path: string) => boolean): Storage {
  const list = async function* (folder: string, options?: Parameters<Storage['list']>[1]): AsyncGenerator<readonly ObjectInfo[]> {
    for await (const page of storage.list(folder, options)) yield page.filter(({ path }) => !isHidden(path))
  }
  return new Proxy(storage, {
    get: (target, key) => {
      if (key === 'list') return list
      const own: unknown = Reflect.get(target, key, target)
      return typeof own === 'function' ? own.bind(target) : own
    },
  })
}

function difference(checkpoint: LogView, commits: LogView): string | undefined {
  if (checkpoint.files.numFiles !== commits.files.numFiles)
    return `it leads to ${checkpoint.files.numFiles} files, the commits to ${commits.files.numFiles}`
  for (const row of commits.files.liveRows()) {
    const path = commits.files.path(row)
    const other = checkpoint.files.find(path, commits.files.deletionVector(row))
    if (other < 0) return `the commits lead to ${path}, the checkpoint does not`
    if (checkpoint.files.size(other) !== commits.files.size(row)) return `the size of ${path} differs`
  }
  return JSON.stringify(checkpoint.metadata) === JSON.stringify(commits.metadata) || sameTexts(checkpoint, commits)
    ? undefined
    : 'the metadata differs'
}

function sameTexts(a: LogView, b: LogView): boolean {
  const { metadata: one } = a
  const { metadata: other } = b
  return one.id === other.id && one.schemaString === other.schemaString && String(one.partitionColumns) === String(other.partitionColumns)
}

async function repairTable<Row, Input>(
  table: Table<Row, Input>,
  view: LogView,
  findings: readonly FsckFinding[],
  rows: readonly number[],
  signal: AbortSignal | undefined,
): Promise<number | undefined> {
  const { context } = table
  const { storage, runtime } = context
  for (const { kind, path } of findings) if (kind === 'checksum' || kind === 'checkpoint') await storage.delete(path, { signal })
  let newest = view
  if (rows.length > 0) {
    await view.files.loadStats(signal)
    const gone = rows.map((row) => tombstone(view.files.add(row), runtime.now()))
    const { view: after } = await commit(
      context,
      {
        base: view,
        actions: gone,
        operation: 'FSCK',
        operationParameters: { dryRun: false },
        operationMetrics: { numRemovedFiles: String(gone.length) },
        readSet: { appIds: [], readFiles: new Set(gone.map(({ path }) => path)) },
      },
      signal === undefined ? {} : { signal },
    )
    newest = after
  }
  if (findings.some(({ kind }) => kind === 'checkpoint'))
    await writeCheckpoint(context, await loadLog(storage, { version: newest.version }), { signal })
  return newest.version === view.version ? undefined : newest.version
}
