// Mutation testing of what decides whether a row is lost or doubled: `npm run mutation` for all of it,
// `npm run mutation -- --mutate src/log/commit/conflict.ts` for one file.
export default {
  testRunner: 'vitest',
  vitest: { configFile: 'vitest.mutation.config.ts', related: false },
  mutate: [
    'src/log/commit/*.ts',
    '!src/log/commit/index.ts',
    '!src/log/commit/request.ts',
    'src/log/{data-path,key-index,remove-list,replay,tally}.ts',
    'src/table/reads.ts',
    'src/stream/{commit-cuts,positions}.ts',
  ],
  coverageAnalysis: 'perTest',
  // What only module loading runs would need every test again.
  ignoreStatic: true,
  concurrency: 2,
  timeoutMS: 5_000,
  timeoutFactor: 3,
  reporters: ['clear-text', 'json', 'progress-append-only'],
  clearTextReporter: { allowColor: false, reportTests: false, logTests: false, reportMutants: true },
  jsonReporter: { fileName: 'mutation/report.json' },
  incremental: true,
  incrementalFile: 'mutation/incremental.json',
  // Its rewriting of the compiler's settings wants an API that TypeScript 7 has no more; nothing is compiled here anyway.
  tsconfigFile: 'none.json',
  ignorePatterns: ['/spec/tables', '/dist', '/mutation', '/docs'],
  tempDirName: 'mutation/sandbox',
  symlinkNodeModules: true,
  thresholds: { high: 95, low: 90, break: 90 },
  warnings: { slow: false },
}
