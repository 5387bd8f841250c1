// Commit bytes straight into the file table: adds become rows and removes entries of a list, without an object each.
// The fast path takes the plain shapes that writers produce; at the least surprise it hands the line to the parser
// (commit-json.ts), so that both always agree on what is valid and what it means.
import { decodeUtf8, encodeUtf8 } from '../bytes.js'
import type { Action, AddFile, RemoveFile } from './actions.js'
import { assertNotEmpty, type CommitOrigin, parseValue, valuesOfLine } from './commit-json.js'
import { FieldScan } from './field-scan.js'
import { type FileTable, vectorId } from './file-table.js'
import { Pattern, skipBlanks, standsAt, stringEnd, stringWasEscaped, valueEnd } from './json-scan.js'
import { isActionName } from './parse-action.js'
import { RemoveList } from './remove-list.js'
import { CHUNK_MASK, HAS_VECTOR, PARSE_LINE } from './row-chunk.js'

const ADD = new Pattern('{"add":{')
const REMOVE = new Pattern('{"remove":{')
const COMMIT_INFO = new Pattern('{"commitInfo":')

/** No action has a longer name. */
const LONGEST_NAME = 64

/** The source of staged rows that point into the commit's own bytes, while those are no source yet. */
export const IN_COMMIT = -1

/** What a commit says beside its file actions. */
export interface ScannedCommit {
  /** protocol, metaData, txn, domainMetadata and sidecar actions in the order of the file. */
  readonly actions: readonly Action[]
  /** The last commitInfo's byte range in the commit, or -1. */
  readonly infoStart: number
  readonly infoEnd: number
  /** Bytes of the lines that rows with the source given to the scan point into. */
  readonly lineBytes: number
}

/**
 * Stages the adds of a commit as rows of `table` (which are no part of it until they are put) and its removes in
 * `removes`. On an error the caller truncates the table.
 */
export class CommitScanner {
  readonly removes: RemoveList = new RemoveList()
  private readonly table: FileTable
  private readonly fields: FieldScan
  private bytes: Uint8Array = new Uint8Array(0)
  private view: DataView = new DataView(new ArrayBuffer(0))
  private actions: Action[] = []
  private infoStart = -1
  private infoEnd = -1
  private sourceId = IN_COMMIT
  private lineBytes = 0

  constructor(table: FileTable) {
    this.table = table
    this.fields = new FieldScan(table)
  }

  /** @throws AlluviumError `CORRUPT_LOG` with the line; `LIMIT_EXCEEDED` */
  scan(bytes: Uint8Array, sourceId: number, origin: CommitOrigin): ScannedCommit {
    assertNotEmpty(bytes, origin)
    this.sourceId = sourceId
    this.lineBytes = 0
    this.bytes = bytes
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    this.fields.begin(this.view)
    this.removes.clear()
    this.actions = []
    this.infoStart = -1
    this.infoEnd = -1
    const onValue = (start: number, end: number, line: number): void => this.parseSlowly(start, end, line, origin)
    for (let at = 0, line = 1; at < bytes.length; line++) {
      let next = this.scanLine(at)
      if (next < 0) {
        const newline = bytes.indexOf(0x0a, at)
        next = newline < 0 ? bytes.length : newline
        valuesOfLine(bytes, at, next, line, origin, onValue)
        next++
      }
      at = next
    }
    return { actions: this.actions, infoStart: this.infoStart, infoEnd: this.infoEnd, lineBytes: this.lineBytes }
  }

  // The start of the next line, or -1 where this one needs the parser.
  private scanLine(at: number): number {
    const { view } = this
    if (standsAt(view, at, ADD)) return this.scanAdd(at)
    if (standsAt(view, at, REMOVE)) return this.scanRemove(at)
    if (standsAt(view, at, COMMIT_INFO)) return this.scanInfo(at)
    return this.scanUnknown(at)
  }

  // An action nobody here knows must be valid JSON, but nothing is made of it, whatever its size.
  private scanUnknown(line: number): number {
    const bytes = this.bytes
    if (bytes[line] !== 0x7b || bytes[line + 1] !== 0x22) return -1
    const nameEnd = stringEnd(bytes, line + 2, bytes.length)
    if (nameEnd < 0 || stringWasEscaped() || bytes[nameEnd + 1] !== 0x3a) return -1
    if (isActionName(decodeUtf8(bytes, line + 2, Math.min(nameEnd, line + 2 + LONGEST_NAME)))) return -1
    const close = valueEnd(bytes, nameEnd + 2, bytes.length, 1)
    return close < 0 ? -1 : lineEnd(bytes, close)
  }

  private scanAdd(line: number): number {
    const { table, bytes, fields } = this
    const chunk = table.reserve()
    const i = table.rowCount & CHUNK_MASK
    const close = fields.add(bytes, line + ADD.length, chunk, i, table.rowCount)
    const next = close < 0 ? -1 : lineEnd(bytes, close)
    if (next < 0) {
      chunk.clearPartitions(i, i + 1)
      table.vectors.delete(table.rowCount)
      return -1
    }
    chunk.source[i] = this.sourceId
    chunk.line[i] = line
    chunk.lineLength[i] = close + 1 - line
    this.lineBytes += close + 1 - line
    chunk.removed[i] = 0
    table.rowCount++
    return next
  }

  private scanRemove(line: number): number {
    const { bytes, fields, table } = this
    const close = fields.remove(bytes, line + REMOVE.length)
    const next = close < 0 ? -1 : lineEnd(bytes, close)
    if (next < 0) return -1
    const vector = fields.vector === undefined ? undefined : vectorId(fields.vector)
    this.removes.push(fields.keyHash(), fields.pathStart, fields.pathEnd - fields.pathStart, table.rowCount, vector)
    return next
  }

  // Commit information is only looked at when asked for; here it must be complete.
  private scanInfo(line: number): number {
    const bytes = this.bytes
    const start = line + COMMIT_INFO.length
    if (bytes[start] !== 0x7b) return -1
    const close = valueEnd(bytes, start, bytes.length, 1)
    const next = close < 0 ? -1 : lineEnd(bytes, close)
    if (next >= 0) {
      this.infoStart = line
      this.infoEnd = close + 1
    }
    return next
  }

  private parseSlowly(start: number, end: number, line: number, origin: CommitOrigin): void {
    for (const action of parseValue(this.bytes, start, end, line, origin)) {
      switch (action.kind) {
        case 'add':
          this.addSlowly(action, start, end)
          break
        case 'remove':
          this.removeSlowly(action)
          break
        case 'commitInfo':
          this.infoStart = start
          this.infoEnd = end
          break
        case 'protocol':
        case 'metaData':
        case 'txn':
        case 'domainMetadata':
        case 'sidecar':
          this.actions.push(action)
          break
        default:
          break
      }
    }
  }

  private addSlowly(action: AddFile, start: number, end: number): void {
    const { table } = this
    const path = encodeUtf8(action.path)
    const length = end - start
    const room = table.allocate(length + path.length)
    room.bytes.set(this.bytes.subarray(start, end), room.at)
    room.bytes.set(path, room.at + length)
    const chunk = table.reserve()
    const row = table.rowCount
    const i = row & CHUNK_MASK
    chunk.clearPartitions(i, i + 1)
    chunk.source[i] = room.source
    chunk.line[i] = room.at
    chunk.lineLength[i] = length
    chunk.path[i] = room.at + length
    chunk.pathLength[i] = path.length
    chunk.statsLength[i] = 0
    chunk.removed[i] = 0
    chunk.size[i] = action.size
    chunk.modificationTime[i] = action.modificationTime
    chunk.flags[i] = action.deletionVector === undefined ? PARSE_LINE : PARSE_LINE | HAS_VECTOR
    const vector = action.deletionVector === undefined ? undefined : vectorId(action.deletionVector)
    chunk.hash[i] = table.keyHash(path, 0, path.length, vector)
    if (action.deletionVector !== undefined) table.vectors.set(row, action.deletionVector)
    for (const [name, value] of Object.entries(action.partitionValues)) {
      const key = encodeUtf8(name)
      const column = table.partitionColumn(key, 0, key.length, 0)
      chunk.partitionIds(column.ordinal)[i] = value === null ? column.dictionary.internNull() : column.dictionary.internText(value)
    }
    table.rowCount++
  }

  private removeSlowly(action: RemoveFile): void {
    const path = encodeUtf8(action.path)
    const vector = action.deletionVector === undefined ? undefined : vectorId(action.deletionVector)
    const hash = this.table.keyHash(path, 0, path.length, vector)
    this.removes.push(hash, 0, path.length, this.table.rowCount, vector, path)
  }
}

// After the action's object: its line's closing brace and end. The start of the next line, or -1.
function lineEnd(bytes: Uint8Array, close: number): number {
  if (bytes[close] !== 0x7d) return -1
  const at = skipBlanks(bytes, close + 1, bytes.length)
  if (at >= bytes.length) return bytes.length
  return bytes[at] === 0x0a ? at + 1 : -1
}
