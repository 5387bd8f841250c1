// A shallow clone: a table of its own in another folder that names the data files of its source. Rule: the source is only
// read, and its files are named by absolute paths, so that whoever opens the clone decides whether they may be read.
import { AlluviumError } from '../errors.js'
import { commit } from '../log/commit/index.js'
import { type Action, type AddFile, type DeletionVectorDescriptor, deletionVectorPath, type LogView } from '../log/index.js'
import { type Runtime, systemRuntime } from '../runtime.js'
import { decodeFilePath, encodeFilePath } from '../schema/index.js'
import type { Storage } from '../storage/storage.js'
import { type Snapshot, tableContext } from '../table/index.js'

export interface CloneOptions {
  readonly runtime?: Runtime
  readonly signal?: AbortSignal | undefined
}

export interface CloneResult {
  readonly version: number
  readonly sourceVersion: number
  readonly files: number
  readonly bytes: number
}

/**
 * Makes a table at `target` that has the rows of a version of another table, without copying its files.
 * @param location the folder of the source, as its store tells it
 * @throws AlluviumError `ALREADY_EXISTS`, `UNSUPPORTED_FEATURE`, storage errors
 */
export async function cloneTable(
  source: Snapshot<unknown>,
  location: string,
  target: Storage,
  options: CloneOptions = {},
): Promise<CloneResult> {
  const { runtime = systemRuntime, signal } = options
  const { view } = source
  await view.files.loadStats(signal)
  const folder = folderUrl(location)
  const files = [...view.files.liveRows()].map((row) => absolute(view, row, folder))
  const { protocol, metadata } = view
  const actions: Action[] = [
    protocol,
    { ...metadata, id: runtime.uuid(), createdTime: runtime.now() },
    ...[...view.domains.values()].filter(({ domain }) => domain !== 'delta.rowTracking'),
    ...files,
  ]
  const context = tableContext(target, runtime)
  const bytes = files.reduce((sum, { size }) => sum + size, 0)
  const { version } = await commit(
    context,
    {
      base: undefined,
      actions,
      operation: 'CLONE',
      operationParameters: { source: location, sourceVersion: view.version, isShallow: true },
      operationMetrics: {
        sourceTableSize: String(bytes),
        sourceNumOfFiles: String(files.length),
        numCopiedFiles: '0',
        copiedFilesSize: '0',
      },
      readSet: { appIds: [] },
    },
    signal === undefined ? {} : { signal },
  )
  await context.upkeep?.settled()
  return { version, sourceVersion: view.version, files: files.length, bytes }
}

function folderUrl(location: string): string {
  if (/^[a-z][a-z0-9+.-]*:/i.test(location)) return location.replace(/\/+$/, '')
  if (!location.startsWith('/'))
    throw new AlluviumError('INVALID_OPTIONS', `${location} is no place that another table could name`, { location })
  return `file://${encodeFilePath(location).replace(/\/+$/, '')}`
}

function absolute(view: LogView, row: number, folder: string): AddFile {
  const { path, deletionVector, baseRowId: _id, defaultRowCommitVersion: _version, ...file } = view.files.add(row)
  const isAbsolute = /^([a-z][a-z0-9+.-]*:|\/)/i.test(path)
  return {
    ...file,
    path: isAbsolute ? path : `${folder}/${encodeFilePath(decodeFilePath(path))}`,
    dataChange: true,
    ...(deletionVector === undefined ? {} : { deletionVector: absoluteVector(deletionVector, folder) }),
  }
}

function absoluteVector(vector: DeletionVectorDescriptor, folder: string): DeletionVectorDescriptor {
  if (vector.storageType !== 'u') return vector
  return { ...vector, storageType: 'p', pathOrInlineDv: `${folder}/${encodeFilePath(deletionVectorPath(vector) ?? '')}` }
}
