// Damage to Parquet files that goes where it matters: single facts of the footer and of page headers, with all else in order.
import { concatBytes } from '../../src/bytes.js'
import { damageBytes } from './mutate.js'
import type { Random } from './random.js'
import { readStruct, type Value, writeStruct } from './thrift-tree.js'

const INTEGERS = [
  0n,
  1n,
  2n,
  3n,
  -1n,
  -2n,
  7n,
  127n,
  255n,
  256n,
  65_535n,
  65_536n,
  2n ** 20n,
  2n ** 30n,
  2n ** 31n - 1n,
  2n ** 31n,
  -(2n ** 31n),
  2n ** 32n,
  2n ** 40n,
  2n ** 53n,
  2n ** 62n,
  -(2n ** 63n),
  2n ** 63n - 1n,
]

/** A file with one to three things wrong. */
export function damageParquet(bytes: Uint8Array, random: Random): Uint8Array {
  let damaged = bytes
  const times = 1 + random.below(3)
  for (let i = 0; i < times; i++) {
    try {
      damaged = random.pick([damageFooter, damageFooter, damagePageHeader, damagePageHeader, damageBody])(damaged, random)
    } catch (error) {
      // What the damage before has left cannot be taken apart any more.
      if (!(error instanceof RangeError)) throw error
      damaged = damageBytes(damaged, random)
    }
  }
  return damaged
}

function footerOf(bytes: Uint8Array): { start: number; value: Value & { kind: 'struct' } } {
  if (bytes.length < 12) throw new RangeError('too short')
  const length = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getUint32(bytes.length - 8, true)
  const start = bytes.length - 8 - length
  if (start < 4) throw new RangeError('no footer')
  return { start, value: readStruct(bytes.subarray(0, bytes.length - 8), start).value }
}

function damageFooter(bytes: Uint8Array, random: Random): Uint8Array {
  const { start, value } = footerOf(bytes)
  damageTree(value, random)
  const footer = writeStruct(value)
  const tail = new Uint8Array(8)
  new DataView(tail.buffer).setUint32(0, random.oneIn(40) ? random.below(2 ** 31) : footer.length, true)
  tail.set([0x50, 0x41, 0x52, 0x31], 4)
  return concatBytes([bytes.subarray(0, start), footer, tail])
}

// The header of some page is changed in place; what it gains or loses is taken from the page's body, so that offsets hold.
function damagePageHeader(bytes: Uint8Array, random: Random): Uint8Array {
  const { value } = footerOf(bytes)
  const starts = pageStarts(bytes, value)
  if (starts.length === 0) throw new RangeError('no page')
  const start = random.pick(starts)
  const page = readStruct(bytes, start)
  damageTree(page.value, random)
  const header = writeStruct(page.value)
  const result = bytes.slice()
  result.set(header.subarray(0, result.length - start), start)
  return result
}

function damageBody(bytes: Uint8Array, random: Random): Uint8Array {
  const { start, value } = footerOf(bytes)
  const pages = pageStarts(bytes, value)
  if (pages.length === 0) throw new RangeError('no page')
  const page = random.pick(pages)
  const body = readStruct(bytes, page).end
  const result = bytes.slice()
  // Levels, lengths and run headers stand at the beginning of a body.
  const at = Math.min(start - 1, body + random.below(random.oneIn(2) ? 12 : 200))
  const count = 1 + random.below(4)
  for (let i = 0; i < count && at + i < start; i++) result[at + i] = random.pick([0, 1, 2, 3, 0x7f, 0x80, 0xff, random.below(256)])
  return result
}

/** Where the pages of all chunks begin, as far as the headers lead. */
function pageStarts(bytes: Uint8Array, footer: Value & { kind: 'struct' }): number[] {
  const starts: number[] = []
  for (const group of items(member(footer, 4))) {
    for (const chunk of items(member(group, 1))) {
      const facts = member(chunk, 3)
      const first = member(facts, 11) ?? member(facts, 9)
      const size = member(facts, 7)
      if (first?.kind !== 'int' || size?.kind !== 'int') continue
      let at = Number(first.value)
      const end = at + Number(size.value)
      for (let n = 0; n < 20 && at >= 4 && at < end && at < bytes.length; n++) {
        starts.push(at)
        try {
          const { value, end: body } = readStruct(bytes, at)
          const compressed = member(value, 3)
          if (compressed?.kind !== 'int' || compressed.value < 0n) break
          at = body + Number(compressed.value)
        } catch {
          break
        }
      }
    }
  }
  return starts
}

function member(value: Value | undefined, id: number): Value | undefined {
  return value?.kind === 'struct' ? value.fields.find((field) => field.id === id)?.value : undefined
}

function items(value: Value | undefined): readonly Value[] {
  return value?.kind === 'list' ? value.items : []
}

function damageTree(root: Value & { kind: 'struct' }, random: Random): void {
  const places: Value[] = []
  const visit = (value: Value): void => {
    places.push(value)
    if (value.kind === 'list') value.items.forEach(visit)
    if (value.kind === 'struct') for (const field of value.fields) visit(field.value)
  }
  visit(root)
  damageValue(random.pick(places), random)
}

function damageValue(value: Value, random: Random): void {
  switch (value.kind) {
    case 'bool':
      value.value = !value.value
      return
    case 'int':
      value.value = random.oneIn(3) ? BigInt.asIntN(64, value.value + BigInt(random.below(9) - 4)) : random.pick(INTEGERS)
      return
    case 'bytes':
    case 'raw':
      value.value = damageBytes(value.value, random)
      return
    case 'list': {
      const at = random.below(Math.max(1, value.items.length))
      const item = value.items[at]
      const kind = random.below(4)
      if (kind === 0) value.announced = random.pick([0, 1, value.items.length + 1, 2 ** 20, 2 ** 31 - 1])
      else if (kind === 1 || item === undefined) value.items.splice(at, 1)
      else if (kind === 2) value.items.splice(at, 0, item)
      else value.items.push(...value.items.slice(0, 200))
      return
    }
    default: {
      const at = random.below(Math.max(1, value.fields.length))
      const field = value.fields[at]
      if (field === undefined) return
      const kind = random.below(4)
      if (kind === 0) value.fields.splice(at, 1)
      else if (kind === 1) value.fields.splice(at, 0, field)
      else if (kind === 2) field.id = random.pick([0, 1, 2, field.id + 1, 15, 16, 40, 1000, -1])
      else field.type = random.pick([3, 5, 6, 8, 9, 12])
    }
  }
}
