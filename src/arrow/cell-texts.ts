// The texts of a string column, many at a time. Neighbouring cells are decoded in one go and cut apart, which is
// several times faster than a call for each; a cut text keeps no more than its own block alive.
import type { Data } from 'apache-arrow'
import { bytesOf, offsetsOf } from './buffers.js'
import { textReader } from './utf8-text.js'

/** Bytes decoded together: few enough that a short text, kept for long, does not keep much else alive. */
const BLOCK_BYTES = 65_536

/**
 * Fills `out[0, to - from)` with the texts of the cells [from, to); what stands under a null does not matter.
 * `visit` sees each run of cells as it is filled, with all of its text where that was decoded in one go.
 */
export function readTexts(
  data: Data,
  from: number,
  to: number,
  out: unknown[],
  visit?: (first: number, last: number, block: string | undefined) => void,
): void {
  const offsets = offsetsOf(data)
  const read = textReader(bytesOf(data))
  for (let first = from; first < to; ) {
    const start = offsets[first] as number
    let last = first + 1
    while (last < to && (offsets[last + 1] as number) - start <= BLOCK_BYTES) last++
    const end = offsets[last] as number
    const block = read(start, end)
    // One unit of text for each byte: cells are where their bytes are.
    const isAligned = block.length === end - start
    for (let i = first; i < last; i++) {
      const [a, b] = [offsets[i] as number, offsets[i + 1] as number]
      out[i - from] = isAligned ? block.slice(a - start, b - start) : read(a, b)
    }
    visit?.(first - from, last - from, isAligned ? block : undefined)
    first = last
  }
}
