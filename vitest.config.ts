import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'
import { defineConfig, type ViteUserConfig } from 'vitest/config'

/** What the hermetic tests, the interop tests and the corpus tests share. */
export function configFor(test: NonNullable<ViteUserConfig['test']>): ViteUserConfig {
  const report = process.env.ALLUVIUM_TEST_REPORT
  const source = (path: string): string => fileURLToPath(new URL(path, import.meta.url))
  return defineConfig({
    resolve: {
      alias: [
        { find: /^alluvium$/, replacement: source('./src/index.ts') },
        { find: /^alluvium\/testing$/, replacement: source('./src/testing/index.ts') },
      ],
    },
    test: {
      pool: 'forks',
      testTimeout: 60_000,
      hookTimeout: 60_000,
      reporters: report === undefined ? ['default'] : ['default', ['json', { outputFile: report }]],
      ...test,
    },
  })
}

// Hermetic: npm alone, no server, no Java, no Python. On two processors both are used, not all but one.
export default configFor({
  include: ['test/**/*.test.ts'],
  exclude: ['test/interop/**', 'test/corpus/**'],
  maxWorkers: Math.max(2, availableParallelism() - 1),
})
