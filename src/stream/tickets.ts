// The receipts of writes: promises that are settled with the version that carries the rows, or with the reason why none will.

/** The version that holds what was written. */
export interface CommittedVersion {
  readonly version: number
}

/** The receipt of one write. */
export interface Ticket {
  /** Rows taken. */
  readonly rowsAccepted: number
  /** Rows left out because their offsets were taken before. */
  readonly rowsDuplicate: number
  /**
   * Resolves when the version that holds the rows is durable. Rejects when they will be in none: the writer failed, or
   * the partition was given up or taken over anew before they were committed.
   */
  readonly committed: Promise<CommittedVersion>
}

/** A promise with its handles. One that nobody reads may reject: the writer reports its failure in other ways as well. */
export class Settlement {
  readonly promise: Promise<CommittedVersion>
  #resolve: (value: CommittedVersion) => void = () => {}
  #reject: (error: unknown) => void = () => {}

  constructor() {
    this.promise = new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
    this.promise.catch(() => undefined)
  }

  resolve(version: number): void {
    this.#resolve({ version })
  }

  reject(error: unknown): void {
    this.#reject(error)
  }
}
