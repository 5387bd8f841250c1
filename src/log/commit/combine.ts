// What several logical commits say as one: the actions of all, and a commitInfo that is true of all of them. Pure.
// One rule: what the members do not agree on is said of each for itself, never of the commit.
import { type JsonObject, type JsonValue, jsonObject } from '../../json.js'
import type { LogView } from '../log-view.js'
import { encodeParameters } from './commit-info.js'
import type { CommitContents } from './plan.js'
import type { CommitRequest } from './request.js'

/** A logical commit that can share: it stands on a snapshot. */
export type SharedRequest = CommitRequest & { readonly base: LogView }

/** The contents of a commit that holds all of these, in their order. One of them alone is itself. */
export function combine(requests: readonly SharedRequest[]): CommitContents {
  const [first] = requests as readonly [SharedRequest]
  if (requests.length === 1) return { ...first, readVersion: first.base.version }
  const parameters = requests.map((request) => encodeParameters(request.operationParameters))
  const metrics = requests.map((request) => request.operationMetrics ?? {})
  const total = addMetrics(metrics)
  return {
    operation: first.operation,
    operationParameters: agreed(parameters),
    ...(total === undefined ? {} : { operationMetrics: total }),
    ...(first.userMetadata === undefined ? {} : { userMetadata: first.userMetadata }),
    ...(first.isolation === undefined ? {} : { isolation: first.isolation }),
    actions: requests.flatMap(({ actions }) => actions),
    readSet: { appIds: requests.flatMap(({ readSet }) => readSet.appIds) },
    // The commit as a whole is only true of the oldest state that one of them has read.
    readVersion: Math.min(...requests.map(({ base }) => base.version)),
    logicalCommits: requests.map((request, i) => describeOne(request, parameters[i] as JsonObject)),
  }
}

function describeOne({ base, actions, operationMetrics }: SharedRequest, parameters: JsonObject): JsonObject {
  const one = jsonObject()
  one.readVersion = base.version
  one.operationParameters = parameters
  if (operationMetrics !== undefined) one.operationMetrics = Object.assign(jsonObject(), operationMetrics)
  // Its lines in the commit: so many, after those of the ones before it.
  one.actions = actions.length
  return one
}

// The parameters that all have, with one value.
function agreed(all: readonly JsonObject[]): Record<string, JsonValue> {
  const common = Object.create(null) as Record<string, JsonValue>
  for (const [name, value] of Object.entries(all[0] as JsonObject))
    if (all.every((parameters) => Object.hasOwn(parameters, name) && parameters[name] === value)) common[name] = value
  return common
}

/** Metrics are counts: they are added up. A metric that somebody does not count is left to those who do. */
export function addMetrics(all: readonly Readonly<Record<string, string>>[]): Record<string, string> | undefined {
  const totals = Object.create(null) as Record<string, string>
  const counted = (name: string): boolean =>
    all.every((metrics) => Object.hasOwn(metrics, name) && /^\d{1,30}$/.test(metrics[name] as string))
  for (const name of Object.keys(all[0] ?? {})) {
    if (counted(name)) totals[name] = all.reduce((sum, metrics) => sum + BigInt(metrics[name] as string), 0n).toString()
  }
  return Object.keys(totals).length === 0 ? undefined : totals
}
