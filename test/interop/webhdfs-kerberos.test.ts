// A real HDFS with Kerberos, its KDC included: the storage contract and a table by SPNEGO, in a process that has the optional
// package `kerberos`; the table by a delegation token without it.
import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { openTable } from 'alluvium'
import { build } from 'esbuild'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { hdfsAbsent, hdfsForSuite, kerberosPackage } from './hdfs-servers.js'
import { repository } from './peers.js'
import { contractOf, idsOf } from './webhdfs-tables.js'

if (hdfsAbsent !== undefined) console.warn(`skipped: ${hdfsAbsent}`)

describe.skipIf(hdfsAbsent !== undefined)('HDFS with Kerberos', () => {
  const cluster = hdfsForSuite('kerberos')
  let folder = ''
  beforeAll(async () => {
    mkdirSync(join(repository, '.run'), { recursive: true })
    folder = mkdtempSync(join(repository, '.run/kerberos-'))
    symlinkSync(await kerberosPackage(), join(folder, 'node_modules'))
    await build({
      entryPoints: [join(repository, 'test/interop/webhdfs-child.ts')],
      bundle: true,
      platform: 'node',
      format: 'esm',
      target: 'node20',
      packages: 'external',
      alias: { alluvium: join(repository, 'src/index.ts') },
      outfile: join(folder, 'child.mjs'),
      logLevel: 'error',
    })
  })
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  /** Runs the child with Alice's key; the ticket is in its memory only. */
  async function asAlice(task: string, url: string, options: object, argument: unknown = null): Promise<unknown[]> {
    const { krb5conf, keytab } = cluster.current.facts
    const env = { ...process.env, KRB5_CONFIG: krb5conf, KRB5_CLIENT_KTNAME: `FILE:${keytab}`, KRB5CCNAME: 'MEMORY:alluvium' }
    const words = ['--no-warnings', join(folder, 'child.mjs'), task, url, JSON.stringify(options), JSON.stringify(argument)]
    const { stdout } = await promisify(execFile)(process.execPath, words, { env, maxBuffer: 2 ** 26 })
    return stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as unknown)
  }

  test('the storage contract holds with a ticket', async () => {
    const suite = contractOf(undefined, {}, false)
    const outcomes = (await asAlice('contract', cluster.current.freshUrl(), { kerberos: true }, suite)) as {
      name: string
      failure?: string
    }[]
    expect(outcomes.filter(({ failure }) => failure !== undefined)).toEqual([])
    expect(outcomes.length).toBeGreaterThan(40)
  })

  test('a table is made and read with a ticket, by a token without one, and by nobody without either', async () => {
    const url = cluster.current.freshUrl()
    const rows = (await asAlice('life', url, { kerberos: true })) as { id: string }[][]
    expect(rows[0]?.map(({ id }) => id).sort()).toEqual(['a', 'b', 'c'])
    const [token] = (await asAlice('token', url, { kerberos: true })) as string[]
    const table = await openTable(url, { storage: { delegationToken: token as string } })
    expect(await idsOf(table)).toEqual(['a', 'b', 'c'])
    await table.append([{ id: 'd', n: 1n }])
    expect(await idsOf(table)).toEqual(['a', 'b', 'c', 'd'])
    await expect(openTable(url, { storage: { user: 'alice' } })).rejects.toMatchObject({ code: 'PERMISSION_DENIED' })
  })
})
