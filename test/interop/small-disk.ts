// A disk of a few megabytes, to be filled to the last byte. Needs the right to mount: without it the tests are left out, aloud.
import { execFileSync } from 'node:child_process'
import { closeSync, mkdtempSync, openSync, rmSync, statSync, truncateSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export interface SmallDisk {
  readonly folder: string
  /** Leaves so many bytes free, and not one more. */
  fill(freeBytes?: number): void
  /** Takes the filling away. */
  free(): void
  remove(): void
}

/** Mounts one. */
export function smallDisk(sizeBytes: number): SmallDisk {
  const folder = mkdtempSync(join(tmpdir(), 'alluvium-disk-'))
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${sizeBytes},mode=0777`, 'alluvium-test', folder], { stdio: 'ignore' })
  const filling = join(folder, 'filling')
  return {
    folder,
    fill(freeBytes = 0) {
      const file = openSync(filling, 'a')
      try {
        for (const piece of [1 << 20, 1 << 16, 1 << 12]) while (wrote(file, piece));
      } finally {
        closeSync(file)
      }
      if (freeBytes > 0) truncateSync(filling, Math.max(0, statSync(filling).size - freeBytes))
    },
    free: () => rmSync(filling, { force: true }),
    remove() {
      execFileSync('umount', ['-l', folder])
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

function wrote(file: number, bytes: number): boolean {
  try {
    return writeSync(file, new Uint8Array(bytes)) === bytes
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOSPC') return false
    throw error
  }
}

/** Why no disk can be mounted here; undefined when one can. */
export const smallDiskAbsent: string | undefined = (() => {
  try {
    smallDisk(2 ** 20).remove()
    return undefined
  } catch (error) {
    return `a small disk cannot be mounted here (${(error as Error).message.split('\n')[0]}); the tests of full disks are left out`
  }
})()
