// The log of every real table of the conformance corpus: each version opens with the right files, by opening and by
// refreshing. Rows are no business of this suite, so tables whose rows we cannot read yet are opened all the same.
import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { AlluviumError } from '../../src/errors.js'
import { type LogView, loadFacts, loadLog, readHistory, refreshLog } from '../../src/log/index.js'
import { localStorage } from '../../src/storage/local.js'

interface CatalogRow {
  readonly path: string
  readonly outcome: 'rows' | 'rows-or-error' | 'log-only' | 'metadata-only' | 'refuse' | 'error'
  readonly latest_version: number
  readonly active_files: number
  readonly tags: readonly string[]
  readonly txns: Readonly<Record<string, number>>
  readonly expected_file: string | null
}
interface ExpectedVersion {
  readonly version: number
  readonly files?: number
}

const corpus = resolve(process.env.ALLUVIUM_CORPUS ?? join(import.meta.dirname, '../../../shared/conformance'))
const present = existsSync(join(corpus, 'open.tar.gz'))
if (!present) console.warn(`skipped: no conformance corpus in ${corpus} (set ALLUVIUM_CORPUS to a folder that holds open.tar.gz)`)

const folder = present ? mkdtempSync(join(tmpdir(), 'alluvium-corpus-log-')) : ''
if (present) execFileSync('tar', ['xzf', join(corpus, 'open.tar.gz'), '-C', folder])
afterAll(() => {
  if (folder !== '') rmSync(folder, { recursive: true, force: true })
})

const catalog = present
  ? readFileSync(join(corpus, 'catalog.jsonl'), 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as CatalogRow)
  : []
const tables = catalog.filter((row) => existsSync(join(folder, row.path)))
const refused = new Map<string, string[]>()

const open = (row: CatalogRow, version?: number): Promise<LogView> =>
  loadLog(localStorage(join(folder, row.path)), { allowUnreadable: true, ...(version === undefined ? {} : { version }) })

function pathsOf(view: LogView): string[] {
  return Array.from(
    view.files.liveRows(),
    (row) => `${view.files.path(row)} ${view.files.deletionVector(row)?.pathOrInlineDv ?? ''}`,
  ).sort()
}

describe.skipIf(!present)('the log of real tables', () => {
  const sound = tables.filter((row) => !['error', 'refuse', 'rows-or-error'].includes(row.outcome))

  test.each(sound.map((row) => [row.path, row] as const))('%s opens at every version with the right files', async (_, row) => {
    const view = await open(row)
    expect(view.version).toBe(row.latest_version)
    expect(view.files.numFiles).toBe(row.active_files)
    expect(pathsOf(view)).toHaveLength(row.active_files)
    expect([...view.txns.keys()].sort()).toEqual(Object.keys(row.txns).sort())
    for (const [appId, version] of Object.entries(row.txns)) expect(view.txns.get(appId)?.version).toBe(BigInt(version))
    for (const { version, files } of expectedVersions(row)) {
      if (files !== undefined) expect((await open(row, version)).files.numFiles, `version ${version}`).toBe(files)
    }
    // What the checksum says, if there is one, is what the log says.
    const storage = localStorage(join(folder, row.path))
    const { state, detail } = await view.verifyChecksum(storage)
    expect([['valid', 'absent'].includes(state), detail]).toEqual([true, undefined])
    if (view.metadata.schemaString !== '') {
      const { numFiles, sizeBytes, schema, protocol } = await loadFacts(storage, { allowUnreadable: true })
      expect([numFiles, sizeBytes, schema]).toEqual([view.files.numFiles, view.files.sizeBytes, view.schema])
      expect(protocol.minReaderVersion).toBe(view.protocol.minReaderVersion)
    }
    await view.files.loadStats()
    for (const fileRow of view.files.liveRows()) expect(view.files.add(fileRow).path).toBe(view.files.path(fileRow))
    await noteRefusal(row)
  })

  // One checkpoint is not what its commits make; opening takes the checkpoint, refreshing the commits.
  const consistent = sound.filter((row) => !row.tags.includes('odd:checkpoint-differs-from-commits'))
  test.each(consistent.map((row) => [row.path, row] as const))(
    '%s refreshed from its first version is what opening it gives',
    async (_, row) => {
      const first = expectedVersions(row)[0]?.version ?? row.latest_version
      const old = await open(row, first)
      const before = pathsOf(old)
      const refreshed = await refreshLog(old, localStorage(join(folder, row.path)))
      const latest = await open(row)
      expect(refreshed.version).toBe(latest.version)
      expect(pathsOf(refreshed)).toEqual(pathsOf(latest))
      expect(refreshed.files.sizeBytes).toBe(latest.files.sizeBytes)
      expect(refreshed.protocol).toEqual(latest.protocol)
      expect(refreshed.metadata).toEqual(latest.metadata)
      expect(pathsOf(old)).toEqual(before)
    },
  )

  test.each(sound.filter((row) => row.outcome === 'rows').map((row) => [row.path, row] as const))(
    '%s tells its history',
    async (_, row) => {
      let history: Awaited<ReturnType<typeof readHistory>>
      try {
        history = await readHistory(localStorage(join(folder, row.path)))
      } catch (error) {
        // Nothing but a checkpoint is left of some logs.
        expect((error as AlluviumError).code).toBe('VERSION_NOT_FOUND')
        return
      }
      expect(history[0]?.version).toBe(row.latest_version)
      // Copied files are younger than the in-commit timestamps of the commits after them.
      if (row.tags.includes('in-commit-timestamp')) return
      for (let n = 1; n < history.length; n++) expect(history[n]?.timestampMs).toBeLessThan(history[n - 1]?.timestampMs as number)
    },
  )

  const broken = tables.filter((row) => row.outcome === 'error')
  test.each(broken.map((row) => [row.path, row] as const))('%s is refused with a typed error', async (_, row) => {
    const error = await open(row).then(
      () => undefined,
      (reason: unknown) => reason,
    )
    expect(error).toBeInstanceOf(AlluviumError)
    expect(['CORRUPT_LOG', 'CORRUPT_CHECKPOINT', 'NOT_A_TABLE']).toContain((error as AlluviumError).code)
  })

  const unsupported = tables.filter((row) => row.outcome === 'refuse')
  test.each(unsupported.map((row) => [row.path, row] as const))('%s is refused by the name of what it needs', async (_, row) => {
    await expect(loadLog(localStorage(join(folder, row.path)))).rejects.toMatchObject({ code: 'UNSUPPORTED_FEATURE' })
  })

  const doubtful = tables.filter((row) => row.outcome === 'rows-or-error')
  test.each(doubtful.map((row) => [row.path, row] as const))('%s opens, or fails with a typed error', async (_, row) => {
    try {
      await open(row)
    } catch (error) {
      expect(error).toBeInstanceOf(AlluviumError)
    }
  })

  test('the tables that do not open for reading are named', () => {
    for (const [features, paths] of [...refused].sort()) console.log(`not readable yet, ${features}: ${paths.length} (${paths.join(', ')})`)
    expect(tables.length).toBeGreaterThan(250)
  })
})

function expectedVersions(row: CatalogRow): ExpectedVersion[] {
  if (row.expected_file === null) return []
  const path = join(folder, row.expected_file)
  if (!existsSync(path)) return []
  return (JSON.parse(readFileSync(path, 'utf8')) as { versions?: ExpectedVersion[] }).versions ?? []
}

async function noteRefusal(row: CatalogRow): Promise<void> {
  if (row.outcome !== 'rows') return
  try {
    await loadLog(localStorage(join(folder, row.path)))
  } catch (error) {
    const { code, facts } = error as AlluviumError
    const why = code === 'UNSUPPORTED_FEATURE' ? (facts.features as string[]).join('+') : code
    refused.set(why, [...(refused.get(why) ?? []), row.path])
  }
}
