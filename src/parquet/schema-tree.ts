// The schema of a Parquet file as a tree. In the footer it is flat: parents before children, each with a count of children.

import { STRUCT, ThriftFault, type ThriftField } from './thrift.js'
import { fieldsAt, int32At, rangesOf, textAt } from './thrift-values.js'

const MAX_SCHEMA_ELEMENTS = 100_000
const MAX_SCHEMA_DEPTH = 64

/** A node of the file's schema; leaves are columns. */
export interface SchemaNode {
  readonly name: string
  /** 0 required, 1 optional, 2 repeated (the root has 0). */
  readonly repetition: number
  /** Physical type of a leaf; undefined for a group. */
  readonly physicalType: number | undefined
  /** Bytes of a FIXED_LEN_BYTE_ARRAY. */
  readonly typeLength: number | undefined
  /** A LIST or MAP by its annotation (either kind): never pruned inside. */
  readonly isCollection: boolean
  readonly fieldId: number | undefined
  readonly children: readonly SchemaNode[]
  /** Index among the leaves; -1 for a group. */
  readonly leaf: number
  /** True when this node or one above it is repeated. */
  readonly isRepeated: boolean
  /** The element's own bytes in the footer. */
  readonly start: number
  readonly end: number
}

/** Parses the list of schema elements; leaves are appended to `leaves` in order. @throws ThriftFault */
export function parseSchemaTree(bytes: Uint8Array, list: ThriftField, leaves: SchemaNode[]): SchemaNode {
  const ranges = rangesOf(bytes, list)
  if (ranges.length > MAX_SCHEMA_ELEMENTS) throw new ThriftFault(`a schema of ${ranges.length} elements`, list.start)
  let next = 0
  const build = (depth: number, repeatedAbove: boolean): SchemaNode => {
    const range = ranges[next++]
    if (range === undefined) throw new ThriftFault('a schema that ends too early', list.end)
    if (depth > MAX_SCHEMA_DEPTH) throw new ThriftFault(`a schema nested deeper than ${MAX_SCHEMA_DEPTH}`, range.start)
    const element = fieldsAt(bytes, range.start, range.end)
    const numChildren = int32At(bytes, element.get(5)) ?? 0
    const physicalType = int32At(bytes, element.get(1))
    const repetition = depth === 0 ? 0 : (int32At(bytes, element.get(3)) ?? 0)
    const isGroup = depth === 0 || physicalType === undefined
    if (numChildren < 0 || numChildren > ranges.length - next || (!isGroup && numChildren > 0)) {
      throw new ThriftFault(`a schema element with ${numChildren} children`, range.start)
    }
    if (!isGroup && (physicalType < 0 || physicalType > 7)) throw new ThriftFault(`physical type ${physicalType}`, range.start)
    const isRepeated = repeatedAbove || repetition === 2
    const children: SchemaNode[] = []
    const node: SchemaNode = {
      name: textAt(bytes, element.get(4)) ?? '',
      repetition,
      physicalType: isGroup ? undefined : physicalType,
      typeLength: int32At(bytes, element.get(2)),
      isCollection: isCollection(bytes, element),
      fieldId: int32At(bytes, element.get(9)),
      children,
      leaf: isGroup ? -1 : leaves.length,
      isRepeated,
      start: range.start,
      end: range.end,
    }
    if (!isGroup) leaves.push(node)
    for (let i = 0; i < numChildren; i++) children.push(build(depth + 1, isRepeated))
    return node
  }
  const root = build(0, false)
  if (next !== ranges.length) throw new ThriftFault(`${ranges.length - next} schema elements without a parent`, list.end)
  return root
}

// ConvertedType MAP 1, MAP_KEY_VALUE 2, LIST 3; LogicalType union members MAP 2, LIST 3.
function isCollection(bytes: Uint8Array, element: Map<number, ThriftField>): boolean {
  const converted = int32At(bytes, element.get(6))
  if (converted !== undefined && converted >= 1 && converted <= 3) return true
  const logical = element.get(10)
  if (logical === undefined || logical.type !== STRUCT) return false
  const members = fieldsAt(bytes, logical.start, logical.end)
  return members.has(2) || members.has(3)
}
