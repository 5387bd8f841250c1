import { defineConfig } from 'vitest/config'

// Hermetic tests only: npm alone, no server, no Java, no Python. The rest have configurations of their own.
export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    exclude: ['test/interop/**', 'test/corpus/**'],
    testTimeout: 30_000,
    hookTimeout: 30_000,
    pool: 'forks',
  },
})
