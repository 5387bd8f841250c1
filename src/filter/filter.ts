// The bound filter: what a scan holds while it prunes files and filters batches.
import type { RecordBatch } from 'apache-arrow'
import type { StructType } from '../schema/index.js'
import { bindExpression } from './bind.js'
import { type Bound, type BoundColumn, boundJunction, columnsOf } from './bound.js'
import { type Bounds, mightMatch, mustMatch } from './bounds.js'
import { evaluateTruth } from './evaluate.js'
import type { Expression } from './expression.js'

/** A filter whose columns, types and literals are settled against a schema. Immutable. */
export class BoundFilter {
  /** Top-level columns that it looks at, in the schema's own names. */
  readonly columns: readonly string[]
  /** Every column or struct member that it looks at, with its type. */
  readonly leaves: readonly BoundColumn[]
  /** The tree; for this folder. */
  readonly bound: Bound

  constructor(bound: Bound) {
    this.bound = bound
    this.leaves = columnsOf(bound)
    this.columns = [...new Set(this.leaves.map((column) => column.path[0] as string))]
  }

  /**
   * One byte a row: 1 where the filter is true, 0 where it is false or unknown.
   * @throws TypeError when the batch is not conformed to the schema.
   */
  evaluate(batch: RecordBatch): Uint8Array {
    const out = evaluateTruth(this.bound, batch)
    for (let i = 0; i < out.length; i++) out[i] = (out[i] as number) >> 1
    return out
  }

  /** One byte a row: 0 false, 1 unknown, 2 true. A constraint is broken where this is 0. */
  truth(batch: RecordBatch): Uint8Array {
    return evaluateTruth(this.bound, batch)
  }

  /** False only when no row within the bounds can make the filter true. */
  mightMatch(bounds: Bounds): boolean {
    return mightMatch(this.bound, bounds)
  }

  /** True only when every row within the bounds makes the filter true. Bounds that may be wrong prove nothing. */
  mustMatch(bounds: Bounds): boolean {
    return mustMatch(this.bound, bounds)
  }

  /**
   * Splits at the ANDs: `only` looks at none but the named top-level columns, `rest` is what is left. Both must hold.
   * Undefined where nothing falls on that side.
   */
  partitionOnly(partitionColumns: readonly string[]): { readonly only: BoundFilter | undefined; readonly rest: BoundFilter | undefined } {
    const conjuncts = this.bound.kind === 'and' ? this.bound.operands : [this.bound]
    const names = new Set(partitionColumns)
    const isOnly = (conjunct: Bound): boolean => columnsOf(conjunct).every((column) => names.has(column.path[0] as string))
    const side = (parts: readonly Bound[]): BoundFilter | undefined =>
      parts.length === 0 ? undefined : new BoundFilter(boundJunction('and', parts))
    return { only: side(conjuncts.filter(isOnly)), rest: side(conjuncts.filter((conjunct) => !isOnly(conjunct))) }
  }
}

/**
 * Settles a filter against a schema: names exactly, else by case where only one fits; literals to the exact values of
 * their columns.
 *
 * @throws AlluviumError `INVALID_OPTIONS` for unknown columns and for types that do not compare; the message names the
 * column and the place.
 */
export function bindFilter(expression: Expression, schema: StructType): BoundFilter {
  return new BoundFilter(bindExpression(expression, schema))
}
