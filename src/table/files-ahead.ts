// The files of a scan one after another, the next ones opened and their first bytes fetched while one is decoded. Rule: order
// is that of the files; whoever stops early stops what was fetched ahead as well.
import type { FileBatch, OpenFile } from './read-file.js'

/** How many files beyond the one at hand are opened, at most. */
const FILES_AHEAD = 4

/** The batches of files, in order. */
export async function* batchesInOrder(
  count: number,
  open: (index: number, signal: AbortSignal) => Promise<OpenFile>,
  options: { readonly readsAhead: boolean; readonly signal: AbortSignal | undefined },
): AsyncGenerator<FileBatch, void, undefined> {
  const stop = new AbortController()
  const abort = (): void => stop.abort(options.signal?.reason)
  if (options.signal?.aborted === true) abort()
  options.signal?.addEventListener('abort', abort, { once: true })
  const opened: Promise<OpenFile>[] = []
  let next = 0
  const openUpTo = (ahead: number): void => {
    while (opened.length < ahead && next < count) {
      const file = open(next++, stop.signal)
      file.catch(() => undefined) // Whoever awaits it sees the failure.
      opened.push(file)
    }
  }
  const prefetchNext = async (): Promise<void> => {
    // In order, so that the nearest file gets what there is to get.
    for (const file of [...opened]) (await file).prefetch()
  }
  try {
    for (let index = 0; index < count; index++) {
      openUpTo(1)
      const file = await (opened.shift() as Promise<OpenFile>)
      if (options.readsAhead) openUpTo(FILES_AHEAD)
      yield* file.batches(() => void prefetchNext().catch(() => undefined))
    }
  } finally {
    options.signal?.removeEventListener('abort', abort)
    stop.abort()
  }
}
