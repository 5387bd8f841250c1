import { configFor } from './vitest.config.js'

// Real tables written by other implementations.
export default configFor({ include: ['test/corpus/**/*.test.ts'], testTimeout: 600_000, hookTimeout: 600_000 })
