// Judges a table by its bytes alone: the log read as plain JSON, the rows read by DuckDB. Knows what the writer was told, and says
// where that is not what happened.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DuckDBInstance } from '@duckdb/node-api'
import type { Operation } from './cells.js'
import { liveFiles, type RawCommit } from './raw-log.js'
import type { Rig } from './rig.js'

/** Rows of each commit; all carry the commit's number. */
export const ROWS_PER_COMMIT = 2

/** One commit, as its writer saw it. */
export interface Told {
  readonly id: number
  readonly operation: Operation
  /** `committed`; `conflict`: refused for what a rival did; `error`: anything else. */
  readonly outcome: 'committed' | 'conflict' | 'error'
  readonly version?: number | undefined
  readonly problem?: string | undefined
  /** Whether a rival changed rows meanwhile, so that a commit that replaces all of them may be refused. */
  readonly mayConflict: boolean
}

export const ANOMALIES = ['lost', 'doubled', 'resurrected', 'false error', 'live file deleted', 'broken log'] as const
export type Anomaly = (typeof ANOMALIES)[number]

export interface Finding {
  readonly anomaly: Anomaly
  readonly detail: string
}

/** Everything that is wrong with a table. Lost, doubled and resurrected are counted in commits. */
export async function judge(rig: Rig, table: string, told: readonly Told[]): Promise<Finding[]> {
  const findings: Finding[] = []
  const find = (anomaly: Anomaly, detail: string): void => void findings.push({ anomaly, detail: `${table}: ${detail}` })
  const commits = rig.commits(table)
  const versions = rig.paths(table).filter((path) => /^_delta_log\/\d{20}\.json$/.test(path))
  if (versions.length !== commits.length) find('broken log', `${versions.length} commits, of which ${commits.length} follow one another`)
  const files = await idsOfFiles(rig, table)
  for (const [version, { adds }] of commits.entries()) {
    for (const { path, size } of adds) {
      const bytes = rig.read(table, path)
      if (bytes?.length !== size)
        find('live file deleted', `${path} of version ${version} is ${bytes === undefined ? 'gone' : 'another size'}`)
    }
  }
  const versionsOf = (id: number): number[] =>
    commits.flatMap(({ adds }, version) => (adds.some(({ path }) => files.get(path)?.has(id)) ? [version] : []))
  for (const each of told) judgeCommit(each, versionsOf(each.id), find)
  judgeRows(told, commits, files, versionsOf, find)
  return findings
}

type Find = (anomaly: Anomaly, detail: string) => void

function judgeCommit({ id, operation, outcome, version, problem, mayConflict }: Told, versions: readonly number[], find: Find): void {
  if (versions.length > 1) find('doubled', `${operation} ${id} is versions ${versions.join(' and ')}`)
  if (outcome === 'committed') {
    if (versions.length === 0) find('lost', `${operation} ${id} was acknowledged and is in no version`)
    else if (version !== undefined && !versions.includes(version))
      find('lost', `${operation} ${id} was said to be version ${version}, not ${versions}`)
  } else if (versions.length > 0) {
    find('false error', `${operation} ${id} is version ${versions[0]}, but its writer was told: ${problem}`)
  } else if (outcome === 'error' || !mayConflict) {
    find('false error', `${operation} ${id} could have been committed, but: ${problem}`)
  }
}

/** The rows there should be, one version after another, against those that are there. */
function judgeRows(
  told: readonly Told[],
  commits: readonly RawCommit[],
  files: ReadonlyMap<string, ReadonlyMap<number, number>>,
  versionsOf: (id: number) => number[],
  find: Find,
): void {
  const first = new Map<number, Told>()
  for (const each of told) {
    const version = versionsOf(each.id)[0]
    if (version !== undefined) first.set(version, each)
  }
  const expected = new Set<number>()
  for (const [version, { removes, operation }] of commits.entries()) {
    const own = first.get(version)
    if (own?.operation === 'overwrite' || (own === undefined && operation === 'DELETE' && removes.length > 0)) expected.clear()
    if (own !== undefined) expected.add(own.id)
  }
  const rows = new Map<number, number>()
  for (const path of liveFiles(commits).keys()) {
    for (const [id, count] of files.get(path) ?? []) rows.set(id, (rows.get(id) ?? 0) + count)
  }
  for (const id of expected) if ((rows.get(id) ?? 0) < ROWS_PER_COMMIT) find('lost', `${rows.get(id) ?? 0} rows of commit ${id} are there`)
  for (const [id, count] of rows) {
    if (!expected.has(id)) find('resurrected', `rows of commit ${id} are there after they were removed`)
    else if (count > ROWS_PER_COMMIT) find('doubled', `${count} rows of commit ${id} are there`)
  }
}

let duckdb: Promise<Awaited<ReturnType<DuckDBInstance['connect']>>> | undefined

/** How many rows of which commits each data file holds. */
async function idsOfFiles(rig: Rig, table: string): Promise<Map<string, Map<number, number>>> {
  const paths = rig.paths(table).filter((path) => path.endsWith('.parquet') && !path.startsWith('_delta_log/'))
  const found = new Map<string, Map<number, number>>()
  if (paths.length === 0) return found
  duckdb ??= DuckDBInstance.create(':memory:', { threads: '1' }).then((instance) => instance.connect())
  const folder = mkdtempSync(join(tmpdir(), 'alluvium-ambiguity-'))
  try {
    mkdirSync(folder, { recursive: true })
    for (const [n, path] of paths.entries()) writeFileSync(join(folder, `${n}.parquet`), rig.read(table, path) ?? new Uint8Array())
    const query = `SELECT filename, id, count(*) FROM read_parquet('${folder}/*.parquet', filename = true) GROUP BY ALL`
    const rows = (await (await duckdb).runAndReadAll(query)).getRowsJS() as [string, bigint, bigint][]
    for (const [file, id, count] of rows) {
      const path = paths[Number(/(\d+)\.parquet$/.exec(file)?.[1])] as string
      const ids = found.get(path) ?? new Map<number, number>()
      found.set(path, ids.set(Number(id), Number(count)))
    }
    return found
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
