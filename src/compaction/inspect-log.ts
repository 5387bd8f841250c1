// What an inspection says of the log: how large it is and of what, what opening the table costs, what a cleaning would delete.
import { cleanLog, LOG_FOLDER, type LogView, parseLogName } from '../log/index.js'
import { findSegment } from '../log/segment.js'
import { tableProperties } from '../schema/index.js'
import type { Storage } from '../storage/storage.js'
import type { TableContext } from '../table/index.js'
import type { Amount } from './inspect-reclaim.js'

export type LogKind = 'commits' | 'checkpoints' | 'sidecars' | 'checksums' | 'compactions' | 'other'

export interface CheckpointFacts extends Amount {
  readonly version: number
  readonly modifiedMs: number
}

export interface LogFacts {
  /** By kind, in a fixed order. */
  readonly kinds: readonly (Amount & { readonly kind: LogKind })[]
  /** Newest first; without their sidecars, which several may share. */
  readonly checkpoints: readonly CheckpointFacts[]
  readonly checkpointCount: number
  /** What opening the latest version reads: the newest checkpoint and the commits after it. */
  readonly opening: {
    readonly checkpointVersion: number | undefined
    readonly checkpointBytes: number
    readonly commits: number
    readonly commitBytes: number
  }
  readonly retentionMs: number
  /** What a cleaning would delete now. */
  readonly cleanable: Amount & { readonly keptFrom: number | undefined }
}

const KINDS: readonly LogKind[] = ['commits', 'checkpoints', 'sidecars', 'checksums', 'compactions', 'other']

/** @throws AlluviumError storage errors */
export async function logFacts(
  { storage, runtime }: Pick<TableContext, 'storage' | 'runtime'>,
  view: LogView,
  options: { readonly maxCheckpoints: number; readonly signal: AbortSignal | undefined },
): Promise<LogFacts> {
  const { signal } = options
  const { kinds, checkpoints } = await sizes(storage, signal)
  const { checkpoint, steps } = await findSegment(storage, { version: view.version, signal })
  const newest = [...checkpoints.values()].sort((a, b) => b.version - a.version)
  return {
    kinds: KINDS.map((kind) => ({ kind, ...(kinds.get(kind) ?? { files: 0, bytes: 0 }) })),
    checkpoints: newest.slice(0, options.maxCheckpoints),
    checkpointCount: newest.length,
    opening: {
      checkpointVersion: checkpoint?.version,
      checkpointBytes: checkpoint?.files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0) ?? 0,
      commits: view.version - (checkpoint?.version ?? -1),
      commitBytes: steps.reduce((sum, { file }) => sum + file.sizeBytes, 0),
    },
    retentionMs: tableProperties(view.metadata.configuration).logRetentionDurationMs,
    cleanable: await cleanable(storage, runtime, view, signal),
  }
}

async function sizes(
  storage: Storage,
  signal: AbortSignal | undefined,
): Promise<{ kinds: Map<LogKind, Amount>; checkpoints: Map<number, CheckpointFacts> }> {
  const kinds = new Map<LogKind, Amount>()
  const checkpoints = new Map<number, CheckpointFacts>()
  for await (const page of storage.list(LOG_FOLDER, { recursive: true, signal })) {
    for (const { path, sizeBytes, modifiedMs } of page) {
      const name = path.slice(LOG_FOLDER.length + 1)
      const kind = kindOf(name)
      const known = kinds.get(kind)
      kinds.set(kind, { files: (known?.files ?? 0) + 1, bytes: (known?.bytes ?? 0) + sizeBytes })
      if (kind !== 'checkpoints') continue
      const version = Number(name.slice(0, 20))
      const before = checkpoints.get(version)
      checkpoints.set(version, {
        version,
        files: (before?.files ?? 0) + 1,
        bytes: (before?.bytes ?? 0) + sizeBytes,
        modifiedMs: Math.max(before?.modifiedMs ?? 0, modifiedMs),
      })
    }
  }
  return { kinds, checkpoints }
}

function kindOf(name: string): LogKind {
  if (name.startsWith('_sidecars/')) return 'sidecars'
  switch (parseLogName(name)?.kind) {
    case 'commit':
      return 'commits'
    case 'classic':
    case 'multipart':
    case 'uuid':
      return 'checkpoints'
    case 'checksum':
      return 'checksums'
    case 'compacted':
      return 'compactions'
    default:
      return 'other'
  }
}

// A table that must not be written here is not cleaned here either.
async function cleanable(
  storage: Storage,
  runtime: TableContext['runtime'],
  view: LogView,
  signal: AbortSignal | undefined,
): Promise<LogFacts['cleanable']> {
  try {
    const { paths, bytes, keptFrom } = await cleanLog({ storage, runtime }, view, { dryRun: true, signal })
    return { files: paths.length, bytes, keptFrom }
  } catch (error) {
    if (signal?.aborted) throw error
    return { files: 0, bytes: 0, keptFrom: undefined }
  }
}
