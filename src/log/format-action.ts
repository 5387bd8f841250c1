// Actions to JSON, the counterpart of parse-action.ts. Member order is that of the protocol's tables; unknown fields
// follow the known ones, so that nothing another writer said is lost on the way through.
import { formatJson, type JsonValue } from '../json.js'
import type { Action, DeletionVectorDescriptor } from './actions.js'

/** One action as one line of JSON, without a line end. */
export function formatAction(action: Action): string {
  return `{${JSON.stringify(nameOf(action))}:${formatJson(bodyOf(action))}}`
}

function nameOf(action: Action): string {
  return action.kind === 'unknown' ? action.name : action.kind
}

function bodyOf(action: Action): unknown {
  switch (action.kind) {
    case 'commitInfo':
      return action.info
    case 'unknown':
      return action.value
    case 'metaData': {
      const { kind: _kind, unknown, ...known } = action
      // An empty schemaString stands for an absent one.
      return flat({ ...known, schemaString: action.schemaString === '' ? undefined : action.schemaString }, unknown)
    }
    case 'add':
    case 'remove': {
      const { kind: _kind, unknown, deletionVector, ...known } = action
      return flat({ ...known, deletionVector: deletionVector && vectorValue(deletionVector) }, unknown)
    }
    default: {
      const { kind: _kind, unknown, ...known } = action
      return flat(known, unknown)
    }
  }
}

function vectorValue(vector: DeletionVectorDescriptor): unknown {
  const { unknown, ...known } = vector
  return flat(known, unknown)
}

function flat(known: object, unknown: Readonly<Record<string, JsonValue>> | undefined): object {
  if (unknown === undefined) return known
  const result = Object.create(null) as Record<string, unknown>
  for (const [key, value] of Object.entries(known)) result[key] = value
  for (const [key, value] of Object.entries(unknown)) if (result[key] === undefined) result[key] = value
  return result
}
