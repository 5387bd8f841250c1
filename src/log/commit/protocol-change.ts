// Which changes of the protocol leave a commit valid that was made without knowing of them. Pure.
import type { ErrorFacts } from '../../errors.js'
import type { Protocol } from '../actions.js'
import { featuresOf } from '../features.js'

// A feature added by a winner that changes what a valid commit is must stop the commits that did not know of it.
// These do not: a commit made without them stays valid. Anything not listed, known or not, is a conflict.
const HARMLESS_WHEN_ADDED: ReadonlySet<string> = new Set(
  [
    'appendOnly',
    'changeDataFeed',
    'columnMapping',
    'timestampNtz',
    'deletionVectors',
    'rowTracking',
    'domainMetadata',
    'icebergCompatV1',
    'icebergCompatV2',
    'icebergCompatV3',
    'v2Checkpoint',
    'catalogManaged',
    'typeWidening',
    'inCommitTimestamp',
    'vacuumProtocolCheck',
  ].map((name) => name.toLowerCase()),
)

/** Why a commit made under `before` cannot stand under `after`, with the features in its way; undefined where it can. */
export function protocolObstacle(before: Protocol, after: Protocol): ErrorFacts | undefined {
  const was = namesOf(before)
  const is = namesOf(after)
  const dropped = [...was].filter((name) => !is.has(name))
  if (dropped.length > 0) return { reason: 'features were dropped', features: dropped }
  const added = [...is].filter((name) => !was.has(name) && !HARMLESS_WHEN_ADDED.has(name))
  return added.length > 0 ? { reason: 'features were added', features: added } : undefined
}

// Every feature a protocol requires, listed or implied, in lower case.
function namesOf(protocol: Protocol): Set<string> {
  return new Set(featuresOf(protocol).writer.map((name) => name.toLowerCase()))
}
