// Which features a winner may add or drop under a commit that did not know: those that leave every valid commit valid. The list is
// that of Spark's checker; a feature that nobody here knows is a conflict.
import { describe, expect, test } from 'vitest'
import type { Protocol } from '../../../src/log/actions.js'
import { protocolObstacle } from '../../../src/log/commit/protocol-change.js'

const features = (...writerFeatures: string[]): Protocol => ({
  kind: 'protocol',
  minReaderVersion: 3,
  minWriterVersion: 7,
  readerFeatures: [],
  writerFeatures,
})
const legacy = (minWriterVersion: number): Protocol => ({ kind: 'protocol', minReaderVersion: 1, minWriterVersion })

describe('a protocol that changed under a commit', () => {
  test.each([
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
  ])('may have gained %s', (name) => {
    expect(protocolObstacle(features(), features(name))).toBeUndefined()
  })

  test.each([
    'checkConstraints',
    'generatedColumns',
    'identityColumns',
    'invariants',
    'clustering',
    'allowColumnDefaults',
    'nobodyKnowsThis',
  ])('may not have gained %s, which says what a valid commit is', (name) => {
    expect(protocolObstacle(features('appendOnly'), features('appendOnly', 'deletionVectors', name))).toEqual({
      reason: 'features were added',
      features: [name.toLowerCase()],
    })
  })

  test('may have lost nothing, whatever it gained', () => {
    expect(protocolObstacle(features('deletionVectors', 'appendOnly'), features('appendOnly', 'rowTracking'))).toEqual({
      reason: 'features were dropped',
      features: ['deletionvectors'],
    })
  })

  test('that says the same in the other form, or in other letters, did not change', () => {
    expect(protocolObstacle(legacy(2), features('appendOnly', 'invariants'))).toBeUndefined()
    expect(protocolObstacle(features('invariants', 'appendOnly'), legacy(2))).toBeUndefined()
    expect(protocolObstacle(features('rowTracking'), features('ROWTRACKING'))).toBeUndefined()
  })

  test('counts what a version of writers implies', () => {
    expect(protocolObstacle(legacy(2), legacy(3))).toEqual({ reason: 'features were added', features: ['checkconstraints'] })
  })
})
