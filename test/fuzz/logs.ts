// Logs of random, sound commits, for the fuzzer to damage; and a table's state as the oracle prints it.
import { commitPath } from '../../src/log/file-names.js'
import type { LogView } from '../../src/log/index.js'
import { memoryStorage } from '../../src/storage/memory.js'
import type { Storage } from '../../src/storage/storage.js'
import { type NaiveState, naiveActions, naiveApply, naiveState, naiveText, textOf } from './naive-log.js'
import type { Random } from './random.js'

const PATHS = [
  'a.parquet',
  'b.parquet',
  'p=1/c.parquet',
  'p=%20x/d.parquet',
  'é/f.parquet',
  'quote".parquet',
  'back\\slash',
  '__proto__',
  'g\u0001h',
  '😀.parquet',
]
const TEXTS = ['', 'x', '1', 'a"b', 'é', '__proto__', 'tab\there', '2024-01-01 00:00:00']

/** The bytes of sound commits; the first makes the table. */
export function randomCommits(random: Random): Uint8Array[] {
  const commits = [lines([protocol(), metaData(random), ...(random.oneIn(2) ? [add(random)] : [])])]
  const more = 1 + random.below(4)
  for (let i = 0; i < more; i++) {
    const actions: object[] = random.oneIn(3)
      ? []
      : [{ commitInfo: { operation: 'WRITE', timestamp: 1, operationParameters: { a: [1, { b: null }] } } }]
    const count = 1 + random.below(5)
    for (let j = 0; j < count; j++) actions.push(action(random))
    commits.push(lines(actions))
  }
  return commits
}

/** A store with these commits as versions 0, 1, … */
export async function storeOf(commits: readonly Uint8Array[]): Promise<Storage> {
  const storage = memoryStorage()
  for (const [version, bytes] of commits.entries()) await storage.put(commitPath(version), bytes)
  return storage
}

/** What the oracle makes of commits: the state, or how many can be read before one that cannot. */
export function naiveReplay(commits: readonly Uint8Array[]): { state: NaiveState; good: number } {
  const state = naiveState()
  for (const [n, bytes] of commits.entries()) {
    const actions = naiveActions(bytes)
    if (actions === undefined) return { state, good: n }
    naiveApply(state, actions)
  }
  return { state, good: commits.length }
}

/** The library's view in the oracle's form. */
export function viewText(view: LogView): string {
  const state = naiveState()
  const { files } = view
  for (const row of files.liveRows()) {
    const { path, size, modificationTime, partitionValues, stats, deletionVector, tags } = files.add(row)
    if (files.path(row) !== path || files.size(row) !== size)
      throw new Error(`row ${row} is ${files.path(row)} of ${files.size(row)} bytes, its action ${path} of ${size}`)
    if (files.find(path, deletionVector) !== row) throw new Error(`find does not lead back to row ${row}`)
    if ((files.stats(row) ?? '') !== (stats ?? '')) throw new Error(`the statistics of row ${row} differ from its action's`)
    const id =
      deletionVector === undefined ? null : [deletionVector.storageType + deletionVector.pathOrInlineDv, deletionVector.offset ?? null]
    state.files.set(JSON.stringify([path, id]), {
      size,
      time: modificationTime,
      values: entries(partitionValues),
      stats: stats === undefined || stats === '' ? null : stats,
      vector: deletionVector === undefined ? null : [deletionVector.sizeInBytes, deletionVector.cardinality],
      tags: entries(tags ?? {}),
    })
  }
  if (state.files.size !== files.numFiles) throw new Error(`numFiles is ${files.numFiles}, but ${state.files.size} were found`)
  for (const [appId, txn] of view.txns) state.txns.set(appId, `${txn.version}/${txn.lastUpdated}`)
  for (const [name, domain] of view.domains) state.domains.set(name, domain.configuration)
  const { protocol, metadata } = view
  const known = ['minReaderVersion', 'minWriterVersion', 'readerFeatures', 'writerFeatures'] as const
  state.protocol = textOf(
    Object.keys(protocol)
      .filter((key) => known.includes(key as (typeof known)[number]))
      .map((key) => [key, protocol[key as (typeof known)[number]]])
      .sort((a, b) => (String(a[0]) < String(b[0]) ? -1 : 1)),
  )
  state.metadata = textOf([metadata.id, metadata.schemaString, metadata.partitionColumns, entries(metadata.configuration)])
  return naiveText(state)
}

function entries(map: object): [string, unknown][] {
  return Object.entries(map)
    .filter(([, value]) => value !== null)
    .sort((a, b) => (a[0] < b[0] ? -1 : 1))
}

function lines(actions: readonly object[]): Uint8Array {
  return new Uint8Array(Buffer.from(actions.map((each) => `${JSON.stringify(each)}\n`).join('')))
}

function protocol(): object {
  return { protocol: { minReaderVersion: 1, minWriterVersion: 2 } }
}

function metaData(random: Random): object {
  return {
    metaData: {
      id: 'id',
      format: { provider: 'parquet', options: {} },
      schemaString: '{"type":"struct","fields":[{"name":"a","type":"long","nullable":true,"metadata":{}}]}',
      partitionColumns: random.oneIn(2) ? ['p'] : [],
      configuration: random.oneIn(2) ? {} : { 'delta.appendOnly': 'false', [random.pick(TEXTS)]: random.pick(TEXTS) },
      createdTime: 1,
    },
  }
}

function add(random: Random): object {
  const more: Record<string, unknown> = {}
  if (random.oneIn(2)) more.stats = random.pick(['{"numRecords":3}', '', '{"minValues":{"a":"x\\"y"}}', 'not JSON'])
  if (random.oneIn(4)) more.tags = { [random.pick(TEXTS)]: random.pick(TEXTS) }
  if (random.oneIn(4)) more.deletionVector = vector(random)
  if (random.oneIn(6)) more.somethingNew = { a: [1, 'x', null] }
  if (random.oneIn(6)) more.baseRowId = random.below(1000)
  return {
    add: {
      path: random.pick(PATHS),
      partitionValues: random.oneIn(2) ? {} : { p: random.oneIn(3) ? null : random.pick(TEXTS) },
      size: random.below(1e6),
      modificationTime: random.below(1e9),
      dataChange: true,
      ...more,
    },
  }
}

function vector(random: Random): object {
  return {
    storageType: 'u',
    pathOrInlineDv: random.pick(['ab^-aqEH.-t@S}K{vb[*k^', 'x']),
    ...(random.oneIn(2) ? {} : { offset: random.below(3) }),
    sizeInBytes: 40,
    cardinality: 2,
  }
}

function action(random: Random): object {
  switch (random.below(10)) {
    case 0:
      return { txn: { appId: random.pick(TEXTS), version: random.below(100), ...(random.oneIn(2) ? {} : { lastUpdated: 5 }) } }
    case 1:
      return { domainMetadata: { domain: random.pick(TEXTS), configuration: random.pick(TEXTS), removed: random.oneIn(3) } }
    case 2:
    case 3:
    case 4:
      return {
        remove: {
          path: random.pick(PATHS),
          deletionTimestamp: 1,
          dataChange: true,
          ...(random.oneIn(4) ? { deletionVector: vector(random) } : {}),
        },
      }
    case 5:
      return random.oneIn(2) ? metaData(random) : protocol()
    default:
      return add(random)
  }
}
