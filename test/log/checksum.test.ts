// Checksum files: they tell when a version is not what its writer said, save reading where they say it all, and never
// stand in the way of anything.
import { describe, expect, test } from 'vitest'
import { encodeUtf8 } from '../../src/bytes.js'
import { AlluviumError } from '../../src/errors.js'
import { commitPath, padVersion } from '../../src/log/file-names.js'
import { type ChecksumReport, type LogFacts, type LogView, loadFacts, loadLog } from '../../src/log/index.js'
import { memoryStorage } from '../../src/storage/memory.js'
import type { Storage } from '../../src/storage/storage.js'

const crcPath = (version: number): string => `_delta_log/${padVersion(version)}.crc`
const SCHEMA = '{"type":"struct","fields":[{"name":"id","type":"long","nullable":true,"metadata":{}}]}'
const PROTOCOL = { minReaderVersion: 1, minWriterVersion: 7, writerFeatures: ['domainMetadata', 'appendOnly'] }
const METADATA = {
  id: 'an id',
  name: 'a name',
  format: { provider: 'parquet', options: {} },
  schemaString: SCHEMA,
  partitionColumns: [],
  configuration: { a: '1', b: '2' },
  createdTime: 17,
}
const lines = (...actions: object[]): Uint8Array => encodeUtf8(actions.map((action) => `${JSON.stringify(action)}\n`).join(''))
const add = (path: string, size: number): object => ({ add: { path, partitionValues: {}, size, modificationTime: 1, dataChange: true } })

/** Two versions; at the second: files of 10 and 5 bytes, application `app` at 7, domain `d` in force. */
async function table(): Promise<Storage> {
  const storage = memoryStorage()
  await storage.put(commitPath(0), lines({ protocol: PROTOCOL }, { metaData: METADATA }, add('gone', 3), add('a', 10)))
  await storage.put(
    commitPath(1),
    lines(
      { remove: { path: 'gone', dataChange: true } },
      add('b', 5),
      { txn: { appId: 'app', version: 7 } },
      { domainMetadata: { domain: 'd', configuration: '{}', removed: false } },
    ),
  )
  return storage
}

/** What a right checksum of version 1 says. */
const RIGHT = {
  txnId: 'some id',
  tableSizeBytes: 15,
  numFiles: 2,
  numMetadata: 1,
  numProtocol: 1,
  setTransactions: [{ appId: 'app', version: 7, lastUpdated: 3 }],
  domainMetadata: [{ domain: 'd', configuration: '{}', removed: false }],
  metadata: METADATA,
  protocol: PROTOCOL,
  fileSizeHistogram: { sortedBinBoundaries: [0], fileCounts: [2], totalBytes: [15] },
  somethingNew: [1.5, { deep: true }],
}

async function checked(checksum: string | object): Promise<{ storage: Storage; view: LogView; report: ChecksumReport }> {
  const storage = await table()
  await storage.put(crcPath(1), encodeUtf8(typeof checksum === 'string' ? checksum : JSON.stringify(checksum)))
  const view = await loadLog(storage)
  return { storage, view, report: await view.verifyChecksum(storage) }
}
const without = (name: keyof typeof RIGHT): object => Object.fromEntries(Object.entries(RIGHT).filter(([key]) => key !== name))

/** The commits and checkpoints read while something is done. */
async function readsOf(storage: Storage, act: (storage: Storage) => Promise<unknown>): Promise<string[]> {
  const read: string[] = []
  await act(
    Object.assign(Object.create(storage) as Storage, {
      read: (path: string, options?: object) => {
        read.push(path)
        return storage.read(path, options)
      },
      readRange: storage.readRange.bind(storage),
      list: storage.list.bind(storage),
    }),
  )
  return read
}

function comparable({ version, protocol, metadata, schema, numFiles, sizeBytes, txns, domains }: LogFacts): unknown {
  const positions = txns && new Map([...txns].map(([appId, txn]) => [appId, txn.version]))
  return { version, protocol, metadata, schema, numFiles, sizeBytes, positions, domains }
}

describe('verifying a version by its checksum', () => {
  test('a version without one has none', async () => {
    const storage = await table()
    await storage.put(crcPath(0), encodeUtf8('{}'))
    expect(await (await loadLog(storage)).verifyChecksum(storage)).toEqual({ state: 'absent' })
  })

  test.each([
    ['says all', RIGHT],
    [
      'says only what is required',
      { tableSizeBytes: 15, numFiles: 2, numMetadata: 1, numProtocol: 1, metadata: METADATA, protocol: PROTOCOL },
    ],
    ['is of the old kind, without metadata and protocol', { tableSizeBytes: 15, numFiles: 2, numMetadata: 1, numProtocol: 1 }],
    ['has members in another order', Object.fromEntries(Object.entries(RIGHT).reverse())],
    ['has features in another order', { ...RIGHT, protocol: { ...PROTOCOL, writerFeatures: ['appendOnly', 'domainMetadata'] } }],
    ['has settings in another order', { ...RIGHT, metadata: { ...METADATA, configuration: { b: '2', a: '1' } } }],
    ['prints the schema with blanks', { ...RIGHT, metadata: { ...METADATA, schemaString: JSON.stringify(JSON.parse(SCHEMA), null, 1) } }],
    ['says null for what is not there', { ...RIGHT, metadata: { ...METADATA, description: null }, setTransactions: null }],
    ['leaves out an expired transaction', { ...RIGHT, setTransactions: [] }],
    ['has optional members that make no sense', { ...RIGHT, setTransactions: 'none', allFiles: 3 }],
  ])('one that %s is valid', async (_, checksum) => {
    expect((await checked(checksum)).report).toEqual({ state: 'valid' })
  })

  test.each([
    ['numFiles', { ...RIGHT, numFiles: 3 }, 'numFiles is 2, the checksum says 3'],
    ['numFiles', { ...RIGHT, numFiles: -2 }, 'numFiles is 2, the checksum says -2'],
    ['tableSizeBytes', { ...RIGHT, tableSizeBytes: 18 }, 'tableSizeBytes is 15, the checksum says 18'],
    ['numMetadata', { ...RIGHT, numMetadata: 2 }, 'numMetadata'],
    ['numProtocol', { ...RIGHT, numProtocol: 0 }, 'numProtocol'],
    ['the protocol version', { ...RIGHT, protocol: { ...PROTOCOL, minReaderVersion: 3 } }, 'protocol'],
    ['the features', { ...RIGHT, protocol: { ...PROTOCOL, writerFeatures: ['appendOnly'] } }, 'protocol'],
    ['the table’s id', { ...RIGHT, metadata: { ...METADATA, id: 'another' } }, 'metaData.id'],
    ['a setting', { ...RIGHT, metadata: { ...METADATA, configuration: { a: '1', b: '3' } } }, 'metaData.configuration'],
    ['the schema', { ...RIGHT, metadata: { ...METADATA, schemaString: SCHEMA.replace('long', 'integer') } }, 'metaData.schemaString'],
    ['a position', { ...RIGHT, setTransactions: [{ appId: 'app', version: 6 }] }, '"app"'],
    ['an application', { ...RIGHT, setTransactions: [{ appId: 'other', version: 7 }] }, '"other"'],
    ['a domain that is missing', { ...RIGHT, domainMetadata: [] }, '"d"'],
    ['a domain’s configuration', { ...RIGHT, domainMetadata: [{ domain: 'd', configuration: '{1}', removed: false }] }, '"d"'],
  ])('one that differs in %s is a mismatch that says so', async (_, checksum, words) => {
    const { report, view } = await checked(checksum)
    expect(report.state).toBe('mismatch')
    expect(report.detail).toContain(words)
    expect(view.files.numFiles).toBe(2)
  })

  test.each([
    ['is empty', ''],
    ['is no JSON', 'not json'],
    ['is torn', JSON.stringify(RIGHT).slice(0, -30)],
    ['is no object', '[2]'],
    ['is null', 'null'],
    ['has no numFiles', without('numFiles')],
    ['has no tableSizeBytes', without('tableSizeBytes')],
    ['has a count that is no integer', { ...RIGHT, numFiles: '2' }],
    ['has a protocol that is none', { ...RIGHT, protocol: 3 }],
    ['has a metadata that is none', { ...RIGHT, metadata: { id: 1 } }],
    ['is nested without end', '['.repeat(100_000)],
    ['is larger than any', ' '.repeat(2 ** 24 + 1)],
  ])('one that %s is unreadable, and the table opens all the same', async (_, checksum) => {
    const { report, storage, view } = await checked(checksum)
    expect(report.state).toBe('unreadable')
    expect(report.detail).toBeTruthy()
    expect(view.files.numFiles).toBe(2)
    expect((await loadFacts(storage)).numFiles).toBe(2)
  })

  test('one that is not valid UTF-8 is unreadable', async () => {
    const storage = await table()
    await storage.put(crcPath(1), Uint8Array.of(0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d))
    expect((await (await loadLog(storage)).verifyChecksum(storage)).state).toBe('unreadable')
  })

  test('sums beyond 2^53 compare', async () => {
    const storage = await table()
    await storage.put(commitPath(2), lines(add('x', 2 ** 53 - 1), add('y', 2 ** 53 - 1)))
    await storage.put(crcPath(2), encodeUtf8('{"numFiles":4,"tableSizeBytes":18014398509481997}'))
    const view = await loadLog(storage)
    expect((await view.verifyChecksum(storage)).state).toBe('valid')
    await storage.put(crcPath(2), encodeUtf8('{"numFiles":4,"tableSizeBytes":18014398509491997}'))
    expect((await view.verifyChecksum(storage)).state).toBe('mismatch')
  })

  test('a store that refuses the file is no failure; a signal is', async () => {
    const storage = await table()
    await storage.put(crcPath(1), encodeUtf8(JSON.stringify(RIGHT)))
    const view = await loadLog(storage)
    const refusing = Object.assign(Object.create(storage) as Storage, {
      readRange: async () => {
        throw new AlluviumError('PERMISSION_DENIED', 'not for you', {})
      },
    })
    expect(await view.verifyChecksum(refusing)).toEqual({ state: 'unreadable', detail: 'not for you' })
    await expect(view.verifyChecksum(storage, { signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'ABORTED' })
  })
})

describe('the facts of a version', () => {
  test('come from the checksum alone where it says all', async () => {
    const { storage, view } = await checked(without('somethingNew'))
    const { files, ...rest } = view
    const expected = comparable({ ...rest, schema: view.schema, numFiles: files.numFiles, sizeBytes: files.sizeBytes })
    let facts: LogFacts | undefined
    expect(await readsOf(storage, async (watched) => (facts = await loadFacts(watched)))).toEqual([])
    expect(comparable(facts as LogFacts)).toEqual(expected)
    // And from the log where there is none: the very same.
    await storage.delete(crcPath(1))
    expect(comparable(await loadFacts(storage))).toEqual(expected)
  })

  test('leave open what the checksum does not tell', async () => {
    const { storage } = await checked({
      tableSizeBytes: 15,
      numFiles: 2,
      numMetadata: 1,
      numProtocol: 1,
      metadata: METADATA,
      protocol: PROTOCOL,
    })
    expect(await loadFacts(storage)).toMatchObject({ version: 1, numFiles: 2, txns: undefined, domains: undefined })
  })

  test.each([
    ['has no metadata', without('metadata')],
    ['has no protocol', without('protocol')],
    ['counts two metadata', { ...RIGHT, numMetadata: 2 }],
    ['counts no protocol', without('numProtocol')],
    ['has a negative count', { ...RIGHT, numFiles: -1 }],
    ['has no schema', { ...RIGHT, metadata: { ...METADATA, schemaString: undefined } }],
    ['has a schema that makes no sense', { ...RIGHT, metadata: { ...METADATA, schemaString: '{"type":"nonsense"}' } }],
    [
      'asks for features we lack',
      { ...RIGHT, protocol: { minReaderVersion: 3, minWriterVersion: 7, readerFeatures: ['zzz'], writerFeatures: ['zzz'] } },
    ],
  ])('come from the log where the checksum %s', async (_, checksum) => {
    const { storage } = await checked(checksum)
    expect(await readsOf(storage, loadFacts)).toEqual([commitPath(0), commitPath(1)])
    const facts = await loadFacts(storage)
    expect(facts).toMatchObject({ version: 1, numFiles: 2, sizeBytes: 15, schema: { fields: [{ name: 'id' }] } })
    expect(facts.txns?.get('app')?.version).toBe(7n)
  })

  test('are never those of another version', async () => {
    const { storage } = await checked(RIGHT)
    expect(await loadFacts(storage, { version: 0 })).toMatchObject({ version: 0, numFiles: 2, sizeBytes: 13 })
    await storage.put(commitPath(2), lines(add('c', 100)))
    expect(await loadFacts(storage)).toMatchObject({ version: 2, numFiles: 3, sizeBytes: 115 })
    expect(await loadFacts(storage, { version: 1 })).toMatchObject({ version: 1, numFiles: 2, sizeBytes: 15 })
    // A checksum alone makes no version.
    await storage.put(crcPath(3), encodeUtf8(JSON.stringify(RIGHT)))
    expect((await loadFacts(storage)).version).toBe(2)
    await expect(loadFacts(storage, { version: 3 })).rejects.toMatchObject({ code: 'VERSION_NOT_FOUND' })
    await expect(loadFacts(storage, { version: -1 })).rejects.toBeInstanceOf(RangeError)
  })

  test('are refused where the log is: by name, and where versions are missing', async () => {
    const storage = memoryStorage()
    await expect(loadFacts(storage)).rejects.toMatchObject({ code: 'NOT_A_TABLE' })
    const protocol = { minReaderVersion: 3, minWriterVersion: 7, readerFeatures: ['zzz'], writerFeatures: ['zzz'] }
    await storage.put(commitPath(0), lines({ protocol }, { metaData: METADATA }))
    await storage.put(crcPath(0), encodeUtf8(JSON.stringify({ ...RIGHT, protocol, numFiles: 0, tableSizeBytes: 0 })))
    await expect(loadFacts(storage)).rejects.toMatchObject({ code: 'UNSUPPORTED_FEATURE' })
    expect((await loadFacts(storage, { allowUnreadable: true })).protocol.readerFeatures).toEqual(['zzz'])
    const { storage: holed } = await checked(RIGHT)
    await holed.delete(commitPath(0))
    await expect(loadFacts(holed)).rejects.toMatchObject({ code: 'CORRUPT_LOG' })
  })
})
