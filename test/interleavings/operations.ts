// The operations, as the library does them: its own code, on the store of one actor. Data files are named and not written, for
// who reads them is not the question here. What an operation read is written into what it leaves, so that the table tells.
import { restore } from '../../src/compaction/restore.js'
import { type CommitStateUnknownError, commit } from '../../src/log/commit/index.js'
import type { AddFile, LogView } from '../../src/log/index.js'
import { refreshLog } from '../../src/log/index.js'
import { parseSchema } from '../../src/schema/index.js'
import { commitAppend } from '../../src/table/append.js'
import type { TableContext } from '../../src/table/context.js'
import { Table } from '../../src/table/table.js'
import { type Transaction, tombstone } from '../../src/table/transaction.js'
import { addJson, type PlannedFile, RESTORED_VERSION } from './base-table.js'
import { nameOf, newIds, targetOf, type Variant, type Who, whereOf } from './variant.js'

/** In the order of the matrix. */
export const OPERATIONS = [
  'append',
  'stream',
  'overwrite',
  'delete',
  'sum-table',
  'sum-part',
  'compact',
  'property',
  'upgrade',
  'add-column',
  'domain',
  'restore',
] as const
export type OperationName = (typeof OPERATIONS)[number]

export interface Actor {
  readonly who: Who
  readonly variant: Variant
  readonly context: TableContext
  /** The table as the actor knows it when it begins. */
  readonly view: LogView
}

/** What an operation says it did. `version` undefined: there was nothing to do. */
export interface Said {
  readonly version: number | undefined
}

/** Does it once. Rejects as the library does. */
export function perform(name: OperationName, actor: Actor): Promise<Said> {
  return PERFORM[name](actor, new Table(actor.context, actor.view))
}

type Perform = (actor: Actor, table: Table) => Promise<Said>

const PERFORM: Record<OperationName, Perform> = {
  append: async (actor) => append(actor, actor.view, []),
  // Rows with their position, as a stream writer and `append({ txn })` commit them.
  stream: async (actor) => {
    const view = await refreshLog(actor.view, actor.context.storage, { runtime: actor.context.runtime })
    const appId = nameOf(actor.variant, actor.who, 'app')
    const position = view.txns.get(appId)?.version ?? 0n
    return append(actor, view, [{ appId, version: position + 1n }], `@${position}`)
  },
  overwrite: async (actor, table) => {
    const transaction = (await table.transaction()).readWholeTable()
    transaction.removeFiles(await filesOf(transaction)).addFiles([newFile(actor, 'overwrite')])
    return committed(actor, transaction)
  },
  delete: async (actor, table) => deleteRows(actor, await table.transaction()),
  'sum-table': async (actor, table) => {
    const transaction = await table.transaction()
    const saw = rowsOf(await filesOf(transaction))
    return committed(actor, transaction.addFiles([newFile(actor, 'sum', saw)]))
  },
  'sum-part': async (actor, table) => {
    const transaction = await table.transaction()
    const saw = rowsOf(await filesOf(transaction, whereOf(actor.variant, actor.who)))
    return committed(actor, transaction.addFiles([newFile(actor, 'sum', saw)]))
  },
  compact: async (actor, table) => compact(actor, table),
  property: async (actor, table) => {
    const transaction = await table.transaction()
    const name = nameOf(actor.variant, actor.who, 'property')
    const before = transaction.base.metadata.configuration[name]
    return committed(actor, transaction.setProperties({ [name]: `${before}${actor.who}` }))
  },
  upgrade: async (actor, table) => committed(actor, (await table.transaction()).setProperties({ 'delta.checkpointPolicy': 'v2' })),
  'add-column': async (actor, table) => {
    const transaction = await table.transaction()
    const name = nameOf(actor.variant, actor.who, 'column').replace('.', '_')
    const { fields } = JSON.parse(transaction.base.metadata.schemaString) as { fields: { name: string }[] }
    if (fields.some((field) => field.name === name)) return { version: undefined }
    const wider = { type: 'struct', fields: [...fields, { name, type: 'long', nullable: true, metadata: {} }] }
    return committed(actor, transaction.setSchema(parseSchema(JSON.stringify(wider))))
  },
  domain: async (actor, table) => {
    const transaction = await table.transaction()
    const name = nameOf(actor.variant, actor.who, 'domain')
    const { by } = JSON.parse(transaction.base.domains.get(name)?.configuration ?? '{}') as { by?: string }
    return committed(actor, transaction.setDomain(name, JSON.stringify({ by: `${by}${actor.who}` })))
  },
  restore: async (_, table) => ({ version: (await restore(table, { version: RESTORED_VERSION })).version }),
}

// One put and a short look: who is hasty may end in doubt.
function limitsOf({ patience }: Variant): { readonly maxAttempts?: number; readonly graceMs?: number } {
  return patience === 'hasty' ? { maxAttempts: 1, graceMs: 60 } : {}
}

/** Asks what became of a commit that ended in doubt, until it is known. */
export async function findOut(error: CommitStateUnknownError): Promise<Said | undefined> {
  for (let asked = 0; asked < 4; asked++) {
    const answer = await error.resolve({ putAgain: true })
    if (answer.kind === 'committed') return { version: answer.version }
    if (answer.kind === 'not-committed') return undefined
  }
  throw error
}

async function append(
  actor: Actor,
  view: LogView,
  txns: readonly { readonly appId: string; readonly version: bigint }[],
  suffix = '',
): Promise<Said> {
  const operation = { operation: txns.length === 0 ? 'WRITE' : 'STREAMING UPDATE', operationParameters: { mode: 'Append' } }
  const staged = { files: [newFile(actor, 'append', undefined, suffix)], txns }
  const { version } = await commitAppend(actor.context, view, staged, () => operation, limitsOf(actor.variant))
  return { version }
}

// Whole files by partition; rows of files otherwise, by a vector where the table has them, else by writing the rest anew.
async function deleteRows(actor: Actor, transaction: Transaction): Promise<Said> {
  const { variant, who } = actor
  const where = whereOf(variant, who)
  if (variant.layout === 'partitioned' && variant.features !== 'vectors') {
    await transaction.removeWhere(where)
    return committed(actor, transaction)
  }
  for (const file of await filesOf(transaction, where)) {
    const rest = rowsOf([file]).filter((row) => Number.parseInt(row, 10) % 10 !== 0)
    if (rest.length === rowsOf([file]).length) continue
    transaction.removeFiles([file])
    if (variant.features !== 'vectors')
      transaction.addFiles([fileOf(variant, { path: rewrittenPath(who, file.path), p: pOf(file), rows: rest })])
    else
      transaction.addFiles([
        { ...file, dataChange: true, tags: { rows: JSON.stringify(rest), p: pOf(file) }, deletionVector: vectorOf(who) },
      ])
  }
  return committed(actor, transaction)
}

export function rewrittenPath(who: Who, path: string): string {
  return `${who}-rest-of-${path}`
}

export function vectorOf(who: Who): NonNullable<AddFile['deletionVector']> {
  return { storageType: 'u', pathOrInlineDv: `${who}0000000000000000000`, offset: 1, sizeInBytes: 40, cardinality: 1 }
}

// Puts the files of the target together into one, with the ids of their rows: no row comes or goes.
async function compact({ variant, who, context }: Actor, table: Table): Promise<Said> {
  const snapshot = await table.snapshot()
  const files: AddFile[] = []
  for await (const file of snapshot.files({ where: whereOf(variant, who) })) files.push(file)
  if (files.length < 2) return { version: undefined }
  const merged = fileOf(variant, { path: `${who}-compact.parquet`, p: targetOf(variant, who), rows: rowsOf(files) })
  const removes = files.map((file) => ({ ...tombstone(file, context.runtime.now()), dataChange: false }))
  const { version } = await commit(
    context,
    {
      base: snapshot.view,
      actions: [...removes, { ...merged, dataChange: false }],
      operation: 'OPTIMIZE',
      operationParameters: {},
      readSet: { appIds: [], readFiles: new Set(files.map(({ path }) => path)) },
      keepsRowIds: true,
    },
    limitsOf(variant),
  )
  return { version }
}

async function committed({ variant }: Actor, transaction: Transaction): Promise<Said> {
  const { version, txnId } = await transaction.commit({}, limitsOf(variant))
  return { version: txnId === '' ? undefined : version }
}

async function filesOf(transaction: Transaction, where?: string): Promise<AddFile[]> {
  const files: AddFile[] = []
  for await (const file of transaction.files(where === undefined ? {} : { where })) files.push(file)
  return files
}

function rowsOf(files: readonly AddFile[]): string[] {
  return files.flatMap(({ tags }) => JSON.parse(tags?.rows ?? '[]') as string[]).sort()
}

function pOf({ tags }: AddFile): 'a' | 'b' {
  return tags?.p === 'b' ? 'b' : 'a'
}

/** A file with two new rows, that say what was read. */
function newFile({ variant, who }: Actor, name: string, saw?: readonly string[], suffix = ''): AddFile {
  const seen = saw === undefined ? suffix : `[${saw.join(' ')}]`
  const rows = newIds(variant, who).map((id) => `${id}${seen}`)
  return fileOf(variant, { path: `${who}-${name}.parquet`, p: targetOf(variant, who), rows })
}

function fileOf(variant: Variant, planned: PlannedFile): AddFile {
  return { kind: 'add', ...addJson(variant, planned) } as unknown as AddFile
}
