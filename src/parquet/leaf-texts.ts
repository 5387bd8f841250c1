// What comes out of a column chunk: levels, numbers, and texts, each by where it lies in bytes that they share, or by its number
// in a dictionary. Rule: what nobody asks for is not looked up.
import type { TextsOut } from './kernel/kernel.js'
import type { LeafLevels } from './leaf-levels.js'

/** The values of one column chunk. A flat column has a slot a row; slots of the greatest definition level have a value. */
export interface LeafValues {
  readonly slots: number
  readonly levels: LeafLevels
  /** By slot; undefined where every slot has a value. */
  readonly definitions: Uint8Array | undefined
  /** By slot; undefined where every slot begins a row. */
  readonly repetitions: Uint8Array | undefined
  /** How many slots have a value: the length of what follows. */
  readonly present: number
  /** Of a BYTE_ARRAY column. */
  readonly texts: LeafTexts | undefined
  /** Of a column of integers or booleans (0 and 1): two 32-bit words a value, the lower one first. */
  readonly words: Int32Array | undefined
}

/** Texts as places in bytes, one a value. */
export interface LeafTexts {
  readonly bytes: Uint8Array
  readonly starts: Int32Array
  readonly lengths: Int32Array
  /** MurmurHash3 of each text, where asked for. */
  readonly hashes: Int32Array | undefined
  /** Texts that begin before this place are entries of a dictionary: equal places are equal texts. */
  readonly dictionaryEnd: number
  /** The number of each in the dictionary, where all are of it; who needs no more than these is spared the rest. */
  readonly numbers?: Int32Array | undefined
}

/** Told of the text of the `nth` slot asked for: `bytes[start, end)`, which are good until it returns. */
export type TextVisitor = (nth: number, bytes: Uint8Array, start: number, end: number) => void

/** Texts that are all of a dictionary: their places are looked up when somebody asks. */
export class NumberedTexts implements LeafTexts {
  readonly bytes: Uint8Array
  readonly dictionaryEnd: number
  readonly numbers: Int32Array
  readonly #dictionary: TextsOut
  #texts: TextsOut | undefined

  constructor(bytes: Uint8Array, dictionaryEnd: number, numbers: Int32Array, dictionary: TextsOut) {
    this.bytes = bytes
    this.dictionaryEnd = dictionaryEnd
    this.numbers = numbers
    this.#dictionary = dictionary
  }

  get starts(): Int32Array {
    return this.#placed().starts
  }

  get lengths(): Int32Array {
    return this.#placed().lengths
  }

  get hashes(): Int32Array | undefined {
    return this.#placed().hashes
  }

  #placed(): TextsOut {
    if (this.#texts === undefined) {
      this.#texts = newTexts(this.numbers.length, this.#dictionary.hashes !== undefined)
      placeTexts(this.numbers, this.#dictionary, this.#texts)
    }
    return this.#texts
  }
}

/** Looks up the places of numbered texts. */
export function placeTexts(numbers: Int32Array, dictionary: TextsOut, out: TextsOut, first = 0): void {
  const { starts, lengths, hashes } = dictionary
  for (let i = 0; i < numbers.length; i++) {
    const n = numbers[i] as number
    out.starts[first + i] = starts[n] as number
    out.lengths[first + i] = lengths[n] as number
  }
  if (hashes !== undefined && out.hashes !== undefined)
    for (let i = 0; i < numbers.length; i++) out.hashes[first + i] = hashes[numbers[i] as number] as number
}

/** Room for the places of so many texts. */
export function newTexts(count: number, withHashes: boolean): TextsOut {
  return { starts: new Int32Array(count), lengths: new Int32Array(count), hashes: withHashes ? new Int32Array(count) : undefined }
}
