// A reader in a process of its own: prints what it read.
import { readVersion } from './table.js'

const [root, version] = process.argv.slice(2) as [string, string]
console.log(JSON.stringify(await readVersion(root, Number(version))))
