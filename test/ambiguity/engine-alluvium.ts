// This library as an engine of the campaign.
import { createTable, isAlluviumError, long, openTable, schema, VERSION } from 'alluvium'
import type { Engine, TableWriter } from './campaign.js'
import { OPERATIONS } from './cells.js'

/** Options of the store, with little patience for silence so that a campaign ends. */
export type StoreOptions = NonNullable<Parameters<typeof openTable>[1]>['storage']

const rows = schema({ id: long() })

export function alluviumEngine(storage: StoreOptions, parallel: number): Engine {
  return {
    name: 'alluvium',
    version: VERSION,
    operations: OPERATIONS,
    parallel,
    open: async (url) => {
      const table = await openTable(url, { storage, schema: rows })
      const commit: TableWriter['commit'] = async (operation, id, count) => {
        const written = Array.from({ length: count }, () => ({ id: BigInt(id) }))
        if (operation === 'overwrite') return table.overwrite(written)
        return table.append(written, operation === 'append with txn' ? { txn: { appId: 'campaign', version: id } } : {})
      }
      return { commit }
    },
    isConflict: (error) => isAlluviumError(error, 'COMMIT_CONFLICT'),
    close: async () => {},
  }
}

/** Makes the tables that every engine then writes. */
export function tableMaker(storage: StoreOptions): (url: string) => Promise<void> {
  return async (url) => {
    await createTable(url, { schema: rows, storage })
  }
}
