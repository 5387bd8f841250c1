import { describe, expect, test } from 'vitest'
import { checkpointPartPath, classicCheckpointPath, commitPath, parseLogName } from '../../src/log/file-names.js'

// The names are the examples of PROTOCOL.md, "Checkpoints", "Log Compaction Files" and "Version Checksum File".
describe('names in the log folder', () => {
  test.each([
    ['00000000000000000000.json', { kind: 'commit', version: 0 }],
    ['00000000000000000010.checkpoint.parquet', { kind: 'classic', version: 10 }],
    ['00000000000000000010.checkpoint.0000000001.0000000003.parquet', { kind: 'multipart', version: 10, part: 1, parts: 3 }],
    [
      '00000000000000000010.checkpoint.80a083e8-7026-4e79-81be-64bd76c43a11.json',
      { kind: 'uuid', version: 10, form: 'json', uuid: '80a083e8-7026-4e79-81be-64bd76c43a11' },
    ],
    ['00000000000000000010.checkpoint.80a083e8-7026-4e79-81be-64bd76c43a11.parquet', { kind: 'uuid', version: 10, form: 'parquet' }],
    ['00000000000000000004.00000000000000000006.compacted.json', { kind: 'compacted', version: 4, endVersion: 6 }],
    ['00000000000000000001.crc', { kind: 'checksum', version: 1 }],
    ['_last_checkpoint', { kind: 'last-checkpoint' }],
    ['00009007199254740991.json', { kind: 'commit', version: Number.MAX_SAFE_INTEGER }],
  ])('%s is read', (name, expected) => {
    expect(parseLogName(name)).toMatchObject({ ...expected, name })
  })

  test.each([
    '0.json',
    '000000000000000000000.json',
    '00000000000000000001.JSON',
    '00000000000000000001.json.tmp',
    '.00000000000000000001.json',
    '00009007199254740992.json',
    '99999999999999999999.json',
    '00000000000000000010.checkpoint.0000000000.0000000003.parquet',
    '00000000000000000010.checkpoint.0000000004.0000000003.parquet',
    '00000000000000000010.checkpoint.1.3.parquet',
    '00000000000000000010.checkpoint.not-a-uuid.parquet',
    '00000000000000000010.checkpoint.80a083e8-7026-4e79-81be-64bd76c43a11.avro',
    '00000000000000000006.00000000000000000006.compacted.json',
    '00000000000000000006.00000000000000000004.compacted.json',
    '_last_checkpoint.bak',
    '',
    '00000000000000000001.json\n',
  ])('%j is nobody’s', (name) => {
    expect(parseLogName(name)).toBeUndefined()
  })

  test('paths are padded to 20 and 10 digits', () => {
    expect(commitPath(7)).toBe('_delta_log/00000000000000000007.json')
    expect(classicCheckpointPath(10)).toBe('_delta_log/00000000000000000010.checkpoint.parquet')
    expect(checkpointPartPath(10, 2, 3)).toBe('_delta_log/00000000000000000010.checkpoint.0000000002.0000000003.parquet')
  })

  test('a version that is no version is the caller’s mistake', () => {
    for (const version of [-1, 0.5, 2 ** 53, Number.NaN]) expect(() => commitPath(version)).toThrow(RangeError)
  })
})
