// Commit files: newline-delimited JSON to actions and back, without loss (PROTOCOL.md, "Delta Log Entries", "Actions").
// The rule: whatever is not complete, well-formed JSON is CORRUPT_LOG with the version, the file and the line;
// a torn commit is never read as a shorter one. The columnar reader (commit-scanner.ts) shares this file's idea of a line.
import { decodeUtf8, decodeUtf8Strict, encodeUtf8 } from '../bytes.js'
import { AlluviumError, isAlluviumError } from '../errors.js'
import { type JsonValue, parseJson } from '../json.js'
import type { Action } from './actions.js'
import { formatAction } from './format-action.js'
import { skipBlanks, valueEnd } from './json-scan.js'
import { ActionFault, actionsOf } from './parse-action.js'

export { formatAction } from './format-action.js'

/** Whose bytes are being read, for messages. */
export interface CommitOrigin {
  readonly version: number
  /** Path of the file inside the table, for messages. */
  readonly path: string
}

/**
 * The actions of a commit in the order of the file. Blank lines are ignored, the last line may lack its line end,
 * unknown actions are kept as {@link UnknownAction}.
 * @throws AlluviumError `CORRUPT_LOG` with `version`, `path` and `line` (1-based) for an empty, torn or malformed file.
 * @example parseCommit(bytes, { version: 3, path: commitPath(3) })
 */
export function parseCommit(bytes: Uint8Array, origin: CommitOrigin): Action[] {
  const actions: Action[] = []
  assertNotEmpty(bytes, origin)
  forEachValue(bytes, origin, (start, end, line) => {
    for (const action of parseValue(bytes, start, end, line, origin)) actions.push(action)
  })
  return actions
}

/** A commit file: one action a line, each line ended. */
export function formatCommit(actions: readonly Action[]): Uint8Array {
  return encodeUtf8(actions.map((action) => `${formatAction(action)}\n`).join(''))
}

/**
 * The action of one line of a log.
 * @throws AlluviumError `CORRUPT_LOG`; also when the line holds none or several.
 */
export function parseAction(line: string, origin: CommitOrigin = { version: -1, path: 'a line' }): Action {
  const actions = parseCommit(encodeUtf8(line), origin)
  if (actions.length !== 1) throw corruptLine(origin, 1, `${actions.length} actions where one was expected`)
  return actions[0] as Action
}

/** Calls back with the byte range and 1-based line of every JSON value of a log file, each checked to be complete. */
export function forEachValue(
  bytes: Uint8Array,
  origin: CommitOrigin,
  onValue: (start: number, end: number, line: number) => void,
  from = 0,
  firstLine = 1,
): void {
  let line = firstLine
  for (let at = from; at < bytes.length; line++) {
    const newline = bytes.indexOf(0x0a, at)
    const lineEnd = newline < 0 ? bytes.length : newline
    valuesOfLine(bytes, at, lineEnd, line, origin, onValue)
    at = lineEnd + 1
  }
}

/**
 * The values of one line, normally one. More JSON after the first is read too (a lost line end must lose no action);
 * anything else that trails must be free of JSON structure, as in logs that another engine has accepted for years.
 */
export function valuesOfLine(
  bytes: Uint8Array,
  start: number,
  lineEnd: number,
  line: number,
  origin: CommitOrigin,
  onValue: (start: number, end: number, line: number) => void,
): void {
  let at = skipBlanks(bytes, start, lineEnd)
  while (at < lineEnd) {
    const end = valueEnd(bytes, at, lineEnd)
    if (end < 0) throw malformed(bytes, at, lineEnd, line, origin)
    onValue(at, end, line)
    at = skipBlanks(bytes, end, lineEnd)
    if (at < lineEnd && bytes[at] !== 0x7b) {
      if (hasStructure(bytes, at, lineEnd)) throw corruptLine(origin, line, 'text after the action')
      return
    }
  }
}

/** The actions of the JSON value at `[start, end)`, which the caller has found to be complete. @throws AlluviumError `CORRUPT_LOG` */
export function parseValue(bytes: Uint8Array, start: number, end: number, line: number, origin: CommitOrigin): Action[] {
  try {
    return actionsOf(parseBytes(bytes, start, end))
  } catch (error) {
    if (error instanceof ActionFault) throw corruptLine(origin, line, error.message)
    if (isAlluviumError(error, 'INVALID_ROW')) throw corruptLine(origin, line, error.message)
    throw error
  }
}

/** A commit file without a byte is a torn one. @throws AlluviumError `CORRUPT_LOG` */
export function assertNotEmpty(bytes: Uint8Array, origin: CommitOrigin): void {
  if (bytes.length > 0) return
  throw new AlluviumError(
    'CORRUPT_LOG',
    `${origin.path} is empty: the commit of version ${origin.version} was torn while it was written; restore the file or remove it if no later version exists`,
    { version: origin.version, path: origin.path, line: 1 },
  )
}

/** The error of a line that is no action. */
export function corruptLine(origin: CommitOrigin, line: number, problem: string): AlluviumError {
  return new AlluviumError('CORRUPT_LOG', `line ${line} of ${origin.path} (version ${origin.version}) is no valid action: ${problem}`, {
    version: origin.version,
    path: origin.path,
    line,
  })
}

const MAX_LINE_BYTES = 2 ** 28
/** Arrays and objects in one action. What actions are made of are strings and a few maps of them. */
const MAX_CONTAINERS = 500_000

function parseBytes(bytes: Uint8Array, start: number, end: number): JsonValue {
  if (end - start > MAX_LINE_BYTES) throw new ActionFault(`an action of ${end - start} bytes is larger than ${MAX_LINE_BYTES}`)
  const ascii = decodeUtf8(bytes, start, end)
  // A text as long as its bytes is pure ASCII; anything else is decoded again strictly.
  if (ascii.length === end - start) return parseJson(ascii, MAX_CONTAINERS)
  const text = decodeUtf8Strict(bytes.subarray(start, end))
  if (text === undefined) throw new ActionFault('not valid UTF-8')
  return parseJson(text, MAX_CONTAINERS)
}

function malformed(bytes: Uint8Array, start: number, lineEnd: number, line: number, origin: CommitOrigin): AlluviumError {
  try {
    parseBytes(bytes, start, lineEnd)
  } catch (error) {
    const torn = lineEnd === bytes.length ? ' (the last line: the commit may have been torn while it was written)' : ''
    return corruptLine(origin, line, `${(error as Error).message}${torn}`)
  }
  return corruptLine(origin, line, 'malformed JSON')
}

function hasStructure(bytes: Uint8Array, start: number, end: number): boolean {
  for (let i = start; i < end; i++) {
    const c = bytes[i]
    if (c === 0x7b || c === 0x7d || c === 0x5b || c === 0x5d || c === 0x22 || c === 0x3a || c === 0x2c || c === 0x5c) return true
    // A file system that lost power leaves zeros where the rest of a commit was.
    if (c === 0) return true
  }
  return false
}
