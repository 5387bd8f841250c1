// Hand-made tables on disk, for what only a disk has.
// One rule: beside every table lies something to steal.
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { temporaryFolder } from '../storage/temporary-folder.js'
import { SECRET } from './path-traps.js'
import { goodData } from './table-builder.js'

/** A table on disk, beside it a file that must never be read. */
export async function folderWith(files: ReadonlyMap<string, Uint8Array>): Promise<string> {
  const base = temporaryFolder()
  const root = join(base, 'table')
  const secret = await goodData()
  for (const place of [SECRET, 'table-evil/x.parquet', `table-evil/${SECRET}`]) {
    mkdirSync(dirname(join(base, place)), { recursive: true })
    writeFileSync(join(base, place), secret)
  }
  for (const [path, bytes] of files) {
    mkdirSync(dirname(join(root, path)), { recursive: true })
    writeFileSync(join(root, path), bytes)
  }
  return root
}
