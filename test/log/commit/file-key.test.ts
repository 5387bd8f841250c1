import { expect, test } from 'vitest'
import { fileKey } from '../../../src/log/commit/file-key.js'

test('a file is one file however its URI is spelled, and is decoded exactly once', () => {
  expect(fileKey('a/b c')).toBe('a/b c')
  expect(fileKey('a%2Fb%20c')).toBe('a/b c')
  expect(fileKey('a%2520')).toBe('a%20')
})

test('a path that is no URI is its own key', () => {
  expect(fileKey('100%')).toBe('100%')
  expect(fileKey('%zz/%20')).toBe('%zz/%20')
})
