// What a commit says of itself to other writers, and how strict it has to be. Too little said would let others break it.
import { describe, expect, test } from 'vitest'
import type { Action, AddFile, Metadata, RemoveFile } from '../../../src/log/actions.js'
import {
  ISOLATION_LEVELS,
  isBlindAppend,
  isolationLevelOf,
  tableIsolationLevel,
  winnerIsBlindAppend,
} from '../../../src/log/commit/isolation.js'

const add = (dataChange = true): AddFile => ({ kind: 'add', path: 'f', partitionValues: {}, size: 1, modificationTime: 1, dataChange })
const remove = (dataChange = true): RemoveFile => ({ kind: 'remove', path: 'g', dataChange, deletionTimestamp: 1 })
const cdc = { kind: 'cdc', path: 'c', partitionValues: {}, size: 1, dataChange: false } as unknown as Action
const txn: Action = { kind: 'txn', appId: 'a', version: 1n }
const said = (isBlindAppend: unknown): Action => ({ kind: 'commitInfo', info: Object.assign(Object.create(null), { isBlindAppend }) })
const withLevel = (configuration: Record<string, string>): Metadata => ({
  kind: 'metaData',
  id: 'm',
  format: { provider: 'parquet', options: {} },
  schemaString: '{}',
  partitionColumns: [],
  configuration,
})

describe('the level of a table', () => {
  test('is what it says, in whatever letters', () => {
    expect(ISOLATION_LEVELS).toEqual(['Serializable', 'WriteSerializable', 'SnapshotIsolation'])
    for (const level of ISOLATION_LEVELS) {
      expect(tableIsolationLevel(withLevel({ 'delta.isolationLevel': level }))).toBe(level)
      expect(tableIsolationLevel(withLevel({ 'delta.isolationLevel': level.toUpperCase() }))).toBe(level)
    }
  })

  test('is the strictest where it says nothing, or what nobody knows', () => {
    expect(tableIsolationLevel(withLevel({}))).toBe('Serializable')
    expect(tableIsolationLevel(withLevel({ 'delta.isolationLevel': 'Chaos' }))).toBe('Serializable')
  })
})

describe('the level of a commit', () => {
  test('is a snapshot where it only rearranges rows', () => {
    expect(isolationLevelOf([remove(false), add(false)], 'Serializable')).toBe('SnapshotIsolation')
    expect(isolationLevelOf([cdc], 'Serializable')).toBe('SnapshotIsolation')
  })

  test('is that of the table where a row comes or goes, where it does anything else, and where it does nothing', () => {
    expect(isolationLevelOf([remove(false), add(true)], 'WriteSerializable')).toBe('WriteSerializable')
    expect(isolationLevelOf([remove(true), add(false)], 'Serializable')).toBe('Serializable')
    expect(isolationLevelOf([add(false), txn], 'Serializable')).toBe('Serializable')
    expect(isolationLevelOf([], 'Serializable')).toBe('Serializable')
  })
})

describe('a blind append', () => {
  const nothing = { appIds: [] }
  test('adds files, if any, and reads no rows', () => {
    expect(isBlindAppend([add()], nothing)).toBe(true)
    expect(isBlindAppend([add(), txn], { appIds: ['a'] })).toBe(true)
    expect(isBlindAppend([txn], nothing)).toBe(true)
    expect(isBlindAppend([add()], { ...nothing, readFiles: new Set() })).toBe(true)
    expect(isBlindAppend([add()], { ...nothing, readsWholeTable: false })).toBe(true)
  })

  test('is none that removes a file, or changes what is told of changes', () => {
    expect(isBlindAppend([add(), remove()], nothing)).toBe(false)
    expect(isBlindAppend([add(), cdc], nothing)).toBe(false)
  })

  test('is none that read something, however that is said', () => {
    expect(isBlindAppend([add()], { ...nothing, readsWholeTable: true })).toBe(false)
    expect(isBlindAppend([add()], { ...nothing, readFiles: new Set(['f']) })).toBe(false)
    expect(isBlindAppend([add()], { ...nothing, mayRead: () => false })).toBe(false)
    expect(isBlindAppend([add()], { ...nothing, wasRead: () => false })).toBe(false)
  })

  test('of others is one only where it says so', () => {
    expect(winnerIsBlindAppend([add(), said(true)])).toBe(true)
    for (const actions of [[], [add()], [said(false)], [said('true')], [said(undefined)]]) expect(winnerIsBlindAppend(actions)).toBe(false)
  })
})
