// Opening by path or URL: which store a scheme is, and all that is wrong with options, at once and without values.
import { pathToFileURL } from 'node:url'
import { describe, expect, test } from 'vitest'
import { AlluviumError } from '../../src/errors.js'
import { memoryStorage } from '../../src/storage/memory.js'
import { openStorage, type StorageOptions } from '../../src/storage/open.js'
import { openTable } from '../../src/table/index.js'
import { temporaryFolder } from './temporary-folder.js'

async function refusal(target: string, options: Record<string, unknown> = {}): Promise<AlluviumError> {
  const error = await openStorage(target, options as StorageOptions).catch((each) => each)
  expect(error).toBeInstanceOf(AlluviumError)
  expect(error.code).toBe('INVALID_OPTIONS')
  return error
}

describe('openStorage', () => {
  test('a plain path and a file URL are the same folder', async () => {
    const folder = temporaryFolder()
    const byPath = await openStorage(folder)
    await byPath.put('with space/é', new Uint8Array([1]))
    const byUrl = await openStorage(`${pathToFileURL(folder)}`)
    expect(await byUrl.read('with space/é')).toEqual(new Uint8Array([1]))
    expect(byUrl.location).toBe(folder)
    expect((await openStorage(folder, { durability: 'none' })).capabilities.durable).toBe(false)
  })

  test.each([
    ['s3://lake', 's3://lake'],
    ['s3://lake/events', 's3://lake/events'],
    ['s3://lake/a/b c/é%20+/', 's3://lake/a/b c/é%20+'],
    ['S3A://lake/events//', 's3://lake/events'],
  ])('%s is a store in a bucket', async (url, location) => {
    expect((await openStorage(url)).location).toBe(location)
  })

  test.each(['webhdfs://namenode:9870/tables/events', 'swebhdfs://namenode:9871/tables/events'])(
    '%s is a store on a cluster',
    async (url) => {
      expect((await openStorage(url)).capabilities.exclusiveCreate).toBe(true)
    },
  )

  test.each([
    ['', 'empty'],
    ['gs://bucket/x', 'gs://'],
    ['http://host/x', 'http://'],
    ['file://otherhost/x', 'otherhost'],
    ['file:///a%zz', 'percent escape'],
    ['s3://', 'bucket name'],
    ['s3://b', 'bucket name'],
    ['s3:///x', 'bucket name'],
    ['s3://bucket/a//b', 'empty part'],
    ['s3://bucket/../x', "'..'"],
    ['s3://user:secret@bucket/x', 'storage options'],
    ['s3://bucket:9000/x', 'storage options'],
  ])('%s is refused with its fault', async (target, fault) => {
    const { message } = await refusal(target)
    expect(message).toContain(fault)
    expect(message).not.toContain('secret')
  })

  test('all faults of options are told together, an unknown one with the nearest name, none with its value', async () => {
    const { message, facts } = await refusal('s3://bucket/x', {
      acessKeyId: 'hunter2',
      zzzzzzzzzz: 'hunter2',
      forcePathStyle: 'hunter2',
      endpoint: 'hunter2',
      sessionToken: 'hunter2',
      maxRequests: '0',
    })
    expect(message).toContain('no option "acessKeyId"; did you mean accessKeyId?')
    expect(message).toContain('no option "zzzzzzzzzz", only endpoint, region, accessKeyId')
    expect(message).toContain('forcePathStyle must be true or false')
    expect(message).toContain('endpoint must be an http:// or https:// URL')
    expect(message).toContain('maxRequests must be a whole number from 1 to 1024')
    expect(message).toContain('sessionToken goes with accessKeyId')
    expect(JSON.stringify([message, facts])).not.toContain('hunter2')
    expect(facts.options).toEqual(['acessKeyId', 'zzzzzzzzzz', 'endpoint', 'forcePathStyle', 'maxRequests'])
  })

  test('texts of a command line and values of a program are the same options', async () => {
    for (const options of [
      { forcePathStyle: true, singleWriter: false, maxRequests: 7 },
      { forcePathStyle: 'true', singleWriter: 'false', maxRequests: '7' },
    ]) {
      await openStorage('s3://bucket/x', options as StorageOptions)
    }
    await refusal('s3://bucket/x', { forcePathStyle: 'yes' })
    await refusal('s3://bucket/x', { maxRequests: 1.5 })
  })

  test('an option of another store is no option here, also one called __proto__', async () => {
    expect((await refusal('/tmp/x', { endpoint: 'http://x' })).message).toContain('local disk')
    expect((await refusal('s3://bucket/x', { durability: 'none' })).message).toContain('no option "durability"')
    const hostile = JSON.parse('{"__proto__":"x","constructor":"y"}') as Record<string, unknown>
    expect((await refusal('s3://bucket/x', hostile)).message).toContain('no option "__proto__"')
  })
})

describe('openTable', () => {
  test('options of a store go with a URL, not with a store that is handed in', async () => {
    await expect(openTable(memoryStorage(), { storage: { durability: 'none' } })).rejects.toMatchObject({ code: 'INVALID_OPTIONS' })
    await expect(openTable(memoryStorage(), { storage: {} })).rejects.toMatchObject({ code: 'NOT_A_TABLE' })
    await expect(openTable(temporaryFolder(), { storage: { durability: 'none' } })).rejects.toMatchObject({ code: 'NOT_A_TABLE' })
  })
})
