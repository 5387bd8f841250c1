// Where a redirect may lead, and what goes along.
import { describe, expect, test } from 'vitest'
import { AlluviumError } from '../../../src/errors.js'
import { checkHop, guardedLookup } from '../../../src/storage/webhdfs/hosts.js'
import { webhdfsStorage } from '../../../src/storage/webhdfs/index.js'
import { ScriptedHdfs } from './scripted-hdfs.js'

const none = new Map<string, string>()
const remote = { url: new URL('http://nn.example:9870/webhdfs/v1/t/a?op=OPEN'), address: '10.0.0.5' }
const local = { url: new URL('http://localhost:9870/webhdfs/v1/t/a?op=OPEN'), address: '127.0.0.1' }
const to = (host: string): string => `http://${host}/webhdfs/v1/t/a?op=OPEN`

describe('a redirect', () => {
  test.each([
    '169.254.169.254',
    '169.254.170.2',
    '2852039166',
    '0xA9FEA9FE',
    '0251.0376.0251.0376',
    '[fd00:ec2::254]',
    '[fe80::1]',
    '[::ffff:169.254.169.254]',
    '[64:ff9b::169.254.169.254]',
    '[fd20:ce::254]',
    'metadata.google.internal',
    'metadata.google.internal.',
    '100.100.100.200',
    '168.63.129.16',
    '192.0.0.192',
    '0.0.0.0',
    '[::]',
    '224.0.0.1',
    '255.255.255.255',
  ])('to %s is never followed', (host) => {
    expect(() => checkHop(to(host), remote, none)).toThrow(/not followed/)
    expect(() => checkHop(to(host), local, none)).toThrow(/not followed/)
  })

  test.each(
    ['127.0.0.1:9864', '127.9.9.9', 'localhost.:1', '[::1]:80', '[::ffff:127.0.0.1]:80', '0177.1', '2130706433'].filter(
      (host) => !host.startsWith('local'),
    ),
  )('to this machine (%s) is followed only from a namenode on it', (host) => {
    expect(() => checkHop(to(host), remote, none)).toThrow(/hostMap/)
    expect(checkHop(to(host), local, none).url.pathname).toBe('/webhdfs/v1/t/a')
  })

  test.each([
    [undefined, /names no address/],
    ['', /names no address/],
    ['ftp://dn/webhdfs/v1/t/a', /ftp:/],
    ['file:///webhdfs/v1/etc/passwd', /file:/],
    ['http://user:secret@dn/webhdfs/v1/t/a', /user or password/],
    ['http://dn:2375/containers/json', /not WebHDFS/],
    ['http://[bad', /malformed/],
  ])('%s is refused', (location, problem) => {
    expect(() => checkHop(location, remote, none)).toThrow(problem)
    expect(() => checkHop(location, remote, none)).not.toThrow(/secret/)
  })

  test('from https to http is refused, to another https host it is not', () => {
    const secure = { url: new URL('https://nn.example:9871/webhdfs/v1/t/a'), address: '10.0.0.5' }
    expect(() => checkHop('http://dn1:9864/webhdfs/v1/t/a', secure, none)).toThrow(/from https to http/)
    expect(checkHop('https://dn1:9865/webhdfs/v1/t/a', secure, none).url.host).toBe('dn1:9865')
  })

  test('keeps the encoding of its path, and may be relative', () => {
    expect(checkHop('http://dn1:9864/webhdfs/v1/t/a%2520b%20c+d?op=OPEN', remote, none).url.pathname).toBe('/webhdfs/v1/t/a%2520b%20c+d')
    expect(checkHop('/gateway/webhdfs/data/v1/webhdfs/v1/t?_=x', remote, none).url.host).toBe('nn.example:9870')
  })

  test('goes where the host map says, by name and port before name; the URL stays', () => {
    const map = new Map([
      ['dn1:9864', 'localhost:19864'],
      ['dn1', '10.1.1.1'],
      ['dn2', '[::1]:7'],
    ])
    expect(checkHop(to('dn1:9864'), remote, map)).toMatchObject({ connect: { host: 'localhost', port: 19864 } })
    expect(checkHop(to('DN1:9999'), remote, map)).toMatchObject({ connect: { host: '10.1.1.1', port: 9999 } })
    expect(checkHop(to('dn2'), remote, map)).toMatchObject({ connect: { host: '::1', port: 7 } })
    expect(checkHop(to('dn1:9864'), remote, map).url.host).toBe('dn1:9864')
    expect(checkHop(to('dn3'), remote, map).connect).toBeUndefined()
  })
})

test('a name that resolves to this machine is refused where an address of it would be', async () => {
  const look = (allow: boolean): Promise<unknown> =>
    new Promise((resolve) => guardedLookup(allow)('localhost', { all: true }, (error, addresses) => resolve(error ?? addresses)))
  expect(await look(false)).toBeInstanceOf(Error)
  expect(await look(true)).toContainEqual(expect.objectContaining({ family: expect.any(Number) }))
})

describe('a store', () => {
  test('does not follow a namenode to a metadata service, and says so without the URL', async () => {
    const hdfs = await ScriptedHdfs.start()
    hdfs.put('/t/a', 'x')
    const location = 'http://169.254.169.254/webhdfs/v1/latest?delegation=CANARY-TOKEN'
    hdfs.next('OPEN', (_, response) => response.writeHead(307, { location }).end(), { times: 9 })
    const error = await webhdfsStorage(hdfs.url, { user: 'tester' })
      .read('a')
      .catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(AlluviumError)
    expect((error as AlluviumError).message).toContain('169.254.169.254')
    expect((error as AlluviumError).message).not.toContain('CANARY')
    expect((error as AlluviumError).facts.lasting).toBe(true)
    expect(hdfs.ops()).toEqual(['OPEN'])
  })

  test('reaches a datanode through the host map, under the name the namenode gave it', async () => {
    const hdfs = await ScriptedHdfs.start()
    hdfs.put('/t/a', 'x')
    const location = 'http://dn7.cluster.internal:9864/webhdfs/v1/t/a?op=OPEN'
    hdfs.next('OPEN', (_, response) => response.writeHead(307, { location }).end())
    const storage = webhdfsStorage(hdfs.url, { user: 'tester', hostMap: `dn7.cluster.internal=${hdfs.datanodeHost}` })
    expect(await storage.read('a')).toEqual(new Uint8Array([120]))
    expect(hdfs.seen.at(-1)).toMatchObject({ server: 'datanode', headers: { host: 'dn7.cluster.internal:9864' } })
  })
})
