// Damage of every kind to real files: bytes flipped, overwritten, cut out, doubled. Whatever happens is a typed error that
// names the file, or rows of the right types and counts. (Values themselves may be wrong: Parquet pages without
// checksums cannot tell.) Seeded; the seed of a failure is in its message.
import { describe, expect, test } from 'vitest'
import { isAlluviumError } from '../../src/errors.js'
import { codecMemoryBytes } from '../../src/parquet/engine.js'
import { bytesSource, openParquet } from '../../src/parquet/index.js'
import { Duck, writeRows } from './files.js'

const MUTATIONS = 250
const duck = new Duck()

function seeded(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return (state >>> 0) % below
  }
}

function mutate(bytes: Uint8Array, random: (below: number) => number, footerBytes: number): Uint8Array {
  let damaged = bytes.slice()
  const times = 1 + random(3)
  for (let i = 0; i < times; i++) {
    // A third of the damage goes into the footer, where sizes and places are.
    const at = random(3) === 0 ? damaged.length - 1 - random(Math.min(footerBytes + 8, damaged.length)) : random(damaged.length)
    const kind = random(10)
    if (kind < 3) damaged[at] = (damaged[at] as number) ^ (1 << random(8))
    else if (kind < 5) damaged[at] = random(256)
    else if (kind < 8) damaged[at] = [0, 0x7f, 0x80, 0xff][random(4)] as number
    else if (kind === 8)
      damaged = new Uint8Array(Buffer.concat([damaged.subarray(0, at), damaged.subarray(Math.min(damaged.length, at + 1 + random(16)))]))
    else
      damaged = new Uint8Array(
        Buffer.concat([damaged.subarray(0, at), damaged.subarray(Math.max(0, at - 1 - random(16)), at), damaged.subarray(at)]),
      )
  }
  return damaged
}

async function outcome(bytes: Uint8Array): Promise<'read' | 'refused'> {
  try {
    const file = await openParquet(bytesSource(bytes), { name: 'damaged.parquet' })
    let rows = 0
    for await (const batch of file.read()) {
      rows += batch.numRows
      if (batch.numRows === 0 || rows > file.numRows) throw new Error(`${rows} rows of ${file.numRows}`)
      for (const [i, child] of batch.data.children.entries()) {
        if (child.length !== batch.numRows) throw new Error(`column ${i} has ${child.length} of ${batch.numRows} rows`)
      }
      // A bomb that is decoded in bounded pieces is as good as read.
      if (rows > 200_000) return 'read'
    }
    if (rows !== file.numRows) throw new Error(`${rows} rows of ${file.numRows}`)
    return 'read'
  } catch (error) {
    if (isAlluviumError(error, 'CORRUPT_DATA', 'LIMIT_EXCEEDED', 'UNSUPPORTED_FEATURE') && error.message.includes('damaged.parquet'))
      return 'refused'
    throw error
  }
}

async function campaign(bytes: Uint8Array, firstSeed: number): Promise<{ read: number; refused: number }> {
  const footerBytes = new DataView(bytes.buffer, bytes.byteOffset).getUint32(bytes.length - 8, true)
  const counts = { read: 0, refused: 0 }
  for (let i = 0; i < MUTATIONS; i++) {
    const seed = firstSeed + i * 7919
    const damaged = mutate(bytes, seeded(seed), footerBytes)
    try {
      counts[await outcome(damaged)]++
    } catch (error) {
      throw new Error(`seed ${seed}: ${error instanceof Error ? error.stack : String(error)}`)
    }
    expect(codecMemoryBytes(), `seed ${seed}`).toBeLessThan(2 ** 30)
  }
  return counts
}

describe('a damaged file is refused by a typed error, or read with the right shape', () => {
  test('ours: flat columns with dictionaries', async () => {
    const rows = Array.from({ length: 500 }, (_, i) => ({
      a: BigInt(i),
      s: `word ${i % 9}`,
      d: i / 7,
      t: i % 2 === 0,
      x: i % 3 === 0 ? null : `distinct ${i}`,
    }))
    const counts = await campaign(await writeRows('a long, s string, d double, t boolean, x string', rows, { rowGroupRows: 200 }), 1)
    expect(counts.refused).toBeGreaterThan(MUTATIONS / 10)
    expect(counts.read).toBeGreaterThan(0)
  })

  test('ours: nested columns', async () => {
    const rows = Array.from({ length: 200 }, (_, i) => ({
      l: i % 4 === 0 ? null : [i, null],
      m: new Map([[`k${i}`, [`v${i}`]]]),
      st: { a: i, b: { c: '1.5' } },
    }))
    await campaign(
      await writeRows('l array<int>, m map<string,array<string>>, st struct<a:int,b:struct<c:decimal(9,2)>>', rows, { codec: 'zstd' }),
      1_000_003,
    )
  })

  test.each(['snappy', 'gzip', 'uncompressed', 'brotli', 'lz4_raw'])('of DuckDB, %s', async (codec) => {
    const bytes = await duck.copy(
      `select i, i::varchar || 'x' s, [i, i + 1] l, {'a': i % 5, 'b': (i / 10)::decimal(30,3)} st, make_timestamp(i) ts from range(300) r(i)`,
      `codec ${codec}, parquet_version v2`,
    )
    await campaign(bytes, 2_000_003)
  })
})
