// The suite on disk: cases, the catalogue of tables, known gaps; and scratch copies of tables, since a case may write.
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { z } from 'zod'
import { type Case, type Catalogue, caseSchema, catalogueSchema } from './case-schema.js'

/** The root of the repository; a bundle does not stand where its source did. */
export const repository: string = process.env.ALLUVIUM_ROOT ?? join(import.meta.dirname, '..')
export const specFolder: string = join(repository, 'spec')

export interface Suite {
  readonly cases: readonly Case[]
  /** The case file of each case, without its extension. */
  readonly groupOf: ReadonlyMap<string, string>
  readonly catalogue: Catalogue
  /** Cases that Alluvium is known not to pass yet, and why. */
  readonly gaps: ReadonlyMap<string, string>
}

/** Loads and checks everything. @throws Error naming the file of a case that is not one */
export function loadSuite(): Suite {
  const folder = join(specFolder, 'cases')
  const cases: Case[] = []
  const groupOf = new Map<string, string>()
  for (const file of readdirSync(folder).sort()) {
    const raw: unknown = JSON.parse(readFileSync(join(folder, file), 'utf8'))
    const parsed = z.array(caseSchema).safeParse(raw)
    if (!parsed.success) throw new Error(`spec/cases/${file}: ${z.prettifyError(parsed.error)}`)
    // Checked, but used as written: what the schema library answers has lost columns called __proto__.
    for (const one of raw as Case[]) {
      if (groupOf.has(one.id)) throw new Error(`spec/cases/${file}: the case ${one.id} is there twice`)
      groupOf.set(one.id, file.replace(/\.json$/, ''))
      cases.push(one)
    }
  }
  const read = (path: string): unknown => JSON.parse(readFileSync(join(specFolder, path), 'utf8'))
  return {
    cases,
    groupOf,
    catalogue: catalogueSchema.parse(read('tables/catalog.json')),
    gaps: new Map(Object.entries(z.record(z.string(), z.string()).parse(read('known-gaps.json')))),
  }
}

/**
 * Puts the table of a case into a folder of its own and answers its path. Commit files get the times that the case gives;
 * placeholders in commits become the path that the table now has. A case without a table gets a path where nothing is.
 */
export function scratchTable(suite: Suite, one: Case, scratch: string): string {
  const copy = join(scratch, one.id)
  if (one.table === undefined) return copy
  const entry = suite.catalogue[one.table]
  if (entry === undefined) throw new Error(`the table ${one.table} of the case ${one.id} is not in the catalogue; see spec/generate`)
  mkdirSync(copy, { recursive: true })
  for (const name of entry.base === undefined ? [one.table] : [entry.base, one.table]) {
    const source = join(specFolder, 'tables', name)
    if (existsSync(source)) cpSync(source, copy, { recursive: true })
  }
  for (const file of entry.without ?? []) rmSync(join(copy, file))
  const path = join(copy, one.folder ?? '')
  if (entry.placeholders === true) fillPlaceholders(copy, join(path, '_delta_log'))
  for (const [version, time] of (one.commitTimes ?? []).entries()) {
    const date = new Date(time)
    utimesSync(join(path, '_delta_log', `${String(version).padStart(20, '0')}.json`), date, date)
  }
  return path
}

// A log with absolute paths can only be written down with the place left open.
function fillPlaceholders(copy: string, log: string): void {
  for (const name of readdirSync(log)) {
    if (!name.endsWith('.json')) continue
    const text = readFileSync(join(log, name), 'utf8')
    const url = pathToFileURL(copy).href
    writeFileSync(join(log, name), text.replaceAll('@TABLE_URL@', url).replaceAll('@TABLE_PATH@', url.slice('file://'.length)))
  }
}
