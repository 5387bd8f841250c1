// Bytes of variant values out of their parts: what putting shredded values together again needs.
import { compareText, encodeUtf8 } from '../../bytes.js'
import * as code from './encoding.js'
import type { VariantNames } from './names.js'

const TWO_64 = 2n ** 64n

/** A value that is its type alone: null, true, false. */
export function bareValue(id: number): Uint8Array {
  return Uint8Array.of(id << 2)
}

/** A primitive of fixed size; `write` fills in the bytes after the first. */
export function fixedValue(id: number, write: (view: DataView) => void): Uint8Array {
  const bytes = new Uint8Array(1 + (code.PRIMITIVE_BYTES[id] as number))
  bytes[0] = id << 2
  write(new DataView(bytes.buffer, 1))
  return bytes
}

export function bytesValue(id: number, content: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(5 + content.length)
  bytes[0] = id << 2
  new DataView(bytes.buffer).setUint32(1, content.length, true)
  bytes.set(content, 5)
  return bytes
}

export function textValue(utf8: Uint8Array): Uint8Array {
  if (utf8.length > code.MAX_SHORT_STRING) return bytesValue(code.STRING, utf8)
  const bytes = new Uint8Array(1 + utf8.length)
  bytes[0] = (utf8.length << 2) | code.SHORT_STRING
  bytes.set(utf8, 1)
  return bytes
}

/** A decimal in the size that its precision asks for. */
export function decimalValue(unscaled: bigint, precision: number, scale: number): Uint8Array {
  const id = precision <= 9 ? code.DECIMAL4 : precision <= 18 ? code.DECIMAL8 : code.DECIMAL16
  return fixedValue(id, (view) => {
    view.setUint8(0, scale)
    if (id === code.DECIMAL4) view.setInt32(1, Number(unscaled), true)
    else view.setBigInt64(1, BigInt.asIntN(64, unscaled), true)
    if (id === code.DECIMAL16) view.setBigInt64(9, (unscaled - BigInt.asUintN(64, unscaled)) / TWO_64, true)
  })
}

export function arrayValue(items: readonly Uint8Array[]): Uint8Array {
  return container(code.ARRAY, [], items)
}

/** An object of fields by their ids in the dictionary, each name once. */
export function objectValue(names: VariantNames, ids: readonly number[], values: readonly Uint8Array[]): Uint8Array {
  const order = ids.map((_, i) => i).sort((a, b) => compareText(names.name(ids[a] as number), names.name(ids[b] as number)))
  return container(
    code.OBJECT,
    order.map((i) => ids[i] as number),
    order.map((i) => values[i] as Uint8Array),
  )
}

/** The dictionary of some names, for values made from nothing. */
export function metadataValue(names: readonly string[]): Uint8Array {
  const texts = names.map(encodeUtf8)
  const total = texts.reduce((sum, text) => sum + text.length, 0)
  const size = sizeOf(Math.max(total, names.length))
  const bytes = new Uint8Array(1 + size * (names.length + 2) + total)
  bytes[0] = 1 | ((size - 1) << 6)
  putUint(bytes, 1, names.length, size)
  let at = 1 + size
  let end = 0
  putUint(bytes, at, 0, size)
  for (const text of texts) putUint(bytes, (at += size), (end += text.length), size)
  at += size
  for (const text of texts) {
    bytes.set(text, at)
    at += text.length
  }
  return bytes
}

function container(basic: number, ids: readonly number[], values: readonly Uint8Array[]): Uint8Array {
  const total = values.reduce((sum, value) => sum + value.length, 0)
  const countSize = values.length > 255 ? 4 : 1
  const offsetSize = sizeOf(total)
  const idSize = ids.length === 0 ? 1 : sizeOf(Math.max(...ids))
  const isObject = basic === code.OBJECT
  const large = countSize === 4 ? 1 : 0
  const header = isObject ? (large << 4) | ((idSize - 1) << 2) | (offsetSize - 1) : (large << 2) | (offsetSize - 1)
  const bytes = new Uint8Array(1 + countSize + ids.length * idSize + (values.length + 1) * offsetSize + total)
  bytes[0] = (header << 2) | basic
  putUint(bytes, 1, values.length, countSize)
  let at = 1 + countSize
  for (const id of ids) {
    putUint(bytes, at, id, idSize)
    at += idSize
  }
  let end = 0
  putUint(bytes, at, 0, offsetSize)
  for (const value of values) putUint(bytes, (at += offsetSize), (end += value.length), offsetSize)
  at += offsetSize
  for (const value of values) {
    bytes.set(value, at)
    at += value.length
  }
  return bytes
}

function sizeOf(value: number): number {
  return value < 0x100 ? 1 : value < 0x1_0000 ? 2 : value < 0x100_0000 ? 3 : 4
}

function putUint(bytes: Uint8Array, at: number, value: number, size: number): void {
  for (let i = 0, rest = value; i < size; i++, rest = Math.floor(rest / 256)) bytes[at + i] = rest & 255
}
