// The two layers between a partition value and add.path, with the vectors that the protocol and other engines agree on.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decodeFilePath, encodeFilePath, escapePartitionName, partitionDirectory, unescapePartitionName } from '../../src/schema/index.js'

const text = fc.string({ unit: 'binary', maxLength: 60 })

describe('both layers', () => {
  // Value, directory, log path: as Spark writes them.
  it.each([
    ['US/East', 'region=US%2FEast', 'region=US%252FEast'],
    ['a b', 'region=a b', 'region=a%20b'],
    ['a+plus', 'region=a+plus', 'region=a+plus'],
    ['a%percent', 'region=a%25percent', 'region=a%2525percent'],
    ['a:colon', 'region=a%3Acolon', 'region=a%253Acolon'],
    ['a=equal', 'region=a%3Dequal', 'region=a%253Dequal'],
    ['bar+%21', 'region=bar+%2521', 'region=bar+%252521'],
    ['p?p', 'region=p%3Fp', 'region=p%253Fp'],
    ['/%20%f', 'region=%2F%2520%25f', 'region=%252F%252520%2525f'],
    ['😈é', 'region=😈é', 'region=😈é'],
    ['1970-01-02 08:45:00', 'region=1970-01-02 08%3A45%3A00', 'region=1970-01-02%2008%253A45%253A00'],
    ['a<b>|`}', 'region=a<b>|`}', 'region=a%3Cb%3E%7C%60%7D'],
    ['\u0001\u007f', 'region=%01%7F', 'region=%2501%257F'],
    ['"#\'*\\{[]^', 'region=%22%23%27%2A%5C%7B%5B%5D%5E', 'region=%2522%2523%2527%252A%255C%257B%255B%255D%255E'],
  ])('%j', (value, directory, logPath) => {
    expect(partitionDirectory(['region'], [value])).toBe(directory)
    expect(encodeFilePath(directory)).toBe(logPath)
    expect(decodeFilePath(logPath)).toBe(directory)
    expect(unescapePartitionName(directory)).toBe(`region=${value}`)
  })

  it('escape the names of columns too, and join columns by slashes', () => {
    expect(partitionDirectory(['c1+c2/c3', 'day'], ['a b+c', '2024-02-29'])).toBe('c1+c2%2Fc3=a b+c/day=2024-02-29')
    expect(encodeFilePath('c1+c2%2Fc3=a b+c/x.parquet')).toBe('c1+c2%252Fc3=a%20b+c/x.parquet')
  })
})

describe('the directory layer', () => {
  it('stands in for null and for the empty text', () => {
    expect(partitionDirectory(['a', 'b'], [null, ''])).toBe('a=__HIVE_DEFAULT_PARTITION__/b=__HIVE_DEFAULT_PARTITION__')
    expect(partitionDirectory([], [])).toBe('')
  })

  it('gives back every text, and never a path separator or a control character', () => {
    fc.assert(
      fc.property(text, (value) => {
        const name = escapePartitionName(value)
        expect(unescapePartitionName(name)).toBe(value)
        // biome-ignore lint/suspicious/noControlCharactersInRegex: they must not be there
        expect(name).not.toMatch(/[\u0000-\u001f/=\\:]/)
      }),
    )
  })

  it('keeps every directory name short enough for a file system, without cutting a character or an escape', () => {
    fc.assert(
      fc.property(fc.constantFrom('a', '/', 'é', '😈', '%'), fc.integer({ min: 1, max: 5000 }), (unit, count) => {
        const name = partitionDirectory(['c'], [unit.repeat(count)])
        expect(new TextEncoder().encode(name).length).toBeLessThanOrEqual(255)
        expect(name).not.toMatch(/\p{Surrogate}/u)
        expect(unescapePartitionName(name)).toBe(`c=${unit.repeat([...unescapePartitionName(name)].length - 2)}`)
      }),
    )
  })

  it('wants one value for each column', () => {
    expect(() => partitionDirectory(['a'], [])).toThrow(RangeError)
  })
})

describe('the URI layer', () => {
  it('gives back every path', () => {
    fc.assert(
      fc.property(text, (path) => {
        expect(decodeFilePath(encodeFilePath(path))).toBe(path.replace(/\p{Surrogate}/gu, '\ufffd'))
      }),
    )
  })

  it('is the encoding of java.net.URI', () => {
    expect(encodeFilePath('/a b"#%<>?[\\]^`{|}~!$&\'()*+,;=:@é\u00a0\u2028\u0085😈/x\u0001\u007f')).toBe(
      "/a%20b%22%23%25%3C%3E%3F%5B%5C%5D%5E%60%7B%7C%7D~!$&'()*+,;=:@é%C2%A0%E2%80%A8%C2%85😈/x%01%7F",
    )
  })

  it('takes off one layer and no more', () => {
    expect(decodeFilePath('a%252Fb')).toBe('a%2Fb')
    expect(decodeFilePath('a%2520b')).toBe('a%20b')
  })

  it('reads paths of writers that escape everything, or leave a percent sign bare', () => {
    expect(decodeFilePath('%F0%9F%98%88%c3%a9')).toBe('😈é')
    expect(decodeFilePath('bar%2Dbar')).toBe('bar-bar')
    expect(decodeFilePath('100%')).toBe('100%')
    expect(decodeFilePath('a%zzb%2')).toBe('a%zzb%2')
    expect(decodeFilePath('a+b')).toBe('a+b')
    expect(decodeFilePath('%EF%BB%BFa')).toBe('\ufeffa')
  })

  it('refuses bytes that are no text', () => {
    expect(() => decodeFilePath('a%FFb')).toThrow(expect.objectContaining({ code: 'CORRUPT_LOG' }))
    expect(() => decodeFilePath('%C3')).toThrow(expect.objectContaining({ code: 'CORRUPT_LOG' }))
  })
})
