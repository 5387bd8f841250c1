// The texts of a string column, many at a time. Neighbouring cells are decoded in one go and cut apart, which is
// several times faster than a call for each; a cut text keeps no more than its own block alive.
import type { Data } from 'apache-arrow'
import { bytesOf, offsetsOf } from './buffers.js'
import { textReader } from './utf8-text.js'

/** Above this the cells are decoded one by one: a short text shall not keep a large block alive. */
const BLOCK_BYTES = 65_536

/**
 * Fills `out[0, to - from)` with the texts of the cells [from, to); what stands under a null does not matter.
 * Answers the text of all cells together where they were decoded so.
 */
export function readTexts(data: Data, from: number, to: number, out: unknown[]): string | undefined {
  const offsets = offsetsOf(data)
  const read = textReader(bytesOf(data))
  const start = offsets[from] as number
  const end = offsets[to] as number
  const block = end - start <= BLOCK_BYTES ? read(start, end) : undefined
  // One unit of text for each byte: cells are where their bytes are.
  if (block !== undefined && block.length === end - start) {
    for (let i = from; i < to; i++) out[i - from] = block.slice((offsets[i] as number) - start, (offsets[i + 1] as number) - start)
    return block
  }
  for (let i = from; i < to; i++) out[i - from] = read(offsets[i] as number, offsets[i + 1] as number)
  return undefined
}
