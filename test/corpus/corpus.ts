// The corpus of real tables, unpacked once per test file. Found by ALLUVIUM_CORPUS, a folder that holds open.tar.gz.
import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll } from 'vitest'

export type Outcome = 'rows' | 'rows-or-error' | 'log-only' | 'metadata-only' | 'refuse' | 'error'

/** What the catalogue says of a table; the members that tests use. */
export interface CatalogRow {
  readonly path: string
  readonly outcome: Outcome
  readonly latest_version: number
  readonly active_files: number
  readonly tags: readonly string[]
  readonly txns: Readonly<Record<string, number>>
  readonly expected_file: string | null
}

/** The expected rows of a table. */
export interface Expected {
  readonly version: number
  readonly row_count: number
  readonly rows_sha256?: string
  readonly versions?: readonly {
    readonly version: number
    readonly files?: number
    readonly row_count?: number
    readonly rows_sha256?: string
    readonly error?: string
  }[]
}

const source = resolve(process.env.ALLUVIUM_CORPUS ?? join(import.meta.dirname, '../../../shared/conformance'))

/** Whether the corpus is there. Where CI is set it must be. */
export const corpusPresent: boolean = existsSync(join(source, 'open.tar.gz'))
if (!corpusPresent && process.env.CI !== undefined)
  throw new Error(`CI needs the corpus, but there is no open.tar.gz in ALLUVIUM_CORPUS (${source})`)
if (!corpusPresent) console.warn(`skipped: no conformance corpus in ${source} (set ALLUVIUM_CORPUS to a folder that holds open.tar.gz)`)

/** Unpacks the corpus into a folder that is gone after the file's tests. Answers the tables. */
export function unpackCorpus(): { readonly folder: string; readonly tables: readonly CatalogRow[] } {
  if (!corpusPresent) return { folder: '', tables: [] }
  const folder = mkdtempSync(join(tmpdir(), 'alluvium-corpus-'))
  execFileSync('tar', ['xzf', join(source, 'open.tar.gz'), '-C', folder])
  afterAll(() => rmSync(folder, { recursive: true, force: true }))
  const catalog = readFileSync(join(source, 'catalog.jsonl'), 'utf8').trim().split('\n')
  return { folder, tables: catalog.map((line) => JSON.parse(line) as CatalogRow).filter((row) => existsSync(join(folder, row.path))) }
}

/** The expectation of a table, or undefined where it has none. */
export function expectedOf(folder: string, row: CatalogRow): Expected | undefined {
  if (row.expected_file === null || !existsSync(join(folder, row.expected_file))) return undefined
  return JSON.parse(readFileSync(join(folder, row.expected_file), 'utf8')) as Expected
}
