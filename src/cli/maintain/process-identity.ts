// Who we are to other holders of a lease, and whether one of them is dead. Rule: dead is only who is surely so: of the same
// machine since the same start, and of the same space of process numbers, where its number is free or another's.
import { createHash } from 'node:crypto'
import { readFileSync, readlinkSync } from 'node:fs'
import { hostname } from 'node:os'
import type { LeaseHolder } from '../../compaction/index.js'

/** For people: `host, process 1234`. */
export function holderName(): string {
  return `${hostname()}, process ${process.pid}`
}

/** By which others on this machine can tell that this process is dead; undefined where the machine does not say. */
export function processText(): string | undefined {
  const space = processSpace()
  const started = startOf(process.pid)
  return space === undefined || started === undefined ? undefined : `${space} ${process.pid} ${started}`
}

/** Whether a holder's process is surely dead. */
export function isDead({ process: text }: LeaseHolder): boolean {
  const [space, pid, started] = text?.split(' ') ?? []
  if (space === undefined || space !== processSpace() || !/^\d{1,10}$/.test(pid ?? '')) return false
  return startOf(Number(pid)) !== started
}

// A machine since its start, and a container's processes apart from those of its host. Linux tells.
function processSpace(): string | undefined {
  try {
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
    return createHash('sha256')
      .update(`${boot} ${readlinkSync('/proc/self/ns/pid')}`)
      .digest('hex')
      .slice(0, 32)
  } catch {
    return undefined
  }
}

// When a process began, in ticks since the machine did; undefined where there is none. A dead process that nobody has fetched is none.
function startOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    // The name of the program, in parentheses, may hold anything.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return fields[0] === 'Z' || fields[0] === 'X' ? undefined : fields[19]
  } catch {
    return undefined
  }
}
