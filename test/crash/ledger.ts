// What a writer notes in a file of its own: what it means to do before it does it, what it was told afterwards. The file is
// written by plain system calls, so that what was noted is there whenever the process is killed.
import fs from 'node:fs'

/** The rows of one intention: consecutive ids, in one partition. */
export interface Rows {
  readonly from: number
  readonly count: number
}

export type Note =
  /** Something is about to be committed. `paths`: the files that are to go; `partition`: it replaces all rows of this one. */
  | {
      readonly kind: 'begin'
      readonly op: number
      readonly rows?: Rows
      readonly paths?: readonly string[]
      readonly partition?: string
      readonly txn?: number
    }
  | { readonly kind: 'acked'; readonly op: number; readonly version: number | undefined; readonly ms: number }
  /** The library says that it is surely not in the table. */
  | { readonly kind: 'failed'; readonly op: number; readonly code: string }
  | { readonly kind: 'unknown'; readonly op: number }
  /** Rows of a stream up to an offset are durable in a version, or an earlier one. */
  | { readonly kind: 'stream'; readonly partition: number; readonly offset: number; readonly version: number }
  /** A piece of upkeep that was asked for has ended. */
  | { readonly kind: 'upkeep'; readonly what: string; readonly removed: number }
  /** Something that must not happen. */
  | { readonly kind: 'fault'; readonly what: string }

/** Row ids: every writer has a range of its own. Rows of a stream are found by partition and offset. */
export const IDS_PER_WRITER = 1e9
export const IDS_PER_PARTITION = 1e8

export function streamId(writer: number, partition: number, offset: number): number {
  return writer * IDS_PER_WRITER + partition * IDS_PER_PARTITION + offset
}

export class LedgerFile {
  readonly #fd: number

  constructor(path: string) {
    this.#fd = fs.openSync(path, 'a')
  }

  note(note: Note): void {
    fs.writeSync(this.#fd, `${JSON.stringify(note)}\n`)
  }
}

/** All notes of a life. A last line that was cut by the kill was never made. */
export function readNotes(path: string): Note[] {
  if (!fs.existsSync(path)) return []
  const lines = fs.readFileSync(path, 'utf8').split('\n')
  return lines.slice(0, -1).map((line) => JSON.parse(line) as Note)
}
