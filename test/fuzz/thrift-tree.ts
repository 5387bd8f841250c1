// Thrift's compact protocol as a tree that can be changed anywhere and written again: for damage that keeps the rest in order.

export type Value =
  | { kind: 'bool'; value: boolean }
  | { kind: 'int'; value: bigint }
  | { kind: 'bytes'; value: Uint8Array }
  | { kind: 'raw'; value: Uint8Array }
  | { kind: 'list'; type: number; items: Value[]; announced?: number }
  | { kind: 'struct'; fields: { id: number; type: number; value: Value }[] }

/** The struct at a place, and where it ends. */
export function readStruct(bytes: Uint8Array, start = 0): { value: Value & { kind: 'struct' }; end: number } {
  let at = start
  const byte = (): number => {
    if (at >= bytes.length) throw new RangeError('the thrift ends early')
    return bytes[at++] as number
  }
  const varint = (): bigint => {
    let value = 0n
    for (let shift = 0n; ; shift += 7n) {
      const next = byte()
      value |= BigInt(next & 127) << shift
      if (next < 128) return value
    }
  }
  const zigzag = (): bigint => {
    const value = varint()
    return (value >> 1n) ^ -(value & 1n)
  }
  const raw = (length: number): Uint8Array => bytes.slice(at, (at += length))
  const read = (type: number, inList: boolean): Value => {
    switch (type) {
      case 1:
      case 2:
        return { kind: 'bool', value: (inList ? byte() : type) === 1 }
      case 3:
        return { kind: 'raw', value: raw(1) }
      case 4:
      case 5:
      case 6:
        return { kind: 'int', value: zigzag() }
      case 7:
        return { kind: 'raw', value: raw(8) }
      case 8:
        return { kind: 'bytes', value: raw(Number(varint())) }
      case 9:
      case 10: {
        const head = byte()
        const count = head >> 4 === 15 ? Number(varint()) : head >> 4
        return { kind: 'list', type: head & 15, items: Array.from({ length: count }, () => read(head & 15, true)) }
      }
      case 12:
        return struct()
      default:
        throw new RangeError(`thrift type ${type}`)
    }
  }
  const struct = (): Value & { kind: 'struct' } => {
    const fields: { id: number; type: number; value: Value }[] = []
    for (let id = 0; ; ) {
      const head = byte()
      if ((head & 15) === 0) return { kind: 'struct', fields }
      id = head >> 4 === 0 ? Number(zigzag()) : id + (head >> 4)
      fields.push({ id, type: head & 15, value: read(head & 15, false) })
    }
  }
  const value = struct()
  return { value, end: at }
}

/** The bytes of a struct. */
export function writeStruct(value: Value): Uint8Array {
  const out: number[] = []
  const varint = (number: bigint): void => {
    let rest = BigInt.asUintN(64, number)
    for (; rest > 127n; rest >>= 7n) out.push(Number(rest & 127n) | 128)
    out.push(Number(rest))
  }
  const write = (each: Value, inList: boolean): void => {
    if (each.kind === 'bool') {
      if (inList) out.push(each.value ? 1 : 2)
    } else if (each.kind === 'int') varint(BigInt.asUintN(64, (each.value << 1n) ^ (each.value >> 63n)))
    else if (each.kind === 'raw') out.push(...each.value)
    else if (each.kind === 'bytes') {
      varint(BigInt(each.value.length))
      for (const byte of each.value) out.push(byte)
    } else if (each.kind === 'list') {
      const count = each.announced ?? each.items.length
      if (count < 15 && count >= 0) out.push((count << 4) | each.type)
      else {
        out.push(0xf0 | each.type)
        varint(BigInt(count))
      }
      for (const item of each.items) write(item, true)
    } else {
      let last = 0
      for (const { id, type, value: member } of each.fields) {
        const kind = member.kind === 'bool' ? (member.value ? 1 : 2) : type
        const delta = id - last
        if (delta > 0 && delta < 16) out.push((delta << 4) | kind)
        else {
          out.push(kind)
          varint(BigInt.asUintN(64, BigInt((id << 1) ^ (id >> 31))))
        }
        last = id
        write(member, false)
      }
      out.push(0)
    }
  }
  write(value, false)
  return Uint8Array.from(out)
}
