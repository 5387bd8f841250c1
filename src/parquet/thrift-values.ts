// Single values out of thrift bytes by field. A field of another type than asked for counts as absent; the caller decides
// whether it can do without.
import { BINARY, I16, I32, I64, STRUCT, ThriftFault, type ThriftField, ThriftReader } from './thrift.js'

const MAX_STRUCTS = 1_000_000

/** The fields of the struct at a place, by id. */
export function fieldsAt(bytes: Uint8Array, start: number, end: number): Map<number, ThriftField> {
  const byId = new Map<number, ThriftField>()
  new ThriftReader(bytes, start, end).eachField((id, type, from, to) => byId.set(id, { id, type, start: from, end: to }))
  return byId
}

export function int32At(bytes: Uint8Array, field: ThriftField | undefined): number | undefined {
  if (field === undefined || (field.type !== I32 && field.type !== I16)) return undefined
  return new ThriftReader(bytes, field.start, field.end).int32()
}

export function int64At(bytes: Uint8Array, field: ThriftField | undefined): number | undefined {
  if (field === undefined || (field.type !== I64 && field.type !== I32)) return undefined
  return new ThriftReader(bytes, field.start, field.end).int64()
}

export function binaryAt(bytes: Uint8Array, field: ThriftField | undefined): Uint8Array | undefined {
  if (field === undefined || field.type !== BINARY) return undefined
  return new ThriftReader(bytes, field.start, field.end).binary()
}

/** Where each struct of a list lies. @throws ThriftFault also for more than `maxStructs` */
export function rangesOf(bytes: Uint8Array, list: ThriftField, maxStructs: number = MAX_STRUCTS): ThriftField[] {
  const reader = new ThriftReader(bytes, list.start, list.end)
  const { type, count } = reader.listHead()
  if (count > 0 && type !== STRUCT) throw new ThriftFault('a list of something else than structs', list.start)
  if (count > maxStructs) throw new ThriftFault(`a list of ${count} structs`, list.start)
  const ranges: ThriftField[] = []
  for (let i = 0; i < count; i++) {
    const start = reader.at
    reader.skip(STRUCT)
    ranges.push({ id: i, type: STRUCT, start, end: reader.at })
  }
  return ranges
}

export function textAt(bytes: Uint8Array, field: ThriftField | undefined): string | undefined {
  if (field === undefined || field.type !== BINARY) return undefined
  return new ThriftReader(bytes, field.start, field.end).text()
}
