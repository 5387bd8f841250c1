// The config file of `maintain`: its schema, of which the published JSON schema is made, and its checking. Rule: all faults are told
// at once, each with its path, and no value is ever repeated: a config may hold what is secret.
import { z } from 'zod'
import { decodeUtf8Strict } from '../../bytes.js'
import { isAlluviumError } from '../../errors.js'
import { type JsonValue, parseJson } from '../../json.js'
import { nearestName } from '../../storage/options.js'
import { usageError } from '../command.js'

const DURATION = /^(\d+(?:\.\d+)?)\s*(ms|s|m|h|d|w)$/
const SIZE = /^(\d+(?:\.\d+)?)\s*(b|kb|mb|gb|k|m|g)?$/i
const MAX_BYTES = 4 * 2 ** 20

/** Options of stores that are secrets: never in a file, only by the name of an environment variable. */
const SECRETS: readonly string[] = ['secretAccessKey', 'sessionToken', 'delegationToken']

const duration = z.string({ error: 'must be a duration like "30s", "10m", "168h" or "7d"' }).regex(DURATION, {
  error: 'must be a duration like "30s", "10m", "168h" or "7d"',
})
const size = z.string({ error: 'must be a size like "128mb"' }).regex(SIZE, { error: 'must be a size like "128mb"' })
const flag = z.boolean({ error: 'must be true or false' })
const text = z.string({ error: 'must be a text' }).min(1, { error: 'must not be empty' })
const names = z.array(text, { error: 'must be a list of column names' }).min(1, { error: 'must name at least one column' })

const reference = z.strictObject(
  { env: text.describe('name of an environment variable') },
  { error: 'must be a text or { "env": "NAME" }' },
)
const storage = z
  .record(z.string(), z.union([z.string(), reference], { error: 'must be a text or { "env": "NAME" }' }), { error: 'must be an object' })
  .describe(`Options of the store, as --storage takes them. ${SECRETS.join(', ')} only as { "env": "NAME" }.`)

const steps = z
  .strictObject(
    {
      optimize: flag.describe('rewrite small files as large ones').optional(),
      checkpoint: z
        .union([flag, z.literal('always')], { error: 'must be true, false or "always"' })
        .describe('write a checkpoint: where one is due, or always')
        .optional(),
      cleanup: flag.describe("delete what the log's retention lets go").optional(),
      vacuum: flag.describe('delete data files that no version within the retention needs').optional(),
    },
    { error: 'must be an object of steps' },
  )
  .describe('Which steps run; each is on unless it is false.')

const policyFields = {
  steps: steps.optional(),
  targetSize: size.describe("bytes of a data file as it should be; the table's own when absent").optional(),
  minFiles: z
    .int({ error: 'must be a whole number' })
    .min(2, { error: 'must be at least 2' })
    .describe('fewer files are not worth rewriting')
    .optional(),
  where: text.describe('optimize only partitions for which this is true').optional(),
  zorder: names.describe('optimize sorts rows along a Z-order curve through these columns').optional(),
  hilbert: names.describe('optimize sorts rows along a Hilbert curve through these columns').optional(),
  retention: duration.describe("how long files that left the table stay; the table's own when absent").optional(),
  forceRetention: flag.describe("allows a retention shorter than the table's own").optional(),
  vacuumMode: z
    .enum(['full', 'lite'], { error: 'must be "full" or "lite"' })
    .describe('full lists the folder, lite goes by the log')
    .optional(),
  storage: storage.optional(),
}

const policy = z.strictObject(policyFields, { error: 'must be an object' }).describe('What is done to a table.')
const table = z.union(
  [
    text.describe('path or URL of a table; * stands for any part of a folder name, ** for any folders'),
    z.strictObject(
      { url: text.describe('path or URL of a table, or a pattern'), ...policyFields },
      { error: 'must be a path, a URL, or an object with url' },
    ),
  ],
  { error: 'must be a path, a URL, or an object with url' },
)

/** What a config file may hold. */
const schema = z
  .strictObject(
    {
      $schema: z.string().optional(),
      tables: z
        .array(table, { error: 'must be a list of tables' })
        .describe('Tables, besides those of the command line. Of entries for one table the later ones win.')
        .optional(),
      defaults: policy.describe('What holds for every table.').optional(),
      parallel: z
        .int({ error: 'must be a whole number' })
        .min(1, { error: 'must be at least 1' })
        .max(64, { error: 'must be at most 64' })
        .describe('tables at a time; 2 when absent')
        .optional(),
      every: duration.describe('run again so long after the start of the last run').optional(),
      cron: text.describe('run at these times: five or six fields, or @daily and the like').optional(),
      timezone: text.describe('time zone of cron; UTC when absent').optional(),
      metricsFile: text.describe("file for the node_exporter's textfile collector").optional(),
      lease: z
        .strictObject(
          { ttl: duration.describe('how long a dead process keeps others away at most; 60s when absent').optional(), off: flag.optional() },
          { error: 'must be an object' },
        )
        .optional(),
    },
    { error: 'must be an object' },
  )
  .describe('Config of alluvium maintain.')

/** What is done to a table, as a config says it. */
export interface TablePolicy {
  readonly steps?:
    | {
        readonly optimize?: boolean | undefined
        readonly checkpoint?: boolean | 'always' | undefined
        readonly cleanup?: boolean | undefined
        readonly vacuum?: boolean | undefined
      }
    | undefined
  /** As `128mb`. */
  readonly targetSize?: string | undefined
  readonly minFiles?: number | undefined
  readonly where?: string | undefined
  readonly zorder?: readonly string[] | undefined
  readonly hilbert?: readonly string[] | undefined
  /** As `168h`. */
  readonly retention?: string | undefined
  readonly forceRetention?: boolean | undefined
  readonly vacuumMode?: 'full' | 'lite' | undefined
  readonly storage?: Readonly<Record<string, string | { readonly env: string }>> | undefined
}

/** A config that was checked. */
export interface MaintainConfig {
  readonly tables?: readonly (string | (TablePolicy & { readonly url: string }))[] | undefined
  readonly defaults?: TablePolicy | undefined
  readonly parallel?: number | undefined
  readonly every?: string | undefined
  readonly cron?: string | undefined
  readonly timezone?: string | undefined
  readonly metricsFile?: string | undefined
  readonly lease?: { readonly ttl?: string | undefined; readonly off?: boolean | undefined } | undefined
}

/** The JSON schema of the config, as `docs/maintain.schema.json` has it. */
export function configJsonSchema(): unknown {
  return { ...z.toJSONSchema(schema, { io: 'input', target: 'draft-2020-12' }), title: 'alluvium maintain' }
}

/** Reads a config. `name` is what to call it in messages. @throws AlluviumError `INVALID_OPTIONS` listing every fault with its path */
export function parseConfig(bytes: Uint8Array, name: string): MaintainConfig {
  if (bytes.length > MAX_BYTES) throw usageError(`${name} is larger than a config can be`)
  const content = decodeUtf8Strict(bytes)
  if (content === undefined) throw usageError(`${name} is not UTF-8`)
  return checkConfig(plain(parsed(content, name)), name)
}

/** Checks a config that was parsed. @throws AlluviumError `INVALID_OPTIONS` */
export function checkConfig(value: unknown, name: string): MaintainConfig {
  const result: z.ZodSafeParseResult<MaintainConfig> = schema.safeParse(value) as z.ZodSafeParseResult<MaintainConfig>
  const faults = result.success ? [] : result.error.issues.flatMap((issue) => faultsOf(issue, []))
  if (result.success) faults.push(...relationFaults(result.data))
  if (faults.length > 0) {
    throw usageError(
      `${name} has ${faults.length} fault${faults.length === 1 ? '' : 's'}:\n${faults.map((fault) => `  ${fault}`).join('\n')}`,
      { faults },
    )
  }
  return result.data as MaintainConfig
}

/** A duration of a config in milliseconds. */
export function durationMs(given: string): number {
  const units: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 }
  const [, count, unit] = DURATION.exec(given) ?? []
  return Math.floor(Number(count) * (units[unit ?? ''] as number))
}

/** A size of a config in bytes. */
export function sizeBytes(given: string): number {
  const units: Readonly<Record<string, number>> = { b: 1, k: 2 ** 10, m: 2 ** 20, g: 2 ** 30 }
  const [, count, unit] = SIZE.exec(given) ?? []
  return Math.floor(Number(count) * (units[(unit ?? 'b').charAt(0).toLowerCase()] as number))
}

function parsed(content: string, name: string): JsonValue {
  try {
    return parseJson(content, 100_000)
  } catch (error) {
    const offset = isAlluviumError(error) && typeof error.facts.offset === 'number' ? error.facts.offset : undefined
    if (offset === undefined) throw usageError(`${name} is not JSON`)
    const before = content.slice(0, offset)
    const line = before.split('\n').length
    throw usageError(`${name} is not JSON: look at line ${line}, column ${offset - before.lastIndexOf('\n')}`, { line })
  }
}

// As zod takes it: plain objects. A key like __proto__ is a key that is not known.
function plain(value: JsonValue): unknown {
  if (Array.isArray(value)) return value.map(plain)
  if (typeof value !== 'object' || value === null || 'text' in value) return value
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, plain(each)]))
}

type Issue = z.core.$ZodIssue

function faultsOf(issue: Issue, above: readonly PropertyKey[]): string[] {
  const path = [...above, ...issue.path]
  if (issue.code === 'unrecognized_keys')
    return issue.keys.map((key) => `${pathText([...path, key])}: there is no such setting${near(key, path)}`)
  // Of a union: what is wrong with the form that is meant, an object with an object.
  if (issue.code === 'invalid_union') {
    const meant = issue.errors.find((errors) => errors.some((each) => each.code === 'unrecognized_keys' || each.path.length > 0))
    if (meant !== undefined) return meant.flatMap((each) => faultsOf(each, path))
  }
  return [`${pathText(path)}: ${issue.message}`]
}

function near(key: string, path: readonly PropertyKey[]): string {
  const known =
    path.length === 0
      ? Object.keys(schema.shape)
      : path.at(-1) === 'steps'
        ? ['optimize', 'checkpoint', 'cleanup', 'vacuum']
        : ['url', ...Object.keys(policyFields)]
  const found = nearestName(key, known)
  return found === undefined ? '' : `; did you mean ${found}?`
}

function pathText(path: readonly PropertyKey[]): string {
  if (path.length === 0) return 'the config'
  return path.reduce<string>((before, part) => {
    if (typeof part === 'number') return `${before}[${part}]`
    const name = String(part)
    const shown = name.length > 60 ? `${name.slice(0, 60)}…` : name
    if (!/^[A-Za-z_$][\w$]*$/.test(shown)) return `${before}[${JSON.stringify(shown)}]`
    return before === '' ? shown : `${before}.${shown}`
  }, '')
}

function relationFaults(config: MaintainConfig): string[] {
  const faults: string[] = []
  if (config.every !== undefined && config.cron !== undefined) faults.push('every: goes without cron')
  if (config.timezone !== undefined && config.cron === undefined) faults.push('timezone: goes with cron only')
  const policies: [string, TablePolicy][] = [['defaults', config.defaults ?? {}]]
  for (const [at, entry] of (config.tables ?? []).entries()) {
    if (hasUserInfo(typeof entry === 'string' ? entry : entry.url))
      faults.push(`tables[${at}]: a URL with a user or a password; name them under storage`)
    if (typeof entry !== 'string') policies.push([`tables[${at}]`, entry])
  }
  for (const [path, each] of policies) {
    if (each.zorder !== undefined && each.hilbert !== undefined) faults.push(`${path}.zorder: goes without hilbert`)
    for (const [key, value] of Object.entries(each.storage ?? {})) {
      if (SECRETS.includes(key) && typeof value === 'string')
        faults.push(`${path}.storage.${key}: a secret; write { "env": "NAME" } and set that variable`)
    }
  }
  return faults
}

function hasUserInfo(url: string): boolean {
  return /^[a-z][a-z0-9+.-]*:\/\/[^/?#]*@/i.test(url)
}
