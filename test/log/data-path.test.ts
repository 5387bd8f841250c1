import { describe, expect, test } from 'vitest'
import { resolveDataPath } from '../../src/log/data-path.js'

describe('a path in the log', () => {
  test.each([
    ['part-0.parquet', 'part-0.parquet'],
    ['p=1/part-0.parquet', 'p=1/part-0.parquet'],
    ['a%20b.parquet', 'a b.parquet'],
    ['a+b.parquet', 'a+b.parquet'],
    ['region=US%252FEast/x.parquet', 'region=US%2FEast/x.parquet'],
    ['%E6%97%A5/x.parquet', '日/x.parquet'],
    ['日/x.parquet', '日/x.parquet'],
    ['at=2020-01-01 10:00:00/x.parquet', 'at=2020-01-01 10:00:00/x.parquet'],
    ['100%/x.parquet', '100%/x.parquet'],
    ['./a//b.parquet', 'a/b.parquet'],
    ['a..b/..c/d...parquet', 'a..b/..c/d...parquet'],
    ['p=../x.parquet', 'p=../x.parquet'],
    ['_change_data/cdc-1.parquet', '_change_data/cdc-1.parquet'],
    ['back\\slash.parquet', 'back\\slash.parquet'],
    ['__proto__', '__proto__'],
    ['...', '...'],
  ])('%s is the object %s', (logPath, path) => {
    expect(resolveDataPath(logPath)).toBe(path)
  })

  test.each([
    '..',
    '../secret.parquet',
    'a/../../secret.parquet',
    'a/../b.parquet',
    'a/..',
    '%2e%2e/secret',
    '%2E%2E%2Fsecret',
    '..%2fsecret',
    '%252e%252e/secret',
    '%25252e%25252e%25252fsecret',
    'a/%2e%2e/%2e%2e/secret',
    '.%2e/secret',
    '..\\secret',
    'a\\..\\..\\secret',
    '%2e%2e%5csecret',
    '/etc/passwd',
    '//host/share',
    '%2fetc/passwd',
    '%252fetc/passwd',
    '\\\\host\\share',
    'C:\\secret',
    'C:/secret',
    'file:///etc/passwd',
    'FILE:/etc/passwd',
    's3://bucket/key',
    's3a://bucket/key',
    'abfss://container@account/key',
    'https://example.com/x',
    'data:text/plain,x',
    'a%00b',
    'a%2500b',
    '_delta_log/00000000000000000000.json',
    './_delta_log/00000000000000000000.json',
    '%5Fdelta_log/00000000000000000000.json',
    '.',
    './',
    '',
  ])('%j leads nowhere', (logPath) => {
    expect(() => resolveDataPath(logPath)).toThrow(expect.objectContaining({ code: 'PATH_OUTSIDE_TABLE' }))
  })

  test.each([
    ['/data/t', '/data/t/a.parquet', 'a.parquet'],
    ['/data/t/', '/data/t/p=1/a%20b.parquet', 'p=1/a b.parquet'],
    ['/data/my table', '/data/my%20table/a.parquet', 'a.parquet'],
    ['/data/my%20table', '/data/my%2520table/100%25.parquet', '100%.parquet'],
    ['/data/t', 'file:/data/t/a.parquet', 'a.parquet'],
    ['/data/t', 'file:///data/t/a.parquet', 'a.parquet'],
    ['/data/t', 'FILE://localhost/data/t/a.parquet', 'a.parquet'],
    ['C:\\data\\t', 'file:///C:/data/t/a.parquet', 'a.parquet'],
    ['s3://bucket/t', 's3a://bucket/t/region=US%252FEast/a.parquet', 'region=US%2FEast/a.parquet'],
    ['s3://bucket', 's3n://bucket/a.parquet', 'a.parquet'],
    ['hdfs://nn:8020/data/my%20table', 'hdfs://nn:8020/data/my%20table/p=a%2520b/a%20b.parquet', 'p=a%20b/a b.parquet'],
  ])('in the folder %s, the absolute %s is the object %s', (location, logPath, path) => {
    expect(resolveDataPath(logPath, location)).toBe(path)
  })

  test.each([
    ['/data/t', '/data/t'],
    ['/data/t', '/data/t/'],
    ['/data/t', '/data/table/a.parquet'],
    ['/data/t', '/data/t/../secret'],
    ['/data/t', '/data/t/%2e%2e/secret'],
    ['/data/t', '/data/t/%252e%252e/secret'],
    ['/data/t', '/data/t//etc/passwd/..'],
    ['/data/t', '/data/t/_delta_log/00000000000000000000.json'],
    ['/data/t', '/DATA/T/a.parquet'],
    ['/data/t', 'file://host/data/t/a.parquet'],
    ['/data/t', 's3://data/t/a.parquet'],
    ['/data/t', 'http:///data/t/a.parquet'],
    ['/data/t', '//data/t/a.parquet'],
    ['/', '/etc/passwd'],
    ['', '/etc/passwd'],
    ['memory:', '/etc/passwd'],
    ['s3://bucket/t', 's3://bucket2/t/a.parquet'],
    ['s3://bucket/t', '/t/a.parquet'],
    ['s3://bucket/t', 'gs://bucket/t/a.parquet'],
    ['hdfs://nn:8020/t', 'hdfs://other:8020/t/a.parquet'],
    ['hdfs://nn:8020/t', 'webhdfs://nn:8020/t/a.parquet'],
    ['/data/my%20table', '/data/my%20table/a.parquet'],
  ])('in the folder %s, the absolute %s leads nowhere', (location, logPath) => {
    expect(() => resolveDataPath(logPath, location)).toThrow(expect.objectContaining({ code: 'PATH_OUTSIDE_TABLE' }))
  })

  test.each([
    ['/data/s', 'file:///data/s/p=1/a%20b.parquet', '/data/s/p=1/a b.parquet'],
    ['/data/s/', '/data/s/a.parquet', '/data/s/a.parquet'],
    ['s3://other/s', 's3a://other/s/a.parquet', 's3://other/s/a.parquet'],
    ['hdfs://nn:8020/my%20s', 'hdfs://nn:8020/my%20s/a.parquet', 'hdfs://nn:8020/my%20s/a.parquet'],
  ])('with the folder %s allowed, %s is %s', (root, logPath, path) => {
    expect(resolveDataPath(logPath, { location: '/data/t', foreignRoots: ['/nowhere', root] })).toBe(path)
  })

  test.each([
    ['/data/s', '/data/s/../secret'],
    ['/data/s', '/data/s/%2e%2e/secret'],
    ['/data/s', '/data/s'],
    ['/data/s', '/data/s2/a.parquet'],
    ['/data/s', '/data/s/_delta_log/00000000000000000000.json'],
    ['s3://other/s', 's3://other/s2/a.parquet'],
    ['/', '/etc/passwd'],
    ['', '/etc/passwd'],
  ])('with the folder %s allowed, %s leads nowhere', (root, logPath) => {
    const resolve = () => resolveDataPath(logPath, { location: '/data/t', foreignRoots: [root] })
    expect(resolve).toThrow(expect.objectContaining({ code: 'PATH_OUTSIDE_TABLE' }))
  })

  test('escapes that are no text are a fault of the log', () => {
    expect(() => resolveDataPath('a%ff%feb.parquet')).toThrow(expect.objectContaining({ code: 'CORRUPT_LOG' }))
  })
})
