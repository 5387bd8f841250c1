// Splits a filter that is not bound yet. Rule: the two parts joined by AND mean the same as the whole.
import { and } from './build.js'
import type { Expression, Operand } from './expression.js'

/**
 * Splits at the ANDs: `only` looks at none but the named top-level columns (names compare without case), `rest` is what
 * is left. Undefined where nothing falls on that side.
 */
export function splitByColumns(
  expression: Expression,
  names: readonly string[],
): { readonly only: Expression | undefined; readonly rest: Expression | undefined } {
  const known = new Set(names.map((name) => name.toLowerCase()))
  const only: Expression[] = []
  const rest: Expression[] = []
  for (const conjunct of conjunctsOf(expression)) {
    if (columnNames(conjunct).every((name) => known.has(name.toLowerCase()))) only.push(conjunct)
    else rest.push(conjunct)
  }
  return { only: only.length === 0 ? undefined : and(...only), rest: rest.length === 0 ? undefined : and(...rest) }
}

/** Top-level names of the columns that a filter mentions, as written. */
export function columnNames(expression: Expression): string[] {
  const names = new Set<string>()
  const visitOperand = (operand: Operand): void => {
    if (operand.kind === 'column') names.add(operand.path[0] as string)
  }
  const visit = (node: Expression): void => {
    switch (node.kind) {
      case 'and':
      case 'or':
        for (const operand of node.operands) visit(operand)
        return
      case 'not':
        visit(node.operand)
        return
      case 'compare':
        visitOperand(node.left)
        visitOperand(node.right)
        return
      case 'between':
        visitOperand(node.operand)
        visitOperand(node.low)
        visitOperand(node.high)
        return
      case 'column':
      case 'literal':
        visitOperand(node)
        return
      default:
        visitOperand(node.operand)
    }
  }
  visit(expression)
  return [...names]
}

function conjunctsOf(expression: Expression): readonly Expression[] {
  return expression.kind === 'and' ? expression.operands.flatMap(conjunctsOf) : [expression]
}
