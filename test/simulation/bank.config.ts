// The hermetic tests over sources with one bug of the bank in them, named by ALLUVIUM_PLANTED_BUG.
import { bugs, planted } from '../../scripts/plant.mjs'
import { configFor } from '../../vitest.config.js'

const bug = bugs.find(({ name }) => name === process.env.ALLUVIUM_PLANTED_BUG)
if (bug === undefined) throw new Error('ALLUVIUM_PLANTED_BUG names no bug of the bank')

const base = configFor({ include: ['test/**/*.test.ts'], exclude: ['test/interop/**', 'test/corpus/**'] })

export default {
  ...base,
  root: new URL('../..', import.meta.url).pathname,
  plugins: [
    { name: 'plant', enforce: 'pre' as const, load: (id: string) => (/[\\/]src[\\/].*\.ts$/.test(id) ? planted(bug, id) : undefined) },
  ],
}
