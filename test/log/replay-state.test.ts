// What a replay holds after each commit and after none of it: state, counts, and the bytes that rows point into.
import { describe, expect, test } from 'vitest'
import { encodeUtf8 } from '../../src/bytes.js'
import { AlluviumError } from '../../src/errors.js'
import type { Action } from '../../src/log/actions.js'
import { FileTable } from '../../src/log/file-table.js'
import { FileView } from '../../src/log/file-view.js'
import { emptyState, Replay } from '../../src/log/replay.js'
import { NO_FILES, totalBytes } from '../../src/log/tally.js'

const PATH = '_delta_log/of-a-test.json'
const add = (path: string, size = 1): string =>
  `{"add":{"path":"${path}","partitionValues":{},"size":${size},"modificationTime":1,"dataChange":true}}\n`
const remove = (path: string): string => `{"remove":{"path":"${path}","dataChange":true}}\n`
const txn = (appId: string, version: number): string => `{"txn":{"appId":"${appId}","version":${version}}}\n`
const domain = (name: string, configuration: string, removed = false): string =>
  `{"domainMetadata":{"domain":"${name}","configuration":"${configuration}","removed":${removed}}}\n`
const protocol = (minWriterVersion: number): string => `{"protocol":{"minReaderVersion":1,"minWriterVersion":${minWriterVersion}}}\n`
const metadata = (id: string): string =>
  `{"metaData":{"id":"${id}","format":{"provider":"parquet","options":{}},"schemaString":"{}","partitionColumns":[],"configuration":{}}}\n`

class Scene {
  readonly table = new FileTable(-1, 512)
  replay = new Replay(this.table, emptyState())

  /** Applies a commit, whose bytes it answers. */
  apply(version: number, text: string, check?: Parameters<Replay['apply']>[2]): Uint8Array {
    const bytes = encodeUtf8(text)
    this.replay.apply(bytes, { version, path: PATH }, check)
    return bytes
  }

  files(): string[] {
    const { state } = this.replay
    const view = new FileView(this.table, state.version, this.table.rowCount, state.counts)
    return Array.from(view.liveRows(), (row) => `${view.path(row)} ${view.size(row)}`).sort()
  }

  counted(): [number, number] {
    const { counts } = this.replay.state
    return [counts.numFiles, totalBytes(counts)]
  }

  holds(bytes: Uint8Array): boolean {
    return this.table.sources.some((source) => source.bytes === bytes)
  }
}

const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes)

test('before the first version there is nothing', () => {
  expect(emptyState()).toStrictEqual({
    version: -1,
    protocol: undefined,
    metadata: undefined,
    txns: new Map(),
    domains: new Map(),
    counts: NO_FILES,
    logBytes: 0,
    checkpoint: undefined,
    commitInfo: new Uint8Array(0),
  })
  expect(emptyState(6).version).toBe(6)
})

describe('after a commit', () => {
  test('the state is of its version, and counts the bytes of all commits', () => {
    const scene = new Scene()
    const first = scene.apply(0, `{"commitInfo":{"operation":"A"}}\n${protocol(2)}${metadata('m')}${add('a', 5)}`)
    expect(scene.replay.state).toMatchObject({
      version: 0,
      logBytes: first.length,
      protocol: { minWriterVersion: 2 },
      metadata: { id: 'm' },
    })
    expect(JSON.parse(text(scene.replay.state.commitInfo))).toEqual({ commitInfo: { operation: 'A' } })
    const second = scene.apply(1, add('b', 7) + remove('a'))
    expect(scene.replay.state).toMatchObject({ version: 1, logBytes: first.length + second.length, metadata: { id: 'm' } })
    // Its own, or none.
    expect(scene.replay.state.commitInfo).toEqual(new Uint8Array(0))
    expect(scene.files()).toEqual(['b 7'])
    expect(scene.counted()).toEqual([1, 7])
  })

  test('files are counted once, however often they are added and removed in it', () => {
    const scene = new Scene()
    scene.apply(0, add('a', 5) + add('a', 6) + add('b', 10) + remove('b') + remove('nowhere') + add('c', 100) + remove('c') + add('c', 200))
    expect(scene.files()).toEqual(['a 6', 'c 200'])
    expect(scene.counted()).toEqual([2, 206])
    scene.apply(1, remove('a') + add('a', 9) + remove('c'))
    expect(scene.files()).toEqual(['a 9'])
    expect(scene.counted()).toEqual([1, 9])
  })

  test('applications and domains are as it says, and an earlier state is not changed by it', () => {
    const scene = new Scene()
    scene.apply(0, txn('a', 1) + txn('b', 1) + domain('x', 'one') + domain('y', 'one'))
    const before = scene.replay.state
    scene.replay = new Replay(scene.table, before)
    scene.apply(1, txn('a', 2) + txn('c', 1) + domain('x', 'two') + domain('y', '', true))
    const { txns, domains } = scene.replay.state
    expect([...txns].map(([appId, { version }]) => [appId, version])).toEqual([
      ['a', 2n],
      ['b', 1n],
      ['c', 1n],
    ])
    expect([...domains].map(([name, { configuration }]) => [name, configuration])).toEqual([['x', 'two']])
    expect([...before.txns].map(([appId, { version }]) => [appId, version])).toEqual([
      ['a', 1n],
      ['b', 1n],
    ])
    expect([...before.domains.keys()]).toEqual(['x', 'y'])
    scene.apply(2, domain('z', 'three') + txn('d', 1))
    expect([...scene.replay.state.domains.keys()]).toEqual(['x', 'z'])
    expect([...scene.replay.state.txns.keys()]).toEqual(['a', 'b', 'c', 'd'])
  })

  test('it is known whether it removed files, of the last 4096 versions', () => {
    const scene = new Scene()
    scene.apply(5, add('a'))
    scene.apply(6, remove('a'))
    scene.apply(7, txn('a', 1))
    expect([...scene.table.withoutRemoves]).toEqual([5, 7])
    scene.apply(5 + 4095, txn('a', 2))
    expect(scene.table.withoutRemoves.has(5)).toBe(true)
    scene.apply(5 + 4096, txn('a', 3))
    expect([...scene.table.withoutRemoves]).toEqual([7, 4100, 4101])
  })
})

describe('a commit that does not take effect', () => {
  const begun = (): Scene => {
    const scene = new Scene()
    scene.apply(0, protocol(2) + metadata('m') + add('a', 5) + txn('app', 1))
    return scene
  }
  const large = add('x'.repeat(70_000))

  test.each([
    ['torn', '{"add":{"path":"z'],
    ['large and torn', `${large}{"add":{"path":"z`],
  ])('because it is %s leaves everything as it was', (_, rest) => {
    const scene = begun()
    const { state } = scene.replay
    const rows = scene.table.rowCount
    const bytes = encodeUtf8(add('b') + remove('a') + txn('app', 2) + rest)
    expect(() => scene.replay.apply(bytes, { version: 1, path: PATH })).toThrow(expect.objectContaining({ code: 'CORRUPT_LOG' }))
    expect(scene.replay.state).toBe(state)
    expect(scene.table.rowCount).toBe(rows)
    expect(scene.holds(bytes)).toBe(false)
    scene.apply(1, add('c', 7))
    expect(scene.files()).toEqual(['a 5', 'c 7'])
    expect(scene.counted()).toEqual([2, 12])
  })

  test('because of what the table would be leaves everything as it was', () => {
    const scene = begun()
    const { state } = scene.replay
    const refused = new AlluviumError('UNSUPPORTED_FEATURE', 'no')
    const seen: unknown[] = []
    const bytes = encodeUtf8(protocol(3) + protocol(4) + metadata('n') + large)
    const check: Parameters<Replay['apply']>[2] = (nextProtocol, nextMetadata) => {
      seen.push([nextProtocol?.minWriterVersion, nextMetadata?.id, scene.replay.state === state])
      throw refused
    }
    expect(() => scene.replay.apply(bytes, { version: 1, path: PATH }, check)).toThrow(refused)
    expect(seen).toEqual([[4, 'n', true]])
    expect(scene.replay.state).toBe(state)
    expect(scene.holds(bytes)).toBe(false)
    expect(scene.files()).toEqual(['a 5'])
  })

  test('is asked about with what the table is where it changes nothing of that', () => {
    const scene = begun()
    const seen: unknown[] = []
    const check: Parameters<Replay['apply']>[2] = (nextProtocol, nextMetadata) =>
      seen.push(nextProtocol?.minWriterVersion, nextMetadata?.id)
    scene.apply(1, add('b'), check)
    expect(seen).toEqual([2, 'm'])
    expect(scene.replay.state).toMatchObject({ version: 1, protocol: { minWriterVersion: 2 }, metadata: { id: 'm' } })
  })
})

describe('the bytes of a commit', () => {
  const KEPT = 1 << 16
  /** What stands around the object of a file in its line. */
  const AROUND = '{"add":}\n'.length
  /** A commit of so many bytes, so many of them in the object of a file. */
  function commitOf(length: number, inFiles: number): string {
    const empty = add('').length
    const file = add('p'.repeat(inFiles + AROUND - empty))
    const rest = length - file.length
    const note = `{"commitInfo":{"note":""}}\n`.length
    return rest === 0 ? file : `${file}{"commitInfo":{"note":"${'n'.repeat(rest - note)}"}}\n`
  }

  test.each([
    ['small ones are not', KEPT - 1, KEPT - 1 - AROUND, false],
    ['large ones are, where they are files', KEPT, KEPT - AROUND, true],
    ['large ones are, where more than half is files', 2 * KEPT, KEPT + 20, true],
    ['large ones are not, where less than half is files', 2 * KEPT, KEPT - 20, false],
  ])('are kept where rows are most of them: %s', (_, length, inFiles, isKept) => {
    const scene = new Scene()
    const bytes = scene.apply(0, commitOf(length, inFiles))
    expect(bytes.length).toBe(length)
    expect(scene.holds(bytes)).toBe(isKept)
    if (!isKept) bytes.fill(0x20)
    const path = 'p'.repeat(inFiles + AROUND - add('').length)
    expect(scene.files()).toEqual([`${path} 1`])
    const held = scene.table.sources.reduce((sum, source) => sum + source.bytes.length, 0)
    expect(held).toBeLessThanOrEqual(isKept ? length : 2 * inFiles)
  })

  test('of a large commit without files are not kept', () => {
    const scene = new Scene()
    const bytes = scene.apply(0, `{"commitInfo":{"note":"${'n'.repeat(KEPT)}"}}\n${txn('a', 1)}`)
    expect(scene.holds(bytes)).toBe(false)
    bytes.fill(0x20)
    expect(JSON.parse(text(scene.replay.state.commitInfo))).toEqual({ commitInfo: { note: 'n'.repeat(KEPT) } })
  })

  test('that rows before it point into stay where they are', () => {
    const scene = new Scene()
    scene.apply(0, add('early', 3))
    const bytes = scene.apply(1, commitOf(3 * KEPT, KEPT - 1) + add('late', 4))
    bytes.fill(0x20)
    expect(scene.files().filter((file) => file.length < 20)).toEqual(['early 3', 'late 4'])
  })
})

test('the index is sized for what is still to come, if it is like this commit, and for 64 times as much at most', () => {
  const expected = (ahead: (length: number) => number): number => {
    const scene = new Scene()
    const commit = add('a') + add('b')
    scene.replay.bytesAhead = ahead(commit.length)
    let keys = 0
    scene.table.expectKeys = (count) => {
      keys = count
    }
    scene.apply(0, commit)
    return keys
  }
  expect(expected(() => 0)).toBe(2)
  expect(expected((length) => 3 * length)).toBe(8)
  expect(expected((length) => 1000 * length)).toBe(2 + 2 * 64)
})

describe('the lines of a checkpoint', () => {
  test('put in their files; the rest is handed out, and it is no version', () => {
    const scene = new Scene()
    scene.apply(0, protocol(2) + add('a', 5))
    const before = scene.replay.state
    const actions: Action[] = []
    scene.replay.applyCheckpointLines(
      encodeUtf8(protocol(7) + txn('app', 3) + add('b', 7) + add('c', 1)),
      { version: 9, path: PATH },
      (action) => actions.push(action),
    )
    expect(actions.map(({ kind }) => kind)).toEqual(['protocol', 'txn'])
    expect(scene.counted()).toEqual([3, 13])
    expect(scene.replay.state).toEqual({ ...before, counts: scene.replay.state.counts })
  })
})

describe('a log compaction', () => {
  const compact = (lines: string, scene = new Scene()): Scene => {
    scene.apply(0, `{"commitInfo":{"operation":"A"}}\n${add('old', 5)}${add('kept', 3)}`)
    scene.replay.applyCompaction(encodeUtf8(lines), { version: 4, path: PATH })
    return scene
  }

  test('is its last version, in whatever order it says what changed', () => {
    const lines = [
      remove('old'),
      add('new', 7),
      txn('a', 1),
      txn('b', 2),
      domain('x', 'c'),
      domain('y', '', true),
      protocol(3),
      metadata('n'),
    ]
    for (const order of [lines, [...lines].reverse()]) {
      const scene = compact(order.join(''))
      expect(scene.files()).toEqual(['kept 3', 'new 7'])
      expect(scene.counted()).toEqual([2, 10])
      const { state } = scene.replay
      expect(state).toMatchObject({ version: 4, protocol: { minWriterVersion: 3 }, metadata: { id: 'n' } })
      expect([...state.txns.keys()].sort()).toEqual(['a', 'b'])
      expect([...state.domains.keys()]).toEqual(['x'])
      // What was true of version 0 alone is not true of version 4.
      expect(state.commitInfo).toEqual(new Uint8Array(0))
      const first = `{"commitInfo":{"operation":"A"}}\n${add('old', 5)}${add('kept', 3)}`
      expect(state.logBytes).toBe(first.length + lines.join('').length)
    }
  })

  test('that says more of a file which is there already replaces it', () => {
    const scene = compact(add('old', 8))
    expect(scene.files()).toEqual(['kept 3', 'old 8'])
    expect(scene.counted()).toEqual([2, 11])
  })

  test.each([
    ['add', add('new') + add('new', 2)],
    ['remove', add('new') + remove('new')],
    ['remove', remove('new') + add('new')],
    ['txn of "a"', txn('a', 1) + txn('b', 1) + txn('a', 2)],
    ['domainMetadata of "x"', domain('x', '1') + domain('x', '2')],
    ['protocol', protocol(2) + protocol(3)],
    ['metaData', metadata('m') + metadata('n')],
  ])('that says two things of one thing is refused by what it is: %s', (what, lines) => {
    const error = expect.objectContaining({
      code: 'CORRUPT_LOG',
      message: expect.stringContaining(
        `${PATH} is no reconciled log compaction: more than one action of it is about the same thing (${what})`,
      ),
      facts: { version: 4, path: PATH },
    })
    expect(() => compact(lines)).toThrow(error)
  })

  test('removes nothing that only a commit before it removed, though its bytes are where that had them', () => {
    const scene = new Scene()
    scene.apply(0, add('old', 5))
    scene.apply(1, remove('old'))
    const room = ' '.repeat('{"remove":{"path":"'.length - '{"add":{"path":"'.length)
    scene.replay.applyCompaction(encodeUtf8(room + add('old', 8)), { version: 4, path: PATH })
    expect(scene.files()).toEqual(['old 8'])
  })

  test('may say things of one name that are of different kinds', () => {
    const { state } = compact(txn('a', 1) + domain('a', 'c') + txn('protocol', 1) + protocol(3)).replay
    expect([...state.txns.keys(), ...state.domains.keys()]).toEqual(['a', 'protocol', 'a'])
  })
})

test('what a log was opened from, and counts of rows put straight into the table, are taken over', () => {
  const scene = new Scene()
  scene.apply(0, add('a', 5))
  const before = scene.replay.state
  scene.replay.openedFrom({ version: 12, sizeBytes: 345 })
  expect(scene.replay.state).toEqual({ ...before, checkpoint: { version: 12, sizeBytes: 345 } })
  const counts = { ...NO_FILES, numFiles: 9 }
  scene.replay.setCounts(counts)
  expect(scene.replay.state).toEqual({ ...before, checkpoint: { version: 12, sizeBytes: 345 }, counts })
})

test('what is about one commit or is a file is nothing to take', () => {
  const scene = new Scene()
  const { state } = scene.replay
  for (const action of [
    { kind: 'commitInfo', info: {} },
    { kind: 'checkpointMetadata', version: 1 },
  ] as unknown as Action[])
    scene.replay.take(action)
  expect(scene.replay.state).toBe(state)
})
