// Several namenodes, and namenodes that are away: who is asked, for how long, and what comes of it.
import net from 'node:net'
import { expect, test } from 'vitest'
import { AlluviumError } from '../../../src/errors.js'
import { type WebHdfsOptions, webhdfsStorage } from '../../../src/storage/webhdfs/index.js'
import { reset, ScriptedHdfs, says, standby } from './scripted-hdfs.js'

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)

function open(hosts: readonly string[], options: WebHdfsOptions = {}): ReturnType<typeof webhdfsStorage> {
  return webhdfsStorage('webhdfs://cluster/t', { user: 'tester', namenodes: hosts, retryMs: 3000, stallTimeoutMs: 500, ...options })
}

async function two(): Promise<[ScriptedHdfs, ScriptedHdfs]> {
  const pair: [ScriptedHdfs, ScriptedHdfs] = [await ScriptedHdfs.start(), await ScriptedHdfs.start()]
  for (const each of pair) each.put('/t/a', 'the file')
  return pair
}

async function deadPort(): Promise<string> {
  const server = net.createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as net.AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return `127.0.0.1:${port}`
}

test('a standby is left for the other, which is asked first from then on', async () => {
  const [first, second] = await two()
  first.next('*', standby, { times: 99 })
  const storage = open([first.host, second.host])
  expect((await storage.stat('a'))?.sizeBytes).toBe(8)
  expect((await storage.stat('a'))?.sizeBytes).toBe(8)
  expect(first.seen).toHaveLength(1)
  expect(second.seen).toHaveLength(2)
})

test('reads find the active one too, and stay with it', async () => {
  const [first, second] = await two()
  first.next('*', standby, { times: 99 })
  const storage = open([first.host, second.host])
  expect(await storage.read('a')).toEqual(bytes('the file'))
  expect(await storage.readRange('a', 4, 4)).toEqual(bytes('file'))
  expect(first.seen).toHaveLength(1)
})

test.each([
  ['RetriableException', says(403, 'RetriableException')],
  [
    'a standby that HttpFS passes on as text',
    says(500, 'RemoteException', 'Operation category READ is not supported in state standby. Visit x'),
  ],
  ['a reset', reset],
  ['502', (_: unknown, response: import('node:http').ServerResponse) => response.writeHead(502).end('bad gateway')],
  ['nothing at all', () => {}],
])('a namenode that answers with %s is left for the other', async (_, act) => {
  const [first, second] = await two()
  first.next('*', act as never, { times: 99 })
  expect((await open([first.host, second.host]).stat('a'))?.sizeBytes).toBe(8)
})

test('a dead namenode is left for the other', async () => {
  const [, second] = await two()
  expect((await open([await deadPort(), second.host]).stat('a'))?.sizeBytes).toBe(8)
})

test('a namenode that comes back within the time is waited for', async () => {
  const hdfs = await ScriptedHdfs.start()
  hdfs.put('/t/a', 'the file')
  hdfs.next('*', reset, { times: 4 })
  expect(await open([hdfs.host]).read('a')).toEqual(bytes('the file'))
})

test('when all are away the failure says so, in time, and a refusal is not waited for', async () => {
  const away = await open([await deadPort(), await deadPort()], { retryMs: 300 })
    .stat('a')
    .catch((thrown: unknown) => thrown)
  expect(away).toBeInstanceOf(AlluviumError)
  expect(away).toMatchObject({ code: 'STORAGE_UNAVAILABLE', facts: { reason: 'ECONNREFUSED' } })
  expect((away as AlluviumError).facts.lasting).toBeUndefined()
  const hdfs = await ScriptedHdfs.start()
  hdfs.next('*', says(403, 'AccessControlException', 'Permission denied: user=tester, access=READ'), { times: 99 })
  await expect(open([hdfs.host]).stat('a')).rejects.toMatchObject({ code: 'PERMISSION_DENIED' })
  expect(hdfs.seen).toHaveLength(1)
})

test('a standby found in the second step of CREATE sends the whole create to the other', async () => {
  const [first, second] = await two()
  first.next('CREATE', standby, { server: 'datanode', times: 99 })
  const storage = open([first.host, second.host])
  expect(await storage.create('fresh', bytes('x'))).toBe('created')
  expect(second.text('/t/fresh')).toBe('x')
  expect(first.text('/t/fresh')).toBeUndefined()
})

test('a rename whose answer was lost is looked at where the cluster is active now', async () => {
  const [first, second] = await two()
  const storage = open([first.host, second.host])
  // Both namenodes are one cluster: what the first has, the second has.
  first.next('RENAME', async (_, response, usual) => {
    response.end = (() => response.socket?.destroy()) as never
    await usual()
    for (const [path, file] of first.files) second.files.set(path, file)
    first.next('*', standby, { times: 99 })
  })
  expect(await storage.create('fresh', bytes('x'))).toBe('created')
  expect(second.ops()).toEqual(['GETFILESTATUS'])
})

test('a signal ends the waiting', async () => {
  const controller = new AbortController()
  const waiting = open([await deadPort()], { retryMs: 60_000 }).stat('a', { signal: controller.signal })
  setTimeout(() => controller.abort(new Error('enough')), 50)
  await expect(waiting).rejects.toMatchObject({ code: 'ABORTED' })
})
