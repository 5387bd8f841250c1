// The storage contract: bytes by path below one root (a table's folder). Storage obeys; it knows nothing of logs.
// A path is relative, '/'-separated, already decoded (a real name, not a URL), without '.', '..' or empty parts.

/** What a store says about one object. */
export interface ObjectInfo {
  readonly path: string
  readonly sizeBytes: number
  /** Last modification, milliseconds since 1970. */
  readonly modifiedMs: number
}

/** What a store can do. An option a store lacks is refused (`INVALID_OPTIONS` or `STORAGE_UNSAFE`), never ignored. */
export interface StorageCapabilities {
  /** `create` is atomic and exclusive among all writers of the store; without it commits are refused. */
  readonly exclusiveCreate: boolean
  /** What `create` and a closed `write` acknowledge survives power loss. */
  readonly durable: boolean
}

export interface CallOptions {
  readonly signal?: AbortSignal | undefined
}

export interface PlaceCallOptions extends CallOptions {
  /**
   * Asked right before the object gets its name, each time that is tried, for between the steps of a call a process may be stopped for
   * any time. When it says no, nothing is put in place and the call fails with `ABORTED`.
   */
  readonly isStillWanted?: (() => boolean) | undefined
}

export interface CreateCallOptions extends PlaceCallOptions {
  /** The object is worth no wait: after a power loss it may be missing or torn, whatever the store otherwise promises. */
  readonly mayBeLost?: boolean
}

/** `created`: this call put the object there. `exists`: another object has the name, nothing was changed. */
export type CreateOutcome = 'created' | 'exists'

/** One object being written in pieces; invisible to commits until something refers to it. */
export interface ObjectWriter {
  /** Resolves when there is room for more and the chunk may be reused; memory held is bounded whatever the caller's speed. */
  write(chunk: Uint8Array): Promise<void>
  /** Makes the object whole (and durable where the store promises it). Answers its size. */
  close(): Promise<{ sizeBytes: number }>
  /** Drops what was written so far. Never throws. */
  abort(): Promise<void>
}

/** One object being written in pieces, of which nothing is to be seen before it is whole. */
export interface WholeObjectWriter {
  /** As {@link ObjectWriter.write}. */
  write(chunk: Uint8Array): Promise<void>
  /** Puts the object under its name if that is free, as {@link Storage.create}. */
  close(): Promise<CreateOutcome>
  /** Drops what was written so far. Never throws. */
  abort(): Promise<void>
}

/** An object whose bytes the store holds (durably, where it promises that) under no name yet. */
export interface StagedObject {
  /**
   * Puts the object under its name if that is free: from here on exactly as {@link Storage.create}, also in its failures.
   * Once only; a later call is a `TypeError`.
   */
  place(options?: PlaceCallOptions): Promise<CreateOutcome>
  /** Drops the object, unless it was placed. Never throws. */
  discard(): Promise<void>
}

/**
 * A store rooted at one table. "Missing" is an expected answer (`undefined`), never an exception. Failures are
 * `AlluviumError`: `PERMISSION_DENIED`, `STORAGE_FULL`, `STORAGE_UNAVAILABLE`, `STORAGE_UNSAFE`, `ABORTED`.
 * A failed `create` carries the fact `applied`: `false` when surely nothing was put in place, `'unknown'` when the
 * object may be there or may still land; a caller must then find out and never guess. The fact `lasting: true` says that
 * trying the same again is of no use.
 */
export interface Storage {
  /** For messages: the root as a URL or path, without credentials. */
  readonly location: string
  readonly capabilities: StorageCapabilities
  /** Every call is a request over a network, so that what only saves others a request may cost none. Default false. */
  readonly remote?: boolean
  /** The whole object. */
  read(path: string, options?: CallOptions): Promise<Uint8Array | undefined>
  /** `length` bytes from `offset`, fewer only at the end of the object. */
  readRange(path: string, offset: number, length: number, options?: CallOptions): Promise<Uint8Array | undefined>
  stat(path: string, options?: CallOptions): Promise<ObjectInfo | undefined>
  /**
   * The objects directly inside `folder` ('' for the root) whose path is at or after `from` (a path in that folder),
   * sorted by the UTF-8 bytes of their paths, in pages. Complete with respect to every finished write. Not recursive
   * unless asked; a missing folder is empty. Leftover temporaries of the store itself are not listed.
   */
  list(
    folder: string,
    options?: CallOptions & { readonly from?: string; readonly recursive?: boolean },
  ): AsyncIterable<readonly ObjectInfo[]>
  /** Put if absent: the whole object or nothing, exactly one of any number of callers gets `created`. */
  create(path: string, bytes: Uint8Array, options?: CreateCallOptions): Promise<CreateOutcome>
  /**
   * The first half of `create`, for stores that gain by it: lets a caller prepare a commit while the data files it names are
   * still being made durable, and place it after. Nothing is visible before `place`. Absent where a store has no such step.
   */
  stage?(path: string, bytes: Uint8Array, options?: CallOptions): Promise<StagedObject>
  /** Replaces or makes an object whole (for hints such as `_last_checkpoint`); readers see the old or the new. */
  put(path: string, bytes: Uint8Array, options?: CallOptions): Promise<void>
  /**
   * Streams a new object under a name nobody else uses (data files). A name in use is `ALREADY_EXISTS`, from here or from
   * `close`, and its object stays as it is. After any failure the writer has dropped what it wrote.
   */
  write(path: string, options?: CallOptions): Promise<ObjectWriter>
  /**
   * As `create`, for an object too large to hold: its name shows nothing before `close`, and nothing at all where it was taken.
   * Absent where a store has no such step.
   */
  writeWhole?(path: string, options?: CallOptions): Promise<WholeObjectWriter>
  /** Deletes; a missing object is fine. */
  delete(path: string, options?: CallOptions): Promise<void>
  /**
   * Deletes many objects in fewer requests, where a store can; missing ones are fine. Tries all of them before it fails with
   * the first failure. Absent where a store has no such request: then `delete` is the way.
   */
  deleteAll?(paths: readonly string[], options?: CallOptions): Promise<void>
  /**
   * Deletes temporaries of creates and writes that never ended (the process died) and were last touched at least `olderThanMs`
   * ago; answers how many. At least an hour; a day is a good value. Absent where a store leaves none.
   */
  cleanLeftovers?(olderThanMs: number, options?: CallOptions): Promise<number>
}
