// Tables whose log names files by absolute paths: read where they lie in the table's own folder, refused elsewhere.
import { copyFile, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { createTable, isAlluviumError, localStorage, long, openTable, schema } from 'alluvium'
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
