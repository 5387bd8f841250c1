// Whether Arrow columns from outside hold what they claim. One rule: no length, offset or text is believed before it is
// checked, because typed arrays answer reads beyond their end with nothing instead of an error.
import { type Data, type DataType, type RecordBatch, Type } from 'apache-arrow'
import { AlluviumError } from '../errors.js'
import { invalidUtf8At } from './string-bytes.js'

/** @throws AlluviumError `CORRUPT_DATA` naming the column whose buffers do not fit its length, or whose text is no UTF-8. */
export function checkArrowBatch(batch: RecordBatch, name: string): void {
  batch.schema.fields.forEach((field, i) => {
    const data = batch.data.children[i]
    if (data === undefined || data.length < batch.numRows) throw corrupt(name, field.name, 'it has fewer values than its batch has rows')
    checkData(data, name, field.name)
  })
}

function checkData(data: Data, name: string, path: string): void {
  const { length, nullBitmap } = data
  if (!Number.isSafeInteger(length) || length < 0) throw corrupt(name, path, `a length of ${length}`)
  if (nullBitmap !== undefined && nullBitmap.length > 0)
    need(nullBitmap.length * 8 >= data.offset + length, name, path, 'its validity bits')
  checkValues(data, name, path)
  const fields = (data.type as DataType).children as { name: string }[] | undefined
  data.children.forEach((child, i) => {
    checkData(child, name, `${path}.${fields?.[i]?.name ?? i}`)
  })
  for (const chunk of data.dictionary?.data ?? []) checkData(chunk as Data, name, path)
}

function checkValues(data: Data, name: string, path: string): void {
  const { length } = data
  const values = (data.values as { length: number } | undefined)?.length ?? 0
  switch (data.typeId) {
    case Type.Null:
      return
    case Type.Utf8:
    case Type.Binary:
    case Type.LargeUtf8:
    case Type.LargeBinary:
      checkOffsets(data, values, name, path)
      if (data.typeId === Type.Utf8 || data.typeId === Type.LargeUtf8) checkText(data, name, path)
      return
    case Type.List:
    case Type.LargeList:
    case Type.Map:
      checkOffsets(data, data.children[0]?.length ?? 0, name, path)
      return
    case Type.FixedSizeList:
      need((data.children[0]?.length ?? 0) >= length * data.stride, name, path, 'its elements')
      return
    case Type.Struct:
      for (const child of data.children) need(child.length >= length, name, path, 'its members')
      return
    case Type.Bool:
      need(values * 8 >= data.offset + length, name, path, 'its values')
      return
    case Type.Utf8View:
    case Type.BinaryView:
      need(values >= length * 16, name, path, 'its views')
      return
    default:
      need(values >= length * data.stride, name, path, 'its values')
  }
}

function checkOffsets(data: Data, bound: number, name: string, path: string): void {
  const { length } = data
  if (length === 0) return
  const offsets = data.valueOffsets as unknown as Int32Array | BigInt64Array
  need(offsets !== undefined && offsets.length > length, name, path, 'its offsets')
  let before = Number(offsets[0])
  let sound = before >= 0
  for (let i = 1; i <= length; i++) {
    const offset = Number(offsets[i])
    if (offset < before) sound = false
    before = offset
  }
  if (!sound || before > bound) throw corrupt(name, path, 'its offsets lead outside of its values')
}

// The text as a whole, then that no cell begins within a character.
function checkText(data: Data, name: string, path: string): void {
  const { length } = data
  if (length === 0) return
  const bytes = data.values as unknown as Uint8Array
  const offsets = data.valueOffsets as unknown as Int32Array | BigInt64Array
  const start = Number(offsets[0])
  const end = Number(offsets[length])
  let sound = invalidUtf8At(bytes, start, end) < 0
  for (let i = 1; sound && i < length; i++) {
    const at = Number(offsets[i])
    if (at < end && ((bytes[at] as number) & 0xc0) === 0x80) sound = false
  }
  if (!sound) throw corrupt(name, path, 'its text is not UTF-8')
}

function need(enough: boolean, name: string, path: string, what: string): void {
  if (!enough) throw corrupt(name, path, `${what} are fewer than its length says`)
}

function corrupt(name: string, path: string, problem: string): AlluviumError {
  return new AlluviumError('CORRUPT_DATA', `${name} is not sound Arrow data: column ${path}: ${problem}`, { path: name, column: path })
}
