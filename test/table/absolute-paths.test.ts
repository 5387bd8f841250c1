// Tables whose log names files by absolute paths: read where they lie in the table's own folder, refused elsewhere.
import { copyFile, mkdir, mkdtemp, readdir, readFile, rename as rename_, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { createTable, isAlluviumError, localStorage, long, openTable, type Storage, schema } from 'alluvium'
import { afterEach, describe, expect, test } from 'vitest'

const folders: string[] = []
afterEach(async () => {
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true, force: true })
})

/** A table in a folder with a space in its name, whose only file is named as `rename` says. */
async function tableNaming(rename: (folder: string, path: string) => string): Promise<string> {
  const parent = await mkdtemp(join(tmpdir(), 'alluvium-absolute-'))
  folders.push(parent)
  const folder = join(parent, 'my table')
  await mkdir(folder)
  const table = await createTable(localStorage(folder), { schema: schema({ id: long() }) })
  await table.append([{ id: 7 }])
  const data = (await readdir(folder)).find((name) => name.endsWith('.parquet')) as string
  await copyFile(join(folder, data), join(parent, data))
  const commit = join(folder, '_delta_log', `${'1'.padStart(20, '0')}.json`)
  await writeFile(commit, (await readFile(commit, 'utf8')).replace(`"path":"${data}"`, `"path":${JSON.stringify(rename(folder, data))}`))
  return folder
}

describe('an absolute path', () => {
  test.each<[string, (folder: string, path: string) => string]>([
    ['as a path', (folder, path) => `${folder.replaceAll(' ', '%20')}/${path}`],
    ['as a URL', (folder, path) => pathToFileURL(join(folder, path)).href],
    ['as a URL without a host', (folder, path) => pathToFileURL(join(folder, path)).href.replace('file://', 'file:')],
  ])('into the table, %s, is read', async (_, rename) => {
    expect(await (await openTable(await tableNaming(rename))).scan().toArray()).toEqual([{ id: 7n }])
  })

  test('beside the table is refused, though the file is there', async () => {
    const folder = await tableNaming((own, path) => pathToFileURL(join(own, '..', path)).href)
    const error: unknown = await (await openTable(folder))
      .scan()
      .toArray()
      .catch((e: unknown) => e)
    expect(isAlluviumError(error, 'PATH_OUTSIDE_TABLE'), String(error)).toBe(true)
  })
})

describe('an absolute path into a folder that was allowed', () => {
  /** A table whose only file lies in a folder beside it, named as `rename` says. */
  async function cloneOf(rename: (source: string, path: string) => string): Promise<{ table: string; source: string }> {
    const table = await tableNaming((own, path) => rename(join(own, '..', 'the source'), path))
    const [parent, source] = [join(table, '..'), join(table, '..', 'the source')]
    await mkdir(source)
    for (const name of (await readdir(parent)).filter((one) => one.endsWith('.parquet')))
      await rename_(join(parent, name), join(source, name))
    for (const name of (await readdir(table)).filter((one) => one.endsWith('.parquet'))) await rm(join(table, name))
    return { table, source }
  }
  const asUrl = (source: string, path: string) => pathToFileURL(join(source, path)).href

  async function codeOf(table: string, allowedPaths: readonly (string | Storage)[]): Promise<string> {
    try {
      return `${(await (await openTable(table, { allowedPaths })).scan().toArray()).length} rows`
    } catch (error) {
      return isAlluviumError(error) ? error.code : String(error)
    }
  }

  test.each<[string, (source: string, path: string) => string]>([
    ['as a URL', asUrl],
    ['as a URL without a host', (source, path) => asUrl(source, path).replace('file://', 'file:')],
    ['as a path', (source, path) => `${source.replaceAll(' ', '%20')}/${path}`],
  ])('is read, %s, whichever way the folder was allowed', async (_, rename) => {
    const { table, source } = await cloneOf(rename)
    for (const allowed of [source, `${source}/`, pathToFileURL(source).href, join(source, '..'), localStorage(source)]) {
      expect(await codeOf(table, ['/nowhere', allowed])).toBe('1 rows')
    }
    const changed = await openTable(table, { allowedPaths: [source] })
    await changed.append([{ id: 8 }])
    expect(await changed.scan({ where: 'id >= 7' }).toArray()).toEqual([{ id: 7n }, { id: 8n }])
    expect((await readdir(source)).length).toBe(1)
  })

  test('is refused without it, below another folder, and beside a folder of nearly that name', async () => {
    const { table, source } = await cloneOf(asUrl)
    for (const allowed of [[], ['/nowhere'], [`${source}-2`], [source.slice(0, -1)], [join(source, 'inner')]]) {
      expect(await codeOf(table, allowed)).toBe('PATH_OUTSIDE_TABLE')
    }
    expect(await codeOf(table, ['/'])).toBe('INVALID_OPTIONS')
    expect(await codeOf(table, ['file:///'])).toBe('INVALID_OPTIONS')
  })

  test.each(['/../secret/', '/%2e%2e/secret/', '/%252e%252e/secret/', '/_delta_log/', '/./../secret/'])(
    'does not lead out of that folder again by %s',
    async (trap) => {
      const { table, source } = await cloneOf((from, path) => `${pathToFileURL(from).href}${trap}${path}`)
      for (const folder of ['secret', join('the source', '_delta_log')]) {
        await mkdir(join(source, '..', folder))
        for (const name of (await readdir(source)).filter((one) => one.endsWith('.parquet')))
          await copyFile(join(source, name), join(source, '..', folder, name))
      }
      expect(await codeOf(table, [source])).toBe('PATH_OUTSIDE_TABLE')
    },
  )

  test('does not lead out of that folder by a link', async () => {
    const { table, source } = await cloneOf((from, path) => asUrl(join(from, 'link'), path))
    await mkdir(join(source, '..', 'secret'))
    for (const name of await readdir(source)) await rename_(join(source, name), join(source, '..', 'secret', name))
    await symlink(join(source, '..', 'secret'), join(source, 'link'))
    expect(await codeOf(table, [source])).toBe('PATH_OUTSIDE_TABLE')
  })
})
