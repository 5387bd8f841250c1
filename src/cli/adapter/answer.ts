// Answers one request of the conformance protocol (spec/README.md). Every failure is an answer with a code.
import { canonicalLines } from '../../arrow/index.js'
import { AlluviumError, isAlluviumError } from '../../errors.js'
import { formatJson, isJsonObject, type JsonObject, type JsonValue, parseJson } from '../../json.js'
import { parseSchema, type StructType, typeName } from '../../schema/index.js'
import { type AppendResult, createTable, openTable, type Scan, type Snapshot } from '../../table/index.js'
import { VERSION } from '../../version.js'
import { rowOfCanonical } from './canonical-input.js'

interface Request {
  readonly fields: JsonObject
  readonly path: string
  readonly signal: AbortSignal
}

type Operation = (request: Request) => Promise<string>

const OPERATIONS: Readonly<Record<string, Operation>> = {
  read: readRows,
  changes: readChanges,
  info: describeTable,
  create: makeTable,
  append: (request) => writeRows(request, 'append'),
  overwrite: (request) => writeRows(request, 'overwrite'),
  setProperties: changeProperties,
}

/**
 * The answer to a request line, as a line: `{"id":…,"ok":true,…}` or `{"id":…,"ok":false,"code":…,"message":…}`. Never throws.
 * An operation that there is none of here has the code `UNSUPPORTED`.
 */
export async function answerRequest(line: string, signal: AbortSignal): Promise<string> {
  let id: JsonValue = null
  try {
    const fields = parseJson(line)
    if (!isJsonObject(fields)) throw invalid('a request must be a JSON object')
    id = fields.id ?? null
    // Rows are JSON text already and go into the answer as they are.
    return `{"id":${formatJson(id)},"ok":true,${await perform(fields, signal)}}`
  } catch (error) {
    const code = isAlluviumError(error) ? error.code : error instanceof UnknownOperation ? 'UNSUPPORTED' : 'INTERNAL'
    return formatJson({ id, ok: false, code, message: error instanceof Error ? error.message : String(error) })
  }
}

class UnknownOperation extends Error {}

async function perform(fields: JsonObject, signal: AbortSignal): Promise<string> {
  const { op, path } = fields
  if (op === 'hello') return `"engine":"alluvium","version":${formatJson(VERSION)},"codes":true`
  const operation = typeof op === 'string' && Object.hasOwn(OPERATIONS, op) ? OPERATIONS[op] : undefined
  if (operation === undefined) {
    throw new UnknownOperation(`no operation ${formatJson(op ?? null)} here; there are hello, ${Object.keys(OPERATIONS).join(', ')}`)
  }
  if (typeof path !== 'string') throw invalid('a request needs a path')
  return operation({ fields, path, signal })
}

async function readRows({ fields, path, signal }: Request): Promise<string> {
  const snapshot = await snapshotOf(path, fields, signal)
  const where = optional(fields, 'where', isText)
  const columns = optional(fields, 'columns', isTexts)
  const rowIds = optional(fields, 'rowIds', isTrueOrFalse) === true
  const scan = snapshot.scan({ signal, rowIds, ...(where === undefined ? {} : { where }), ...(columns === undefined ? {} : { columns }) })
  return `${headOf(snapshot)},"rows":[${(await linesOf(scan)).join(',')}]`
}

// The commit's time is no part of it: it depends on where the table lies.
async function readChanges({ fields, path, signal }: Request): Promise<string> {
  const to = optional(fields, 'to', isNumber)
  const changes = (await openTable(path, { signal, ...(to === undefined ? {} : { version: to }) })).changes({
    from: required(fields, 'from', isNumber),
    ...(to === undefined ? {} : { to }),
    signal,
  })
  const plan = await changes.plan()
  const output: StructType = { type: 'struct', fields: plan.output.fields.filter(({ name }) => name !== '_commit_timestamp') }
  const lines: string[] = []
  for await (const batch of changes.batches()) for (const line of canonicalLines(batch, output)) lines.push(line)
  return `"version":${plan.to},"columns":${columnsOf(output)},"rows":[${lines.join(',')}]`
}

async function describeTable({ fields, path, signal }: Request): Promise<string> {
  const snapshot = await snapshotOf(path, fields, signal)
  const { minReaderVersion, minWriterVersion, readerFeatures = null, writerFeatures = null } = snapshot.protocol
  const protocol = formatJson({ minReaderVersion, minWriterVersion, readerFeatures, writerFeatures })
  return `${headOf(snapshot)},"numFiles":${snapshot.numFiles},"sizeBytes":${snapshot.sizeBytes},"protocol":${protocol}`
}

async function makeTable({ fields, path, signal }: Request): Promise<string> {
  const partitionBy = optional(fields, 'partitionBy', isTexts)
  const properties = optional(fields, 'properties', isTextMap)
  const table = await createTable(path, {
    schema: parseSchema(formatJson(required(fields, 'schema', isJsonObject))),
    ...(partitionBy === undefined ? {} : { partitionBy }),
    ...(properties === undefined ? {} : { properties }),
    signal,
  })
  return headOf(await table.snapshot({ signal }))
}

async function writeRows({ fields, path, signal }: Request, how: 'append' | 'overwrite'): Promise<string> {
  const table = await openTable(path, { signal })
  const rows = required(fields, 'rows', isObjects).map((row) => rowOfCanonical(row, table.schema))
  const txn = optional(fields, 'txn', isTxn)
  const options = { signal, ...(txn === undefined ? {} : { txn: { appId: txn.appId, version: txn.version } }) }
  const { version, committed, skipped }: AppendResult = await table[how](rows, options)
  return `"version":${version},"committed":${committed},"skipped":${skipped}`
}

async function changeProperties({ fields, path, signal }: Request): Promise<string> {
  const table = await openTable(path, { signal })
  const unset = optional(fields, 'unset', isTexts)
  const { version } = await table.setProperties(optional(fields, 'set', isTextMap) ?? {}, {
    signal,
    ...(unset === undefined ? {} : { unset }),
  })
  return `"version":${version}`
}

// Opened at the version asked for: what became of later ones does not matter.
async function snapshotOf(path: string, fields: JsonObject, signal: AbortSignal): Promise<Snapshot> {
  const version = optional(fields, 'version', isNumber)
  const timestamp = optional(fields, 'timestamp', isText)
  const allowedPaths = optional(fields, 'allowedPaths', isTexts) ?? []
  const point = { signal, allowedPaths, ...(version === undefined ? {} : { version }), ...(timestamp === undefined ? {} : { timestamp }) }
  return (await openTable(path, point)).snapshot(point)
}

async function linesOf(scan: Scan): Promise<string[]> {
  const { output } = await scan.plan()
  const lines: string[] = []
  for await (const batch of scan.batches()) for (const line of canonicalLines(batch, output)) lines.push(line)
  return lines
}

function headOf(snapshot: Snapshot<unknown>): string {
  return `"version":${snapshot.version},"columns":${columnsOf(snapshot.schema)}`
}

function columnsOf(schema: StructType): string {
  return formatJson(schema.fields.map(({ name, dataType, nullable }) => ({ name, type: typeName(dataType), nullable })))
}

// A field of a request; null is as good as absent.
function optional<T extends JsonValue>(fields: JsonObject, name: string, is: (value: JsonValue) => value is T): T | undefined {
  const value = fields[name]
  if (value === undefined || value === null) return undefined
  if (!is(value)) throw invalid(`${name} has the wrong type in the request`)
  return value
}

function required<T extends JsonValue>(fields: JsonObject, name: string, is: (value: JsonValue) => value is T): T {
  const value = optional(fields, name, is)
  if (value === undefined) throw invalid(`the request needs ${name}`)
  return value
}

const isText = (value: JsonValue): value is string => typeof value === 'string'
const isTrueOrFalse = (value: JsonValue): value is boolean => typeof value === 'boolean'
const isNumber = (value: JsonValue): value is number => typeof value === 'number'
const isTexts = (value: JsonValue): value is string[] => Array.isArray(value) && value.every(isText)
const isObjects = (value: JsonValue): value is JsonObject[] => Array.isArray(value) && value.every(isJsonObject)
const isTextMap = (value: JsonValue): value is Record<string, string> => isJsonObject(value) && Object.values(value).every(isText)
const isTxn = (value: JsonValue): value is { appId: string; version: number } =>
  isJsonObject(value) && typeof value.appId === 'string' && typeof value.version === 'number'

function invalid(message: string): AlluviumError {
  return new AlluviumError('INVALID_OPTIONS', message)
}
