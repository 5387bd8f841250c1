// URLs and options: what they mean, and that all faults are told at once, without a value.
import { describe, expect, test } from 'vitest'
import { AlluviumError } from '../../../src/errors.js'
import { webhdfsStorage } from '../../../src/storage/webhdfs/index.js'
import { parseLocation, requestPath } from '../../../src/storage/webhdfs/location.js'
import { webhdfsSettings } from '../../../src/storage/webhdfs/options.js'

describe('a URL', () => {
  test.each([
    ['webhdfs://nn:9870/tables/events', ['http://nn:9870'], '/webhdfs/v1', '/tables/events'],
    ['WebHDFS://nn/t/', ['http://nn:9870'], '/webhdfs/v1', '/t'],
    ['swebhdfs://nn/t', ['https://nn:9871'], '/webhdfs/v1', '/t'],
    ['webhdfs://httpfs:14000/t', ['http://httpfs:14000'], '/webhdfs/v1', '/t'],
    ['webhdfs://httpfs:14000/webhdfs/v1/t/x', ['http://httpfs:14000'], '/webhdfs/v1', '/t/x'],
    ['swebhdfs://knox:8443/gateway/default/webhdfs/v1/t', ['https://knox:8443'], '/gateway/default/webhdfs/v1', '/t'],
    ['webhdfs://nn/a%20b/%25%C3%A9+', ['http://nn:9870'], '/webhdfs/v1', '/a b/%é+'],
    ['webhdfs://[::1]:9870/t', ['http://[::1]:9870'], '/webhdfs/v1', '/t'],
    ['webhdfs://nn', ['http://nn:9870'], '/webhdfs/v1', ''],
  ])('%s', (url, namenodes, basePath, root) => {
    expect(parseLocation(url, [])).toMatchObject({ namenodes, basePath, root })
  })

  test.each([
    ['webhdfs://cluster/t', ['nn1:9870', 'nn2'], ['http://nn1:9870', 'http://nn2:9870']],
    ['webhdfs://nn0:9870/t', ['nn1:9870'], ['http://nn0:9870', 'http://nn1:9870']],
    ['webhdfs://nn1:9870/t', ['nn1:9870', 'nn2:9870'], ['http://nn1:9870', 'http://nn2:9870']],
    ['hdfs://nn1:8020/t', ['nn1:9870', 'https://nn2:9871'], ['http://nn1:9870', 'https://nn2:9871']],
    ['hdfs:///t', ['nn1'], ['http://nn1:9870']],
    ['swebhdfs://c/t', ['nn1'], ['https://nn1:9871']],
  ])('%s with namenodes %j asks them', (url, namenodes, asked) => {
    expect(parseLocation(url, namenodes).namenodes).toEqual(asked)
  })

  test('a path in it is encoded once in requests, and the location opens the same place again', () => {
    const place = parseLocation('swebhdfs://knox:8443/gateway/default/webhdfs/v1/a%20%25b', [])
    expect(requestPath(place, 'p=x%2Fy/ü+&?#.parquet')).toBe('/gateway/default/webhdfs/v1/a%20%25b/p%3Dx%252Fy/%C3%BC%2B%26%3F%23.parquet')
    expect(parseLocation(place.location, [])).toEqual(place)
  })

  test.each([
    ['webhdfs://user:CANARY@nn/t', /credentials do not belong/],
    ['webhdfs://nn/t?user.name=CANARY', /no query/],
    ['webhdfs://nn/t#CANARY', /no fragment/],
    ['webhdfs:///t', /names no host/],
    ['webhdfs://nn:port/t', /no host:port/],
    ['webhdfs://nn/%zz', /malformed percent/],
    ['webhdfs://nn/a:b', /':'/],
    ['hdfs://nn:8020/t', /namenodes/],
    ['http://nn/t', /begins with/],
  ])('%s is refused', (url, problem) => {
    expect(() => webhdfsStorage(url)).toThrow(problem)
    expect(() => webhdfsStorage(url)).not.toThrow(/CANARY/)
    expect(() => webhdfsStorage(url)).toThrow(AlluviumError)
  })

  test.each(['webhdfs://nn/../t', 'webhdfs://nn/a/%2e%2e/b', 'webhdfs://nn/a/./b'])('%s leads outside and is refused', (url) => {
    expect(() => webhdfsStorage(url)).toThrow(expect.objectContaining({ code: 'PATH_OUTSIDE_TABLE' }))
  })
})

describe('options', () => {
  test('are the same typed and as texts of a command line', () => {
    const typed = webhdfsSettings({
      namenodes: ['a:1', 'https://b:2'],
      kerberos: true,
      hostMap: { 'DN1:9864': 'localhost:1', dn2: '10.0.0.1' },
      retryMs: 5,
    })
    const texts = webhdfsSettings({
      namenodes: 'a:1, https://b:2',
      kerberos: 'true',
      hostMap: 'DN1:9864=localhost:1,dn2=10.0.0.1',
      retryMs: '5',
    } as never)
    expect(texts).toEqual(typed)
    expect(typed.hostMap).toEqual(
      new Map([
        ['dn1:9864', 'localhost:1'],
        ['dn2', '10.0.0.1'],
      ]),
    )
    expect(webhdfsSettings({})).toMatchObject({ namenodes: [], kerberos: false, stallTimeoutMs: 30_000, retryMs: 30_000, maxRequests: 16 })
  })

  test('all faults are told at once, with the nearest name and never a value', () => {
    const given = { usr: 'CANARY', namenodes: 'CANARY host', kerberos: 'CANARY', hostMap: 'CANARY', retryMs: 'CANARY', delegationToken: '' }
    const fault = (() => {
      try {
        return webhdfsSettings(given as never)
      } catch (error) {
        return error as AlluviumError
      }
    })() as AlluviumError
    expect(fault.code).toBe('INVALID_OPTIONS')
    for (const name of ['did you mean user', 'namenodes', 'kerberos', 'hostMap', 'retryMs', 'delegationToken'])
      expect(fault.message).toContain(name)
    expect(JSON.stringify([fault.message, fault.facts])).not.toContain('CANARY')
  })

  test.each([
    [{ delegationToken: 'CANARY', user: 'a' }, /exclude/],
    [{ delegationToken: 'CANARY', doAs: 'a' }, /exclude/],
    [{ delegationToken: 'CANARY', kerberos: true }, /exclude/],
    [{ kerberos: true, user: 'CANARY' }, /exclude/],
    [{ password: 'CANARY' }, /password goes with user/],
    [{ user: 'a:b', password: 'CANARY' }, /colon/],
    [{ user: 'a', password: 'CANARY' }, /over TLS only/],
    [{ ca: '/no/such/CANARY.pem' }, /ca is neither/],
  ])('%j is refused', (options, problem) => {
    expect(() => webhdfsStorage('webhdfs://nn/t', options)).toThrow(problem)
    expect(() => webhdfsStorage('webhdfs://nn/t', options)).not.toThrow(/CANARY/)
  })
})
