// Version checksum files (PROTOCOL.md, "Version Checksum File"): what a writer said a version amounts to. They are
// extra: whatever is wrong with one is an answer here, never an error of the reading.
import { decodeUtf8Strict } from '../bytes.js'
import { isAlluviumError } from '../errors.js'
import { isJsonObject, type JsonObject, type JsonValue, parseJson } from '../json.js'
import type { Storage } from '../storage/storage.js'
import type { Action, DomainMetadata, Metadata, Protocol, Txn } from './actions.js'
import { checksumPath } from './file-names.js'
import { ActionFault, actionOf } from './parse-action.js'

/** How a version compares with its checksum file. `detail` says what differs, or why the file could not be read. */
export interface ChecksumReport {
  readonly state: 'absent' | 'valid' | 'mismatch' | 'unreadable'
  readonly detail?: string
}

/** What a checksum file says; a member it lacks, or an optional one that makes no sense, is undefined. */
export interface Checksum {
  readonly numFiles: number | bigint
  readonly tableSizeBytes: number | bigint
  readonly numMetadata: JsonValue | undefined
  readonly numProtocol: JsonValue | undefined
  readonly metadata: Metadata | undefined
  readonly protocol: Protocol | undefined
  readonly txns: readonly Txn[] | undefined
  readonly domains: readonly DomainMetadata[] | undefined
}

/** What a checksum is compared with. */
export interface ChecksumSubject {
  readonly version: number
  readonly protocol: Protocol
  readonly metadata: Metadata
  readonly files: { readonly numFiles: number; readonly sizeBytes: number }
  readonly txns: ReadonlyMap<string, Txn>
  readonly domains: ReadonlyMap<string, DomainMetadata>
}

/** A file may list the table's files; a larger one is not worth its reading. */
const MAX_BYTES = 2 ** 24
const MAX_CONTAINERS = 500_000

/** The checksum of a version; a text that says why where it cannot be read; `undefined` where it is not there. @throws AlluviumError `ABORTED` */
export async function readChecksum(
  storage: Storage,
  version: number,
  signal: AbortSignal | undefined,
): Promise<Checksum | string | undefined> {
  let bytes: Uint8Array | undefined
  try {
    bytes = await storage.readRange(checksumPath(version), 0, MAX_BYTES + 1, { signal })
  } catch (error) {
    if (isAlluviumError(error) && error.code !== 'ABORTED') return error.message
    throw error
  }
  if (bytes === undefined) return undefined
  return bytes.length > MAX_BYTES ? `it has more than ${MAX_BYTES} bytes` : parseChecksum(bytes)
}

/** What a checksum file says, or a text that says why it cannot be read. */
export function parseChecksum(bytes: Uint8Array): Checksum | string {
  const text = decodeUtf8Strict(bytes)
  if (text === undefined) return 'it is not valid UTF-8'
  try {
    const json = parseJson(text, MAX_CONTAINERS)
    return isJsonObject(json) ? checksumOf(json) : 'it is no JSON object'
  } catch (error) {
    if (error instanceof ActionFault || isAlluviumError(error, 'INVALID_ROW')) return error.message
    throw error
  }
}

/** Compares a version with its checksum file. @throws AlluviumError `ABORTED` */
export async function verifyChecksum(subject: ChecksumSubject, storage: Storage, signal: AbortSignal | undefined): Promise<ChecksumReport> {
  const checksum = await readChecksum(storage, subject.version, signal)
  if (checksum === undefined) return { state: 'absent' }
  if (typeof checksum === 'string') return { state: 'unreadable', detail: checksum }
  const differences = compare(subject, checksum)
  return differences.length === 0 ? { state: 'valid' } : { state: 'mismatch', detail: differences.join('; ') }
}

function checksumOf(json: JsonObject): Checksum {
  const { metadata, protocol } = json
  return {
    numFiles: amount(json, 'numFiles'),
    tableSizeBytes: amount(json, 'tableSizeBytes'),
    numMetadata: json.numMetadata,
    numProtocol: json.numProtocol,
    metadata: present(metadata) ? (actionOf('metaData', metadata) as Metadata) : undefined,
    protocol: present(protocol) ? (actionOf('protocol', protocol) as Protocol) : undefined,
    txns: listOf<Txn>('txn', json.setTransactions),
    domains: listOf<DomainMetadata>('domainMetadata', json.domainMetadata),
  }
}

function present(value: JsonValue | undefined): value is Exclude<JsonValue, null> {
  return value !== undefined && value !== null
}

function amount(json: JsonObject, name: string): number | bigint {
  const value = json[name]
  if (typeof value === 'bigint' || (typeof value === 'number' && Number.isSafeInteger(value))) return value
  throw new ActionFault(present(value) ? `its ${name} is no integer` : `it has no ${name}`)
}

function listOf<T extends Action>(kind: string, value: JsonValue | undefined): T[] | undefined {
  if (!Array.isArray(value)) return undefined
  try {
    return value.map((item) => actionOf(kind, item) as T)
  } catch (error) {
    if (error instanceof ActionFault) return undefined
    throw error
  }
}

function compare(subject: ChecksumSubject, checksum: Checksum): string[] {
  const { files, protocol, metadata } = subject
  const differences: string[] = []
  const differ = (name: string, said: unknown, found: unknown): void => {
    differences.push(`${name} is ${found}, the checksum says ${said}`)
  }
  if (Number(checksum.numFiles) !== files.numFiles) differ('numFiles', checksum.numFiles, files.numFiles)
  // Sums beyond 2^53 are rounded on both sides.
  if (Number(checksum.tableSizeBytes) !== files.sizeBytes) differ('tableSizeBytes', checksum.tableSizeBytes, files.sizeBytes)
  for (const name of ['numMetadata', 'numProtocol'] as const) {
    const said = checksum[name]
    if (present(said) && said !== 1) differ(name, typeof said === 'object' ? 'something else' : said, 1)
  }
  if (checksum.protocol !== undefined && !sameProtocol(checksum.protocol, protocol)) differences.push('the protocol differs')
  const member = checksum.metadata === undefined ? undefined : differingMember(checksum.metadata, metadata)
  if (member !== undefined) differences.push(`metaData.${member} differs`)
  differences.push(...differingTxns(subject, checksum), ...differingDomains(subject, checksum))
  return differences
}

function sameProtocol(a: Protocol, b: Protocol): boolean {
  const sorted = (names: readonly string[] | undefined): string => JSON.stringify([...new Set(names)].sort())
  return (
    a.minReaderVersion === b.minReaderVersion &&
    a.minWriterVersion === b.minWriterVersion &&
    sorted(a.readerFeatures) === sorted(b.readerFeatures) &&
    sorted(a.writerFeatures) === sorted(b.writerFeatures)
  )
}

const METADATA_MEMBERS = [
  'id',
  'name',
  'description',
  'format',
  'partitionColumns',
  'configuration',
  'createdTime',
  'schemaString',
] as const

function differingMember(a: Metadata, b: Metadata): string | undefined {
  return METADATA_MEMBERS.find((name) => {
    if (name === 'schemaString') return !sameSchemaText(a.schemaString, b.schemaString)
    return canonical(a[name]) !== canonical(b[name])
  })
}

// One schema may be printed in two ways.
function sameSchemaText(a: string, b: string): boolean {
  if (a === b) return true
  try {
    return canonical(parseJson(a, MAX_CONTAINERS)) === canonical(parseJson(b, MAX_CONTAINERS))
  } catch {
    return false
  }
}

/** A text that is the same for the same value, whatever the order of members. */
function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join()}]`
  if (typeof value !== 'object' || value === null) return typeof value === 'bigint' ? String(value) : (JSON.stringify(value) ?? '')
  const members = Object.entries(value).map(([key, member]) => `${JSON.stringify(key)}:${canonical(member)}`)
  return `{${members.sort().join()}}`
}

// A checksum may leave out transactions that have expired; those it has must be right.
function differingTxns({ txns }: ChecksumSubject, checksum: Checksum): string[] {
  const wrong = (checksum.txns ?? []).filter(({ appId, version }) => txns.get(appId)?.version !== version)
  return wrong.length === 0 ? [] : [`the position of ${wrong.map(({ appId }) => JSON.stringify(appId)).join(', ')} differs`]
}

function differingDomains({ domains }: ChecksumSubject, checksum: Checksum): string[] {
  if (checksum.domains === undefined) return []
  const said = new Map(checksum.domains.filter(({ removed }) => !removed).map((domain) => [domain.domain, domain.configuration]))
  const names = new Set([...said.keys(), ...domains.keys()])
  const wrong = [...names].filter((name) => said.get(name) !== domains.get(name)?.configuration)
  return wrong.length === 0 ? [] : [`the domain metadata of ${wrong.map((name) => JSON.stringify(name)).join(', ')} differs`]
}
