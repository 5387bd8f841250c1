// A staged object as its callers see it: placed or dropped, once.
import type { CreateOutcome, PlaceCallOptions, StagedObject } from './storage.js'

export class StagedOnce implements StagedObject {
  #place: ((options: PlaceCallOptions | undefined) => Promise<CreateOutcome>) | undefined
  readonly #discard: () => Promise<void> | void

  constructor(place: (options: PlaceCallOptions | undefined) => Promise<CreateOutcome>, discard: () => Promise<void> | void) {
    this.#place = place
    this.#discard = discard
  }

  async place(options?: PlaceCallOptions): Promise<CreateOutcome> {
    const place = this.#place
    if (place === undefined) throw new TypeError('this staged object was placed or discarded before')
    this.#place = undefined
    return place(options)
  }

  async discard(): Promise<void> {
    if (this.#place === undefined) return
    this.#place = undefined
    await this.#discard()
  }
}
