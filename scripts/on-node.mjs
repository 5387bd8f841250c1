// Runs a command under another version of Node, taken from npm: node scripts/on-node.mjs 24 npx vitest run
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const [version, command, ...words] = process.argv.slice(2)
if (!/^\d+$/.test(version ?? '') || command === undefined) {
  console.error('usage: node scripts/on-node.mjs MAJOR COMMAND [arguments…]')
  process.exit(2)
}
const folder = fileURLToPath(new URL(`../.run/node-${version}`, import.meta.url))
// The package `node` fetches its binary by an install script; the binary's own package needs none.
const platform = `${process.platform === 'win32' ? 'win' : process.platform}-${process.arch}`
const bin = join(folder, `node_modules/node-${platform}/bin`)
if (!existsSync(bin)) {
  mkdirSync(folder, { recursive: true })
  const installed = spawnSync('npm', ['install', '--no-save', '--prefix', folder, `node-${platform}@${version}`], { stdio: 'inherit' })
  if (installed.status !== 0) process.exit(installed.status ?? 1)
}
const env = { ...process.env, PATH: `${bin}${delimiter}${process.env.PATH}` }
const found = spawnSync('node', ['--version'], { env, encoding: 'utf8' })
console.log(`under Node ${found.stdout.trim()}`)
process.exit(spawnSync(command, words, { stdio: 'inherit', env }).status ?? 1)
