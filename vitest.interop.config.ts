import { mergeConfig, type ViteUserConfig } from 'vitest/config'
import { ClosingLine } from './test/support/closing-line.js'
import { configFor } from './vitest.config.js'

// Against other engines and real servers; one file at a time, because each starts processes of its own.
const config: ViteUserConfig = mergeConfig(
  configFor({ include: ['test/interop/**/*.test.ts'], fileParallelism: false, testTimeout: 600_000, hookTimeout: 600_000 }),
  { test: { reporters: [new ClosingLine('interop')] } },
)

export default config
