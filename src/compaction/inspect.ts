// The facts of a table that people look at to see how it is doing. Rule: it only reads, holds no data file open, and is bounded:
// of everything that grows with a table's age or size there are counts, and details of a few.
import { isAlluviumError } from '../errors.js'
import { featuresOf } from '../log/index.js'
import { formatColumns } from '../schema/index.js'
import type { Table } from '../table/index.js'
import { type DebtFacts, debtFacts, type FileFacts, fileFacts } from './inspect-files.js'
import { type HistoryFacts, historyFacts } from './inspect-history.js'
import { type LogFacts, logFacts } from './inspect-log.js'
import { type ReclaimFacts, reclaimFacts } from './inspect-reclaim.js'

export interface InspectOptions {
  /** Commits that are read, the newest ones. Default 1000. */
  readonly maxCommits?: number
  /** Partitions that are told one by one. Default 20. */
  readonly maxPartitions?: number
  /** Whether the table's folder is listed for what a vacuum would delete. Default true. */
  readonly listFiles?: boolean
  readonly signal?: AbortSignal | undefined
}

/** How far an application has come. */
export interface PositionFacts {
  readonly appId: string
  readonly version: bigint
  readonly lastUpdatedMs: number | undefined
}

export interface InspectReport {
  /** The table, without credentials. */
  readonly location: string
  readonly version: number
  /** When the facts were taken: milliseconds since 1970. */
  readonly takenMs: number
  readonly id: string
  readonly name: string | undefined
  readonly description: string | undefined
  readonly protocol: { readonly minReaderVersion: number; readonly minWriterVersion: number; readonly features: readonly string[] }
  /** The columns as SQL. */
  readonly columns: string
  readonly columnCount: number
  readonly partitionColumns: readonly string[]
  readonly clusteringColumns: readonly string[]
  readonly properties: readonly (readonly [key: string, value: string])[]
  readonly files: FileFacts
  readonly debt: DebtFacts
  readonly reclaim: ReclaimFacts
  readonly log: LogFacts
  readonly history: HistoryFacts
  readonly positionCount: number
  /** Those that moved last. */
  readonly positions: readonly PositionFacts[]
}

const MAX_POSITIONS = 100
const MAX_CHANGES = 100
const MAX_CHECKPOINTS = 20

/**
 * Takes the facts of the latest version of a table, and changes nothing.
 *
 * @throws AlluviumError `CORRUPT_LOG`, `CORRUPT_CHECKPOINT`, storage errors
 * @example console.log((await inspect(await openTable('./events'))).debt)
 */
export async function inspect<Row, Input>(table: Table<Row, Input>, options: InspectOptions = {}): Promise<InspectReport> {
  const { signal, maxCommits = 1000, maxPartitions = 20, listFiles = true } = options
  const { context } = table
  const snapshot = await table.snapshot(signal === undefined ? {} : { signal })
  const { view, protocol, metadata } = snapshot
  const features = featuresOf(protocol)
  const debt = await debtFacts(view, signal)
  const positions = [...view.txns.values()].map(({ appId, version, lastUpdated }) => ({ appId, version, lastUpdatedMs: lastUpdated }))
  positions.sort((a, b) => (b.lastUpdatedMs ?? 0) - (a.lastUpdatedMs ?? 0) || (a.appId < b.appId ? -1 : 1))
  return {
    location: table.location,
    version: view.version,
    takenMs: context.runtime.now(),
    id: metadata.id,
    name: metadata.name,
    description: metadata.description,
    protocol: {
      minReaderVersion: protocol.minReaderVersion,
      minWriterVersion: protocol.minWriterVersion,
      features: [...new Set([...features.reader, ...features.writer])].sort(),
    },
    columns: formatColumns(view.schema),
    columnCount: view.schema.fields.length,
    partitionColumns: snapshot.partitionColumns,
    clusteringColumns: clustering(() => snapshot.clusteringColumns.map((path) => path.join('.'))),
    properties: Object.entries(snapshot.properties).sort(([a], [b]) => (a < b ? -1 : 1)),
    files: fileFacts(view, debt.goodBytes, maxPartitions),
    debt,
    reclaim: await reclaimFacts(context, view, { listFiles, signal }),
    log: await logFacts(context, view, { maxCheckpoints: MAX_CHECKPOINTS, signal }),
    history: await historyFacts(context.storage, view, { maxCommits, maxChanges: MAX_CHANGES, signal }),
    positionCount: positions.length,
    positions: positions.slice(0, MAX_POSITIONS),
  }
}

function clustering(of: () => readonly string[]): readonly string[] {
  try {
    return of()
  } catch (error) {
    if (isAlluviumError(error, 'CORRUPT_LOG')) return []
    throw error
  }
}
