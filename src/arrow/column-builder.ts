// The contract of a column under construction. Whoever appends (rows, or a scanner of bytes) sees only this and the
// typed appends of the classes behind it. One rule: a bad value is an answer, never an exception, and leaves no trace.
import type { Data } from 'apache-arrow'
import type { Field } from '../schema/index.js'

/** One thing wrong with one value. */
export interface CellFault {
  /** Dotted path: `id`, `address.city`, `tags.element`, `scores.key`, `scores.value`. */
  readonly column: string
  /** The value as short printable text. */
  readonly value: string
  /** What is wrong with it. */
  readonly problem: string
}

/** Settings that all builders of one batch share; they may change between calls. */
export interface BuildSettings {
  /** Keys of a struct value that its type does not know are skipped instead of being a fault. */
  ignoreUnknown: boolean
}

/**
 * Grows one column. Nested builders have children of the same kind: `ListBuilder.element`, `MapBuilder.key` and
 * `.value`, `StructBuilder.children`.
 */
export interface ColumnBuilder {
  readonly field: Field
  /** The dotted path of this column, used in faults. */
  readonly path: string
  /** Cells appended since the last `finish`. */
  readonly length: number
  /** Bytes in use by the cells (not the capacity), children included. */
  readonly byteLength: number
  /**
   * Appends one value in any of its JavaScript forms. `null` and `undefined` are null, which is a fault in a NOT NULL field.
   * A fault is answered as text and nothing is appended then; with `faults` given, all faults of a nested value are listed there.
   */
  append(value: unknown, faults?: CellFault[]): string | undefined
  /** Appends a null. Does not look at NOT NULL: the caller does. */
  appendNull(): void
  /** Appends a cell that a null parent hides: null where the field allows it, else a zero value. */
  appendFiller(): void
  /**
   * Appends the named member of each of `rows[start, end)`. False as soon as one has a fault: the caller then truncates.
   * The loop of a whole column in one place is what makes building fast.
   */
  appendMembers(rows: readonly object[], key: MemberKey, start: number, end: number): boolean
  /** Drops the cells from `length` on. */
  truncate(length: number): void
  /**
   * Everything appended, as Arrow data; the builder is empty again. Lent, the data lies in the builder's own memory, which the
   * next append overwrites: building on costs no fresh memory then. (Builders may hand theirs out all the same.)
   */
  finish(lent?: boolean): Data
}

/** The name of a member, and whether a plain `row[name]` could find something inherited (`constructor`, `__proto__`). */
export interface MemberKey {
  readonly name: string
  readonly inherited: boolean
}

/** The key under which rows keep a column. */
export function memberKey(name: string): MemberKey {
  return { name, inherited: name in Object.prototype }
}

/** A member of a row; names that every object inherits count only when the row owns them. */
export function memberOf(row: object, key: MemberKey): unknown {
  if (key.inherited && !Object.hasOwn(row, key.name)) return undefined
  return (row as Record<string, unknown>)[key.name]
}
