// Statistics of a file that somebody else wrote, from its footer. Rule: only what is surely a bound is taken for one, so
// texts, which footers may cut, and floating numbers, of which footers may hide NaN, have none.
import type { ParquetFile } from '../parquet/index.js'
import { type DataType, formatDateDays, type StructType } from '../schema/index.js'

const INT32 = 1
const INT64 = 2

/** The statistics of a file as the text of an add: rows, null counts, and bounds of whole numbers and dates. */
export function footerStats(file: ParquetFile, columns: StructType): string {
  const min: string[] = []
  const max: string[] = []
  const nulls: string[] = []
  for (const { name, dataType } of columns.fields) {
    const leaf = file.rowGroups[0]?.columns.findIndex(({ path }) => path.length === 1 && path[0] === name) ?? -1
    if (leaf < 0) continue
    const chunks = file.rowGroups.map((group) => group.columns[leaf])
    const counts = chunks.map((chunk) => chunk?.nullCount)
    if (counts.every((count) => count !== undefined)) nulls.push(`${JSON.stringify(name)}:${counts.reduce((sum, count) => sum + count, 0)}`)
    const withValues = chunks.filter((chunk) => chunk !== undefined && chunk.nullCount !== chunk.numValues)
    const values = withValues.map(
      (chunk) =>
        [numberOf(dataType, chunk?.physicalType, chunk?.minValue), numberOf(dataType, chunk?.physicalType, chunk?.maxValue)] as const,
    )
    if (values.length === 0 || values.some(([low, high]) => low === undefined || high === undefined)) continue
    const lows = values.map(([low]) => low as bigint)
    const highs = values.map(([, high]) => high as bigint)
    min.push(`${JSON.stringify(name)}:${textOf(dataType, outermost(lows, -1))}`)
    max.push(`${JSON.stringify(name)}:${textOf(dataType, outermost(highs, 1))}`)
  }
  return `{"numRecords":${file.numRows},"minValues":{${min.join(',')}},"maxValues":{${max.join(',')}},"nullCount":{${nulls.join(',')}}}`
}

function numberOf({ type }: DataType, physicalType: number | undefined, bytes: Uint8Array | undefined): bigint | undefined {
  if (bytes === undefined || !['byte', 'short', 'integer', 'long', 'date'].includes(type)) return undefined
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  if (physicalType === INT32 && bytes.length === 4) return BigInt(view.getInt32(0, true))
  return physicalType === INT64 && bytes.length === 8 ? view.getBigInt64(0, true) : undefined
}

function textOf({ type }: DataType, value: bigint): string {
  return type === 'date' ? `"${formatDateDays(Number(value))}"` : String(value)
}

function outermost(values: readonly bigint[], side: 1 | -1): bigint {
  return [...values].sort((a, b) => (a === b ? 0 : a < b ? side : -side))[0] as bigint
}
