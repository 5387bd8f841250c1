// Members of JSON objects to cells. Its one rule: keys are compared as bytes, in the order of the object before, so that
// the usual record costs no key text and no lookup; a key that stands twice is a fault, because one value would be lost.
import { encodeUtf8 } from '../bytes.js'
import type { Cell, CellOptions } from './cell.js'
import { printText } from './faults.js'
import type { JsonScanner } from './json-scanner.js'

const QUOTE = 0x22
/** Keys tried in the learnt order before the lookup by name: members left out cost that much each. */
const MAX_TRIES = 4
/** Unknown keys remembered, so that input with ever new keys does not fill memory. */
const MAX_IGNORED = 512
const MAX_IGNORED_BYTES = 64

/** A known key: with its quotes, as it usually stands in the input. */
class Key {
  readonly bytes: Uint8Array
  /** Undefined for a key that is to be ignored. */
  readonly cell: Cell | undefined
  /** Number of the object it was last met in. */
  stamp = 0
  /** The key that came after this one last time. */
  after: Key | undefined = undefined

  constructor(name: string, cell: Cell | undefined) {
    this.bytes = plainKey(name)
    this.cell = cell
  }
}

/** Reads the objects of one struct type (or of the table's rows). */
export class ObjectReader {
  readonly cells: readonly Cell[]
  /** Cells that one object makes, members of its structs included. */
  readonly weight: number
  private readonly path: string
  private readonly ignoreUnknown: boolean
  private readonly keys: readonly Key[]
  private readonly byName: Map<string, Key> = new Map()
  private readonly first: Key = new Key('', undefined)
  private stamp = 0
  private ignored = 0

  /** `names` and `cells` belong together; `path` is the struct's own, empty for rows. */
  constructor(names: readonly string[], cells: readonly Cell[], path: string, options: CellOptions) {
    this.cells = cells
    this.weight = cells.reduce((sum, cell) => sum + 1 + cell.weight, 0)
    this.path = path
    this.ignoreUnknown = options.ignoreUnknown
    this.keys = names.map((name, i) => new Key(name, cells[i]))
    let before = this.first
    this.keys.forEach((key, i) => {
      this.byName.set(names[i] as string, key)
      before.after = key
      before = key
    })
  }

  /** Consumes the object whose brace is at `scan.pos`: every cell has one more value then, or there are faults. */
  read(scan: JsonScanner): void {
    const stamp = ++this.stamp
    let found = 0
    let before = this.first
    scan.pos++
    let c = scan.next()
    if (c !== 0x7d) {
      for (;;) {
        if (c !== QUOTE) scan.broken(this.path, 'a key in quotes expected')
        const key = this.nextKey(scan, before)
        if (scan.next() !== 0x3a) scan.broken(this.path, "':' expected after a key")
        scan.pos++
        c = scan.next()
        if (key === undefined) scan.skip(this.path)
        else {
          if (key.cell === undefined) scan.skip(this.path)
          else if (key.stamp === stamp) this.duplicate(scan, key.cell)
          else {
            key.stamp = stamp
            found++
            key.cell.readJson(scan, c)
          }
          before = key
        }
        c = scan.next()
        if (c === 0x2c) {
          scan.pos++
          c = scan.next()
        } else if (c === 0x7d) break
        else scan.broken(this.path, "',' or '}' expected")
      }
    }
    scan.pos++
    if (found < this.keys.length) this.fillMissing(scan, stamp)
  }

  private fillMissing(scan: JsonScanner, stamp: number): void {
    for (const key of this.keys) {
      if (key.stamp !== stamp) (key.cell as Cell).missing(scan, 'missing, and the column is NOT NULL')
    }
  }

  // Consumes the key at `scan.pos`. Undefined for an unknown one; its fault is listed then, unless it is ignored.
  private nextKey(scan: JsonScanner, before: Key): Key | undefined {
    const { bytes, pos } = scan
    let key = before.after
    for (let tries = 0; key !== undefined && tries < MAX_TRIES; tries++) {
      const expected = key.bytes
      const length = expected.length
      let i = 1
      while (i < length && bytes[pos + i] === expected[i]) i++
      if (i === length && length > 0) {
        scan.pos = pos + length
        return key
      }
      key = key.after
    }
    return this.findKey(scan, before)
  }

  private findKey(scan: JsonScanner, before: Key): Key | undefined {
    const start = scan.pos
    scan.string(this.path)
    if (scan.textProblem !== undefined) {
      scan.bad(this.path, start, `${scan.textProblem} (in a key)`)
      return undefined
    }
    const name = scan.text()
    const key = this.byName.get(name) ?? this.unknown(scan, name)
    if (key !== undefined) before.after = key
    return key
  }

  private unknown(scan: JsonScanner, name: string): Key | undefined {
    if (!this.ignoreUnknown) {
      scan.faults.add(joinPath(this.path, printText(name)), '', 'no such column in the schema')
      return undefined
    }
    if (this.ignored >= MAX_IGNORED || name.length > MAX_IGNORED_BYTES) return undefined
    this.ignored++
    const key = new Key(name, undefined)
    this.byName.set(name, key)
    return key
  }

  private duplicate(scan: JsonScanner, cell: Cell): void {
    scan.faults.add(cell.path, '', 'this key stands twice in one object')
    scan.skip(cell.path)
  }
}

/** The dotted path of a member. */
export function joinPath(path: string, name: string): string {
  return path === '' ? name : `${path}.${name}`
}

// The key's bytes with quotes, or none where a JSON writer must or may escape it: such keys are found by name.
function plainKey(name: string): Uint8Array {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what JSON escapes
  return /["\\\u0000-\u001f]/.test(name) ? new Uint8Array(0) : encodeUtf8(`"${name}"`)
}
