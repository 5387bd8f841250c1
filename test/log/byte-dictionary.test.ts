import { describe, expect, test } from 'vitest'
import { encodeUtf8 } from '../../src/bytes.js'
import { ByteDictionary } from '../../src/log/byte-dictionary.js'

describe('what is expected next', () => {
  test('is found in JSON by its own bytes', () => {
    const dictionary = new ByteDictionary()
    const id = dictionary.internText('12')
    dictionary.internText('12')
    expect(dictionary.expected(encodeUtf8('12"}'), 0)).toBe(id)
  })

  // A checkpoint says a\b in three characters; the same three in a commit's JSON are two: an a and a backspace.
  test('is not taken from JSON where a text of a checkpoint holds a backslash', () => {
    const dictionary = new ByteDictionary()
    const bytes = encodeUtf8('a\\b')
    dictionary.intern(bytes, 0, bytes.length)
    dictionary.intern(bytes, 0, bytes.length)
    expect(dictionary.expected(encodeUtf8('a\\b"}'), 0)).toBe(0)
  })
})
