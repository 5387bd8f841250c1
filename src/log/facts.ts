// What can be known of a version without its files. Where the version's checksum file says it all, neither the commits
// nor the checkpoint are read; where it does not, the log is.
import { isAlluviumError } from '../errors.js'
import { parseSchema, type StructType } from '../schema/index.js'
import type { Storage } from '../storage/storage.js'
import type { DomainMetadata, Metadata, Protocol, Txn } from './actions.js'
import { type Checksum, readChecksum } from './checksum.js'
import { assertReadable } from './features.js'
import { assertVersion, type LoadOptions, loadFrom } from './load.js'
import { findSegment, type LogSegment } from './segment.js'

/** A version without its files. */
export interface LogFacts {
  readonly version: number
  readonly protocol: Protocol
  readonly metadata: Metadata
  readonly schema: StructType
  readonly numFiles: number
  /** Sum of the sizes of the live files; rounded beyond 2^53. */
  readonly sizeBytes: number
  /**
   * The latest transaction of each application; `undefined` where only the checksum was read and it does not tell.
   * Writers may leave expired ones out of it: for exactly-once writing, ask {@link loadLog}.
   */
  readonly txns: ReadonlyMap<string, Txn> | undefined
  /** Domain metadata in force; `undefined` as for `txns`. */
  readonly domains: ReadonlyMap<string, DomainMetadata> | undefined
}

/**
 * The facts of the latest version, or of `version`. Costs a listing and one small file where the version has a whole
 * checksum, and what {@link loadLog} costs otherwise.
 * @throws AlluviumError as {@link loadLog}
 * @example const { schema } = await loadFacts(storage)
 */
export async function loadFacts(storage: Storage, options: LoadOptions = {}): Promise<LogFacts> {
  const { version, signal } = options
  assertVersion(version)
  const segment = await findSegment(storage, { version, signal })
  const quick = await factsOfChecksum(storage, segment, options)
  if (quick !== undefined) return quick
  const view = await loadFrom(storage, options, segment)
  const { protocol, metadata, schema, files, txns, domains } = view
  return { version: view.version, protocol, metadata, schema, numFiles: files.numFiles, sizeBytes: files.sizeBytes, txns, domains }
}

async function factsOfChecksum(storage: Storage, segment: LogSegment, options: LoadOptions): Promise<LogFacts | undefined> {
  if (segment.checksum === undefined) return undefined
  const checksum = await readChecksum(storage, segment.version, options.signal)
  if (checksum === undefined || typeof checksum === 'string' || !isWhole(checksum)) return undefined
  const { protocol, metadata, txns, domains } = checksum
  let schema: StructType
  try {
    // Refusing a table is for the log itself to do.
    if (options.allowUnreadable !== true) assertReadable(protocol, metadata)
    schema = parseSchema(metadata.schemaString)
  } catch (error) {
    if (isAlluviumError(error)) return undefined
    throw error
  }
  return {
    version: segment.version,
    protocol,
    metadata,
    schema,
    numFiles: Number(checksum.numFiles),
    sizeBytes: Number(checksum.tableSizeBytes),
    txns: txns && new Map(txns.map((txn) => [txn.appId, txn])),
    domains: domains && new Map(domains.filter(({ removed }) => !removed).map((domain) => [domain.domain, domain])),
  }
}

function isWhole(checksum: Checksum): checksum is Checksum & { readonly protocol: Protocol; readonly metadata: Metadata } {
  const { numFiles, tableSizeBytes, numMetadata, numProtocol, protocol, metadata } = checksum
  if (protocol === undefined || metadata === undefined || metadata.schemaString === '') return false
  return numFiles >= 0 && tableSizeBytes >= 0 && numMetadata === 1 && numProtocol === 1
}
