// Runs a TypeScript file of this repository (bench, examples, test workers) on any supported Node version:
//   node scripts/run.mjs FILE [arguments…]
// Imports of `alluvium` use the built package.
import { bundle, root, runBundle } from './bundle.mjs'

const [file, ...rest] = process.argv.slice(2)
if (file === undefined) {
  console.error('usage: node scripts/run.mjs FILE [arguments…]')
  process.exit(2)
}
await runBundle(await bundle(file), rest, {
  nodeOptions: process.env.ALLUVIUM_NODE_OPTIONS?.split(' ') ?? [],
  env: { ...process.env, ALLUVIUM_ROOT: root },
})
