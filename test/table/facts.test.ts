// What a snapshot tells besides rows: transactions, domain metadata, clustering columns. Written by the letter of the protocol.
import { isAlluviumError, memoryStorage, openTable, type Snapshot } from 'alluvium'
import { describe, expect, test } from 'vitest'
import { encodeUtf8 } from '../../src/bytes.js'
import { field, MAPPING, mapped, struct } from './raw-table.js'

async function snapshotOf(
  lines: readonly object[],
  more: { schema?: object; protocol?: object; configuration?: object } = {},
): Promise<Snapshot> {
  const { schema = struct(field('id', 'long')), protocol = { minReaderVersion: 1, minWriterVersion: 2 }, configuration = {} } = more
  const metaData = {
    id: 'raw',
    format: { provider: 'parquet', options: {} },
    schemaString: JSON.stringify(schema),
    partitionColumns: [],
    configuration,
  }
  const storage = memoryStorage()
  const commits = [
    [{ protocol }, { metaData }],
    [{ commitInfo: {} }, ...lines],
  ]
  for (const [version, actions] of commits.entries()) {
    const text = actions.map((action) => `${JSON.stringify(action)}\n`).join('')
    await storage.put(`_delta_log/${String(version).padStart(20, '0')}.json`, encodeUtf8(text))
  }
  return (await openTable(storage)).snapshot()
}

const clustering = (configuration: string) => [{ domainMetadata: { domain: 'delta.clustering', configuration, removed: false } }]

describe('transactions', () => {
  test('are told by application, exact, and undefined for one that never wrote', async () => {
    const snapshot = await snapshotOf([
      { txn: { appId: 'ingest', version: 7, lastUpdated: 5 } },
      { txn: { appId: '__proto__', version: 1 } },
    ])
    expect(snapshot.txn('ingest')).toMatchObject({ version: 7n, lastUpdated: 5 })
    expect(snapshot.txn('__proto__')?.version).toBe(1n)
    expect(snapshot.txn('other')).toBeUndefined()
    expect(snapshot.txn('constructor')).toBeUndefined()
  })
})

describe('domain metadata', () => {
  test('is what is in force: the last word of each domain, removed ones gone', async () => {
    const snapshot = await snapshotOf([
      { domainMetadata: { domain: 'app.one', configuration: '{"a":1}', removed: false } },
      { domainMetadata: { domain: 'app.two', configuration: '', removed: true } },
    ])
    expect([...snapshot.domainMetadata.keys()]).toEqual(['app.one'])
    expect(snapshot.domainMetadata.get('app.one')?.configuration).toBe('{"a":1}')
  })
})

describe('clustering columns', () => {
  test('are paths, whether the log has paths or texts, and none without the domain', async () => {
    expect((await snapshotOf([])).clusteringColumns).toEqual([])
    expect((await snapshotOf(clustering('{"clusteringColumns":[["id"],["s","x"]]}'))).clusteringColumns).toEqual([['id'], ['s', 'x']])
    expect((await snapshotOf(clustering('{"clusteringColumns":["id"]}'))).clusteringColumns).toEqual([['id']])
  })

  test('have the names of the table where it maps its columns', async () => {
    const schema = struct(mapped('id', 1, 'col-a', 'long'), mapped('s', 2, 'col-b', struct(mapped('x', 3, 'col-c', 'long'))))
    const lines = clustering('{"clusteringColumns":[["col-b","col-c"],["col-a"],["col-gone"]]}')
    const snapshot = await snapshotOf(lines, { schema, protocol: MAPPING, configuration: { 'delta.columnMapping.mode': 'name' } })
    expect(snapshot.clusteringColumns).toEqual([['s', 'x'], ['id'], ['col-gone']])
  })

  test.each(['', '{}', '{"clusteringColumns":[[]]}', '{"clusteringColumns":[[1]]}', '[', '{"clusteringColumns":"id"}'])(
    'written as %j are an error, not none',
    async (configuration) => {
      const snapshot = await snapshotOf(clustering(configuration))
      const ask = () => {
        try {
          return snapshot.clusteringColumns
        } catch (error) {
          return isAlluviumError(error) ? error.code : error
        }
      }
      expect(ask()).toBe('CORRUPT_LOG')
    },
  )
})
