// How a transaction that does not say what it is describes itself: as the operation of Spark that does the same. Pure.
import { type Expression, formatExpression } from '../filter/index.js'
import type { Action, AddFile, LogView, RemoveFile } from '../log/index.js'
import type { Operation } from './context.js'

/** A filter as its text. */
export function predicateText(where: Expression | string): string {
  return typeof where === 'string' ? where : formatExpression(where)
}

/** What these actions are, in Spark's names and forms; every figure is counted. */
export function describeTransaction(
  base: LogView,
  actions: readonly Action[],
  counted: { readonly numRows: number; readonly predicates: readonly string[] },
): Operation {
  const adds = actions.filter((action) => action.kind === 'add')
  const removes = actions.filter((action) => action.kind === 'remove')
  const predicate = counted.predicates.length === 0 ? {} : { predicate: JSON.stringify(counted.predicates) }
  if (adds.length === 0 && removes.length > 0)
    return { operation: 'DELETE', operationParameters: { predicate: '[]', ...predicate }, operationMetrics: removedMetrics(removes) }
  if (adds.length === 0 && actions.some((action) => action.kind === 'metaData' || action.kind === 'protocol')) {
    const { configuration } = actions.find((action) => action.kind === 'metaData') ?? base.metadata
    return { operation: 'SET TBLPROPERTIES', operationParameters: { properties: JSON.stringify(configuration) } }
  }
  return {
    operation: 'WRITE',
    operationParameters: {
      mode: removes.length === 0 ? 'Append' : 'Overwrite',
      partitionBy: JSON.stringify(base.metadata.partitionColumns),
      ...predicate,
    },
    operationMetrics: {
      numFiles: String(adds.length),
      // Files that were written elsewhere have not been counted row by row.
      ...(counted.numRows > 0 ? { numOutputRows: String(counted.numRows) } : {}),
      numOutputBytes: String(sizeOf(adds)),
      ...(removes.length === 0 ? {} : removedMetrics(removes)),
    },
  }
}

function removedMetrics(removes: readonly RemoveFile[]): Record<string, string> {
  return { numRemovedFiles: String(removes.length), numRemovedBytes: String(sizeOf(removes)) }
}

function sizeOf(files: readonly (AddFile | RemoveFile)[]): number {
  return files.reduce((sum, { size = 0 }) => sum + size, 0)
}
