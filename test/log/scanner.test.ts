// The byte scanner against the parser: on any bytes both give the same state, or both refuse.
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { encodeUtf8 } from '../../src/bytes.js'
import { isAlluviumError } from '../../src/errors.js'
import { parseCommit } from '../../src/log/commit-json.js'
import { commits } from './log-arbitrary.js'
import { filesOf, filesOfOracle, Oracle, replayOf, restOf } from './oracle.js'

function byScanner(all: readonly Uint8Array[]): unknown {
  return outcome(() => {
    const { files, state } = replayOf(all)
    return { files: filesOf(files), rest: restOf(state) }
  })
}

function byParser(all: readonly Uint8Array[]): unknown {
  return outcome(() => {
    const oracle = new Oracle()
    for (const [version, bytes] of all.entries()) oracle.apply(parseCommit(bytes, { version, path: `commit ${version}` }))
    return { files: filesOfOracle(oracle), rest: restOf(oracle) }
  })
}

function outcome(run: () => unknown): unknown {
  try {
    return run()
  } catch (error) {
    if (isAlluviumError(error, 'CORRUPT_LOG')) return { refused: error.message }
    throw error
  }
}

describe('the byte scanner', () => {
  test('agrees with the parser on any way of writing actions', () => {
    fc.assert(
      fc.property(fc.array(commits, { minLength: 1, maxLength: 4 }), (texts) => {
        const bytes = texts.map(encodeUtf8)
        expect(byScanner(bytes)).toEqual(byParser(bytes))
      }),
      { numRuns: 600 },
    )
  })

  test('never takes a value for another that only looks like it', () => {
    const line = (n: number, value: string): string =>
      `{"add":{"path":"${n}","partitionValues":{"p":"${value}"},"size":1,"modificationTime":1,"dataChange":true}}\n`
    // A backslash before b, spelled out, then the escape of a backspace; a value, then one that starts with it.
    for (const order of [
      ['x', 'a\\\\b', 'x', 'a\\b'],
      ['x', '1', 'x', '12', 'x', '1'],
      ['x', 'q\\"', 'x', 'q'],
      ['x', '', 'x', 'y'],
    ]) {
      const bytes = [encodeUtf8(order.map((value, n) => line(n, value)).join(''))]
      expect(byScanner(bytes)).toEqual(byParser(bytes))
    }
  })

  test('keeps nothing of a line that it began to read as an add', () => {
    const whole =
      '{"add":{"path":"a","partitionValues":{"p":"stale"},"size":1,"modificationTime":1,"deletionVector":{"storageType":"u","pathOrInlineDv":"x","sizeInBytes":1,"cardinality":1}},"add":null}\n'
    const next = '{"add":{"path":"b","partitionValues":{},"size":1,"modificationTime":1,"dataChange":true}}\n'
    const bytes = [encodeUtf8(whole + next)]
    expect(byScanner(bytes)).toEqual(byParser(bytes))
    expect(replayOf(bytes).files.partition('p').ids(0)).toBe(0)
  })

  test('agrees with the parser on damaged bytes', () => {
    const damage = fc.record({ at: fc.nat(), byte: fc.integer({ min: 0, max: 255 }), cut: fc.boolean() })
    fc.assert(
      fc.property(commits, fc.array(damage, { minLength: 1, maxLength: 3 }), (commit, damages) => {
        let bytes = encodeUtf8(commit)
        for (const { at, byte, cut } of damages) {
          const i = at % bytes.length
          if (cut && i > 0) bytes = bytes.slice(0, i)
          else bytes[i] = byte
        }
        expect(byScanner([bytes])).toEqual(byParser([bytes]))
      }),
      { numRuns: 600 },
    )
  })

  test('agrees with the parser on random bytes after a plausible start', () => {
    const starts = fc.constantFrom(
      '{"add":{',
      '{"remove":{',
      '{"add":{"path":"a","size":',
      '{"commitInfo":',
      '{"add":{"path":"a","partitionValues":{"',
      '',
    )
    fc.assert(
      fc.property(starts, fc.uint8Array({ maxLength: 40 }), (start, rest) => {
        const bytes = Uint8Array.from([...encodeUtf8(start), ...rest])
        expect(byScanner([bytes])).toEqual(byParser([bytes]))
      }),
      { numRuns: 600 },
    )
  })

  test('a failed commit leaves nothing behind, whatever it had staged', () => {
    const good = '{"add":{"path":"a","partitionValues":{"p":"1"},"size":1,"modificationTime":1,"dataChange":true}}\n'
    fc.assert(
      fc.property(fc.array(commits, { minLength: 1, maxLength: 3 }), (texts) => {
        const first = [encodeUtf8(good), ...texts.map(encodeUtf8)]
        const sound = first.filter((bytes) => !isRefused(byParser([bytes])))
        // Applying the unsound ones in between must change nothing.
        expect(survivors(first)).toEqual(byScanner(sound))
      }),
      { numRuns: 200 },
    )
  })
})

function isRefused(result: unknown): boolean {
  return typeof result === 'object' && result !== null && 'refused' in result
}

function survivors(all: readonly Uint8Array[]): unknown {
  const { files, state } = replayOf(all, true)
  return { files: filesOf(files), rest: restOf(state) }
}
