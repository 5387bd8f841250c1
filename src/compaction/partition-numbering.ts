// Numbers for the partitions of files, from the numbers that their values have. Rule: a text is made for a partition, not for a file.
import type { FileView } from '../log/index.js'

/** Values of partition columns, in the order of the columns, as the log spells them. */
export type PartitionTexts = readonly (string | null)[]

/** Partitions are told apart by the texts of their values: two spellings of one value are two partitions here, which harms nothing. */
export class PartitionNumbering {
  /** By number. */
  readonly partitions: PartitionTexts[] = []
  readonly #columns: readonly ReturnType<FileView['partition']>[]
  readonly #known = new Map<string, number>()
  // A step for each column: from the number of what came before, and the value's, to the next number. The last is the partition's.
  readonly #steps: readonly Map<number | string, number>[]
  readonly #widths: readonly number[]

  constructor(columns: readonly ReturnType<FileView['partition']>[]) {
    this.#columns = columns
    this.#steps = columns.map(() => new Map())
    this.#widths = columns.map(({ values }) => values.length)
  }

  /** The number of a row's partition, from 0 in the order in which they come. */
  of(row: number): number {
    let number = 0
    const last = this.#columns.length - 1
    if (last < 0) return this.#numberOf([])
    for (let at = 0; at <= last; at++) {
      const id = (this.#columns[at] as ReturnType<FileView['partition']>).ids(row)
      const width = this.#widths[at] as number
      const step = this.#steps[at] as Map<number | string, number>
      const product = number * width + id
      const key = id < width && Number.isSafeInteger(product) ? product : `${number} ${id}`
      let next = step.get(key)
      if (next === undefined) {
        next = at < last ? step.size : this.#numberOf(this.#texts(row))
        step.set(key, next)
      }
      number = next
    }
    return number
  }

  #texts(row: number): PartitionTexts {
    return this.#columns.map(({ ids, values }) => values[ids(row)] ?? null)
  }

  #numberOf(texts: PartitionTexts): number {
    const key = texts.length === 0 ? '' : JSON.stringify(texts)
    let number = this.#known.get(key)
    if (number === undefined) {
      number = this.partitions.push(texts) - 1
      this.#known.set(key, number)
    }
    return number
  }
}
