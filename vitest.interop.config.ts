import { configFor } from './vitest.config.js'

// Against other engines and real servers; one file at a time, because each starts processes of its own.
export default configFor({ include: ['test/interop/**/*.test.ts'], fileParallelism: false, testTimeout: 600_000, hookTimeout: 600_000 })
