// The `delta.*` properties of a table: which exist, what their texts mean, what may be set by hand.
// One rule: what a table already has is kept whatever it is; what somebody sets must be known and sound.
import { AlluviumError } from '../errors.js'
import { KNOWN_PROPERTIES, type PropertyValues } from './property-list.js'
import type { Parsed } from './property-values.js'

/** `metaData.configuration`, as it stands in the log. */
export type TablePropertyMap = Readonly<Record<string, string>>

/** Settings of `delta.minReaderVersion`, `delta.minWriterVersion` and `delta.feature.*`: wishes for the protocol, never stored. */
export interface ProtocolOverrides {
  readonly minReaderVersion?: number
  readonly minWriterVersion?: number
  readonly features: readonly string[]
}

/** Properties that passed {@link checkPropertiesAndProtocol}. */
export interface CheckedProperties {
  /** To be stored, with keys in their normal spelling. */
  readonly configuration: Record<string, string>
  readonly protocol: ProtocolOverrides
}

/**
 * The typed values of a table's properties, defaults where absent. Each is read when asked for, so a malformed property stops only
 * what needs it.
 * @throws AlluviumError `INVALID_OPTIONS`, from the getters, naming the property and what is allowed.
 *
 * @example tableProperties(metadata.configuration).checkpointInterval // 10
 */
export function tableProperties(configuration: TablePropertyMap): PropertyValues {
  return new ReadProperties(configuration) as unknown as PropertyValues
}

/**
 * Checks properties that somebody sets: `delta.*` keys in any case, values by their kind; other keys are free.
 * Answers them with keys in their normal spelling, ready to be stored.
 * @throws AlluviumError `INVALID_OPTIONS` listing every unknown key, malformed value and property that is not set by hand.
 */
export function checkProperties(properties: TablePropertyMap): Record<string, string> {
  const { configuration, protocol } = checkPropertiesAndProtocol(properties)
  const wishes = Object.keys(properties).filter((key) => !Object.hasOwn(configuration, normalizePropertyKey(key)))
  if (wishes.length === 0) return configuration
  const faults = wishes.map((key) => `${key} is no property of the table but a wish for its protocol, which cannot be changed here`)
  throw refusal(faults, protocol.features)
}

/**
 * {@link checkProperties} where the protocol can be chosen too: `delta.minReaderVersion`, `delta.minWriterVersion` and `delta.feature.*` are
 * taken out, because they are never stored.
 * @throws AlluviumError `INVALID_OPTIONS` as {@link checkProperties}.
 */
export function checkPropertiesAndProtocol(properties: TablePropertyMap): CheckedProperties {
  const configuration: Record<string, string> = Object.create(null) as Record<string, string>
  const features: string[] = []
  const versions: { minReaderVersion?: number; minWriterVersion?: number } = {}
  const faults: string[] = []
  for (const [given, value] of Object.entries(properties)) {
    const key = normalizePropertyKey(given)
    const override = PROTOCOL_VERSION.exec(key)
    if (typeof value !== 'string') faults.push(`${given}: the value must be a text`)
    else if (override !== null) {
      if (/^\d{1,3}$/.test(value)) versions[override[1] as 'minReaderVersion' | 'minWriterVersion'] = Number(value)
      else faults.push(`${key} = '${value}': must be a version number`)
    } else if (key.startsWith(FEATURE)) {
      if (/^(supported|enabled)$/i.test(value)) features.push(key.slice(FEATURE.length))
      else faults.push(`${key} = '${value}': must be 'supported'`)
    } else if (key in configuration) faults.push(`${key} is given twice`)
    else {
      const fault = settingFault(key, value)
      if (fault === undefined) configuration[key] = value
      else faults.push(fault)
    }
  }
  if (faults.length > 0)
    throw new AlluviumError('INVALID_OPTIONS', `these table properties cannot be set: ${faults.join('; ')}`, { faults })
  return { configuration, protocol: { ...versions, features } }
}

/** The normal spelling of a property key: `Delta.APPENDONLY` to `delta.appendOnly`. Keys outside `delta.` stay as they are. */
export function normalizePropertyKey(key: string): string {
  const lower = key.toLowerCase()
  if (!lower.startsWith(PREFIX)) return key
  const known = CANONICAL.get(lower)
  if (known !== undefined) return known
  for (const prefix of [FEATURE, CONSTRAINTS]) if (lower.startsWith(prefix)) return prefix + key.slice(prefix.length)
  return key
}

/** The table features that these properties switch on (`delta.enableDeletionVectors = true` needs `deletionVectors`), by name. */
export function featuresOfProperties(configuration: TablePropertyMap): string[] {
  const features: string[] = []
  for (const property of KNOWN_PROPERTIES) {
    const text = configuration[property.key]
    if (text === undefined || property.feature === undefined) continue
    if (property.feature.when(text.trim().toLowerCase())) features.push(property.feature.name)
  }
  return features
}

const PREFIX = 'delta.'
const FEATURE = 'delta.feature.'
const CONSTRAINTS = 'delta.constraints.'
const PROTOCOL_VERSION = /^delta\.(minReaderVersion|minWriterVersion)$/
const CANONICAL: ReadonlyMap<string, string> = new Map(
  [...KNOWN_PROPERTIES.map((property) => property.key), 'delta.minReaderVersion', 'delta.minWriterVersion'].map((key) => [
    key.toLowerCase(),
    key,
  ]),
)
const BY_KEY: ReadonlyMap<string, (typeof KNOWN_PROPERTIES)[number]> = new Map(KNOWN_PROPERTIES.map((property) => [property.key, property]))

class ReadProperties {
  private readonly configuration: TablePropertyMap
  constructor(configuration: TablePropertyMap) {
    this.configuration = configuration
  }

  static {
    for (const property of KNOWN_PROPERTIES) {
      Object.defineProperty(ReadProperties.prototype, property.name, {
        enumerable: true,
        get(this: ReadProperties): unknown {
          return this.read(property.key, property.parse, property.fallback)
        },
      })
    }
  }

  private read(key: string, parse: (text: string) => Parsed<unknown>, fallback: unknown): unknown {
    const text = Object.hasOwn(this.configuration, key) ? this.configuration[key] : undefined
    if (typeof text !== 'string') return fallback
    const parsed = parse(text)
    if ('value' in parsed) return parsed.value
    throw new AlluviumError('INVALID_OPTIONS', `the table property ${key} = '${text}' ${parsed.fault}; set or unset it`, {
      property: key,
      value: text,
    })
  }
}

function refusal(faults: readonly string[], features: readonly string[]): AlluviumError {
  const facts = features.length === 0 ? { faults } : { faults, features }
  return new AlluviumError('INVALID_OPTIONS', `these table properties cannot be set: ${faults.join('; ')}`, facts)
}

function settingFault(key: string, value: string): string | undefined {
  if (!key.toLowerCase().startsWith(PREFIX)) return undefined
  if (key.startsWith(CONSTRAINTS)) return `${key}: constraints are not set as properties, because existing rows must be checked first`
  const property = BY_KEY.get(key)
  if (property === undefined) return `${key} is no known property${suggestion(key)}`
  if (property.keptByWriters) return `${key} is kept by the writers of the table and not set by hand`
  const parsed = property.parse(value)
  return 'fault' in parsed ? `${key} = '${value}' ${parsed.fault}` : undefined
}

function suggestion(key: string): string {
  let best = ''
  let least = 5
  for (const { key: candidate } of KNOWN_PROPERTIES) {
    const distance = editDistance(key.toLowerCase().slice(0, 100), candidate.toLowerCase())
    if (distance < least) {
      least = distance
      best = candidate
    }
  }
  return best === '' ? '' : ` (did you mean ${best}?)`
}

function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const replace = (row[j - 1] as number) + (a[i - 1] === b[j - 1] ? 0 : 1)
      next[j] = Math.min(replace, (row[j] as number) + 1, (next[j - 1] as number) + 1)
    }
    row = next
  }
  return row[b.length] as number
}
