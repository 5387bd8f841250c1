// The commit: what each answer to CREATE and RENAME means for an object, and what a caller is told.
import { describe, expect, test } from 'vitest'
import { AlluviumError } from '../../../src/errors.js'
import { webhdfsStorage } from '../../../src/storage/webhdfs/index.js'
import { exception, json, lost, reset, ScriptedHdfs, says, standby } from './scripted-hdfs.js'

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
const PATH = '_delta_log/00000000000000000001.json'
const FULL = `/t/${PATH}`

function open(hdfs: ScriptedHdfs, retryMs = 1500): ReturnType<typeof webhdfsStorage> {
  return webhdfsStorage(hdfs.url, { user: 'tester', retryMs, stallTimeoutMs: 1000 })
}

async function refusal(call: Promise<unknown>): Promise<AlluviumError> {
  const error = await call.then(
    (answer) => expect.fail(`it was answered ${String(answer)}`),
    (thrown: unknown) => thrown,
  )
  expect(error).toBeInstanceOf(AlluviumError)
  return error as AlluviumError
}

/** Names of temporaries that are left. */
async function temporaries(hdfs: ScriptedHdfs): Promise<string[]> {
  return [...hdfs.files.keys()].filter((path) => path.endsWith('.tmp'))
}

describe('a create on a namenode', () => {
  test('is a hidden temporary, checked for its length, and one rename that overwrites nothing', async () => {
    const hdfs = await ScriptedHdfs.start()
    expect(await open(hdfs).create(PATH, bytes('mine'))).toBe('created')
    expect(hdfs.text(FULL)).toBe('mine')
    const create = hdfs.seen.filter(({ op }) => op === 'CREATE')
    expect(create.map(({ server, method }) => `${server} ${method}`)).toEqual(['namenode PUT', 'datanode PUT'])
    expect(create[0]?.path).toMatch(/^\/t\/_delta_log\/\.00000000000000000001\.json\.[0-9a-f-]{36}\.tmp$/)
    expect(create.map(({ query }) => query.get('overwrite'))).toEqual(['false', 'false'])
    expect(create[0]?.query.get('permission')).toBe('644')
    const folder = hdfs.seen.find(({ op }) => op === 'MKDIRS')
    expect([folder?.path, folder?.query.get('permission')]).toEqual(['/t/_delta_log', '755'])
    const order = hdfs.seen.filter(({ op }) => op !== 'MKDIRS').map(({ op, path }) => `${op} ${path === FULL ? 'final' : 'temporary'}`)
    expect(order).toEqual(['GETFILESTATUS final', 'CREATE temporary', 'CREATE temporary', 'GETFILESTATUS temporary', 'RENAME temporary'])
    const rename = hdfs.seen.at(-1)
    expect([rename?.query.get('renameoptions'), rename?.query.get('destination')]).toEqual(['NONE', FULL])
  })

  test('that finds the name taken at the rename has lost the race, and takes its temporary away', async () => {
    const hdfs = await ScriptedHdfs.start()
    hdfs.next('RENAME', async (_, response, usual) => {
      hdfs.put(FULL, 'theirs')
      await usual()
      void response
    })
    expect(await open(hdfs).create(PATH, bytes('mine'))).toBe('exists')
    expect(hdfs.text(FULL)).toBe('theirs')
    expect(await temporaries(hdfs)).toEqual([])
  })

  test('whose rename landed while its answer was lost was created', async () => {
    const hdfs = await ScriptedHdfs.start()
    hdfs.next('RENAME', lost)
    expect(await open(hdfs).create(PATH, bytes('mine'))).toBe('created')
    expect(hdfs.text(FULL)).toBe('mine')
  })

  test('whose rename did not land and had no answer is renamed again', async () => {
    const hdfs = await ScriptedHdfs.start()
    hdfs.next('RENAME', reset, { times: 2 })
    expect(await open(hdfs).create(PATH, bytes('mine'))).toBe('created')
    expect(hdfs.ops().filter((op) => op === 'RENAME')).toHaveLength(3)
  })

  test('whose lost rename met a name taken meanwhile, by the same bytes even, exists', async () => {
    const hdfs = await ScriptedHdfs.start()
    hdfs.next('RENAME', (_, response) => {
      hdfs.put(FULL, 'mine')
      response.socket?.destroy()
    })
    expect(await open(hdfs).create(PATH, bytes('mine'))).toBe('exists')
    expect(await temporaries(hdfs)).toEqual([])
  })

  test.each([500, 502, 503, 504])('answered with %i after the rename landed was created', async (status) => {
    const hdfs = await ScriptedHdfs.start()
    hdfs.next('RENAME', async (_, response, usual) => {
      const { writeHead, end } = response
      response.writeHead = () => response
      response.end = (() => response) as never
      await usual()
      Object.assign(response, { writeHead, end })
      response.writeHead(status, { 'content-type': 'text/html' }).end('<html>gateway</html>')
    })
    expect(await open(hdfs).create(PATH, bytes('mine'))).toBe('created')
    expect(hdfs.ops().filter((op) => op === 'RENAME')).toHaveLength(1)
  })

  test('answered with 200 and an exception was not created: the body decides', async () => {
    const hdfs = await ScriptedHdfs.start()
    hdfs.next('RENAME', says(200, 'AccessControlException', 'Permission denied: user=tester'), { times: 99 })
    const error = await refusal(open(hdfs).create(PATH, bytes('mine')))
    expect([error.code, error.facts.applied]).toEqual(['PERMISSION_DENIED', false])
    expect(await temporaries(hdfs)).toEqual([])
  })

  test.each([
    ['AccessControlException', 'PERMISSION_DENIED'],
    ['NSQuotaExceededException', 'STORAGE_FULL'],
    ['SafeModeException', 'STORAGE_UNAVAILABLE'],
  ])('refused by %s is %s, and surely nothing is in place', async (name, code) => {
    const hdfs = await ScriptedHdfs.start()
    hdfs.next('RENAME', says(403, name), { times: 99 })
    const error = await refusal(open(hdfs, 300).create(PATH, bytes('mine')))
    expect([error.code, error.facts.applied, error.facts.reason]).toEqual([code, false, name])
    expect(hdfs.files.size).toBe(0)
  })

  test('that cannot be renamed in time takes its temporary away, after which nothing can land: applied is false', async () => {
    const hdfs = await ScriptedHdfs.start()
    hdfs.next('RENAME', reset, { times: 99 })
    const error = await refusal(open(hdfs, 400).create(PATH, bytes('mine')))
    expect([error.code, error.facts.applied]).toEqual(['STORAGE_UNAVAILABLE', false])
    expect(hdfs.files.size).toBe(0)
  })

  test('after which the namenode cannot be reached any more is unknown', async () => {
    const hdfs = await ScriptedHdfs.start()
    hdfs.next('RENAME', async () => hdfs.stop())
    const error = await refusal(open(hdfs, 400).create(PATH, bytes('mine')))
    expect([error.code, error.facts.applied]).toEqual(['STORAGE_UNAVAILABLE', 'unknown'])
  })

  test('aborted while the rename is under way is unknown; before that, it is not', async () => {
    const hdfs = await ScriptedHdfs.start()
    const renaming = new AbortController()
    hdfs.next('RENAME', () => renaming.abort(new Error('enough')))
    const during = await refusal(open(hdfs).create(PATH, bytes('mine'), { signal: renaming.signal }))
    expect([during.code, during.facts.applied]).toEqual(['ABORTED', 'unknown'])
    const staging = new AbortController()
    hdfs.next('CREATE', () => staging.abort(new Error('enough')), { server: 'datanode' })
    const before = await refusal(open(hdfs).create(PATH, bytes('mine'), { signal: staging.signal }))
    expect([before.code, before.facts.applied]).toEqual(['ABORTED', false])
    expect((before.cause as Error).message).toBe('enough')
  })

  test('of a folder’s name is refused for good', async () => {
    const hdfs = await ScriptedHdfs.start()
    hdfs.put(`${FULL}/inner`, 'x')
    const error = await refusal(open(hdfs).create(PATH, bytes('mine')))
    expect([error.code, error.facts.applied, error.facts.lasting]).toEqual(['STORAGE_UNAVAILABLE', false, true])
  })

  test('whose temporary vanished is unknown, for its rename may have landed and been deleted since', async () => {
    const hdfs = await ScriptedHdfs.start()
    hdfs.next('RENAME', async (seen, _, usual) => {
      hdfs.files.delete(seen.path)
      await usual()
    })
    const error = await refusal(open(hdfs).create(PATH, bytes('mine')))
    expect([error.code, error.facts.applied]).toEqual(['STORAGE_UNAVAILABLE', 'unknown'])
  })
})

describe('a create on HttpFS', () => {
  test('that is answered true was created only when the object is seen under its name', async () => {
    const hdfs = await ScriptedHdfs.start('httpfs')
    expect(await open(hdfs).create(PATH, bytes('mine'))).toBe('created')
    expect(hdfs.text(FULL)).toBe('mine')
    expect(hdfs.ops().slice(-2)).toEqual(['RENAME', 'GETFILESTATUS'])
  })

  test('that is answered true though a lie is found out', async () => {
    const hdfs = await ScriptedHdfs.start('httpfs')
    hdfs.next('RENAME', (_, response) => {
      hdfs.put(FULL, 'theirs')
      json(response, 200, { boolean: true })
    })
    expect(await open(hdfs).create(PATH, bytes('mine'))).toBe('exists')
  })

  test('that is answered false lost where another has the name, and was created where it is ours', async () => {
    const theirs = await ScriptedHdfs.start('httpfs')
    theirs.next('RENAME', async (_, __, usual) => {
      theirs.put(FULL, 'theirs')
      await usual()
    })
    expect(await open(theirs).create(PATH, bytes('mine'))).toBe('exists')
    expect(await temporaries(theirs)).toEqual([])
    // A gateway that repeats a request answers with what the second one got.
    const repeated = await ScriptedHdfs.start('httpfs')
    repeated.next('RENAME', async (seen, response) => {
      const file = repeated.files.get(seen.path)
      repeated.files.delete(seen.path)
      if (file !== undefined) repeated.files.set(FULL, file)
      json(response, 200, { boolean: false })
    })
    expect(await open(repeated).create(PATH, bytes('mine'))).toBe('created')
  })

  test('that was moved into a folder is taken out of it and refused', async () => {
    const hdfs = await ScriptedHdfs.start('httpfs')
    hdfs.next('RENAME', async (_, __, usual) => {
      hdfs.put(`${FULL}/inner`, 'x')
      await usual()
    })
    const error = await refusal(open(hdfs).create(PATH, bytes('mine')))
    expect([error.code, error.facts.applied]).toEqual(['STORAGE_UNAVAILABLE', false])
    expect([...hdfs.files.keys()]).toEqual([`${FULL}/inner`])
  })

  test.each([true, false])('without numbers of files is told by its bytes after a lost answer (landed: %s)', async (landed) => {
    const hdfs = await ScriptedHdfs.start('httpfs')
    hdfs.withoutIds = true
    hdfs.next('RENAME', landed ? lost : reset)
    expect(await open(hdfs).create(PATH, bytes('mine'))).toBe('created')
    expect(await open(hdfs).create('other', bytes('one'))).toBe('created')
    hdfs.next('RENAME', (_, response) => {
      hdfs.put('/t/third', 'two')
      response.socket?.destroy()
    })
    expect(await open(hdfs).create('third', bytes('one'))).toBe('exists')
  })

  test('safe mode is told by its text alone', async () => {
    const hdfs = await ScriptedHdfs.start('httpfs')
    const message = 'Cannot rename /t/x. Name node is in safe mode.'
    hdfs.next('RENAME', (_, response) => exception(response, 500, 'RemoteException', message), { times: 99 })
    const error = await refusal(open(hdfs, 300).create(PATH, bytes('mine')))
    expect([error.code, error.facts.applied]).toEqual(['STORAGE_UNAVAILABLE', false])
    expect(error.message).toContain('safe mode')
  })
})

describe('staging', () => {
  test('makes a folder once, with the permissions of the umask, and again when somebody removed it', async () => {
    const hdfs = await ScriptedHdfs.start()
    const storage = webhdfsStorage(hdfs.url, { user: 'tester', umask: '007', retryMs: 2000 })
    for (const name of ['a', 'b', 'c']) await storage.create(`f/${name}`, bytes('x'))
    const made = (): string[] =>
      hdfs.seen.filter(({ op }) => op === 'MKDIRS').map(({ path, query }) => `${path} ${query.get('permission')}`)
    expect(made()).toEqual(['/t/f 770'])
    expect(new Set(hdfs.seen.filter(({ op }) => op === 'CREATE').map(({ query }) => query.get('permission')))).toEqual(new Set(['660']))
    hdfs.next('CREATE', says(404, 'FileNotFoundException', 'Parent directory doesn\u2019t exist: /t/f'), { server: 'datanode' })
    expect(await storage.create('f/d', bytes('x'))).toBe('created')
    expect(made()).toEqual(['/t/f 770', '/t/f 770'])
  })

  test('a CREATE that broke off leaves a short file that looks whole; it is noticed and made again', async () => {
    const hdfs = await ScriptedHdfs.start()
    hdfs.next(
      'CREATE',
      (seen, response) => {
        hdfs.put(seen.path, 'mi')
        response.writeHead(201).end()
      },
      { server: 'datanode' },
    )
    expect(await open(hdfs).create(PATH, bytes('mine'))).toBe('created')
    expect(hdfs.text(FULL)).toBe('mine')
    expect(await temporaries(hdfs)).toEqual([])
  })

  test('a 201 that got lost is looked for, and the file is not written twice', async () => {
    const hdfs = await ScriptedHdfs.start()
    hdfs.next('CREATE', lost, { server: 'datanode' })
    expect(await open(hdfs).create(PATH, bytes('mine'))).toBe('created')
    expect(hdfs.ops('datanode')).toEqual(['CREATE'])
  })

  test.each([
    ['a dead connection', reset],
    ['EOFException, as after a restart', says(403, 'EOFException')],
    ['no datanode', says(403, 'IOException', 'Failed to find datanode, suggest to check cluster health. excludeDatanodes=null')],
    ['a standby', standby],
    ['status 503', (_: unknown, response: import('node:http').ServerResponse) => response.writeHead(503).end()],
  ])('a datanode that answers with %s costs another try', async (_, act) => {
    const hdfs = await ScriptedHdfs.start()
    hdfs.next('CREATE', act as never, { server: 'datanode' })
    expect(await open(hdfs, 5000).create(PATH, bytes('mine'))).toBe('created')
    expect(hdfs.ops('datanode')).toEqual(['CREATE', 'CREATE'])
  })

  test('a datanode that says continue and then nothing is given up', async () => {
    const hdfs = await ScriptedHdfs.start()
    hdfs.next('CREATE', (_, response) => response.writeContinue(), { server: 'datanode' })
    expect(await open(hdfs, 5000).create(PATH, bytes('mine'))).toBe('created')
  })

  test('a full cluster is STORAGE_FULL at once, and applied is false', async () => {
    const hdfs = await ScriptedHdfs.start()
    hdfs.next('CREATE', says(403, 'DSQuotaExceededException', 'The DiskSpace quota of /t is exceeded: quota = 10 B'), {
      server: 'datanode',
      times: 99,
    })
    const error = await refusal(open(hdfs).create(PATH, bytes('mine')))
    expect([error.code, error.facts.applied]).toEqual(['STORAGE_FULL', false])
    expect(hdfs.ops('datanode')).toEqual(['CREATE'])
  })
})

describe('a put', () => {
  test('replaces by one rename on a namenode, and by delete and rename over HttpFS', async () => {
    for (const kind of ['namenode', 'httpfs'] as const) {
      const hdfs = await ScriptedHdfs.start(kind)
      hdfs.put('/t/hint', 'old')
      await open(hdfs).put('hint', bytes('new'))
      expect([...hdfs.files.keys()]).toEqual(['/t/hint'])
      expect(hdfs.text('/t/hint')).toBe('new')
      expect(hdfs.ops().includes('DELETE')).toBe(kind === 'httpfs')
    }
  })

  test('whose answer was lost is found in place', async () => {
    const hdfs = await ScriptedHdfs.start()
    hdfs.put('/t/hint', 'old')
    hdfs.next('RENAME', lost)
    await open(hdfs).put('hint', bytes('new'))
    expect(hdfs.text('/t/hint')).toBe('new')
  })
})
