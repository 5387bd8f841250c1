// Why the npm package `webhdfs` is not what the store is built on: three failures of it, each beside what the store does.
// See docs/decisions/0010-webhdfs-client.md.
import { createRequire } from 'node:module'
import { describe, expect, test } from 'vitest'
import { webhdfsStorage } from '../../../src/storage/webhdfs/index.js'
import { ScriptedHdfs, standby } from './scripted-hdfs.js'

interface Client {
  rename(from: string, to: string, done: (error: unknown) => void): void
  writeFile(path: string, data: Buffer, done: (error: unknown) => void): void
  exists(path: string, done: (exists: boolean) => void): void
}

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)

function theirs(hdfs: ScriptedHdfs): Client {
  const [host, port] = hdfs.host.split(':')
  const { createClient } = createRequire(import.meta.url)('webhdfs') as { createClient(options: object): Client }
  return createClient({ user: 'tester', host, port, path: '/webhdfs/v1' })
}

function ours(hdfs: ScriptedHdfs): ReturnType<typeof webhdfsStorage> {
  return webhdfsStorage(hdfs.url, { user: 'tester', retryMs: 300 })
}

describe('the package webhdfs 1.2.0', () => {
  test('reports a rename answered {"boolean":false}, which is a lost commit, as success', async () => {
    const hdfs = await ScriptedHdfs.start('httpfs')
    hdfs.put('/t/mine', 'mine')
    hdfs.put('/t/0.json', 'theirs')
    const outcome = await new Promise((resolve) => theirs(hdfs).rename('/t/mine', '/t/0.json', resolve))
    expect(outcome).toBeNull()
    expect(hdfs.text('/t/0.json')).toBe('theirs')
    expect(await ours(hdfs).create('0.json', bytes('mine'))).toBe('exists')
  })

  test('reports a file that the datanode answered with 503, and did not write, as written', async () => {
    const hdfs = await ScriptedHdfs.start()
    const unavailable = (_: unknown, response: import('node:http').ServerResponse): unknown => response.writeHead(503).end()
    hdfs.next('CREATE', unavailable, { server: 'datanode' })
    const outcome = await new Promise((resolve) => theirs(hdfs).writeFile('/t/a', Buffer.from('the data'), resolve))
    expect(outcome ?? null).toBeNull()
    expect(hdfs.files.has('/t/a')).toBe(false)
    hdfs.next('CREATE', unavailable, { server: 'datanode', times: 99 })
    await expect(ours(hdfs).put('a', bytes('the data'))).rejects.toMatchObject({ code: 'STORAGE_UNAVAILABLE' })
  })

  test('says of a file that it does not exist when it asks a standby', async () => {
    const hdfs = await ScriptedHdfs.start()
    hdfs.put('/t/a', 'x')
    hdfs.next('*', standby, { times: 99 })
    expect(await new Promise((resolve) => theirs(hdfs).exists('/t/a', resolve))).toBe(false)
    await expect(ours(hdfs).stat('a')).rejects.toMatchObject({ code: 'STORAGE_UNAVAILABLE' })
  })
})
