// Which tables are maintained, and how: the words of the command line and the entries of the config, patterns looked up, settings
// laid over each other. Rule: every fault is told at once; of secrets and credentials nothing is said but the name.
import { isAbsolute, resolve } from 'node:path'
import type { MaintainPolicy } from '../../compaction/index.js'
import type { Runtime } from '../../runtime.js'
import { schemeOf } from '../../storage/open.js'
import { usageError } from '../command.js'
import { durationMs, type MaintainConfig, sizeBytes, type TablePolicy } from './config.js'
import { findTables, isPattern } from './patterns.js'

/** A table to be maintained. */
export interface MaintainTarget {
  readonly url: string
  readonly policy: Omit<MaintainPolicy, 'signal' | 'onEvent'>
  readonly storage: Readonly<Record<string, string>>
}

export interface TargetOptions {
  readonly words: readonly string[]
  readonly config: MaintainConfig
  /** Folder against which the config's plain paths are resolved. */
  readonly configFolder: string
  /** What the command line says of every table. */
  readonly flags: TablePolicy
  readonly runtime: Runtime
  readonly signal: AbortSignal
}

interface Entry {
  readonly url: string
  readonly policy: TablePolicy
}

/** Finds the tables. @throws AlluviumError `INVALID_OPTIONS` for variables that are not set, storage errors of patterns */
export async function maintainTargets(options: TargetOptions): Promise<MaintainTarget[]> {
  const { words, config, configFolder, flags, runtime, signal } = options
  const entries: Entry[] = (config.tables ?? []).map((entry) => {
    const { url, ...policy } = typeof entry === 'string' ? { url: entry } : entry
    return { url: normalized(url, configFolder), policy }
  })
  for (const word of words) entries.push({ url: normalized(word, undefined), policy: {} })
  const found = new Map<string, TablePolicy>()
  for (const { url, policy } of entries) {
    const whole = { ...config.defaults, ...policy, ...flags }
    const urls = isPattern(url) ? await findTables(url, storageOptions(whole, runtime, url), signal) : [url]
    for (const each of urls) found.set(each, laid(found.get(each), policy))
  }
  return [...found].map(([url, policy]) => {
    const whole = laid(laid(config.defaults, policy), flags)
    return { url, policy: policyOf(whole, config), storage: storageOptions(whole, runtime, url) }
  })
}

/** A URL without user, password and query, for messages and logs. */
export function withoutCredentials(url: string): string {
  return url.replace(/^([a-z][a-z0-9+.-]*:\/\/)[^/?#]*@/i, '$1').replace(/[?#].*$/, (rest) => (schemeOf(url) === undefined ? rest : ''))
}

// Later settings win; steps one by one, everything else whole.
function laid(below: TablePolicy | undefined, above: TablePolicy): TablePolicy {
  const steps = { ...below?.steps, ...above.steps }
  return { ...below, ...above, ...(Object.keys(steps).length > 0 ? { steps } : {}) }
}

function normalized(url: string, folder: string | undefined): string {
  const trimmed = url.length > 1 ? url.replace(/\/+$/, '') : url
  if (schemeOf(trimmed) !== undefined) return trimmed
  return isAbsolute(trimmed) ? trimmed : resolve(folder ?? '.', trimmed)
}

function policyOf(policy: TablePolicy, { lease }: MaintainConfig): MaintainTarget['policy'] {
  const { steps = {}, targetSize, minFiles, where, zorder, hilbert, retention, forceRetention, vacuumMode } = policy
  const by = zorder ?? hilbert
  const optimize = {
    ...(targetSize === undefined ? {} : { targetSize: sizeBytes(targetSize) }),
    ...(minFiles === undefined ? {} : { minFiles }),
    ...(where === undefined ? {} : { where }),
    ...(by === undefined ? {} : { cluster: { by, curve: zorder === undefined ? ('hilbert' as const) : ('zorder' as const) } }),
  }
  const vacuum = {
    ...(retention === undefined ? {} : { retentionMs: durationMs(retention) }),
    ...(forceRetention === undefined ? {} : { forceRetention }),
    ...(vacuumMode === undefined ? {} : { mode: vacuumMode }),
  }
  return {
    optimize: steps.optimize === false ? false : optimize,
    vacuum: steps.vacuum === false ? false : vacuum,
    ...(steps.checkpoint === undefined ? {} : { checkpoint: steps.checkpoint }),
    ...(steps.cleanup === undefined ? {} : { cleanup: steps.cleanup }),
    ...(lease?.off === true ? { lease: false as const } : lease?.ttl === undefined ? {} : { lease: { ttlMs: durationMs(lease.ttl) } }),
  }
}

function storageOptions({ storage = {} }: TablePolicy, runtime: Runtime, url: string): Record<string, string> {
  const options = Object.create(null) as Record<string, string>
  const missing: string[] = []
  for (const [key, value] of Object.entries(storage)) {
    const given = typeof value === 'string' ? value : runtime.env(value.env)
    if (given === undefined) missing.push(`storage.${key}: the environment has no ${(value as { env: string }).env}`)
    else options[key] = given
  }
  if (missing.length > 0) throw usageError(`${withoutCredentials(url)}: ${missing.join('; ')}`, { faults: missing })
  return options
}
