// Symbolic links and things that are no files, below a table's folder on disk: what leads out is refused, what stays inside is
// read, nothing hangs.
import { execFileSync } from 'node:child_process'
import { mkdirSync, renameSync, rmSync, symlinkSync, unlinkSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { folderWith } from './folders.js'
import { type Expected, GOOD, type HostileCase, hostileGroup } from './group.js'
import { commitPath, DATA_PATH, type TableParts, tableFiles } from './table-builder.js'

const OUTSIDE = 'PATH_OUTSIDE_TABLE'

function onDisk(name: string, change: (root: string) => void, expected: Expected, parts: TableParts = {}): HostileCase {
  return {
    name,
    table: async () => {
      const root = await folderWith(await tableFiles(parts))
      change(root)
      return root
    },
    expected,
  }
}

/** Puts a link in place of a file. */
function link(path: string, target: string): (root: string) => void {
  return (root) => {
    rmSync(join(root, path), { recursive: true, force: true })
    mkdirSync(dirname(join(root, path)), { recursive: true })
    symlinkSync(target, join(root, path))
  }
}

const moved =
  (path: string, to: string) =>
  (root: string): void => {
    mkdirSync(dirname(join(root, to)), { recursive: true })
    renameSync(join(root, path), join(root, to))
    symlinkSync(join(root, to), join(root, path))
  }

const IN_FOLDER: TableParts = { add: { path: 'data/x.parquet' } }

hostileGroup('links', [
  onDisk('a data file that is a link to a file beside the table', link(DATA_PATH, '../secret.parquet'), OUTSIDE),
  onDisk('a data file that is an absolute link', (root) => link(DATA_PATH, join(root, '../secret.parquet'))(root), OUTSIDE),
  onDisk('a data file that is a link into a folder with the same beginning', link(DATA_PATH, '../table-evil/x.parquet'), OUTSIDE),
  onDisk('a data file that is a link to /etc/passwd', link(DATA_PATH, '/etc/passwd'), OUTSIDE),
  onDisk('a data file that is a link to /dev/zero', link(DATA_PATH, '/dev/zero'), OUTSIDE),
  onDisk('a data file that is a link to /proc/self/environ', link(DATA_PATH, '/proc/self/environ'), OUTSIDE),
  onDisk('a data file that is a link to itself', link(DATA_PATH, DATA_PATH), 'MISSING_FILE'),
  onDisk(
    'two links in a circle',
    (root) => {
      link(DATA_PATH, 'b')(root)
      link('b', DATA_PATH)(root)
    },
    'MISSING_FILE',
  ),
  onDisk('a link to nothing', link(DATA_PATH, 'nothing'), 'MISSING_FILE'),
  onDisk('a link to nothing outside', link(DATA_PATH, '../nothing'), 'MISSING_FILE'),
  onDisk(
    'a chain of links that ends outside',
    (root) => {
      link('b', '../secret.parquet')(root)
      link('c', 'b')(root)
      link(DATA_PATH, 'c')(root)
    },
    OUTSIDE,
  ),
  onDisk('a folder that is a link outside', link('data', '../table-evil'), OUTSIDE, IN_FOLDER),
  onDisk('a folder that is a link to the root of the disk', link('data', '/'), OUTSIDE, { add: { path: 'data/etc/passwd' } }),
  onDisk('a folder that is a link to the table itself', link('data', '.'), GOOD, { add: { path: `data/data/data/${DATA_PATH}` } }),
  onDisk('a folder that is a link to the folder above', link('data', '..'), OUTSIDE, { add: { path: 'data/secret.parquet' } }),
  onDisk('a data file that is a link to a file of the table', moved(DATA_PATH, 'real/x'), GOOD),
  onDisk('a data file that is a link into the log', link(DATA_PATH, `_delta_log/${'0'.padStart(20, '0')}.json`), 'CORRUPT_DATA'),
  onDisk(
    'a log folder that is a link outside',
    (root) => {
      renameSync(join(root, '_delta_log'), join(root, '../table-evil/_delta_log'))
      symlinkSync('../table-evil/_delta_log', join(root, '_delta_log'))
    },
    OUTSIDE,
  ),
  onDisk('a commit that is a link outside', link(commitPath(1), '../../secret.parquet'), OUTSIDE),
  onDisk('a commit that is a link to itself', link(commitPath(1), `${'1'.padStart(20, '0')}.json`), 'CORRUPT_LOG'),
  onDisk('a commit that is a link to another commit', moved(commitPath(1), '_delta_log/kept'), GOOD),
  onDisk(
    'a checkpoint that is a link outside',
    link(`_delta_log/${'1'.padStart(20, '0')}.checkpoint.parquet`, '../../secret.parquet'),
    OUTSIDE,
  ),
  onDisk('a hint that is a link outside', link('_delta_log/_last_checkpoint', '/etc/passwd'), OUTSIDE),
  onDisk(
    'a table that is a link itself',
    (root) => {
      renameSync(root, join(root, '../real'))
      symlinkSync('real', root)
    },
    GOOD,
  ),
])

hostileGroup('what is no file', [
  onDisk(
    'a data file that is a folder',
    (root) => {
      unlinkSync(join(root, DATA_PATH))
      mkdirSync(join(root, DATA_PATH))
    },
    'MISSING_FILE',
  ),
  onDisk(
    'a data file that is a pipe nobody writes to',
    (root) => {
      unlinkSync(join(root, DATA_PATH))
      execFileSync('mkfifo', [join(root, DATA_PATH)])
    },
    'MISSING_FILE',
  ),
  onDisk(
    'a commit that is a pipe',
    (root) => {
      execFileSync('mkfifo', [join(root, commitPath(2))])
    },
    GOOD,
  ),
  onDisk(
    'a commit that is a folder',
    (root) => {
      mkdirSync(join(root, commitPath(2)))
    },
    GOOD,
  ),
  onDisk('a path below a file', () => undefined, 'MISSING_FILE', { add: { path: `${DATA_PATH}/x` } }),
  onDisk('a name longer than file systems take', () => undefined, 'MISSING_FILE', { add: { path: 'x'.repeat(5000) } }),
])
