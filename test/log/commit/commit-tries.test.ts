// What one try of a commit puts, made anew for its version; and what ends a commit before it.
import { describe, expect, test } from 'vitest'
import { encodeUtf8 } from '../../../src/bytes.js'
import { AlluviumError } from '../../../src/errors.js'
import type { AddFile, Metadata, Protocol } from '../../../src/log/actions.js'
import { type LogView, loadLog } from '../../../src/log/index.js'
import { memoryStorage } from '../../../src/storage/memory.js'
import { logPath } from './ledger.js'
import { METADATA, newTable } from './rig.js'
import { add } from './scene.js'
import { Script } from './script.js'

const NOW_MS = 1_800_000_000_000

type Line = Readonly<Record<string, Record<string, unknown>>>
const linesOf = (bytes: Uint8Array | undefined): Line[] =>
  new TextDecoder()
    .decode(bytes)
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Line)
const infoOf = (script: Script, nth = 0): Record<string, unknown> =>
  linesOf(script.proposals[nth]?.bytes)[0]?.commitInfo as Record<string, unknown>

async function tableOf(features: readonly string[], configuration: Metadata['configuration'], info: object = {}): Promise<LogView> {
  const storage = memoryStorage()
  const lines = [
    { commitInfo: info },
    { protocol: { minReaderVersion: 1, minWriterVersion: 7, writerFeatures: features } },
    { metaData: { ...METADATA, configuration } },
  ]
  await storage.create(logPath(0), encodeUtf8(lines.map((line) => JSON.stringify(line)).join('\n')))
  return loadLog(storage)
}

async function plainTable(): Promise<LogView> {
  const storage = memoryStorage()
  await newTable(storage)
  return loadLog(storage)
}

const counted = (path: string, more: Partial<AddFile> = {}): AddFile => ({ ...(add(path) as AddFile), stats: '{"numRecords":3}', ...more })

describe('one try of a commit', () => {
  test('says of a plain table neither a time of its own nor anything of rows', async () => {
    const script = new Script()
    await script.run(await plainTable())
    const info = infoOf(script)
    expect(info).not.toHaveProperty('inCommitTimestamp')
    expect(info).not.toHaveProperty('tags')
    expect(info).toMatchObject({ operation: 'WRITE', txnId: 'my-txn', readVersion: 0, isBlindAppend: true })
  })

  test('is put with the same actions, whatever the version, and a first line of its own', async () => {
    const script = new Script()
    script.newest = 1
    await script.run(await plainTable(), [add('a'), add('b')])
    const [first, second] = script.proposals.map(({ bytes }) => linesOf(bytes))
    expect(first?.slice(1)).toEqual(second?.slice(1))
    expect(second?.slice(1).map(({ add: file }) => file?.path)).toEqual(['a', 'b'])
    expect(second?.[0]?.commitInfo).toMatchObject({ readVersion: 0 })
  })

  test('has a time later than the commit before it, each time anew', async () => {
    const enabled = { 'delta.enableInCommitTimestamps': 'true' }
    const script = new Script()
    script.newest = 1
    script.find = (version) =>
      version === 1
        ? { kind: 'other', bytes: encodeUtf8(`{"commitInfo":{"txnId":"rival","inCommitTimestamp":${NOW_MS + 70}}}\n`) }
        : undefined
    await script.run(await tableOf(['inCommitTimestamp'], enabled, { inCommitTimestamp: NOW_MS + 50 }))
    expect([infoOf(script, 0).inCommitTimestamp, infoOf(script, 1).inCommitTimestamp]).toEqual([NOW_MS + 51, NOW_MS + 71])
    expect(infoOf(script, 1).timestamp).toBe(NOW_MS)
  })

  test('gives row ids above those of the winners, and says whether rows kept theirs', async () => {
    const script = new Script()
    script.newest = 1
    const theirs = [
      { commitInfo: { txnId: 'rival' } },
      { domainMetadata: { domain: 'delta.rowTracking', configuration: '{"rowIdHighWaterMark":9}', removed: false } },
    ]
    script.find = (version) =>
      version === 1 ? { kind: 'other', bytes: encodeUtf8(theirs.map((line) => JSON.stringify(line)).join('\n')) } : undefined
    await script.run(await tableOf(['rowTracking', 'domainMetadata'], {}), [counted('a')])
    const ids = script.proposals.map(({ bytes }) => linesOf(bytes).flatMap(({ add: file }) => file?.baseRowId ?? []))
    expect(ids).toEqual([[0], [10]])
    const versions = script.proposals.map(({ bytes }) => linesOf(bytes).flatMap(({ add: file }) => file?.defaultRowCommitVersion ?? []))
    expect(versions).toEqual([[1], [2]])
    expect(infoOf(script).tags).toEqual({ 'delta.rowTracking.preserved': 'true' })
  })

  test('says that rows which were moved kept their ids only where the files carry them', async () => {
    const tracked = await tableOf(['rowTracking', 'domainMetadata'], {})
    const preserved = async (keepsRowIds: boolean | undefined): Promise<unknown> => {
      const script = new Script()
      if (keepsRowIds !== undefined) script.contents = { keepsRowIds }
      await script.run(tracked, [counted('moved', { dataChange: false })])
      return infoOf(script).tags
    }
    expect(await preserved(true)).toEqual({ 'delta.rowTracking.preserved': 'true' })
    for (const keeps of [false, undefined]) expect(await preserved(keeps)).toEqual({ 'delta.rowTracking.preserved': 'false' })
  })

  test('that makes a table is of what it makes', async () => {
    const script = new Script()
    script.newest = -1
    const protocol: Protocol = { kind: 'protocol', minReaderVersion: 1, minWriterVersion: 7, writerFeatures: ['inCommitTimestamp'] }
    const metadata: Metadata = { kind: 'metaData', ...METADATA, configuration: { 'delta.enableInCommitTimestamps': 'true' } }
    await script.run(undefined, [protocol, metadata])
    expect(infoOf(script)).toMatchObject({ inCommitTimestamp: NOW_MS, timestamp: NOW_MS })
  })
})

describe('before the first try', () => {
  test('the base of a commit is asked for where it was not heard of lately', async () => {
    const base = await plainTable()
    const script = new Script()
    script.nowMs = base.shared.confirmedMs + 60_001
    await script.run(base)
    expect(script.events).toEqual(['start', 'hold 0', 'offer 1', 'put 1', 'publish 1'])
  })

  test('what cannot start asks the store nothing, and is surely not committed', async () => {
    const base = await plainTable()
    const script = new Script()
    script.nowMs = base.shared.confirmedMs + 60_001
    script.onStart = () => {
      throw new AlluviumError('CONSTRAINT_VIOLATED', 'no')
    }
    expect(await script.fails(base)).toMatchObject({ code: 'CONSTRAINT_VIOLATED', message: 'no', facts: { committed: false } })
    expect(script.events).toEqual(['start'])
  })

  test('a caller who stops it then asks the store nothing either', async () => {
    const base = await plainTable()
    const controller = new AbortController()
    const script = new Script()
    script.options = { signal: controller.signal }
    script.nowMs = base.shared.confirmedMs + 60_001
    script.onStart = () => controller.abort()
    expect(await script.fails(base)).toMatchObject({ code: 'ABORTED', facts: { committed: false } })
    expect(script.events).toEqual(['start'])
  })

  test('who stops a commit is told so, and not what went wrong because of it', async () => {
    const controller = new AbortController()
    const script = new Script()
    script.options = { signal: controller.signal }
    script.newest = 1
    script.onMeet = () => {
      controller.abort()
      throw new AlluviumError('STORAGE_UNAVAILABLE', 'the request was cancelled')
    }
    const error = await script.fails(await plainTable())
    expect(error).toMatchObject({ code: 'ABORTED', facts: { committed: false } })
    expect(error.message).toBe('WRITE on a table was aborted by the caller before it was committed')
  })

  test('a winner that is no commit is a corrupt log by its name', async () => {
    const script = new Script()
    script.find = (version) => (version === 1 ? { kind: 'other', bytes: encodeUtf8('{"commitInfo":{}}\n{"add":') } : undefined)
    script.newest = 1
    expect(await script.fails(await plainTable())).toMatchObject({
      code: 'CORRUPT_LOG',
      message: expect.stringContaining('_delta_log/00000000000000000001.json'),
      facts: { committed: false },
    })
    expect(script.proposals).toHaveLength(1)
  })
})
