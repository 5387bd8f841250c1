/** A fault of other implementations; see `test/simulation/bugs.json`. */
export interface Bug {
  readonly number: number
  readonly name: string
  readonly about: string
  readonly changes?: readonly { readonly file: string; readonly find: string; readonly replace: string }[]
  /** The test that catches it, where the simulation does not. */
  readonly test?: { readonly file: string; readonly name: string }
  /** Why it cannot be planted. */
  readonly unplanted?: string
}

export declare const bugs: readonly Bug[]
export declare function planted(bug: Bug | undefined, path: string): string | undefined
