// The filter as plain data: what the builder makes, the parser reads and `formatExpression` prints.
// Rule: nothing here knows a schema. Numbers are kept as their decimal text, so that no literal is rounded before it meets its column.

/** How a literal was written. `double` stands for what decimal text cannot say: `NaN`, `Infinity`, `-Infinity`. */
export type LiteralType = 'null' | 'boolean' | 'number' | 'double' | 'string' | 'date' | 'timestamp' | 'timestamp_ntz' | 'binary'

/** A constant. `text` is `true`/`false` for booleans, decimal text for numbers and hexadecimal digits for binary. */
export interface Literal {
  readonly kind: 'literal'
  readonly type: LiteralType
  readonly text: string
  /** Where it stands in the parsed text: a 0-based character offset. */
  readonly at?: number
}

/** A column, or a member of a struct column. */
export interface Column {
  readonly kind: 'column'
  readonly path: readonly string[]
  readonly at?: number
}

/** What can stand on either side of a comparison. */
export type Operand = Column | Literal

export type CompareOp = '=' | '!=' | '<' | '<=' | '>' | '>='

export interface Compare {
  readonly kind: 'compare'
  readonly op: CompareOp
  readonly left: Operand
  readonly right: Operand
}
export interface InList {
  readonly kind: 'in'
  readonly operand: Operand
  readonly values: readonly Literal[]
  readonly negated: boolean
}
export interface Between {
  readonly kind: 'between'
  readonly operand: Operand
  readonly low: Operand
  readonly high: Operand
  readonly negated: boolean
}
/** `%` stands for any text, `_` for one character, `\` takes the meaning from the next `%`, `_` or `\`. */
export interface Like {
  readonly kind: 'like'
  readonly operand: Operand
  readonly pattern: string
  readonly negated: boolean
  readonly at?: number
}
export interface IsNull {
  readonly kind: 'isNull'
  readonly operand: Operand
  readonly negated: boolean
}
export interface And {
  readonly kind: 'and'
  readonly operands: readonly Expression[]
}
export interface Or {
  readonly kind: 'or'
  readonly operands: readonly Expression[]
}
export interface Not {
  readonly kind: 'not'
  readonly operand: Expression
}

/**
 * A filter: SQL's three-valued logic over the columns of a row. A bare column or literal must be boolean.
 * Made by {@link col} and its companions or by `parseFilter`; JSON carries it without loss.
 */
export type Expression = Compare | InList | Between | Like | IsNull | And | Or | Not | Operand

/** Nesting allowed in a filter, whoever made it: deep enough for people and generators, shallow enough for any stack. */
export const MAX_DEPTH = 200
