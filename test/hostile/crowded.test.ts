// Names made to collide in every table that a log is kept in: without a defence, a hundred thousand of them cost as much as
// ten thousand million.
import { describe, expect, test } from 'vitest'
import { encodeUtf8 } from '../../src/bytes.js'
import { ByteDictionary, hashBytes } from '../../src/log/byte-dictionary.js'
import type { Table } from '../../src/table/table.js'
import { type HostileCase, hostileGroup } from './group.js'
import { addOf, FIELDS, field } from './table-builder.js'

// Inverting the last step of the hash gives, for nearly any first word, a second that leads to the wanted state.
const multiplied = (k: number): number => {
  const mixed = Math.imul(k, 0xcc9e2d51)
  return Math.imul((mixed << 15) | (mixed >>> 17), 0x1b873593)
}
const inverse = (odd: number): number => {
  let x = odd
  for (let i = 0; i < 5; i++) x = Math.imul(x, 2 - Math.imul(odd, x))
  return x
}
const step = (hash: number, k: number): number => {
  const h = hash ^ multiplied(k)
  return (Math.imul((h << 13) | (h >>> 19), 5) + 0xe6546b64) | 0
}
// The k with which step(hash, k) is `wanted`.
function wordFor(hash: number, wanted: number): number {
  const rotated = Math.imul((wanted - 0xe6546b64) | 0, inverse(5))
  const h = (rotated >>> 13) | (rotated << 19)
  const mixed = Math.imul(h ^ hash, inverse(0x1b873593))
  return Math.imul((mixed >>> 15) | (mixed << 17), inverse(0xcc9e2d51))
}

/** Texts of eight plain letters with one and the same hash. */
function collidingTexts(count: number): string[] {
  const isPlain = (c: number): boolean => (c >= 0x30 && c <= 0x39) || (c >= 0x41 && c <= 0x5a) || (c >= 0x61 && c <= 0x7a)
  const texts: string[] = []
  const letters = Array.from({ length: 128 }, (_, c) => c).filter(isPlain)
  const target = 0x12345678
  for (let n = 0; texts.length < count; n++) {
    let rest = n
    let first = 0
    let text = ''
    for (let shift = 0; shift < 32; shift += 8) {
      const c = letters[rest % letters.length] as number
      rest = Math.floor(rest / letters.length)
      first |= c << shift
      text += String.fromCharCode(c)
    }
    const second = wordFor(step(0, first), target)
    const codes = [0, 8, 16, 24].map((shift) => (second >>> shift) & 255)
    if (codes.every(isPlain)) texts.push(text + String.fromCharCode(...codes))
  }
  return texts
}

const COUNT = 40_000
const texts = collidingTexts(COUNT)

describe('texts that collide', () => {
  test('do collide', () => {
    const hashes = new Set(texts.map((text) => hashBytes(encodeUtf8(text), 0, 8, 0)))
    expect(hashes.size).toBe(1)
    expect(new Set(texts).size).toBe(COUNT)
  })

  test('get an id each, and the same one again', () => {
    const dictionary = new ByteDictionary()
    const ids = texts.map((text) => dictionary.internText(text))
    expect(new Set(ids).size).toBe(COUNT)
    expect(texts.map((text) => dictionary.internText(text))).toEqual(ids)
    expect(ids.map((id) => dictionary.values[id])).toEqual(texts)
  })
})

const files = async (table: Table): Promise<readonly object[]> => {
  const { view } = await table.snapshot()
  const found = texts.filter((text) => view.files.find(text) >= 0).length
  return [{ files: view.files.numFiles, found }]
}
const adds = (): object[] => texts.map((path) => addOf(path, 1))

hostileGroup('paths and partition values that collide', [
  { name: 'as paths', table: async () => ({ lines: adds() }), act: files, expected: { rows: [{ files: COUNT, found: COUNT }] } },
  {
    name: 'as paths added twice and removed once',
    table: async () => ({
      lines: adds(),
      files: {
        '_delta_log/00000000000000000002.json': adds()
          .map((add) => `${JSON.stringify(add)}\n`)
          .join(''),
        '_delta_log/00000000000000000003.json': texts
          .slice(0, 10_000)
          .map((path) => `{"remove":{"path":"${path}","dataChange":true}}\n`)
          .join(''),
      },
    }),
    act: files,
    expected: { rows: [{ files: COUNT - 10_000, found: COUNT - 10_000 }] },
  },
  {
    name: 'as paths of small commits',
    table: async () => ({
      lines: adds().slice(0, 20_000),
      files: Object.fromEntries(
        Array.from({ length: 200 }, (_, i) => [
          `_delta_log/${String(i + 2).padStart(20, '0')}.json`,
          texts
            .slice(20_000 + i * 100, 20_100 + i * 100)
            .map((path) => `${JSON.stringify(addOf(path, 1))}\n`)
            .join(''),
        ]),
      ),
    }),
    act: files,
    expected: { rows: [{ files: COUNT, found: COUNT }] },
  },
  {
    name: 'as partition values',
    table: async () => ({
      schema: [...FIELDS, field('p', 'string')],
      partitionColumns: ['p'],
      lines: texts.map((p, i) => addOf(`f${i}`, 1, { partitionValues: { p } })),
    }),
    act: async (table) => {
      const plan = await (await table.snapshot()).scan({ where: `p = '${texts[7]}'` }).plan()
      return [{ files: plan.files.length, of: plan.totalFiles }]
    },
    expected: { rows: [{ files: 1, of: COUNT }] },
  },
] satisfies HostileCase[])
