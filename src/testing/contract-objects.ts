// The contract of single objects: read, readRange, stat, put, delete.
import type { Storage } from '../storage/storage.js'
import { check, checkBytesEqual, checkEqual, checkMisuse, checkRefused } from './check.js'
import { type ContractCase, type ContractOptions, during, listPaths, patternBytes, textBytes, writeObject } from './contract.js'

/** Cases about reading, replacing and deleting single objects. */
export function objectCases(options: ContractOptions): ContractCase[] {
  const bigBytes = options.bigObjectBytes ?? 16 * 1024 * 1024 + 3
  return [
    { name: 'a store declares its capabilities and a location', run: declares(options) },
    { name: 'a missing object is undefined to read, readRange and stat', run: missing },
    { name: 'an object comes back byte for byte, with its size', run: roundTrip },
    { name: 'an empty object exists and is empty', run: emptyObject },
    { name: 'a big object comes back whole and in ranges', run: (storage) => bigObject(storage, bigBytes) },
    { name: 'a range has the bytes asked for, and fewer only at the end of the object', run: ranges },
    { name: 'a range that is no range is a RangeError', run: badRanges },
    { name: 'bytes handed out and taken in are the caller’s own to change', run: ownBytes },
    { name: 'put replaces an object of any size whole', run: putReplaces },
    { name: 'a reader during puts sees an old or a new object, never a mixture', run: putIsWhole },
    { name: 'a deleted object is gone, and deleting it again is fine', run: deletes },
    { name: 'deleteAll, where a store has it, deletes all it is given and nothing else, and missing ones are fine', run: deletesAll },
    { name: 'a folder is no object, and deleting its name leaves what is in it', run: folderIsNoObject },
    { name: 'a modification time is an integer number of milliseconds that does not go back', run: modificationTimes },
    { name: 'bytes that are no Uint8Array are a TypeError', run: notBytes },
  ]
}

function declares(options: ContractOptions): (storage: Storage) => Promise<void> {
  return async (storage) => {
    const { exclusiveCreate, durable } = options.capabilities
    checkEqual(storage.capabilities.exclusiveCreate, exclusiveCreate, 'capabilities.exclusiveCreate is what was declared')
    checkEqual(storage.capabilities.durable, durable, 'capabilities.durable is what was declared')
    checkEqual(storage.stage !== undefined, options.stages === true, 'stage is offered as declared')
    check(typeof storage.location === 'string' && storage.location !== '', 'location is a text')
  }
}

async function missing(storage: Storage): Promise<void> {
  await storage.put('there', textBytes('x'))
  for (const path of ['missing', 'no/such/folder/object', 'ther', 'there2', 'there/below']) {
    checkEqual(await storage.read(path), undefined, `read of missing '${path}' is undefined`)
    checkEqual(await storage.readRange(path, 0, 10), undefined, `readRange of missing '${path}' is undefined`)
    checkEqual(await storage.readRange(path, 5, 0), undefined, `an empty range of missing '${path}' is undefined`)
    checkEqual(await storage.stat(path), undefined, `stat of missing '${path}' is undefined`)
  }
}

async function roundTrip(storage: Storage): Promise<void> {
  for (const sizeBytes of [1, 2, 511, 4096, 65_535, 65_536, 65_537, 300_001]) {
    const path = `sizes/${sizeBytes}`
    const bytes = patternBytes(sizeBytes, sizeBytes)
    await storage.put(path, bytes)
    checkBytesEqual(await storage.read(path), bytes, `an object of ${sizeBytes} bytes`)
    const info = await storage.stat(path)
    checkEqual(info?.path, path, 'stat answers the path')
    checkEqual(info?.sizeBytes, sizeBytes, 'stat answers the size')
  }
}

async function emptyObject(storage: Storage): Promise<void> {
  const nothing = new Uint8Array(0)
  await storage.put('put', nothing)
  const writer = await storage.write('written')
  checkEqual((await writer.close()).sizeBytes, 0, 'closing an empty writer answers size 0')
  for (const path of ['put', 'written']) {
    checkBytesEqual(await storage.read(path), nothing, `the empty object '${path}'`)
    checkBytesEqual(await storage.readRange(path, 0, 5), nothing, `a range of the empty object '${path}'`)
    checkEqual((await storage.stat(path))?.sizeBytes, 0, `the size of the empty object '${path}'`)
  }
  checkEqual(await listPaths(storage, ''), ['put', 'written'], 'empty objects are listed')
}

async function bigObject(storage: Storage, sizeBytes: number): Promise<void> {
  const bytes = patternBytes(sizeBytes, 7)
  await storage.put('put', bytes)
  checkBytesEqual(await storage.read('put'), bytes, 'a big object')
  const writer = await storage.write('written')
  for (let at = 0, step = 1; at < sizeBytes; at += step, step = Math.min(step * 3, 5_000_000)) {
    await writer.write(bytes.subarray(at, at + step))
  }
  checkEqual((await writer.close()).sizeBytes, sizeBytes, 'close answers the size of a big object')
  for (const path of ['put', 'written']) {
    for (const [offset, length] of [
      [0, 100],
      [sizeBytes - 100, 100],
      [(sizeBytes >>> 1) - 5, 70_000],
      [1, sizeBytes - 2],
    ] as const) {
      const range = await storage.readRange(path, offset, length)
      checkBytesEqual(range, bytes.subarray(offset, offset + length), `${length} bytes from ${offset} of the big object '${path}'`)
    }
  }
}

async function ranges(storage: Storage): Promise<void> {
  const bytes = patternBytes(1000, 3)
  await storage.put('object', bytes)
  const asked = [
    [0, 0],
    [0, 1],
    [0, 1000],
    [0, 1001],
    [1, 998],
    [999, 1],
    [999, 2],
    [500, 2 ** 40],
    [1000, 0],
    [1000, 1],
    [1001, 5],
    [2 ** 40, 5],
  ] as const
  for (const [offset, length] of asked) {
    const range = await storage.readRange('object', offset, length)
    checkBytesEqual(range, bytes.slice(offset, offset + length), `${length} bytes from ${offset} of an object of 1000`)
  }
}

async function badRanges(storage: Storage): Promise<void> {
  await storage.put('object', textBytes('0123456789'))
  for (const [offset, length] of [
    [-1, 5],
    [0, -1],
    [0.5, 1],
    [0, 1.5],
    [Number.NaN, 1],
    [0, Number.NaN],
    [0, Number.POSITIVE_INFINITY],
  ] as const) {
    await checkMisuse(() => storage.readRange('object', offset, length), RangeError, `a range of ${length} from ${offset} is a RangeError`)
  }
}

async function ownBytes(storage: Storage): Promise<void> {
  const bytes = patternBytes(5000, 1)
  const expected = bytes.slice()
  await storage.put('object', bytes)
  bytes.fill(0)
  const read = (await storage.read('object')) as Uint8Array
  checkBytesEqual(read, expected, 'what the caller does with the bytes after a put')
  read.fill(0)
  const range = (await storage.readRange('object', 10, 100)) as Uint8Array
  range.fill(0)
  checkBytesEqual(await storage.read('object'), expected, 'what the caller does with bytes it read')
  // A view into a larger buffer is the view, not the buffer.
  const large = patternBytes(100, 9)
  await storage.put('view', large.subarray(20, 30))
  checkBytesEqual(await storage.read('view'), large.slice(20, 30), 'a view into a larger buffer')
}

async function putReplaces(storage: Storage): Promise<void> {
  for (const [i, sizeBytes] of [100, 10_000, 3, 0, 70_000].entries()) {
    const bytes = patternBytes(sizeBytes, i)
    await storage.put('_delta_log/_last_checkpoint', bytes)
    checkBytesEqual(await storage.read('_delta_log/_last_checkpoint'), bytes, `a put of ${sizeBytes} bytes over another object`)
  }
  await writeObject(storage, 'written', textBytes('a longer text'))
  await storage.put('written', textBytes('short'))
  checkBytesEqual(await storage.read('written'), textBytes('short'), 'a put over a written object')
  checkEqual(await listPaths(storage, '_delta_log'), ['_delta_log/_last_checkpoint'], 'puts leave nothing else behind')
}

async function putIsWhole(storage: Storage): Promise<void> {
  const sizes = [200_000, 1, 80_000]
  await storage.put('hint', new Uint8Array(sizes[0] as number))
  const puts = async (): Promise<void> => {
    for (let i = 1; i <= 60; i++) await storage.put('hint', new Uint8Array(sizes[i % sizes.length] as number).fill(i))
  }
  await during(puts, async () => {
    const bytes = await storage.read('hint')
    check(bytes !== undefined, 'an object that is being replaced is always there')
    check(sizes.includes(bytes.length), `a reader sees an old or a new object whole, not ${bytes.length} bytes`)
    check(
      bytes.every((byte) => byte === bytes[0]),
      'a reader never sees bytes of two objects',
    )
  })
}

async function deletes(storage: Storage): Promise<void> {
  await storage.put('folder/object', textBytes('x'))
  await storage.put('folder/object2', textBytes('y'))
  await storage.delete('folder/object')
  checkEqual(await storage.read('folder/object'), undefined, 'a deleted object is gone for read')
  checkEqual(await storage.stat('folder/object'), undefined, 'a deleted object is gone for stat')
  checkEqual(await listPaths(storage, 'folder'), ['folder/object2'], 'a deleted object is gone from the listing, its neighbour is not')
  await storage.delete('folder/object')
  await storage.delete('never/there')
  await storage.delete('folder/object2/below')
  await storage.put('folder/object', textBytes('again'))
  checkBytesEqual(await storage.read('folder/object'), textBytes('again'), 'a name can be used again after a delete')
  checkBytesEqual(await storage.read('folder/object2'), textBytes('y'), 'a neighbour of a deleted object')
}

async function deletesAll(storage: Storage): Promise<void> {
  if (storage.deleteAll === undefined) return
  const paths = ['a', 'folder/b', 'folder/c <&>', 'folder/é%20+', 'folder/d']
  for (const path of [...paths, 'folder/kept', 'a-kept']) await storage.put(path, textBytes(path))
  await storage.deleteAll([...paths, 'never/there', 'folder'])
  checkEqual(await listPaths(storage, '', { recursive: true }), ['a-kept', 'folder/kept'], 'what is left after deleting many')
  await storage.deleteAll([])
  await storage.deleteAll(['a', 'a'])
  for (const path of ['', '../a', 'a//b']) {
    await checkRefused(
      async () => storage.deleteAll?.(['folder/kept', path]),
      ['PATH_OUTSIDE_TABLE'],
      `deleteAll of ${JSON.stringify(path)}`,
    )
  }
  const signal = AbortSignal.abort(new Error('the reason'))
  await checkRefused(async () => storage.deleteAll?.(['folder/kept'], { signal }), ['ABORTED'], 'deleteAll with a signal that fired')
  checkEqual(await listPaths(storage, 'folder'), ['folder/kept'], 'refused calls delete nothing')
}

async function folderIsNoObject(storage: Storage): Promise<void> {
  await storage.put('folder/inner/object', textBytes('x'))
  for (const path of ['folder', 'folder/inner']) {
    checkEqual(await storage.stat(path), undefined, `the folder '${path}' is no object for stat`)
    checkEqual(await storage.read(path), undefined, `the folder '${path}' is no object for read`)
    checkEqual(await storage.readRange(path, 0, 1), undefined, `the folder '${path}' is no object for readRange`)
    await storage.delete(path)
  }
  checkBytesEqual(await storage.read('folder/inner/object'), textBytes('x'), 'an object below a folder whose name was deleted')
}

async function modificationTimes(storage: Storage): Promise<void> {
  await storage.put('first', textBytes('x'))
  await storage.put('second', textBytes('y'))
  const [first, second] = [await storage.stat('first'), await storage.stat('second')]
  check(first !== undefined && second !== undefined, 'both objects are there')
  for (const { modifiedMs } of [first, second]) {
    check(Number.isSafeInteger(modifiedMs) && modifiedMs >= 0, `modifiedMs is an integer, not ${modifiedMs}`)
  }
  check(second.modifiedMs >= first.modifiedMs, 'an object made later is not older')
  checkEqual((await storage.stat('first'))?.modifiedMs, first.modifiedMs, 'reading does not change the modification time')
}

async function notBytes(storage: Storage): Promise<void> {
  for (const value of ['text', 5, null, undefined, [1, 2], new ArrayBuffer(3)]) {
    const bytes = value as unknown as Uint8Array
    await checkMisuse(() => storage.put('object', bytes), TypeError, 'put of something that is no Uint8Array is a TypeError')
    await checkMisuse(() => storage.create('object', bytes), TypeError, 'create of something that is no Uint8Array is a TypeError')
  }
  checkEqual(await storage.stat('object'), undefined, 'nothing was put in place')
}
