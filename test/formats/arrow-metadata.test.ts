import { Int32, Table, tableToIPC, vectorFromArray } from 'apache-arrow'
import { expect, test } from 'vitest'
import { checkMessage } from '../../src/formats/arrow-metadata.js'

/** Writes FlatBuffers front to back: every table has its vtable just before it, offsets are set once their target is known. */
class FlatWriter {
  private readonly bytes: number[] = [0, 0, 0, 0]

  get at(): number {
    return this.bytes.length
  }

  /** A table with 4 bytes for each slot named; answers the place of each slot's value. */
  table(slots: readonly number[]): { table: number; places: number[] } {
    const count = Math.max(...slots) + 1
    this.u16(4 + count * 2)
    this.u16(4 + slots.length * 4)
    for (let slot = 0; slot < count; slot++) this.u16(slots.includes(slot) ? 4 + slots.indexOf(slot) * 4 : 0)
    const table = this.at
    this.u32(4 + count * 2)
    return { table, places: slots.map(() => this.u32(0)) }
  }

  vector(length: number): { vector: number; places: number[] } {
    const vector = this.u32(length)
    return { vector, places: Array.from({ length }, () => this.u32(0)) }
  }

  /** Makes the offset at `place` lead to `target`. */
  point(place: number, target: number): void {
    this.set(place, target - place)
  }

  set(place: number, value: number): void {
    for (let i = 0; i < 4; i++) this.bytes[place + i] = (value >> (i * 8)) & 255
  }

  done(): Uint8Array {
    return Uint8Array.from(this.bytes)
  }

  private u16(value: number): void {
    this.bytes.push(value & 255, value >> 8)
  }

  private u32(value: number): number {
    const place = this.at
    this.bytes.push(0, 0, 0, 0)
    this.set(place, value)
    return place
  }
}

// A schema message whose field has two children that are the same field, and so on.
function shared(levels: number): Uint8Array {
  const out = new FlatWriter()
  const message = out.table([1, 2])
  out.point(0, message.table)
  out.set(message.places[0] as number, 1)
  const schema = out.table([1])
  out.point(message.places[1] as number, schema.table)
  let places = [schema.places[0] as number]
  for (let level = 0; level < levels; level++) {
    const vector = out.vector(2)
    for (const place of places) out.point(place, vector.vector)
    const field = out.table([5])
    for (const place of vector.places) out.point(place, field.table)
    places = [field.places[0] as number]
  }
  const last = out.vector(0)
  out.point(places[0] as number, last.vector)
  return out.done()
}

test('parts that share parts are checked in time that the size bounds', () => {
  expect(checkMessage(shared(3))).toEqual({ kind: 'schema', bodyLength: 0 })
  expect(checkMessage(shared(60))).toBeUndefined()
}, 5000)

test('the metadata that apache-arrow writes is sound, and no beginning of it is', () => {
  const table = new Table({ a: vectorFromArray([1, 2], new Int32()) })
  const stream = tableToIPC(table, 'stream')
  const length = new DataView(stream.buffer, stream.byteOffset).getInt32(4, true)
  const metadata = stream.slice(8, 8 + length)
  expect(checkMessage(metadata)).toEqual({ kind: 'schema', bodyLength: 0 })
  for (const size of [0, 3, 4, 8, 16, length >> 1]) expect(checkMessage(metadata.subarray(0, size))).toBeUndefined()
})
