// LIKE on UTF-8 bytes. Rule: no backtracking. Between two `%` the leftmost fit of a piece is always the right one, so a
// text is walked once per piece; pieces without `_` are found by Knuth, Morris and Pratt's search.

/** A pattern ready to match; `prefix` is what every matching text begins with. */
export interface LikePattern {
  readonly prefix: Uint8Array
  /** `equals`: the pattern is the prefix. `prefix`: the prefix and anything. `other`: more than that. */
  readonly kind: 'equals' | 'prefix' | 'other'
  /** Whether `bytes[start, end)` matches. */
  matches(bytes: Uint8Array, start: number, end: number): boolean
}

/** Longest pattern, in characters: bounds the work that one text can cost. */
export const MAX_PATTERN = 4096

/** Compiles a pattern; a string is the fault in it. */
export function compileLike(pattern: string): LikePattern | string {
  if (pattern.length > MAX_PATTERN) return `a LIKE pattern has at most ${MAX_PATTERN} characters`
  const pieces: number[][] = [[]]
  for (let i = 0; i < pattern.length; i++) {
    const c = pattern.charCodeAt(i)
    const piece = pieces[pieces.length - 1] as number[]
    if (c === 0x25) pieces.push([])
    else if (c === 0x5f) piece.push(ANY)
    else if (c === 0x5c) {
      const next = pattern[++i]
      if (next !== '%' && next !== '_' && next !== '\\') return "in a LIKE pattern '\\' stands before '%', '_' or '\\' only"
      piece.push(next.charCodeAt(0))
    } else {
      const point = pattern.codePointAt(i) as number
      if (point > 0xffff) i++
      pushUtf8(piece, point)
    }
  }
  return build(pieces)
}

// Stands for `_` among the bytes of a piece.
const ANY = -1

function build(pieces: readonly number[][]): LikePattern {
  const first = pieces[0] as number[]
  const wildcard = first.indexOf(ANY)
  const prefix = Uint8Array.from(wildcard < 0 ? first : first.slice(0, wildcard))
  if (pieces.length === 1) {
    const kind = wildcard < 0 ? 'equals' : 'other'
    return { prefix, kind, matches: (bytes, start, end) => endOf(first, bytes, start, end) === end }
  }
  const last = pieces[pieces.length - 1] as number[]
  // Consecutive % leave empty pieces between them, which fit anywhere.
  const searches = pieces
    .slice(1, -1)
    .filter((piece) => piece.length > 0)
    .map(compileSearch)
  const kind = wildcard < 0 && searches.length === 0 && last.length === 0 ? 'prefix' : 'other'
  const matches = (bytes: Uint8Array, start: number, end: number): boolean => {
    let at = endOf(first, bytes, start, end)
    if (at < 0) return false
    const tail = startOf(last, bytes, at, end)
    if (tail < 0) return false
    for (const search of searches) {
      at = search(bytes, at, tail)
      if (at < 0) return false
    }
    return true
  }
  return { prefix, kind, matches }
}

/** Where the piece ends when it stands at `at`, or -1. */
function endOf(piece: readonly number[], bytes: Uint8Array, at: number, end: number): number {
  for (const unit of piece) {
    if (at >= end) return -1
    if (unit === ANY) at = nextCharacter(bytes, at, end)
    else if (bytes[at++] !== unit) return -1
  }
  return at
}

/** Where the piece starts when it ends at `end`, or -1 when it would begin before `start`. */
function startOf(piece: readonly number[], bytes: Uint8Array, start: number, end: number): number {
  let at = end
  for (let i = piece.length - 1; i >= 0; i--) {
    if (at <= start) return -1
    const unit = piece[i] as number
    at--
    if (unit !== ANY) {
      if (bytes[at] !== unit) return -1
    } else while (at > start && isContinuation(bytes[at] as number)) at--
  }
  return at
}

type Search = (bytes: Uint8Array, start: number, end: number) => number

/** Finds where the leftmost fit of a piece ends, or -1. */
function compileSearch(piece: readonly number[]): Search {
  return piece.includes(ANY) ? searchByTrying(piece) : searchBytes(piece)
}

function searchByTrying(piece: readonly number[]): Search {
  return (bytes, start, end) => {
    for (let at = start; at < end; at = nextCharacter(bytes, at, end)) {
      const after = endOf(piece, bytes, at, end)
      if (after >= 0) return after
    }
    return -1
  }
}

function searchBytes(piece: readonly number[]): Search {
  const length = piece.length
  const word = Uint8Array.from(piece)
  // back[i]: how much of the word still fits when its byte i does not.
  const back = new Int32Array(length)
  for (let i = 1, k = 0; i < length; i++) {
    while (k > 0 && word[i] !== word[k]) k = back[k - 1] as number
    if (word[i] === word[k]) k++
    back[i] = k
  }
  return (bytes, start, end) => {
    for (let at = start, k = 0; at < end; at++) {
      while (k > 0 && bytes[at] !== word[k]) k = back[k - 1] as number
      if (bytes[at] === word[k]) k++
      if (k === length) return at + 1
    }
    return -1
  }
}

function isContinuation(byte: number): boolean {
  return (byte & 0xc0) === 0x80
}

function nextCharacter(bytes: Uint8Array, at: number, end: number): number {
  at++
  while (at < end && isContinuation(bytes[at] as number)) at++
  return at
}

// A lone surrogate is U+FFFD, as in the UTF-8 encoder that literals go through.
function pushUtf8(out: number[], codePoint: number): void {
  const point = codePoint >= 0xd800 && codePoint <= 0xdfff ? 0xfffd : codePoint
  if (point < 0x80) out.push(point)
  else if (point < 0x800) out.push(0xc0 | (point >> 6), 0x80 | (point & 63))
  else if (point < 0x10000) out.push(0xe0 | (point >> 12), 0x80 | ((point >> 6) & 63), 0x80 | (point & 63))
  else out.push(0xf0 | (point >> 18), 0x80 | ((point >> 12) & 63), 0x80 | ((point >> 6) & 63), 0x80 | (point & 63))
}
