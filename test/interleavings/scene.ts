// A pair of operations on one variant of the table: what each of its schedules begins with. Views are made anew for every
// schedule, for the library's views of one table know of each other.

import { parseCommit } from '../../src/log/commit-json.js'
import { createdView, type LogView } from '../../src/log/log-view.js'
import { BASE_VERSION, baseObjects, commitPathOf } from './base-table.js'
import type { OperationName } from './operations.js'
import type { Variant } from './variant.js'

export interface Scene {
  readonly variant: Variant
  /** What A does. */
  readonly first: OperationName
  /** What B does. */
  readonly second: OperationName
  readonly objects: ReadonlyMap<string, Uint8Array>
  /** The table at its base version, as one who has just confirmed it knows it, and unknown to any other view. */
  freshView(confirmedMs: number): LogView
}

export function sceneOf(variant: Variant, first: OperationName, second: OperationName): Scene {
  const objects = baseObjects(variant)
  const bytesOf = (version: number): Uint8Array => objects.get(commitPathOf(version)) as Uint8Array
  let before = createdView(parseCommit(bytesOf(0), { version: 0, path: commitPathOf(0) }), 1)
  for (let version = 1; version < BASE_VERSION; version++) before = before.applyCommit(version, bytesOf(version), 1)
  // Another commit takes the place of the newest view, so that applying the real one makes a lineage of its own each time.
  before.applyCommit(BASE_VERSION, new TextEncoder().encode('{"commitInfo":{}}\n'), 1)
  return {
    variant,
    first,
    second,
    objects,
    freshView: (confirmedMs) => {
      const view = before.applyCommit(BASE_VERSION, bytesOf(BASE_VERSION), 1_800_000_000_000)
      view.shared.confirmedMs = confirmedMs
      return view
    },
  }
}
