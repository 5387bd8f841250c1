// Reading: received against announced and expected.
import { expect, test } from 'vitest'
import { webhdfsStorage } from '../../../src/storage/webhdfs/index.js'
import { ScriptedHdfs, type Seen, says } from './scripted-hdfs.js'

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)

async function start(): Promise<{ hdfs: ScriptedHdfs; storage: ReturnType<typeof webhdfsStorage> }> {
  const hdfs = await ScriptedHdfs.start()
  hdfs.put('/t/a', '0123456789')
  return { hdfs, storage: webhdfsStorage(hdfs.url, { user: 'tester', retryMs: 800, stallTimeoutMs: 400 }) }
}

test('a corrupt block, which is 200, an announced length and a closed connection, is no short object', async () => {
  const { hdfs, storage } = await start()
  const corrupt = (seen: Seen, response: import('node:http').ServerResponse): void => {
    const announced = seen.query.get('length') ?? '10'
    response.writeHead(200, { 'content-type': 'application/octet-stream', 'content-length': announced, connection: 'close' })
    response.flushHeaders()
    response.socket?.end()
  }
  hdfs.next('OPEN', corrupt, { server: 'datanode' })
  expect(await storage.read('a')).toEqual(bytes('0123456789')) // another replica
  hdfs.next('OPEN', corrupt, { server: 'datanode', times: 99 })
  await expect(storage.read('a')).rejects.toMatchObject({ code: 'STORAGE_UNAVAILABLE' })
  await expect(storage.readRange('a', 2, 4)).rejects.toMatchObject({ code: 'STORAGE_UNAVAILABLE' })
})

test('an answer without an announced length that ends early is noticed by the length of the file', async () => {
  const { hdfs, storage } = await start()
  const short = (_: unknown, response: import('node:http').ServerResponse): void => {
    response.writeHead(200, { 'content-type': 'application/octet-stream' }).end('0123')
  }
  hdfs.next('OPEN', short, { server: 'datanode' })
  expect(await storage.read('a')).toEqual(bytes('0123456789'))
  hdfs.next('OPEN', short, { server: 'datanode' })
  expect(await storage.readRange('a', 0, 8)).toEqual(bytes('01234567'))
})

test('more bytes than a range asks for are refused', async () => {
  const { hdfs, storage } = await start()
  // What a server does that ignores offset and length.
  hdfs.next('OPEN', (_, response) => response.writeHead(200, { 'content-length': 10 }).end('0123456789'), { server: 'datanode', times: 99 })
  await expect(storage.readRange('a', 2, 4)).rejects.toMatchObject({ code: 'LIMIT_EXCEEDED' })
})

test('a web page with status 200 is no data', async () => {
  const { hdfs, storage } = await start()
  hdfs.next('OPEN', (_, response) => response.writeHead(200, { 'content-type': 'text/html' }).end('<html>please log in</html>'), {
    times: 99,
  })
  await expect(storage.read('a')).rejects.toMatchObject({ code: 'STORAGE_UNAVAILABLE' })
})

test('a range is asked for by offset and length, never by a Range header', async () => {
  const { hdfs, storage } = await start()
  expect(await storage.readRange('a', 2, 4)).toEqual(bytes('2345'))
  const [asked] = hdfs.seen
  expect([asked?.query.get('offset'), asked?.query.get('length'), asked?.headers.range]).toEqual(['2', '4', undefined])
  expect(hdfs.seen).toHaveLength(2)
})

test('a datanode that stalls in the middle is given up and asked again', async () => {
  const { hdfs, storage } = await start()
  hdfs.next('OPEN', (_, response) => response.writeHead(200, { 'content-length': 10 }).write('01234'), { server: 'datanode' })
  expect(await storage.read('a')).toEqual(bytes('0123456789'))
})

test('a block that no datanode has is told after a few tries', async () => {
  const { hdfs, storage } = await start()
  hdfs.next('OPEN', says(403, 'IOException', 'No active nodes contain this block'), { times: 99 })
  const error = await storage.read('a').catch((thrown: unknown) => thrown)
  expect(error).toMatchObject({ code: 'STORAGE_UNAVAILABLE' })
  expect((error as Error).message).toContain('No active nodes contain this block')
  expect(hdfs.seen.length).toBeLessThan(6)
})
