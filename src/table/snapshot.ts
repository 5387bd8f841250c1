// One version of a table, for ever the same: it never refreshes, and two reads of it always agree.

import { bindFilter, type Expression, parseFilter } from '../filter/index.js'
import type { AddFile, DomainMetadata, LogView, Metadata, Protocol, Txn } from '../log/index.js'
import type { StructType } from '../schema/index.js'
import type { Storage } from '../storage/storage.js'
import { clusteringColumns } from './clustering.js'
import { pruneFiles } from './prune.js'
import { Scan } from './scan.js'
import type { ScanOptions } from './scan-plan.js'

/**
 * An immutable view of one version.
 *
 * @example
 * const before = await table.snapshot({ version: 0 })
 * console.log(before.numFiles, await before.scan().count())
 */
export class Snapshot<Row = Record<string, unknown>> {
  /** The log's own view, for code that works on the protocol level. */
  readonly view: LogView
  readonly #storage: Storage

  constructor(storage: Storage, view: LogView) {
    this.#storage = storage
    this.view = view
  }

  get version(): number {
    return this.view.version
  }
  get schema(): StructType {
    return this.view.schema
  }
  get partitionColumns(): readonly string[] {
    return this.view.metadata.partitionColumns
  }
  /** Table properties (`delta.*` and free ones). */
  get properties(): Readonly<Record<string, string>> {
    return this.view.metadata.configuration
  }
  get protocol(): Protocol {
    return this.view.protocol
  }
  get metadata(): Metadata {
    return this.view.metadata
  }
  get numFiles(): number {
    return this.view.files.numFiles
  }
  /** Bytes of all live data files. */
  get sizeBytes(): number {
    return this.view.files.sizeBytes
  }

  /** How far each application has come: the `txn` versions by application id (PROTOCOL.md, "Transaction Identifiers"). */
  get positions(): ReadonlyMap<string, bigint> {
    return new Map([...this.view.txns].map(([appId, txn]) => [appId, txn.version]))
  }

  /** The latest transaction of an application, or undefined: whether its `version` is in the table already (PROTOCOL.md, "Transaction Identifiers"). */
  txn(appId: string): Txn | undefined {
    return this.view.txns.get(appId)
  }

  /** Domain metadata in force by its domain (PROTOCOL.md, "Domain Metadata"); `configuration` is whatever text the domain keeps. */
  get domainMetadata(): ReadonlyMap<string, DomainMetadata> {
    return new Map(this.view.domains)
  }

  /**
   * The columns by which the table is clustered, as paths of their names, in order; empty where it is not
   * (PROTOCOL.md, "Clustered Table").
   */
  get clusteringColumns(): readonly (readonly string[])[] {
    return clusteringColumns(this.view)
  }

  /** Plans a reading of this version. */
  scan(options: ScanOptions = {}): Scan<Row> {
    return new Scan<Row>(this.#storage, this.view, options)
  }

  /** The live files as `add` actions, one at a time; with `where`, only those that a scan with it would read. */
  async *files(
    options: { readonly where?: Expression | string; readonly signal?: AbortSignal } = {},
  ): AsyncGenerator<AddFile, void, undefined> {
    const expression = typeof options.where === 'string' ? parseFilter(options.where) : options.where
    const filter = expression === undefined ? undefined : bindFilter(expression, this.schema)
    await this.view.files.loadStats(options.signal)
    const { files } = await pruneFiles(this.view, filter, options.signal)
    for (const row of files) yield this.view.files.add(row)
  }
}
