// The WebHDFS emulator answers what Hadoop 3.4.2 was seen to answer: a namenode with a datanode, an HA pair, HttpFS.
import { afterAll, beforeEach, describe, expect, test } from 'vitest'
import { startWebHdfsEmulator, type WebHdfsEmulator, type WebHdfsEmulatorOptions } from '../../src/testing/index.js'
import { answered, type RawRequest, raw } from './raw-http.js'

const open: WebHdfsEmulator[] = []
async function start(options: WebHdfsEmulatorOptions = {}): Promise<WebHdfsEmulator> {
  const hdfs = await startWebHdfsEmulator(options)
  open.push(hdfs)
  return hdfs
}
afterAll(() => Promise.all(open.map((hdfs) => hdfs.stop())))

const url = (hdfs: WebHdfsEmulator, path: string, query: string, namenode = 0): string =>
  `http://${hdfs.addresses[namenode]}/webhdfs/v1${path}?${query}${query.includes('user.name') ? '' : '&user.name=root'}`

/** The answer's status with the exception, the boolean or nothing: `403 FileAlreadyExistsException`, `200 true`, `201`. */
async function said(method: string, target: string, options: RawRequest = {}): Promise<string> {
  const { status, text } = await answered(method, target, options)
  const shown = text.startsWith('{') ? (JSON.parse(text) as { RemoteException?: { exception: string }; boolean?: boolean }) : {}
  return [status, shown.RemoteException?.exception, shown.boolean].filter((part) => part !== undefined).join(' ')
}

const messageOf = (text: string): string => (JSON.parse(text) as { RemoteException: { message: string } }).RemoteException.message

async function stepTwo(hdfs: WebHdfsEmulator, path: string, query = 'overwrite=false', namenode = 0): Promise<string> {
  const { headers } = await answered('PUT', url(hdfs, path, `op=CREATE&${query}`, namenode))
  return headers.location as string
}

const create = async (hdfs: WebHdfsEmulator, path: string, body: string, query = 'overwrite=false'): Promise<string> =>
  said('PUT', await stepTwo(hdfs, path, query), { body })

const lengthOf = async (hdfs: WebHdfsEmulator, path: string): Promise<number> =>
  (JSON.parse((await answered('GET', url(hdfs, path, 'op=GETFILESTATUS'))).text) as { FileStatus: { length: number } }).FileStatus.length

/** A body of which half is sent at once and the rest on demand. */
function slowly(location: string): { finish: () => Promise<string> } {
  let go = (): void => {}
  const restAfter = new Promise<void>((resolve) => {
    go = resolve
  })
  const answer = said('PUT', location, { body: 'x'.repeat(1000), sendOnly: 500, restAfter })
  return {
    finish: () => {
      go()
      return answer
    },
  }
}

async function seen(hdfs: WebHdfsEmulator, path: string): Promise<void> {
  while ((await said('GET', url(hdfs, path, 'op=GETFILESTATUS'))) !== '200') await new Promise((resolve) => setTimeout(resolve, 2))
}

const rename = (hdfs: WebHdfsEmulator, from: string, to: string, options = '&renameoptions=NONE'): Promise<string> =>
  said('PUT', url(hdfs, from, `op=RENAME&destination=${encodeURIComponent(to)}${options}`))

describe('CREATE', () => {
  test('is a redirect to a datanode that says all it needs, or the same as JSON', async () => {
    const hdfs = await start()
    const { status, headers, text } = await answered('PUT', url(hdfs, '/f', 'op=CREATE&overwrite=false'))
    expect([status, text]).toEqual([307, ''])
    expect(headers.location).toMatch(
      /^http:\/\/127\.0\.0\.1:\d+\/webhdfs\/v1\/f\?op=CREATE&user\.name=root&namenoderpcaddress=127\.0\.0\.1:10000&createflag=&createparent=true&overwrite=false$/,
    )
    const quiet = await answered('PUT', url(hdfs, '/f', 'op=CREATE&overwrite=false&noredirect=true'))
    expect([quiet.status, JSON.parse(quiet.text)]).toEqual([200, { Location: headers.location }])
  })

  test('ends with an unasked 100 Continue, then 201 with the location in lower case, and a closed connection', async () => {
    const hdfs = await start()
    const { status, headers, continued, text } = await answered('PUT', await stepTwo(hdfs, '/f'), { body: 'content' })
    expect({ status, continued, text, location: headers.location, connection: headers.connection }).toEqual({
      ...{ status: 201, continued: true, text: '', location: 'hdfs://127.0.0.1:10000/f', connection: 'close' },
    })
    expect(await lengthOf(hdfs, '/f')).toBe(7)
  })

  test('of a name in use is refused by the datanode in step 2, with a stack trace behind the first line', async () => {
    const hdfs = await start()
    await create(hdfs, '/deep/er/f', 'first')
    const { status, text, continued } = await answered('PUT', await stepTwo(hdfs, '/deep/er/f'), { body: 'second' })
    expect([status, continued]).toEqual([403, true])
    expect(messageOf(text)).toMatch(/^\/deep\/er\/f for client 127\.0\.0\.1 already exists\n\tat /)
    expect(new TextDecoder().decode(hdfs.file('/deep/er/f'))).toBe('first')
    expect(await create(hdfs, '/deep/er/f', 'third', 'overwrite=true')).toBe('201')
  })

  test('while another writes the name is AlreadyBeingCreated, and the file being written has length 0', async () => {
    const hdfs = await start()
    const location = await stepTwo(hdfs, '/f')
    const writing = slowly(location)
    await seen(hdfs, '/f')
    expect(await lengthOf(hdfs, '/f')).toBe(0)
    expect(await said('PUT', location, { body: 'other' })).toBe('403 AlreadyBeingCreatedException')
    expect(await writing.finish()).toBe('201')
  })

  test('that breaks off leaves a short file that looks complete', async () => {
    const hdfs = await start()
    expect(await raw('PUT', await stepTwo(hdfs, '/f'), { body: 'x'.repeat(1000), sendOnly: 300 })).toBe('reset')
    await expect.poll(() => lengthOf(hdfs, '/f')).toBe(300)
    expect(await create(hdfs, '/f', 'y')).toBe('403 FileAlreadyExistsException')
  })

  test('over a file that another still writes takes it from them: they get 404', async () => {
    const hdfs = await start()
    const location = await stepTwo(hdfs, '/f', 'overwrite=true')
    const writing = slowly(location)
    await seen(hdfs, '/f')
    expect(await said('PUT', location, { body: 'last' })).toBe('201')
    expect(await writing.finish()).toBe('404 FileNotFoundException')
    expect(new TextDecoder().decode(hdfs.file('/f'))).toBe('last')
  })

  test('of a name with a colon is 400 InvalidPathException; other odd names keep their one encoding', async () => {
    const hdfs = await start()
    expect(await said('PUT', url(hdfs, '/a%3Ab', 'op=CREATE&overwrite=false'))).toBe('400 InvalidPathException')
    for (const name of ['a b', '%3A', 'a+b', '#', '?', '%', '&', ';', 'é']) {
      expect(await create(hdfs, `/odd/${encodeURIComponent(name)}`, name)).toBe('201')
      expect(new TextDecoder().decode(hdfs.file(`/odd/${name}`))).toBe(name)
    }
  })
})

describe('RENAME', () => {
  let hdfs: WebHdfsEmulator
  beforeEach(async () => {
    hdfs = await start()
    for (const path of ['/a', '/b', '/d/inside']) await create(hdfs, path, path)
  })

  test('with options NONE: done is 200 with an empty body, all else an exception', async () => {
    const done = await answered('PUT', url(hdfs, '/a', 'op=RENAME&destination=/c&renameoptions=NONE'))
    expect([done.status, done.text, done.headers['content-type']]).toEqual([200, '', 'application/octet-stream'])
    expect(new TextDecoder().decode(hdfs.file('/c'))).toBe('/a')
    const taken = await answered('PUT', url(hdfs, '/c', 'op=RENAME&destination=/b&renameoptions=NONE'))
    expect(JSON.parse(taken.text)).toEqual({
      RemoteException: {
        exception: 'FileAlreadyExistsException',
        javaClassName: 'org.apache.hadoop.fs.FileAlreadyExistsException',
        message: 'rename destination /b already exists',
      },
    })
    expect(await rename(hdfs, '/c', '/d')).toBe('403 IOException')
    expect(await rename(hdfs, '/missing', '/b')).toBe('404 FileNotFoundException')
    expect(await rename(hdfs, '/c', '/x/b')).toBe('404 FileNotFoundException')
    expect(await rename(hdfs, '/c', '/c')).toBe('403 FileAlreadyExistsException')
    expect(await rename(hdfs, '/c', '/b', '&renameoptions=OVERWRITE')).toBe('200')
    expect(await rename(hdfs, '/b', '/c', '&renameoptions=SOMETIMES')).toBe('400 IllegalArgumentException')
    expect(await rename(hdfs, '/b', 'relative')).toBe('400 IllegalArgumentException')
  })

  test('without options answers true or false, and moves into a folder that has the name', async () => {
    expect(await rename(hdfs, '/a', '/c', '')).toBe('200 true')
    expect(await rename(hdfs, '/c', '/b', '')).toBe('200 false')
    expect(await rename(hdfs, '/missing', '/e', '')).toBe('200 false')
    expect(await rename(hdfs, '/c', '/x/e', '')).toBe('200 false')
    expect(await rename(hdfs, '/c', '/c', '')).toBe('200 true')
    expect(await rename(hdfs, '/c', '/d', '')).toBe('200 true')
    expect(hdfs.files('/d')).toEqual(['/d/c', '/d/inside'])
  })

  test.each([
    ['&renameoptions=NONE', '200', '403 FileAlreadyExistsException'],
    ['', '200 true', '200 false'],
  ])('of 20 racers to one name with "%s" one wins', async (options, won, lost) => {
    for (let n = 0; n < 20; n++) await create(hdfs, `/t${n}`, `${n}`)
    const answers = await Promise.all(Array.from({ length: 20 }, (_, n) => rename(hdfs, `/t${n}`, '/raced', options)))
    expect([answers.filter((each) => each === won).length, answers.filter((each) => each === lost).length]).toEqual([1, 19])
    expect(new TextDecoder().decode(hdfs.file('/raced'))).toBe(String(answers.indexOf(won)))
  })
})

describe('reading', () => {
  test('what is missing is FileNotFoundException, in three different words', async () => {
    const hdfs = await start()
    const messages = []
    for (const op of ['GETFILESTATUS', 'LISTSTATUS', 'OPEN']) {
      const { status, text } = await answered('GET', url(hdfs, '/f', `op=${op}`))
      messages.push(`${status} ${messageOf(text)}`)
    }
    expect(messages).toEqual(['404 File does not exist: /f', '404 File /f does not exist.', '404 File /f not found.'])
  })

  test('takes offset and length, not Range; a start at or past the end is 403, except of an empty file', async () => {
    const hdfs = await start()
    await create(hdfs, '/f', '0123456789')
    await create(hdfs, '/empty', '')
    const read = async (path: string, query = '', headers = {}): Promise<string> => {
      const first = await answered('GET', url(hdfs, path, `op=OPEN${query}`))
      if (first.status !== 307) return `${first.status} ${messageOf(first.text)}`
      const { status, text, headers: got } = await answered('GET', first.headers.location as string, { headers })
      return `${status} ${got['content-length']} ${text.split('\n')[0]}`
    }
    expect(await read('/f', '&offset=3&length=4')).toBe('200 4 3456')
    expect(await read('/f', '&offset=8&length=100')).toBe('200 2 89')
    expect(await read('/f', '&length=0')).toBe('200 0 ')
    expect(await read('/f', '', { Range: 'bytes=0-1' })).toBe('200 10 0123456789')
    expect(await read('/f', '&offset=10')).toBe('403 Offset=10 out of the range [0, 10); OPEN, path=/f')
    expect(await read('/empty')).toBe('200 0 ')
  })

  test('a corrupt block is a 200 that breaks off', async () => {
    const hdfs = await start()
    await create(hdfs, '/f', '7 bytes')
    hdfs.corrupt('/f')
    const { headers } = await answered('GET', url(hdfs, '/f', 'op=OPEN'))
    const { status, headers: got, text, broken } = await answered('GET', headers.location as string)
    expect({ status, length: got['content-length'], text, broken }).toEqual({ status: 200, length: '7', text: '', broken: true })
  })

  test('LISTSTATUS_BATCH gives 1,000 entries and how many remain; startAfter is a name, exclusive, and need not exist', async () => {
    const hdfs = await start()
    hdfs.load(Array.from({ length: 1205 }, (_, i) => [`/log/${String(i).padStart(20, '0')}.json`, new Uint8Array()] as const))
    const list = async (query: string) => {
      const { text } = await answered('GET', url(hdfs, '/log', `op=LISTSTATUS_BATCH${query}`))
      const { DirectoryListing } = JSON.parse(text) as {
        DirectoryListing: { partialListing: { FileStatuses: { FileStatus: { pathSuffix: string }[] } }; remainingEntries: number }
      }
      const names = DirectoryListing.partialListing.FileStatuses.FileStatus.map(({ pathSuffix }) => pathSuffix)
      return [names.length, names[0], DirectoryListing.remainingEntries]
    }
    expect(await list('')).toEqual([1000, '00000000000000000000.json', 205])
    expect(await list('&startAfter=00000000000000000999.json')).toEqual([205, '00000000000000001000.json', 0])
    expect(await list('&startAfter=00000000000000001203')).toEqual([2, '00000000000000001203.json', 0])
    // Seen with Hadoop 3.4.2: the bytes of names are compared as signed numbers, so that é comes before a.
    for (const name of ['b', '%C3%A9', 'a']) await create(hdfs, `/order/${name}`, '')
    const { text } = await answered('GET', url(hdfs, '/order', 'op=LISTSTATUS_BATCH'))
    expect([...text.matchAll(/"pathSuffix":"(.*?)"/g)].map(([, name]) => name)).toEqual(['é', 'a', 'b'])
    const all = JSON.parse((await answered('GET', url(hdfs, '/log', 'op=LISTSTATUS'))).text) as { FileStatuses: { FileStatus: unknown[] } }
    expect(all.FileStatuses.FileStatus).toHaveLength(1205)
  }, 60_000)
})

describe('the rest of a namenode', () => {
  test('DELETE answers true, then false; a folder that is not empty is refused; a file being written is taken away', async () => {
    const hdfs = await start()
    await create(hdfs, '/d/f', 'x')
    expect(await said('DELETE', url(hdfs, '/d', 'op=DELETE&recursive=false'))).toBe('403 PathIsNotEmptyDirectoryException')
    expect(await said('DELETE', url(hdfs, '/d/f', 'op=DELETE'))).toBe('200 true')
    expect(await said('DELETE', url(hdfs, '/d/f', 'op=DELETE'))).toBe('200 false')
    const writing = slowly(await stepTwo(hdfs, '/d/g'))
    await seen(hdfs, '/d/g')
    expect(await said('DELETE', url(hdfs, '/d/g', 'op=DELETE'))).toBe('200 true')
    expect(await writing.finish()).toBe('404 FileNotFoundException')
  })

  test('who asks without a name is dr.who; names that are none, strangers and impostors are refused', async () => {
    const hdfs = await start()
    const bare = `http://${hdfs.addresses[0]}/webhdfs/v1/`
    expect(JSON.parse((await answered('GET', `${bare}?op=GETHOMEDIRECTORY`)).text)).toEqual({ Path: '/user/dr.who' })
    for (const name of ['1bad', 'a%2Fb', 'a@b']) {
      expect(await said('GET', url(hdfs, '/', `op=GETFILESTATUS&user.name=${name}`))).toBe('400 IllegalArgumentException')
    }
    expect(await said('PUT', url(hdfs, '/x', 'op=MKDIRS&user.name=alice'))).toBe('403 AccessControlException')
    expect(await said('PUT', url(hdfs, '/tmp/x', 'op=MKDIRS&user.name=alice'))).toBe('200 true')
    expect(await said('GET', url(hdfs, '/', 'op=GETFILESTATUS&user.name=bob&doas=alice'))).toBe('403 AuthorizationException')
  })

  test('safe mode allows reading, and refuses changes; a CREATE only in step 2', async () => {
    const hdfs = await start()
    await create(hdfs, '/a', 'x')
    hdfs.setSafeMode(true)
    expect(await said('GET', url(hdfs, '/a', 'op=GETFILESTATUS'))).toBe('200')
    expect(await said('DELETE', url(hdfs, '/a', 'op=DELETE'))).toBe('403 SafeModeException')
    const { text } = await answered('PUT', url(hdfs, '/a', 'op=RENAME&destination=/b&renameoptions=NONE'))
    expect(messageOf(text)).toMatch(/^Cannot rename \/a\. Name node is in safe mode\.\n/)
    expect(await create(hdfs, '/c', 'x')).toBe('403 SafeModeException')
  })

  test('a dead datanode is where the Location points until it is noticed', async () => {
    const hdfs = await start()
    await create(hdfs, '/f', 'x')
    await hdfs.setDatanode('down')
    expect(await raw('PUT', await stepTwo(hdfs, '/g'), { body: 'x' })).toBe('reset')
    expect(await rename(hdfs, '/f', '/h')).toBe('200')
    await hdfs.setDatanode('dead')
    expect(messageOf((await answered('PUT', url(hdfs, '/g', 'op=CREATE&overwrite=false'))).text)).toMatch(/^Failed to find datanode/)
    expect(messageOf((await answered('GET', url(hdfs, '/h', 'op=OPEN'))).text)).toBe('No active nodes contain this block')
    await hdfs.setDatanode('up')
    expect(await create(hdfs, '/g', 'x')).toBe('201')
  })

  test('after a restart of the namenode the first CREATE may be an EOFException', async () => {
    const hdfs = await start()
    await hdfs.stopNamenode(0)
    expect(await raw('GET', url(hdfs, '/', 'op=GETFILESTATUS'))).toBe('reset')
    await hdfs.startNamenode(0)
    expect(await create(hdfs, '/f', 'x')).toBe('403 EOFException')
    expect(await create(hdfs, '/f', 'x')).toBe('201')
  })
})

describe('an HA pair', () => {
  test('a standby refuses all but GETHOMEDIRECTORY and the first step of CREATE', async () => {
    const hdfs = await start({ namenodes: 2 })
    const standby = (op: string): Promise<string> => said('GET', url(hdfs, '/', `op=${op}`, 1))
    const { text } = await answered('GET', url(hdfs, '/', 'op=GETFILESTATUS', 1))
    expect(messageOf(text)).toMatch(/^Operation category READ is not supported in state standby\. Visit /)
    expect([await standby('LISTSTATUS'), await standby('OPEN')]).toEqual(['403 StandbyException', '403 StandbyException'])
    expect(await standby('GETHOMEDIRECTORY')).toBe('200')
    expect(await said('PUT', await stepTwo(hdfs, '/f', 'overwrite=false', 1), { body: 'x' })).toBe('403 StandbyException')
    hdfs.setActive(1)
    expect(await said('PUT', await stepTwo(hdfs, '/f', 'overwrite=false', 1), { body: 'x' })).toBe('201')
  })

  test('with a logical name the second step reaches the active namenode; with none active it is silent after 100 Continue', async () => {
    const hdfs = await start({ namenodes: 2, logicalName: 'cluster' })
    const location = await stepTwo(hdfs, '/f', 'overwrite=false', 1)
    expect(location).toContain('namenoderpcaddress=cluster')
    expect(await said('PUT', location, { body: 'x' })).toBe('201')
    hdfs.setActive(undefined)
    expect(await raw('PUT', location, { body: 'x', timeoutMs: 200 })).toBe('silence')
  })
})

describe('HttpFS', () => {
  const octets = { 'Content-Type': 'application/octet-stream' }
  const put = (hdfs: WebHdfsEmulator, path: string, body: string, query = ''): Promise<string> =>
    said('PUT', url(hdfs, path, `op=CREATE&data=true${query}`), { body, headers: octets })

  test('redirects to itself, takes data at once with the right content type, and overwrites unless told not to', async () => {
    const hdfs = await start({ flavour: 'httpfs' })
    const first = await answered('PUT', url(hdfs, '/f', 'op=CREATE'))
    expect([first.status, first.headers.location?.includes('data=true')]).toEqual([307, true])
    const without = await answered('PUT', url(hdfs, '/f', 'op=CREATE&data=true'), { body: 'x' })
    expect([without.status, without.text]).toEqual([400, ''])
    const done = await answered('PUT', url(hdfs, '/f', 'op=CREATE&data=true'), { body: 'x', headers: octets })
    expect([done.status, done.continued, Object.keys(JSON.parse(done.text) as object)]).toEqual([201, false, ['Location']])
    expect(await put(hdfs, '/f', 'y')).toBe('201')
    expect(await put(hdfs, '/f', 'z', '&overwrite=false')).toBe('500 FileAlreadyExistsException')
    expect((await answered('GET', url(hdfs, '/f', 'op=OPEN'))).text).toBe('y')
  })

  test('renames plainly, whatever options are sent', async () => {
    const hdfs = await start({ flavour: 'httpfs' })
    for (const path of ['/a', '/b', '/d/inside']) await put(hdfs, path, path)
    expect(await rename(hdfs, '/a', '/c')).toBe('200 true')
    expect(await rename(hdfs, '/c', '/b')).toBe('200 false')
    expect(await rename(hdfs, '/missing', '/e')).toBe('200 false')
    // Seen with HttpFS 3.4.2: the parameter is trimmed, and a slash at its end dropped.
    expect(await rename(hdfs, '/c', '/trimmed ')).toBe('200 true')
    expect(await rename(hdfs, '/trimmed', '/c/')).toBe('200 true')
    expect(await rename(hdfs, '/c', '/d')).toBe('200 true')
    expect(hdfs.files('/d')).toEqual(['/d/c', '/d/inside'])
  })

  test('ignores startAfter, knows no anonymous users, and answers a page to a read past the end', async () => {
    const hdfs = await start({ flavour: 'httpfs' })
    for (const name of ['a', 'b', 'c']) await put(hdfs, `/log/${name}`, name)
    const { text } = await answered('GET', url(hdfs, '/log', 'op=LISTSTATUS_BATCH&startAfter=b'))
    expect(text.match(/"pathSuffix":"."/g)).toHaveLength(3)
    const anonymous = await answered('GET', `http://${hdfs.addresses[0]}/webhdfs/v1/?op=GETFILESTATUS`)
    expect([anonymous.status, anonymous.headers['www-authenticate']]).toEqual([401, 'PseudoAuth'])
    const past = await answered('GET', url(hdfs, '/log/a', 'op=OPEN&offset=5'))
    expect([past.status, past.headers['content-type']?.startsWith('text/html')]).toEqual([500, true])
  })

  test('says safe mode only in the text of a 500', async () => {
    const hdfs = await start({ flavour: 'httpfs' })
    await put(hdfs, '/a', 'x')
    hdfs.setSafeMode(true)
    const { status, text } = await answered('PUT', url(hdfs, '/a', 'op=RENAME&destination=/b'))
    expect([status, JSON.parse(text).RemoteException.exception]).toEqual([500, 'RemoteException'])
    expect(messageOf(text)).toMatch(/^Cannot rename \/a\. Name node is in safe mode\./)
  })

  test('gives delegation tokens to whoever has a name', async () => {
    const hdfs = await start({ flavour: 'httpfs' })
    const { text } = await answered('GET', url(hdfs, '/', 'op=GETDELEGATIONTOKEN&renewer=root'))
    const token = (JSON.parse(text) as { Token: { urlString: string } }).Token.urlString
    const bare = `http://${hdfs.addresses[0]}/webhdfs/v1/`
    expect(JSON.parse((await answered('GET', `${bare}?op=GETHOMEDIRECTORY&delegation=${token}`)).text)).toEqual({ Path: '/user/root' })
    expect(await said('PUT', `${bare}?op=CANCELDELEGATIONTOKEN&user.name=root&token=${token}`)).toBe('200')
    expect((await answered('GET', `${bare}?op=GETHOMEDIRECTORY&delegation=${token}`)).status).toBe(403)
  })
})
