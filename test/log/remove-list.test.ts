// The removes of a commit while it is read: each is handed out as it came, however many there are.
import { expect, test } from 'vitest'
import { RemoveList } from '../../src/log/remove-list.js'

type Dropped = readonly [number, Uint8Array, number, number, string | undefined]
const dropped = (list: RemoveList, n: number, commit: Uint8Array): Dropped => list.drop(n, commit, (...args) => args)

test('every remove is handed out as it came, with the bytes that hold its path', () => {
  const commit = new Uint8Array(4)
  const list = new RemoveList()
  const texts = new Map<number, Uint8Array>()
  for (let n = 0; n < 100; n++) {
    const text = n % 7 === 3 ? new Uint8Array([n]) : undefined
    if (text !== undefined) texts.set(n, text)
    list.push(n * 31, n, n + 1, n >> 1, n % 5 === 0 ? `vector ${n}` : undefined, text)
  }
  expect(list.count).toBe(100)
  for (let n = 0; n < 100; n++) {
    expect(list.rowsBefore(n)).toBe(n >> 1)
    const [hash, bytes, start, length, vector] = dropped(list, n, commit)
    expect([hash, start, length, vector]).toEqual([n * 31, n, n + 1, n % 5 === 0 ? `vector ${n}` : undefined])
    expect(bytes).toBe(texts.get(n) ?? commit)
  }
})

test('nothing of a commit is left for the next', () => {
  const list = new RemoveList()
  list.push(1, 2, 3, 4, 'vector', new Uint8Array([9]))
  list.clear()
  expect(list.count).toBe(0)
  list.push(5, 6, 7, 8, undefined)
  const commit = new Uint8Array(1)
  const [hash, bytes, start, length, vector] = dropped(list, 0, commit)
  expect([hash, start, length, vector]).toEqual([5, 6, 7, undefined])
  expect(bytes).toBe(commit)
})
