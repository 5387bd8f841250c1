// Cells of struct, array and map. One rule: a value with a fault anywhere inside is not ended, so that the record can be
// taken back; and no few bytes of input may become unbounded memory.
import type { ListBuilder, MapBuilder, StructBuilder } from '../arrow/index.js'
import { decodeUtf8 } from '../bytes.js'
import { Cell } from './cell.js'
import { JsonScanner } from './json-scanner.js'
import type { ObjectReader } from './object-reader.js'

/** A cell whose text form is JSON. */
abstract class NestedCell extends Cell {
  private textScan: JsonScanner | undefined

  appendText(scan: JsonScanner, bytes: Uint8Array, start: number, end: number): string | undefined {
    this.textScan ??= new JsonScanner(scan.faults, true)
    const inner = this.textScan
    inner.attach(bytes, start, end)
    inner.cells = scan.cells
    this.readJson(inner, inner.next())
    scan.cells = inner.cells
    return inner.next() === -1 ? undefined : 'malformed JSON: text after the value'
  }
}

export class StructCell extends NestedCell {
  private readonly builder: StructBuilder
  private readonly reader: ObjectReader

  constructor(builder: StructBuilder, reader: ObjectReader) {
    super(builder, reader.weight)
    this.builder = builder
    this.reader = reader
  }

  override abandon(): void {
    for (const cell of this.reader.cells) cell.abandon()
    this.builder.abandonCell()
  }

  protected readValue(scan: JsonScanner, c: number): void {
    if (c !== 0x7b) {
      scan.mismatch(this.path, 'an object')
      return
    }
    scan.addCells(this.weight, this.path)
    this.reader.read(scan)
    if (scan.faults.empty) this.builder.endCell()
  }
}

export class ListCell extends NestedCell {
  private readonly builder: ListBuilder
  private readonly element: Cell

  constructor(builder: ListBuilder, element: Cell) {
    super(builder)
    this.builder = builder
    this.element = element
  }

  override abandon(): void {
    this.element.abandon()
    this.builder.abandonCell()
  }

  protected readValue(scan: JsonScanner, c: number): void {
    if (c !== 0x5b) {
      scan.mismatch(this.path, 'an array')
      return
    }
    scan.pos++
    if (scan.next() === 0x5d) scan.pos++
    else {
      do this.element.readJson(scan, scan.next())
      while (scan.more(0x5d, this.path))
    }
    if (scan.faults.empty) this.builder.endCell()
  }
}

/** `map`: an object, or an array of pairs `[key, value]`. A key that stands twice is a fault: readers would disagree on its value. */
export class MapCell extends NestedCell {
  private readonly builder: MapBuilder
  private readonly key: Cell
  private readonly value: Cell
  private readonly seen: Set<string> = new Set()

  constructor(builder: MapBuilder, key: Cell, value: Cell) {
    super(builder)
    this.builder = builder
    this.key = key
    this.value = value
  }

  override abandon(): void {
    this.key.abandon()
    this.value.abandon()
    this.builder.abandonCell()
  }

  protected readValue(scan: JsonScanner, c: number): void {
    if (c !== 0x7b && c !== 0x5b) {
      scan.mismatch(this.path, 'an object or an array of pairs')
      return
    }
    const close = c + 2
    this.seen.clear()
    scan.pos++
    if (scan.next() === close) scan.pos++
    else {
      do c === 0x7b ? this.readMember(scan) : this.readPair(scan)
      while (scan.more(close, this.path))
    }
    if (scan.faults.empty) this.builder.endCell()
  }

  private readMember(scan: JsonScanner): void {
    if (scan.next() !== 0x22) scan.broken(this.path, 'a key in quotes expected')
    const start = scan.pos
    scan.string(this.key.path)
    const problem = scan.textProblem ?? this.repeated(scan.text()) ?? this.appendKey(scan)
    if (problem !== undefined) scan.bad(this.key.path, start, problem)
    scan.expect(0x3a, this.path, "':' expected after a key")
    this.value.readJson(scan, scan.next())
  }

  private readPair(scan: JsonScanner): void {
    if (scan.next() !== 0x5b) {
      scan.mismatch(this.path, 'a pair [key, value]')
      return
    }
    scan.pos++
    const c = scan.next()
    const start = scan.pos
    this.key.readJson(scan, c)
    if (scan.faults.empty) {
      const problem = this.repeated(c === 0x22 ? scan.text() : decodeUtf8(scan.bytes, start, scan.pos))
      if (problem !== undefined) scan.bad(this.key.path, start, problem)
    }
    scan.expect(0x2c, this.path, 'a pair [key, value] expected')
    this.value.readJson(scan, scan.next())
    scan.expect(0x5d, this.path, "']' expected after a pair")
  }

  private appendKey(scan: JsonScanner): string | undefined {
    return this.key.appendText(scan, scan.textBytes, scan.textStart, scan.textEnd)
  }

  private repeated(key: string): string | undefined {
    const canonical = this.key.canonical(key)
    if (this.seen.has(canonical)) return 'this key stands twice in one map'
    this.seen.add(canonical)
    return undefined
  }
}
