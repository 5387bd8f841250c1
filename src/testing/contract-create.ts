// The contract of `create`, and of `stage` where a store has it: the whole object or nothing, one winner.
import { AlluviumError, isAlluviumError } from '../errors.js'
import type { CreateOutcome, StagedObject, Storage } from '../storage/storage.js'
import { check, checkBytesEqual, checkEqual, checkMisuse, checkRefused } from './check.js'
import { type ContractCase, type ContractOptions, during, listPaths, patternBytes, textBytes, writeObject } from './contract.js'

/** Cases about creating objects; a store without exclusive creates must refuse instead. */
export function createCases(options: ContractOptions): ContractCase[] {
  if (!options.capabilities.exclusiveCreate) {
    return [{ name: 'a store without exclusive creates refuses create and puts nothing in place', run: refuses }]
  }
  const cases: ContractCase[] = [
    { name: 'create answers created, and the object is there whole', run: creates },
    {
      name: 'create of a name in use answers exists and changes nothing',
      run: (storage) => existing(storage, options.doubtsEqualBytes === true),
    },
    { name: 'a created object can be deleted and created again', run: createAgain },
    { name: 'objects of different names do not stand in each other’s way', run: independent },
    { name: 'a reader never sees a part of an object being created', run: createIsWhole },
    { name: 'a create whose caller says no at the last moment puts nothing in place, and says so', run: withdrawn },
    { name: 'a create that is aborted is there whole or not at all, and its error says which is known', run: abortedCreate },
  ]
  return options.stages === true ? [...cases, ...stageCases()] : cases
}

function stageCases(): ContractCase[] {
  return [
    { name: 'a staged object is invisible until it is placed, then there whole', run: stages },
    { name: 'placing a staged object answers exists when the name was taken meanwhile, and changes nothing', run: stagedLoses },
    { name: 'a discarded staged object leaves nothing, and discarding after placing changes nothing', run: discards },
    { name: 'a staged object whose caller says no at the last moment is not put in place, and leaves nothing', run: stagedWithdrawn },
    { name: 'a staged object can be placed or discarded once', run: stagedOnce },
  ]
}

async function refuses(storage: Storage): Promise<void> {
  const error = await checkRefused(
    () => storage.create('object', textBytes('x')),
    ['STORAGE_UNSAFE', 'INVALID_OPTIONS'],
    'create is refused where it cannot be exclusive',
  )
  checkEqual(error.facts.applied, false, 'the refusal says that nothing was put in place')
  checkEqual(await storage.stat('object'), undefined, 'nothing was put in place')
}

async function creates(storage: Storage): Promise<void> {
  for (const sizeBytes of [0, 1, 900, 70_000, 3_000_000]) {
    const path = `_delta_log/${String(sizeBytes).padStart(20, '0')}.json`
    const bytes = patternBytes(sizeBytes, sizeBytes + 1)
    const expected = bytes.slice()
    checkEqual(await storage.create(path, bytes), 'created', `create of ${sizeBytes} bytes under a free name`)
    bytes.fill(0)
    checkBytesEqual(await storage.read(path), expected, `a created object of ${sizeBytes} bytes`)
    checkEqual((await storage.stat(path))?.sizeBytes, sizeBytes, 'the size of a created object')
  }
  checkEqual((await listPaths(storage, '_delta_log')).length, 5, 'created objects are listed, and nothing else is')
}

async function withdrawn(storage: Storage): Promise<void> {
  const asked: string[] = []
  const no = await checkRefused(
    () =>
      storage.create('unwanted', textBytes('x'), {
        isStillWanted: () => {
          asked.push('no')
          return false
        },
      }),
    ['ABORTED'],
    'a create that is not wanted any more',
  )
  checkEqual(no.facts.applied, false, 'the error says that nothing was put in place')
  const isStillWanted = (): boolean => asked.push('yes') > 0
  checkEqual(await storage.create('wanted', textBytes('x'), { isStillWanted }), 'created', 'a create that is still wanted')
  // A store that fails may have to try more than once.
  checkEqual(asked[0], 'no', 'the caller is asked before anything is put in place')
  checkEqual([...new Set(asked.slice(1))], ['yes'], 'who said no is not asked again, and who says yes is asked before each try')
  checkEqual(await listPaths(storage, ''), ['wanted'], 'only what was wanted is there')
}

async function stagedWithdrawn(storage: Storage): Promise<void> {
  const stage = async (): Promise<StagedObject> => (await storage.stage?.('object', textBytes('x'))) as StagedObject
  const unwanted = await stage()
  const no = await checkRefused(() => unwanted.place({ isStillWanted: () => false }), ['ABORTED'], 'placing what is not wanted any more')
  checkEqual(no.facts.applied, false, 'the error says that nothing was put in place')
  checkEqual(await listPaths(storage, ''), [], 'nothing was put in place')
  checkEqual(await (await stage()).place({ isStillWanted: () => true }), 'created', 'placing what is still wanted')
}

async function existing(storage: Storage, mayDoubt: boolean): Promise<void> {
  const first = textBytes('the first')
  await storage.create('by-create', first)
  await storage.put('by-put', first)
  await writeObject(storage, 'by-write', first)
  await storage.put('empty', new Uint8Array(0))
  const before = await storage.stat('by-create')
  for (const path of ['by-create', 'by-put', 'by-write']) {
    checkEqual(await storage.create(path, textBytes('a much longer second text')), 'exists', `create over an object made ${path}`)
    check(
      await answersExists(storage.create(path, first), mayDoubt),
      `create of the same bytes again over an object made ${path} answers exists`,
    )
    checkBytesEqual(await storage.read(path), first, `the object made ${path} after a lost create`)
  }
  checkEqual(await storage.create('empty', first), 'exists', 'create over an empty object')
  checkEqual((await storage.read('empty'))?.length, 0, 'an empty object after a lost create')
  checkEqual(await storage.stat('by-create'), before, 'a lost create does not touch what is there')
  checkEqual(await listPaths(storage, ''), ['by-create', 'by-put', 'by-write', 'empty'], 'a lost create leaves nothing behind')
}

async function answersExists(create: Promise<CreateOutcome>, mayDoubt: boolean): Promise<boolean> {
  try {
    return (await create) === 'exists'
  } catch (error) {
    if (mayDoubt && isAlluviumError(error) && error.facts.applied === 'unknown') return true
    throw error
  }
}

async function createAgain(storage: Storage): Promise<void> {
  for (const text of ['one', 'another', 'a third']) {
    checkEqual(await storage.create('folder/name', textBytes(text)), 'created', `create of '${text}' after a delete`)
    checkBytesEqual(await storage.read('folder/name'), textBytes(text), `the object '${text}'`)
    await storage.delete('folder/name')
  }
}

async function independent(storage: Storage): Promise<void> {
  const names = Array.from({ length: 60 }, (_, i) => `folder-${i % 7}/deep-${i % 3}/object-${i}`)
  const outcomes = await Promise.all(names.map((name) => storage.create(name, textBytes(name))))
  check(
    outcomes.every((outcome) => outcome === 'created'),
    'concurrent creates of different names all succeed, also in folders that are new',
  )
  for (const name of names) checkBytesEqual(await storage.read(name), textBytes(name), `the object '${name}'`)
}

async function createIsWhole(storage: Storage): Promise<void> {
  for (let round = 0; round < 10; round++) {
    const path = `object-${round}`
    const bytes = patternBytes(400_000, round)
    const seeing = async (): Promise<void> => {
      const info = await storage.stat(path)
      if (info !== undefined) checkEqual(info.sizeBytes, bytes.length, 'a size seen during a create')
      const seen = await storage.read(path)
      if (seen !== undefined) checkBytesEqual(seen, bytes, 'an object seen during its create')
    }
    await during(() => storage.create(path, bytes), seeing)
    await seeing()
  }
}

async function abortedCreate(storage: Storage): Promise<void> {
  for (let round = 0; round < 20; round++) {
    const path = `object-${round}`
    const bytes = patternBytes(100_000, round)
    const controller = new AbortController()
    const creating = storage.create(path, bytes, { signal: controller.signal })
    for (let turn = 0; turn < round; turn++) await storage.stat('somewhere')
    controller.abort()
    let applied: unknown = true
    try {
      checkEqual(await creating, 'created', 'a create that was aborted too late')
    } catch (error) {
      check(error instanceof AlluviumError && error.code === 'ABORTED', `an aborted create fails with ABORTED, not ${String(error)}`)
      applied = error.facts.applied
      check(applied === false || applied === 'unknown', "an aborted create says applied: false or 'unknown'")
    }
    const seen = await storage.read(path)
    if (applied === false) checkEqual(seen, undefined, 'a create that says applied: false put nothing in place')
    if (applied === true) checkBytesEqual(seen, bytes, 'a create that answered created')
    if (seen !== undefined) checkBytesEqual(seen, bytes, 'what an aborted create left')
  }
}

async function stages(storage: Storage): Promise<void> {
  const bytes = patternBytes(90_000, 4)
  const given = bytes.slice()
  const staged = await staging(storage, 'folder/object', given)
  given.fill(0)
  checkEqual(await storage.stat('folder/object'), undefined, 'a staged object is not there for stat')
  checkEqual(await listPaths(storage, '', { recursive: true }), [], 'a staged object is not listed')
  checkEqual(await staged.place(), 'created', 'placing under a free name')
  checkBytesEqual(await storage.read('folder/object'), bytes, 'a placed object')
  checkEqual(await listPaths(storage, '', { recursive: true }), ['folder/object'], 'a placed object is listed, and nothing else is')
}

async function stagedLoses(storage: Storage): Promise<void> {
  const staged = await staging(storage, 'object', textBytes('the loser, which is longer'))
  checkEqual(await storage.create('object', textBytes('the winner')), 'created', 'a staged object does not hold its name')
  checkEqual(await staged.place(), 'exists', 'placing under a name taken meanwhile')
  checkBytesEqual(await storage.read('object'), textBytes('the winner'), 'the winner of a name')
  const [one, two] = [await staging(storage, 'other', textBytes('one')), await staging(storage, 'other', textBytes('two'))]
  const outcomes = await Promise.all([one.place(), two.place()])
  checkEqual([...outcomes].sort(), ['created', 'exists'], 'of two objects staged for one name one is placed')
  checkBytesEqual(await storage.read('other'), textBytes(outcomes[0] === 'created' ? 'one' : 'two'), 'the one that was placed')
  checkEqual(await listPaths(storage, ''), ['object', 'other'], 'losers leave nothing behind')
}

async function discards(storage: Storage): Promise<void> {
  const dropped = await staging(storage, 'dropped', textBytes('x'))
  await dropped.discard()
  await dropped.discard()
  const kept = await staging(storage, 'kept', textBytes('y'))
  await kept.place()
  await kept.discard()
  checkBytesEqual(await storage.read('kept'), textBytes('y'), 'an object discarded after it was placed')
  checkEqual(await listPaths(storage, ''), ['kept'], 'what is discarded is not there')
}

async function stagedOnce(storage: Storage): Promise<void> {
  const placed = await staging(storage, 'placed', textBytes('x'))
  await placed.place()
  await checkMisuse(() => placed.place(), TypeError, 'placing twice is a TypeError')
  const dropped = await staging(storage, 'dropped', textBytes('x'))
  await dropped.discard()
  await checkMisuse(() => dropped.place(), TypeError, 'placing what was discarded is a TypeError')
  checkEqual(await storage.stat('dropped'), undefined, 'what was discarded is not there')
}

async function staging(storage: Storage, path: string, bytes: Uint8Array): Promise<{ place(): Promise<string>; discard(): Promise<void> }> {
  check(storage.stage !== undefined, 'the store offers stage')
  return storage.stage(path, bytes)
}
