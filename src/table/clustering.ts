// The columns a table is clustered by (PROTOCOL.md, "Clustered Table"). The log has them as physical names, as texts in the
// protocol's own example and as paths wherever engines write them; callers get the names of the table.
import { AlluviumError } from '../errors.js'
import { isJsonObject, type JsonValue, parseJson } from '../json.js'
import { columnMappingMode, type LogView } from '../log/index.js'
import type { DataType, Field } from '../schema/index.js'
import { nameInFiles } from './change-schema.js'

const DOMAIN = 'delta.clustering'

/**
 * The clustering columns as paths of names; none where the table is not clustered. A column that the schema does not have
 * keeps the name it has in the log.
 * @throws AlluviumError `CORRUPT_LOG` where the domain's metadata is of no known form
 */
export function clusteringColumns(view: LogView): readonly (readonly string[])[] {
  const domain = view.domains.get(DOMAIN)
  if (domain === undefined) return []
  const mode = columnMappingMode(view.protocol, view.metadata)
  return columnsOf(domain.configuration).map((path) => {
    let type: DataType | undefined = view.schema
    return path.map((physical) => {
      const fields: readonly Field[] = type?.type === 'struct' ? type.fields : []
      const field = fields.find((candidate) => nameInFiles(candidate, mode) === physical)
      type = field?.dataType
      return field?.name ?? physical
    })
  })
}

function columnsOf(configuration: string): string[][] {
  let parsed: JsonValue | undefined
  try {
    parsed = parseJson(configuration)
  } catch {
    // Said below.
  }
  const columns = isJsonObject(parsed) ? parsed.clusteringColumns : undefined
  const paths = Array.isArray(columns) ? columns.map((column) => (Array.isArray(column) ? column : [column])) : undefined
  if (paths?.every((path): path is string[] => path.length > 0 && path.every((name) => typeof name === 'string')) === true)
    return paths as string[][]
  throw new AlluviumError('CORRUPT_LOG', `the domain metadata ${DOMAIN} does not list clustering columns: ${configuration.slice(0, 200)}`, {
    domain: DOMAIN,
  })
}
