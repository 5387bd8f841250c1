import { configFor } from './vitest.config.ts'

// What mutants are tried against: the hermetic tests of the commit, of replay and of streams that take no longer than a
// moment each. The slow ones (races, crashes, faults at every step) find more, but not thousands of times over.
export default configFor({
  include: [
    'test/log/commit/{commit,commit-info,committer,conflict,group,in-commit-timestamp,metadata-change,row-files,settlement,unclear-outcomes}*.test.ts',
    'test/log/{data-path,file-names,key-index,replay,tally}*.test.ts',
    'test/stream/{ahead,ownership,positions,stream-writer}*.test.ts',
    'test/table/{transaction,row-tracking,row-ids}*.test.ts',
  ],
  testTimeout: 10_000,
  hookTimeout: 10_000,
})
