// Mutation tests of the modules that decide what is committed and what a table holds: `npm run mutation`, or of some modules
// `npm run mutation -- --mutate src/log/commit/conflict.ts`. Slow by nature; not part of `npm test`.

/** @type {import('@stryker-mutator/api/core').PartialStrykerOptions} */
export default {
  testRunner: 'vitest',
  plugins: ['@stryker-mutator/vitest-runner'],
  vitest: { configFile: 'vitest.mutation.config.ts', related: false },
  // The compiler has no programming interface that Stryker could rewrite this file with; the tests do not need it.
  tsconfigFile: 'none.json',
  coverageAnalysis: 'perTest',
  concurrency: 1,
  timeoutMS: 4000,
  tempDirName: '.run/stryker',
  ignorePatterns: ['/dist', '/bench', '/docs', '/examples', '/.run', '/spec'],
  reporters: ['clear-text', 'json', 'progress-append-only'],
  clearTextReporter: { allowColor: false, logTests: false, reportTests: false, reportMutants: true },
  jsonReporter: { fileName: '.run/mutation.json' },
  mutate: [
    'src/log/commit/conflict.ts',
    'src/log/commit/conflict-sides.ts',
    'src/log/commit/isolation.ts',
    'src/log/commit/settlement.ts',
    'src/log/commit/outcomes.ts',
    'src/log/commit/plan.ts',
    'src/log/commit/row-tracking.ts',
    'src/log/commit/in-commit-timestamp.ts',
    'src/log/commit/metadata-change.ts',
    'src/log/commit/protocol-change.ts',
    'src/log/commit/file-key.ts',
    'src/log/commit/combine.ts',
    'src/log/commit/group-plan.ts',
    'src/log/commit/rivalry.ts',
    'src/log/commit/winners.ts',
    'src/log/commit/commit-run.ts',
    'src/log/replay.ts',
    'src/log/tally.ts',
    'src/log/key-index.ts',
    'src/log/remove-list.ts',
    'src/stream/positions.ts',
    'src/table/reads.ts',
  ],
  thresholds: { high: 95, low: 90, break: 90 },
}
