// Parquet files of an odd shape: very many of something, very deep, or far more inside than outside.
// One rule: each is sound but for its one excess.
import { concatBytes } from '../../src/bytes.js'
import { STRUCT, ThriftWriter } from '../../src/parquet/thrift.js'
import { handFile, sealed } from './parquet-bytes.js'

const zeros = (bytes: number): Uint8Array => new Uint8Array(bytes)

function footer(write: (writer: ThriftWriter) => void): Uint8Array {
  const writer = new ThriftWriter()
  writer.beginStruct()
  writer.int32(1, 1)
  write(writer)
  writer.endStruct()
  return sealed(zeros(0), writer.finish().slice())
}

function element(writer: ThriftWriter, name: string, children: number | undefined): void {
  writer.beginStruct()
  if (children === undefined) writer.int32(1, 2)
  writer.int32(3, 0)
  writer.text(4, name)
  if (children !== undefined) writer.int32(5, children)
  writer.endStruct()
}

export function manyGroups(count: number): Uint8Array {
  return footer((writer) => {
    writer.list(2, STRUCT, 2)
    element(writer, 'root', 1)
    element(writer, 'id', undefined)
    writer.int64(3, 0)
    writer.list(4, STRUCT, count)
    for (let i = 0; i < count; i++) {
      writer.beginStruct()
      writer.list(1, STRUCT, 0)
      writer.int64(3, 0)
      writer.endStruct()
    }
  })
}

export function manyColumns(count: number): Uint8Array {
  return footer((writer) => {
    writer.list(2, STRUCT, count + 1)
    element(writer, 'root', count)
    for (let i = 0; i < count; i++) element(writer, i === 0 ? 'id' : `c${i}`, undefined)
    writer.int64(3, 0)
    writer.list(4, STRUCT, 0)
  })
}

export function deepColumns(depth: number): Uint8Array {
  return footer((writer) => {
    writer.list(2, STRUCT, depth + 1)
    for (let i = 0; i < depth; i++) element(writer, `g${i}`, 1)
    element(writer, 'id', undefined)
    writer.int64(3, 0)
    writer.list(4, STRUCT, 0)
  })
}

// One frame of blocks that each repeat a zero.
export function zstdOfZeros(bytes: number): Uint8Array {
  const parts = [Uint8Array.of(0x28, 0xb5, 0x2f, 0xfd, 0, 0x58)]
  for (let left = bytes; left > 0; left -= 131_072) {
    const header = (Math.min(left, 131_072) << 3) | 2 | (left <= 131_072 ? 1 : 0)
    parts.push(Uint8Array.of(header & 255, (header >> 8) & 255, header >> 16, 0))
  }
  return concatBytes(parts)
}

export function repeatedText(rows: number): Uint8Array {
  const length = 2 ** 20
  const entry = new Uint8Array(4 + length).fill(0x61)
  new DataView(entry.buffer).setUint32(0, length, true)
  const varint = (value: number): number[] => (value < 128 ? [value] : [(value & 127) | 128, ...varint(value >>> 7)])
  return handFile({
    physicalType: 6,
    numRows: rows,
    pages: [
      { type: 2, numValues: 1, body: entry },
      { numValues: rows, encoding: 8, body: Uint8Array.from([1, ...varint(rows * 2), 0]) },
    ],
  })
}
