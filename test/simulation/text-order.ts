// The order of paths in a listing, without any code of the library.

/** Compares by UTF-8 bytes. */
export function compareText(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b))
}
