// The machine's file system with a log of calls and failures on purpose.
import path from 'node:path'
import { type LocalFs, pooledFs } from '../../src/storage/local-fs.js'

/** The calls that can fail. */
export type FsCall = Exclude<keyof LocalFs, never>

export interface FsFault {
  readonly call: FsCall
  readonly errno: string
  /** The file's name (last part) must match. */
  readonly name?: RegExp
  /** Matching calls let through first. */
  readonly skip?: number
  /** How many fail then; all by default. */
  readonly times?: number
  /** The call takes effect and fails all the same, as when a remote server's answer is lost. */
  readonly after?: boolean
}

export interface ScriptedFs extends LocalFs {
  /** As 'fsync name', temporaries as 'fsync TEMP', folders as 'fsync name/'. */
  readonly log: string[]
  /** Every call with this number or a later one fails: the process is gone. */
  crashAt: number
  faults: FsFault[]
  /** A write takes no more bytes than this at a time. */
  writeAtMost: number
  /** Descriptors opened and not closed. */
  readonly openFiles: number
}

/** An error as the system gives it. */
export function systemError(code: string): Error {
  return Object.assign(new Error(`${code}: injected`), { code })
}

/** Wraps a table of calls, the machine's own by default. */
export function scriptedFs(inner: LocalFs = pooledFs): ScriptedFs {
  const names = new Map<number, string>()
  const used = new Map<FsFault, number>()
  const faultOf = (call: FsCall, name: string): FsFault | undefined => {
    for (const fault of scripted.faults) {
      if (fault.call !== call || (fault.name !== undefined && !fault.name.test(name))) continue
      const seen = (used.get(fault) ?? 0) + 1
      used.set(fault, seen)
      const first = fault.skip ?? 0
      if (seen > first && seen <= first + (fault.times ?? Number.POSITIVE_INFINITY)) return fault
    }
    return undefined
  }
  const run = async <T>(call: FsCall, name: string, effect: () => T | Promise<T>): Promise<T> => {
    if (scripted.log.length >= scripted.crashAt) throw systemError('CRASHED')
    scripted.log.push(`${call} ${/\.tmp$/.test(name) ? 'TEMP' : name}`)
    const fault = faultOf(call, name)
    if (fault === undefined) return effect()
    if (fault.after === true) await effect()
    throw systemError(fault.errno)
  }
  const ofFd = (fd: number): string => names.get(fd) ?? '?'
  const scripted: ScriptedFs = {
    log: [],
    crashAt: Number.POSITIVE_INFINITY,
    faults: [],
    writeAtMost: Number.POSITIVE_INFINITY,
    get openFiles() {
      return names.size
    },
    open: (at, flags) =>
      run('open', path.basename(at), async () => {
        const fd = await inner.open(at, flags)
        names.set(fd, (await inner.fstat(fd)).kind === 'folder' ? `${path.basename(at)}/` : path.basename(at))
        return fd
      }),
    close: (fd) =>
      run('close', ofFd(fd), async () => {
        names.delete(fd)
        await inner.close(fd)
      }),
    write: (fd, bytes) => run('write', ofFd(fd), () => inner.write(fd, bytes.subarray(0, scripted.writeAtMost))),
    read: (fd, into, position) => run('read', ofFd(fd), () => inner.read(fd, into, position)),
    fsync: (fd) => run('fsync', ofFd(fd), () => inner.fsync(fd)),
    fstat: (fd) => run('fstat', ofFd(fd), () => inner.fstat(fd)),
    lstat: (at) => run('lstat', path.basename(at), () => inner.lstat(at)),
    link: (existing, at) => run('link', path.basename(at), () => inner.link(existing, at)),
    unlink: (at) => run('unlink', path.basename(at), () => inner.unlink(at)),
    rename: (from, to) => run('rename', path.basename(to), () => inner.rename(from, to)),
    mkdir: (at) => run('mkdir', path.basename(at), () => inner.mkdir(at)),
    readdir: (at) => run('readdir', path.basename(at), () => inner.readdir(at)),
    realpath: (at) => run('realpath', path.basename(at), () => inner.realpath(at)),
  }
  return scripted
}
