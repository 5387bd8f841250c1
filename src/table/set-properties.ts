// Changing table properties: one commit that keeps everything else (PROTOCOL.md, "Change Metadata"), with the table features
// that the new properties need.
import { type CommitOptions, givesRowIds } from '../log/commit/index.js'
import { type AddFile, type LogView, property } from '../log/index.js'
import type { TableContext } from './context.js'
import { withRowIdColumns } from './row-id-columns.js'
import { withProperties } from './table-changes.js'
import { Transaction } from './transaction.js'

/** Commits the change and answers the view of its version; the same view when nothing changes. */
export async function changeProperties(
  context: TableContext,
  base: LogView,
  set: Readonly<Record<string, string>>,
  unset: readonly string[],
  options: CommitOptions,
): Promise<LogView> {
  const form = withProperties(base, set, unset)
  if (form === base) return base
  const transaction = new Transaction(context, base)
  transaction.setForm({
    ...form,
    metadata: { ...form.metadata, configuration: withRowIdColumns(form.metadata.configuration, context.runtime) },
  })
  if (startsTracking(base, form)) await giveIdsToAll(transaction, base, options.signal)
  const removedOnly = Object.keys(set).length === 0
  const { view } = await transaction.commit(
    {
      operation: removedOnly ? 'UNSET TBLPROPERTIES' : 'SET TBLPROPERTIES',
      operationParameters: {
        properties: JSON.stringify(removedOnly ? unset : set),
        ...(unset.length > 0 && !removedOnly ? { unset: JSON.stringify(unset) } : {}),
      },
    },
    options,
  )
  return view
}

function startsTracking(before: LogView, after: Pick<LogView, 'protocol' | 'metadata'>): boolean {
  const tracks = ({ metadata }: Pick<LogView, 'metadata'>): boolean =>
    property(metadata, 'delta.enableRowTracking')?.toLowerCase() === 'true'
  return givesRowIds(after) && tracks(after) && !tracks(before)
}

// Once rows are tracked every file must have ids (PROTOCOL.md, "Writer Requirements for Row Tracking"), also one that somebody
// adds meanwhile: that is a conflict then, at any isolation level.
async function giveIdsToAll(transaction: Transaction, { files }: LogView, signal: AbortSignal | undefined): Promise<void> {
  await files.loadStats(signal)
  const untracked: AddFile[] = []
  for (const row of files.liveRows()) {
    const file = files.add(row)
    if (file.baseRowId === undefined) untracked.push({ ...file, dataChange: false })
  }
  transaction.readWholeTable().isolate('Serializable').addFiles(untracked)
}
