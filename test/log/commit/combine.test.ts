// Several logical commits as one: all that they do, in their order, and nothing said of the commit that is not true of each of them.
import { describe, expect, test } from 'vitest'
import { addMetrics, combine, type SharedRequest } from '../../../src/log/commit/combine.js'
import type { LogView } from '../../../src/log/log-view.js'
import { add, txn } from './group-scene.js'

function request(version: number, more: Partial<SharedRequest> = {}): SharedRequest {
  return {
    base: { version } as LogView,
    actions: [add(`f${version}`)],
    operation: 'WRITE',
    operationParameters: { mode: 'Append' },
    readSet: { appIds: [] },
    ...more,
  }
}

/** Without prototypes, as JSON has it. */
const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value))

describe('one logical commit', () => {
  test('alone is itself, made on the version that it has read', () => {
    const one = request(4, { operationMetrics: { numFiles: '1' }, userMetadata: 'mine', keepsRowIds: true })
    expect(combine([one])).toStrictEqual({ ...one, readVersion: 4 })
  })
})

describe('several', () => {
  test('are all that each of them does, in their order, on the oldest version that one of them has read', () => {
    const together = combine([
      request(7, { actions: [txn('a', 1n), add('a')], readSet: { appIds: ['a'] } }),
      request(5, { actions: [add('b')] }),
      request(6, { actions: [txn('c', 3n), txn('d', 4n), add('c')], readSet: { appIds: ['c', 'd'] } }),
    ])
    expect(together.actions).toEqual([txn('a', 1n), add('a'), add('b'), txn('c', 3n), txn('d', 4n), add('c')])
    expect(together.readSet).toEqual({ appIds: ['a', 'c', 'd'] })
    expect(together.readVersion).toBe(5)
    expect(together.operation).toBe('WRITE')
  })

  test('are described one by one: what each has read, was asked, counted, and how many lines are its', () => {
    const { logicalCommits } = combine([
      request(7, { actions: [add('a'), add('b')], operationMetrics: { numFiles: '2', numOutputRows: '10' } }),
      request(5, { operationParameters: { mode: 'Append', partitionBy: ['day'] } }),
    ])
    expect(plain(logicalCommits)).toEqual([
      { readVersion: 7, operationParameters: { mode: 'Append' }, operationMetrics: { numFiles: '2', numOutputRows: '10' }, actions: 2 },
      { readVersion: 5, operationParameters: { mode: 'Append', partitionBy: '["day"]' }, actions: 1 },
    ])
  })

  test('that count the same have their sums, and no metrics where one does not count', () => {
    const counting = { operationMetrics: { numFiles: '1', numOutputRows: '5' } }
    expect(plain(combine([request(1, counting), request(1, counting)]).operationMetrics)).toEqual({ numFiles: '2', numOutputRows: '10' })
    expect(combine([request(1, counting), request(1)])).not.toHaveProperty('operationMetrics')
    expect(combine([request(1), request(1, counting)])).not.toHaveProperty('operationMetrics')
  })

  test('say only those parameters that all have, with one value', () => {
    const parameters = (operationParameters: Record<string, unknown>): SharedRequest => request(1, { operationParameters })
    const together = combine([
      parameters({ mode: 'Append', epochId: 4, onlyHere: 'x', partitionBy: [] }),
      parameters({ mode: 'Append', epochId: 5, partitionBy: [] }),
    ])
    expect(plain(together.operationParameters)).toEqual({ mode: 'Append', partitionBy: '[]' })
  })

  test('keep the words of their writer and the level that they ask for, and say neither where there is none', () => {
    const asked = { userMetadata: 'nightly', isolation: 'Serializable' } as const
    expect(combine([request(1, asked), request(2, asked)])).toMatchObject(asked)
    const silent = combine([request(1), request(2)])
    expect(silent).not.toHaveProperty('userMetadata')
    expect(silent).not.toHaveProperty('isolation')
  })
})

describe('metrics', () => {
  test.each(['-1', '1.5', '1e3', ' 1', '1 ', 'x1', '1x', '', '9'.repeat(31)])('%j is no count, and is not added up', (text) => {
    expect(addMetrics([{ a: text }, { a: '1' }])).toBeUndefined()
    expect(addMetrics([{ a: '1' }, { a: text }])).toBeUndefined()
  })

  test('of nobody are none', () => {
    expect(addMetrics([])).toBeUndefined()
  })
})
