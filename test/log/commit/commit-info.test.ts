// The first line of a commit, in the forms that Spark writes and other writers' conflict checks read.
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import type { Action, AddFile, Metadata } from '../../../src/log/actions.js'
import { buildCommitInfo, ENGINE_INFO } from '../../../src/log/commit/commit-info.js'
import { isBlindAppend, isolationLevelOf, tableIsolationLevel } from '../../../src/log/commit/isolation.js'
import { formatAction } from '../../../src/log/commit-json.js'

const metadata = (configuration: Record<string, string> = {}): Metadata => ({
  kind: 'metaData',
  id: 'm',
  format: { provider: 'parquet', options: {} },
  schemaString: '{}',
  partitionColumns: [],
  configuration,
})
const add: AddFile = { kind: 'add', path: 'f', partitionValues: {}, size: 1, modificationTime: 1, dataChange: true }
const remove: Action = { kind: 'remove', path: 'f', dataChange: true }
const moment = { txnId: 't-1', readVersion: 6, timestampMs: 1000 }

test('an append says what Spark says, in its order and forms', () => {
  const description = {
    operation: 'WRITE',
    operationParameters: { mode: 'Append', partitionBy: '["day"]' },
    operationMetrics: { numFiles: '1', numOutputRows: '3' },
  }
  expect(formatAction(buildCommitInfo(description, moment, [add], { appIds: [] }, metadata()))).toBe(
    `{"commitInfo":{"timestamp":1000,"operation":"WRITE","operationParameters":{"mode":"Append","partitionBy":"[\\"day\\"]"},"readVersion":6,` +
      `"isolationLevel":"Serializable","isBlindAppend":true,"operationMetrics":{"numFiles":"1","numOutputRows":"3"},"engineInfo":"${ENGINE_INFO}","txnId":"t-1"}}`,
  )
})

test('operation parameters that are not texts are written as the text of their JSON', () => {
  const description = {
    operation: 'X',
    operationParameters: { epochId: 12n, flag: false, columns: ['a'], nothing: null, missing: undefined, text: '[]' },
  }
  const { info } = buildCommitInfo(description, moment, [], { appIds: [] }, metadata())
  expect({ ...(info.operationParameters as object) }).toEqual({ epochId: '12', flag: 'false', columns: '["a"]', nothing: null, text: '[]' })
})

test('a parameter or metric called __proto__ is a name like any other', () => {
  const named = JSON.parse('{"__proto__":"x"}') as Record<string, string>
  const { info } = buildCommitInfo(
    { operation: 'X', operationParameters: named, operationMetrics: named },
    moment,
    [],
    { appIds: [] },
    metadata(),
  )
  expect(formatAction({ kind: 'commitInfo', info })).toContain('"operationParameters":{"__proto__":"x"}')
})

test('an in-commit timestamp stands first', () => {
  const text = formatAction(
    buildCommitInfo({ operation: 'X', operationParameters: {} }, { ...moment, inCommitTimestampMs: 1234 }, [], { appIds: [] }, metadata()),
  )
  expect(text.startsWith('{"commitInfo":{"inCommitTimestamp":1234,')).toBe(true)
})

test('the commit that makes a table has no readVersion', () => {
  const { info } = buildCommitInfo(
    { operation: 'X', operationParameters: {} },
    { ...moment, readVersion: undefined },
    [],
    { appIds: [] },
    metadata(),
  )
  expect(info).not.toHaveProperty('readVersion')
})

test('only a commit that reads no rows and only adds files is a blind append', () => {
  expect(isBlindAppend([add], { appIds: ['a'] })).toBe(true)
  expect(isBlindAppend([add, { kind: 'txn', appId: 'a', version: 1n }], { appIds: ['a'] })).toBe(true)
  expect(isBlindAppend([metadata()], { appIds: [] })).toBe(true)
  expect(isBlindAppend([add, remove], { appIds: [] })).toBe(false)
  expect(isBlindAppend([add], { appIds: [], readsWholeTable: true })).toBe(false)
  expect(isBlindAppend([add], { appIds: [], readFiles: new Set(['g']) })).toBe(false)
  expect(isBlindAppend([add], { appIds: [], readFiles: new Set() })).toBe(true)
  expect(isBlindAppend([add], { appIds: [], mayRead: () => false })).toBe(false)
})

test('a commit has the table’s isolation level unless it only rearranges rows', () => {
  const still = (action: Action): Action => ({ ...action, dataChange: false }) as Action
  expect(isolationLevelOf([add], 'Serializable')).toBe('Serializable')
  expect(isolationLevelOf([still(remove), still(add)], 'Serializable')).toBe('SnapshotIsolation')
  expect(isolationLevelOf([still(remove), add], 'WriteSerializable')).toBe('WriteSerializable')
  expect(isolationLevelOf([still(add), metadata()], 'Serializable')).toBe('Serializable')
  expect(isolationLevelOf([], 'Serializable')).toBe('Serializable')
  expect(tableIsolationLevel(metadata())).toBe('Serializable')
  expect(tableIsolationLevel(metadata({ 'delta.isolationLevel': 'WriteSerializable' }))).toBe('WriteSerializable')
  expect(tableIsolationLevel(metadata({ 'delta.isolationLevel': 'nonsense' }))).toBe('Serializable')
})

test('engineInfo names the version of the package', () => {
  const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string }
  expect(ENGINE_INFO).toBe(`Alluvium/${version}`)
})
