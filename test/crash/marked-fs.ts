// The machine's file system, with a note of where a process is: before and after every call one record goes to a marker file,
// which outlives a SIGKILL. A process can also be told to kill itself in a given call, so that the short moments are met too.
import fs from 'node:fs'
import { type LocalFs, type Maybe, OPEN_NEW, systemFs } from '../../src/storage/local-fs.js'

/** A record of the marker file, padded to this many bytes. */
export const MARK_BYTES = 48

export type Kill =
  /** Before the call, after it, or in it: a write with half of its bytes taken. */
  { readonly atCall: number; readonly when: 'before' | 'after' | 'half' }

export interface MarkedFs {
  readonly fs: LocalFs
  /** From here on calls count, and the kill is due. */
  arm(): void
}

/** What an object is for, by its path: what a phase is named after. */
export function objectOf(path: string): string {
  if (/_delta_log\/\.?\d{20}\.json/.test(path)) return 'commit'
  if (/_delta_log\/\.?\d{20}\.crc/.test(path)) return 'checksum'
  if (/_last_checkpoint/.test(path)) return 'hint'
  if (/_delta_log\/.*checkpoint|_sidecars/.test(path)) return 'checkpoint'
  if (/_delta_log\/?$/.test(path)) return 'log folder'
  if (/\.parquet$/.test(path)) return 'data'
  return 'folder'
}

/** The calls that change something, or make it durable. Where a process only reads, it is `reading`. */
export function markedFs(root: string, marker: string, kill: Kill | undefined): MarkedFs {
  const inner = systemFs(root)
  const fd = fs.openSync(marker, 'w')
  const names = new Map<number, string>()
  let armed = false
  let calls = 0
  const note = (text: string): void => {
    fs.writeSync(fd, `${text.padEnd(MARK_BYTES - 1).slice(0, MARK_BYTES - 1)}\n`, 0, 'latin1')
  }
  const die = (): void => {
    process.kill(process.pid, 'SIGKILL')
    for (;;); // Nothing more is to happen, however late the signal is.
  }
  const changing = async <T>(what: string, path: string, call: (half: boolean) => Maybe<T>): Promise<T> => {
    const phase = `${objectOf(path)}: ${what}`
    const due = armed && kill !== undefined && ++calls === kill.atCall ? kill.when : undefined
    note(`in ${phase}`)
    if (due === 'before') die()
    const result = await call(due === 'half')
    note(`after ${phase}`)
    if (due !== undefined) die()
    return result
  }
  const reading =
    <A extends unknown[], T>(call: (...args: A) => T): ((...args: A) => T) =>
    (...args) => {
      if (!armed) note('opening the table')
      return call(...args)
    }
  return {
    arm: () => {
      armed = true
      note('before the first change')
    },
    fs: {
      open: async (path, flags) => {
        const opened = flags === OPEN_NEW ? await changing('open', path, () => inner.open(path, flags)) : await inner.open(path, flags)
        names.set(opened, path)
        return opened
      },
      close: (each) => {
        names.delete(each)
        return inner.close(each)
      },
      write: (each, bytes) =>
        changing('write', names.get(each) ?? '', (half) =>
          inner.write(each, half ? bytes.subarray(0, Math.ceil(bytes.length / 2)) : bytes),
        ),
      read: reading(inner.read),
      fsync: (each) => changing('fsync', names.get(each) ?? '', () => inner.fsync(each)),
      fstat: reading(inner.fstat),
      lstat: reading(inner.lstat),
      link: (from, to) => changing('link', to, () => inner.link(from, to)),
      unlink: (path) => changing('unlink', path, () => inner.unlink(path)),
      rename: (from, to) => changing('rename', to, () => inner.rename(from, to)),
      mkdir: (path) => changing('mkdir', path, () => inner.mkdir(path)),
      readdir: reading(inner.readdir),
      realpath: reading(inner.realpath),
    },
  }
}
