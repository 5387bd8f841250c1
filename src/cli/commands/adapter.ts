// adapter: answers requests as JSON lines on stdin, one a line on stdout: how a conformance runner drives an engine.
import { createInterface } from 'node:readline'
import { canonicalLines } from '../../arrow/index.js'
import { AlluviumError, isAlluviumError } from '../../errors.js'
import { formatJson, isJsonObject, type JsonObject, type JsonValue, parseJson } from '../../json.js'
import { typeName } from '../../schema/index.js'
import { openTable, type Snapshot } from '../../table/index.js'
import type { Command } from '../command.js'

export const adapter: Command = {
  name: 'adapter',
  usage: '',
  summary: 'answer conformance requests (JSON lines on stdin and stdout)',
  description: 'Requests: {"id":1,"op":"read","path":"/table","version":null} and {"id":2,"op":"info","path":"/table"}.',
  options: {},
  examples: [`echo '{"id":1,"op":"info","path":"./events"}' | alluvium adapter`],
  positionals: [0, 0],
  run: async ({ output, signal }) => {
    for await (const line of createInterface({ input: process.stdin })) {
      if (line.trim() === '') continue
      await output.line(await answer(line, signal))
      await output.flush()
    }
  },
}

// A row that is already JSON text goes into the answer as it is.
async function answer(line: string, signal: AbortSignal): Promise<string> {
  let id: JsonValue = null
  try {
    const request = parseJson(line)
    if (!isJsonObject(request)) throw new AlluviumError('INVALID_OPTIONS', 'a request must be a JSON object')
    id = request.id ?? null
    return `{"id":${formatJson(id)},"ok":true,${await perform(request, signal)}}`
  } catch (error) {
    const code = isAlluviumError(error) ? error.code : 'INTERNAL'
    return formatJson({ id, ok: false, code, message: error instanceof Error ? error.message : String(error) })
  }
}

async function perform(request: JsonObject, signal: AbortSignal): Promise<string> {
  const { op, path, version } = request
  if (typeof path !== 'string') throw new AlluviumError('INVALID_OPTIONS', 'a request needs a path')
  if (version !== undefined && version !== null && typeof version !== 'number')
    throw new AlluviumError('INVALID_OPTIONS', 'version must be a number or null')
  if (op !== 'read' && op !== 'info') throw new AlluviumError('INVALID_OPTIONS', `unknown operation ${formatJson(op)}; known: read, info`)
  const table = await openTable(path, { signal })
  const snapshot = await table.snapshot({ ...(typeof version === 'number' ? { version } : {}), signal })
  const head = `"version":${snapshot.version},"columns":${columnsOf(snapshot)}`
  if (op === 'info') {
    const { minReaderVersion, minWriterVersion, readerFeatures = null, writerFeatures = null } = snapshot.protocol
    const protocol = formatJson({ minReaderVersion, minWriterVersion, readerFeatures, writerFeatures })
    return `${head},"numFiles":${snapshot.numFiles},"sizeBytes":${snapshot.sizeBytes},"protocol":${protocol}`
  }
  const lines: string[] = []
  for await (const batch of snapshot.scan({ signal }).batches()) for (const row of canonicalLines(batch, snapshot.schema)) lines.push(row)
  return `${head},"rows":[${lines.join(',')}]`
}

function columnsOf(snapshot: Snapshot): string {
  return formatJson(snapshot.schema.fields.map(({ name, dataType, nullable }) => ({ name, type: typeName(dataType), nullable })))
}
