// Streamed objects: memory, refusals, and answers that get lost.
import { expect, test } from 'vitest'
import { webhdfsStorage } from '../../../src/storage/webhdfs/index.js'
import { lost, reset, ScriptedHdfs, says, standby } from './scripted-hdfs.js'

const MIB = 2 ** 20

function open(hdfs: ScriptedHdfs, more: object = {}): ReturnType<typeof webhdfsStorage> {
  return webhdfsStorage(hdfs.url, { user: 'tester', retryMs: 2000, stallTimeoutMs: 1000, ...more })
}

async function write(storage: ReturnType<typeof webhdfsStorage>, path: string, mib: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(mib * MIB).map((_, i) => (i * 31 + (i >>> 16)) & 255)
  const writer = await storage.write(path)
  for (let at = 0; at < bytes.length; at += 300_001) await writer.write(bytes.subarray(at, at + 300_001))
  expect(await writer.close()).toEqual({ sizeBytes: bytes.length })
  return bytes
}

function left(hdfs: ScriptedHdfs): string[] {
  return [...hdfs.files.keys()]
}

test('a small object is one CREATE of a known length, a large one is a stream', async () => {
  const hdfs = await ScriptedHdfs.start()
  const storage = open(hdfs)
  await write(storage, 'small', 0.5)
  expect(hdfs.seen.find(({ server }) => server === 'datanode')?.headers['content-length']).toBe(String(MIB / 2))
  hdfs.seen.length = 0
  const bytes = await write(storage, 'large', 7)
  expect(hdfs.seen.filter(({ server }) => server === 'datanode').map(({ headers }) => headers['transfer-encoding'])).toEqual(['chunked'])
  expect(Buffer.compare(hdfs.files.get('/t/large')?.bytes ?? new Uint8Array(0), bytes)).toBe(0)
  expect(left(hdfs).sort()).toEqual(['/t/large', '/t/small'])
})

test.each([
  ['a reset', reset],
  ['a standby', standby],
  ['no datanode', says(403, 'IOException', 'Failed to find datanode, suggest to check cluster health. excludeDatanodes=null')],
  ['EOFException', says(403, 'EOFException', 'End of File Exception between local host is: …')],
])('a datanode that does not take the stream (%s) costs another try, and no byte', async (_, act) => {
  const hdfs = await ScriptedHdfs.start()
  hdfs.next('CREATE', act as never, { server: 'datanode' })
  const bytes = await write(open(hdfs), 'large', 6)
  expect(Buffer.compare(hdfs.files.get('/t/large')?.bytes ?? new Uint8Array(0), bytes)).toBe(0)
  expect(left(hdfs)).toEqual(['/t/large'])
})

test('a stream whose 201 got lost is found whole', async () => {
  const hdfs = await ScriptedHdfs.start()
  hdfs.next('CREATE', lost, { server: 'datanode' })
  await write(open(hdfs), 'large', 6)
  expect(left(hdfs)).toEqual(['/t/large'])
})

test('a stream that breaks off in the middle fails, and leaves nothing, though the datanode kept a short file', async () => {
  const hdfs = await ScriptedHdfs.start()
  hdfs.next(
    'CREATE',
    async (seen, response, usual) => {
      void usual()
      await expect.poll(() => hdfs.files.has(seen.path)).toBe(true)
      setTimeout(() => response.socket?.destroy(), 100)
    },
    { server: 'datanode' },
  )
  const writer = await open(hdfs).write('large')
  const failing = async (): Promise<void> => {
    for (let n = 0; n < 2000; n++) await writer.write(new Uint8Array(MIB / 4))
    await writer.close()
  }
  await expect(failing()).rejects.toMatchObject({ code: 'STORAGE_UNAVAILABLE' })
  await expect(writer.write(new Uint8Array(1))).rejects.toMatchObject({ code: 'STORAGE_UNAVAILABLE' })
  await expect.poll(() => left(hdfs)).toEqual([])
})

test('a refusal of the whole stream says why', async () => {
  const hdfs = await ScriptedHdfs.start()
  hdfs.next('CREATE', says(403, 'AccessControlException', 'Permission denied: user=tester, access=WRITE'), {
    server: 'datanode',
    times: 99,
  })
  await expect(write(open(hdfs), 'large', 6)).rejects.toMatchObject({ code: 'PERMISSION_DENIED' })
})

test('a datanode that takes no more is noticed, and a caller that is slow is not taken for one', async () => {
  const hdfs = await ScriptedHdfs.start()
  const storage = open(hdfs, { stallTimeoutMs: 300 })
  const slow = await storage.write('slow')
  await slow.write(new Uint8Array(5 * MIB))
  await new Promise((resolve) => setTimeout(resolve, 900))
  await slow.write(new Uint8Array(MIB))
  expect(await slow.close()).toEqual({ sizeBytes: 6 * MIB })
  hdfs.next(
    'CREATE',
    (seen, response) => {
      hdfs.put(seen.path, '')
      response.writeContinue()
      response.socket?.pause()
    },
    { server: 'datanode', times: 99 },
  )
  const writer = await storage.write('stuck')
  const writing = async (): Promise<void> => {
    for (let n = 0; n < 400; n++) await writer.write(new Uint8Array(MIB / 4))
  }
  await expect(writing()).rejects.toMatchObject({ code: 'STORAGE_UNAVAILABLE' })
})

test('a name taken while the stream was under way is ALREADY_EXISTS, and its object stays', async () => {
  const hdfs = await ScriptedHdfs.start()
  const writer = await open(hdfs).write('large')
  await writer.write(new Uint8Array(6 * MIB))
  hdfs.put('/t/large', 'theirs')
  await expect(writer.close()).rejects.toMatchObject({ code: 'ALREADY_EXISTS' })
  expect(hdfs.text('/t/large')).toBe('theirs')
  await expect.poll(() => left(hdfs)).toEqual(['/t/large'])
})
