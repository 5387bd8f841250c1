// One version of a table, for ever the same: it never refreshes, and two reads of it always agree.

import { bindFilter, type Expression, parseFilter } from '../filter/index.js'
import type { AddFile, LogView, Metadata, Protocol } from '../log/index.js'
import type { StructType } from '../schema/index.js'
import type { Storage } from '../storage/storage.js'
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
