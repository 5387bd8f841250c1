// What passes as a storage path: by examples and by a property of every text.
import nodePath from 'node:path'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  checkFolderPath,
  checkListing,
  checkObjectPath,
  isObjectPath,
  isTemporaryName,
  leafName,
  parentFolder,
} from '../../src/storage/path.js'
import { AWKWARD_NAMES, HOSTILE_PATHS } from '../../src/testing/index.js'

test('hostile paths are refused with the fault named', () => {
  for (const path of HOSTILE_PATHS) {
    expect(() => checkObjectPath(path)).toThrow(expect.objectContaining({ code: 'PATH_OUTSIDE_TABLE', facts: { path, applied: false } }))
    expect(isObjectPath(path)).toBe(false)
  }
  expect(() => checkObjectPath('')).toThrow('it is empty')
  expect(() => checkObjectPath('/etc/passwd')).toThrow('it is absolute')
  expect(() => checkObjectPath('a/../b')).toThrow("it has a part '..'")
  expect(() => checkObjectPath('a//b')).toThrow('it has an empty part')
  expect(() => checkObjectPath('a/')).toThrow('it has an empty part')
  expect(() => checkObjectPath('a\0')).toThrow('it has a NUL')
  expect(() => checkObjectPath('a\\b')).toThrow('it has a backslash')
  expect(() => checkObjectPath('\ud800')).toThrow('it is not well-formed Unicode')
})

test('awkward names are paths, and folders', () => {
  for (const name of AWKWARD_NAMES) {
    checkObjectPath(name)
    checkFolderPath(`a/${name}/b`)
    expect(leafName(`a/b/${name}`)).toBe(name)
    expect(parentFolder(`a/${name}/b`)).toBe(`a/${name}`)
  }
  checkFolderPath('')
  expect(parentFolder('a')).toBe('')
})

test('a path that passes stays inside any root it is joined to, and is the only spelling of its place', () => {
  const part = fc.oneof(
    fc.constantFrom('.', '..', '', 'a', '...', ' ', '%2e%2e', '\\', '\0', '~', '\ud83d', '😀'),
    fc.string({ unit: 'binary', maxLength: 4 }),
  )
  fc.assert(
    fc.property(fc.array(part, { maxLength: 6 }), fc.constantFrom('/', '//', '\\'), (parts, separator) => {
      const path = parts.join(separator)
      if (!isObjectPath(path)) return
      expect(nodePath.posix.normalize(path)).toBe(path)
      expect(nodePath.posix.join('/the/root', path)).toBe(`/the/root/${path}`)
      expect(nodePath.win32.relative('C:\\the\\root', nodePath.win32.join('C:\\the\\root', path)).startsWith('..\\')).toBe(false)
      expect(new TextDecoder().decode(new TextEncoder().encode(path))).toBe(path)
      expect(path.split('/').every((each) => each !== '' && each !== '.' && each !== '..')).toBe(true)
    }),
    { numRuns: 3000 },
  )
})

test('every text is judged quickly, however long', () => {
  for (const path of [
    '/'.repeat(200_000),
    '.'.repeat(200_000),
    './'.repeat(100_000),
    'a/'.repeat(100_000),
    `.${'-'.repeat(200_000)}.tmp`,
  ]) {
    isObjectPath(path)
    isTemporaryName(path)
  }
})

test('a listing starts in its folder', () => {
  checkListing('log', undefined)
  checkListing('log', 'log/a')
  checkListing('', 'anything/at/all')
  for (const from of ['a', 'log', 'logs/a', 'lo/g']) {
    expect(() => checkListing('log', from)).toThrow(expect.objectContaining({ code: 'INVALID_OPTIONS' }))
  }
  for (const from of ['', 'log/', 'log/../a', '/log/a']) {
    expect(() => checkListing('log', from)).toThrow(expect.objectContaining({ code: 'PATH_OUTSIDE_TABLE' }))
  }
})

test('a temporary is told by its form', () => {
  const uuid = '0f8fad5b-d9cb-469f-a165-70867728950e'
  for (const name of [`.00000000000000000001.json.${uuid}.tmp`, `.${uuid}.tmp`, `.line\nbreak.${uuid}.tmp`])
    expect(isTemporaryName(name)).toBe(true)
  for (const name of [`a.${uuid}.tmp`, `.a.${uuid}.tmp.json`, '.a.tmp', `.a.${uuid.toUpperCase()}x.tmp`, uuid])
    expect(isTemporaryName(name)).toBe(false)
})
