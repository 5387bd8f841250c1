// The bug bank: faults of other implementations, each a change of text in the sources, planted while they are bundled or loaded.
import { readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { root } from './bundle.mjs'

export const bugs = JSON.parse(readFileSync(join(root, 'test/simulation/bugs.json'), 'utf8'))

/** The sources of a file with a bug in them; undefined where it changes nothing there. */
export function planted(bug, path) {
  const file = relative(root, path).replaceAll('\\', '/')
  const changes = (bug?.changes ?? []).filter((change) => change.file === file)
  if (changes.length === 0) return undefined
  let contents = readFileSync(path, 'utf8')
  for (const { find, replace } of changes) {
    // A change that no longer fits must not pass for one that nothing catches.
    if (contents.split(find).length !== 2) throw new Error(`bug ${bug.name}: the text to change is not once in ${file}`)
    contents = contents.replace(find, () => replace)
  }
  return contents
}
