// The change data feed of a table: which rows came, went and became others, version by version. A plan that can be
// printed before it runs, then batches or rows, like a scan.
import type { RecordBatch } from 'apache-arrow'
import { rowsOf } from '../arrow/index.js'
import type { LogView } from '../log/index.js'
import type { Storage } from '../storage/storage.js'
import type { ChangeType } from './change-schema.js'
import { type ChangesOptions, type ChangesPlan, formatChangesPlan, planChanges, type ReadyPlan } from './changes-plan.js'
import { readChanges } from './read-changes.js'
import type { RowOptions } from './scan.js'

/** A row of the feed: the table's columns as the end of the range has them, and what happened to it. */
export type ChangeRow<Row> = Row & {
  /** An update is two rows: what the row was (`update_preimage`) and what it is (`update_postimage`), where the writer recorded it. */
  readonly _change_type: ChangeType
  readonly _commit_version: bigint
  /** With `timestamps: 'micros'` a bigint, like every timestamp. */
  readonly _commit_timestamp: Date
}

/**
 * The changes of a range of versions (PROTOCOL.md, "Change Data Files" and "Add CDC File"). The table must have
 * `delta.enableChangeDataFeed=true` at every version of the range. Versions come in ascending order; the rows of one
 * version in no particular order. The range is settled when the plan is first needed, and iterating again reads it again.
 *
 * @example
 * const changes = table.changes({ from: 3, columns: ['id', '_change_type'], where: "_change_type <> 'update_preimage'" })
 * for await (const { id, _change_type } of changes.rows()) console.log(_change_type, id)
 */
export class Changes<Row = Record<string, unknown>> {
  readonly #storage: Storage
  readonly #known: LogView
  readonly #options: ChangesOptions
  #planned: Promise<ReadyPlan> | undefined

  /** @internal Use `table.changes`. */
  constructor(storage: Storage, known: LogView, options: ChangesOptions) {
    this.#storage = storage
    this.#known = known
    this.#options = options
  }

  /**
   * The plan, made once: commits are read, data is not.
   * @throws AlluviumError `VERSION_NOT_FOUND` for versions that are not there, or whose commits were cleaned away;
   * `UNSUPPORTED_FEATURE` with the feature `changeDataFeed` and the fact `version` where the feed was off;
   * `SCHEMA_MISMATCH` with the fact `version` for rows that the schema at the end of the range cannot hold;
   * `INVALID_OPTIONS`, `CORRUPT_LOG`, storage errors
   */
  async plan(): Promise<ChangesPlan> {
    return (await this.#ready()).plan
  }

  /** The plan as text for people. */
  async explain(): Promise<string> {
    return formatChangesPlan(await this.plan())
  }

  /**
   * Arrow batches of the output columns, filtered; memory is bounded by one row group.
   * @throws AlluviumError as {@link plan}, and `MISSING_FILE` for a file that was vacuumed since, `CORRUPT_DATA`
   */
  async *batches(): AsyncGenerator<RecordBatch, void, undefined> {
    yield* readChanges(this.#storage, await this.#ready(), this.#options)
  }

  /** Rows as objects; see the table of value forms in the README. */
  async *rows(options: RowOptions = {}): AsyncGenerator<ChangeRow<Row>, void, undefined> {
    const { output } = await this.plan()
    for await (const batch of this.batches()) yield* rowsOf(batch, output, options) as ChangeRow<Row>[]
  }

  /** All rows in an array: for results that are known to be small. */
  async toArray(options: RowOptions = {}): Promise<ChangeRow<Row>[]> {
    const rows: ChangeRow<Row>[] = []
    for await (const row of this.rows(options)) rows.push(row)
    return rows
  }

  #ready(): Promise<ReadyPlan> {
    this.#planned ??= planChanges(this.#storage, this.#known, this.#options)
    return this.#planned
  }
}
