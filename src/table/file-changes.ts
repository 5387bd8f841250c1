// The file actions of one commit as changes of rows (PROTOCOL.md, "Add CDC File"). Pure. Rules: change data files alone
// where there are any; else added and removed files whose dataChange is true; the same file removed and added with
// another deletion vector is the difference of the two vectors, never the whole file twice.
import { AlluviumError } from '../errors.js'
import {
  type Action,
  type AddFile,
  type CdcFile,
  type DataHome,
  type DeletionVectorDescriptor,
  type PartitionValues,
  type RemoveFile,
  resolveDataPath,
  vectorId,
} from '../log/index.js'
import { nameInFiles, type Shape } from './change-schema.js'

/** A file that tells of changes. */
export interface ChangedFile {
  /** As it stands in the log. */
  readonly logPath: string
  /** In the store. */
  readonly path: string
  /** Undefined where a `remove` does not say. */
  readonly sizeBytes: number | undefined
  /** Undefined where a `remove` does not say. */
  readonly partitionValues: PartitionValues | undefined
  /** A `remove` was written about a file of an older version: its partition values say themselves which columns they are of. */
  readonly removed: boolean
}

export type FileChange =
  /** The rows say themselves what happened to them. */
  | { readonly kind: 'cdc'; readonly file: ChangedFile }
  /** All rows that the vector leaves came, or went. */
  | { readonly kind: 'insert' | 'delete'; readonly file: ChangedFile; readonly vector: DeletionVectorDescriptor | undefined }
  /** Rows went that are only in the vector `after`; rows came back that are only in `before`. */
  | {
      readonly kind: 'vectors'
      readonly file: ChangedFile
      readonly before: DeletionVectorDescriptor | undefined
      readonly after: DeletionVectorDescriptor | undefined
    }

/**
 * The changes of a commit: rows that went before rows that came.
 * @param home where files may lie, for absolute paths
 * @throws AlluviumError `PATH_OUTSIDE_TABLE`; `CORRUPT_LOG` where one file is added, or removed, twice with different vectors
 */
export function fileChanges(actions: readonly Action[], version: number, home: DataHome): FileChange[] {
  const cdc = actions.filter((action) => action.kind === 'cdc')
  if (cdc.length > 0) return cdc.map((action) => ({ kind: 'cdc', file: changedFile(action, home) }))
  const adds = byPath(
    actions.filter((action) => action.kind === 'add' && action.dataChange),
    version,
    home,
  )
  const removes = byPath(
    actions.filter((action) => action.kind === 'remove' && action.dataChange),
    version,
    home,
  )
  const changes: FileChange[] = []
  for (const [path, remove] of removes) {
    const add = adds.get(path)
    if (add === undefined) changes.push({ kind: 'delete', file: changedFile(remove, home), vector: remove.deletionVector })
    else if (idOf(add) !== idOf(remove)) {
      changes.push({ kind: 'vectors', file: changedFile(add, home), before: remove.deletionVector, after: add.deletionVector })
    }
  }
  for (const [path, add] of adds) {
    if (!removes.has(path)) changes.push({ kind: 'insert', file: changedFile(add, home), vector: add.deletionVector })
  }
  return changes
}

/**
 * The texts of a file's partition values by column, for the columns of the range's end; what is not among them is in the file.
 * Files that were removed may have been written under another partitioning, which their values tell.
 */
export function partitionTexts(file: ChangedFile, values: PartitionValues, shape: Shape, end: Shape): Map<string, string | null> {
  const texts = new Map<string, string | null>()
  for (const field of end.schema.fields) {
    const key = nameInFiles(field, end.mode)
    const has = Object.hasOwn(values, key)
    if (file.removed ? has : shape.metadata.partitionColumns.includes(field.name)) texts.set(field.name, has ? (values[key] ?? null) : null)
  }
  return texts
}

function byPath<A extends AddFile | RemoveFile>(actions: readonly Action[], version: number, home: DataHome): Map<string, A> {
  const found = new Map<string, A>()
  for (const action of actions as readonly A[]) {
    const path = resolveDataPath(action.path, home)
    const other = found.get(path)
    if (other !== undefined && idOf(other) !== idOf(action)) {
      throw new AlluviumError(
        'CORRUPT_LOG',
        `version ${version} has two ${action.kind} actions for ${action.path} with different deletion vectors, which the protocol forbids`,
        { version, path: action.path },
      )
    }
    found.set(path, action)
  }
  return found
}

function idOf({ deletionVector }: AddFile | RemoveFile): string | undefined {
  return deletionVector === undefined ? undefined : vectorId(deletionVector)
}

function changedFile(action: AddFile | RemoveFile | CdcFile, home: DataHome): ChangedFile {
  // No Parquet file is empty: a size of 0 is one that the writer did not know.
  const { size = 0 } = action
  return {
    logPath: action.path,
    path: resolveDataPath(action.path, home),
    sizeBytes: size === 0 ? undefined : size,
    partitionValues: action.partitionValues,
    removed: action.kind === 'remove',
  }
}
