// How deep the values of a leaf lie: what its definition and repetition levels count up to.
import type { SchemaNode } from './schema-tree.js'

/** The greatest levels of a column. */
export interface LeafLevels {
  readonly definition: number
  readonly repetition: number
}

/** The greatest levels of each leaf, in order. */
export function leafLevels(root: SchemaNode): LeafLevels[] {
  const found: LeafLevels[] = []
  const visit = (node: SchemaNode, definition: number, repetition: number): void => {
    const levels = {
      definition: definition + (node.repetition > 0 ? 1 : 0),
      repetition: repetition + (node.repetition === 2 ? 1 : 0),
    }
    if (node.leaf >= 0) found[node.leaf] = levels
    for (const child of node.children) visit(child, levels.definition, levels.repetition)
  }
  for (const child of root.children) visit(child, 0, 0)
  return found
}
