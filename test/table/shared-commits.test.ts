// Appends at the same time share versions, through whatever handles, and each tells the version that holds its rows.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { long, schema } from '../../src/schema/index.js'
import { createTable, openTable, type Table } from '../../src/table/index.js'

type Numbers = Table<{ id: bigint | null }, { id: number }>

describe('appends at the same time', () => {
  let folder: string
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'alluvium-shared-'))
  })
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  const appended = async (
    name: string,
    options: { readonly shareCommit?: boolean } = {},
  ): Promise<{ versions: number; commits: number }> => {
    const path = join(folder, name)
    await createTable(path, { schema: schema({ id: long() }) })
    const handles = (await Promise.all(Array.from({ length: 4 }, () => openTable(path)))) as unknown as Numbers[]
    const results = await Promise.all(
      handles.flatMap((table, t) =>
        Array.from({ length: 10 }, async (_, i) => ({
          id: t * 10 + i,
          version: (await table.append([{ id: t * 10 + i }], options)).version,
        })),
      ),
    )
    const [reader] = handles as [Numbers]
    for (const { id, version } of results.slice(0, 8)) {
      const at = async (v: number): Promise<number> => (await reader.snapshot({ version: v })).scan({ where: `id = ${id}` }).count()
      expect([await at(version - 1), await at(version)]).toEqual([0, 1])
    }
    expect(await reader.scan().count()).toBe(results.length)
    return { versions: (await reader.snapshot()).version, commits: results.length }
  }

  test('share versions, through handles that were opened apart', async () => {
    const { versions, commits } = await appended('shared')
    expect(versions).toBeLessThan(commits / 2)
  })

  test('have a version each where that is asked for', async () => {
    const { versions, commits } = await appended('apart', { shareCommit: false })
    expect(versions).toBe(commits)
  })
})
