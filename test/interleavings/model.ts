// The oracle: what a table is, read from the text of its log, and what each operation makes of it when nobody else is there.
// Shares no code with the library's log.
import { commitPathOf } from './base-table.js'
import type { OperationName } from './operations.js'
import { nameOf, newIds, targetOf, type Variant, type Who } from './variant.js'

export interface LiveFile {
  readonly path: string
  readonly vector: string
  readonly p: string
  readonly rows: readonly string[]
}

/** A table at one version. Row ids, times and commit versions depend on the order by right, and are judged apart. */
export interface TableState {
  readonly files: ReadonlyMap<string, LiveFile>
  readonly configuration: Readonly<Record<string, string>>
  readonly columns: readonly string[]
  readonly readerFeatures: readonly string[]
  readonly writerFeatures: readonly string[]
  readonly txns: Readonly<Record<string, number>>
  readonly domains: Readonly<Record<string, string>>
}

export interface LoggedFile extends LiveFile {
  readonly dataChange: boolean
  readonly baseRowId: number | undefined
  readonly commitVersion: number | undefined
  readonly numRecords: number
}

/** A commit as its text says. */
export interface LoggedCommit {
  readonly version: number
  readonly text: string
  /** Whose it is: by its `txnId`. */
  readonly who: Who | undefined
  readonly readVersion: number | undefined
  readonly inCommitTimestamp: number | undefined
  readonly adds: readonly LoggedFile[]
  readonly removes: readonly { readonly path: string; readonly vector: string }[]
  readonly txns: Readonly<Record<string, number>>
  readonly domains: Readonly<Record<string, string | null>>
  readonly rowIdMark: number | undefined
  readonly configuration: Readonly<Record<string, string>> | undefined
  readonly columns: readonly string[] | undefined
  readonly features: Pick<TableState, 'readerFeatures' | 'writerFeatures'> | undefined
}

interface VectorJson {
  storageType: string
  pathOrInlineDv: string
  offset?: number
}
interface Line {
  commitInfo?: { txnId?: string; readVersion?: number; inCommitTimestamp?: number }
  add?: {
    path: string
    dataChange: boolean
    stats: string
    tags: { rows: string; p: string }
    deletionVector?: VectorJson
    baseRowId?: number
    defaultRowCommitVersion?: number
  }
  remove?: { path: string; deletionVector?: VectorJson }
  txn?: { appId: string; version: number }
  domainMetadata?: { domain: string; configuration: string; removed: boolean }
  metaData?: { configuration: Record<string, string>; schemaString: string }
  protocol?: { readerFeatures?: string[]; writerFeatures?: string[] }
}

const MARK_DOMAIN = 'delta.rowTracking'

/** The commit of a version. @throws Error where its text is none */
export function readCommit(version: number, text: string): LoggedCommit {
  if (!text.endsWith('\n')) throw new Error(`version ${version} is torn`)
  const lines = text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Line)
  const of = <K extends keyof Line>(name: K): NonNullable<Line[K]>[] =>
    lines.flatMap((line) => (line[name] === undefined ? [] : [line[name] as NonNullable<Line[K]>]))
  const [info] = of('commitInfo')
  const [metaData] = of('metaData')
  const [protocol] = of('protocol')
  const domains = of('domainMetadata')
  const mark = domains.find(({ domain }) => domain === MARK_DOMAIN)
  return {
    version,
    text,
    who: info?.txnId === undefined ? undefined : info.txnId.startsWith('a') ? 'A' : 'B',
    readVersion: info?.readVersion,
    inCommitTimestamp: info?.inCommitTimestamp,
    adds: of('add').map((add) => ({
      path: add.path,
      vector: vectorText(add.deletionVector),
      p: add.tags.p,
      rows: JSON.parse(add.tags.rows) as string[],
      dataChange: add.dataChange,
      baseRowId: add.baseRowId,
      commitVersion: add.defaultRowCommitVersion,
      numRecords: (JSON.parse(add.stats) as { numRecords: number }).numRecords,
    })),
    removes: of('remove').map((remove) => ({ path: remove.path, vector: vectorText(remove.deletionVector) })),
    txns: Object.fromEntries(of('txn').map(({ appId, version: at }) => [appId, at])),
    domains: Object.fromEntries(
      domains
        .filter(({ domain }) => domain !== MARK_DOMAIN)
        .map(({ domain, configuration, removed }) => [domain, removed ? null : configuration]),
    ),
    rowIdMark: mark === undefined ? undefined : (JSON.parse(mark.configuration) as { rowIdHighWaterMark: number }).rowIdHighWaterMark,
    configuration: metaData?.configuration,
    columns: metaData && (JSON.parse(metaData.schemaString) as { fields: { name: string }[] }).fields.map(({ name }) => name),
    features: protocol && {
      readerFeatures: [...(protocol.readerFeatures ?? [])].sort(),
      writerFeatures: [...(protocol.writerFeatures ?? [])].sort(),
    },
  }
}

function vectorText(vector: VectorJson | undefined): string {
  return vector === undefined ? '' : `${vector.storageType}${vector.pathOrInlineDv}@${vector.offset}`
}

/** All commits on a store, in order. @throws Error where a version is missing or torn */
export function readLog(objects: ReadonlyMap<string, Uint8Array>): LoggedCommit[] {
  const commits: LoggedCommit[] = []
  const logged = [...objects.keys()].filter((path) => /^_delta_log\/\d{20}\.json$/.test(path)).sort()
  for (const path of logged) {
    if (path !== commitPathOf(commits.length)) throw new Error(`version ${commits.length} is missing before ${path}`)
    commits.push(readCommit(commits.length, new TextDecoder().decode(objects.get(path))))
  }
  return commits
}

export const EMPTY: TableState = {
  files: new Map(),
  configuration: {},
  columns: [],
  readerFeatures: [],
  writerFeatures: [],
  txns: {},
  domains: {},
}

/** The table after a commit. */
export function afterCommit(state: TableState, commit: LoggedCommit): TableState {
  const files = new Map(state.files)
  for (const { path } of commit.removes) files.delete(path)
  for (const { path, vector, p, rows } of commit.adds) files.set(path, { path, vector, p, rows: [...rows].sort() })
  return {
    ...state,
    ...commit.features,
    files,
    configuration: commit.configuration ?? state.configuration,
    columns: commit.columns ?? state.columns,
    txns: { ...state.txns, ...commit.txns },
    domains: withDomains(state.domains, commit.domains),
  }
}

function withDomains(before: TableState['domains'], changed: LoggedCommit['domains']): TableState['domains'] {
  return Object.fromEntries(Object.entries({ ...before, ...changed }).filter((entry): entry is [string, string] => entry[1] !== null))
}

/** What an operation changes in the table that it reads. */
export interface Effect {
  /** Files whose rows it reads, or depends on. */
  readonly reads: readonly string[]
  readonly removes: readonly string[]
  readonly adds: readonly LiveFile[]
  readonly configuration?: TableState['configuration']
  readonly columns?: TableState['columns']
  readonly feature?: string
  readonly txns?: TableState['txns']
  readonly domains?: LoggedCommit['domains']
}

export function afterEffect(state: TableState, effect: Effect): TableState {
  const files = new Map(state.files)
  for (const path of effect.removes) files.delete(path)
  for (const file of effect.adds) files.set(file.path, file)
  const withFeature = (features: readonly string[]): readonly string[] =>
    effect.feature === undefined ? features : [...new Set([...features, effect.feature])].sort()
  return {
    files,
    configuration: effect.configuration ?? state.configuration,
    columns: effect.columns ?? state.columns,
    readerFeatures: withFeature(state.readerFeatures),
    writerFeatures: effect.feature === undefined ? state.writerFeatures : withFeature([...state.writerFeatures, ...state.readerFeatures]),
    txns: { ...state.txns, ...effect.txns },
    domains: withDomains(state.domains, effect.domains ?? {}),
  }
}

/** What an operation does to a table on which nobody else works; undefined where there is nothing to do. */
export function effectOf(name: OperationName, variant: Variant, who: Who, state: TableState, restored: TableState): Effect | undefined {
  return EFFECTS[name]({ variant, who, state, restored })
}

interface Given {
  readonly variant: Variant
  readonly who: Who
  readonly state: TableState
  /** The table at the version that `restore` goes back to. */
  readonly restored: TableState
}

const nothing = { reads: [], removes: [], adds: [] } as const

const EFFECTS: Record<OperationName, (given: Given) => Effect | undefined> = {
  append: (given) => ({ ...nothing, adds: [fresh(given, 'append', '')] }),
  stream: (given) => {
    const app = nameOf(given.variant, given.who, 'app')
    const position = given.state.txns[app] ?? 0
    return { ...nothing, adds: [fresh(given, 'append', `@${position}`)], txns: { [app]: position + 1 } }
  },
  overwrite: (given) => {
    const all = [...given.state.files.keys()]
    return { reads: all, removes: all, adds: [fresh(given, 'overwrite', '')] }
  },
  delete: deletion,
  'sum-table': (given) => sum(given, [...given.state.files.values()]),
  'sum-part': (given) => sum(given, inTarget(given)),
  compact: (given) => {
    const { variant, who } = given
    const files = inTarget(given)
    if (files.length < 2) return undefined
    const paths = files.map(({ path }) => path)
    const merged = { path: `${who}-compact.parquet`, vector: '', p: targetOf(variant, who), rows: allRows(files) }
    return { reads: paths, removes: paths, adds: [merged] }
  },
  property: ({ variant, who, state }) => {
    const name = nameOf(variant, who, 'property')
    return { ...nothing, configuration: { ...state.configuration, [name]: `${state.configuration[name]}${who}` } }
  },
  upgrade: ({ state }) => {
    if (state.configuration['delta.checkpointPolicy'] === 'v2') return undefined
    return { ...nothing, configuration: { ...state.configuration, 'delta.checkpointPolicy': 'v2' }, feature: 'v2Checkpoint' }
  },
  'add-column': ({ variant, who, state }) => {
    const name = nameOf(variant, who, 'column').replace('.', '_')
    return state.columns.includes(name) ? undefined : { ...nothing, columns: [...state.columns, name] }
  },
  domain: ({ variant, who, state }) => {
    const name = nameOf(variant, who, 'domain')
    const { by } = JSON.parse(state.domains[name] ?? '{}') as { by?: string }
    return { ...nothing, domains: { [name]: JSON.stringify({ by: `${by}${who}` }) } }
  },
  restore: restoration,
}

function deletion(given: Given): Effect | undefined {
  const { variant, who } = given
  const targets = inTarget(given)
  const reads = targets.map(({ path }) => path)
  if (variant.layout === 'partitioned' && variant.features !== 'vectors')
    return targets.length === 0 ? undefined : { reads, removes: reads, adds: [] }
  const touched = targets.filter(({ rows }) => rows.some(isDoomed))
  if (touched.length === 0) return undefined
  const adds = touched.map((file): LiveFile => {
    const rows = file.rows.filter((row) => !isDoomed(row))
    if (variant.features === 'vectors') return { ...file, rows, vector: `u${who}0000000000000000000@1` }
    return { path: `${who}-rest-of-${file.path}`, vector: '', p: file.p, rows }
  })
  return { reads, removes: touched.map(({ path }) => path), adds }
}

// Deleted are the rows whose id ends with 0.
function isDoomed(row: string): boolean {
  return Number.parseInt(row, 10) % 10 === 0
}

function sum(given: Given, files: readonly LiveFile[]): Effect {
  return { reads: files.map(({ path }) => path), removes: [], adds: [fresh(given, 'sum', `[${allRows(files).join(' ')}]`)] }
}

// What came since goes, what went comes back; properties, columns and domains are those of then, positions those of now.
function restoration({ state, restored }: Given): Effect | undefined {
  const differs = (one: LiveFile, other: LiveFile | undefined): boolean => other === undefined || other.vector !== one.vector
  const adds = [...restored.files.values()].filter((file) => differs(file, state.files.get(file.path)))
  const removes = [...state.files.values()].filter((file) => differs(file, restored.files.get(file.path))).map(({ path }) => path)
  const isSame = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b)
  const keepsForm = isSame(sorted(state.configuration), sorted(restored.configuration)) && isSame(state.columns, restored.columns)
  const domains = Object.fromEntries(
    Object.keys({ ...state.domains, ...restored.domains })
      .filter((name) => state.domains[name] !== restored.domains[name])
      .map((name) => [name, restored.domains[name] ?? null]),
  )
  if (adds.length + removes.length + Object.keys(domains).length === 0 && keepsForm) return undefined
  const form = keepsForm ? {} : { configuration: restored.configuration, columns: restored.columns }
  return { reads: [...state.files.keys()], removes, adds, ...form, domains }
}

// The range of ids of a target is by statistics, so a file is in it by its place in the base table or by its rows.
function inTarget({ variant, who, state }: Given): LiveFile[] {
  const target = targetOf(variant, who)
  return [...state.files.values()].filter(({ p }) => p === target)
}

function allRows(files: readonly LiveFile[]): string[] {
  return files.flatMap(({ rows }) => rows).sort()
}

function fresh({ variant, who }: Given, name: string, seen: string): LiveFile {
  const rows = newIds(variant, who).map((id) => `${id}${seen}`)
  return { path: `${who}-${name}.parquet`, vector: '', p: targetOf(variant, who), rows: rows.sort() }
}

function sorted(record: Readonly<Record<string, string>>): [string, string][] {
  return Object.entries(record).sort(([a], [b]) => (a < b ? -1 : 1))
}

/** Two tables are one and the same where these texts are equal. */
export function stateText(state: TableState): string {
  const files = [...state.files.values()].sort((a, b) => (a.path < b.path ? -1 : 1))
  return JSON.stringify([
    files.map(({ path, vector, p, rows }) => [path, vector, p, rows]),
    formText(state),
    Object.entries(state.txns).sort(),
  ])
}

/** Properties, columns, features and domains. */
export function formText(state: TableState): string {
  return JSON.stringify([sorted(state.configuration), state.columns, state.readerFeatures, state.writerFeatures, sorted(state.domains)])
}

/** The rows, whatever files they are in, and how far applications have come. */
export function rowsText(state: TableState): string {
  return JSON.stringify([allRows([...state.files.values()]), Object.entries(state.txns).sort()])
}
