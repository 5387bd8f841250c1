// The contract of streamed objects: whole after close, gone after abort, chunks the caller may reuse.
import { AlluviumError } from '../errors.js'
import type { Storage } from '../storage/storage.js'
import { check, checkBytesEqual, checkEqual, checkMisuse, checkRefused } from './check.js'
import { type ContractCase, type ContractOptions, listPaths, patternBytes, textBytes } from './contract.js'

/** Cases about streaming writes. */
export function writeCases(options: ContractOptions): ContractCase[] {
  const cases: ContractCase[] = [
    { name: 'a streamed object is the chunks in order, whatever their sizes', run: chunksInOrder },
    { name: 'a chunk may be reused once its write resolved', run: chunksAreCopied },
    { name: 'writes that are not awaited still land in order', run: unawaited },
    { name: 'an aborted writer leaves nothing, and aborting never throws', run: aborts },
    { name: 'a closed writer stays closed, and aborting it leaves the object', run: closedStays },
    { name: 'writers of different objects do not disturb each other', run: concurrentWriters },
    { name: 'a signal that fires ends a writer with ABORTED and leaves nothing', run: signalEnds },
  ]
  if (!options.capabilities.exclusiveCreate) return cases
  return [...cases, { name: 'a name in use is ALREADY_EXISTS for a writer, and its object stays', run: nameInUse }]
}

async function chunksInOrder(storage: Storage): Promise<void> {
  const bytes = patternBytes(1_500_000, 5)
  const sizes = [0, 1, 3, 1000, 0, 65_536, 262_143, 1, 262_144, 262_145, 600_000, 7]
  const writer = await storage.write('folder/streamed')
  let at = 0
  for (const size of sizes) {
    await writer.write(bytes.subarray(at, at + size))
    at += size
  }
  await writer.write(bytes.subarray(at))
  checkEqual((await writer.close()).sizeBytes, bytes.length, 'close answers the size')
  checkBytesEqual(await storage.read('folder/streamed'), bytes, 'the streamed object')
  checkEqual(await listPaths(storage, 'folder'), ['folder/streamed'], 'a closed writer leaves nothing else behind')
}

async function chunksAreCopied(storage: Storage): Promise<void> {
  const writer = await storage.write('reused')
  const expected = new Uint8Array(4 * 300_000 + 4 * 1000)
  let at = 0
  for (const size of [300_000, 1000]) {
    const chunk = new Uint8Array(size)
    for (let i = 1; i <= 4; i++) {
      chunk.fill(i)
      await writer.write(chunk)
      expected.fill(i, at, at + size)
      at += size
    }
  }
  await writer.close()
  checkBytesEqual(await storage.read('reused'), expected, 'an object written from one reused chunk')
}

async function unawaited(storage: Storage): Promise<void> {
  const bytes = patternBytes(900_000, 8)
  const writer = await storage.write('streamed')
  const writes: Promise<void>[] = []
  for (let at = 0; at < bytes.length; at += 9_000) writes.push(writer.write(bytes.subarray(at, at + 9_000)))
  const closed = writer.close()
  await Promise.all(writes)
  checkEqual((await closed).sizeBytes, bytes.length, 'close waits for the writes before it')
  checkBytesEqual(await storage.read('streamed'), bytes, 'the object')
}

async function aborts(storage: Storage): Promise<void> {
  for (const size of [0, 10, 2_000_000]) {
    const writer = await storage.write(`folder/aborted-${size}`)
    if (size > 0) await writer.write(patternBytes(size, 1))
    await writer.abort()
    await writer.abort()
    checkEqual(await storage.stat(`folder/aborted-${size}`), undefined, `an aborted writer of ${size} bytes leaves nothing`)
  }
  const writer = await storage.write('folder/aborted')
  const pending = writer.write(patternBytes(2_000_000, 1)).catch(() => {})
  await writer.abort()
  await pending
  const late = await writer.close().then(
    () => 'closed',
    () => 'refused',
  )
  checkEqual(late, 'refused', 'an aborted writer cannot be closed')
  checkEqual(await listPaths(storage, 'folder'), [], 'aborted writers leave nothing')
}

async function closedStays(storage: Storage): Promise<void> {
  const writer = await storage.write('object')
  await writer.write(textBytes('whole'))
  await writer.close()
  await checkMisuse(() => writer.write(textBytes('more')), TypeError, 'a write after close is a TypeError')
  await writer.abort()
  checkBytesEqual(await storage.read('object'), textBytes('whole'), 'an object whose writer was aborted after close')
}

async function concurrentWriters(storage: Storage): Promise<void> {
  const paths = Array.from({ length: 12 }, (_, i) => `part=${i % 4}/object-${i}`)
  const writers = await Promise.all(paths.map((path) => storage.write(path)))
  for (let step = 0; step < 4; step++) await Promise.all(writers.map((writer, i) => writer.write(patternBytes(50_000, i * 10 + step))))
  await Promise.all(writers.map((writer) => writer.close()))
  for (const [i, path] of paths.entries()) {
    const bytes = (await storage.read(path)) as Uint8Array
    for (let step = 0; step < 4; step++) {
      checkBytesEqual(bytes.subarray(step * 50_000, (step + 1) * 50_000), patternBytes(50_000, i * 10 + step), `part ${step} of '${path}'`)
    }
  }
}

async function signalEnds(storage: Storage): Promise<void> {
  const controller = new AbortController()
  const writer = await storage.write('object', { signal: controller.signal })
  await writer.write(patternBytes(1000, 1))
  controller.abort()
  await checkRefused(() => writer.write(patternBytes(10, 1)), ['ABORTED'], 'a write after the signal fired')
  let answer: unknown
  try {
    answer = await writer.close()
  } catch (error) {
    answer = error
  }
  check(answer instanceof AlluviumError || answer instanceof TypeError, 'a close after the signal fired is refused')
  await writer.abort()
  checkEqual(await storage.stat('object'), undefined, 'an aborted writer leaves nothing')
}

async function nameInUse(storage: Storage): Promise<void> {
  await storage.put('object', textBytes('the first'))
  const writing = async (): Promise<unknown> => {
    const writer = await storage.write('object')
    await writer.write(textBytes('a second, longer text'))
    return writer.close()
  }
  await checkRefused(writing, ['ALREADY_EXISTS'], 'writing under a name in use')
  checkBytesEqual(await storage.read('object'), textBytes('the first'), 'the object that had the name')
}
