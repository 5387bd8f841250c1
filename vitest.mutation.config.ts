import { configFor } from './vitest.config.js'

// The tests that mutants of stryker.config.mjs have to survive. Those that run processes, threads or take seconds are left out.
export default configFor({
  include: [
    'test/log/commit/*.test.ts',
    'test/log/{replay,replay-state,tally,remove-list,key-index,commit-json,compaction,checksum,scanner}.test.ts',
    'test/stream/{positions,stream-writer}.test.ts',
    'test/table/{reads,transaction,row-tracking,shared-commits}.test.ts',
  ],
  exclude: ['test/log/commit/{race,fairness,faulted-commits,group-faults}.test.ts'],
})
